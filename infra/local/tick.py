"""Tick: moves the local clock forward, and tells what silence did."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from aftersales.case import State
from aftersales.ports import Store
from aftersales.query import Due, DueBy
from infra.local.client import plain_http, until
from infra.local.home import DEFAULT, Home, NoHome, read
from plugins.local_clock import move

#: A pass over what is due after a long jump, and what follows from it.
SWEPT_WITHIN_S, SETTLED_WITHIN_S = 60.0, 10.0


class NotRunning(Exception):
    """Nobody would hear the clock."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What silence did to one case: from which state to which; ``before`` is "" for one that a trade opened by itself."""

    case_id: str
    order_id: str
    before: str
    after: str


def tick(home: Home, by: timedelta) -> list[Moved]:
    """Move the clock of ``home``, wait until the running server has heard the silence, and give what it did.

    The provider's clock moves along. Raises NotRunning when no server runs, ValueError for a move that is not forward.
    """
    if by <= timedelta(0):
        raise ValueError("time moves forward only: cases have deadlines that were met")
    if not _runs(home):
        raise NotRunning(f"nothing runs on {home.folder}: start it with `make run` first")
    store, clock = home.registry().store, home.clock()
    waiting = _due(store, clock.now() + by)
    before = {case_id: _state(store, case_id) for case_id in waiting}
    watched = [(due, _cases(store, due)) for due in _waiting(store, ("order",), clock.now() + by)]
    ahead = clock.now() + by - datetime.now(UTC)
    with plain_http() as provider:  # the provider first: what falls due here, bills too, is there when it is asked for
        provider.post(f"{home.truth_url}/clock", json={"offset_s": ahead.total_seconds()}).raise_for_status()
        offset = move(home.clock_file, by)
        provider.post(f"{home.truth_url}/clock", json={"offset_s": offset.total_seconds()}).raise_for_status()
    moved_to = clock.now()
    until(lambda: _swept(home) >= moved_to - timedelta(seconds=1), lambda: "the schedules have not run", SWEPT_WITHIN_S)
    before |= {case_id: "" for due, known in watched for case_id in _cases(store, due) if case_id not in known}
    _let_settle(store, list(before))
    return [moved for case_id, was in before.items() if (moved := _moved(store, case_id, was))]


def _runs(home: Home) -> bool:
    try:
        with plain_http() as http:
            return http.get(f"{home.url}/v1/health").is_success
    except httpx.TransportError:
        return False


def _swept(home: Home) -> datetime:
    said = read(home.swept_file).get("until", "2000-01-01T00:00:00+00:00")
    return datetime.fromisoformat(said)


def _due(store: Store, at: datetime) -> list[str]:
    """The cases that will be due at ``at``, by themselves or by their parcel or refund, in order of their deadlines."""
    found = _waiting(store, ("case", "parcel", "refund"), at)
    return list(dict.fromkeys(due.case_id for due in sorted(found, key=lambda due: due.due_at)))


def _cases(store: Store, due: Due) -> tuple[str, ...]:
    """The cases of an order that is due."""
    file = store.order(due.merchant, due.order_id)
    return file.cases if file else ()


def _waiting(store: Store, kinds: tuple[str, ...], at: datetime) -> list[Due]:
    """What of these kinds will be due at ``at``."""
    found: list[Due] = []
    for kind in kinds:
        for shard in range(store.due_shards):
            cursor = None
            while True:
                page = store.find(DueBy(kind, shard, at), cursor, 100)
                found += page.found
                cursor = page.cursor
                if cursor is None:
                    break
    return found


def _state(store: Store, case_id: str) -> str:
    """Where the case stands, its parcel included."""
    file = store.case(case_id)
    assert file is not None  # it was in the index
    parts = [str(file.case.state)] + ([f"goods {file.parcel.state}"] if file.parcel else [])
    parts += [f"asked {file.case.escalations + 1} times"] if file.case.escalations else []
    parts += ["answered too late"] if file.case.pledge and file.case.pledge.late_at else []
    return ", ".join(parts) + (f" ({file.case.ending})" if file.case.ending else "")


def _let_settle(store: Store, case_ids: list[str]) -> None:
    """Wait while refunds that silence approved are on their way; what takes longer is told as it stands."""

    def arrived() -> bool:
        files = [store.case(case_id) for case_id in case_ids]
        return not any(f and f.case.state is State.SETTLING for f in files)

    try:
        until(arrived, lambda: "refunds are still on their way", SETTLED_WITHIN_S)
    except TimeoutError:
        return


def _moved(store: Store, case_id: str, was: str) -> Moved | None:
    now, file = _state(store, case_id), store.case(case_id)
    if now == was or file is None:
        return None
    return Moved(case_id, file.case.order_id, was, now)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how far."""
    parser.add_argument("--hours", type=float, default=1, help="how far to move the clock (default: 1)")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the local system (default: .local)")


def main(args: argparse.Namespace) -> int:
    """Move the clock and print what silence did."""
    try:
        home = Home.there(args.home)
        before = home.clock().now()
        moved = tick(home, timedelta(hours=args.hours))
    except (NoHome, NotRunning, ValueError, TimeoutError) as error:
        print(f"tick: {error}", file=sys.stderr)
        return 1
    print(f"the local clock: {before:%Y-%m-%d %H:%M} → {home.clock().now():%Y-%m-%d %H:%M} UTC")
    for each in moved:
        print(f"  order {each.order_id}  case {each.case_id[:8]}…  {each.before or 'opened by itself'} → {each.after}")
    print(f"silence moved {len(moved)} case(s)" if moved else "nothing was due: silence moved no case")
    return 0
