"""The edges of the API: bad input, who may do what, and asking twice."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import app
from aftersales.caller import Role
from aftersales.evidence import EvidenceKind
from aftersales.ruling import standard
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.tables import FakeTables
from functions import http
from tests.mall import Mall, snapshot

ORDER: dict[str, Any] = snapshot(an_order(order_id="bad"))
DRAFT = {"order_id": "o1", "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}


def changed(**changes: Any) -> dict[str, Any]:
    """The order snapshot with one thing wrong."""
    return {**ORDER, **changes}


def line(**changes: Any) -> dict[str, Any]:
    """The order snapshot with one thing wrong on its line."""
    return changed(lines=[{**ORDER["lines"][0], **changes}])


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        pytest.param(changed(colour="red"), 400, "invalid", "colour", id="unknown field"),
        pytest.param(line(unit_price_minor=-1), 400, "invalid", "$.lines[0].unit_price_minor", id="negative amount"),
        pytest.param(line(unit_price_minor=19.9), 400, "invalid", "$.lines[0].unit_price_minor", id="fractional amount"),
        pytest.param(line(unit_price_minor="1990"), 400, "invalid", "$.lines[0].unit_price_minor", id="amount as text"),
        pytest.param(line(unit_price_minor=True), 400, "invalid", "$.lines[0].unit_price_minor", id="amount as truth"),
        pytest.param(line(unit_price_minor=10**13), 400, "invalid", "$.lines[0].unit_price_minor", id="amount beyond reason"),
        pytest.param(line(pieces=0), 400, "invalid", "$.lines[0].pieces", id="no pieces"),
        pytest.param(line(discount_minor=99_999), 400, "invalid", "larger", id="discount above price"),
        pytest.param(line(vertical="spaceships"), 400, "invalid", "spaceships", id="unknown trade"),
        pytest.param(
            changed(payments=[{**ORDER["payments"][0], "channel": "shells"}]), 400, "invalid", "shells", id="unknown channel"
        ),
        pytest.param(changed(currency="XXX"), 400, "invalid", "currency", id="unknown currency"),
        pytest.param(changed(currency="cny"), 400, "invalid", "$.currency", id="currency in small letters"),
        pytest.param(changed(status="lost"), 400, "invalid", "$.status", id="unknown state"),
        pytest.param(changed(paid_at="yesterday"), 400, "invalid", "$.paid_at", id="no instant"),
        pytest.param(changed(paid_at="2026-11-20T04:00:00"), 400, "invalid", "$.paid_at", id="instant without a zone"),
        pytest.param(changed(lines=[]), 400, "invalid", "$.lines", id="no lines"),
        pytest.param(changed(order_id="another"), 400, "invalid", "path", id="another id than the path"),
        pytest.param(changed(order_id="a#b"), 400, "invalid", "$.order_id", id="an id that could pose as a key"),
        pytest.param(line(line_id="l1\n"), 400, "invalid", "$.lines[0].line_id", id="an id with a line's end"),
        pytest.param(
            changed(shipment={"carrier": "sf", "number": "SF1234567\n"}), 400, "invalid", "$.shipment.number", id="a waybill too"
        ),
        pytest.param(changed(signed_at="9999-12-31T23:59:59Z"), 400, "invalid", "signed_at", id="an instant beyond reason"),
        pytest.param(changed(paid_at="0001-01-01T00:00:00+14:00"), 400, "invalid", "paid_at", id="an instant before all time"),
        pytest.param(changed(merchant="m2"), 403, "forbidden", "another merchant", id="another merchant"),
        pytest.param(
            changed(payments=[{**ORDER["payments"][0], "paid_minor": 9949}]), 422, "unbalanced_order", "0.01", id="a cent short"
        ),
        pytest.param(b"{", 400, "malformed_json", "", id="malformed JSON"),
        pytest.param(b"\xff\xfe", 400, "malformed_json", "", id="no text at all"),
        pytest.param(b"[" * 100_000, 400, "invalid", "$", id="deep nesting"),
        pytest.param(b"", 400, "malformed_json", "", id="no body"),
        pytest.param(b'"' + b"x" * http.MAX_BODY + b'"', 413, "payload_too_large", "", id="oversized"),
    ],
)
def test_a_bad_order_is_a_clear_problem_and_nothing_is_stored(mall: Mall, body: Any, status: int, code: str, where: str) -> None:
    """Whatever is wrong with a snapshot is named with a stable code and place, and the order does not exist afterwards."""
    reply = mall.send("PUT", "/v1/orders/bad", body, role="integrator")
    assert (reply.status, reply.json["code"]) == (status, code), reply.text
    assert where in reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert mall.store.order("m1", "bad") is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({**DRAFT, "kind": "gift"}, 400, "invalid", id="unknown kind"),
        pytest.param({**DRAFT, "reason": "bored"}, 400, "invalid", id="unknown reason"),
        pytest.param({**DRAFT, "items": [{"line_id": "l9", "pieces": 1}]}, 400, "invalid", id="unknown line"),
        pytest.param({**DRAFT, "items": [{"line_id": "l1", "pieces": 6}]}, 409, "pieces_taken", id="more pieces than bought"),
        pytest.param({**DRAFT, "items": [{"line_id": "l1", "pieces": 1}] * 2}, 400, "invalid", id="a line twice"),
        pytest.param({**DRAFT, "items": []}, 400, "invalid", id="about nothing"),
        pytest.param({**DRAFT, "asked_minor": 1991}, 400, "invalid", id="more than it is worth"),
        pytest.param({**DRAFT, "asked_minor": 0}, 400, "invalid", id="asking for nothing"),
        pytest.param(
            {**DRAFT, "items": [{"line_id": "l1", "pieces": 1, "share_percent": 101}]}, 400, "invalid", id="over a hundred percent"
        ),
        pytest.param({**DRAFT, "kind": "repair"}, 409, "not_offered", id="a kind this trade has not"),
        pytest.param({**DRAFT, "kind": "refund_only", "reason": "changed_mind"}, 409, "not_offered", id="signed for already"),
        pytest.param({**DRAFT, "order_id": "o404"}, 404, "not_found", id="no such order"),
    ],
)
def test_a_bad_draft_is_a_clear_problem_and_nothing_is_stored(mall: Mall, body: Any, status: int, code: str) -> None:
    """A draft that cannot be is refused with a stable code, and the order has no case afterwards."""
    reply = mall.send("POST", "/v1/cases", body)
    assert (reply.status, reply.json["code"]) == (status, code), reply.text
    assert reply.json["detail"]
    assert mall.store.order("m1", "o1").cases == ()


@pytest.mark.parametrize("kind", list(EvidenceKind))
@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/javascript", "application/octet-stream"])
def test_nothing_that_could_run_is_uploaded(mall: Mall, kind: EvidenceKind, content_type: str) -> None:
    """Evidence is a picture, a film or a paper; a page or a script is refused before there is an address for it."""
    case = mall.must("POST", "/v1/cases", DRAFT)
    asked = {"bytes": 100, "kind": kind, "content_type": content_type}
    reply = mall.send("POST", f"/v1/cases/{case['case_id']}/evidence", asked)
    assert (reply.status, reply.json["code"]) == (400, "invalid")
    assert mall.case(case["case_id"])["evidence"] == []


def test_an_instant_beyond_reason_is_no_fact(mall: Mall) -> None:
    """A fact from before all time is refused, not computed with."""
    fact = {"fact": "signed", "at": "0001-01-01T00:00:00+14:00"}
    reply = mall.send("POST", "/v1/orders/o1/facts", fact, role="integrator")
    assert (reply.status, reply.json["code"]) == (400, "invalid")


def test_a_version_of_five_thousand_digits_is_none(mall: Mall) -> None:
    """If-Match is a number of ours or a clear problem."""
    case = mall.must("POST", "/v1/cases", DRAFT)
    reply = mall.send("PATCH", f"/v1/cases/{case['case_id']}", {"note": "x"}, headers={"if-match": "9" * 5000})
    assert (reply.status, reply.json["code"]) == (400, "invalid")


@pytest.mark.parametrize("path", ["cases/{}/decisions", "batches/{}", "batches/{}/items", "tickets/{}"])
def test_a_name_of_thousands_of_characters_is_nobodys(mall: Mall, path: str) -> None:
    """What no key of the table could hold is refused at the door, before a table has to refuse it."""
    for name in ("a" * 5000, "%E4%BD%A0" * 256):
        reply = mall.send("GET", f"/v1/merchant/{path.format(name)}", role="clerk")
        assert (reply.status, reply.json["detail"]) == (404, "Nothing has so long a name."), reply.text


def test_a_deadline_is_paused_resumed_or_moved_and_nothing_else(shop: tuple[Mall, str]) -> None:
    """An action that only looks like one of ours moves nothing."""
    mall, case_id = shop
    for action in ("pause\n", "Pause", "stop"):
        asked = {"action": action, "reason": "Holidays."}
        assert mall.send("POST", f"/v1/merchant/cases/{case_id}/deadline", asked, role="approver").status == 400
    far = {"action": "move", "reason": "Never.", "move_to": "9999-12-31T23:59:59-12:00"}
    assert mall.send("POST", f"/v1/merchant/cases/{case_id}/deadline", far, role="approver").status == 400


def test_messages_cannot_make_a_timeline_unreadable(mall: Mall) -> None:
    """The longest timeline that messages can make still fits into what a function may answer (6 MB)."""
    case_id = mall.must("POST", "/v1/cases", DRAFT)["case_id"]
    said = {"text": "\u574f" * 1000}
    while (reply := mall.send("POST", f"/v1/cases/{case_id}/messages", said)).status == 200:
        assert reply.json["version"] < 1000
    assert (reply.status, reply.json["code"]) == (409, "conflict")
    assert len(mall.send("GET", f"/v1/cases/{case_id}/timeline").text.encode()) < 6_000_000
    assert mall.must("POST", f"/v1/cases/{case_id}/withdraw")["state"] == "closed"


# --- who may --------------------------------------------------------------------------------------------------------
@pytest.fixture
def shop(mall: Mall) -> tuple[Mall, str]:
    """A mall with a case under review of buyer b1 at merchant m1, and its id."""
    mall.photos.findings = ()
    mall.registry.put("tables", FakeTables())
    case = mall.claim()
    mall.pump()
    return mall, case["case_id"]


PICKUP = {
    "slot": {"day": "2026-11-21", "start": "09:00", "end": "11:00"},
    "sender": {"name": "Wang", "phone": "13800001111", "address": "Wensan Road 9"},
}
BODIES: dict[str, Any] = {
    "/v1/orders/{order_id}": {**ORDER, "order_id": "o1"},
    "/v1/cases/{case_id}/appeal": {"text": "look at the second photo"},
    "/v1/orders/{order_id}/facts": {"fact": "finished", "at": "2026-11-20T03:00:00Z"},
    "/v1/orders/{order_id}/outside": {
        "key": "re_1",
        "payment_id": "p1",
        "amount_minor": 1,
        "kind": "refund",
        "state": "gone",
        "at": "2026-11-20T03:00:00Z",
    },
    "/v1/orders/{order_id}/proofs": {"bytes": 10, "role": "dispatch"},
    "/v1/cases": DRAFT,
    "/v1/cases/together": {"order_id": "o1", "items": [{"line_id": "l1", "pieces": 1}]},
    "/v1/cases/{case_id}": {"note": "x"},
    "/v1/cases/{case_id}/evidence": {"bytes": 10},
    "/v1/cases/{case_id}/evidence/{evidence_id}/original": {"reason": "to compare"},
    "/v1/cases/{case_id}/shipment": {"carrier": "sf", "number": "SF1234567"},
    "/v1/cases/{case_id}/counter-answer": {"accept": True},
    "/v1/cases/{case_id}/received": {"received": True},
    "/v1/cases/{case_id}/payment": {"payment_id": "x1", "channel": "wechatpay", "transaction_id": "t1", "paid_minor": 1},
    "/v1/merchant/cases/{case_id}/remedy": {"action": "done"},
    "/v1/cases/{case_id}/messages": {"text": "hello"},
    "/v1/merchant/cases/{case_id}/decision": {"outcome": "reject", "reason": "no"},
    "/v1/merchant/cases/{case_id}/claim": {},
    "/v1/merchant/cases/{case_id}/triage": {"lane": "legal", "reason": "a lawyer wrote"},
    "/v1/merchant/cases/{case_id}/counter": {"amount_minor": 1, "reason": "no"},
    "/v1/merchant/cases/{case_id}/compensation": {"amount_minor": 1, "reason": "no"},
    "/v1/merchant/cases/{case_id}/inspection": {"accepted": False, "note": "no"},
    "/v1/merchant/cases/{case_id}/deadline": {"action": "pause", "reason": "no"},
    "/v1/merchant/cases/{case_id}/refunds/{number}/release": {"how": "not_owed", "reason": "no"},
    "/v1/cases/{case_id}/refunds/{number}/account": {"to": "balance"},
    "/v1/merchant/replies": {"replies": []},
    "/v1/merchant/delegations": {"to": "ann", "until": "2026-11-30T00:00:00Z", "reason": "no"},
    "/v1/cases/{case_id}/pickup": PICKUP,
    "PATCH /v1/cases/{case_id}/pickup": {"slot": PICKUP["slot"]},
    "/v1/cases/{case_id}/pickup/price": PICKUP,
    "/v1/merchant/tickets/{ticket_id}/close": {"resolution": "no"},
    "/v1/merchant/rules": {"table": json.loads(standard.table().text), "note": "no"},
    "/v1/merchant/rules/rollback": {"version": 0},
    "/v1/merchant/rules/trial": {"since": "2026-11-01T00:00:00Z", "version": 0},
    "/v1/merchant/batches": {"action": "approve", "reason": "agreed", "choice": {"state": "reviewing"}, "dry_run": True},
}
GUARDED = [r for r in app.ROUTES if r.roles]


def _path(route: http.Route, case_id: str) -> str:
    places = {"order_id": "o1", "case_id": case_id, "number": "1", "ticket_id": f"refund_failed:R{case_id}-1", "date": "2026-11"}
    places |= {"batch_id": "B1", "delegation_id": "d1", "evidence_id": "e1", "vertical": "fresh"}
    return route.path.format_map(places)


def _fingerprint(mall: Mall) -> str:
    order = mall.store.order("m1", "o1")
    return repr((order, [mall.store.case(c) for c in order.cases], mall.channel.truth))


@pytest.mark.parametrize(
    ("route", "role"),
    [
        pytest.param(r, role, id=f"{role} {r.method} {r.path}")
        for r, role in itertools.product(GUARDED, Role)
        if role is not Role.SYSTEM
    ],
)
def test_every_route_keeps_strangers_out(shop: tuple[Mall, str], route: http.Route, role: Role) -> None:
    """The wrong role is a 403; the right role of another merchant, or another buyer, sees a 404, and nothing changes."""
    mall, case_id = shop
    body, before = BODIES.get(f"{route.method} {route.path}", BODIES.get(route.path)), _fingerprint(mall)
    strangers = [("m2", mall.name(role))] + ([("m1", "b2")] if role is Role.BUYER else [])
    for merchant, sub in strangers:
        reply = mall.send(route.method, _path(route, case_id), body, role=role, sub=sub, merchant=merchant)
        if role not in route.roles:
            assert (reply.status, reply.json["code"]) == (403, "forbidden"), reply.text
        elif set(route.places) - {"date", "vertical"} and role is not Role.PLATFORM:  # a day or a trade is nobody's own
            assert reply.status in (403, 404) if route.method == "PUT" else reply.status == 404, reply.text
        elif route.path in ("/v1/cases", "/v1/cases/together") and route.method == "POST":
            assert reply.status == 404
        elif role is not Role.PLATFORM:
            assert reply.status == route.status
            assert case_id.encode() not in reply.content, "a list shows somebody else's case"
    assert _fingerprint(mall) == before


@pytest.mark.parametrize("route", [pytest.param(r, id=f"{r.method} {r.path}") for r in GUARDED])
@pytest.mark.parametrize("token", ["none", "garbage", "expired", "other secret", "system role", "no role", "unsigned"])
def test_every_route_wants_a_valid_token(shop: tuple[Mall, str], route: http.Route, token: str) -> None:
    """No token, an expired one, one signed by somebody else or claiming our own role: 401, and nothing changes."""
    import jwt

    mall, case_id = shop
    claims = {"sub": "b1", "role": "buyer", "merchant": "m1", "exp": 4102444800}
    offered = {
        "none": "",
        "garbage": "Bearer abc.def.ghi",
        "expired": "Bearer " + mall.token("buyer", "b1", lasts=timedelta(minutes=-5)),
        "other secret": "Bearer " + jwt.encode(claims, "x" * 32, algorithm="HS256"),
        "system role": "Bearer " + mall.token("system", "aftersales"),
        "no role": "Bearer " + mall.token("", "b1"),
        "unsigned": "Bearer " + jwt.encode(claims, None, algorithm="none"),
    }
    before = _fingerprint(mall)
    reply = mall.send(
        route.method,
        _path(route, case_id),
        BODIES.get(f"{route.method} {route.path}", BODIES.get(route.path)),
        headers={"authorization": offered[token]},
    )
    assert (reply.status, reply.json["code"]) == (401, "unauthenticated")
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert _fingerprint(mall) == before


def test_a_buyer_reads_the_shop_not_the_clerk(shop: tuple[Mall, str]) -> None:
    """Names of staff stay inside the shop; the merchant's own people read them."""
    mall, case_id = shop
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", {"outcome": "reject", "reason": "no"}, role="clerk", sub="wang")
    buyer = mall.send("GET", f"/v1/cases/{case_id}/timeline").text + mall.send("GET", f"/v1/cases/{case_id}").text
    assert "wang" not in buyer
    assert "clerk:wang" in mall.send("GET", f"/v1/cases/{case_id}/timeline", role="admin").text


# --- asking twice -----------------------------------------------------------------------------------------------------
def test_a_post_says_which_request_it_is(mall: Mall) -> None:
    """Without an Idempotency-Key nothing is done, and the answer says what to send."""
    reply = mall.send("POST", "/v1/cases", DRAFT, key="short")
    assert (reply.status, reply.json["code"]) == (400, "idempotency_key_required")


def test_the_same_request_gets_the_same_answer(mall: Mall) -> None:
    """Sent again, a request gets its first answer word for word, however far the case has gone since."""
    first = mall.send("POST", "/v1/cases", DRAFT, key="key-00000001")
    mall.photo(first.json["case_id"])
    mall.must("POST", f"/v1/cases/{first.json['case_id']}/submit")
    mall.pump()
    again = mall.send("POST", "/v1/cases", DRAFT, key="key-00000001")
    assert (again.status, again.text) == (201, first.text)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(mall.store.order("m1", "o1").cases) == 1


def test_a_key_belongs_to_one_request_and_one_caller(mall: Mall) -> None:
    """The same key with another body is refused; another buyer's same key is another key."""
    mall.must("POST", "/v1/cases", DRAFT, key="key-00000001")
    other = mall.send("POST", "/v1/cases", {**DRAFT, "note": "another"}, key="key-00000001")
    assert (other.status, other.json["code"]) == (422, "idempotency_mismatch")
    mall.push(an_order(order_id="o2", buyer=replace(an_order().buyer, id="b2")))
    assert mall.send("POST", "/v1/cases", {**DRAFT, "order_id": "o2"}, sub="b2", key="key-00000001").status == 201


def test_an_order_takes_so_many_cases(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts without end would make every reading of the order slower; past the limit a draft is refused."""
    monkeypatch.setattr("functions.cases.MOST_CASES", 3)
    for _ in range(3):
        mall.must("POST", "/v1/cases", DRAFT)
    refused = mall.send("POST", "/v1/cases", DRAFT)
    assert (refused.status, refused.json["code"]) == (409, "conflict")


def test_ten_at_once_are_one(mall: Mall) -> None:
    """The same POST ten times in parallel opens one case and gives ten equal answers."""
    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lambda _: mall.send("POST", "/v1/cases", DRAFT, key="key-00000001"), range(10)))
    assert {r.status for r in replies} == {201}
    assert len({r.text for r in replies}) == 1
    assert len(mall.store.order("m1", "o1").cases) == 1


def test_two_terminals_lose_nothing(mall: Mall) -> None:
    """An edit on an old version is a conflict that names the current one; what the first wrote stays."""
    case = mall.must("POST", "/v1/cases", DRAFT)
    path, tag = f"/v1/cases/{case['case_id']}", f'"{case["version"]}"'
    assert mall.must("PATCH", path, {"note": "from the phone"}, headers={"if-match": tag})["version"] == case["version"] + 1
    late = mall.send("PATCH", path, {"note": "from the computer"}, headers={"if-match": tag})
    assert (late.status, late.json["code"], late.json["details"]["version"]) == (409, "stale_version", case["version"] + 1)
    assert mall.case(case["case_id"])["note"] == "from the phone"


def test_money_of_an_order_with_cases_stays(mall: Mall) -> None:
    """The snapshot can be pushed again unchanged; once a case holds pieces its amounts cannot be rewritten."""
    mall.push()
    mall.claim()
    mall.push()
    cheaper = an_order(lines=(a_line(unit_price_minor=1),))
    body = snapshot(cheaper)
    assert mall.send("PUT", "/v1/orders/o1", body, role="integrator").json["code"] == "order_frozen"


def test_a_fact_is_told_once(mall: Mall) -> None:
    """Signing sets the instant every window counts from; another instant for it is refused, and so is one ahead."""
    mall.push(an_order(order_id="o5", status="shipped"))
    signed = {"fact": "signed", "at": "2026-11-20T03:00:00Z"}
    assert mall.must("POST", "/v1/orders/o5/facts", signed, role="integrator")["status"] == "signed"
    mall.must("POST", "/v1/orders/o5/facts", signed, role="integrator")
    later = mall.send("POST", "/v1/orders/o5/facts", {**signed, "at": "2026-11-20T03:30:00Z"}, role="integrator")
    assert (later.status, later.json["code"]) == (409, "conflict")
    mall.push(an_order(order_id="o6", status="shipped"))
    ahead = mall.send("POST", "/v1/orders/o6/facts", {**signed, "at": "2027-01-01T00:00:00Z"}, role="integrator")
    assert (ahead.status, ahead.json["code"]) == (400, "invalid")


def test_signing_tells_the_buyer_about_the_24_hours(mall: Mall) -> None:
    """A fresh order signed for brings the notice of the claim window, once."""
    mall.push(an_order(order_id="o5", status="shipped"))
    for _ in range(2):
        mall.must("POST", "/v1/orders/o5/facts", {"fact": "signed", "at": "2026-11-20T03:00:00Z"}, role="integrator")
        mall.pump()
    told = [n for n in mall.store.notices if n.order_id == "o5"]
    assert len(told) == 1
    assert "24" in told[0].text


def test_cases_are_found_by_order_phone_and_buyer(shop: tuple[Mall, str]) -> None:
    """Staff find a case by order number and by phone, the buyer in the list of their own."""
    mall, case_id = shop
    for query in ("?order=o1", "?phone=13800000000", "?state=reviewing"):
        assert case_id in mall.send("GET", f"/v1/merchant/cases{query}", role="clerk").text, query
    assert case_id in mall.send("GET", "/v1/cases").text
    assert mall.send("GET", "/v1/merchant/cases?state=asleep", role="clerk").json["code"] == "invalid"
    assert mall.send("GET", "/v1/merchant/cases?limit=0", role="clerk").json["code"] == "invalid"
    assert mall.send("GET", "/v1/merchant/cases?cursor=garbage", role="clerk").json["code"] == "invalid"


def test_a_deadline_is_paused_and_moved_on_record(shop: tuple[Mall, str]) -> None:
    """While the clock is paused silence means nothing; moved, it counts from the new instant; both are events with a reason."""
    mall, case_id = shop
    path = f"/v1/merchant/cases/{case_id}/deadline"
    mall.must("POST", path, {"action": "pause", "reason": "waiting for the carrier"}, role="admin")
    mall.wait(hours=100)
    assert mall.case(case_id)["state"] == "reviewing"
    mall.must("POST", path, {"action": "move", "reason": "Spring Festival", "move_to": "2026-11-30T00:00:00Z"}, role="admin")
    mall.wait(hours=1)
    assert mall.case(case_id)["deadline"]["due_at"] == "2026-11-30T00:00:00Z"
    mall.wait(days=10)
    assert mall.case(case_id)["ending"] == "refunded"
    steps = [s["event"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]]
    assert {"deadline_paused", "deadline_moved", "deadline_passed"} <= set(steps)


def test_a_pause_that_everybody_forgets_ends(shop: tuple[Mall, str]) -> None:
    """A paused case still has an instant at which silence speaks: thirty days, and the rest that was left."""
    mall, case_id = shop
    body = {"action": "pause", "reason": "waiting", "move_to": "2099-01-01T00:00:00Z"}
    paused = mall.must("POST", f"/v1/merchant/cases/{case_id}/deadline", body, role="admin")["deadline"]
    assert paused["paused"]
    mall.wait(days=31, hours=23)
    assert mall.case(case_id)["state"] == "reviewing"
    mall.wait(hours=1)
    assert mall.case(case_id)["ending"] == "refunded"


def test_the_document_describes_every_route(mall: Mall) -> None:
    """OpenAPI is generated from the routes, names who may, and every operation has a summary."""
    document = mall.must("GET", "/v1/openapi.json")
    described = {(m.upper(), path) for path, item in document["paths"].items() for m in item}
    assert described == {(r.method, r.path) for r in app.ROUTES}
    assert all(op["summary"] for item in document["paths"].values() for op in item.values())
    queue = document["paths"]["/v1/merchant/cases"]["get"]
    may = {p["name"]: p["schema"] for p in queue["parameters"]}
    assert (may["late"]["type"], may["min_minor"]["maximum"], may["max_minor"]["type"]) == ("boolean", 10**12, "integer")
    assert may["lane"]["enum"] == ["difficult", "legal", "ordinary"]
    assert "claimed" in queue["description"], "what a filter means is said"
    claim = document["paths"]["/v1/merchant/cases/{case_id}/claim"]["post"]
    assert "If-Match" in {p["name"] for p in claim["parameters"]}
    told = [schema["description"] for schema in document["components"]["schemas"].values() if "description" in schema]
    assert not [text for text in told if "\n    " in text], "the margin of the code is no part of what is said"
