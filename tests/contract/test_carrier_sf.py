"""SF keeps the contract of carriers against the platform of the sandbox, however it is told to place orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from aftersales.errors import BadSettings, Rejected, Unknown
from aftersales.pickup import BookingStatus, Party, Refusal, Slot
from aftersales.testing.builders import NOW
from aftersales.testing.carrier import CarrierContract, a_wish
from aftersales.tracking import Passage
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import End
from infra.local.sandbox.sf.order import asked_of
from plugins.sf_carrier import build
from plugins.sf_carrier.carrier import _fee
from plugins.sf_carrier.wire import Answer

KEY = "c1-pickup-1"

#: A code with which SF refuses, by its reason.
SAID = {
    Refusal.NO_SERVICE: "20036",
    Refusal.SLOT_TAKEN: "8096",
    Refusal.TOO_HEAVY: "20012",
    Refusal.BAD_ADDRESS: "1010",
    Refusal.NO_FUNDS: "8119",
    Refusal.OTHER: "20035",
}


class SfBench:
    """The sandbox is the other side; its clock stands where the tests' clock does."""

    def __init__(self, sandbox: Sandbox, orders: str) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("sf")
        sandbox.set_clock(sandbox.offset_s + NOW.timestamp() - sandbox.now())
        self.carrier: Any = build({**sandbox.settings(provider="sf"), "orders": orders, "read_s": 1})

    def alive(self) -> list[str]:
        """Those that stand."""
        found: list[str] = self.other.truth()["standing"]
        return found

    def collect(self, key: str) -> None:
        """SF has the goods."""
        assert self.other.collect(key)["done"]

    def refuse_next(self, why: Refusal) -> None:
        """Nothing is placed."""
        self.sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False, code=SAID[why], message=str(why)), provider="sf")

    def fall_silent(self, *, done: bool) -> None:
        """The connection ends without an answer, whatever is asked next."""
        for at in (At.CREATE, At.VOID):
            self.sandbox.fault(Fault(at, Kind.HANG, executed=done), provider="sf")

    def notice(self, key: str) -> Any:
        """It tells nothing by itself."""
        raise NotImplementedError

    forged = notice


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture(params=["reverse", "express"])
def bench(neighbours: WechatKeys, request: pytest.FixtureRequest) -> Iterator[SfBench]:
    """The plugin and a fresh platform, for both ways of placing an order."""
    with Sandbox(keys=neighbours) as sandbox:
        made = SfBench(sandbox, request.param)
        yield made
        made.carrier.close()


class TestPlugin(CarrierContract):
    """The plugin against our sandbox."""


def test_an_order_says_who_sends_what_to_whom_and_when(bench: SfBench) -> None:
    """Both doors with their phones, the hours in China, the weight and the shop's account are in the order that is placed."""
    bench.carrier.book(a_wish(weight_g=1_500), NOW)
    asked = asked_of(bench.other.book.order(KEY))
    sender, receiver = asked["contactInfoList"]
    assert (sender["contactType"], sender["contact"], sender["mobile"]) == (1, "王小明", "13800001111")
    assert (receiver["contactType"], receiver["tel"]) == (2, "0571-87654321")
    assert (sender["province"], sender["city"]) == ("浙江省", "杭州市")
    assert asked["sendStartTm"].endswith("09:00:00")
    assert asked["pickupAppointEndtime"].endswith("11:00:00")
    assert (asked["totalWeight"], asked["isDocall"], asked["payMethod"]) == (1.5, 1, 1)
    assert asked["monthlyCard"] == bench.other.keys.monthly_card


def test_a_label_calls_no_courier(bench: SfBench) -> None:
    """An order for a label asks for nobody at the door, and names no time."""
    bench.carrier.book(a_wish(slot=None), NOW)
    asked = asked_of(bench.other.book.order(KEY))
    assert asked["isDocall"] == 0
    assert not {"sendStartTm", "pickupAppointEndtime"} & set(asked)


def test_nobody_comes_at_night(bench: SfBench) -> None:
    """A time at which no courier comes is refused before anything is placed; a booking that stands already is found."""
    wish = a_wish()
    assert wish.slot is not None
    night = replace(wish, slot=Slot(wish.slot.start - timedelta(hours=6), wish.slot.end - timedelta(hours=6)))
    said = bench.carrier.book(night, NOW)
    assert (said.status, said.refusal) == (BookingStatus.REFUSED, Refusal.SLOT_TAKEN)
    assert bench.alive() == []
    bench.carrier.book(wish, NOW)
    assert bench.carrier.book(night, NOW).status is BookingStatus.STANDS


def test_the_price_is_exact(bench: SfBench) -> None:
    """Yuan with a decimal become cents: 12.00 for the first kilogram, 2.50 for each further one."""
    assert bench.carrier.price(a_wish(weight_g=1_000), NOW) == 1_200
    assert bench.carrier.price(a_wish(weight_g=2_500, slot=None), NOW) == 1_700


@pytest.mark.parametrize("fee", [12.345, -1, "much", None])
def test_what_is_no_price_is_not_told(fee: Any) -> None:
    """Parts of a cent, less than nothing and words are no price; none at all is that SF does not say."""
    said = Answer(True, "S0000", "", {"deliverTmDto": [{"businessType": "2", "fee": Decimal(str(fee)) if fee == 12.345 else fee}]})
    with pytest.raises(Rejected if fee is None else Unknown):
        _fee(said, "2")


def test_cancelled_by_sf_is_gone(bench: SfBench) -> None:
    """An order that SF cancelled stands no more, and its key says so."""
    ref = bench.carrier.book(a_wish(), NOW).ref
    bench.other.give_up(KEY)
    found = bench.carrier.find(KEY, ref, NOW)
    assert found is not None
    assert found.status is BookingStatus.GONE


def test_a_scan_anywhere_counts_as_brought(bench: SfBench) -> None:
    """A label that somebody scanned at a station is collected, whoever told the sandbox of it; it is not cancelled."""
    said = bench.carrier.book(a_wish(slot=None), NOW)
    ends = End("杭州市", "1111"), End("杭州市", "4321")
    bench.other.parcels.send(said.number, "sf", *ends, script="bare")
    found = bench.carrier.find(KEY, said.ref, NOW)
    assert found.status is BookingStatus.STANDS
    bench.other.parcels.scan(said.number, Passage.PICKED_UP, "杭州市")
    assert bench.carrier.find(KEY, said.ref, NOW).status is BookingStatus.COLLECTED
    with pytest.raises(Rejected):
        bench.carrier.cancel(KEY, said.ref, NOW)


@pytest.mark.parametrize("code", ["A1005", "A1007", "A1009", "A1010", "A1099", "S0003", "9999"])
def test_what_may_stand_is_unknown(bench: SfBench, code: str) -> None:
    """The platform's troubles and codes that nobody knows are no refusal: the order may stand."""
    bench.sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=True, code=code, message="?"), provider="sf")
    with pytest.raises(Unknown):
        bench.carrier.book(a_wish(), NOW)


@pytest.mark.parametrize("code", ["A1001", "A1003", "A1004", "A1006", "A1008"])
def test_who_is_not_let_in_has_ordered_nothing(bench: SfBench, code: str) -> None:
    """Turned away before a service was asked: the booking is refused, and nothing stands."""
    bench.sandbox.fault(Fault(At.CREATE, Kind.ERROR, executed=False, code=code, message="?"), provider="sf")
    said = bench.carrier.book(a_wish(), NOW)
    assert (said.status, said.refusal, bench.alive()) == (BookingStatus.REFUSED, Refusal.OTHER, [])


@pytest.mark.parametrize("at", [At.CREATE, At.QUERY])
def test_another_order_than_was_asked_about_is_not_believed(bench: SfBench, at: At) -> None:
    """An answer about somebody else's order says nothing about ours."""
    bench.sandbox.fault(Fault(at, Kind.WRONG_NUMBER), provider="sf")
    asked = bench.carrier.book if at is At.CREATE else lambda _, now: bench.carrier.find(KEY, KEY, now)
    with pytest.raises(Unknown):
        asked(a_wish(), NOW)


@pytest.mark.parametrize("kind", [Kind.HANG, Kind.CUT, Kind.TRICKLE, Kind.HTML])
def test_no_readable_answer_is_unknown(bench: SfBench, kind: Kind) -> None:
    """Silence, half an answer, a trickle and a proxy's page all end within the time-outs, and the order is found afterwards."""
    carrier = build({**bench.sandbox.settings(provider="sf"), "read_s": 1, "total_s": 1})
    bench.sandbox.fault(Fault(At.CREATE, kind, status=502, seconds=3), provider="sf")
    with pytest.raises(Unknown):
        carrier.book(a_wish(), NOW)
    found = carrier.find(KEY, "", NOW)
    assert found is not None
    assert found.status is BookingStatus.STANDS
    carrier.close()


def test_words_that_break_other_digests_pass(bench: SfBench) -> None:
    """Blanks, asterisks, tildes, percent signs, ampersands, pluses and rare characters in a name are digested as SF does it."""
    odd = Party("王 *~%&+=𠮷\ud800", "13800001111", "浙江省杭州市西湖区文三路 9 号 3 幢 502 (后门)~*")
    assert bench.carrier.book(a_wish(sender=odd), NOW).status is BookingStatus.STANDS
    assert bench.other.truth()["turned_away"] == {}


def test_without_an_account_nobody_drives(bench: SfBench) -> None:
    """Who follows parcels only needs no account, and offers nobody who would fetch them."""
    settings = bench.sandbox.settings(provider="sf")
    only_routes = build({**settings, "monthly_card": "", "collects": "false"})
    assert only_routes.companies == ()
    assert only_routes.follows("sf")


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://platform.example"},
        {"base_url": ""},
        {"partner_id": ""},
        {"checkword": " "},
        {"monthly_card": ""},
        {"monthly_card": "12345"},
        {"orders": "any"},
        {"pay_method": 4},
        {"product": "x"},
        {"total_s": -1},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    right = {
        "base_url": "https://platform.example/std/service",
        "partner_id": "P",
        "checkword": "0123456789" * 3,
        "monthly_card": "7" * 10,
    }
    with pytest.raises(BadSettings) as error:
        build({**right, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "0123456789" not in error.value.message
    assert "0123456789" not in repr(build(right)._setting)
