"""The waits that begin with a carrier's word: out of holidays from the first, and told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aftersales.testing.workdays import FakeWorkdays
from aftersales.tracking import Passage
from tests.api.way import Way

P = Passage
SHANGHAI = ZoneInfo("Asia/Shanghai")

WAYS = {
    "delivered": ([(0, P.PICKED_UP, "杭州市"), (12, P.SIGNED, "烟台市")], 10),
    "turned_back": ([(0, P.PICKED_UP, "杭州市"), (12, P.RETURNING, "杭州市")], 7),
    "lost": ([(0, P.PICKED_UP, "杭州市"), (12, P.LOST, "")], 3),
    "awaiting_shipment": ([(0, P.REGISTERED, ""), (12, P.CANCELLED, "")], 7),
}


@pytest.mark.parametrize("state", WAYS)
def test_a_wait_that_begins_with_a_scan_ends_on_a_working_day(state: str) -> None:
    """Its last day is a holiday: it ends at the same hour of the first working day after, on record from the day it began."""
    way, (scans, days) = Way(), WAYS[state]
    case_id = way.sent()
    way.happens(scans)
    for _ in range(24):
        way.wait(hours=1)
        if way.parcel(case_id)["state"] == state:
            break
    last = (way.clock.now() + timedelta(days=days)).astimezone(SHANGHAI)

    way = Way()
    calendar = FakeWorkdays()
    calendar.off(last.date(), last.date() + timedelta(days=2), "national_day")
    way.registry.put("workdays", calendar)
    case_id = way.sent()
    way.happens(scans)
    way.pass_by(24, every=1)
    assert way.parcel(case_id)["state"] == state
    assert "deadline_moved" in way.events(case_id)
    due = datetime.fromisoformat(way.case(case_id)["deadline"]["due_at"]).astimezone(SHANGHAI)
    assert due.date() > last.date() + timedelta(days=2)
    assert (due.hour, due.minute) == (last.hour, last.minute)


def test_a_wait_for_a_carrier_is_no_holidays() -> None:
    """Carriers drive: a parcel on its way is waited for as long as ever."""
    way = Way()
    calendar = FakeWorkdays()
    calendar.off(date(2026, 12, 5), date(2026, 12, 20), "national_day")
    way.registry.put("workdays", calendar)
    case_id = way.sent()
    due = datetime.fromisoformat(way.case(case_id)["deadline"]["due_at"])
    assert due == way.clock.now() + timedelta(days=20)
