"""Every decision that was ever made on a case can be made again from what is stored, whatever happened to the case since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import Phase, given, settings

from aftersales.change import Step, verify_chain
from aftersales.decision import Finding, Source, Verdict
from aftersales.query import StepsOf
from functions import replayed, ruling
from functions.reply_decision import Replay
from plugins.zen_rules import build
from tests.api.test_goods import Shop
from tests.property.ruling.drawn import drawn_table
from tests.property.test_ruling import seeds

ENGINE = build({})
PEOPLE = (("clerk", "ann"), ("approver", "bea"), ("approver", "cleo"))


class Story:
    """A shop that sells cups and pots, and what people do with the cases about them, by chance."""

    def __init__(self, seed: int) -> None:
        self.rng, self.shop, self.cases = Random(seed), Shop(), list[str]()
        self.shop.registry.put("tables", ENGINE)

    def goes_on(self, acts: int) -> None:
        """So many things happen; what the state of a case does not allow is refused and changes nothing."""
        for _ in range(acts):
            often = (*[self.decides] * 4, *[self.shows_more] * 3, *[self.ships] * 2)
            self.rng.choice((self.opens, self.rules, self.looks, self.appeals, *often))()
            self.shop.pump()
            if self.rng.random() < 0.1:
                self.shop.wait(hours=self.rng.choice((1, 30, 80)))

    def opens(self) -> None:
        """A case about some pieces."""
        kind, line = self.rng.choice((("return_refund", "cups"), ("return_refund", "pots"), ("refund_only", "cups")))
        items = [{"line_id": line, "pieces": self.rng.randint(1, 2)}]
        said = {"order_id": "o1", "kind": kind, "reason": "faulty", "items": items}
        reply = self.shop.send("POST", "/v1/cases", said)
        if reply.status < 300:
            self.cases.append(reply.json["case_id"])
            self.shows_more(reply.json["case_id"])

    def rules(self) -> None:
        """Another version of the shop's rules; or back to those that every shop starts with."""
        if self.rng.random() < 0.3:
            self.shop.send("POST", "/v1/merchant/rules/rollback", {"version": 0}, role="admin")
            return
        text, _ = drawn_table(self.rng)
        self.shop.must("PUT", "/v1/merchant/rules", {"table": json.loads(text), "note": "by chance"}, role="admin")

    def looks(self) -> None:
        """From now on photos show something else."""
        verdict = self.rng.choice(tuple(Verdict))
        self.shop.photos.findings = (Finding("vision.spoilage", verdict, f"vision.{verdict}", Source.MODEL, 0.9, (("sum", 0.4),)),)

    def shows_more(self, case_id: str = "") -> None:
        """Another photo, handed in."""
        if case := case_id or self.one():
            if self.shop.send("POST", f"/v1/cases/{case}/evidence", {"bytes": 9}).status < 300:
                self.shop.photo(case, self.rng.randbytes(8))
            self.shop.send("POST", f"/v1/cases/{case}/submit")

    def decides(self) -> None:
        """A person says yes or no, asks for evidence, or offers less, which the buyer takes or not."""
        if not (case := self.one()):
            return
        (role, sub), path = self.rng.choice(PEOPLE), f"/v1/merchant/cases/{case}"
        outcome = self.rng.choice(("approve", "reject", "ask_evidence", "ask_evidence", "counter"))
        if outcome == "counter":
            self.shop.send("POST", f"{path}/counter", {"amount_minor": 100, "reason": "less"}, role=role, sub=sub)
            self.shop.send("POST", f"/v1/cases/{case}/counter-answer", {"accept": self.rng.random() < 0.3})
        else:
            self.shop.send("POST", f"{path}/decision", {"outcome": outcome, "reason": "looked"}, role=role, sub=sub)

    def appeals(self) -> None:
        """The buyer wants somebody else to look."""
        if case := self.one():
            self.shop.send("POST", f"/v1/cases/{case}/appeal", {"text": "no"})

    def ships(self) -> None:
        """The goods come back; the shop takes them, refuses them, or counts some of them."""
        if not (case := self.one()):
            return
        number = f"SF{self.rng.randrange(10**12):013}"
        self.shop.send("POST", f"/v1/cases/{case}/shipment", {"carrier": "sf", "number": number})
        said: dict[str, Any] = {"accepted": False, "note": "another one"}
        if self.rng.random() < 0.7:
            (item,) = self.shop.case(case)["items"]
            came = self.rng.randint(0, item["pieces"])
            count = {"line_id": item["line_id"], "sound": came, "missing": item["pieces"] - came}
            said = {"lines": [count], "note": "as the photos show"}
        self.shop.send("POST", f"/v1/merchant/cases/{case}/inspection", said, role="clerk")

    def one(self) -> str:
        """One of the cases, the ones that others became among them."""
        known = self.known()
        return self.rng.choice(known) if known else ""

    def known(self) -> tuple[str, ...]:
        """Every case about the order."""
        order = self.shop.registry.store.order("m1", "o1")
        assert order is not None
        return order.cases

    def told(self) -> Iterator[tuple[Any, tuple[Step, ...]]]:
        """Each case with its steps, as the store gives them."""
        for case_id in self.known():
            steps = self.shop.store.find(StepsOf(case_id), None, 500).found
            yield self.shop.store.case(case_id).case, tuple(steps)

    def table(self, version: str) -> Any:
        """The table of a version."""
        return self.shop.registry.rules.table("m1", ruling.number_of(version))


@settings(deadline=None, max_examples=40, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seeds)
def test_every_past_decision_gives_the_same_answer(seed):
    """Judged anew, overruled, appealed, countered, counted in part, under versions that came between: each replays."""
    story = Story(seed)
    story.opens()
    story.goes_on(30)
    for case, steps in story.told():
        made = list(replayed.replayed(case, steps, story.table))
        assert {one.replay for one in made} <= {Replay.SAME, Replay.PERSON}, [(m.step.event, m.differs) for m in made]
        assert all(one.replay is Replay.SAME for one in made if one.step.by == "system")
        assert [m.past.rules_version for m in made if m.past.said] == [m.step.data["rules_version"] for m in made if m.past.said]
        assert verify_chain(steps) is None
