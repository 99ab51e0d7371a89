"""The postman: notices in any order, twice, long after, and such as nobody may believe."""

from __future__ import annotations

from random import Random

from infra.local.sandbox.fault import Kind
from tests.property.scripts.side import Message
from tests.property.scripts.world import World, Wrong

#: How a notice can be spoilt so that nobody may believe it.
SPOILT = (Kind.BAD_SIGNATURE, Kind.UNSIGNED)


class Postman:
    """Of one world. What was delivered is kept, to come again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._heard: list[tuple[str, Message]] = []

    def deliver(self, draw: Random) -> None:
        """What the providers have to say, in any order, some of it twice."""
        told = [(name, side.notice_of(key)) for name, side in self.world.sides.items() for key in side.notices()]
        twice = [each for each in told if draw.random() < 0.3]
        self.world.happened("notice twice", len(twice))
        self._heard += told
        told += twice
        draw.shuffle(told)
        for name, message in told:
            self.world.notice(name, message)

    def deliver_old(self, n: int) -> None:
        """Notices of earlier once more, whatever has become of the refunds since."""
        old = Random(n).sample(self._heard, min(3, len(self._heard)))
        self.world.happened("notice old", len(old))
        for name, message in old:
            self.world.notice(name, message)

    def forge(self) -> None:
        """What nobody signed is refused; what is signed and not about ours changes nothing; another amount moves nothing."""
        before = len(self.world.store.records), self.world.moved()
        firsts = [(name, side, key) for name, side in self.world.sides.items() for key in side.notices()[:1]]
        for name, side, key in firsts:
            for kind in SPOILT:
                status = self.world.notice(name, side.notice_of(key, fault=kind))
                self.world.happened("notice forged")
                if not 400 <= status < 500:
                    raise Wrong(f"a forged notice of {name} is answered {status}")
            for message in side.foreign(key):
                self.world.notice(name, message)
                self.world.happened("notice foreign")
        if (len(self.world.store.records), self.world.moved()) != before:
            raise Wrong("a forged notice was believed")
        for name, side, key in firsts:
            self.world.notice(name, side.notice_of(key, 1))
            self.world.happened("notice of another amount")
