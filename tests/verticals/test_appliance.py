from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aftersales.case import Kind
from aftersales.decision import Verdict
from aftersales.evidence import EvidenceKind, ProofRole
from aftersales.fact import OrderFact
from aftersales.lookup import Lookup, pairs
from aftersales.testing.builders import NOW, a_line, a_merchant, an_evidence, an_order, facts
from aftersales.testing.vertical import VerticalContract
from aftersales.vertical import Facts
from verticals.appliance import VERTICAL
from verticals.appliance.guarantee import PART_MONTHS, begins, end_of_months, months_of
from verticals.appliance.machine import found, installed_serial, off_by, repairs, written
from verticals.appliance.proof import cannot_install, fault_found, intact, same_machine, told_at_once
from verticals.appliance.rules import FAULTS, exchange_window, repair_window, return_window

SHANGHAI = ZoneInfo("Asia/Shanghai")


class TestAppliance(VerticalContract):
    """Large appliances keep what every trade keeps, and their 78 scenarios."""

    vertical = VERTICAL
    scenarios_at_least = 78


def local(words: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """A local time."""
    return datetime.fromisoformat(words).replace(tzinfo=zone)


def of(*told: OrderFact, signed: str = "2026-11-10 20:00", now: str = "2026-11-12 12:00", **changes: Any) -> Facts:
    """Facts about one fridge, signed for and asked about at these local times."""
    zone = changes.pop("zone", SHANGHAI)
    line = a_line(vertical="appliance", category="fridge", pieces=1, **changes.pop("line", {}))
    order = an_order(lines=(line,), signed_at=local(signed, zone), facts=told)
    given = {"kind": Kind.RETURN_REFUND, "merchant": a_merchant(zone=zone), "now": local(now, zone), **changes}
    return facts(order, **given)


def happened(name: str, at: str, **data: Any) -> OrderFact:
    """A fact about the fridge."""
    return OrderFact(name, local(at), "l1", "", data)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-11-20 09:00", 12, "2027-11-21 00:00"),
        ("2026-11-20 00:00", 12, "2027-11-21 00:00"),
        ("2026-11-20 23:59", 12, "2027-11-21 00:00"),
        ("2028-02-29 12:00", 12, "2029-03-01 00:00"),
        ("2027-02-28 12:00", 12, "2028-02-29 00:00"),
        ("2024-02-29 12:00", 48, "2028-03-01 00:00"),
        ("2026-12-31 12:00", 12, "2028-01-01 00:00"),
        ("2026-08-31 12:00", 1, "2026-10-01 00:00"),
        ("2026-10-31 12:00", 4, "2027-03-01 00:00"),
        ("2026-11-20 09:00", 36, "2029-11-21 00:00"),
    ],
)
def test_a_guarantee_ends_with_the_day_of_its_number(start: str, months: int, end: str) -> None:
    """A year from a day ends with that day of the next year, from the last of February with the last of February, at midnight."""
    assert end_of_months(local(start), months, SHANGHAI) == local(end)


def test_the_day_is_the_merchants() -> None:
    """Signed for at 20:00 in Shanghai is the next day on Kiritimati, and the guarantee ends a day later there."""
    at, far = local("2026-11-20 20:00"), ZoneInfo("Pacific/Kiritimati")
    assert end_of_months(at, 12, SHANGHAI) == local("2027-11-21 00:00")
    assert end_of_months(at, 12, far) == local("2027-11-22 00:00", far)


@pytest.mark.parametrize(
    ("category", "data", "whole", "part"),
    [
        ("fridge", {}, 12, 36),
        ("microwave", {}, 12, 24),
        ("juicer", {}, 12, 12),
        ("fridge", {"guarantee_months": 6, "part_months": 12}, 12, 36),
        ("fridge", {"guarantee_months": 13, "part_months": 120}, 13, 120),
        ("fridge", {"guarantee_months": 10_000, "part_months": True}, 180, 36),
        ("fridge", {"guarantee_months": "60"}, 12, 36),
    ],
)
def test_a_maker_can_promise_more_and_never_less(category: str, data: dict[str, Any], whole: int, part: int) -> None:
    """The law's months hold where a promise is shorter, is no number, or is a typing error."""
    line = a_line(category=category, data=data)
    assert (months_of(line, part=False), months_of(line, part=True)) == (whole, part)


def test_every_main_part_is_covered_at_least_as_long_as_the_machine() -> None:
    """No category has a main part with a shorter guarantee than the whole."""
    assert all(months >= 12 for months in PART_MONTHS.values())


@pytest.mark.parametrize(
    ("installed", "begun"),
    [
        ("2026-11-15 10:00", "2026-11-15 10:00"),
        ("2026-12-10 20:00", "2026-12-10 20:00"),
        ("2026-12-10 20:01", "2026-11-10 20:00"),
        ("2026-11-09 10:00", "2026-11-10 20:00"),
    ],
)
def test_guarantees_count_from_an_installation_within_thirty_days(installed: str, begun: str) -> None:
    """Up to thirty days after delivery, the last minute included; a later installation, or an earlier one, begins nothing."""
    known = of(happened("installer.installed", installed), now="2027-01-10 12:00")
    assert begins(known, known.lines[0]) == local(begun)


def test_a_replacement_begins_everything_anew() -> None:
    """From a replacement on, guarantees, the serial number, the installation and repairs are the new machine's."""
    old = (
        happened("installer.installed", "2026-11-11 10:00", serial="OLD"),
        happened("installer.inspected", "2026-11-18 10:00", verdict="fault", serial="OLD"),
        happened("repaired", "2026-11-19 10:00", reason="faulty"),
    )
    known = of(*old, happened("replaced", "2026-11-20 10:00", serial="NEW"), now="2026-11-25 12:00")
    (line,) = known.lines
    assert begins(known, line) == local("2026-11-20 10:00")
    assert (installed_serial(known, line), found(known, line), repairs(known, line)) == ("NEW", ("", ""), (0, 0))
    told = happened("installer.installed", "2026-11-22 10:00", serial="NEWER")
    again = of(*known.order.facts, told, now="2026-11-25 12:00")
    assert installed_serial(again, again.lines[0]) == "NEWER"


@pytest.mark.parametrize(
    ("rule", "reasons"), [(return_window, ("faulty", "no_reason")), (exchange_window, ("faulty", "other_model"))]
)
@pytest.mark.parametrize(
    ("now", "fault", "wish"),
    [
        ("2026-11-17 23:59:59", Verdict.PASS, Verdict.PASS),
        ("2026-11-18 00:00:00", Verdict.PASS, Verdict.FAIL),
        ("2026-11-25 23:59:59", Verdict.PASS, Verdict.FAIL),
        ("2026-11-26 00:00:00", Verdict.FAIL, Verdict.FAIL),
    ],
)
def test_seven_and_fifteen_days_end_at_midnight(
    rule: Any, reasons: tuple[str, str], now: str, fault: Verdict, wish: Verdict
) -> None:
    """Both sides of both limits, in the merchant's zone."""
    assert [rule(of(now=now, reason=reason)).verdict for reason in reasons] == [fault, wish]


def test_the_merchants_longer_promise_holds_for_a_fault_too() -> None:
    """Thirty days without a reason are at least thirty days for a fault."""
    generous = a_merchant(window_days=30)
    for rule in (return_window, exchange_window):
        assert rule(of(now="2026-12-10 23:59:59", reason="faulty", merchant=generous)).verdict is Verdict.PASS
        assert rule(of(now="2026-12-11 00:00:00", reason="faulty", merchant=generous)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("now", "verdict"),
    [("2027-11-10 23:59:59", Verdict.PASS), ("2027-11-11 00:00:00", Verdict.FAIL)],
)
@pytest.mark.parametrize(
    ("rule", "reason"), [(repair_window, "faulty"), (exchange_window, "repaired_twice"), (return_window, "repaired_twice")]
)
def test_the_year_ends_at_midnight_for_all_that_is_owed_in_it(rule: Any, reason: str, now: str, verdict: Verdict) -> None:
    """A repair, and an exchange or return after two repairs, are owed to the last second of the year."""
    assert rule(of(now=now, reason=reason)).verdict is verdict


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        ("SN-1001", Verdict.PASS),
        ("sn 1oo1", Verdict.PASS),
        ("SNI00I", Verdict.PASS),
        ("", Verdict.PASS),
        ("SN-1002", Verdict.UNSURE),
        ("SN-100", Verdict.UNSURE),
        ("SN-10011", Verdict.UNSURE),
        ("SN-1022", Verdict.FAIL),
        ("XY-9", Verdict.FAIL),
    ],
)
def test_one_sign_apart_is_a_slip_and_two_are_another_machine(theirs: str, verdict: Verdict) -> None:
    """However it is written it is one number; one sign more, less or other is looked at by a person; more is refused."""
    told = (
        happened("installer.installed", "2026-11-11 10:00", serial="SN-1001"),
        happened("installer.inspected", "2026-11-12 10:00", verdict="fault", serial=theirs),
    )
    assert same_machine(of(*told, reason="faulty")).verdict is verdict


def test_only_the_end_of_a_number_is_told() -> None:
    """A refusal names the last four signs of what was installed, not the whole number."""
    told = (
        happened("installer.installed", "2026-11-11 10:00", serial="SN-777-1001"),
        happened("installer.inspected", "2026-11-12 10:00", verdict="fault", serial="XY-9"),
    )
    assert dict(same_machine(of(*told, reason="faulty")).data) == {"tail": "1001"}


def test_numbers_are_compared_sign_by_sign() -> None:
    """Letters that look like digits are digits, and nothing else is guessed."""
    assert [written(s) for s in ("O1l-8b", None, "  ", 42)] == ["0118B", "", "", "42"]
    assert [off_by("AB", other) for other in ("AB", "AC", "A", "ABC", "BA", "")] == [0, 1, 1, 1, 2, 2]


def test_an_installation_after_the_failed_try_ends_the_matter() -> None:
    """It could not be installed, and then it was: no refund for that; the other way round it is owed."""
    tried, stood = (happened("installer.cannot_install", "2026-11-11 10:00"), happened("installer.installed", "2026-11-12 10:00"))
    later = happened("installer.cannot_install", "2026-11-12 11:00")
    verdicts = [cannot_install(of(*told, reason="cannot_install")).verdict for told in ((tried, stood), (stood, later), (tried,))]
    assert verdicts == [Verdict.FAIL, Verdict.PASS, Verdict.PASS]


def test_an_installation_without_a_time_still_is_one() -> None:
    """Where the platform says "installed" and not when, a wish is refused, and a failed try counts for nothing."""
    known = (Lookup("installer", "l1", "installed", NOW, data=pairs({"serial": "S"})),)
    assert intact(of(reason="no_reason", lookups=known)).verdict is Verdict.FAIL
    assert cannot_install(of(reason="cannot_install", lookups=known)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("after", "verdict"), [(timedelta(hours=48), Verdict.PASS), (timedelta(hours=48, seconds=1), Verdict.UNSURE)]
)
def test_damage_is_told_at_once_within_two_days(after: timedelta, verdict: Verdict) -> None:
    """Forty-eight hours to the second, and a second later."""
    known = of(reason="damaged")
    signed_at = known.order.signed_at
    assert signed_at is not None
    assert told_at_once(of(reason="damaged", now=str((signed_at + after).replace(tzinfo=None)))).verdict is verdict


def test_every_reason_has_one_fault() -> None:
    """The same reason is answered for by the same side, whatever kind of case it is given for."""
    for offer in VERTICAL.offers:
        for reason in offer.reasons:
            assert FAULTS[reason.code] is reason.fault, reason.code


@pytest.mark.parametrize("line_id", ["l1", ""])
def test_a_paper_of_the_shop_asks_for_a_person_and_refuses_nobody(line_id: str) -> None:
    """An installation record that only the shop has makes a wish a person's matter; one about another line says nothing."""
    none = (Lookup("installer", "l1", "none", NOW),)
    paper = an_evidence(kind=EvidenceKind.INSPECTION, role=ProofRole.INSTALLATION, line_id=line_id)
    assert intact(of(reason="no_reason", lookups=none)).verdict is Verdict.PASS
    assert intact(of(reason="no_reason", lookups=none, proofs=(paper,))).verdict is Verdict.UNSURE
    elsewhere = replace(paper, line_id="l2")
    assert intact(of(reason="no_reason", lookups=none, proofs=(elsewhere,))).verdict is Verdict.PASS


def test_a_report_of_either_side_begins_the_matter() -> None:
    """The buyer's report and the shop's are each enough to look; neither alone decides a return."""
    report = an_evidence(kind=EvidenceKind.INSPECTION)
    shops = replace(report, role=ProofRole.INSPECTION)
    found = [fault_found(of(reason="faulty", evidence=(report,))), fault_found(of(reason="faulty", proofs=(shops,)))]
    assert [f.reason for f in found] == ["fault.shown", "fault.shown"]
    assert fault_found(of(reason="faulty")).verdict is Verdict.MISSING
