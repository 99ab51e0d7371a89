"""What a case costs: requests and units of the database, CPU against the bare calls, and how little a sweep reads.

``aftersales bench`` prints it. Counts have goals and decide the exit status; times are printed and decide nothing, since machines
are noisy. Everything runs on the durable engine, in one process, with the provider's sandbox beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # imported where they are used: a process that only reconciles is measured without them
    from infra.local.bench.batch import BatchCost
    from infra.local.bench.burst import BurstCost
    from infra.local.bench.claim import ClaimCost
    from infra.local.bench.photo import PhotoCost
    from infra.local.bench.queue import QueueCost
    from infra.local.bench.reconcile import ReconcileCost
    from infra.local.bench.refund import RefundCost
    from infra.local.bench.sweep import SweepCost

REQUESTS_GOAL = 7.0
READS_GOAL = 1.01
# A case of a batch: its requests, and the time against the bare calls of the same requests, made in turns with it.
BATCH_REQUESTS_GOAL = 2.0
BATCH_SLOWER_GOAL = 1 / 0.7
# A reconciliation, of any size: nothing missed, nothing made up, this much memory, and flat from the least to the most refunds.
PEAK_GOAL_MB = 128.0
FLAT_GOAL = 1.25
BARE_GOAL = 2.0
# A photo, looked at: against its bare parts in the same process, and memory without and with the reader of words.
LOOK_LIMIT = 2.0  # the goal is 1.5, and is printed
LOOK_PEAK_MB = {False: 300.0, True: 900.0}
GROWTH_GOAL_MB = 30.0
MEASURABLE = 500_000  # refunds: what takes less than seconds says nothing about time


@dataclass(frozen=True, slots=True)
class Goal:
    """A count that must not be exceeded."""

    name: str
    found: float
    most: float

    @property
    def met(self) -> bool:
        """Whether the count is within its goal."""
        return self.found <= self.most


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much to measure."""
    parser.add_argument("--refunds", type=int, default=200, help="refunds to count over (200)")
    parser.add_argument("--claims", type=int, default=50, help="claims with a photo to count over (50)")
    parser.add_argument("--open", type=int, nargs="*", default=[10_000, 100_000], help="numbers of open cases to sweep among")
    parser.add_argument("--due", type=int, default=500, help="how many of them are due (500)")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 5_000_000], help="sizes of bills to reconcile")
    parser.add_argument("--burst", type=int, default=5000, help="refunds to send at once; 0 for none (5000)")
    parser.add_argument("--photos", type=int, default=50, help="photos to look at, and as many with reading words; 0 for none (50)")
    parser.add_argument("--batch", type=int, default=10_000, help="waiting cases to approve in one batch; 0 for none (10000)")
    parser.add_argument("--waiting", type=int, nargs="*", default=[1_000, 100_000], help="sizes of a queue to read a page of")
    parser.add_argument("--json", action="store_true", help="print figures as JSON instead of tables")


def main(args: argparse.Namespace) -> int:
    """Measure, print, and give 1 when a count misses its goal."""
    from infra.local.bench.batch import measure_batch
    from infra.local.bench.burst import measure_burst
    from infra.local.bench.claim import measure_claims
    from infra.local.bench.photo import measure_photos
    from infra.local.bench.queue import measure_queue
    from infra.local.bench.reconcile import measure_reconcile
    from infra.local.bench.refund import measure_refunds
    from infra.local.bench.sweep import measure_sweep

    say = _progress
    with _fresh_engine() as endpoint:
        refund = measure_refunds(endpoint, args.refunds, say)
    with _fresh_engine() as endpoint:
        claim = measure_claims(endpoint, args.claims, say)
    sweeps = []
    for number in args.open:
        with _fresh_engine() as endpoint:
            sweeps.append(measure_sweep(endpoint, number, args.due, say))
    bills = [measure_reconcile(rows, say) for rows in args.rows]
    burst = None
    if args.burst:
        with _fresh_engine() as endpoint:
            burst = measure_burst(endpoint, args.burst, say)
    batch = None
    if args.batch:
        with _fresh_engine() as endpoint:
            batch = measure_batch(endpoint, args.batch, say)
    queue = None
    if args.waiting:
        with _fresh_engine() as endpoint:
            queue = measure_queue(endpoint, args.waiting, say)
    photos = [measure_photos(args.photos, say, words=words) for words in (False, True) if args.photos]
    goals = [Goal("DynamoDB requests per auto-approved refund", refund.requests_each, REQUESTS_GOAL)]
    goals += [Goal(f"index items read per due case, {s.open:,} open", s.reads_each, READS_GOAL) for s in sweeps]
    goals += _bill_goals(bills) + _burst_goals(burst) + _batch_goals(batch) + _queue_goals(queue) + _photo_goals(photos)
    if args.json:
        print(
            json.dumps(
                _plain(refund, claim, sweeps, bills, {"burst": burst, "batch": batch, "queue": queue}, photos, goals), indent=1
            )
        )
    else:
        _print(refund, claim, sweeps, bills)
        _print_end(burst, batch, queue, photos, goals)
    return 0 if all(goal.met for goal in goals) else 1


def _bill_goals(bills: list[ReconcileCost]) -> list[Goal]:
    """Of a reconciliation even the time is a goal: it is CPU against CPU of a bare merge of the same files in the same run."""
    goals = []
    for bill in bills:
        goals += [
            Goal(f"differences missed or made up, {bill.rows:,} refunds", bill.missed + bill.false, 0),
            Goal(f"peak memory of a reconciliation in MB, {bill.rows:,} refunds", bill.peak_mb, PEAK_GOAL_MB),
        ]
    if bills and bills[0].rows >= MEASURABLE:
        goals.append(Goal(f"CPU against a bare merge, {bills[0].rows:,} refunds", bills[0].ratio, BARE_GOAL))
    if len(bills) > 1:
        least, most = (pick(bills, key=lambda bill: bill.rows) for pick in (min, max))
        goals.append(Goal(f"memory for {most.rows:,} refunds against {least.rows:,}", most.peak_mb / least.peak_mb, FLAT_GOAL))
    return goals


def _burst_goals(burst: BurstCost | None) -> list[Goal]:
    """Of a burst the provider's own counters are goals: nothing above its limits, everything paid, and once."""
    if burst is None:
        return []
    missed = burst.count - burst.executed + burst.twice
    return [
        Goal("calls above the provider's limits in a burst", burst.over, 0),
        Goal("refunds of it not paid, or twice", missed, 0),
    ]


def _batch_goals(batch: BatchCost | None) -> list[Goal]:
    """Of a batch even the time is a goal: it took turns with the bare calls that it is measured against."""
    if batch is None:
        return []
    return [
        Goal("requests per case of a batch", batch.requests_each, BATCH_REQUESTS_GOAL),
        Goal("time of a batch against the bare calls of its requests", 1 / batch.rate, BATCH_SLOWER_GOAL),
        Goal(f"cases decided twice or forgotten, its worker killed {batch.kills} times", batch.twice + batch.forgotten, 0),
    ]


def _queue_goals(queue: QueueCost | None) -> list[Goal]:
    """Of a queue its first page is a goal: what waits behind it costs nothing."""
    return [Goal("read units more of a queue's first page over the most cases", queue.growth, 0)] if queue else []


def _photo_goals(photos: list[PhotoCost]) -> list[Goal]:
    """Of a photo the ratio is a limit (the goal is lower, and is printed), since both sides are CPU of one process in one run."""
    goals = []
    for photo in photos:
        how = "with words" if photo.words else "without words"
        goals += [
            Goal(f"CPU of a look against its bare parts, {how}", photo.ratio, LOOK_LIMIT),
            Goal(f"peak memory of looking in MB, {how}", photo.peak_mb, LOOK_PEAK_MB[photo.words]),
            Goal(f"memory held more after {photo.count} photos in MB, {how}", photo.growth_mb, GROWTH_GOAL_MB),
        ]
    return goals


@contextmanager
def _fresh_engine() -> Iterator[str]:
    from infra.local.engine import Engine

    with tempfile.TemporaryDirectory(prefix="aftersales-bench-") as folder, Engine(Path(folder)) as engine:
        yield engine.endpoint


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _plain(
    refund: RefundCost,
    claim: ClaimCost,
    sweeps: list[SweepCost],
    bills: list[ReconcileCost],
    others: Mapping[str, BurstCost | BatchCost | QueueCost | None],
    photos: list[PhotoCost],
    goals: list[Goal],
) -> dict[str, Any]:
    return {
        "refund": refund.plain(),
        "claim": claim.plain(),
        "sweeps": [s.plain() for s in sweeps],
        "bills": [b.plain() for b in bills],
        **{name: cost.plain() if cost else None for name, cost in others.items()},
        "photos": [p.plain() for p in photos],
        "goals": [{"name": g.name, "found": g.found, "most": g.most, "met": g.met} for g in goals],
    }


def _print(refund: RefundCost, claim: ClaimCost, sweeps: list[SweepCost], bills: list[ReconcileCost]) -> None:
    print(f"\nOne auto-approved refund, from POST /v1/cases to closed and told, over {refund.count}:")
    _print_counts(refund)
    print(f"  CPU in all           {refund.cpu_ms:6.2f} ms, of which WeChat Pay's signatures and HTTP {refund.channel_ms:.2f} ms")
    print(f"  the bare boto3 calls {refund.bare_ms:6.2f} ms, so ours costs {refund.ratio:.2f} times the same requests made barely")
    print(f"  latency              p50 {refund.p50_ms:.1f} ms, p99 {refund.p99_ms:.1f} ms (without the provider's delay)")
    print("  not counted: reading the stream (Lambda does that) and idle looks of the schedules")
    print(f"\nOne claim with a photo, from its draft to closed and told, over {claim.count}:")
    _print_counts(claim)
    for sweep in sweeps:
        print(f"\nA sweep with {sweep.open:,} open cases of which {sweep.due:,} are due:")
        print(f"  index items read per due case {sweep.reads_each:.3f}; requests per due case {sweep.requests_each:.2f}")
        print(f"  {sweep.cases_per_s:.0f} cases a second")
    for bill in bills:
        print(f"\nA bill of {bill.rows:,} refunds against a ledger of as many, with {bill.planted:,} differences planted:")
        print(f"  missed {bill.missed}, made up {bill.false}; peak memory {bill.peak_mb:.1f} MB (bare: {bill.bare_peak_mb:.1f})")
        print(f"  CPU {bill.cpu_s:.2f} s, a bare merge of the same files {bill.bare_cpu_s:.2f} s: {bill.ratio:.2f} times")


def _print_end(
    burst: BurstCost | None, batch: BatchCost | None, queue: QueueCost | None, photos: list[PhotoCost], goals: list[Goal]
) -> None:
    if burst:
        print(f"\nA burst of {burst.count:,} refunds through {burst.workers} processes, the provider's limits in force:")
        print(f"  executed {burst.executed:,}, twice {burst.twice}; calls above the limits {burst.over}")
        print(f"  fullest second {burst.fullest} calls, {burst.fullest_errors} errors; sent away {burst.held:,} times")
        print(f"  {burst.wall_s:.1f} s, {burst.count / burst.wall_s:.0f} a second")
    if batch:
        print("\n" + batch.told())
    if queue:
        print("\n" + queue.told())
    for photo in photos:
        print("\n" + photo.told())
    print()
    for goal in goals:
        print(f"  {'ok  ' if goal.met else 'MISS'} {goal.name}: {goal.found:.3f} (goal: at most {goal.most:g})")


def _print_counts(cost: RefundCost | ClaimCost) -> None:
    for name, number in sorted(cost.requests.items()):
        print(f"  {name:<20} {number / cost.count:6.2f} requests")
    print(f"  {'in all':<20} {cost.requests.total() / cost.count:6.2f} requests")
    print(f"  {'read units':<20} {cost.read_units / cost.count:6.2f}")
    print(f"  {'write units':<20} {cost.write_units / cost.count:6.2f}")
