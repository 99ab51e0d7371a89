"""What the fingerprint finds among edited copies, and which different photos it takes for the same."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from pathlib import Path

from plugins.vision.fingerprint import SAME_UP_TO, distance, fingerprint
from plugins.vision.measure.photos import pixels, shown


def report(data: Path, most: int) -> None:  # noqa: ARG001  # all pairs are few
    """Print hits per way of copying and false alarms, at the distance in use and around it."""
    with (data / "near_dup_pairs.csv").open(encoding="utf-8", newline="") as rows:
        pairs = list(csv.DictReader(rows))

    @cache
    def mark(name: str) -> str:
        return fingerprint(pixels(data / name))

    far = [(r, mark(r["file_a"]), mark(r["file_b"])) for r in shown(pairs, "pairs")]
    print("fingerprint: same photo at distance d or less; a store finds candidates by equal quarters of the print")
    for limit in (4, 6, 8, SAME_UP_TO, 12):
        near = [(r["same_photo"] == "1", _quarter(a, b)) for r, a, b in far if distance(a, b) <= limit]
        hits, quarters = sum(same for same, _ in near), sum(same and quarter for same, quarter in near)
        copies = sum(r["same_photo"] == "1" for r in pairs)
        false = f"{len(near) - hits} of {len(pairs) - copies} false alarms"
        print(f"d {limit:2}: {hits} of {copies} copies ({quarters} share a quarter), {false}")
    total = Counter(r["how"] for r in pairs if r["same_photo"] == "1")
    found = Counter(r["how"] for r, a, b in far if r["same_photo"] == "1" and distance(a, b) <= SAME_UP_TO)
    print(f"at d {SAME_UP_TO}, by way of copying: " + ", ".join(f"{how} {found[how]}/{n}" for how, n in sorted(total.items())))


def _quarter(a: str, b: str) -> bool:
    return any(a[i : i + 4] == b[i : i + 4] for i in range(0, 16, 4))
