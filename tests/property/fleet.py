"""Ten thousand return parcels on their way for ten days: half of them told of by their carriers, half of them asked about.

``python -m tests.property.fleet --parcels 10000`` plays them on a clock that is moved, and counts: calls, reads and writes. Exit
status 1 says that a limit was exceeded, that a change did not reach its case, or that no news was written down.
"""

from __future__ import annotations

import argparse
import heapq
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from aftersales.caller import Caller, Role
from aftersales.case import Fault, Item, Kind, State
from aftersales.change import Change
from aftersales.order import Buyer, Shipment
from aftersales.parcel import Parcel, ParcelState
from aftersales.place import Place
from aftersales.query import StepsOf
from aftersales.registry import Registry
from aftersales.testing.builders import NOW, a_case, a_ledger, a_line, a_merchant, a_parcel, a_payment, an_order
from aftersales.testing.clock import FakeClock
from aftersales.testing.gate import FakeGate
from aftersales.testing.tracer import SHOP_TAIL, FakeTracer
from aftersales.tracking import Pace, Passage, Scan, Trace, Waybill, trail_key
from functions import shipment, sweep, track
from functions.body import ParcelBody
from functions.context import Context
from tests.mall import STAGE
from tests.property.counting import CountingStore

P = Passage
DAYS = 10
MINUTE = timedelta(minutes=1)
PACE = Pace(batch=40, gap=timedelta(minutes=30), per_second=3)
TOWNS = ("杭州市", "苏州市", "南京市", "徐州市", "临沂市", "潍坊市")

#: What one parcel may cost at most, on average: questions (about one that is told of, they come after a day without a word),
#: writes, reads of cases and of orders.
QUESTIONS, MISSED, COMMITS, CASES, ORDERS = 30, 0.5, 32, 30, 18


class Counted(FakeTracer):
    """A tracer that counts its calls in each second."""

    def __init__(self, clock: FakeClock, **given: Any) -> None:
        super().__init__(pace=PACE, by_phone=("sf",), **given)
        self.clock, self.seconds, self.fullest = clock, Counter[int](), 0

    def trace(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:
        """See :class:`FakeTracer`."""
        self.seconds[int(self.clock.now().timestamp())] += 1
        self.fullest = max(self.fullest, len(waybills))
        return super().trace(waybills, now)

    def subscribe(self, waybills: Sequence[Waybill], now: datetime) -> frozenset[str]:
        """See :class:`FakeTracer`."""
        self.seconds[int(self.clock.now().timestamp())] += 1
        return super().subscribe(waybills, now)


class Mute:
    """A tracer that is asked, and tells nothing by itself."""

    def __init__(self, tracer: Counted) -> None:
        self.pace, self.follows, self.wants_phone, self.trace = tracer.pace, tracer.follows, tracer.wants_phone, tracer.trace


@dataclass
class Fleet:
    """The parcels, and what comes of them. ``words`` are what carriers tell by themselves: when, of which case, as of when."""

    number: int
    seed: int = 1
    late: dict[str, float] = field(default_factory=dict)
    told_again: int = 0
    written_again: int = 0
    pushes: int = 0
    words: list[tuple[datetime, str, datetime]] = field(default_factory=list)
    starts: list[tuple[datetime, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance, self.clock, self.store = random.Random(self.seed), FakeClock(), CountingStore()
        self.tells = Counted(self.clock, carriers=("yto",))
        self.asked = Counted(self.clock, carriers=("yunda", "sf"), pushes=False)
        self.registry = Registry({**STAGE, "ports": {}})
        ports: dict[str, Any] = {"store": self.store, "clock": self.clock, "gate": FakeGate()}
        ports |= {"tracer:tells": self.tells, "tracer:asked": Mute(self.asked)}
        ports["merchant:m1"] = a_merchant(return_address="山东省烟台市莱山区演示路 2 号", return_phone=f"0535-000{SHOP_TAIL}")
        for name, port in ports.items():
            self.registry.put(name, port)
        for n in range(self.number):
            self._agreed(n)
        self.store.did.clear()

    # --- how it begins ------------------------------------------------------------------------------------------------
    def _agreed(self, n: int) -> None:
        """A return that was agreed to; its parcel will be handed in within three days."""
        case_id, order_id = f"c{n}", f"o{n}"
        lamp = a_line(vertical="general", unit_price_minor=9_900, pieces=1, weight_g=1_500)
        order = an_order(
            order_id=order_id,
            lines=(lamp,),
            buyer=Buyer("b1", "13800001111"),
            payments=(a_payment(transaction_id=f"42-{n}", paid_minor=9_900),),
            shipment=Shipment("yto", f"YT9{n:012}"),
            ship_to=Place("浙江省", "杭州市", "西湖区"),
        )
        case = a_case(
            case_id=case_id,
            order_id=order_id,
            kind=Kind.RETURN_REFUND,
            vertical="general",
            reason="faulty",
            state=State.APPROVED,
            fault=Fault.SELLER,
            items=(Item("l1", 1, units=((0, 1),)),),
        )
        parcel: Parcel = a_parcel(case_id=case_id, awaited_at=NOW)
        self.store.commit(Change(order=order, ledger=a_ledger(order)))
        self.store.commit(Change(case, parcel=parcel))
        first = 0 if n % 50 == 0 else self.chance.randrange(3 * 24 * 60)  # some of them all at once
        heapq.heappush(self.starts, (NOW + first * MINUTE, case_id))

    def _begins(self, case_id: str) -> None:
        """The buyer tells the waybill; what will happen to the parcel is drawn now."""
        n = int(case_id[1:])
        carrier = "yto" if n % 2 == 0 else "sf" if n % 10 == 1 else "yunda"
        number = {"yto": f"YT1{n:012}", "sf": f"SF1{n:012}", "yunda": f"4312{n:09}"}[carrier]
        caller = Caller("b1", Role.BUYER, "m1")
        shipment.ship(Context(self.registry, caller, self.clock.now()), case_id, ParcelBody(carrier=carrier, number=number))
        scans = self._way()
        tracer = self.tells if carrier == "yto" else self.asked
        tracer.known[number] = scans
        if carrier == "sf":
            tracer.phones[number] = {"1111", SHOP_TAIL}
        if tracer is self.tells:
            self._will_tell(case_id, scans)

    def _way(self) -> tuple[Scan, ...]:
        """An honest way of ten to twenty scans, within four days."""
        many = self.chance.randrange(10, 21)
        hours = sorted(self.chance.uniform(1, 90) for _ in range(many))
        states = [P.PICKED_UP, *[P.IN_TRANSIT] * (many - 3), P.OUT_FOR_DELIVERY, P.SIGNED]
        towns = [TOWNS[min(i * len(TOWNS) // (many - 3), len(TOWNS) - 1)] if i else TOWNS[0] for i in range(many - 2)]
        begins = self.clock.now()
        ways = zip(hours, states, [*towns, "烟台市", "烟台市"], strict=True)
        return tuple(Scan(begins + timedelta(hours=h), s, code=str(s), text=f"{c} {s}", city=c) for h, s, c in ways)

    def _will_tell(self, case_id: str, scans: tuple[Scan, ...]) -> None:
        """Each scan soon after it happened; one in five told twice, one in ten of them hours later, when more is known already."""
        for scan in scans:
            at = scan.at + self.chance.randrange(1, 30) * MINUTE
            heapq.heappush(self.words, (at, case_id, scan.at))
            if self.chance.random() < 0.2:
                heapq.heappush(self.words, (at + self.chance.randrange(0, 3) * MINUTE, case_id, scan.at))
            if self.chance.random() < 0.1:
                heapq.heappush(self.words, (at + timedelta(hours=self.chance.randrange(3, 30)), case_id, scan.at))

    # --- how it goes on -----------------------------------------------------------------------------------------------
    def play(self, days: int = DAYS) -> None:
        """Minute by minute."""
        for minute in range(days * 24 * 60):
            self.clock.at = now = NOW + minute * MINUTE
            while self.starts and self.starts[0][0] <= now:
                self._begins(heapq.heappop(self.starts)[1])
            while self.words and self.words[0][0] <= now:
                self._told(*heapq.heappop(self.words))
            for _ in range(50):
                tally = sweep.follow_parcels(self.registry)
                assert tally.failed == tally.aside == 0
                if not tally.passed_by:
                    break
                self.clock.move(timedelta(seconds=1))
            if minute % 60 == 0:
                assert sweep.sweep(self.registry).failed == 0

    def _told(self, _: datetime, case_id: str, until: datetime) -> None:
        trail = self.store._kept["trail", case_id]  # read without counting
        if trail.key not in self.tells.subscribed:
            heapq.heappush(self.words, (self.clock.now() + MINUTE, case_id, until))
            return
        known = bool(trail.scans) and trail.scans[-1].at >= until
        before = self.store.did["commit"]
        track.receive(self.registry, "tells", *self.tells.push(trail.key, until))
        self.pushes += 1
        self.told_again += known
        self.written_again += self.store.did["commit"] - before if known else 0

    # --- what came of it ----------------------------------------------------------------------------------------------
    def report(self) -> dict[str, Any]:
        """The counts."""
        did, half = self.store.did, self.number // 2
        questions = self.asked.asked
        self.late = {"pushed": self._latest(self.tells), "asked": self._latest(self.asked)}
        return {
            "parcels": self.number,
            "days": DAYS,
            "calls": self.tells.calls + self.asked.calls,
            "subscriptions_in_calls": self.tells.calls,
            "questions_per_asked_parcel": round(questions.total() / half, 2),
            "most_questions_about_one": max(questions.values()),
            "numbers_per_call": round(questions.total() / self.asked.calls, 1),
            "fullest_call": self.asked.fullest,
            "most_calls_in_a_second": max(max(t.seconds.values()) for t in (self.tells, self.asked)),
            "asked_too_soon": len(self.tells.too_soon) + len(self.asked.too_soon),
            "questions_per_told_parcel": round(self.tells.asked.total() / half, 2),
            "pushes": self.pushes,
            "pushes_without_news": self.told_again,
            "writes_for_pushes_without_news": self.written_again,
            "writes_per_parcel": round(did["commit"] / self.number, 2),
            "items_written_per_parcel": round(did["item"] / self.number, 2),
            "case_reads_per_parcel": round(did["case"] / self.number, 2),
            "order_reads_per_parcel": round(did["order"] / self.number, 2),
            "hours_until_signed_is_known": {name: round(hours, 2) for name, hours in self.late.items()},
            "changes_missed_or_told_twice": sum(self._wrong(f"c{n}") for n in range(self.number)),
        }

    def _latest(self, tracer: Counted) -> float:
        waits = [0.0]
        for n in range(self.number):
            parcel, trail = (self.store._kept[kind, f"c{n}"] for kind in ("parcel", "trail"))
            if trail.number in tracer.known and parcel.delivered_at:
                waits.append((parcel.delivered_at - tracer.known[trail.number][-1].at) / timedelta(hours=1))
        return max(waits)

    def _wrong(self, case_id: str) -> bool:
        """Whether the case does not say what happened to its parcel, each change once and in order."""
        file = self.store.case(case_id)
        assert file is not None
        assert file.trail is not None
        truth = (self.tells.known | self.asked.known)[file.trail.number]
        way = [str(s.state) for s in truth]
        changes = [way[0], *(b for a, b in pairwise(way) if a != b)]
        events = [(str(s.event), s.data) for s in self.store.find(StepsOf(case_id), None, 500).found]
        moved = [str(data["passage"]) for event, data in events if event == "goods_moved"]
        once = sum(event == "goods_delivered" for event, _ in events) == 1
        left = iter(changes)
        in_order = all(passage in left for passage in moved) and moved[-1:] == changes[-1:]
        assert file.parcel is not None
        same = file.trail.scans == truth and file.trail.key == trail_key(case_id, 1)
        return not (once and in_order and same and file.parcel.state is ParcelState.DELIVERED)


def wrong(told: dict[str, Any]) -> list[str]:
    """Which limits the counts exceed."""
    limits = {
        "most_calls_in_a_second": PACE.per_second,
        "fullest_call": PACE.batch,
        "asked_too_soon": 0,
        "writes_for_pushes_without_news": 0,
        "changes_missed_or_told_twice": 0,
        "questions_per_asked_parcel": QUESTIONS,
        "questions_per_told_parcel": MISSED,
        "writes_per_parcel": COMMITS,
        "case_reads_per_parcel": CASES,
        "order_reads_per_parcel": ORDERS,
    }
    return [f"{name} is {told[name]}, more than {most}" for name, most in limits.items() if told[name] > most]


def main() -> int:
    """Play, say what was counted, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.property.fleet", description="Many parcels on their way for ten days.")
    parser.add_argument("--parcels", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    fleet = Fleet(args.parcels, args.seed)
    fleet.play()
    told = fleet.report()
    print(json.dumps(told, indent=2))
    print(f"{time.monotonic() - began:.0f} s on this machine")
    for line in wrong(told):
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if wrong(told) else 0


if __name__ == "__main__":
    sys.exit(main())
