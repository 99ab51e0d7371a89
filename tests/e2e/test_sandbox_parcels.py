"""The truth about parcels that every carrier of the sandbox shows: scripts, the clock, what is noted, what survives a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from aftersales.tracking import CARRIED, Passage
from infra.local.sandbox import Keys, Sandbox
from infra.local.sandbox.journey import JOURNEYS, End
from infra.local.sandbox.parcels import Parcels

pytestmark = pytest.mark.e2e

BUYER, SHOP = End("杭州市", "1111"), End("烟台市", "4321")
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
DAY = 86_400


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.at = NOW.timestamp()

    def __call__(self) -> float:
        """Now."""
        return self.at


def sent(script: str, number: str = "YT1234567890123", **more: Any) -> tuple[Parcels, Clock]:
    """A book with one parcel, and its clock."""
    clock = Clock()
    parcels = Parcels(None, clock)
    parcels.send(number, "yto", BUYER, SHOP, script=script, **more)
    return parcels, clock


def whole(script: str) -> list[tuple[Passage, str]]:
    """States and cities of a script's scans, all of them shown."""
    parcels, clock = sent(script)
    clock.at += 60 * DAY
    return [(scan.state, scan.city) for scan in parcels.shown("YT1234567890123")]


def test_scans_are_shown_when_they_happen() -> None:
    """A script that begins now shows its first scan now and its last one when the clock has come there."""
    parcels, clock = sent("normal")
    assert [s.state for s in parcels.shown("YT1234567890123")] == [Passage.PICKED_UP]
    assert parcels.next_at("YT1234567890123") == clock.at + 5 * 3600
    clock.at += 31 * 3600
    assert parcels.shown("YT1234567890123")[-1].state is Passage.SIGNED
    assert parcels.next_at("YT1234567890123") is None


@pytest.mark.parametrize("script", sorted(set(JOURNEYS) - {"invented", "label_only", "cancelled_label", "bare"}))
def test_every_script_but_these_carries_goods(script: str) -> None:
    """A carrier had the goods in every script, but where there are none, or a label only."""
    assert any(state in CARRIED for state, _ in whole(script))


def test_forgeries_name_the_line_that_catches_them() -> None:
    """Each line of the check list that a trace can fail at has a forgery, and honest look-alikes have none."""
    lines = {journey.catches for journey in JOURNEYS.values() if journey.catches}
    assert lines == {
        "exists", "picked_up", "began", "in_time", "origin", "destination", "parties", "outbound", "unique", "weight", "course",
    }  # fmt: skip
    honest = (
        "normal",
        "late_first_scan",
        "no_pickup_scan",
        "neighbour_city",
        "backdated",
        "station",
        "corrected_carrier",
        "clock_skew",
    )
    assert not [name for name in honest if JOURNEYS[name].catches]


def test_what_a_forgery_is() -> None:
    """Other cities, another direction, other phones, another time, less weight: each script differs from the honest one in that."""
    assert whole("other_city")[0][1] == "乌鲁木齐市"
    assert whole("other_destination")[-1] == (Passage.SIGNED, "乌鲁木齐市")
    assert whole("neighbour_city")[0][1] == "绍兴市"
    assert whole("outbound")[0][1] == "烟台市"
    assert whole("recalled")[-1] == (Passage.RETURNED, "杭州市")
    assert whole("frozen")[-1][0] is Passage.IN_TRANSIT
    strangers = sent("strangers")[0].parcel("YT1234567890123")
    assert strangers is not None
    assert not strangers.belongs_to("1111")
    empty = sent("empty_box", weight_g=2_000)[0].shown("YT1234567890123")[0]
    assert (empty.weight_g, "0.10kg" in empty.text) == (100, True)
    assert sent("before_approval")[0].shown("YT1234567890123")[0].at == NOW - timedelta(days=10)
    assert sent("invented")[0].parcel("YT1234567890123") is None


def test_a_late_word_is_backdated_and_a_wrong_clock_stays_wrong() -> None:
    """A scan may be shown a day after it was made, or under an instant that is not its own."""
    parcels, clock = sent("backdated")
    assert parcels.shown("YT1234567890123") == ()
    clock.at += DAY
    assert parcels.shown("YT1234567890123")[0].at == NOW
    assert sent("clock_skew")[0].shown("YT1234567890123")[0].at == NOW - timedelta(minutes=40)


def test_another_company_may_carry_it() -> None:
    """The buyer names one company and another one drives."""
    parcel = sent("corrected_carrier")[0].parcel("YT1234567890123")
    assert parcel is not None
    assert (parcel.said, parcel.carrier) == ("yto", "sto")


def test_a_question_too_soon_is_noted_and_refused() -> None:
    """Within the gap the answer is no, it is counted as a broken limit, and it does not prolong the gap."""
    parcels, clock = sent("normal")
    assert parcels.ask("kuaidi100", "YT1", 1800)
    clock.at += 1799
    assert not parcels.ask("kuaidi100", "YT1", 1800)
    assert parcels.ask("sf", "YT1", 1800)
    clock.at += 1
    assert parcels.ask("kuaidi100", "YT1", 1800)
    truth = parcels.truth()
    assert truth["asked"]["YT1"]["kuaidi100"] == {"count": 2, "refused": 1}
    assert [(b["by"], b["number"], b["what"]) for b in truth["broken"]] == [("kuaidi100", "YT1", "gap")]


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    """Parcels, scans, questions and what was told are on the disk."""
    file, clock = tmp_path / "parcels.sqlite", Clock()
    parcels = Parcels(file, clock)
    parcels.send("YT1", "yto", BUYER, SHOP)
    parcels.ask("kuaidi100", "YT1")
    parcels.told("kuaidi100", "c1-parcel-1", "YT1", "polling", 200, answered=True)
    parcels.close()
    again = Parcels(file, clock)
    truth = again.truth()
    assert len(truth["parcels"]["YT1"]["scans"]) == 5
    assert truth["asked"]["YT1"]["kuaidi100"]["count"] == 1
    assert truth["told"][0]["answered"] == 1
    assert not again.ask("kuaidi100", "YT1", 1800)
    again.close()


def test_a_developer_sends_a_parcel_over_http() -> None:
    """The truth port has the levers: a parcel by a script, a scan more, the truth of all of it; nonsense is refused."""
    with Sandbox(keys=Keys.fresh()) as sandbox, httpx.Client(trust_env=False) as http:
        ends = {"sender": {"city": "杭州市", "tail": "1111"}, "receiver": {"city": "烟台市", "tail": "4321"}}
        said = {"provider": "parcels", "number": "YT1", "carrier": "yto", "script": "bare", **ends}
        assert http.post(f"{sandbox.truth_url}/parcel", json=said).json()["script"] == "bare"
        scan = {"provider": "parcels", "number": "YT1", "state": "picked_up", "city": "杭州市", "at": "2026-11-20T10:00:00+08:00"}
        assert http.post(f"{sandbox.truth_url}/scan", json=scan).status_code == 200
        truth = http.get(f"{sandbox.truth_url}/truth/parcels").json()
        assert truth["parcels"]["YT1"]["scans"][0]["at"] == NOW.timestamp()
        assert http.post(f"{sandbox.truth_url}/parcel", json={**said, "script": "magic"}).status_code == 400
        assert http.post(f"{sandbox.truth_url}/parcel", json={**said, "carrier": "carpet"}).status_code == 400
        assert http.post(f"{sandbox.truth_url}/parcel", json={**said, "carrier": "圆通速递"}).json()["carrier"] == "yto"
        assert http.post(f"{sandbox.truth_url}/scan", json={**scan, "number": "YT2"}).status_code == 400
        assert http.post(f"{sandbox.truth_url}/scan", json={**scan, "state": "beamed"}).status_code == 400
