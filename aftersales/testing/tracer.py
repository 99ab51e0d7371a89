"""A tracer in memory, and the contract of every one of them: what a carrier knows is told once, whole, and in our words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from aftersales.errors import BadSignature, ChannelBusy, Unknown
from aftersales.ports import Pushing, Tracer
from aftersales.tracking import CARRIED, Found, Pace, Passage, Pushed, Scan, Trace, Waybill

#: The last digits of the phones of a parcel's two parties, for carriers that ask for one.
BUYER_TAIL, SHOP_TAIL = "1111", "4321"

#: An honest way back from Hangzhou to Yantai: hours after it began, what happened, where.
HONEST: tuple[tuple[int, Passage, str], ...] = (
    (0, Passage.PICKED_UP, "杭州市"),
    (6, Passage.IN_TRANSIT, "杭州市"),
    (20, Passage.IN_TRANSIT, "烟台市"),
    (26, Passage.OUT_FOR_DELIVERY, "烟台市"),
    (30, Passage.SIGNED, "烟台市"),
)


def scans(began: datetime, way: Sequence[tuple[int, Passage, str]] = HONEST) -> tuple[Scan, ...]:
    """The scans of a way, the first one at ``began``."""
    return tuple(Scan(began + timedelta(hours=h), state, text=f"{city} {state}", city=city) for h, state, city in way)


@dataclass
class FakeTracer:
    """Traces in memory, by number. ``script`` says what happens to the next calls: ``ok``, ``deaf`` or ``busy``.

    ``phones`` are the tails it takes for a number, where ``by_phone`` names its carrier. ``never`` are numbers that it says do not
    exist. What it tells by itself is believed with the header ``sign: good``. It counts what it is asked, and how soon again.
    """

    pace: Pace = field(default_factory=lambda: Pace(batch=10, gap=timedelta(minutes=30)))
    carriers: tuple[str, ...] = ("sf", "yto", "zto")
    by_phone: tuple[str, ...] = ("sf", "zto")
    pushes: bool = True
    script: list[str] = field(default_factory=list)
    known: dict[str, tuple[Scan, ...]] = field(default_factory=dict)
    phones: dict[str, set[str]] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)
    never: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    subscribed: dict[str, Waybill] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    too_soon: list[str] = field(default_factory=list)
    _last: dict[str, datetime] = field(default_factory=dict)

    # --- the port -----------------------------------------------------------------------------------------------------
    def follows(self, carrier: str) -> bool:
        """See :class:`~aftersales.ports.Tracer`."""
        return carrier in self.carriers

    def wants_phone(self, carrier: str) -> bool:
        """See :class:`~aftersales.ports.Tracer`."""
        return carrier in self.by_phone

    def trace(self, waybills: Sequence[Waybill], now: datetime) -> tuple[Trace, ...]:
        """See :class:`~aftersales.ports.Tracer`."""
        assert len(waybills) <= self.pace.batch
        self._next()
        for waybill in waybills:
            self.asked[waybill.number] += 1
            if waybill.number in self._last and now - self._last[waybill.number] < self.pace.gap:
                self.too_soon.append(waybill.number)
            self._last[waybill.number] = now
        return tuple(self._said(w, now) for w in waybills)

    def subscribe(self, waybills: Sequence[Waybill], now: datetime) -> frozenset[str]:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Pushing`."""
        assert len(waybills) <= self.pace.batch
        self._next()
        if not self.pushes:
            return frozenset()
        self.subscribed |= {w.key: w for w in waybills}
        return frozenset(w.key for w in waybills)

    def pushed(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Pushed:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Pushing`."""
        if headers.get("sign") != "good":
            raise BadSignature("The signature does not fit the message.")
        said: dict[str, Any] = json.loads(body)
        until = datetime.fromisoformat(said["until"])
        return Pushed((self._said(Waybill(said["key"], said["carrier"], said["number"], said["phone"]), until),), b"{}")

    # --- levers -------------------------------------------------------------------------------------------------------
    def push(self, key: str, until: datetime) -> tuple[dict[str, str], dict[str, str], bytes]:
        """Headers, query and body with which it tells of the key what it knew at ``until``."""
        w = self.subscribed[key]
        told = {"key": key, "carrier": w.carrier, "number": w.number, "phone": w.phone, "until": until.isoformat()}
        return {"sign": "good"}, {}, json.dumps(told).encode()

    def _said(self, waybill: Waybill, now: datetime) -> Trace:
        number = waybill.number
        if number in self.never:
            return Trace(waybill.key, Found.NEVER, over=True)
        if waybill.carrier in self.by_phone and waybill.phone[-4:] not in self.phones.get(number, {waybill.phone[-4:]}):
            return Trace(waybill.key, Found.OTHER_PARTY)
        told = tuple(scan for scan in self.known.get(number, ()) if scan.at <= now)
        if not told:
            return Trace(waybill.key, Found.NOT_YET)
        over = told[-1].state is Passage.SIGNED
        return Trace(waybill.key, Found.KNOWN, told, self.corrected.get(number, ""), over, number in self.frozen)

    def _next(self) -> None:
        self.calls += 1
        word = self.script.pop(0) if self.script else "ok"
        if word == "deaf":
            raise Unknown("No answer.")
        if word == "busy":
            raise ChannelBusy("Asked too often.", until=None)


def a_waybill(number: str = "SF1234567890123", carrier: str = "sf", **changes: Any) -> Waybill:
    """A waybill of case ``c1``, asked with the buyer's phone."""
    return replace(Waybill("c1-parcel-1", carrier, number, f"1380000{BUYER_TAIL}"), **changes)


class FullTracer(Tracer, Pushing, Protocol):
    """A tracer that also tells by itself."""


class TracerBench(Protocol):
    """A tracer under test, and the levers of the company behind it. Its clock stands at ``now`` unless it is moved on."""

    tracer: FullTracer
    #: A carrier (ours) that the tracer follows, and a number of its form; where one is followed by phone, that one.
    carrier: str
    number: str
    now: datetime
    #: Whether it tells by itself.
    pushes: bool

    def happen(self, number: str, scans: Sequence[Scan]) -> None:
        """In truth this happened to the parcel: the buyer (tail BUYER_TAIL) sends it to the shop (SHOP_TAIL)."""

    def fall_silent(self) -> None:
        """The next call gets no answer."""

    def move(self, by: timedelta) -> None:
        """Time passes."""

    def push(self, key: str) -> tuple[dict[str, str], dict[str, str], bytes]:
        """What it tells by itself now about the subscribed key: headers (lower-case), query and body."""

    def forged(self, push: tuple[dict[str, str], dict[str, str], bytes], how: str) -> tuple[dict[str, str], dict[str, str], bytes]:
        """The push with another body, another signature, or none (``body``, ``sign``, ``none``)."""


class TracerContract:
    """What every tracer keeps; a subclass gives the fixture ``bench``."""

    def test_it_follows_some_carriers_and_not_all(self, bench: TracerBench) -> None:
        """Whom it follows it says beforehand, without a call; a code of nobody is nobody's."""
        assert bench.tracer.follows(bench.carrier)
        assert not bench.tracer.follows("no-such-carrier")
        assert bench.tracer.pace.batch >= 1

    def test_an_honest_way_is_told_whole(self, bench: TracerBench) -> None:
        """Every scan arrives in order with its instant, state and the carrier's own code; the last says that it was signed for."""
        bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
        (trace,) = bench.tracer.trace([a_waybill(bench.number, bench.carrier)], bench.now)
        assert (trace.key, trace.found) == ("c1-parcel-1", Found.KNOWN)
        assert [s.at for s in trace.scans] == sorted(s.at for s in trace.scans)
        assert [s.at for s in trace.scans] == [s.at for s in scans(bench.now - timedelta(hours=31))]
        assert trace.scans[0].state in CARRIED
        assert trace.scans[-1].state is Passage.SIGNED
        assert all(s.code for s in trace.scans)
        assert "杭州" in trace.scans[0].city + trace.scans[0].text
        assert "烟台" in trace.scans[-1].city + trace.scans[-1].text

    def test_a_number_that_nobody_knows_is_no_error(self, bench: TracerBench) -> None:
        """A young or invented number has an answer: nothing is known of it so far."""
        (trace,) = bench.tracer.trace([a_waybill(bench.number, bench.carrier)], bench.now)
        assert (trace.found, trace.scans) == (Found.NOT_YET, ())

    def test_silence_is_unknown(self, bench: TracerBench) -> None:
        """No answer is an error of its own, and the next call is answered."""
        bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
        bench.fall_silent()
        with pytest.raises(Unknown):
            bench.tracer.trace([a_waybill(bench.number, bench.carrier)], bench.now)
        bench.move(bench.tracer.pace.gap)
        (trace,) = bench.tracer.trace([a_waybill(bench.number, bench.carrier)], bench.now)
        assert trace.found is Found.KNOWN

    def test_a_stranger_s_phone_is_refused(self, bench: TracerBench) -> None:
        """Where a carrier asks for the phone of a party, both parties' are taken, and nobody else's."""
        if not bench.tracer.wants_phone(bench.carrier):
            assert not bench.tracer.wants_phone("no-such-carrier")
            return
        bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
        for tail, found in ((BUYER_TAIL, Found.KNOWN), (SHOP_TAIL, Found.KNOWN), ("9999", Found.OTHER_PARTY)):
            (trace,) = bench.tracer.trace([a_waybill(bench.number, bench.carrier, phone=f"1380000{tail}")], bench.now)
            assert trace.found is found
            bench.move(bench.tracer.pace.gap)

    def test_what_it_tells_by_itself_is_the_same_word(self, bench: TracerBench) -> None:
        """A push names the waybill by our key and says what a question would; told again it says the same."""
        if not bench.pushes:
            assert not hasattr(bench.tracer, "pushed")
            return
        waybill = a_waybill(bench.number, bench.carrier)
        assert bench.tracer.subscribe([waybill], bench.now) == {waybill.key}
        assert bench.tracer.subscribe([waybill], bench.now) == {waybill.key}
        bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
        push = bench.push(waybill.key)
        first, second = bench.tracer.pushed(*push, bench.now), bench.tracer.pushed(*push, bench.now)
        assert first == second
        (trace,) = first.traces
        assert (trace.key, trace.found) == (waybill.key, Found.KNOWN)
        assert trace.scans[-1].state is Passage.SIGNED

    @pytest.mark.parametrize("how", ["body", "sign", "none"])
    def test_a_forged_push_is_refused(self, bench: TracerBench, how: str) -> None:
        """Another body under a signature, another signature or none tell nothing."""
        if not bench.pushes:
            assert not hasattr(bench.tracer, "subscribe")
            return
        waybill = a_waybill(bench.number, bench.carrier)
        bench.tracer.subscribe([waybill], bench.now)
        bench.happen(bench.number, scans(bench.now - timedelta(hours=31)))
        with pytest.raises(BadSignature):
            bench.tracer.pushed(*bench.forged(bench.push(waybill.key), how), bench.now)
