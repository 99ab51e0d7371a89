"""A carrier in memory, and the contract of every one of them: one key is one booking, and who cancels knows that nothing stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.pickup import Booking, BookingStatus, Party, Refusal, Slot, Told, Wish
from aftersales.ports import Carrier, Telltale
from aftersales.testing.builders import NOW

SENDER = Party("王小明", "13800001111", "浙江省杭州市西湖区文三路 9 号 3 幢 502")
RECEIVER = Party("退货组", "0571-87654321", "浙江省杭州市余杭区良渚街道演示路 1 号")
PRICE = 1_200


@dataclass
class FakeCarrier:
    """Bookings in memory. ``script`` says what happens to the next calls, one word each.

    ``ok``; ``lost``: done, and no answer; ``deaf``: not done, and no answer; a :class:`Refusal` for a booking. ``quotes`` says the
    same of the next questions about prices. What it tells by itself is believed with the header ``sign: good``. With ``labels`` it
    gives numbers without a courier.
    """

    companies: tuple[str, ...] = ("swift", "heavy")
    moves: bool = True
    days_ahead: int = 2
    labels: bool = False
    price_minor: int = PRICE
    script: list[str] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)
    bookings: dict[str, Booking] = field(default_factory=dict)
    slots: dict[str, Slot | None] = field(default_factory=dict)
    booked: int = 0

    @property
    def alive(self) -> list[str]:
        """The keys that stand: somebody will come, and it will be paid."""
        return [key for key, b in self.bookings.items() if b.status is BookingStatus.STANDS]

    # --- the port -----------------------------------------------------------------------------------------------------
    def book(self, wish: Wish, now: datetime) -> Booking:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Carrier`."""
        word = self._next()
        if word == "deaf":
            raise Unknown("No answer.")
        if wish.key not in self.bookings:
            refused = Refusal(word) if word in set(Refusal) else None if wish.slot or self.labels else Refusal.NO_SERVICE
            status = BookingStatus.REFUSED if refused else BookingStatus.STANDS
            self.booked += not refused
            number = f"SW{self.booked:06}" if not refused else ""
            self.bookings[wish.key] = Booking(wish.key, status, f"ref-{wish.key}", wish.company, number, self.price_minor, refused)
            self.slots[wish.key] = wish.slot
        if word == "lost":
            raise Unknown("No answer.")
        return self.bookings[wish.key]

    def find(self, key: str, ref: str, now: datetime) -> Booking | None:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Carrier`."""
        if self._next() in ("lost", "deaf"):
            raise Unknown("No answer.")
        return self.bookings.get(key)

    def move(self, key: str, ref: str, slot: Slot, now: datetime) -> Booking:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Carrier`."""
        word = self._next()
        if word == "deaf":
            raise Unknown("No answer.")
        if not self.moves or key not in self.alive:
            raise Rejected("It cannot be moved.")
        self.slots[key] = slot
        if word == "lost":
            raise Unknown("No answer.")
        return self.bookings[key]

    def cancel(self, key: str, ref: str, now: datetime) -> None:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Carrier`."""
        word = self._next()
        if word == "deaf":
            raise Unknown("No answer.")
        known = self.bookings.get(key)
        if known is not None and known.status is BookingStatus.COLLECTED:
            raise Rejected("It was collected.")
        if known is not None and known.status is BookingStatus.STANDS:
            self.bookings[key] = replace(known, status=BookingStatus.GONE)
        if word == "lost":
            raise Unknown("No answer.")

    def told(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime) -> Told:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Telltale`."""
        if headers.get("sign") != "good":
            raise BadSignature("The signature does not fit the message.")
        said: dict[str, Any] = json.loads(body)
        return Told(said["key"], said["ref"], b"{}")

    def price(self, wish: Wish, now: datetime) -> int:  # noqa: ARG002 (part of the port)
        """See :class:`~aftersales.ports.Telltale`."""
        if self.quotes and self.quotes.pop(0) in ("lost", "deaf"):
            raise Unknown("No answer.")
        return self.price_minor

    # --- levers -------------------------------------------------------------------------------------------------------
    def collect(self, key: str) -> None:
        """The courier has the goods; nothing happens where none stands."""
        if key in self.alive:
            self.bookings[key] = replace(self.bookings[key], status=BookingStatus.COLLECTED)

    def give_up(self, key: str, why: Refusal | None = None) -> None:
        """The carrier cancels it, or will not come after all."""
        if key in self.alive:
            status = BookingStatus.REFUSED if why else BookingStatus.GONE
            self.bookings[key] = replace(self.bookings[key], status=status, refusal=why)

    def notice(self, key: str) -> tuple[dict[str, str], dict[str, str], bytes]:
        """Headers, query and body with which it tells of the key."""
        return {"sign": "good"}, {}, json.dumps({"key": key, "ref": f"ref-{key}"}).encode()

    def _next(self) -> str:
        return self.script.pop(0) if self.script else "ok"


def a_wish(key: str = "c1-pickup-1", company: str = "", **changes: Any) -> Wish:
    """Tomorrow from nine to eleven in China, one kilogram."""
    start = (NOW + timedelta(days=1)).replace(hour=1, minute=0, second=0, microsecond=0)
    wish = Wish(key, company, Slot(start, start + timedelta(hours=2)), SENDER, RECEIVER, 1_000, "退货商品")
    return replace(wish, **changes)


class FullCarrier(Carrier, Telltale, Protocol):
    """A carrier that also names prices, and mostly tells by itself: the kit leaves telling out where it does not."""


class CarrierBench(Protocol):
    """A carrier under test, and the levers of the company behind it."""

    carrier: FullCarrier

    def alive(self) -> list[str]:
        """The keys that stand there, in truth."""

    def collect(self, key: str) -> None:
        """The courier took the goods."""

    def refuse_next(self, why: Refusal) -> None:
        """The next booking is refused."""

    def fall_silent(self, *, done: bool) -> None:
        """The next call gets no answer; ``done`` says whether it is carried out."""

    def notice(self, key: str) -> tuple[dict[str, str], dict[str, str], bytes]:
        """What it tells by itself about the key: headers (lower-case), query and body."""

    def forged(
        self, notice: tuple[dict[str, str], dict[str, str], bytes], how: str
    ) -> tuple[dict[str, str], dict[str, str], bytes]:
        """The notice with another body, another signature, none, or about another key (``body``, ``sign``, ``none``, ``key``)."""


class CarrierContract:
    """What every carrier keeps; a subclass gives the fixture ``bench``."""

    def test_a_booking_stands_once(self, bench: CarrierBench) -> None:
        """Booked again under the same key it is the same booking, with the same number of the carrier's."""
        wish = a_wish(company=bench.carrier.companies[0])
        first, second = bench.carrier.book(wish, NOW), bench.carrier.book(wish, NOW)
        assert (first.key, first.status, second.status) == (wish.key, BookingStatus.STANDS, BookingStatus.STANDS)
        assert first.ref
        assert bench.alive() == [wish.key]

    def test_what_stands_is_found(self, bench: CarrierBench) -> None:
        """It is found under its key, with the carrier's number and without it; what was never booked is not."""
        wish = a_wish(company=bench.carrier.companies[0])
        assert bench.carrier.find(wish.key, "", NOW) is None
        ref = bench.carrier.book(wish, NOW).ref
        for known in ("", ref):
            found = bench.carrier.find(wish.key, known, NOW)
            assert found is not None
            assert (found.status, found.ref, found.company) == (BookingStatus.STANDS, ref, wish.company)

    def test_an_answer_that_is_lost_leaves_the_booking(self, bench: CarrierBench) -> None:
        """No answer is Unknown, whether it was booked or not; the key tells which."""
        bench.fall_silent(done=True)
        with pytest.raises(Unknown):
            bench.carrier.book(a_wish(company=bench.carrier.companies[0]), NOW)
        found = bench.carrier.find("c1-pickup-1", "", NOW)
        assert found is not None
        assert found.status is BookingStatus.STANDS
        bench.fall_silent(done=False)
        with pytest.raises(Unknown):
            bench.carrier.book(a_wish("c2-pickup-1", bench.carrier.companies[0]), NOW)
        assert bench.carrier.find("c2-pickup-1", "", NOW) is None
        assert bench.alive() == ["c1-pickup-1"]

    @pytest.mark.parametrize("why", [Refusal.NO_SERVICE, Refusal.SLOT_TAKEN, Refusal.TOO_HEAVY, Refusal.NO_FUNDS])
    def test_a_refusal_says_why(self, bench: CarrierBench, why: Refusal) -> None:
        """No service there, nobody free, too heavy, no money on the account: an answer with its reason, and nothing stands."""
        bench.refuse_next(why)
        said = bench.carrier.book(a_wish(company=bench.carrier.companies[0]), NOW)
        assert (said.status, said.refusal) == (BookingStatus.REFUSED, why)
        assert bench.alive() == []

    def test_a_cancelled_booking_is_gone(self, bench: CarrierBench) -> None:
        """Cancelled once or twice, with the answer lost in between, nothing stands and the key says so."""
        ref = bench.carrier.book(a_wish(company=bench.carrier.companies[0]), NOW).ref
        bench.fall_silent(done=True)
        with pytest.raises(Unknown):
            bench.carrier.cancel("c1-pickup-1", ref, NOW)
        bench.carrier.cancel("c1-pickup-1", ref, NOW)
        found = bench.carrier.find("c1-pickup-1", ref, NOW)
        assert found is not None
        assert found.status is BookingStatus.GONE
        assert bench.alive() == []

    def test_what_was_collected_is_not_cancelled(self, bench: CarrierBench) -> None:
        """The courier was faster: cancelling is rejected, and the waybill is told."""
        ref = bench.carrier.book(a_wish(company=bench.carrier.companies[0]), NOW).ref
        bench.collect("c1-pickup-1")
        with pytest.raises(Rejected):
            bench.carrier.cancel("c1-pickup-1", ref, NOW)
        found = bench.carrier.find("c1-pickup-1", ref, NOW)
        assert found is not None
        assert (found.status, bool(found.number)) == (BookingStatus.COLLECTED, True)

    def test_moving_leaves_one_booking(self, bench: CarrierBench) -> None:
        """A carrier that moves keeps the key; one that does not says so, and it stands as it was."""
        wish = a_wish(company=bench.carrier.companies[0])
        assert wish.slot is not None
        ref = bench.carrier.book(wish, NOW).ref
        other = Slot(wish.slot.start + timedelta(hours=4), wish.slot.end + timedelta(hours=4))
        if bench.carrier.moves:
            assert bench.carrier.move(wish.key, ref, other, NOW).status is BookingStatus.STANDS
        else:
            with pytest.raises(Rejected):
                bench.carrier.move(wish.key, ref, other, NOW)
        assert bench.alive() == [wish.key]

    def test_a_label_has_its_number_at_once(self, bench: CarrierBench) -> None:
        """Without a slot nobody is sent for; the number is known when it is booked, stands once, and can be cancelled."""
        if not getattr(bench.carrier, "labels", False):
            pytest.skip("This carrier gives no labels.")
        wish = a_wish(company=bench.carrier.companies[0], slot=None)
        first, second = bench.carrier.book(wish, NOW), bench.carrier.book(wish, NOW)
        assert (first.status, first.number, second.number) == (BookingStatus.STANDS, second.number, first.number)
        assert first.number
        assert bench.alive() == [wish.key]
        bench.carrier.cancel(wish.key, first.ref, NOW)
        assert bench.alive() == []

    def test_a_label_was_brought_once_it_is_scanned(self, bench: CarrierBench) -> None:
        """The carrier has the goods: that is found like goods that were fetched, and cannot be cancelled."""
        if not getattr(bench.carrier, "labels", False):
            pytest.skip("This carrier gives no labels.")
        ref = bench.carrier.book(a_wish(company=bench.carrier.companies[0], slot=None), NOW).ref
        bench.collect("c1-pickup-1")
        found = bench.carrier.find("c1-pickup-1", ref, NOW)
        assert found is not None
        assert (found.status, bool(found.number)) == (BookingStatus.COLLECTED, True)
        with pytest.raises(Rejected):
            bench.carrier.cancel("c1-pickup-1", ref, NOW)

    def test_a_price_books_nothing(self, bench: CarrierBench) -> None:
        """What it costs is said beforehand, in minor units, and nothing stands after that."""
        assert bench.carrier.price(a_wish(company=bench.carrier.companies[0]), NOW) > 0
        assert bench.alive() == []

    def test_what_it_tells_names_the_booking(self, bench: CarrierBench) -> None:
        """A notice is about a key, with the carrier's number of it; told again it is the same."""
        if not hasattr(bench.carrier, "told"):
            pytest.skip("This carrier tells nothing by itself.")
        ref = bench.carrier.book(a_wish(company=bench.carrier.companies[0]), NOW).ref
        bench.collect("c1-pickup-1")
        notice = bench.notice("c1-pickup-1")
        for _ in range(2):
            said = bench.carrier.told(*notice, NOW)
            assert (said.key, said.ref) == ("c1-pickup-1", ref)

    @pytest.mark.parametrize("how", ["body", "sign", "none", "key"])
    def test_a_forged_notice_is_refused(self, bench: CarrierBench, how: str) -> None:
        """Another body or key under a signature, another signature or none tell nothing."""
        if not hasattr(bench.carrier, "told"):
            pytest.skip("This carrier tells nothing by itself.")
        bench.carrier.book(a_wish(company=bench.carrier.companies[0]), NOW)
        bench.collect("c1-pickup-1")
        with pytest.raises(BadSignature):
            bench.carrier.told(*bench.forged(bench.notice("c1-pickup-1"), how), NOW)
