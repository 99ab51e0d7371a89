"""A plan: everything that one seed decides, drawn before anything runs: what is sold and asked for, what goes wrong and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from tests.property.scripts import boundary
from tests.property.scripts.side import FAULTS

CHANNELS = ("wechatpay", "alipay", "stripe", "unionpay", "balance")
#: How often each pays for something; WeChat Pay has the most ways to end.
_PAYS = (5, 3, 3, 2, 2)

#: What can happen at a boundary in the middle of somebody's work. ``dies`` ends that work there.
HAPPENINGS = ("dies", "dies", "dies", "poll", "stream", "notices", "a minute")

#: What can go wrong at each channel, by name.
FAULTS_OF = {"balance": ("lost", "lost_executed"), **{name: (*faults, "early") for name, faults in FAULTS.items()}}

#: What somebody does in one step, and how often; ``n`` of a step says to whom or how much.
_STEPS = {
    "fault": 8,  # something will go wrong at a provider
    "stream": 5,  # what was stored is followed
    "stream lost": 1,  # what was stored is never followed
    "stream again": 2,  # and again from an earlier record on
    "poll": 5,  # the schedules run, a little later
    "later": 3,  # and much later
    "clock back": 1,  # somebody sets the clock right
    "notices": 4,  # the providers tell, in any order, some of it twice
    "old notices": 2,  # what they told once comes once more
    "forged": 1,  # what must not be believed
    "together": 4,  # two workers at once, at anything
    "race": 3,  # the stream and the schedules at once, after the same refunds
    "short": 1,  # the merchant is short of money at a provider
    "topped up": 1,
    "outage": 1,  # a provider cannot be reached
    "back": 1,
    "frozen": 1,  # risk control holds a payment
    "bounces": 1,  # a buyer's bank sends the money back
    "consents": 3,  # a buyer names another account
    "releases": 1,  # the shop gives a refund up
    "retries": 2,  # the shop sends it again
    "asks again": 1,  # a client repeats its last request with the same key
}
LATER_MINUTES = (5, 30, 61, 6 * 60, 24 * 60 + 5, 50 * 60, 9 * 24 * 60)

Trouble = tuple[tuple[int | str, str], ...]


@dataclass(frozen=True)
class Sold:
    """An order: one line of so many equal pieces, and its payments (channel, minor units)."""

    price: int
    pieces: int
    payments: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Step:
    """One step; ``what`` names it. ``fault`` is (channel, name) of what goes wrong."""

    what: str
    n: int = 0
    trouble: Trouble = ()
    fault: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Plan:
    """The script of one seed. ``mended``: people see to what is left in the end. ``gated``: the channels have a gate."""

    seed: int
    orders: tuple[Sold, ...]
    steps: tuple[Step, ...]
    mended: bool
    gated: bool

    @property
    def channels(self) -> tuple[str, ...]:
        """Those that were paid through."""
        return tuple(sorted({channel for order in self.orders for channel, _ in order.payments}))

    def only(self, kept: Sequence[int]) -> Plan:
        """The same with some of its steps."""
        return replace(self, steps=tuple(self.steps[i] for i in kept))


#: The seeds take these in turn, so that nothing is left to chance alone.
_AIMS = tuple((channel, fault) for channel, faults in FAULTS_OF.items() for fault in faults)


def drawn(seed: int) -> Plan:
    """The plan of this seed, always the same. It begins with a fault, and a death, whose turn it is."""
    draw, (channel, fault), place = Random(seed), _AIMS[seed % len(_AIMS)], boundary.ALL[seed % len(boundary.ALL)]
    orders = (_sold(draw, channel), *(_sold(draw, _channel(draw)) for _ in range(draw.choice((0, 0, 1)))))
    channels = sorted({c for order in orders for c, _ in order.payments})
    steps = [_step(draw, channels) for _ in range(draw.randint(2, 9))]
    for _ in range(draw.choice((0, 0, 1, 2))):
        at, other = draw.randint(0, len(steps) // 2), draw.choice(channels)
        story = draw.random() < 0.4
        steps[at:at] = _story(draw, other, draw.choice(FAULTS_OF[other])) if story else _opening(draw, channels)
    first = [replace(step, n=2 * step.n) if step.what == "opens" else step for step in _story(draw, channel, fault)]  # of order 0
    if draw.random() < 0.5:
        first = [replace(step, trouble=((place, "dies"),)) if step.what in ("stream", "race", "poll") else step for step in first]
    return Plan(seed, orders, (*first, *steps), draw.random() < 0.6, place.startswith("gate") or draw.random() < 0.5)


def _sold(draw: Random, channel: str) -> Sold:
    """An order whose first payment, which gives back first, is made through this channel."""
    price, pieces = draw.randint(100, 2_000), draw.randint(1, 6)
    due, parts = price * pieces, draw.choice((1, 1, 2, 2, 3))
    cuts = sorted(draw.sample(range(1, due), parts - 1))
    channels = (channel, *(_channel(draw) for _ in cuts))
    return Sold(price, pieces, tuple(zip(channels, (b - a for a, b in pairwise((0, *cuts, due))), strict=True)))


def _channel(draw: Random) -> str:
    return draw.choices(CHANNELS, _PAYS)[0]


def _opening(draw: Random, channels: list[str]) -> list[Step]:
    return [*(_fault(draw, draw.choice(channels)) for _ in range(draw.choice((0, 1, 1, 2)))), _one("opens", draw)]


def _story(draw: Random, channel: str, fault: str) -> list[Step]:
    """What it takes for a fault to strike: a question needs a lost answer first, another card needs a refund that is held."""
    if fault == "abnormal" or fault.startswith("redirect"):
        held = [_named(channel, "abnormal"), Step("opens", draw.randrange(1 << 20)), _one("stream", draw), Step("poll", 2)]
        then = (_one(draw.choice(("consents", "releases", "retries")), draw), Step("poll", 1))
        if fault == "abnormal" and draw.random() < 0.6:
            return [*held, *then]
        more = [_named(channel, fault)] if fault != "abnormal" else []
        return [*held, *more, _aimed("consents", draw, channel, ("redirect",)), *then]
    lost = draw.choice(("lost", "lost_executed") if channel == "balance" else ("hang", "hang_executed"))
    before = [_named(channel, fault), *([_named(channel, lost)] if fault.startswith("query") else [])]
    told = [_aimed("notices", draw, channel, ("notice",))] if channel != "balance" and draw.random() < 0.5 else []
    calls = ("refund", "find")
    sent = "race" if draw.random() < 0.3 else "stream"
    looked = _aimed("poll", draw, channel, calls if channel != "balance" else ("find",))
    return [*before, _one("opens", draw), _aimed(sent, draw, channel, calls), *told, looked]


def _step(draw: Random, channels: list[str]) -> Step:
    what = draw.choices(tuple(_STEPS), tuple(_STEPS.values()))[0]
    if what == "fault":
        return _fault(draw, draw.choice(channels))
    return replace(_one(what, draw), fault=(draw.choice(channels), ""))


def _one(what: str, draw: Random) -> Step:
    return Step(what, draw.randrange(1 << 20), _trouble(draw))


def _aimed(what: str, draw: Random, channel: str, calls: Sequence[str]) -> Step:
    """A step in which, as a rule, the process dies at a call to that channel."""
    place = f"{channel}.{draw.choice(calls)} {draw.choice(('before', 'behind'))}"
    return Step(what, draw.randrange(1 << 20), ((place, "dies"),) if draw.random() < 0.8 else ())


def _fault(draw: Random, channel: str) -> Step:
    return _named(channel, draw.choice(FAULTS_OF[channel]))


def _named(channel: str, fault: str) -> Step:
    return Step("fault", 1, (), (channel, fault))


def _trouble(draw: Random) -> Trouble:
    """Up to two happenings: at a boundary that is named, or after so many of any kind."""
    return tuple(
        (draw.choice(boundary.ALL) if draw.random() < 0.4 else draw.randint(0, 25), draw.choice(HAPPENINGS))
        for _ in range(draw.choice((0, 0, 1, 1, 2)))
    )
