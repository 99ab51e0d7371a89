"""Used, or paid for, and never both: whoever uses it, whatever is lost, and wherever a process ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersales.errors import Unknown
from aftersales.refund import Cause
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.channel import Outcome
from aftersales.testing.entitlements import FakeEntitlements, Sold
from functions import follow, sweep
from tests.mall import Mall

ASKED = {"order_id": "v1", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}

#: Small, for one person, for two.
PRICES = (1_990, 10_000, 60_000)

#: What a channel says next: often yes, and everything else it can say.
WORDS = (*[Outcome.SUCCESS] * 4, Outcome.PROCESSING, Outcome.UNKNOWN_EXECUTED, Outcome.UNKNOWN_NOT_EXECUTED, Cause.NOT_ENOUGH,
         Cause.OVER_LIMIT)  # fmt: skip


class Killed(BaseException):
    """The process ends here."""


class Around:
    """Somebody else's moments before and after each of these calls of ``inner``."""

    def __init__(self, inner: Any, calls: tuple[str, ...], moment: Callable[[str, bool], None]) -> None:
        self._inner, self._calls, self._moment = inner, calls, moment

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._calls:
            return found

        def call(*args: Any, **named: Any) -> Any:
            self._moment(name, False)
            answer = found(*args, **named)
            self._moment(name, True)
            return answer

        return call


class World:
    """One buyer, one code, one refund; and everything that can come between."""

    def __init__(self, seed: int) -> None:
        self.chance, self.hostile = random.Random(seed), True
        self.greed, self.frailty = self.chance.choice((0.005, 0.05)), self.chance.choice((0.0, 0.03, 0.1))
        self.slow = self.chance.random() < 0.5  # people take weeks, and locks run out meanwhile
        self.mall = Mall()
        self.issuer = FakeEntitlements(self.mall.clock, lock_days=6 if self.slow else 30)
        self.issuer.sold["x"] = Sold("x")
        registry = self.mall.registry
        registry.put("source:entitlements", Around(self.issuer, ("hold", "consume", "release"), self.at_issuer))
        self.minor = self.chance.choice(PRICES)
        line = a_line(vertical="virtual", unit_price_minor=self.minor, pieces=1, data={"entitlement": "x", "goods": "code"})
        self.mall.push(an_order(order_id="v1", lines=(line,)))
        self.waiting: list[Mapping[str, Any]] = []
        self.case_id = str(self.mall.must("POST", "/v1/cases", ASKED)["case_id"])
        registry.put("store", Around(self.mall.store, ("commit",), self.at_any))
        registry.put("channel:wechatpay", Around(self.mall.channel, ("refund", "find"), self.at_any))
        self.mall.channel.script.extend(self.chance.choice(WORDS) for _ in range(4))

    # --- what comes between ------------------------------------------------------------------------------------------
    def at_any(self, _: str, after: bool) -> None:
        """Somebody uses the code; or the process ends."""
        if not self.hostile:
            return
        self.tempt()
        self.check()
        if self.chance.random() < self.frailty:
            raise Killed

    def at_issuer(self, name: str, after: bool) -> None:
        """The same; or the answer is lost, before or after it was done."""
        self.at_any(name, after)
        if self.hostile and self.chance.random() < self.frailty * 2:
            raise Unknown("No answer.")

    def tempt(self) -> None:
        """Somebody tries to use the code: seldom before it is locked, all the time while it should be."""
        early = self.state() in ("draft", "submitted", "verifying", "closed")
        if self.chance.random() < (self.greed if early else 0.5):
            self.issuer.use("x")

    def check(self) -> None:
        """What this is about."""
        paid, sold = sum(self.mall.channel.truth.values()), self.issuer.sold["x"]
        assert not (paid and sold.used), "refunded and used"
        assert paid <= self.minor

    # --- what happens -------------------------------------------------------------------------------------------------
    def survive(self, work: Callable[[], Any]) -> Any:
        """Do it in a process that may end."""
        try:
            return work()
        except Killed:
            return None

    def state(self) -> str:
        """Where the case stands."""
        return str(self.mall.store.case(self.case_id).case.state)

    def post(self, path: str, body: Any = None, role: str = "buyer", sub: str = "") -> None:
        """Somebody asks for something, and may be refused."""
        self.survive(lambda: self.mall.send("POST", path, body, role=role, sub=sub))

    def stream(self) -> None:
        """What was stored is told; a record that failed, or whose process ended, comes again."""
        fresh, self.mall.told = self.mall.store.records[self.mall.told :], len(self.mall.store.records)
        self.waiting += fresh

        def failed(record: Mapping[str, Any]) -> bool:
            return bool(self.survive(lambda: follow.follow(self.mall.registry, [record])) != [])

        self.waiting = [record for record in self.waiting if failed(record)]

    def pass_time(self, **length: float) -> None:
        """Time passes, and the schedules run."""
        self.mall.clock.move(timedelta(**length))
        self.survive(lambda: sweep.sweep(self.mall.registry))
        self.survive(lambda: sweep.poll_refunds(self.mall.registry))

    def decide(self, outcome: str) -> None:
        """One of two approvers decides."""
        body, who = {"outcome": outcome, "reason": "because"}, self.chance.choice(("approver-1", "approver-2"))
        self.post(f"/v1/merchant/cases/{self.case_id}/decision", body, "approver", who)

    def reopen(self) -> None:
        """The buyer goes on with a case that lapsed, and hands it in at once."""
        self.post(f"/v1/cases/{self.case_id}/reopen")
        self.post(f"/v1/cases/{self.case_id}/submit")

    def mend(self) -> None:
        """Somebody looks after a leg that failed: sends it again, or gives it up."""
        path = f"/v1/merchant/cases/{self.case_id}/refunds/1"
        if self.chance.random() < 0.5:
            self.post(f"{path}/retry", None, "approver")
        else:
            how = self.chance.choice(("not_owed", "not_owed", "paid_elsewhere"))
            self.post(f"{path}/release", {"how": how, "reason": "because"}, "approver")

    def settle(self) -> None:
        """The channel pays at last what it has in processing."""
        for key, receipt in list(self.mall.channel.receipts.items()):
            if receipt.status == "processing":
                self.mall.channel.conclude(key)

    def turn(self) -> None:
        """One thing happens."""
        things: list[tuple[float, Callable[[], Any]]] = [
            (8, self.stream),
            (3, lambda: self.pass_time(minutes=self.chance.randint(1, 20))),
            (2, lambda: self.pass_time(hours=self.chance.randint(1, 30))),
            (4 if self.slow else 1, lambda: self.pass_time(days=self.chance.randint(1, 4 if self.slow else 12))),
            (2, self.tempt),
            (
                0.7 if self.slow else 2,
                lambda: self.decide(self.chance.choice(("approve",) * 6 + ("reject", "ask_evidence", "ask_evidence"))),
            ),
            (1, lambda: self.post(f"/v1/cases/{self.case_id}/submit")),
            (9 if self.state() == "closed" else 1, self.reopen),
            (1, lambda: self.post(f"/v1/cases/{self.case_id}/withdraw") if self.chance.random() < 0.1 else None),
            (1, self.mend),
            (1, self.settle),
        ]
        self.chance.choices([do for _, do in things], [weight for weight, _ in things])[0]()
        self.check()

    def calm_down(self) -> None:
        """Nothing goes wrong any more, and people see to what is left, until the case is over."""
        self.hostile = False
        self.mall.channel.script.clear()
        for _ in range(60):
            self.stream()
            self.settle()
            if self.state() == "closed" and not self.waiting:
                break
            self.pass_time(minutes=7)
            for _ in range(4):
                self.decide("approve")
            self.mend()
            if self.state() in ("draft", "awaiting_evidence"):
                self.post(f"/v1/cases/{self.case_id}/submit")
            if self.state() == "draft":
                self.post(f"/v1/cases/{self.case_id}/withdraw")  # too late by now
            if self.state() in ("reviewing", "second_review", "rejected"):
                self.pass_time(days=8)
            self.check()
        for _ in range(3):
            self.stream()
            self.pass_time(hours=25)  # what failed twice rests for a day
        self.stream()


OVER: dict[str, int] = {}


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_used_or_paid_and_never_both(seed: int) -> None:
    """However uses, lost answers, ends of processes and people's turns fall, no code is refunded and used; none stays locked."""
    world = World(seed)
    world.post(f"/v1/cases/{world.case_id}/submit")
    for _ in range(world.chance.randint(5, 40)):
        world.turn()
    world.calm_down()
    world.check()
    case, sold, paid = world.mall.store.case(world.case_id).case, world.issuer.sold["x"], sum(world.mall.channel.truth.values())
    assert case.state == "closed"
    assert not (sold.lock and sold.until and sold.until > world.mall.clock.now()), "locked after its case was over"
    assert not any(kept.held for kept in case.lookups)
    if paid:
        assert (paid, sold.voided_by, sold.used) == (
            world.minor,
            f"{world.case_id}-l1" + (f"-{case.reopened}" if case.reopened else ""),
            0,
        )
    key = "paid" if paid else "used" if sold.used else "free" if not sold.voided_by else "elsewhere"
    OVER[key] = OVER.get(key, 0) + 1


def test_each_end_was_seen() -> None:
    """The rounds above ended in every way: paid and void, used, free again."""
    if OVER:  # run alone, there were none
        assert OVER.get("paid", 0) > 20, OVER
        assert OVER.get("used", 0) > 20, OVER
        assert OVER.get("free", 0) > 0, OVER
