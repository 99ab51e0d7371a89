"""Tickets about refunds: opened with the step they are about, closed by themselves, read and closed by people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aftersales.change import Change
from aftersales.refund import Cause
from aftersales.testing.builders import NOW
from aftersales.testing.channel import Outcome
from aftersales.ticket import Ticket, TicketKind
from functions.tickets import name_of
from tests.api.after import CARD, accepted, held, holding, leg, name_account, refused, retry, steps, tickets
from tests.mall import Mall


def late(mall: Mall) -> str:
    """A claim whose refund is on its way for two days; the case's id."""
    case_id = accepted(mall)
    for _ in range(7):
        mall.wait(hours=7)
    return case_id


def close(mall: Mall, ticket_id: str, **who: Any) -> Any:
    """Somebody says what became of it."""
    path = f"/v1/merchant/tickets/{ticket_id}/close"
    return mall.send("POST", path, {"resolution": "The bank found it."}, **{"role": "admin", **who})


def test_a_late_refund_opens_one_ticket_with_the_channels_number(mall: Mall) -> None:
    """After 48 hours a person has what the channel wants to hear; the ticket closes itself when the money arrives (RF-4)."""
    case_id = late(mall)
    found = tickets(mall)
    assert [(t["kind"], t["key"], t["channel_id"]) for t in found] == [
        ("refund_delayed", f"R{case_id}-1", leg(mall, case_id)["channel_id"])
    ]
    assert (found[0]["case_id"], found[0]["order_id"], found[0]["amount_minor"]) == (case_id, "o1", 1990)
    assert found[0]["text"]
    for _ in range(3):
        mall.wait(hours=7)
    assert [s["event"] for s in steps(mall, case_id)].count("refund_delayed") == 1
    assert tickets(mall) == found
    mall.channel.conclude(f"R{case_id}-1")
    mall.wait(hours=7)
    assert tickets(mall) == []
    done = tickets(mall, "?open=false")
    assert [(t["is_open"], t["closed_by"], t["resolution"]) for t in done] == [(False, "system", "It arrived.")]


def test_a_cause_that_passes_opens_no_ticket(mall: Mall) -> None:
    """A merchant short of money for an hour bothers nobody; for two days somebody looks."""
    mall.channel.otherwise = Cause.NOT_ENOUGH
    mall.claim()
    mall.pump()
    mall.wait(hours=1)
    assert tickets(mall) == []
    for _ in range(9):
        mall.wait(hours=7)
    assert [t["kind"] for t in tickets(mall)] == ["refund_delayed"]
    mall.channel.otherwise = Outcome.SUCCESS
    mall.wait(hours=7)
    assert tickets(mall) == []


def test_a_late_refund_sent_again_by_a_person_is_still_told_of(mall: Mall) -> None:
    """Short of money for two days and sent again just then: it is on its way and late, and a person has its number."""
    mall.channel.otherwise = Cause.NOT_ENOUGH
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    for _ in range(6):
        mall.wait(hours=7)
    assert tickets(mall) == []
    mall.clock.move(timedelta(hours=7))
    mall.channel.otherwise = Outcome.PROCESSING
    assert retry(mall, case_id).status == 200
    mall.wait(minutes=2)
    assert leg(mall, case_id)["state"] == "processing"
    mall.wait(hours=7)
    assert [t["kind"] for t in tickets(mall)] == ["refund_delayed"]


def test_a_redirected_refund_that_is_late_is_told_of(mall: Mall) -> None:
    """Its ticket was closed by a person, and then it went to another card: where it does not arrive, somebody looks again."""
    holding(mall)
    case_id = held(mall)
    assert close(mall, tickets(mall)[0]["ticket_id"]).status == 200
    mall.wait(days=3)
    assert name_account(mall, case_id, CARD).status == 200
    mall.wait(hours=7)
    assert leg(mall, case_id)["state"] == "processing"
    assert [t["kind"] for t in tickets(mall)] == ["refund_delayed"]


def test_a_matter_that_comes_back_opens_its_ticket_again(mall: Mall) -> None:
    """Closed by a person, and the refund fails once more: the same ticket is open again, and says how often."""
    case_id = refused(mall, Cause.CONFIGURATION)
    first = tickets(mall)[0]
    assert close(mall, first["ticket_id"]).status == 200
    mall.channel.then(Cause.CONFIGURATION)
    retry(mall, case_id)
    mall.wait(minutes=1)
    again = tickets(mall)[0]
    assert (again["ticket_id"], again["about"]["opened"], again["resolution"]) == (first["ticket_id"], 2, "")
    retry(mall, case_id)
    mall.wait(minutes=1)
    assert tickets(mall) == []


def test_a_person_closes_a_ticket_with_a_reason(mall: Mall) -> None:
    """Who and why stay on it; closing it again is a 409, the same request sent again is the same answer."""
    refused(mall, Cause.CONFIGURATION)
    ticket_id = tickets(mall)[0]["ticket_id"]
    done, again = (close(mall, ticket_id, key="close-000001") for _ in range(2))
    assert (done.status, again.text) == (200, done.text)
    read = mall.must("GET", f"/v1/merchant/tickets/{ticket_id}", role="clerk")
    assert (read["is_open"], read["closed_by"], read["resolution"]) == (False, "admin:admin1", "The bank found it.")
    late = close(mall, ticket_id)
    assert (late.status, late.json["code"]) == (409, "conflict")
    assert late.json["todo"]


def test_tickets_are_the_merchants_own(mall: Mall) -> None:
    """Another merchant's is a 404, a buyer has none, a clerk reads and does not close."""
    refused(mall, Cause.CONFIGURATION)
    ticket_id = tickets(mall)[0]["ticket_id"]
    path = f"/v1/merchant/tickets/{ticket_id}"
    assert mall.send("GET", path, role="clerk", merchant="m2").status == 404
    assert close(mall, ticket_id, merchant="m2").status == 404
    assert tickets(mall, merchant="m2") == []
    assert mall.send("GET", "/v1/merchant/tickets?merchant=m1", role="clerk", merchant="m2").status == 404
    assert mall.send("GET", path).status == 403
    assert close(mall, ticket_id, role="clerk").status == 403
    assert mall.send("GET", "/v1/merchant/tickets/nothing", role="clerk").status == 404


def test_the_platform_sees_any_merchant_and_those_of_nobody(mall: Mall) -> None:
    """The platform names the merchant; without a name it reads what belongs to nobody, and closes it."""
    refused(mall, Cause.CONFIGURATION)
    lost = Ticket("bill_missing:wechatpay:2026-11-19", TicketKind.BILL_MISSING, "", NOW)
    mall.store.commit(Change(tickets=(lost,)))
    platform: dict[str, Any] = {"role": "platform"}
    assert [t["ticket_id"] for t in tickets(mall, **platform)] == [lost.ticket_id]
    assert [t["kind"] for t in tickets(mall, "?merchant=m1", **platform)] == ["refund_failed"]
    assert mall.send("GET", f"/v1/merchant/tickets/{lost.ticket_id}", role="admin").status == 404
    assert close(mall, lost.ticket_id, **platform).status == 200
    assert tickets(mall, **platform) == []


def test_tickets_are_listed_by_kind_and_page_by_page(mall: Mall) -> None:
    """Oldest first, filtered by kind, and every one of them is found by its cursor."""
    made = [
        Ticket(name_of(kind, str(n)), kind, "m1", NOW + timedelta(minutes=n))
        for n, kind in enumerate([TicketKind.DIFFERENCE, TicketKind.OVERPAID] * 4)
    ]
    mall.store.commit(Change(tickets=tuple(made)))
    wanted = [t.ticket_id for t in made if t.kind is TicketKind.OVERPAID]
    assert [t["ticket_id"] for t in tickets(mall, "?kind=overpaid")] == wanted
    found, cursor = [], ""
    while cursor is not None:
        page = mall.must("GET", f"/v1/merchant/tickets?kind=overpaid&limit=1{cursor}", role="clerk")
        found += [t["ticket_id"] for t in page["tickets"]]
        cursor = f"&cursor={page['cursor']}" if page["cursor"] else None
    assert found == wanted
    assert mall.send("GET", "/v1/merchant/tickets?kind=gossip", role="clerk").json["code"] == "invalid"
    assert mall.send("GET", "/v1/merchant/tickets?open=perhaps", role="clerk").json["code"] == "invalid"


@pytest.mark.parametrize("number", ["re_1", "4200#1", "a/b?c", "退款", "x" * 300])
def test_a_tickets_name_fits_into_an_address(number: str) -> None:
    """Whatever number a channel gives, the ticket's id is plain, short, the same each time, and another for another number."""
    name = name_of(TicketKind.CHARGEBACK, "wechatpay", number)
    assert name == name_of(TicketKind.CHARGEBACK, "wechatpay", number) != name_of(TicketKind.CHARGEBACK, "wechatpay", number + "1")
    assert name.isascii()
    assert len(name) < 140
    assert not set(name) & set("/#?% ")
