"""17TRACK and AfterShip in the sandbox: every script in their words, telling until somebody has heard, faults, a restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from aftersales.errors import BadSignature
from aftersales.testing.tracer import BUYER_TAIL, SHOP_TAIL, a_waybill
from aftersales.tracking import Found, Passage, Scan, Trace, merged
from infra.local.sandbox import At, Fault, Kind, LooksReal, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.journey import JOURNEYS, End
from infra.local.sandbox.provider import Reply
from infra.local.sandbox.server import Server

pytestmark = pytest.mark.e2e

NUMBER, HOUR, DAY = "RR123456785CN", 3_600, 86_400
BUYER, SHOP = End("杭州市", BUYER_TAIL), End("烟台市", SHOP_TAIL)


class Play:
    """One platform of the sandbox, a shop that it tells, and the clock."""

    def __init__(self, name: str, sandbox: Sandbox, shop: Shop) -> None:
        self.name, self.sandbox, self.shop, self.other = name, sandbox, shop, sandbox.provider(name)
        settings = sandbox.settings(shop.server.url, provider=name)
        self.tracer = shop.tracer = import_module(f"plugins.{name}_carrier").build(settings)

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromtimestamp(self.sandbox.now(), UTC)

    def send(self, script: str = "normal", number: str = NUMBER) -> None:
        """A parcel sets out."""
        self.sandbox.parcels.send(number, "post", BUYER, SHOP, script=script, weight_g=1_500)

    def trace(self) -> Trace:
        """Ask."""
        (trace,) = self.tracer.trace([a_waybill(NUMBER, "post")], self.now)
        assert isinstance(trace, Trace)
        return trace

    def subscribe(self, number: str = NUMBER, key: str = "c1-parcel-1") -> None:
        """Have it told."""
        assert self.tracer.subscribe([a_waybill(number, "post", key=key)], self.now) == {key}

    def fault(self, kind: Kind, **more: Any) -> None:
        """The next message goes wrong."""
        self.sandbox.fault(Fault(At.NOTICE, kind, **more), provider=self.name)

    def pass_by(self, seconds: float) -> None:
        """Time passes at the platform."""
        self.sandbox.set_clock(self.sandbox.offset_s + seconds)

    def told(self) -> list[dict[str, Any]]:
        """What was told, by the truth."""
        found: list[dict[str, Any]] = self.sandbox.truth("parcels")["told"]
        return found


class Shop:
    """A shop that reads what it is told, and says so unless it is told not to."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self.refused, self.thankful = 0, True
        self.tracer: Any = None
        self.server = Server("shop", "127.0.0.1", 0, self._hear)

    def _hear(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            self.traces += self.tracer.pushed(lower, {}, body, datetime.now(UTC)).traces
        except BadSignature:
            self.refused += 1
            return Reply(400)
        return Reply(200 if self.thankful else 503)

    @property
    def scans(self) -> tuple[Scan, ...]:
        """All that was told, merged as the core does."""
        found: tuple[Scan, ...] = ()
        for trace in self.traces:
            found = merged(found, trace.scans)
        return found


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """It listens."""
    shop = Shop()
    shop.server.start()
    yield shop
    shop.server.stop()


@pytest.fixture(params=["track17", "aftership"])
def name(request: pytest.FixtureRequest) -> str:
    """Both platforms keep the same promises."""
    return str(request.param)


@pytest.fixture
def play(name: str, neighbours: WechatKeys, shop: Shop) -> Iterator[Play]:
    """A fresh platform."""
    with Sandbox(keys=neighbours, limited=True) as sandbox:
        play = Play(name, sandbox, shop)
        yield play
        play.tracer.close()


def until(true: Callable[[], object], seconds: float = 10) -> bool:
    """Whether it comes true within the time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(true())


SCRIPTS = [script for script in JOURNEYS if script not in ("bare", "invented", "corrected_carrier", "too_late")]


def test_every_way_is_told_in_the_platforms_words(play: Play) -> None:
    """What happened in truth arrives through the platform's words as what it was, with its city, code, weight and instant."""
    for script in SCRIPTS:
        play.send(script)
        play.pass_by(5 * DAY)
        trace, truth = play.trace(), play.sandbox.parcels.shown(NUMBER)
        assert [(s.state, s.at, s.city) for s in trace.scans] == [(s.state, s.at, s.city) for s in truth], script
        assert all(scan.code for scan in trace.scans)
        weighed = [scan.weight_g for scan in trace.scans if scan.weight_g is not None]
        assert weighed == ([round(1_500 * JOURNEYS[script].weighs)] if script not in ("label_only", "cancelled_label") else [])


@pytest.mark.parametrize("state", [Passage.CUSTOMS_PENDING, Passage.CUSTOMS_HELD, Passage.CUSTOMS_RELEASED, Passage.PROBLEM])
def test_customs_and_trouble_are_told_too(play: Play, state: Passage) -> None:
    """What scripts have no line for can be scanned by hand, and arrives as it is."""
    play.send("bare")
    play.sandbox.parcels.scan(NUMBER, state, "上海市")
    assert [scan.state for scan in play.trace().scans] == [state]


def test_a_number_nobody_ever_gave_is_not_found_yet(play: Play) -> None:
    """An invented number is no error and no verdict."""
    play.send("invented")
    assert (play.trace().found, play.trace().scans) == (Found.NOT_YET, ())


def test_everything_is_told_and_nobody_has_to_ask(play: Play) -> None:
    """A parcel is followed through its days by messages alone, under the key that we gave it."""
    play.send()
    play.subscribe()
    for _ in range(4):
        play.pass_by(8 * HOUR)
        time.sleep(0.05)
    assert until(lambda: play.shop.traces and play.shop.traces[-1].over)
    assert {trace.key for trace in play.shop.traces} == {"c1-parcel-1"}
    assert play.shop.scans == play.trace().scans
    assert all(told["answered"] and told["key"] == "c1-parcel-1" for told in play.told())


def test_it_tells_again_until_somebody_has_heard(play: Play) -> None:
    """Refused, a message comes again on the platform's schedule, and never after it was taken."""
    play.shop.thankful = False
    play.send()
    play.subscribe()
    assert until(lambda: len(play.told()) == 1)
    play.pass_by(700)
    assert until(lambda: len(play.told()) == 2)
    play.shop.thankful = True
    play.pass_by(2_000)
    assert until(lambda: len(play.told()) == 3)
    assert [told["status"] for told in play.told()] == [503, 503, 200]
    play.pass_by(2 * HOUR)
    time.sleep(0.1)
    assert len(play.told()) == 3


def test_duplicates_and_other_orders_change_nothing(play: Play) -> None:
    """Told twice and told late, the parcel has the same scans."""
    play.send()
    play.fault(Kind.DUPLICATE)
    play.subscribe()
    assert until(lambda: len(play.shop.traces) == 2)
    play.fault(Kind.REORDERED)
    play.pass_by(6 * HOUR)
    time.sleep(0.1)
    play.pass_by(26 * HOUR)
    assert until(lambda: len(play.shop.traces) == 4)
    assert play.shop.scans == play.trace().scans
    assert play.sandbox.envs[play.name].script.left == 0


@pytest.mark.parametrize("kind", [Kind.BAD_SIGNATURE, Kind.UNSIGNED])
def test_a_spoilt_message_is_refused_and_comes_again(play: Play, kind: Kind) -> None:
    """With another signature or none nothing is believed; the genuine one follows."""
    play.send()
    play.fault(kind)
    play.subscribe()
    assert until(lambda: play.shop.refused == 1)
    assert play.shop.traces == []
    play.pass_by(700)
    assert until(lambda: len(play.shop.traces) == 1)


def test_a_message_about_a_number_that_never_was_is_another_keys(play: Play) -> None:
    """Validly signed, about somebody else's number: it is told under that key, and none of ours."""
    play.send()
    play.fault(Kind.UNKNOWN_REFUND)
    play.subscribe()
    assert until(lambda: len(play.told()) == 2)
    assert [trace.key for trace in play.shop.traces if trace.scans] == ["c1-parcel-1"]


def test_everything_goes_on_after_a_restart(name: str, neighbours: WechatKeys, shop: Shop, tmp_path: Path) -> None:
    """Keys, numbers and what was told are on the disk; what happened meanwhile is told after it."""
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        play = Play(name, sandbox, shop)
        play.send()
        play.subscribe()
        assert until(lambda: len(play.told()) == 1)
        play.tracer.close()
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        play = Play(name, sandbox, shop)
        play.pass_by(31 * HOUR)
        assert until(lambda: shop.traces[-1].over)
        assert until(lambda: len(play.told()) == 2)
        assert play.trace().scans == shop.scans
        play.subscribe()
        play.tracer.close()


def test_levers_are_pulled_and_the_truth_is_told_over_http(play: Play) -> None:
    """A developer sends a parcel and asks for the truth from a shell; keys are no part of it."""
    with httpx.Client(trust_env=False, base_url=play.sandbox.truth_url) as http:
        ends = {"sender": {"city": "杭州市", "tail": "1111"}, "receiver": {"city": "烟台市", "tail": "4321"}}
        sent = {"provider": "parcels", "number": NUMBER, "carrier": "post", **ends}
        assert http.post("/parcel", json=sent).status_code == 200
        assert http.post("/listen", json={"provider": play.name, "url": play.shop.server.url}).status_code == 200
        play.subscribe()
        assert until(lambda: len(play.shop.traces) == 1)
        assert http.post("/notices", json={"provider": play.name, "number": NUMBER}).json() == {"done": True}
        assert until(lambda: len(play.told()) == 2)
        truth = http.get(f"/truth/{play.name}")
    assert truth.json()["followed"][NUMBER]["key"] == "c1-parcel-1"
    assert [told["status"] for told in truth.json()["deliveries"]] == [200, 200]
    assert play.other.keys.key not in truth.text


def test_a_key_that_could_be_real_is_refused(name: str, neighbours: WechatKeys, tmp_path: Path) -> None:
    """Somebody else's account is never played with."""
    keys = import_module(f"infra.local.sandbox.{name}").Keys
    more = ("0123456789ABCDEF",) if name == "aftership" else ()
    with pytest.raises(LooksReal):
        Sandbox(keys=neighbours, made={name: keys("asat_0123456789ABCDEF", *more)}).provider(name)
