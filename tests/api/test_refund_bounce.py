"""A refund that had arrived and came back: the case is open again, and nothing moves until somebody decides."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from aftersales.channel import ReceiptStatus
from aftersales.refund import Cause
from aftersales.testing.channel import Outcome
from functions import follow
from tests.api.after import accepted, balance, hear, ledger, leg, name_account, retry, steps, tickets
from tests.mall import Mall


def arrived(mall: Mall) -> str:
    """A claim whose refund arrived; the case's id."""
    case_id = str(mall.claim()["case_id"])
    mall.pump()
    assert mall.case(case_id)["ending"] == "refunded"
    return case_id


def bounced(mall: Mall) -> str:
    """The same, and the money came back to the merchant, which the channel tells."""
    case_id = arrived(mall)
    key = f"R{case_id}-1"
    mall.channel.conclude(key, Cause.BOUNCED)
    assert hear(mall, *mall.channel.notice_of(key)).status == 204
    return case_id


def test_a_bounce_opens_the_case_again(mall: Mall) -> None:
    """The case is settling again, the buyer and the shop are told, and the money stays spoken for: nobody sends it by himself."""
    case_id = bounced(mall)
    again = mall.case(case_id)
    assert (again["state"], again["ending"]) == ("settling", None)
    assert (leg(mall, case_id)["state"], leg(mall, case_id)["cause"]) == ("failed", "bounced")
    assert [(t["kind"], t["key"]) for t in tickets(mall)] == [("refund_bounced", f"R{case_id}-1")]
    assert (ledger(mall).settled.minor, ledger(mall).refundable.minor) == (0, 9950 - 1990)
    assert "退回" in mall.store.notices[-1].text
    calls = len(mall.channel.calls)
    for _ in range(5):
        mall.wait(days=1)
    assert len(mall.channel.calls) == calls
    assert mall.channel.truth == {f"R{case_id}-1": 0}


def test_a_person_sends_a_bounced_refund_again_under_a_new_number(mall: Mall) -> None:
    """Sent again it has a new number, arrives once, and the case is closed as it was; the ticket closes itself."""
    case_id = bounced(mall)
    assert retry(mall, case_id).status == 200
    mall.pump()
    done = mall.case(case_id)
    assert (done["state"], done["ending"]) == ("closed", "refunded")
    assert [(r["state"], r["replaces"]) for r in done["refunds"]] == [("released", ""), ("settled", f"R{case_id}-1")]
    assert mall.channel.truth == {f"R{case_id}-1": 0, f"R{case_id}-2": 1990}
    assert (tickets(mall), ledger(mall).settled.minor) == ([], 1990)
    assert [s["event"] for s in steps(mall, case_id)][-4:] == ["refund_bounced", "refund_renumbered", "refund_settled", "settled"]


def test_the_buyer_sends_a_bounced_refund_to_the_balance(mall: Mall) -> None:
    """With the buyer's consent it goes to the balance instead."""
    purse = balance(mall)
    case_id = bounced(mall)
    assert [a["to"] for a in leg(mall, case_id)["accounts"]] == ["balance"]
    assert name_account(mall, case_id).status == 200
    mall.pump()
    assert (mall.case(case_id)["ending"], purse.truth) == ("refunded", {f"R{case_id}-2": 1990})
    assert tickets(mall) == []


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (ReceiptStatus.PROCESSING, None),
        (ReceiptStatus.FAILED, Cause.CLOSED),
        (ReceiptStatus.FAILED, Cause.ACCOUNT_ABNORMAL),
        (ReceiptStatus.FAILED, Cause.BOUNCED),
        (ReceiptStatus.SUCCEEDED, None),
    ],
    ids=str,
)
def test_an_old_word_never_moves_a_settled_refund(mall: Mall, status: ReceiptStatus, cause: Cause | None) -> None:
    """Whatever a notice says after the money arrived: as long as the channel, asked, says it arrived, nothing is stored."""
    case_id = arrived(mall)
    key = f"R{case_id}-1"
    was = mall.channel.receipts[key]
    mall.channel.receipts[key] = replace(was, status=status, cause=cause)
    notice = mall.channel.notice_of(key)
    mall.channel.receipts[key] = was
    before = len(mall.store.records)
    assert hear(mall, *notice).status == 204
    assert len(mall.store.records) == before
    assert leg(mall, case_id)["state"] == "settled"


@pytest.mark.parametrize("cause", [Cause.CLOSED, Cause.ACCOUNT_ABNORMAL])
def test_only_a_bounce_is_believed_after_success(mall: Mall, cause: Cause) -> None:
    """A channel that says closed or abnormal of money that arrived contradicts itself; it stays settled."""
    case_id = arrived(mall)
    mall.channel.conclude(f"R{case_id}-1", cause)
    assert hear(mall, *mall.channel.notice_of(f"R{case_id}-1")).status == 204
    assert (leg(mall, case_id)["state"], tickets(mall)) == ("settled", [])


def test_an_old_success_does_not_settle_a_bounced_refund(mall: Mall) -> None:
    """The notice of its arrival is told again after the bounce: the channel is asked, and it stays failed."""
    case_id = arrived(mall)
    key = f"R{case_id}-1"
    success = mall.channel.notice_of(key)
    mall.channel.conclude(key, Cause.BOUNCED)
    hear(mall, *mall.channel.notice_of(key))
    before = len(mall.store.records)
    assert hear(mall, *success).status == 204
    assert (leg(mall, case_id)["state"], len(mall.store.records)) == ("failed", before)


def test_a_call_told_again_without_an_answer_leaves_a_bounce_alone(mall: Mall) -> None:
    """The stream tells of the leg once more, the call has no answer, and the old notice of success comes: it stays bounced."""
    case_id = arrived(mall)
    key = f"R{case_id}-1"
    success = mall.channel.notice_of(key)
    mall.channel.conclude(key, Cause.BOUNCED)
    hear(mall, *mall.channel.notice_of(key))
    mall.channel.then(Outcome.UNKNOWN_NOT_EXECUTED)
    assert follow.follow(mall.registry, mall.store.records) == []
    assert mall.channel.script == deque()
    assert hear(mall, *success).status == 204
    assert (leg(mall, case_id)["state"], leg(mall, case_id)["cause"]) == ("failed", "bounced")


def test_a_bounce_told_twice_is_one(mall: Mall) -> None:
    """Told again, a bounce changes nothing: one step, one ticket, one entry in the ledger."""
    case_id = bounced(mall)
    before = len(mall.store.records)
    assert hear(mall, *mall.channel.notice_of(f"R{case_id}-1")).status == 204
    assert len(mall.store.records) == before
    assert [s["event"] for s in steps(mall, case_id)].count("refund_bounced") == 1


def test_a_bounce_before_we_knew_of_the_arrival(mall: Mall) -> None:
    """Polling was late, it had arrived and bounced by then: the leg fails as bounced, and is not renumbered by itself."""
    case_id = accepted(mall)
    mall.channel.conclude(f"R{case_id}-1", Cause.BOUNCED)
    mall.wait(minutes=2)
    assert [(r["state"], r["cause"]) for r in mall.case(case_id)["refunds"]] == [("failed", "bounced")]
    assert [t["kind"] for t in tickets(mall)] == ["refund_bounced"]
    assert retry(mall, case_id).status == 200
    mall.pump()
    assert mall.case(case_id)["ending"] == "refunded"
