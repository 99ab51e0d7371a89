"""Batches: one decision over many cases; a dry run, two persons, what changed meanwhile, and who may do what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.case import State
from aftersales.change import Change
from aftersales.decision import Outcome
from aftersales.registry import Registry
from aftersales.testing.builders import a_case, a_line, a_payment, an_order
from aftersales.testing.entitlements import FakeEntitlements, Sold
from functions import batches, sweep, wording
from tests.mall import STAGE, Mall

BATCHES = "/v1/merchant/batches"


def waiting(mall: Mall, number: int, minor: int = 6_000, **body: Any) -> str:
    """A case of order ``w<number>`` about ``minor`` fen that waits for a person; its id."""
    lines = (a_line(vertical="general", unit_price_minor=minor, pieces=1),)
    payment = a_payment(transaction_id=f"t{number}", paid_minor=minor)
    mall.push(an_order(order_id=f"w{number}", status="shipped", lines=lines, payments=(payment,)))
    asked = {"order_id": f"w{number}", "kind": "refund_only", "reason": "not_received", "submit": True, **body}
    case = mall.must("POST", "/v1/cases", {"items": [{"line_id": "l1", "pieces": 1}], **asked})
    assert case["state"] == (State.REVIEWING if asked["submit"] else State.DRAFT)
    return str(case["case_id"])


def batch(mall: Mall, who: str = "approver", **body: Any) -> Any:
    """A batch, worked on until it rests; its view."""
    made = mall.must("POST", BATCHES, {"action": "approve", "reason": "agreed", **body}, role=who)
    mall.pump()
    return mall.must("GET", f"{BATCHES}/{made['batch_id']}", role=who)


def results(mall: Mall, made: Any) -> dict[str, tuple[str, str]]:
    """What became of each case: result and code."""
    page = mall.must("GET", f"{BATCHES}/{made['batch_id']}/items?limit=100", role="clerk")
    return {i["case_id"]: (i["result"], i["code"]) for i in page["items"]}


def states(mall: Mall, *case_ids: str) -> list[str]:
    """The states of cases."""
    return [mall.case(case_id)["state"] for case_id in case_ids]


def test_a_batch_decides_what_its_choice_takes(mall: Mall) -> None:
    """All waiting cases of the shop that fit are approved, one person's yes on each, and paid."""
    cases = [waiting(mall, n) for n in range(12)]
    dear = waiting(mall, 90, 40_000)
    made = batch(mall, choice={"max_minor": 10_000})
    assert (made["state"], made["selected"], made["done"]) == ("done", 12, 12)
    assert made["totals"] == [{"result": "done", "currency": "CNY", "cases": 12, "minor": 72_000}]
    assert set(states(mall, *cases)) == {"closed"}
    assert states(mall, dear) == ["reviewing"]
    case = mall.store.case(cases[0]).case
    assert [(a.by, a.reason) for a in case.approvals] == [("approver:approver1", "agreed")]


@pytest.mark.parametrize(
    ("action", "more", "state", "result"),
    [
        ("approve", {}, "closed", "done"),
        ("reject", {}, "rejected", "done"),
        ("ask_evidence", {}, "awaiting_evidence", "done"),
        ("assign", {"to": "wang", "reason": ""}, "reviewing", "done"),
    ],
)
def test_each_action_is_what_one_person_does_by_hand(
    mall: Mall, action: str, more: dict[str, str], state: str, result: str
) -> None:
    """Approve, reject, ask for evidence, assign: the case moves as it would alone; one that does not wait for it fails by name."""
    case_id, draft = waiting(mall, 1), waiting(mall, 2, submit=False)
    made = batch(mall, action=action, ids=[case_id, draft, case_id], **more)
    code = "conflict" if action == "assign" else "illegal_transition"
    assert results(mall, made) == {case_id: (result, ""), draft: ("failed", code)}
    assert states(mall, case_id, draft) == [state, "draft"]
    assert mall.store.case(case_id).case.clerk == ("wang" if action == "assign" else "")


@pytest.mark.parametrize(
    "wrong", [{"choice": {"max_minor": 0}}, {"choice": {"max_minor": -1}}, {"action": "assign", "to": "-", "ids": ["c1"]}]
)
def test_what_could_be_meant_otherwise_is_refused(mall: Mall, wrong: dict[str, Any]) -> None:
    """A limit of nothing is not read as no limit, and what means nobody is nobody's name."""
    reply = mall.send("POST", BATCHES, {"action": "approve", "reason": "agreed", **wrong}, role="approver")
    assert (reply.status, reply.json["code"]) == (400, "invalid")


def test_what_a_batch_was_when_it_was_read_is_its_tag(mall: Mall) -> None:
    """The version that If-Match names is the ETag of the answer."""
    made = batch(mall, ids=[waiting(mall, 1)], dry_run=True)
    read = mall.send("GET", f"{BATCHES}/{made['batch_id']}", role="approver")
    assert read.headers["ETag"] == f'"{made["version"]}"'


def test_without_a_reason_each_buyer_reads_the_shops_own_words(mall: Mall) -> None:
    """A batch that gives no reason tells each buyer the shop's words for that case, in the buyer's language."""
    case_id = waiting(mall, 1)
    batch(mall, action="ask_evidence", reason=" ", ids=[case_id])
    case = mall.store.case(case_id).case
    assert case.decision
    assert case.decision.reason == wording.words_for(mall.registry, case, Outcome.ASK_EVIDENCE, case.locale)


def test_what_a_colleague_has_is_taken_over_on_purpose_only(mall: Mall) -> None:
    """Assigning passes by what somebody else works on, unless the batch says to take it over."""
    case_id = waiting(mall, 1)
    mall.must("POST", f"/v1/merchant/cases/{case_id}/claim", {}, role="clerk", sub="li")
    asked = {"action": "assign", "reason": "", "to": "wang", "ids": [case_id]}
    assert results(mall, batch(mall, **asked)) == {case_id: ("failed", "case_claimed")}
    assert results(mall, batch(mall, **asked, take_over=True)) == {case_id: ("done", "")}
    assert mall.store.case(case_id).case.clerk == "wang"


def test_what_is_not_the_shops_does_not_exist(mall: Mall) -> None:
    """Another shop's case and one that nobody has are skipped alike, and the other shop's is untouched."""
    foreign = a_case(case_id="foreign", merchant="m2", state=State.REVIEWING)
    mall.store.commit(Change(foreign))
    made = batch(mall, ids=["foreign", "nobodys", mine := waiting(mall, 1)])
    assert results(mall, made) == {"foreign": ("skipped", "not_found"), "nobodys": ("skipped", "not_found"), mine: ("done", "")}
    assert mall.store.case("foreign").case.version == 1


def test_a_dry_run_changes_nothing_and_says_what_would_become_of_each(mall: Mall) -> None:
    """All that is stored stays, but for the batch; what it foresees is what becomes of the cases once its maker says run."""
    small, dear, draft = waiting(mall, 1), waiting(mall, 2, 60_000), waiting(mall, 3, submit=False)
    before = [mall.store.case(c) for c in (small, dear, draft)], len(mall.store.notices)
    made = batch(mall, ids=[small, dear, draft, "nobodys"], dry_run=True)
    assert made["state"] == "previewed"
    assert {(t["result"], t["cases"]) for t in made["foreseen"]} == {("done", 1), ("second_person", 1), ("failed", 1)}
    assert ([mall.store.case(c) for c in (small, dear, draft)], len(mall.store.notices)) == before
    path = f"{BATCHES}/{made['batch_id']}/run"
    for who in ({"role": "clerk"}, {"role": "admin"}, {"role": "clerk", "sub": "approver1"}):
        assert mall.send("POST", path, **who).json["code"] == "forbidden", "nobody's look is taken for a decision"
    mall.must("POST", path, role="approver")
    mall.pump()
    assert results(mall, made) == {
        small: ("done", ""),
        dear: ("second_person", ""),
        draft: ("failed", "illegal_transition"),
        "nobodys": ("skipped", "not_found"),
    }
    assert mall.send("POST", path, role="approver").json["code"] == "conflict"


def test_what_changed_since_it_was_selected_is_skipped(mall: Mall) -> None:
    """A batch decides the version that was looked at, and no other; a case that comes to the queue later is not in it."""
    changed, same = waiting(mall, 1), waiting(mall, 2)
    made = batch(mall, choice={"state": "reviewing"}, dry_run=True)
    mall.must("POST", f"/v1/cases/{changed}/messages", {"text": "Wait, I found it."})
    late = waiting(mall, 3)
    mall.must("POST", f"{BATCHES}/{made['batch_id']}/run", role="approver")
    mall.pump()
    assert results(mall, made) == {changed: ("skipped", "stale_version"), same: ("done", "")}
    assert states(mall, changed, late) == ["reviewing", "reviewing"]


def test_an_item_above_the_limit_needs_a_second_persons_batch(mall: Mall) -> None:
    """One person's batches are one yes, however many; another clerk's is refused by name, another approver's is the second yes."""
    case_id = waiting(mall, 1, 60_000)
    assert results(mall, batch(mall, ids=[case_id])) == {case_id: ("second_person", "")}
    assert results(mall, batch(mall, ids=[case_id])) == {case_id: ("failed", "second_person_required")}
    assert results(mall, batch(mall, "clerk", ids=[case_id])) == {case_id: ("failed", "forbidden")}
    assert states(mall, case_id) == ["second_review"]
    assert results(mall, batch(mall, "admin", choice={"state": "second_review"})) == {case_id: ("done", "")}
    assert [a.by for a in mall.store.case(case_id).case.approvals] == ["approver:approver1", "admin:admin1"]


def test_a_batch_above_its_own_limit_waits_for_another_person(mall: Mall) -> None:
    """Small cases that pay more together than a batch may wait: neither its maker, in whatever role, nor a clerk can say run."""
    mall.registry.put("merchant:m1", Registry({**STAGE, "merchants": {"m1": {"batch_two_minor": 11_999}}}).merchant("m1"))
    cases = [waiting(mall, n) for n in (1, 2)]
    assert batch(mall, ids=cases[:1], dry_run=True)["state"] == "previewed"
    made = batch(mall, ids=cases)
    path = f"{BATCHES}/{made['batch_id']}/run"
    assert (made["state"], states(mall, *cases)) == ("waiting", ["reviewing"] * 2)
    assert mall.send("POST", path, role="approver").json["code"] == "second_person_required"
    assert mall.send("POST", path, role="admin", sub="approver1").json["code"] == "second_person_required"
    assert mall.send("POST", path, role="clerk").json["code"] == "forbidden"
    mall.must("POST", path, role="admin")
    mall.pump()
    made = mall.must("GET", f"{BATCHES}/{made['batch_id']}", role="clerk")
    assert (made["state"], made["by"], made["go_by"]) == ("done", "approver:approver1", "admin:admin1")
    assert states(mall, *cases) == ["closed"] * 2


def test_a_batch_asked_for_twice_is_one(mall: Mall) -> None:
    """The same request again is the same batch, and a job that comes twice decides nothing twice."""
    case_id = waiting(mall, 1)
    body = {"action": "approve", "reason": "agreed", "ids": [case_id]}
    first, second = (mall.send("POST", BATCHES, body, role="approver", key="the-same-key") for _ in range(2))
    assert (first.status, second.status, first.json["batch_id"]) == (201, 201, second.json["batch_id"])
    mall.pump()
    known = mall.store.case(case_id)
    mall.queue.send(batches.QUEUE, {"batch_id": first.json["batch_id"]})
    mall.pump()
    assert mall.store.case(case_id) == known
    assert len(mall.must("GET", BATCHES, role="clerk")["batches"]) == 1


def test_a_batchs_cases_are_read_page_by_page(mall: Mall) -> None:
    """Pages of whole parts hold every case once, in order; asked for one result they hold those alone."""
    cases = [waiting(mall, n) for n in range(23)]
    asked = [*cases[:12], "nobodys", *cases[12:]]
    path, found, cursor = f"{BATCHES}/{batch(mall, ids=asked)['batch_id']}/items?limit=10", [], ""
    while cursor is not None:
        page = mall.must("GET", path + (cursor and f"&cursor={cursor}"), role="clerk")
        found += [item["case_id"] for item in page["items"]]
        cursor = page["cursor"]
    assert found == asked
    skipped = mall.must("GET", f"{path}&result=skipped", role="clerk")
    assert [item["case_id"] for item in skipped["items"]] == ["nobodys"]
    assert mall.send("GET", f"{path}&result=lost", role="clerk").status == 400


def test_a_batch_that_is_stopped_goes_no_further(mall: Mall) -> None:
    """Stopped before it runs it decides nothing; it cannot be let go afterwards, and another shop never sees it."""
    case_id = waiting(mall, 1)
    made = batch(mall, ids=[case_id], dry_run=True)
    path = f"{BATCHES}/{made['batch_id']}"
    assert mall.must("POST", f"{path}/stop", role="clerk")["state"] == "stopped"
    assert mall.send("POST", f"{path}/run", role="approver").json["code"] == "conflict"
    assert mall.send("POST", f"{path}/stop", role="clerk").json["code"] == "conflict"
    assert mall.send("GET", path, role="clerk", merchant="m2").status == 404
    assert states(mall, case_id) == ["reviewing"]


def test_a_batch_whose_job_was_lost_is_taken_up(mall: Mall) -> None:
    """A quarter of an hour without a word of it, the schedule sends another job."""
    case_id = waiting(mall, 1)
    mall.must("POST", BATCHES, {"action": "approve", "reason": "agreed", "ids": [case_id]}, role="approver")
    mall.told = len(mall.store.records)  # nobody follows the stream
    mall.wait(minutes=14)
    assert states(mall, case_id) == ["reviewing"]
    mall.wait(minutes=2)
    assert states(mall, case_id) == ["closed"]


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        pytest.param("approver", {"action": "approve", "reason": "x"}, 400, id="no cases"),
        pytest.param("approver", {"action": "approve", "reason": "x", "ids": ["c"], "choice": {}}, 400, id="both"),
        pytest.param("approver", {"action": "approve", "reason": "x", "ids": []}, 400, id="nobody named"),
        pytest.param("approver", {"action": "approve", "reason": "x", "ids": ["c"] * 501}, 400, id="too many named"),
        pytest.param(
            "approver", {"action": "reject", "reason": "x", "take_over": True, "choice": {}}, 400, id="nothing is taken over"
        ),
        pytest.param("approver", {"action": "reject", "reason": "x", "to": "wang", "choice": {}}, 400, id="decided for somebody"),
        pytest.param("approver", {"action": "assign", "choice": {}}, 400, id="assigned to nobody"),
        pytest.param("clerk", {"action": "assign", "to": "wang", "choice": {}}, 403, id="a clerk assigns to another"),
        pytest.param("clerk", {"action": "assign", "to": "clerk1", "choice": {}}, 201, id="a clerk takes"),
        pytest.param("approver", {"action": "counter", "reason": "x", "choice": {}}, 400, id="no such action"),
    ],
)
def test_a_bad_batch_is_a_clear_problem(mall: Mall, role: str, body: dict[str, Any], status: int) -> None:
    """What is asked for wrongly is refused at once, and no batch is there."""
    assert mall.send("POST", BATCHES, body, role=role).status == status
    assert len(mall.must("GET", BATCHES, role="clerk")["batches"]) == (status == 201)


def test_a_dry_run_asks_nobody_outside(mall: Mall) -> None:
    """Where a yes asks an issuer first, a dry run says so and calls nobody; carried out, its silence fails that case alone."""
    issuer = FakeEntitlements(mall.clock)
    mall.registry.put("source:entitlements", issuer)
    issuer.sold["x"] = Sold("x", 1)
    line = a_line(vertical="virtual", unit_price_minor=6_000, pieces=1, data={"entitlement": "x", "goods": "code"})
    mall.push(an_order(order_id="v1", lines=(line,)))
    issuer.script = [("hold", False)] * 99
    asked = {"order_id": "v1", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    code = str(mall.must("POST", "/v1/cases", {**asked, "submit": True})["case_id"])
    mall.clock.move(timedelta(minutes=16))
    sweep.sweep(mall.registry)
    mall.told = len(mall.store.records)  # what the stream tries again and again while nobody answers
    left = len(issuer.script)
    made = batch(mall, ids=[code, other := waiting(mall, 1)], dry_run=True)
    assert results(mall, made)[code] == ("pending", "source_asked")
    assert (len(issuer.script), states(mall, code)) == (left, ["reviewing"])
    mall.must("POST", f"{BATCHES}/{made['batch_id']}/run", role="approver")
    mall.pump()
    assert results(mall, made) == {code: ("failed", "conflict"), other: ("done", "")}
    assert len(issuer.script) < left


def test_a_case_that_breaks_hurts_no_other(mall: Mall) -> None:
    """A case of a trade that is no longer there fails by itself and says so; the others are decided."""
    odd, fine = waiting(mall, 1), waiting(mall, 2)
    case = mall.store.case(odd).case
    mall.store.commit(Change(replace(case, vertical="gone")))
    made = batch(mall, choice={"state": "reviewing"})
    assert results(mall, made) == {odd: ("failed", "not_found"), fine: ("done", "")}
    assert made["state"] == "done"
