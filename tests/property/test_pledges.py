"""However answers, crashes, lost replies and schedules fall: each late case has its points once, and no other has any."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from aftersales.case import UNANSWERED, Event
from aftersales.query import StepsOf
from aftersales.registry import Registry
from functions import sweep
from tests.api.test_pledges import Shop
from tests.mall import STAGE
from tests.property.trouble import Crash, Fragile, Fuse, crash

few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)

HOURS = {"diamond": 1, "gold": 24, "silver": 0}
PICK = st.integers(0, 9)
#: After so many boundaries of calls to store and membership system the process dies, or another sweep runs in between.
TROUBLE = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["dies", "other"])), max_size=3)
ASKS = st.tuples(st.just("asks"), st.sampled_from(list(HOURS)), st.sampled_from([20_000, 80_000]))
DECIDES = st.tuples(st.just("decides"), PICK, st.sampled_from(["approve", "reject", "ask_evidence", "withdraw"]))
LOSES = st.tuples(st.just("loses"), st.integers(1, 3), st.booleans())
#: None: the schedule does not run.
WAITS = st.tuples(st.just("waits"), st.sampled_from([1, 29, 59, 60, 61, 24 * 60 - 1, 24 * 60]), st.none() | TROUBLE | TROUBLE)


class World:
    """A shop between whose calls to its store and its membership system the process may die, or another one be at work."""

    def __init__(self) -> None:
        self.fuse, self.shop, self.asked = Fuse(), Shop(), dict[str, str]()
        self.other = Registry(STAGE)
        for name in ("store", "clock", "queue", "files", "points", "merchant:m1", "stream", "channel:wechatpay"):
            self.other.put(name, self.shop.registry._built[name])
        for name, inner in (("store", self.shop.store), ("points", self.shop.points)):
            self.shop.registry.put(name, Fragile(inner, self.fuse))

    def do(self, act: tuple[Any, ...]) -> None:
        """One thing that somebody does, or that happens."""
        name, *how = act
        if name == "asks" and len(self.asked) < 4:
            case = self.shop.asks(how[0], f"p{len(self.asked)}", how[1])
            self.asked[case["case_id"]] = how[0]
        elif name == "loses":
            self.shop.points.script += [how[1]] * how[0]
        elif name == "waits":
            self.shop.clock.move(timedelta(minutes=how[0]))
            if how[1] is not None:
                self._swept(how[1])
        elif name == "decides" and self.asked:
            case_id = list(self.asked)[how[0] % len(self.asked)]
            if how[1] == "withdraw":
                self.shop.send("POST", f"/v1/cases/{case_id}/withdraw")
            else:
                path, body = f"/v1/merchant/cases/{case_id}/decision", {"outcome": how[1], "reason": "why"}
                self.shop.send("POST", path, body, role="approver", sub=f"a{how[0] % 3}")

    def _swept(self, trouble: list[tuple[int, str]]) -> None:
        """The schedule runs, once, under trouble."""
        self.fuse.light([(notches, crash if what == "dies" else self._other) for notches, what in trouble])
        try:
            sweep.sweep(self.shop.registry)
        except Crash:
            event("a process died")
        finally:
            self.fuse.put_out()

    def _other(self) -> None:
        """Another process looks after the same cases at the same time."""
        sweep.sweep(self.other)

    # --- what has to be true ------------------------------------------------------------------------------------------
    def late(self, case_id: str, now: datetime) -> bool:
        """Whether the buyer had no answer by the promised instant, told from what happened alone."""
        steps = self.shop.store.find(StepsOf(case_id), None, 100).found
        asked = next(s.at for s in steps if s.event is Event.SUBMITTED)
        answers = (s.at for s in steps if s.at >= asked and s.before in UNANSWERED and s.after not in UNANSWERED)
        hours = HOURS[self.asked[case_id]]
        return bool(hours) and next(answers, now) >= asked + timedelta(hours=hours)

    def check(self) -> None:
        """At any moment: what was given was owed before, on record, by a case that is late."""
        for key in self.shop.points.gifts:
            case_id = key.removesuffix("/late")
            assert self.late(case_id, self.shop.clock.now())
            assert self.shop.pledge({"case_id": case_id}).late_at is not None

    def check_end(self) -> None:
        """Once every answer arrives and time has passed: points for the late ones alone, told once, given once."""
        self.shop.points.script.clear()
        for _ in range(4):
            self.shop.clock.move(timedelta(minutes=61))
            sweep.sweep(self.shop.registry)
        late = [case_id for case_id in self.asked if self.late(case_id, self.shop.clock.now())]
        assert {key: gift[2] for key, gift in self.shop.points.gifts.items()} == {f"{case_id}/late": 20 for case_id in late}
        for case_id in self.asked:
            assert self.shop.events({"case_id": case_id}) == (["answer_late", "points_given"] if case_id in late else [])
        event(f"{len(late)} of {len(self.asked)} late")


@given(st.lists(ASKS, min_size=1, max_size=3), st.lists(ASKS | DECIDES | DECIDES | LOSES | WAITS | WAITS | WAITS, max_size=10))
@few
def test_points_are_given_once_for_each_late_case(asks: list[Any], acts: list[Any]) -> None:
    """Points are given once per late case, none for one that was answered in time, whatever dies or happens twice meanwhile."""
    world = World()
    for act in (*asks, *acts):
        world.do(act)
        world.check()
    world.check_end()
