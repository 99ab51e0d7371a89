"""Delegation: a colleague says the second yes in place of who is away, and nobody gets around two persons by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.api.four import away, by_clerk, compensated, reviewed, sent
from tests.mall import Mall, Reply

DELEGATIONS = "/v1/merchant/delegations"


def test_a_clerk_says_the_second_yes_in_place_of_who_is_away(mall: Mall) -> None:
    """Ben is away, dora stands in for him: her yes pays, and it is on record whose it was and in whose place."""
    due = reviewed(mall)
    assert due.says("dora", "clerk").json["code"] == "forbidden"
    assert away(mall, "dora").json["delegations"][0]["holds"]
    assert due.says("dora", "clerk").json["state"] == "settling"
    mall.pump()
    assert sum(mall.channel.truth.values()) == 60_000
    shop = mall.case(due.case_id, role="clerk")
    assert [(a["by"], a["on_behalf"]) for a in shop["approvals"]] == [("approver:anna", None), ("clerk:dora", "ben")]
    refund = mall.must("GET", "/v1/merchant/refunds?month=2026-11", role="clerk")["refunds"][0]
    assert refund["approvals"][1]["on_behalf"] == "ben"
    assert '"on_behalf":"ben"' in mall.send("GET", f"/v1/cases/{due.case_id}/timeline", role="clerk").text


def test_a_buyer_reads_no_name_of_who_was_away(mall: Mall) -> None:
    """Neither the case nor its timeline tells the buyer who of the shop stood in for whom."""
    due = reviewed(mall)
    away(mall, "dora", of="benjamin")
    assert due.says("dora", "clerk").status == 200
    for path in (f"/v1/cases/{due.case_id}", f"/v1/cases/{due.case_id}/timeline"):
        assert not {name for name in ("benjamin", "dora", "anna") if name in mall.send("GET", path).text}


def test_a_clerk_who_stands_in_says_the_second_yes_to_goodwill_and_no_first(mall: Mall) -> None:
    """Compensation is begun by who has the right to it; the second yes may be said in their place."""
    due = compensated(mall)
    away(mall, "dora")
    other = {**due.body, "amount_minor": 201}
    assert mall.send("POST", due.path, other, role="clerk", sub="dora").json["code"] == "forbidden"
    assert due.says("dora", "clerk").status == 200
    mall.wait(minutes=1)
    assert [minor for truth in sent(mall) for minor in truth.values()] == [200]


@pytest.mark.parametrize(
    ("hours", "code"),
    [
        pytest.param(-0.001, "forbidden", id="before it begins"),
        pytest.param(0, None, id="at the instant it begins"),
        pytest.param(23.999, None, id="just before its end"),
        pytest.param(24, "forbidden", id="at its end"),
    ],
)
def test_it_holds_from_its_beginning_until_its_end(mall: Mall, hours: float, code: str | None) -> None:
    """The instant it begins counts, the instant it ends does not."""
    since = mall.clock.now() + timedelta(hours=5)
    away(mall, "dora", since=since.isoformat(), until=(since + timedelta(days=1)).isoformat())
    mall.clock.move(timedelta(hours=5 + hours))
    due = reviewed(mall)
    assert due.says("dora", "clerk").json.get("code") == code


def ended(mall: Mall) -> None:
    """Ben came back early."""
    name = away(mall, "dora").json["delegations"][0]["delegation_id"]
    assert not mall.must("DELETE", f"{DELEGATIONS}/{name}", role="approver", sub="ben")["delegations"][0]["holds"]


@pytest.mark.parametrize(
    ("told", "sub", "code"),
    [
        pytest.param(ended, "dora", "forbidden", id="it was ended"),
        pytest.param(lambda m: away(m, "dora", of="anna"), "dora", "second_person_required", id="who said the first yes is away"),
        pytest.param(
            lambda m: away(m, "dora", of="ben", role="admin", sub="anna"),
            "dora",
            "second_person_required",
            id="chosen by them",
        ),
        pytest.param(lambda m: away(m, "dora"), "dana", "forbidden", id="somebody else"),
    ],
)
def test_who_may_not_stand_in_is_refused(mall: Mall, told: Callable[[Mall], Any], sub: str, code: str) -> None:
    """Ended, in place of the first person, chosen by the first person, or another colleague: refused, on record, nothing paid."""
    due = reviewed(mall)
    told(mall)
    before = due.money()
    assert due.says(sub, "clerk").json["code"] == code
    assert (due.money(), due.refusals()[0]["by"]) == (before, f"clerk:{sub}")


def test_who_said_the_first_yes_stands_in_for_nobody(mall: Mall) -> None:
    """A clerk whose yes was the first says the second one for no one, away or not."""
    due = by_clerk(mall)
    away(mall, "anna")
    assert due.says("anna", "clerk").json["code"] == "second_person_required"


def later(mall: Mall, days: float) -> str:
    """So many days from now."""
    return (mall.clock.now() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("says", "status", "code"),
    [
        pytest.param(lambda m: away(m, "ben"), 400, "invalid", id="for oneself"),
        pytest.param(lambda m: away(m, "dora", days=0), 400, "invalid", id="for no time"),
        pytest.param(lambda m: away(m, "dora", days=-1), 400, "invalid", id="for a time that is over"),
        pytest.param(lambda m: away(m, "dora", days=60.001), 400, "invalid", id="for more than sixty days"),
        pytest.param(lambda m: away(m, "dora", days=121, since=later(m, 61)), 400, "invalid", id="too far ahead"),
        pytest.param(lambda m: away(m, "dora", reason=" "), 400, "invalid", id="for no reason"),
        pytest.param(lambda m: away(m, "dora", of="carl", sub="ben"), 403, "forbidden", id="another's right"),
        pytest.param(lambda m: away(m, "dora", of="dana", role="clerk"), 403, "forbidden", id="a clerk's, who has none"),
        pytest.param(lambda m: away(m, "dora", headers={"if-match": '"3"'}), 409, "stale_version", id="on an old version"),
        pytest.param(lambda m: [away(m, "dora"), away(m, "dana")][1], 409, "conflict", id="twice at one time"),
        pytest.param(
            lambda m: [away(m, "dora"), away(m, "dana", of="dora", role="admin", sub="root")][1], 409, "conflict", id="passed on"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_delegated_is_refused(mall: Mall, says: Callable[[Mall], Reply], status: int, code: str) -> None:
    """Each with its code, and nobody stands in for anybody by it."""
    said = says(mall)
    assert (said.status, said.json["code"]) == (status, code), said.text
    held = mall.must("GET", DELEGATIONS, role="clerk")["delegations"]
    assert [d["to"] for d in held] in ([], ["dora"])


def test_sixty_days_and_an_admin_for_somebody_else(mall: Mall) -> None:
    """The longest time away counts, an admin may say it for who cannot, and everybody of the shop reads it."""
    said = away(mall, "dora", of="ben", role="admin", sub="root", days=60)
    assert (said.status, said.headers["ETag"]) == (200, '"1"')
    found = mall.must("GET", DELEGATIONS, role="clerk")["delegations"]
    assert [(d["of"], d["to"], d["by"], d["holds"]) for d in found] == [("ben", "dora", "admin:root", True)]


def test_one_is_ended_by_who_is_back_or_by_an_admin_and_stays_on_record(mall: Mall) -> None:
    """A colleague cannot end it; ended once it stays as it was ended."""
    name = away(mall, "dora").json["delegations"][0]["delegation_id"]
    path = f"{DELEGATIONS}/{name}"
    assert mall.send("DELETE", path, role="approver", sub="carl").json["code"] == "forbidden"
    first = mall.must("DELETE", path, role="admin", sub="root")
    again = mall.must("DELETE", path, role="approver", sub="ben")
    assert first == again
    assert (first["delegations"][0]["ended_by"], len(first["delegations"])) == ("admin:root", 1)
    assert mall.send("DELETE", f"{DELEGATIONS}/nobody", role="admin").json["code"] == "not_found"
