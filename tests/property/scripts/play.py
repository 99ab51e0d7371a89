"""Playing a plan, step by step, and judging after each; then everybody is well again, and it has to come out right."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from aftersales.refund import LATER, Refund, RefundState
from tests.property.scripts.boundary import Died
from tests.property.scripts.channel import Channels
from tests.property.scripts.judge import Judge
from tests.property.scripts.people import People
from tests.property.scripts.plan import LATER_MINUTES, Plan, Step, Trouble
from tests.property.scripts.postman import Postman
from tests.property.scripts.side import SHORT_MINOR
from tests.property.scripts.tally import Tally
from tests.property.scripts.world import World, Wrong

S = RefundState
#: After everybody is well again: how often the schedules may have to run, and how often people see to what is left.
RUNS, ROUNDS = 90, 6

#: Gives the world of a plan.
Makes = Callable[[Plan, Channels, Tally], World]


class Play:
    """One plan being played."""

    def __init__(self, world: World) -> None:
        self.world, self.plan = world, world.plan
        self.judge, self.people, self.postman = Judge(world), People(world), Postman(world)
        people, postman = self.people, self.postman
        self._does: dict[str, Callable[[Step], None]] = {
            "opens": lambda step: self._under(step.trouble, partial(people.open, step.n)),
            "fault": self._fault,
            "stream": lambda step: self._under(step.trouble, world.follow),
            "stream lost": lambda step: world.lose_stream(),
            "stream again": self._stream_again,
            "poll": lambda step: self._later(step, 1 + step.n % 3),
            "later": lambda step: self._later(step, LATER_MINUTES[step.n % len(LATER_MINUTES)]),
            "clock back": self._clock_back,
            "notices": lambda step: self._under(step.trouble, partial(postman.deliver, Random(step.n))),
            "old notices": lambda step: self._under(step.trouble, partial(postman.deliver_old, step.n)),
            "forged": lambda step: postman.forge(),
            "together": self._together,
            "race": self._race,
            "short": lambda step: self._fund(step, SHORT_MINOR),
            "topped up": lambda step: self._fund(step, None),
            "outage": self._outage,
            "back": lambda step: world.down.discard(step.fault[0]),
            "frozen": self._frozen,
            "bounces": self._bounces,
            "consents": lambda step: self._sees_to(step, people.consent),
            "releases": lambda step: self._sees_to(step, people.release),
            "retries": lambda step: self._sees_to(step, people.retry),
            "asks again": lambda step: self._under(step.trouble, partial(people.send_again, step.n)),
        }

    def run(self) -> None:
        """All of it. Raises Wrong when money is."""
        for step in self.plan.steps:
            self._does[step.what](step)
            self.judge.holds()
        self._recover()
        self.judge.ends()
        self._again_changes_nothing()
        self.world.tally.scripts += 1

    # --- trouble ------------------------------------------------------------------------------------------------------
    def _under(self, trouble: Trouble, work: Callable[[], Any]) -> None:
        """Do ``work``, as far as its process lives."""
        happens: dict[str, Callable[[], Any]] = {
            "poll": self.world.schedules,
            "stream": self.world.follow,
            "notices": partial(self.postman.deliver, Random(len(trouble))),
            "a minute": lambda: self.world.pass_time(timedelta(minutes=1)),
        }
        expected = [(where, None if what == "dies" else partial(self._meanwhile, what, happens[what])) for where, what in trouble]
        self.world.boundaries.expect(expected)
        try:
            work()
        except Died:
            return
        finally:
            self.world.boundaries.expect([])

    def _meanwhile(self, what: str, work: Callable[[], Any]) -> None:
        """Somebody else's work in the middle of ours: their death is not ours."""
        self.world.happened(f"in the middle: {what}")
        try:
            work()
        except Died:
            return
        except Wrong as wrong:
            self.world.wrongs.append(wrong)

    # --- steps --------------------------------------------------------------------------------------------------------
    def _fault(self, step: Step) -> None:
        channel, name = step.fault
        if channel == "balance":
            self.world.wallet.append(name)
        elif name == "early":
            self.world.early.append(channel)
        else:
            self.world.sides[channel].go_wrong(name)

    def _stream_again(self, step: Step) -> None:
        self.world.happened("stream again")
        self._under(step.trouble, partial(self.world.replay, step.n))

    def _later(self, step: Step, minutes: int) -> None:
        self.world.pass_time(timedelta(minutes=minutes))
        self._under(step.trouble, self.world.schedules)

    def _clock_back(self, step: Step) -> None:
        self.world.happened("clock back")
        self.world.clock.move(timedelta(seconds=-(1 + step.n % 90)))

    def _together(self, step: Step) -> None:
        """Two workers at once."""
        draw = Random(step.n)
        works: list[Callable[[], Any]] = [
            self.world.follow,
            self.world.schedules,
            self.world.replay,
            partial(self.postman.deliver, Random(step.n)),
            partial(self.people.somebody, step.n),
        ]
        if step.n % 2:
            self.world.pass_time(timedelta(minutes=1))
        self.world.happened("together")
        self._under(step.trouble, lambda: self.world.boundaries.together(draw.sample(works, 2), draw))

    def _race(self, step: Step) -> None:
        """The stream and the schedules at once, a minute after what they are both after was stored."""
        self.world.pass_time(timedelta(minutes=1))
        self.world.happened("race")
        works = [self.world.follow, self.world.schedules]
        self._under(step.trouble, lambda: self.world.boundaries.together(works, Random(step.n)))

    def _fund(self, step: Step, minor: int | None) -> None:
        if step.fault[0] in self.world.sides:
            self.world.happened("topped up" if minor is None else "short")
            self.world.sides[step.fault[0]].fund(minor)

    def _outage(self, step: Step) -> None:
        if step.fault[0] in self.world.sides:
            self.world.happened("outage")
            self.world.down.add(step.fault[0])

    def _frozen(self, step: Step) -> None:
        numbers = [(p.channel, number) for number, p in self.world.payments().items() if p.channel in self.world.sides]
        if numbers:
            channel, number = numbers[step.n % len(numbers)]
            self.world.happened("frozen", int(self.world.sides[channel].freeze(number)))

    def _bounces(self, _step: Step) -> None:
        bounced = (side.bounce(key) for side in self.world.sides.values() for key in side.notices())
        self.world.happened("bounce", int(any(bounced)))

    def _sees_to(self, step: Step, does: Callable[[Refund, Random], None]) -> None:
        failed, draw = self.people.failed(), Random(step.n)
        if failed:
            self._under(step.trouble, lambda: does(draw.choice(failed), draw))

    # --- in the end ---------------------------------------------------------------------------------------------------
    def _recover(self) -> None:
        """The providers are well and tell what they know; the schedules run until nothing waits; people see to the rest."""
        self.world.heal()
        draw, people = Random(self.plan.seed), self.people
        for _ in range(ROUNDS):
            self._until_quiet()
            failed = people.failed() if self.plan.mended else []
            if not failed:
                return
            for leg in failed:
                draw.choice((people.consent, people.retry, people.retry, people.release))(leg, draw)
                self.judge.holds()
        self._until_quiet()

    def _until_quiet(self) -> None:
        for _ in range(RUNS):
            due = [leg.deadline.due_at or self.world.clock.now() for leg in self.world.legs() if leg.deadline and _waits(leg)]
            if due:
                self.world.pass_time(max(min(due) - self.world.clock.now(), timedelta(seconds=1)))
                self.world.schedules()
                self.judge.holds()
                continue
            before = len(self.world.store.records)
            self.world.pass_time(timedelta(hours=2))  # whatever the providers have still to do
            self.postman.deliver(Random(0))
            if len(self.world.store.records) == before:
                return
        waiting = [(leg.key, str(leg.state), str(leg.cause)) for leg in self.world.legs() if _waits(leg)]
        raise Wrong(f"after {RUNS} runs of the schedules these still wait: {waiting}")

    def _again_changes_nothing(self) -> None:
        before = len(self.world.store.records), self.world.moved()
        self.world.replay()
        self.postman.deliver(Random(1))
        if (len(self.world.store.records), self.world.moved()) != before:
            raise Wrong("the same records and notices once more changed something")


def _waits(leg: Refund) -> bool:
    """Whether the schedules, and nobody else, bring it on."""
    return leg.state in (S.RESERVED, S.SENT, S.PROCESSING) or (leg.state is S.FAILED and leg.cause in LATER)


@contextmanager
def same_names(seed: int) -> Iterator[None]:
    """Names and pauses that are drawn are the same each time: the order of sweeps follows from them."""
    usual, state = uuid.os.urandom, random.getstate()  # type: ignore[attr-defined]
    uuid.os.urandom = Random(seed).randbytes  # type: ignore[attr-defined]
    random.seed(seed)
    try:
        yield
    finally:
        uuid.os.urandom = usual  # type: ignore[attr-defined]
        random.setstate(state)


@contextmanager
def own_time(world: World) -> Iterator[None]:
    """Nobody really sleeps."""
    usual = time.sleep
    time.sleep = world.sleep  # type: ignore[assignment]  # the names of its parameters differ
    try:
        yield
    finally:
        time.sleep = usual


def play(plan: Plan, channels: Channels, tally: Tally, makes: Makes = World) -> World:
    """Play one plan and give its world, for a look at it. Raises Wrong, or whatever breaks."""
    with same_names(plan.seed):
        world = makes(plan, channels, tally)
        channels.join(world)
        try:
            with own_time(world):
                Play(world).run()
        finally:
            channels.leave()
            world.close()
    return world
