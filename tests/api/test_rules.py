"""Rules that a merchant writes, over the API: versions, who they hold for, what is wrong with them, and what a buyer is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from aftersales.errors import Unknown
from aftersales.order import Payment
from aftersales.registry import Registry
from aftersales.ruling import standard
from aftersales.ruling.fact import Figures
from aftersales.ruling.replay import again
from aftersales.ruling.table import Fired, Table
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.tables import jdm
from functions import ruling
from plugins.zen_rules import build
from tests.mall import STAGE, Mall

RULES = "/v1/merchant/rules"
PERSON = {"outcome": '"person"'}


def written(*rows: dict[str, str], facts: Sequence[str] = ("kind", "amount")) -> dict[str, Any]:
    """A table of these rows, and a last one that asks a person."""
    found: dict[str, Any] = json.loads(jdm(facts, [*rows, PERSON]))
    return found


HALF = written({"kind": '"claim"', "outcome": '"approve"', "share_percent": "50", "rule": '"shop.half"'})
REFUSES = written({"kind": '"claim"', "outcome": '"reject"', "reason": '"Not this week."', "rule": '"shop.week"'})
ASKS = written()


@pytest.fixture
def shop(mall: Mall) -> Mall:
    """A mall at whose stage merchants' tables are run."""
    mall.registry.put("tables", build({}))
    return mall


def put(mall: Mall, table: Any, note: str = "for spring", merchant: str = "m1", **body: Any) -> Any:
    """The answer to writing a version, which has to succeed."""
    return mall.must("PUT", RULES, {"table": table, "note": note, **body}, role="admin", sub="li", merchant=merchant)


def judged(mall: Mall, **claim: Any) -> Any:
    """A claim, judged; its view for staff."""
    case = mall.claim(photo=uuid4().bytes, **claim)
    mall.pump()
    return mall.case(case["case_id"], role="clerk", **claim.get("who", {}))


def test_a_shop_without_rules_has_the_set_that_every_shop_starts_with(shop: Mall) -> None:
    """Version 0 is readable as a table, and cases are judged by the built-in rules."""
    said = shop.must("GET", RULES, role="clerk")
    assert (said["version"], said["latest"], said["in_force"], said["digest"]) == (0, 0, True, standard.table().digest)
    assert judged(shop)["decision"]["rules_version"] == "built-in-1"


def test_a_version_decides_pays_what_its_row_says_and_is_told(shop: Mall) -> None:
    """A row that approves half pays half; staff read version, row, rule and facts, the buyer the sentence."""
    said = put(shop, HALF)
    assert (said["version"], said["author"], said["note"], said["in_force"]) == (1, "admin:li", "for spring", True)
    case = judged(shop)
    decision = case["decision"]
    assert (decision["outcome"], decision["rule"], decision["rules_version"]) == ("approve", "shop.half", "rules-1")
    assert (case["state"], case["amount_minor"], sum(r["amount_minor"] for r in case["refunds"])) == ("closed", 995, 995)
    assert (decision["row"], decision["seen"]) == (1, {"kind": "claim", "amount": "19.90"})
    buyer = shop.case(case["case_id"])["decision"]
    assert (buyer["seen"], buyer["row"], buyer["ruled"]) == ({}, 0, None)
    assert buyer["reason"] == "It meets the shop's rules for approval."


def test_a_row_never_pays_more_than_the_trade_says(shop: Mall) -> None:
    """A limit above the amount changes nothing."""
    put(shop, written({"outcome": '"approve"', "up_to": "500"}))
    assert judged(shop)["amount_minor"] == 1990


def test_a_case_keeps_the_version_that_it_was_handed_in_under(shop: Mall) -> None:
    """A version that came after the case was handed in does not touch it; the next case is judged by it."""
    put(shop, ASKS)
    case = shop.claim()
    shop.clock.move(timedelta(seconds=1))
    put(shop, REFUSES, "no more")
    shop.pump()
    assert shop.case(case["case_id"])["decision"]["rules_version"] == "rules-1"
    assert judged(shop)["decision"]["rule"] == "shop.week"


def test_a_version_counts_from_its_instant(shop: Mall) -> None:
    """What is written for tomorrow is not in force today, and is in force tomorrow by itself; no instant lies behind."""
    put(shop, REFUSES, effective_at=(shop.clock.now() + timedelta(days=1)).isoformat())
    assert judged(shop)["decision"]["rules_version"] == "built-in-1"
    shop.clock.move(timedelta(days=1))
    assert shop.must("GET", RULES, role="clerk")["version"] == 1
    shop.push(an_order(order_id="o2", signed_at=shop.clock.now()))
    assert judged(shop, order_id="o2")["decision"]["rule"] == "shop.week"
    body = {"table": ASKS, "note": "late", "effective_at": (shop.clock.now() - timedelta(hours=1)).isoformat()}
    assert shop.send("PUT", RULES, body, role="admin").status == 400


def test_rules_go_back_in_one_call(shop: Mall) -> None:
    """A rollback is a version of its own with the old table, also to the set that every shop starts with; all are listed."""
    put(shop, HALF), put(shop, REFUSES)
    back = shop.must("POST", f"{RULES}/rollback", {"version": 1}, role="admin")
    assert (back["version"], back["in_force"], back["note"]) == (3, True, "Back to version 1.")
    assert judged(shop)["decision"]["rule"] == "shop.half"
    start = shop.must("POST", f"{RULES}/rollback", {"version": 0, "note": "as it was"}, role="admin")
    assert start["digest"] == standard.table().digest
    rows = shop.must("GET", f"{RULES}/versions?limit=3", role="clerk")
    assert [(r["version"], r["in_force"]) for r in rows["versions"]] == [(4, True), (3, False), (2, False)]
    assert [r["version"] for r in shop.must("GET", f"{RULES}/versions?cursor={rows['cursor']}", role="clerk")["versions"]] == [1]
    assert shop.send("POST", f"{RULES}/rollback", {"version": 9}, role="admin").status == 404


def test_of_two_writers_the_second_reads_again(shop: Mall) -> None:
    """If-Match names the newest version that was read; a writer who read an older one is refused and changes nothing."""
    put(shop, ASKS)
    reply = shop.send("GET", RULES, role="admin")
    assert reply.headers["ETag"] == '"1"'
    put(shop, HALF)
    late = shop.send("PUT", RULES, {"table": REFUSES, "note": "x"}, role="admin", headers={"if-match": "1"})
    assert (late.status, late.json["code"]) == (409, "stale_version")
    assert shop.must("GET", RULES, role="admin")["version"] == 2


def test_merchants_are_apart(shop: Mall) -> None:
    """One merchant's rules decide no case of another's, and are not read by its people."""
    put(shop, REFUSES, merchant="m2")
    assert judged(shop)["decision"]["rules_version"] == "built-in-1"
    assert shop.must("GET", RULES, role="admin")["version"] == 0
    assert shop.send("GET", f"{RULES}?version=1", role="admin").status == 404


@pytest.mark.parametrize("role", ["clerk", "approver", "platform", "buyer", "integrator"])
def test_only_admins_write_rules(shop: Mall, role: str) -> None:
    """Whoever else writes or takes back is refused, and nothing is stored."""
    assert shop.send("PUT", RULES, {"table": ASKS, "note": "x"}, role=role).json["code"] == "forbidden"
    assert shop.send("POST", f"{RULES}/rollback", {"version": 0}, role=role).json["code"] == "forbidden"
    assert shop.must("GET", RULES, role="admin")["latest"] == 0


def test_what_is_wrong_is_named_by_row_and_column(shop: Mall) -> None:
    """Every error of a table comes with its row, its column and what to do; nothing of it is stored."""
    wrong = written({"kind": '"gift"', "outcome": '"reject"'}, {"amount": ">> 3", "outcome": '"approve"'})
    reply = shop.send("PUT", RULES, {"table": wrong, "note": "x"}, role="admin")
    assert (reply.status, reply.json["code"]) == (400, "bad_table")
    problems = reply.json["details"]["problems"]
    assert {(p["row"], p["column"]) for p in problems} == {(1, "kind"), (1, "reason"), (2, "amount")}
    assert all(p["text"] and p["todo"] for p in problems)
    assert shop.must("GET", RULES, role="admin")["latest"] == 0


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(b"[" * 50_000 + b"]" * 50_000, id="deep"),
        pytest.param(b'{"nodes":' * 20_000 + b"1" + b"}" * 20_000, id="deep objects"),
        pytest.param(b'{"nodes": 1' + b"0" * 100_000 + b"}", id="a huge number"),
        pytest.param(b"null", id="nothing"),
        pytest.param(
            json.dumps({"nodes": [{"id": "f", "type": "functionNode", "content": "for(;;);"}], "edges": []}).encode(), id="js"
        ),
        pytest.param(json.dumps(written(*[{"kind": '"claim"', **PERSON}] * 600)).encode(), id="too many rows"),
    ],
)
def test_a_hostile_table_is_refused_and_hurts_nobody(shop: Mall, table: bytes) -> None:
    """Depth, size, numbers and scripts end in a clear problem, and the next case is judged as before."""
    body = b'{"note": "x", "table": ' + table + b"}"
    reply = shop.send("PUT", RULES, body, role="admin")
    assert reply.status == 400, reply.text
    assert judged(shop)["decision"]["rules_version"] == "built-in-1"


class Broken:
    """An engine that breaks at the tables of one merchant's."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error

    def run(self, table: Table, figures: Figures) -> Fired:
        """What it says, while it is whole."""
        if self.error:
            raise self.error
        return build({}).run(table, figures)


@pytest.mark.parametrize("error", [Unknown("no answer"), ZeroDivisionError()], ids=["says so", "breaks"])
def test_a_table_that_cannot_be_run_hurts_its_merchant_alone(
    shop: Mall, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A person decides, the operator is told, and silence approves nothing until the table runs again; others go on."""
    engine = Broken(error)
    shop.registry.put("tables", engine)
    put(shop, HALF)
    case = judged(shop)
    assert (case["state"], case["decision"]["rule"]) == ("reviewing", ruling.BROKEN)
    assert any(r.levelname == "ERROR" for r in caplog.records)
    shop.push(an_order(order_id="o2", merchant="m2"))
    assert judged(shop, order_id="o2", who={"merchant": "m2"})["decision"]["rules_version"] == "built-in-1"
    shop.wait(hours=49)
    assert shop.case(case["case_id"])["state"] == "reviewing"
    engine.error = None
    shop.wait(hours=25)
    after = shop.case(case["case_id"], role="clerk")
    assert (after["decision"]["rule"], after["amount_minor"]) == ("shop.half", 995)


class Loops:
    """An engine that never comes back by itself."""

    def run(self, table: Table, figures: Figures) -> Fired:
        """Nothing, for ever."""
        while True:
            len(table.rows)


def test_a_table_that_takes_for_ever_is_ended(shop: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its case is with a person after the time that a trade has for an answer, and the next merchant's is judged."""
    monkeypatch.setattr("functions.guard.LIMIT_S", 0.3)
    shop.registry.put("tables", Loops())
    put(shop, HALF)
    assert judged(shop)["decision"]["rule"] == ruling.BROKEN
    shop.push(an_order(order_id="o2", merchant="m2"))
    assert judged(shop, order_id="o2", who={"merchant": "m2"})["decision"]["outcome"] == "approve"


def test_a_person_overrules_with_a_reason_beside_the_rules_word(shop: Mall) -> None:
    """What the rules had said, by which row and on what, stays on record under a person's decision."""
    put(shop, written({"kind": '"claim"', "outcome": '"two_persons"', "rule": '"shop.two"'}))
    case = judged(shop)
    path = f"/v1/merchant/cases/{case['case_id']}/decision"
    said = shop.must("POST", path, {"outcome": "reject", "reason": "Seen before."}, role="clerk")["decision"]
    assert (said["outcome"], said["by"], said["rules_version"], said["row"]) == ("reject", "clerk:clerk1", "rules-1", 1)
    assert said["ruled"] == {"outcome": "two_persons", "rule": "shop.two", "text": "A second approver is needed."}
    assert said["seen"]["kind"] == "claim"
    stored = shop.store.case(case["case_id"]).case.decision
    assert again(shop.registry.rules.table("m1", 1), stored.past).word == stored.word


def test_a_row_that_asks_two_persons_gets_two(shop: Mall) -> None:
    """However small the amount, the first yes asks somebody else, and the same person's second one is refused."""
    put(shop, written({"kind": '"claim"', "outcome": '"two_persons"'}))
    path = f"/v1/merchant/cases/{judged(shop)['case_id']}/decision"
    yes = {"outcome": "approve", "reason": "as owed"}
    assert shop.must("POST", path, yes, role="approver", sub="bea")["state"] == "second_review"
    assert shop.send("POST", path, yes, role="approver", sub="bea").json["code"] == "second_person_required"
    said = shop.must("POST", path, yes, role="approver", sub="cleo")
    assert (said["decision"]["outcome"], said["decision"]["ruled"]["outcome"]) == ("approve", "two_persons")


def test_a_draft_is_tried_on_past_cases(shop: Mall) -> None:
    """A trial says which cases would have ended otherwise, how many, and in money; it stores nothing and changes none."""
    paid = judged(shop)
    before = shop.store.case(paid["case_id"])
    asked = {"table": REFUSES, "since": (shop.clock.now() - timedelta(days=2)).isoformat()}
    said = shop.must("POST", f"{RULES}/trial", asked, role="clerk")
    (changed,) = said["changed"]
    assert (changed["case_id"], changed["was"], changed["would"], changed["row"]) == (paid["case_id"], "approve", "reject", 1)
    assert said["counts"] == [{"was": "approve", "would": "reject", "cases": 1}]
    assert said["money"] == [{"currency": "CNY", "was_minor": 1990, "would_minor": 0}]
    assert (changed["text"], said["cases"]) == ("Not this week.", 1)
    assert shop.store.case(paid["case_id"]) == before
    same = shop.must("POST", f"{RULES}/trial", {"version": 0, "since": asked["since"]}, role="clerk")
    assert (same["cases"], same["changed"]) == (1, [])


def test_a_trial_begins_at_what_the_trade_said(shop: Mall) -> None:
    """The version that halved an amount would halve it again, not a quarter of it; the built-in rules would pay the whole."""
    put(shop, HALF)
    judged(shop)
    since = (shop.clock.now() - timedelta(days=2)).isoformat()
    same = shop.must("POST", f"{RULES}/trial", {"version": 1, "since": since}, role="clerk")
    assert (same["cases"], same["changed"]) == (1, [])
    whole = shop.must("POST", f"{RULES}/trial", {"version": 0, "since": since}, role="clerk")
    assert whole["money"] == [{"currency": "CNY", "was_minor": 995, "would_minor": 1990}]


def test_another_process_goes_by_the_mark(shop: Mall) -> None:
    """A worker that has not heard of a version yet judges a case by the one that it was handed in under."""
    worker = Registry(STAGE)
    for name in ("store", "clock", "files", "queue", "photos", "tables"):
        worker.put(name, getattr(shop.registry, name))
    worker.put("channel:wechatpay", shop.channel)
    assert worker.rules.book("m1").version == 0  # kept for a minute
    put(shop, REFUSES)
    case = shop.claim()
    shop.registry = worker
    shop.registry.put("stream", shop.store)
    shop.pump()
    assert worker.rules.book("m1").version == 0
    assert shop.case(case["case_id"], role="clerk")["decision"]["rule"] == "shop.week"


def test_a_trial_finds_each_case_once_page_by_page(shop: Mall) -> None:
    """Open, refused and refunded cases of this merchant alone are each looked at once, whatever the size of a page."""
    put(shop, REFUSES)
    refused = judged(shop)["case_id"]
    shop.must("POST", f"{RULES}/rollback", {"version": 0}, role="admin")
    shop.wait(days=30)  # it closed without a refund
    shop.push(an_order(order_id="o2", signed_at=shop.clock.now()))
    refunded = [judged(shop, order_id="o2")["case_id"] for _ in range(2)]
    put(shop, ASKS)
    open_case = judged(shop, order_id="o2")["case_id"]
    shop.push(an_order(order_id="o9", merchant="m2", signed_at=shop.clock.now()))
    judged(shop, order_id="o9", who={"merchant": "m2"})
    asked = {"table": HALF, "since": (shop.clock.now() - timedelta(days=60)).isoformat(), "limit": 1}
    found: list[str] = []
    cursor = ""
    for _ in range(100):
        page = shop.must("POST", f"{RULES}/trial", {**asked, "cursor": cursor}, role="clerk")
        found += [c["case_id"] for c in page["changed"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted([refused, *refunded, open_case])


def test_a_trial_finds_a_case_that_owed_nothing(shop: Mall) -> None:
    """A gift that was approved and paid back with nothing, as nothing was paid for it, is tried like any other case."""
    gift = a_line(unit_price_minor=0)
    shop.push(an_order(order_id="o7", lines=(gift,), payments=(Payment("p1", "wechatpay", "t7", 0),), signed_at=shop.clock.now()))
    case = judged(shop, order_id="o7")
    assert (case["state"], case["ending"], case["refunds"]) == ("closed", "refunded", [])
    asked = {"table": REFUSES, "since": (shop.clock.now() - timedelta(days=2)).isoformat()}
    said = shop.must("POST", f"{RULES}/trial", asked, role="clerk")
    assert [c["case_id"] for c in said["changed"]] == [case["case_id"]]


def test_a_trial_refuses_what_it_cannot_do(shop: Mall) -> None:
    """A start that lies ahead, a table and a version at once, a foreign cursor, and a bad table are each a clear problem."""
    past = (shop.clock.now() - timedelta(days=1)).isoformat()
    for body, code in (
        ({"since": past}, "invalid"),
        ({"since": past, "table": HALF, "version": 0}, "invalid"),
        ({"since": (shop.clock.now() + timedelta(days=1)).isoformat(), "version": 0}, "invalid"),
        ({"since": "2001-01-01T00:00:00Z", "version": 0}, "invalid"),
        ({"since": past, "version": 0, "cursor": "99:"}, "invalid"),
        ({"since": past, "version": 0, "cursor": "0:abc"}, "invalid"),
        ({"since": past, "table": {}}, "bad_table"),
        ({"since": past, "version": 7}, "not_found"),
    ):
        reply = shop.send("POST", f"{RULES}/trial", body, role="clerk")
        assert reply.json.get("code") == code, (body, reply.text)


def test_two_versions_are_compared_by_rows(shop: Mall) -> None:
    """Rows that one version has and the other has not are named; a row that both have is not."""
    put(shop, HALF), put(shop, REFUSES)
    said = shop.must("GET", f"{RULES}/compare?first=1&second=2", role="clerk")
    assert [(r["row"], r["rule"], r["share_percent"]) for r in said["removed"]] == [(1, "shop.half", 50)]
    assert [(r["row"], r["rule"], r["conditions"]) for r in said["added"]] == [(1, "shop.week", ['kind "claim"'])]
    assert said["reordered"] is False
    same = shop.must("GET", f"{RULES}/compare?first=2&second=2", role="clerk")
    assert (same["removed"], same["added"]) == ([], [])


def test_rules_go_to_excel_and_come_back(shop: Mall) -> None:
    """What nobody changed in the workbook is the same table; what is no workbook, or both at once, is a clear problem."""
    put(shop, HALF)
    file = shop.send("GET", f"{RULES}.xlsx?version=1", role="clerk")
    assert "rules-1.xlsx" in file.headers["Content-Disposition"]
    body = {"workbook": base64.b64encode(file.content).decode(), "note": "from Excel"}
    digest = shop.must("GET", RULES, role="clerk")["digest"]
    assert shop.must("PUT", RULES, body, role="admin")["digest"] == digest
    for wrong in ({**body, "workbook": base64.b64encode(b"PK no").decode()}, {**body, "table": HALF}, {"note": "x"}):
        assert shop.send("PUT", RULES, wrong, role="admin").json["code"] == "invalid"
    assert shop.must("GET", RULES, role="clerk")["latest"] == 2


def test_the_facts_are_listed_in_the_readers_language(shop: Mall) -> None:
    """Every fact comes with type, unit, values and meaning."""
    said = {f["name"]: f for f in shop.must("GET", f"{RULES}/facts", role="clerk")["facts"]}
    assert (said["kind"]["type"], said["amount"]["unknown"]) == ("choice", True)
    assert all(f["text"] for f in said.values())


def test_a_stage_without_an_engine_takes_no_rules(mall: Mall) -> None:
    """Nothing can be written that nobody would run, and cases are judged as ever."""
    reply = mall.send("PUT", RULES, {"table": HALF, "note": "x"}, role="admin")
    assert (reply.status, reply.json["code"]) == (409, "conflict")
    assert judged(mall)["decision"]["rules_version"] == "built-in-1"
