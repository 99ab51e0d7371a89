"""A reconciliation, measured: what it finds of what was planted, its peak memory, and its time against a bare merge.

Each measurement is a process of its own, ``python -m infra.local.bench.reconcile HOW BILL LEDGER``, which prints what it found and
cost. The bare merge reads the same two files in plain Python, keeps number and amount, parts them by hash on disk and compares
dictionaries: what any reconciliation of that size has to do, and nothing else.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aftersales.reconcile import read_ledger, reconcile
from infra.local.bench.bill import DAY, Drawn, draw
from plugins.wechatpay_refund.bill import read_bill

Say = Callable[[str], None]

EACH = 200
SMALL = 1_000_000
LIMIT_S = 900
#: Parts of the bare merge: files that may be open at once.
BARE_PARTS = 64


@dataclass(frozen=True, slots=True)
class ReconcileCost:
    """One size: how many planted differences were found, missed and made up, CPU of ours and of the bare merge, peak memory."""

    rows: int
    planted: int
    missed: int
    false: int
    cpu_s: float
    bare_cpu_s: float
    wall_s: float
    peak_mb: float
    bare_peak_mb: float

    @property
    def ratio(self) -> float:
        """Ours against the bare merge."""
        return self.cpu_s / self.bare_cpu_s

    def plain(self) -> dict[str, Any]:
        """The figures."""
        return {**asdict(self), "ratio": self.ratio}


def measure_reconcile(rows: int, say: Say) -> ReconcileCost:
    """Draw ``rows`` refunds for each side, reconcile them and merge them barely, each in its own process.

    Of a small size the better of two turns counts; a large one is long enough to be alike each time.
    """
    with tempfile.TemporaryDirectory(prefix="aftersales-bench-") as name:
        say(f"drawing a bill and a ledger of {rows:,} refunds …")
        drawn = draw(Path(name), rows, EACH)
        say("reconciling them, and merging them barely …")
        ours, bare = [], []
        for _ in range(2 if rows <= SMALL else 1):  # in turns: both see the same noise
            bare.append(_run("bare", drawn))
            ours.append(_run("ours", drawn))
    found = [tuple(one) for one in ours[0]["found"]]
    missed = drawn.differences - set(found)
    false = len(found) - len(drawn.differences - missed)
    false += abs(ours[0]["at_midnight"] - drawn.at_midnight) + abs(ours[0]["to_query"] - drawn.to_query)
    return ReconcileCost(
        rows,
        len(drawn.differences),
        len(missed),
        false,
        min(one["cpu_s"] for one in ours),
        min(one["cpu_s"] for one in bare),
        min(one["wall_s"] for one in ours),
        max(one["peak_mb"] for one in ours),
        max(one["peak_mb"] for one in bare),
    )


def _run(how: str, drawn: Drawn) -> dict[str, Any]:
    command = [sys.executable, "-m", "infra.local.bench.reconcile", how, str(drawn.bill), str(drawn.ledger)]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{how}: {done.stderr}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


# --- in the process that is measured ------------------------------------------------------------------------------------
def ours(bill: Path, ledger: Path) -> dict[str, Any]:
    """What our reconciliation finds."""
    with reconcile(read_bill(bill), read_ledger(ledger), DAY) as found:
        pairs = [(one.kind, one.key) for one in found.differences]
        return {"found": pairs, "at_midnight": len(found.tally.midnight), "to_query": found.tally.to_query}


def bare(bill: Path, ledger: Path) -> dict[str, Any]:
    """How many numbers differ by amount or are missing, from a hash-partition merge and no more."""
    with tempfile.TemporaryDirectory(prefix="aftersales-bare-") as name:
        theirs = _part(Path(name, "theirs"), _bill_pairs(bill))
        ours = _part(Path(name, "ours"), _ledger_pairs(ledger))
        differ = 0
        for their_part, our_part in zip(theirs, ours, strict=True):
            amounts = _pairs(their_part)
            for key, minor in _pairs(our_part).items():
                differ += amounts.pop(key, None) != minor
            differ += len(amounts)
    return {"differ": differ}


def _bill_pairs(path: Path) -> Iterator[tuple[str, int]]:
    with path.open(encoding="utf-8-sig") as file:
        header = next(file).rstrip("\n").split(",")
        key, amount = header.index("商户退款单号"), header.index("申请退款金额")
        for line in file:
            if not line.startswith("`"):
                return  # the summary
            cells = line[1:].rstrip("\n").split(",`")
            yield cells[key], int(cells[amount].replace(".", ""))


def _ledger_pairs(path: Path) -> Iterator[tuple[str, int]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row["key"], row["amount_minor"]


def _part(path: Path, pairs: Iterator[tuple[str, int]]) -> list[Path]:
    """The pairs as lines of text, in files by the number's hash."""
    paths = [path.with_name(f"{path.name}-{n}") for n in range(BARE_PARTS)]
    with ExitStack() as files:
        writes = [files.enter_context(one.open("w", encoding="utf-8")).write for one in paths]
        for key, minor in pairs:
            writes[hash(key) % BARE_PARTS](f"{key}\t{minor}\n")
    return paths


def _pairs(path: Path) -> dict[str, int]:
    with path.open(encoding="utf-8") as file:
        return {key: int(minor) for key, _, minor in (line.partition("\t") for line in file)}


def _peak_mb() -> float:
    """The most memory this process has held, in MB.

    Linux counts what the parent held before ``exec`` into ``getrusage``; the process's own mark does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # bytes, on the other system with this call


def main() -> None:
    """Do it one way and print what was found and what it cost."""
    how, bill, ledger = sys.argv[1:]
    begun = time.perf_counter()
    found = {"ours": ours, "bare": bare}[how](Path(bill), Path(ledger))
    wall = time.perf_counter() - begun
    print(json.dumps({**found, "cpu_s": time.process_time(), "wall_s": wall, "peak_mb": _peak_mb()}))


if __name__ == "__main__":
    main()
