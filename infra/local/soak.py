"""Soak: thousands of photos, some of them hostile, through one worker process. Every one is answered, and memory stays flat.

``python -m infra.local.soak --photos 2000`` runs a system of its own on a temporary folder, hands in claims with many photos each
over its API, and lets one worker look, which is not renewed. Exit status 1 says that a photo went unanswered, that the worker died,
or that it holds more and more. The same ``--seed`` plays the same photos.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from infra.bundle import BOUNDS, MIB
from infra.local.bench.photo import DATA, some
from infra.local.child import Child
from infra.local.client import until
from infra.local.drawn import strawberries
from infra.local.mall import STRAWBERRIES, Shop
from infra.local.system import System

#: Photos of one claim, and how many of a hundred are made hostile.
EACH, HOSTILE = 10, 30
#: After so many photos everything is loaded; by so much may the worker hold more at the end (MB).
SETTLED, GROWTH_MB = 200, 60
#: What one photo may take at the very most, reading words on a busy machine included.
ANSWER_S = 30.0
CLAIM = {"kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}


@dataclass(slots=True)
class Soaked:
    """What came of it. ``held_mb``: the worker's memory after each claim; ``reasons``: what was said of the photos."""

    photos: int = 0
    unanswered: int = 0
    deaths: int = 0
    held_mb: list[int] = field(default_factory=list)
    peak_mb: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def growth_mb(self) -> int:
        """What the worker holds more at the end than once everything was loaded."""
        settled = self.held_mb[min(SETTLED // EACH, len(self.held_mb)) - 1]
        return self.held_mb[-1] - settled

    @property
    def well(self) -> bool:
        """Whether all went as it must."""
        return not self.unanswered and not self.deaths and self.growth_mb <= GROWTH_MB


def main() -> int:
    """Soak, say what came of it, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.soak", description="Thousands of photos through one worker.")
    parser.add_argument("--photos", type=int, default=2_000, help="how many (2,000)")
    parser.add_argument("--seed", type=int, default=None, help="play the same photos again")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with images/ (drawn ones where there is none)")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the folder goes, too
    seed = random.randrange(2**32) if args.seed is None else args.seed  # noqa: S311 (a number to name a run by)
    print(f"to play the same photos again: --seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="aftersales-soak-") as folder, System(Path(folder) / "home") as system:
        soaked = soak(system, args.photos, random.Random(seed), args.data, lambda line: print(line, flush=True))  # noqa: S311
    print(f"{soaked.photos} photos, {soaked.unanswered} unanswered, {soaked.deaths} deaths of the worker")
    print(f"memory: {soaked.held_mb[-1]} MB held at the end, {soaked.growth_mb:+d} since it settled, {soaked.peak_mb} at most")
    for reason, number in soaked.reasons.most_common():
        print(f"  {reason:32} {number}")
    return 0 if soaked.well else 1


def soak(system: System, photos: int, chance: random.Random, data: Path, say: Callable[[str], None]) -> Soaked:
    """Hand in claims until ``photos`` were looked at."""
    soaked = Soaked()
    system.kill("worker")
    alone = ("--most-jobs", str(10 * photos), "--most-mb", "100000")
    worker = Child(
        "infra.local.worker", *alone, environment={**system.home.environment(), **BOUNDS}, log=system.home.log / "soak.log"
    )
    worker.start()
    pool = [path.read_bytes() for path in some(400, data)] or [strawberries(n % 4, 4 + n % 8, seed=n) for n in range(40)]
    try:
        while soaked.photos < photos:
            number = len(soaked.held_mb)
            pictures = [picture(pool, chance) for _ in range(min(EACH, photos - soaked.photos))]
            _one_claim(system, f"soak-{number}", pictures, worker, soaked)
            soaked.held_mb.append(_memory(worker.pid, "VmRSS"))
            soaked.peak_mb = max(soaked.peak_mb, _memory(worker.pid, "VmHWM"))
            if number % 10 == 0:
                say(f"  {soaked.photos:6} photos, {soaked.held_mb[-1]} MB held")
    finally:
        soaked.deaths += (worker.said(10**9)).count("died at")
        worker.stop()
    return soaked


def _one_claim(system: System, order_id: str, pictures: list[bytes], worker: Child, soaked: Soaked) -> None:
    Shop(system, "m1").sell(order_id, STRAWBERRIES, "b1", signed=2)
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.post("/cases", {"order_id": order_id, **CLAIM})["case_id"]
        for content in pictures:
            buyer.upload(case_id, content)
        buyer.post(f"/cases/{case_id}/submit")

        def rests() -> bool:
            if not worker.runs:
                soaked.deaths += 1
                worker.start()
            return all(piece["state"] == "verified" for piece in buyer.get(f"/cases/{case_id}")["evidence"])

        try:
            until(rests, lambda: "not all were looked at", ANSWER_S * len(pictures))
        except TimeoutError:
            soaked.unanswered += sum(not _answered(piece) for piece in buyer.get(f"/cases/{case_id}")["evidence"])
        evidence = buyer.get(f"/cases/{case_id}")["evidence"]
    soaked.photos += len(pictures)
    soaked.unanswered += sum(piece["state"] == "verified" and not _answered(piece) for piece in evidence)
    soaked.reasons.update(f"{finding['check']} {finding['verdict']}" for piece in evidence for finding in piece["findings"])


def _answered(piece: dict[str, Any]) -> bool:
    return piece["state"] == "verified" and bool(piece["findings"])


def _memory(pid: int | None, name: str) -> int:
    """A figure of a process's memory in MB; 0 where it is gone or the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 // MIB for line in lines if line.startswith(name)), 0)


# --- photos -----------------------------------------------------------------------------------------------------------
def picture(pool: list[bytes], chance: random.Random) -> bytes:
    """A photo of the pool, or something that was one, or that claims to be."""
    content = chance.choice(pool)
    return _spoilt(content, chance) if chance.randrange(100) < HOSTILE else content


def _spoilt(content: bytes, chance: random.Random) -> bytes:
    kinds = (_cut, _flipped, _huge, _noise, _polyglot, _large)
    return chance.choice(kinds)(content, chance)[: 9 * MIB] or b"\0"


def _cut(content: bytes, chance: random.Random) -> bytes:
    """Ended somewhere."""
    return content[: chance.randrange(1, len(content))]


def _flipped(content: bytes, chance: random.Random) -> bytes:
    """With some bytes changed, most of them near its beginning, where the headers are."""
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 40)):
        changed[min(int(chance.expovariate(0.002)), len(changed) - 1)] = chance.randrange(256)
    return bytes(changed)


def _huge(content: bytes, chance: random.Random) -> bytes:  # noqa: ARG001 (one shape for all kinds)
    """A PNG of a few bytes that claims up to 65,535 pixels a side."""
    out = _drawn((8, 8), "PNG")
    return out[:16] + chance.randrange(1, 2**16).to_bytes(4, "big") + chance.randrange(1, 2**16).to_bytes(4, "big") + out[24:]


def _noise(content: bytes, chance: random.Random) -> bytes:
    """Random bytes behind the first few of a picture."""
    return content[: chance.randrange(0, 32)] + chance.randbytes(chance.randrange(1, 50_000))


def _polyglot(content: bytes, chance: random.Random) -> bytes:
    """A picture that is a page or an archive as well."""
    return content + chance.choice((b"<html><script>1</script></html>", b"PK\x03\x04" + chance.randbytes(999), b"%PDF-1.7\n"))


def _large(content: bytes, chance: random.Random) -> bytes:  # noqa: ARG001 (one shape for all kinds)
    """As large as a camera's, in some format."""
    return _drawn((chance.randrange(2000, 5000), chance.randrange(2000, 5000)), chance.choice(("JPEG", "PNG", "WEBP")))


def _drawn(size: tuple[int, int], kind: str) -> bytes:
    from PIL import Image

    out = BytesIO()
    options: dict[str, Any] = {"WEBP": {"method": 0}, "PNG": {"compress_level": 1}}.get(kind, {})
    Image.effect_noise((40, 40), 60).convert("RGB").resize(size).save(out, kind, **options)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
