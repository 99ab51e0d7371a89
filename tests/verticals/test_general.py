from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from aftersales.case import Item, Kind
from aftersales.evidence import EvidenceState
from aftersales.testing.builders import NOW, SIGNED_AT, a_line, a_merchant, an_evidence, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Facts
from verticals.general import VERTICAL
from verticals.general.rules import fault_shown, no_return, return_window


class TestGeneral(VerticalContract):
    """Ordinary goods keep what every trade keeps, and their 40 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 40


def returning(*lines: object, **changes: object) -> Facts:
    """A no-reason return of the first piece of each line."""
    order = an_order(lines=lines or (a_line(vertical="general"),))
    items = tuple(Item(line.line_id, 1) for line in order.lines)
    return facts(order, **{"kind": Kind.RETURN_REFUND, "reason": "no_reason", "items": items, **changes})


def test_the_shortest_promise_binds_a_mixed_return():
    """Lines with 30 and 10 promised days go back together within 10, and the buyer reads the last day."""
    lines = (a_line(terms={"window_days": 30}), a_line(line_id="l2", terms={"window_days": 10}))
    found = return_window(returning(*lines))
    assert dict(found.data) == {"days": 10, "last_day": "2026-11-30"}


@pytest.mark.parametrize("days", [True, "30", 30.5])
def test_a_promise_that_is_no_whole_number_promises_nothing(days):
    """Terms come from outside: what is no count of days leaves the law's seven."""
    assert dict(return_window(returning(a_line(terms={"window_days": days}))).data)["days"] == 7


def test_no_promise_reaches_beyond_three_years():
    """A mistyped promise neither breaks the calendar nor runs for ever."""
    assert dict(return_window(returning(a_line(terms={"window_days": 10**12}))).data)["days"] == 1095


def test_days_are_counted_where_the_merchant_is():
    """Signed on the 20th in Shanghai is the 19th in Los Angeles, and so is the end of the window."""
    here = return_window(returning())
    there = return_window(returning(merchant=a_merchant(zone=ZoneInfo("America/Los_Angeles"))))
    assert SIGNED_AT < NOW
    assert (dict(here.data)["last_day"], dict(there.data)["last_day"]) == ("2026-11-27", "2026-11-26")


def test_one_line_that_cannot_go_back_is_named_before_it_is_sent():
    """A return that holds a made-to-order line among others is refused as a whole; the buyer leaves that line out."""
    agreed = a_line(line_id="l2", category="custom_made", terms={"no_return": True})
    assert no_return(returning(a_line(), agreed)).reason == "no_return.agreed"
    assert no_return(returning(a_line())).reason == "no_return.none"


def test_only_a_usable_photo_shows_a_fault():
    """A photo that is still to be uploaded does not count yet."""
    waiting = an_evidence(state=EvidenceState.AWAITING_UPLOAD)
    assert fault_shown(returning(reason="faulty", evidence=(waiting,))).reason == "return.photo_missing"
    assert fault_shown(returning(reason="faulty", evidence=(an_evidence(),))).reason == "return.photo_given"


def test_options_before_a_reason_is_chosen_keep_the_door_open_for_faults():
    """Without a reason the eighth day is unsure, not over: a fault may still be told."""
    late = returning(reason="", now=NOW + timedelta(days=8))
    assert (return_window(late).verdict, return_window(late).reason) == ("unsure", "window.faults_only")
