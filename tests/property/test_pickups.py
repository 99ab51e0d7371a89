"""Pickups and labels under any script: clicks, lost answers, processes that end between two steps, notices twice and late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aftersales.pickup import BookingStatus, PickupState, Refusal
from aftersales.testing.carrier import FakeCarrier
from aftersales.testing.store import FakeStore
from functions import sweep
from tests.api.door import DOOR, Door

many = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)

ACTS = (
    "book",
    "book",
    "label",
    "move",
    "cancel",
    "withdraw",
    "ship",
    "collect",
    "give up",
    "refuse",
    "notice",
    "old notice",
    "stream",
    "wait",
)
WORDS = ("ok", "ok", "lost", "deaf", Refusal.NO_SERVICE)

#: What is done, what the carrier does about the calls that follow, and after how many further writes and calls the process ends.
ACT = st.tuples(
    st.sampled_from(ACTS), st.lists(st.sampled_from(WORDS), max_size=4), st.one_of(st.none(), st.integers(min_value=0, max_value=7))
)


class Ended(BaseException):
    """The process is gone: no ``except Exception`` hears of it."""


class Fuse:
    """Ends the process before or after the n-th write or call."""

    def __init__(self) -> None:
        self.left: int | None = None

    def burn(self) -> None:
        """One step more."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Ended


class BurningStore(FakeStore):
    """A store whose caller may end before a write and after it."""

    fuse = Fuse()

    def commit(self, change: Any) -> None:
        """Write, if the process lives that long."""
        self.fuse.burn()
        super().commit(change)
        self.fuse.burn()


class BurningCarrier(FakeCarrier):
    """A carrier whose caller may end before a call and after it. ``twice`` are keys that it was asked to book although it had."""

    fuse = Fuse()
    most = 0

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.twice: list[str] = []

    def book(self, *about: Any) -> Any:
        """See :class:`FakeCarrier`."""
        self.fuse.burn()
        self.twice += [about[0].key] if about[0].key in self.bookings else []
        try:
            return super().book(*about)
        finally:
            self.most = max(self.most, len(self.alive))
            self.fuse.burn()

    def cancel(self, *about: Any) -> None:
        """See :class:`FakeCarrier`."""
        self.fuse.burn()
        super().cancel(*about)
        self.fuse.burn()

    def move(self, *about: Any) -> Any:
        """See :class:`FakeCarrier`."""
        self.fuse.burn()
        said = super().move(*about)
        self.fuse.burn()
        return said


def act(door: Door, case_id: str, what: str) -> None:
    """One thing that somebody does, or that happens."""
    path, file = f"/v1/cases/{case_id}", door.store.case(case_id)
    now = file.pickup if file else None
    key, first = (now.key if now else f"{case_id}-pickup-1"), f"{case_id}-pickup-1"
    if what == "book":
        door.ask(case_id)
    elif what == "label":
        door.send("POST", f"{path}/pickup", {"drop_off": True, "sender": DOOR})
    elif what == "move":
        door.send("PATCH", f"{path}/pickup", {"slot": door.slot(start="14:00", end="16:00")})
    elif what == "cancel":
        door.send("DELETE", f"{path}/pickup")
    elif what == "withdraw":
        door.send("POST", f"{path}/withdraw")
    elif what == "ship":
        door.send("POST", f"{path}/shipment", {"carrier": "sf", "number": "SF1234567"})
    elif what == "collect":
        door.carrier.collect(key)
    elif what == "give up":
        door.carrier.give_up(key)
    elif what == "refuse":
        door.carrier.give_up(key, Refusal.NOT_FOUND)
    elif what in ("notice", "old notice") and door.carrier.bookings:
        door.tell(key if what == "notice" else first)
    elif what == "stream":
        door.pump()
    else:
        door.clock.move(timedelta(minutes=4))
        sweep.sweep(door.registry)


def settle(door: Door) -> None:
    """Everybody answers, nobody ends, and time passes."""
    door.carrier.script = []
    door.store.fuse.left = None
    for _ in range(12):
        door.later(7)
    door.later(361)


@many
@given(st.booleans(), st.lists(ACT, min_size=1, max_size=12))
def test_one_courier_comes_at_most_and_the_record_is_right(moves: bool, script: list[tuple[str, list[str], int | None]]) -> None:
    """Whatever happens in whatever order: one booking stands at most, none once nothing is to be collected, and we know which."""
    carrier, store = BurningCarrier(moves=moves, labels=True), BurningStore()
    carrier.fuse = store.fuse = Fuse()
    door = Door(carrier, store)
    case_id = door.back()
    for what, words, lives in script:
        carrier.script, store.fuse.left = list(words), lives
        try:
            act(door, case_id, what)
            door.pump()
        except Ended:
            pass
        store.fuse.left = None
        assert len(carrier.alive) <= 1
    settle(door)
    assert (carrier.most <= 1, carrier.twice) == (True, [])  # not even a carrier that knows no keys would come twice
    file = store.case(case_id)
    assert file is not None
    assert file.parcel is not None
    pickup, parcel = file.pickup, file.parcel
    if pickup is None:
        assert carrier.bookings == {}
        return
    said = carrier.bookings.get(pickup.key)
    assert carrier.alive == ([pickup.key] if pickup.state is PickupState.BOOKED else [])
    if pickup.state is PickupState.BOOKED:
        assert (file.case.state, parcel.state) == ("approved", "awaiting_shipment")
        assert carrier.slots[pickup.key] == (None if pickup.drop_off else pickup.slot)
    else:
        assert not pickup.alive
        assert pickup.sender is None
    if said is not None:
        assert (said.status is BookingStatus.COLLECTED) == (pickup.state is PickupState.COLLECTED)
    if said is not None and pickup.state is PickupState.COLLECTED and parcel.carrier == "swift":
        assert parcel.number == said.number
