"""Decisions on a case, each made again over the API; and what is changed behind its back is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from aftersales.case import Case
from aftersales.change import Step, verify_chain
from aftersales.decision import Decision, Outcome, Word
from aftersales.query import StepsOf
from functions import replayed, ruling
from functions.reply_decision import Replay
from plugins.dynamodb_store.record import item, values
from plugins.zen_rules import build
from tests.api.test_goods import Shop
from tests.api.test_rules import HALF, RULES, judged, put, written
from tests.mall import Mall

BY_PHOTOS = written(
    {"photos": "< 2", "outcome": '"ask_evidence"', "reason": '"Another one."', "rule": '"shop.one_more"'},
    {"photos": "2", "outcome": '"reject"', "reason": '"Not like this."', "rule": '"shop.no"'},
    {"photos": "3", "outcome": '"approve"', "rule": '"shop.yes"'},
    facts=("photos", "kind"),
)


def told(mall: Mall, case_id: str, outcome: str, sub: str) -> None:
    """An approver decides."""
    said = {"outcome": outcome, "reason": "looked"}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", said, role="approver", sub=sub)


def more(mall: Mall, case_id: str) -> None:
    """Another photo is handed in and looked at."""
    mall.photo(case_id, uuid4().bytes)
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    mall.pump()


@pytest.fixture
def shop(mall: Mall) -> Mall:
    """A shop whose rules count photos."""
    mall.registry.put("tables", build({}))
    put(mall, BY_PHOTOS)
    return mall


@pytest.fixture
def case_id(shop: Mall) -> str:
    """A claim that was asked for more, refused, appealed, asked for more by bea, judged again, and allowed by cleo."""
    found = str(judged(shop)["case_id"])
    put(shop, HALF, "something else")  # the case keeps its own version
    more(shop, found)
    shop.must("POST", f"/v1/cases/{found}/appeal", {"text": "look again"})
    told(shop, found, "ask_evidence", "bea")
    more(shop, found)
    told(shop, found, "approve", "cleo")
    shop.pump()
    return found


def decisions(mall: Mall, case_id: str) -> Any:
    """What the shop's people read."""
    return mall.must("GET", f"/v1/merchant/cases/{case_id}/decisions", role="clerk")


def test_each_decision_is_read_in_order_and_gives_the_same_answer(shop: Mall, case_id: str) -> None:
    """Who decided what, by which row, on which facts, and what the rules had said where somebody decided otherwise."""
    said = decisions(shop, case_id)
    assert [(d["outcome"], d["rule"], d["by"], d["row"], d["seen"]["photos"]) for d in said["decisions"]] == [
        ("ask_evidence", "shop.one_more", "system", 1, 1),
        ("reject", "shop.no", "system", 2, 2),
        ("ask_evidence", "person", "approver:bea", 2, 2),
        ("person", "merchant.appealed", "system", 3, 3),
        ("approve", "person", "approver:cleo", 3, 3),
    ]
    assert [d["replay"] for d in said["decisions"]] == ["same"] * 5
    assert [d["ruled"] and d["ruled"]["rule"] for d in said["decisions"]] == [None, None, "shop.no", "shop.yes", "shop.yes"]
    assert {d["rules_version"] for d in said["decisions"]} == {"rules-1"}
    assert said["intact"]


def test_an_amount_by_a_row_is_reckoned_again(shop: Mall) -> None:
    """Half of what the trade said; another price in its place is noticed."""
    put(shop, HALF)
    case, steps = stored(shop, judged(shop)["case_id"])
    assert [m.replay for m in replayed.replayed(case, steps, tables(shop))] == [Replay.SAME]
    assert case.decision is not None
    for price in (0, 2_990):
        changed = replace(case, decision=replace(case.decision, priced_minor=price))
        (made,) = replayed.replayed(changed, steps, tables(shop))
        assert (made.replay, [d.what for d in made.differs]) == (Replay.DIFFERS, ["amount"])


def test_buyers_do_not_read_it(shop: Mall, case_id: str) -> None:
    """What the rules saw, a buyer's history among it, is for the shop's people; the timeline does not tell it either."""
    assert shop.send("GET", f"/v1/merchant/cases/{case_id}/decisions").status == 403
    assert "replaced" not in shop.send("GET", f"/v1/cases/{case_id}/timeline").text


# --- what was changed ---------------------------------------------------------------------------------------------------
def stored(mall: Mall, case_id: str) -> tuple[Case, tuple[Step, ...]]:
    """The case and its steps."""
    return mall.store.case(case_id).case, tuple(mall.store.find(StepsOf(case_id), None, 100).found)


def tables(mall: Mall, first: str = "rules-1") -> replayed.Tables:
    """The tables of the shop's versions, ``first`` in place of the first one."""
    return lambda name: mall.registry.rules.table("m1", ruling.number_of(first if name == "rules-1" else name))


WORD = Word(Outcome.APPROVE, "shop.yes", "ruling.approve")
CHANGES: dict[str, Callable[[Any], Any]] = {
    "row": lambda kept: replace(kept, row=kept.row % 3 + 1),
    "no row": lambda kept: replace(kept, row=0),
    "seen": lambda kept: replace(kept, seen=(kept.seen[0] % 3 + 1, *kept.seen[1:])),
    "seen of another kind": lambda kept: replace(kept, seen=("1", *kept.seen[1:])),
    "seen in part": lambda kept: replace(kept, seen=kept.seen[1:]),
    "version": lambda kept: replace(kept, rules_version="rules-2"),
    "no version": lambda kept: replace(kept, rules_version="rules-"),
    "word": lambda kept: (
        replace(kept, ruled=replace(kept.word, outcome=Outcome.REJECT))
        if isinstance(kept, Decision)
        else replace(kept, said=WORD if kept.said.rule != WORD.rule else replace(WORD, outcome=Outcome.REJECT))
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_behind_its_back_is_noticed(shop: Mall, case_id: str, change: str) -> None:
    """In the case's own decision or in a former one: its replay differs, and of steps the chain is broken, too."""
    case, steps = stored(shop, case_id)
    changed = replace(case, decision=CHANGES[change](case.decision))
    assert Replay.DIFFERS in [m.replay for m in replayed.replayed(changed, steps, tables(shop))]
    former = [number for number, step in enumerate(steps) if step.replaced is not None]
    assert len(former) == 2
    for number in former:
        forged = (*steps[:number], replace(steps[number], replaced=CHANGES[change](steps[number].replaced)), *steps[number + 1 :])
        assert Replay.DIFFERS in [m.replay for m in replayed.replayed(case, forged, tables(shop))]
        assert verify_chain(forged) == number + 1


def test_what_a_step_carries_is_stored_and_hashed_alike(shop: Mall, case_id: str) -> None:
    """As items and back the steps are the same, and their chain holds."""
    _, steps = stored(shop, case_id)
    found = values(Step, item(("c", "EVENT#000001"), steps, leave_out=("case_id",)), case_id=case_id)
    assert found == steps
    assert verify_chain(found) is None


@pytest.mark.parametrize("other", ["rules-2", "built-in-1", "rules-9"])
def test_another_table_in_its_place_is_noticed(shop: Mall, case_id: str, other: str) -> None:
    """A version that is not what it was, or is gone, gives no decision again."""
    case, steps = stored(shop, case_id)
    assert {m.replay for m in replayed.replayed(case, steps, tables(shop, other))} == {Replay.DIFFERS}


def test_what_a_case_lost_before_it_was_kept_is_said_so(shop: Mall) -> None:
    """A decision of the system's under a person's that dropped what the rules had said is not called the same."""
    case, steps = stored(shop, judged(shop)["case_id"])
    bare = Decision(Outcome.REJECT, "person", "no", (), "clerk:ann", "built-in-1")
    assert [m.replay for m in replayed.replayed(replace(case, decision=bare), steps, tables(shop))] == [Replay.NOT_KEPT]


def test_versions_do_not_touch_what_was_decided(shop: Mall, case_id: str) -> None:
    """Going back to the built-in set, and forgetting what a process knew, changes no replay."""
    before = decisions(shop, case_id)
    shop.must("POST", f"{RULES}/rollback", {"version": 0}, role="admin")
    shop.registry.rules.forget("m1")
    assert decisions(shop, case_id) == before


# --- inspections --------------------------------------------------------------------------------------------------------
TWO = written({"kind": '"return_refund"', "outcome": '"two_persons"', "rule": '"shop.two"'}, facts=("kind", "pieces"))


@pytest.fixture
def sent() -> tuple[Shop, str]:
    """Two cups on their way back, allowed by two persons as the shop's row asks."""
    shop = Shop()
    shop.registry.put("tables", build({}))
    put(shop, TWO)
    items = [{"line_id": "cups", "pieces": 2}]
    said = {"order_id": "o1", "kind": "return_refund", "reason": "faulty", "items": items}
    case_id = str(shop.must("POST", "/v1/cases", said)["case_id"])
    more(shop, case_id)
    told(shop, case_id, "approve", "bea")
    told(shop, case_id, "approve", "cleo")
    shop.must("POST", f"/v1/cases/{case_id}/shipment", {"carrier": "sf", "number": "SF1234567890123"})
    return shop, case_id


@pytest.mark.parametrize(
    "found",
    [{"accepted": False, "note": "another one"}, {"lines": [{"line_id": "cups", "missing": 2}], "note": "as the photos show"}],
    ids=["refused", "none came"],
)
def test_who_inspects_keeps_what_the_rules_had_said(sent: tuple[Shop, str], found: dict[str, Any]) -> None:
    """Version, row, facts and word stay under the refusal, which replays; and an appeal against it still needs two persons."""
    shop, case_id = sent
    assert shop.inspect(case_id, **found).status == 200
    made = decisions(shop, case_id)["decisions"]
    assert [d["by"] for d in made] == ["system", "approver:cleo", "clerk:clerk1"]
    last = made[-1]
    assert (last["outcome"], last["rules_version"], last["row"], last["replay"]) == ("reject", "rules-1", 1, "same")
    assert (last["ruled"]["rule"], last["seen"]) == ("shop.two", {"kind": "return_refund", "pieces": 2})
    shop.must("POST", f"/v1/cases/{case_id}/appeal", {"text": "they were in it"})
    told(shop, case_id, "approve", "bea")
    assert shop.case(case_id)["state"] == "second_review"


def test_what_was_counted_apart_has_no_word_of_the_rules(sent: tuple[Shop, str]) -> None:
    """The case about the piece that did not come is a person's refusal, under the version of the case that it was in."""
    shop, case_id = sent
    shop.count(case_id, {"line_id": "cups", "sound": 1, "missing": 1})
    assert [d["replay"] for d in decisions(shop, case_id)["decisions"]] == ["same", "same"]
    order = shop.registry.store.order("m1", "o1")
    assert order is not None
    (other,) = (one for one in order.cases if one != case_id)
    (made,) = decisions(shop, other)["decisions"]
    assert (made["replay"], made["rules_version"], made["ruled"], made["row"]) == ("person", "rules-1", None, 0)
