"""A yard of return parcels on which anything can happen: buyers, carriers and schedules by script, and what holds all the same."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aftersales.case import Case, State
from aftersales.change import verify_chain
from aftersales.errors import ChannelBusy, Unknown
from aftersales.order import Buyer
from aftersales.parcel import PARCEL_TERMINAL, ParcelState
from aftersales.query import CaseFile, DueBy, Page, StepsOf
from aftersales.testing.builders import a_payment
from aftersales.testing.carrier import FakeCarrier
from aftersales.testing.store import FakeStore
from aftersales.testing.tracer import BUYER_TAIL, HONEST, SHOP_TAIL, FakeTracer, scans
from aftersales.tracking import Pace, Passage, Trace, case_of_trail
from aftersales.waybill import claim_of
from functions import http, number, silence, sweep, tracked
from tests.api.way import Way
from tests.property.trouble import Crash, Fuse

P, S = Passage, ParcelState

#: Numbers that a buyer can tell, with their carriers; SF tells only who names a party's phone.
NUMBERS = (("yto", "YT1000000000001"), ("yto", "YT2000000000002"), ("sf", "SF3000000000003"), ("nobody", "XX44444444"))

#: What can happen to a parcel in truth: hours after it began, what, where.
WAYS: tuple[tuple[tuple[int, Passage, str], ...], ...] = (
    HONEST,
    HONEST,
    ((0, P.REGISTERED, ""), (5, P.PICKED_UP, "杭州市"), (12, P.IN_TRANSIT, "苏州市"), (30, P.SIGNED, "烟台市")),
    ((0, P.PICKED_UP, "广州市"), (20, P.IN_TRANSIT, "烟台市"), (26, P.SIGNED, "烟台市")),
    ((0, P.PICKED_UP, "杭州市"), (20, P.IN_TRANSIT, "南京市"), (40, P.LOST, "")),
    ((0, P.PICKED_UP, "杭州市"), (20, P.LOST, ""), (60, P.IN_TRANSIT, "烟台市"), (70, P.SIGNED, "烟台市")),
    ((0, P.PICKED_UP, "杭州市"), (26, P.REJECTED, "烟台市"), (30, P.RETURNING, "烟台市"), (60, P.RETURNED, "杭州市")),
    ((0, P.PICKED_UP, "杭州市"), (20, P.DAMAGED, "烟台市"), (30, P.SIGNED, "烟台市")),
    ((0, P.REGISTERED, ""), (9, P.CANCELLED, "")),
    ((5, P.IN_TRANSIT, "南京市"), (30, P.SIGNED, "烟台市")),
    ((-200, P.PICKED_UP, "杭州市"), (-150, P.SIGNED, "烟台市")),
)

#: The event that a change of a parcel's state is on record with, and the state that it leads to.
LEADS = {
    "goods_awaited": S.AWAITING_SHIPMENT,
    "goods_sent": S.IN_TRANSIT,
    "goods_delivered": S.DELIVERED,
    "goods_lost": S.LOST,
    "goods_turned_back": S.TURNED_BACK,
    "goods_not_found": S.AWAITING_SHIPMENT,
    "goods_accepted": S.ACCEPTED,
    "goods_refused": S.REFUSED,
    "goods_not_sent": S.LAPSED,
    "withdrawn": S.LAPSED,
}


class Tracer(FakeTracer):
    """A tracer that can be down. It sends away who asks too soon, as real ones do; ``hasty`` are numbers that one case asked so."""

    def __init__(self, fuse: Fuse, **given: Any) -> None:
        super().__init__(pace=Pace(batch=3, gap=timedelta(minutes=30)), **given)
        self.fuse, self.down, self.hasty = fuse, False, list[str]()
        self._told: dict[str, tuple[str, datetime]] = {}

    def trace(self, waybills: Any, now: datetime) -> tuple[Trace, ...]:
        """See :class:`FakeTracer`."""
        self.fuse.burn()
        assert len({w.number for w in waybills}) == len(waybills), "one number twice in one call"
        for waybill in waybills:
            case_id, at = (case_of_trail(waybill.key) or ("", 0))[0], self._told.get(waybill.number)
            if at is not None and now - at[1] < self.pace.gap:
                self.hasty += [waybill.number] if at[0] == case_id else []
                raise ChannelBusy("Too soon.", until=None)
            self._told[waybill.number] = (case_id, now)
        said = super().trace(waybills, now)
        self.fuse.burn()
        if self.down:
            raise Unknown("No answer.")
        return said

    def subscribe(self, waybills: Any, now: datetime) -> frozenset[str]:
        """See :class:`FakeTracer`."""
        self.fuse.burn()
        if self.down:
            raise Unknown("No answer.")
        taken = super().subscribe(waybills, now)
        self.fuse.burn()
        return taken


class Store(FakeStore):
    """A store between whose writes anything can happen. What is due at one instant comes as its cases were opened."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__(due_shards=1)
        self.fuse = fuse

    def find(self, query: Any, cursor: str | None = None, limit: int = 50) -> Page[Any]:
        """See :class:`FakeStore`."""
        page: Page[Any] = super().find(query, cursor, limit)
        if not isinstance(query, DueBy):
            return page
        place = {case.case_id: n for n, case in enumerate(self._all(Case))}
        return replace(page, found=tuple(sorted(page.found, key=lambda due: (due.due_at, place.get(due.case_id, 0)))))

    def commit(self, change: Any) -> None:
        """Write; something may happen before it and after it."""
        self.fuse.burn()
        super().commit(change)
        self.fuse.burn()


class Yard(Way):
    """Three returns of two buyers that were agreed to, and all that can be done to them."""

    def __init__(self, *, pushes: bool) -> None:
        self.fuse = Fuse()
        self.eyes = Tracer(self.fuse, pushes=pushes)
        super().__init__(self.eyes, FakeCarrier(companies=("yto",)), Store(self.fuse))
        self.order("o9", payments=(a_payment(transaction_id="42-o9", paid_minor=9_900),))
        self.order("o10", buyer=Buyer("b2", "13900002222"), payments=(a_payment(transaction_id="42-o10", paid_minor=9_900),))
        self.cases = [self.back(), self.back_of("o9"), self.back_of("o10", "b2")]
        self.declared: set[frozenset[str]] = set()

    # --- what can be done ---------------------------------------------------------------------------------------------
    def act(self, what: str, who: int, which: int, n: int) -> None:
        """One thing that somebody does, or that happens; what is refused changes nothing."""
        case_id, (carrier, told) = self.cases[who], NUMBERS[which]
        sub = "b2" if who == 2 else "b1"
        if what in ("tell", "send"):
            self.send("POST", f"/v1/cases/{case_id}/shipment", {"carrier": carrier, "number": told}, sub=sub)
        if what in ("happen", "send"):
            way = WAYS[n % len(WAYS)]
            self.eyes.known[told] = scans(self.clock.now() + timedelta(minutes=50), way)
            self.eyes.phones[told] = {BUYER_TAIL, SHOP_TAIL, "0000"} if n % 3 else {"9999"}
        if what == "join":
            lead = self.cases[(who + 1) % 2]
            theirs = self.file(lead).parcel
            self.declared |= {frozenset({case_id, lead})} if who < 2 and theirs and theirs.number == told else set()
            body = {"carrier": carrier, "number": told, "with_case": lead}
            self.send("POST", f"/v1/cases/{case_id}/shipment", body, sub=sub)
        elif what == "label":
            self._collected(case_id, sub, n)
        elif what == "truth":
            [self.eyes.never.add, self.eyes.never.discard, self.eyes.frozen.add][n % 3](told)
            self.eyes.corrected |= {told: "zto"} if n % 4 == 3 else {}
        elif what == "push" and self.eyes.subscribed:
            self.tells(sorted(self.eyes.subscribed)[n % len(self.eyes.subscribed)], timedelta(hours=7 * (n % 5)))
        elif what == "inspect":
            found = {"accepted": True, "disposition": "sound"} if n % 3 else {"accepted": False, "note": "an empty box"}
            self.send("POST", f"/v1/merchant/cases/{case_id}/inspection", found, role="clerk")
        elif what == "withdraw":
            self.send("POST", f"/v1/cases/{case_id}/withdraw", sub=sub)
        elif what == "down":
            self.eyes.down = n % 2 == 0
        elif what == "look":
            sweep.follow_parcels(self.registry)
        elif what == "wait":
            self.clock.move((timedelta(minutes=20), timedelta(hours=3), timedelta(hours=14), timedelta(days=4))[n % 4])
            sweep.follow_parcels(self.registry)
            sweep.sweep(self.registry)
        self.pump()

    def _collected(self, case_id: str, sub: str, n: int) -> None:
        """The courier that the shop pays takes the goods, once it was asked for."""
        self.send("POST", f"/v1/cases/{case_id}/pickup", self.wish(), sub=sub)
        self.pump()
        pickup = self.file(case_id).pickup
        booked = self.carrier.bookings.get(pickup.key) if pickup else None
        if pickup and booked:
            self.carrier.collect(pickup.key)
            self.eyes.known.setdefault(booked.number, scans(self.clock.now(), WAYS[n % len(WAYS)]))
            self.tell(pickup.key)

    def tells(self, key: str, late: timedelta) -> None:
        """The carrier tells what it knew so long ago; an hour-old word of a stranger's is refused."""
        headers, query, body = self.eyes.push(key, self.clock.now() - late)
        http.callback(self.registry, "eyes", http.Request("POST", "/v1/callbacks/eyes", headers, query, body))

    def live(self, script: Any) -> None:
        """Play a script; where the process ends, the next act begins a new one. After each act the laws are looked at."""
        for what, who, which, n, strikes in script:
            self.fuse.light([(at, self.strike(how)) for at, how in strikes])
            with suppress(Crash):
                self.act(what, who, which, n)
            self.fuse.put_out()
            self.laws()

    def strike(self, how: str) -> Any:
        """What happens between two steps of somebody's work: the process ends, or another one does the same in the middle."""

        def happens() -> None:
            if how == "crash":
                raise Crash
            if how == "look":
                sweep.follow_parcels(self.registry)
            else:
                for key in sorted(self.eyes.subscribed):
                    self.tells(key, timedelta(0))

        return happens

    # --- what holds ---------------------------------------------------------------------------------------------------
    def file(self, case_id: str) -> CaseFile:
        """The case as it is stored."""
        found: CaseFile | None = self.store.case(case_id)
        assert found is not None
        return found

    def steps(self, case_id: str) -> tuple[Any, ...]:
        """What happened to it."""
        return tuple(self.store.find(StepsOf(case_id), None, 2_000).found)

    def laws(self) -> None:
        """All that holds at every moment."""
        assert self.eyes.hasty == []
        for case_id in self.cases:
            file, steps = self.file(case_id), self.steps(case_id)
            assert verify_chain(steps) is None
            told_once(file, steps)
            _nothing_waits_forever(file)
            _silence_pays_only_what_is_vouched_for(file, steps)
        for n, order_id in enumerate(("o8", "o9", "o10")):
            assert sum(m for key, m in self.channel.truth.items() if key.startswith(f"R{self.cases[n]}")) <= 9_900, order_id
        self._a_waybill_serves_one_case()
        self._whoever_opened_a_parcel_has_seen_all_of_it()

    def _whoever_opened_a_parcel_has_seen_all_of_it(self) -> None:
        """Silence pays for no goods in a parcel that somebody had opened for another case before."""
        ends = {}
        for file in map(self.file, self.cases[:2]):
            done = [s for s in self.steps(file.case.case_id) if str(s.event) in ("goods_accepted", "goods_refused")]
            lost = file.trail is not None and file.trail.last is not None and file.trail.last.state is P.LOST
            if done and file.parcel and file.parcel.number and not lost:
                ends[file.case.case_id] = (claim_of(file.parcel.carrier, file.parcel.number), done[0])
        for name, paid in ends.values():
            seen = [step for other, step in ends.values() if other == name and step.by.startswith("clerk")]
            assert paid.by != "system" or all(step.at >= paid.at for step in seen), "paid although somebody had looked"

    def _a_waybill_serves_one_case(self) -> None:
        files = [self.file(case_id) for case_id in self.cases]
        names = {f.case.case_id: claim_of(f.parcel.carrier, f.parcel.number) for f in files if f.parcel and f.parcel.number}
        for a, name in names.items():
            for b in (b for b in names if b > a and names[b] == name):
                doubted = any(self._is_doubted(self.file(case_id), name) for case_id in (a, b))
                assert frozenset({a, b}) in self.declared or doubted, f"{name} in two cases"

    def _is_doubted(self, file: CaseFile, name: str) -> bool:
        """Whether the list says that another case has it; or will soon, as the case beside which it travelled gave it up."""
        trail = file.trail
        lead = self.file(trail.lead) if trail and trail.lead else None
        given_up = lead is not None and name not in number.held(lead)
        return given_up or (trail is not None and trail.elsewhere)

    def end(self) -> list[tuple[Any, ...]]:
        """Everything about every case, without what is made by chance."""
        return [self._plain(self.file(case_id)) for case_id in self.cases]

    def _plain(self, file: CaseFile) -> tuple[Any, ...]:
        parcel, trail = file.parcel, file.trail
        events = [(s.event, s.at) for s in self.steps(file.case.case_id)]
        seen = (trail.scans, trail.found, trail.over, trail.frozen, trail.deadline, trail.checks) if trail else ()
        return file.case.state, file.case.ending, parcel and (parcel.state, parcel.deadline, parcel.number), seen, events


def told_once(file: CaseFile, steps: tuple[Any, ...]) -> None:
    """Each change is in the case once, no passage twice in a row of one waybill; what our courier took never counts as not sent."""
    state, passage, ours = None, None, False
    for step in steps:
        event = str(step.event)
        if event == "goods_moved":
            assert passage != step.data["passage"], "told twice"
            passage = step.data["passage"]
            state = S(step.data["parcel"]) if "parcel" in step.data else state
        if event == "goods_sent":
            passage, ours = None, step.by == "system:swift"
        assert not (event == "goods_not_sent" and ours and state is not S.TURNED_BACK)
        if event in LEADS and (state is not None or event == "goods_awaited"):
            assert state is not LEADS[event] or event == "goods_sent", f"{event} told twice"
            state = LEADS[event]
    assert file.parcel is None or state is file.parcel.state


def _nothing_waits_forever(file: CaseFile) -> None:
    parcel, trail = file.parcel, file.trail
    if parcel is None or file.case.state is not State.APPROVED:
        return
    deadline = parcel.deadline
    assert parcel.state in PARCEL_TERMINAL or (deadline is not None and deadline.due_at is not None), "waits forever"
    if deadline is not None and deadline.paused and trail is not None:
        assert trail.silent_since is not None, "stands although somebody answers"
        assert deadline.due_at is not None
        assert deadline.left is not None
        assert deadline.due_at - deadline.left <= trail.silent_since + silence.SILENT + silence.STANDS
    if trail is not None and silence.is_out(file) and (trail.tracer or trail.lead):
        assert trail.deadline is not None or trail.over, "nobody looks at it any more"


def _silence_pays_only_what_is_vouched_for(file: CaseFile, steps: tuple[Any, ...]) -> None:
    accepted = [step for step in steps if str(step.event) == "goods_accepted"]
    assert bool(file.refunds) == bool(accepted)
    for step in accepted:
        trail = file.trail
        lost = trail is not None and trail.label and trail.last is not None and trail.last.state is P.LOST
        assert step.by.startswith("clerk") or lost or tracked.verdict(trail) == "pass", "paid on nobody's word"
