"""Kuaidi100's parcels in the sandbox: what it demands of a caller, what it shows of every script, and a restart."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from aftersales.testing.tracer import a_waybill
from aftersales.tracking import Found, Passage
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox import Sandbox
from plugins.kuaidi100_carrier import build
from tests.e2e import kuaidi100 as set_up
from tests.e2e.kuaidi100 import DAY, HOUR, SHOWN, YTO, Play, Shop, ask, until

pytestmark = pytest.mark.e2e
neighbours, play = set_up.neighbours, set_up.play


# --- what it demands --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "changes",
    [
        {"param": json.dumps({"com": "yuantong", "num": YTO}) + " "},
        {"customer": "SANDBOX0"},
        {"sign": ""},
        {"sign": "签"},
        {"sign": "0" * 32},
    ],
    ids=repr,
)
def test_a_question_that_was_changed_after_it_was_signed_is_refused(changes: dict[str, str], play: Play) -> None:
    """The signature covers the exact parameters and the customer; a refused question is no question."""
    play.send()
    assert ask(play, **changes)["returnCode"] == "503"
    assert play.sandbox.truth("parcels")["asked"] == {}
    assert ask(play)["status"] == "200"


def test_a_second_question_within_half_an_hour_is_refused_and_counted(play: Play) -> None:
    """The truth knows how often each number was asked, and which limit was broken."""
    play.send()
    assert ask(play)["status"] == "200"
    play.pass_by(1_790)
    assert "锁单" in ask(play)["message"]
    play.pass_by(10)
    assert ask(play)["status"] == "200"
    truth = play.sandbox.truth("parcels")
    assert truth["asked"][YTO]["kuaidi100"] == {"count": 2, "refused": 1}
    assert [broken["number"] for broken in truth["broken"]] == [YTO]


def test_a_number_is_subscribed_once_and_four_times_a_month(play: Play) -> None:
    """While it is followed a second subscription is 501; after its end it is taken again, until the month has seen four."""
    play.send()
    for _ in range(4):
        assert play.subscribe()
        play.pass_by(31 * HOUR)
        assert until(lambda: play.other.watch.of(YTO)["state"] == "shutdown")
        play.send()
    calls = play.other.truth()["calls"]
    assert calls["poll 200"] == 4
    assert play.subscribe()  # to us that is a yes, as it is for one that is followed
    assert play.other.truth()["calls"]["poll 501"] == 1


def test_a_stranger_s_key_subscribes_nothing(play: Play) -> None:
    """Who is not known is refused, and nothing is followed."""
    tracer = build({**play.settings, "trace_key": "somebody"})
    assert tracer.subscribe([a_waybill(YTO, "yto")], play.now) == frozenset()
    assert play.other.truth()["subscriptions"] == []
    tracer.close()


# --- every script, asked ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("script", "states"), SHOWN.items(), ids=SHOWN)
def test_every_way_is_told_in_the_platforms_codes(script: str, states: list[Passage], play: Play) -> None:
    """What happened in truth arrives through the platform's codes as what it was, with its city, weight and instant."""
    play.send(script, weight_g=1_500)
    play.pass_by(5 * DAY)
    trace = play.trace()
    truth = play.sandbox.parcels.shown(YTO)
    assert [scan.state for scan in trace.scans] == states
    assert trace.over == (states[-1] in (Passage.SIGNED, Passage.RETURNED))
    assert [(scan.at, scan.city) for scan in trace.scans] == [(scan.at, scan.city) for scan in truth]
    weighed = [scan.weight_g for scan in trace.scans if scan.state is Passage.PICKED_UP]
    assert weighed == [1_500] * len(weighed)


def test_a_number_nobody_ever_gave_is_not_found(play: Play) -> None:
    """Asked about an invented number, and about one that another company carries, the platform finds nothing so far."""
    play.send("invented")
    assert play.trace().found is Found.NOT_YET
    play.send("corrected_carrier", number="YT9999999999999")
    assert play.trace("YT9999999999999").found is Found.NOT_YET


# --- a restart --------------------------------------------------------------------------------------------------------------
def test_everything_goes_on_after_a_restart(neighbours: WechatKeys, tmp_path: Path) -> None:
    """Subscriptions, what was told, the half hour and the keys are on the disk; what happened meanwhile is told after it."""
    shop = Shop()
    shop.server.start()
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        play = Play(sandbox, shop)
        play.send()
        play.subscribe()
        assert until(lambda: len(play.told()) == 1)
        assert play.trace().found is Found.KNOWN
        play.tracer.close()
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        play = Play(sandbox, shop)
        assert "锁单" in ask(play)["message"]
        play.pass_by(31 * HOUR)
        assert until(lambda: shop.traces[-1].over)
        assert until(lambda: len(play.told()) == 2)
        assert play.sandbox.truth("parcels")["asked"][YTO]["kuaidi100"] == {"count": 1, "refused": 1}
        play.close()


def test_keys_of_an_earlier_day_get_a_customer(neighbours: WechatKeys, tmp_path: Path) -> None:
    """A home that was made before parcels could be asked about keeps its keys, and has a customer's number from now on."""
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        known = sandbox.provider("kuaidi100").keys
    file = tmp_path / "kuaidi100-keys" / "client.json"
    file.write_text(json.dumps({"key": known.key, "secret": known.secret}))
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        first = sandbox.provider("kuaidi100").keys
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        again = sandbox.provider("kuaidi100").keys
    assert (first.key, first.secret) == (known.key, known.secret)
    assert first.customer == again.customer == (tmp_path / "kuaidi100-keys" / "customer").read_text()


def test_a_parcel_is_followed_through_its_days(play: Play) -> None:
    """Twenty parcels told for ten days: every one arrives, each is told five times at most, and nobody had to ask."""
    numbers = [f"YT{n:013d}" for n in range(20)]
    for n, number in enumerate(numbers):
        play.send(number=number)
        play.subscribe(number, key=f"c{n}-parcel-1")
    for _ in range(20):
        play.pass_by(timedelta(hours=12).total_seconds())
    assert until(lambda: len([t for t in play.shop.traces if t.over]) == 20, 30)
    assert all(len([t for t in play.shop.traces if t.key == f"c{n}-parcel-1"]) <= 5 for n in range(20))
    assert play.sandbox.truth("parcels")["asked"] == {}
