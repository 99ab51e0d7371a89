"""Outside systems: asked before a case is judged, keeping what it is about until its money is out, and telling by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.case import Kind, State
from aftersales.decision import Finding, Verdict
from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.fact import Field, FieldKind, OrderFact, Tells
from aftersales.lookup import ASKED, Ask, Heard, HeardFact, Lookup, Subject
from aftersales.testing.builders import NOW, a_ledger, a_line, a_merchant, an_order
from aftersales.vertical import Facts, Vertical
from functions import http, lookups, sweep
from tests.mall import Mall, snapshot
from verticals.general import VERTICAL

KEPT = Ask("vault", ("there", "gone"), holds=True)


@dataclass
class Vault:
    """A system that keeps things. ``silent``: its next calls have no answer, after it did (or did not do) what was asked."""

    status: str = "there"
    kept: dict[str, str] = field(default_factory=dict)
    void: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    silent: list[bool] = field(default_factory=list)
    refuses: bool = False

    def _do(self, call: str, subject: Subject, work: Any) -> None:
        self.calls.append(call)
        lost = self.silent.pop(0) if self.silent else None
        if lost is not False:
            work()
        if lost is not None:
            raise Unknown("no answer")

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """What it is."""
        self._do("ask", subject, lambda: None)
        return Lookup("", "", self.status, now)

    def hold(self, subject: Subject, now: datetime) -> Lookup:
        """Keep it, unless it is gone."""
        self._do("hold", subject, lambda: self.status == "there" and self.kept.setdefault(subject.line.line_id, subject.key))
        return Lookup("", "", self.status, now, self.kept.get(subject.line.line_id) == subject.key)

    def consume(self, subject: Subject, now: datetime) -> None:
        """It is void."""
        if self.refuses or (self.kept.get(subject.line.line_id) != subject.key and subject.key not in self.void):
            raise Rejected("not kept for this key")
        self._do("consume", subject, lambda: self.void.add(self.kept.pop(subject.line.line_id, subject.key)))

    def release(self, subject: Subject, now: datetime) -> None:
        """It is free."""
        self._do("release", subject, lambda: self.kept.pop(subject.line.line_id, None))

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        """One fact of its own."""
        if headers.get("x-signature") != "good":
            raise BadSignature("not the vault's")
        fact = OrderFact("vault.opened", now, "l1", data={"by": body.decode()})
        return Heard((HeardFact("m1", "o1", fact),), reply=b'{"ok":true}')


def there(facts: Facts) -> Finding:
    """Is it still there, by the vault's word, and not opened since?"""
    said = facts.lookup("vault", "l1")
    if facts.order.told("vault.opened", "l1"):
        return Finding("general.there", Verdict.FAIL, "order.unpaid")
    if said is None:
        return Finding("general.there", Verdict.UNSURE if facts.reason else Verdict.PASS, "order.paid")
    return Finding("general.there", {"there": Verdict.PASS, "gone": Verdict.FAIL}.get(said.status, Verdict.UNSURE), "order.paid")


def trade(ask: Ask = KEPT) -> Vertical:
    """Ordinary goods, of which money back before signing asks the vault."""
    offers = tuple(replace(o, asks=(ask,), rules=(there,), when=()) if o.kind is Kind.REFUND_ONLY else o for o in VERTICAL.offers)
    tells = (Tells("vault.opened", (Field("by", FieldKind.TEXT, required=True),), per_line=True),)
    return replace(VERTICAL, offers=offers, tells=tells)


@pytest.fixture
def vault(mall: Mall) -> Vault:
    """The vault, switched on; a trade that asks it; an order that is paid and not shipped."""
    vault = Vault()
    mall.registry.put("source:vault", vault)
    mall.registry.put("vertical:general", trade())
    mall.push(an_order(status="paid", lines=(a_line(vertical="general"),)))
    return vault


def claimed(mall: Mall, **body: Any) -> str:
    """A case about one piece, handed in; its id."""
    asked = {"order_id": "o1", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    return str(mall.must("POST", "/v1/cases", {**asked, "submit": True, **body})["case_id"])


def stored(mall: Mall, case_id: str) -> Any:
    """The case as it is stored."""
    return mall.store.case(case_id).case


# --- asked, kept, used up for good ------------------------------------------------------------------------------------
def test_what_is_there_is_kept_paid_and_used_up(mall: Mall, vault: Vault) -> None:
    """The whole way by itself: kept before it is judged, void after the money is out, once."""
    case_id = claimed(mall)
    assert mall.case(case_id)["state"] == "verifying"
    mall.pump()
    assert (mall.case(case_id)["ending"], vault.void, vault.kept) == ("refunded", {f"{case_id}-l1"}, {})
    assert vault.calls[:3] == ["hold", "hold", "consume"]  # kept anew right before the money is sent
    mall.wait(minutes=16)
    assert not any(x.held for x in stored(mall, case_id).lookups)
    assert [s["event"] for s in mall.must("GET", f"/v1/cases/{case_id}/timeline")["steps"]][-1] == "hold_ended"


def test_the_timeline_names_a_source_as_its_trade_does(mall: Mall, vault: Vault) -> None:
    """Nobody reads a source's technical name: the trade's own words are told, and general ones where it has none."""

    def told(case_id: str, locale: str) -> list[str]:
        steps = mall.must("GET", f"/v1/cases/{case_id}/timeline", headers={"accept-language": locale})["steps"]
        return [s["text"] for s in steps if s["event"] in ("source_asked", "source_answered", "hold_ended")]

    case_id = claimed(mall)
    mall.pump()
    mall.wait(minutes=16)
    assert told(case_id, "zh-CN") == [
        "正在向相关系统确认，并请其保留现状",
        "相关系统已答复：已收到",
        "相关系统：为本售后单保留的已扣除，不再恢复",
    ]
    assert told(case_id, "en") == [
        "Asking the system concerned, and having things kept as they are",
        "Answer from the system concerned: it has answered",
        "What was kept at the system concerned for this case is used up for good",
    ]


def test_what_is_gone_is_rejected_and_nobody_is_paid(mall: Mall, vault: Vault) -> None:
    """The vault's word decides, and what it does not keep is not voided."""
    vault.status = "gone"
    case_id = claimed(mall)
    mall.pump()
    assert mall.case(case_id)["state"] == "rejected"
    assert (vault.void, mall.case(case_id)["refunds"]) == (set(), [])


def test_what_was_paid_and_cannot_be_voided_is_a_ticket(mall: Mall, vault: Vault) -> None:
    """The vault does not let it be void: the money is out, and people read once that the thing may still be usable."""
    vault.refuses = True
    case_id = claimed(mall)
    mall.pump()
    mall.wait(minutes=16)
    (ticket,) = mall.must("GET", "/v1/merchant/tickets", role="clerk")["tickets"]
    assert (mall.case(case_id)["ending"], ticket["kind"], ticket["case_id"]) == ("refunded", "not_voided", case_id)


def test_a_source_that_keeps_nothing_is_only_asked(mall: Mall, vault: Vault) -> None:
    """Where the trade does not want it kept, nothing is held, voided or let go."""
    mall.registry.put("vertical:general", trade(replace(KEPT, holds=False)))
    case_id = claimed(mall)
    mall.pump()
    assert (mall.case(case_id)["ending"], vault.calls) == ("refunded", ["ask"])


# --- lost answers and ends ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("done", [True, False])
def test_a_hold_without_an_answer_is_asked_for_again(mall: Mall, vault: Vault, done: bool) -> None:
    """Whether it was done or not, the record comes again, and one hold is what there is."""
    vault.silent = [done]
    case_id = claimed(mall)
    with pytest.raises(Unknown):
        lookups.ask(mall.registry, case_id)
    assert stored(mall, case_id).lookups[0].held
    assert lookups.ask(mall.registry, case_id)
    mall.pump()
    assert (mall.case(case_id)["ending"], vault.void) == ("refunded", {f"{case_id}-l1"})


def test_a_case_that_ends_while_it_is_asked_lets_go(mall: Mall, vault: Vault) -> None:
    """The hold is on record before it is called: withdrawn meanwhile, what may be kept is let go, and once more later."""
    vault.silent = [True]
    case_id = claimed(mall)
    with pytest.raises(Unknown):
        lookups.ask(mall.registry, case_id)
    assert vault.kept
    mall.must("POST", f"/v1/cases/{case_id}/withdraw")
    mall.pump()
    assert (vault.kept, vault.void) == ({}, set())
    vault.kept["l1"] = f"{case_id}-l1"  # a call that was still on its way
    mall.wait(minutes=16)
    assert vault.kept == {}
    assert not any(x.held for x in stored(mall, case_id).lookups)
    calls = len(vault.calls)
    mall.wait(days=3)
    assert len(vault.calls) == calls


def test_a_rejected_case_lets_go_at_once(mall: Mall, vault: Vault) -> None:
    """A person says no to what is kept: the buyer can use it again."""
    mall.push(an_order(order_id="o2", status="shipped", lines=(a_line(vertical="general", unit_price_minor=60_000),)))
    case_id = claimed(mall, order_id="o2")
    mall.pump()
    assert (mall.case(case_id)["state"], vault.kept) == ("reviewing", {"l1": f"{case_id}-l1"})
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", {"outcome": "reject", "reason": "no"}, role="approver")
    mall.pump()
    assert (mall.case(case_id)["state"], vault.kept, vault.void) == ("rejected", {}, set())


def test_silence_approves_nothing_that_is_not_kept(mall: Mall, vault: Vault) -> None:
    """The vault never answers: a person has the case after a quarter of an hour, and 48 hours of silence pay nobody."""
    case_id = claimed(mall)
    vault.silent = [False] * 1000
    with pytest.raises(Unknown):
        lookups.ask(mall.registry, case_id)
    mall.clock.move(timedelta(minutes=16))
    sweep.sweep(mall.registry)
    assert mall.case(case_id)["state"] == "reviewing"
    mall.clock.move(timedelta(hours=49))
    assert sweep.sweep(mall.registry).failed == 1
    assert mall.case(case_id)["state"] == "reviewing"
    vault.silent = []
    sweep.sweep(mall.registry)
    mall.pump()
    assert (mall.case(case_id)["ending"], vault.void) == ("refunded", {f"{case_id}-l1"})


def test_what_somebody_else_keeps_is_put_off(mall: Mall, vault: Vault) -> None:
    """Held by another: silence puts the case off for a day, and asks again then."""
    vault.kept["l1"] = "another"
    vault.status = "strange"
    case_id = claimed(mall)
    mall.pump()
    assert mall.case(case_id)["state"] == "reviewing"
    mall.wait(hours=49)
    case = stored(mall, case_id)
    assert (case.state, case.deadline.cause) == (State.REVIEWING, "unheld")
    vault.kept.clear()
    vault.status = "there"
    mall.wait(hours=25)
    assert mall.case(case_id)["ending"] == "refunded"


# --- what is told -----------------------------------------------------------------------------------------------------
def call(mall: Mall, body: bytes = b"anna", signature: str = "good") -> http.Response:
    """The vault tells by itself."""
    request = http.Request("POST", "/v1/callbacks/vault", {"x-signature": signature}, {}, body)
    return http.callback(mall.registry, "vault", request)


def test_a_source_tells_by_itself_and_open_cases_hear_it(mall: Mall, vault: Vault) -> None:
    """Its fact is on the order, told twice once, and a case that waits for a person is judged anew by it."""
    vault.status = "strange"
    case_id = claimed(mall)
    mall.pump()
    assert mall.case(case_id)["state"] == "reviewing"
    assert (call(mall).status, call(mall).status) == (200, 200)
    assert call(mall).body == '{"ok":true}'
    mall.pump()
    assert [f.name for f in mall.store.order("m1", "o1").order.facts] == ["vault.opened"]
    assert mall.case(case_id)["state"] == "rejected"


def test_a_forged_word_changes_nothing(mall: Mall, vault: Vault) -> None:
    """A bad signature is refused before anything is read."""
    assert call(mall, signature="bad").status == 401
    assert mall.store.order("m1", "o1").order.facts == ()


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"fact": "vault.opened", "line_id": "l1", "data": {}}, "data.by"),
        ({"fact": "vault.opened", "line_id": "l1", "data": {"by": 3}}, "data.by"),
        ({"fact": "vault.opened", "line_id": "l1", "data": {"by": "x", "more": 1}}, "data.more"),
        ({"fact": "moon.rose", "data": {}}, "fact"),
    ],
)
def test_a_fact_that_no_trade_understands_is_named(mall: Mall, vault: Vault, body: dict[str, Any], where: str) -> None:
    """The mall reads which value of which fact is wrong, and nothing is stored."""
    told = {"at": mall.clock.now().isoformat(), **body}
    reply = mall.send("POST", "/v1/orders/o1/facts", told, role="integrator")
    assert (reply.status, reply.json["details"]["where"]) == (400, where)
    assert mall.store.order("m1", "o1").order.facts == ()


def test_a_fact_outlives_another_push_of_the_snapshot(mall: Mall, vault: Vault) -> None:
    """What was told since is not taken back by the snapshot, which does not know of it."""
    told = {"fact": "vault.opened", "at": mall.clock.now().isoformat(), "line_id": "l1", "data": {"by": "anna"}}
    mall.must("POST", "/v1/orders/o1/facts", told, role="integrator")
    mall.push(an_order(status="shipped", lines=(a_line(vertical="general"),)))
    assert mall.store.order("m1", "o1").order.told("vault.opened", "l1") is not None


def test_line_data_is_what_the_trade_declares(mall: Mall, vault: Vault) -> None:
    """A line of a trade that declares nothing takes none, and the place is named."""
    body = snapshot(an_order(order_id="o9", status="paid", lines=(a_line(vertical="general", data={"colour": "red"}),)))
    reply = mall.send("PUT", "/v1/orders/o9", body, role="integrator")
    assert (reply.status, reply.json["details"]["where"]) == (400, "lines.l1.data.colour")


def test_a_source_asked_is_not_an_answer() -> None:
    """What was about to be asked counts as no word of the source's."""
    asked = (Lookup("vault", "l1", ASKED, NOW, held=True),)
    facts = Facts(an_order(), a_ledger(), a_merchant(), Kind.CLAIM, (), NOW, lookups=asked)
    assert facts.lookup("vault", "l1") is None
