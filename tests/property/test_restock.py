"""However parcels are counted, repeated, crashed through and appealed: stock is told what was accepted, money is paid once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from aftersales.case import Ending, Item, State
from aftersales.goods import Count, Disposition, all_of, lack_of, parted, restock, split
from aftersales.ledger import Ledger
from aftersales.order import Payment
from aftersales.parcel import PARCEL_TERMINAL, ParcelState
from aftersales.testing.builders import NOW, an_order
from aftersales.testing.channel import FakeChannel
from aftersales.testing.store import FakeStore
from tests.api.test_goods import CUPS, POTS, Shop
from tests.property.trouble import Crash, Fragile, Fuse, crash

few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)

FATES = ("sound", "flawed", "quarantine", "scrap", "missing", "wrong")
SKUS = {"cups": "CUP", "pots": "POT"}
PAID = 19_999
ITEMS = (Item("cups", 3), Item("pots", 2))
PICK = st.integers(0, 9)
#: After how many calls to the outside the process dies; mostly it does not.
DIES = st.none() | st.none() | st.integers(0, 24)
SENDS = st.tuples(st.just("sends"), st.integers(0, 3), st.integers(0, 2))
COUNTS = st.tuples(st.just("counts"), PICK, st.lists(st.sampled_from(FATES), min_size=5, max_size=5), DIES)
ACCEPTS = st.tuples(st.just("accepts"), PICK, st.sampled_from(list(Disposition)), DIES)
REFUSES = st.tuples(st.just("refuses"), PICK, DIES)
REPEATS = st.tuples(st.just("repeats"), DIES)
APPEALS = st.tuples(st.just("appeals"), PICK)
DECIDES = st.tuples(st.just("decides"), PICK, st.sampled_from(["approve", "reject"]), DIES)
LOSES = st.tuples(st.just("loses"), st.integers(1, 3), st.booleans())
WAITS = st.tuples(st.just("waits"), st.sampled_from([1, 2, 60, 24 * 60]), DIES)
SLEEPS = st.tuples(st.just("waits"), st.just(11 * 24 * 60), DIES)
#: What follows one another as a rule; and anything else in between.
STORY = st.tuples(SENDS, LOSES | WAITS, COUNTS | ACCEPTS | REFUSES | SLEEPS, REPEATS | WAITS, APPEALS, DECIDES, REPEATS | WAITS)
ELSE = SENDS | LOSES | COUNTS | ACCEPTS | REPEATS | APPEALS | DECIDES | WAITS | SLEEPS


class World:
    """The shop of the API's tests on a store, a channel and a warehouse between whose calls the process may die."""

    def __init__(self) -> None:
        self.fuse, self.inner, self.money = Fuse(), FakeStore(due_shards=1), FakeChannel()
        inside = {"store": Fragile(self.inner, self.fuse), "channel": Fragile(self.money, self.fuse)}
        self.shop, self.key = Shop(inside=inside), ""
        self.shop.registry.put("source:stock", Fragile(self.shop.stock, self.fuse))
        self.last: tuple[str, dict[str, Any], str] | None = None

    def do(self, act: tuple[Any, ...]) -> None:
        """One thing that somebody does, or that happens."""
        name, *how = act
        if name == "sends":
            self._send(*how)
        elif name == "loses":
            self.shop.stock.script += [("put_back", how[1])] * how[0]
        elif name == "waits":
            self.under(how[1], lambda: self.shop.wait(minutes=how[0]))
        elif name == "repeats" and self.last:
            self.post(*self.last, dies=how[0])
        elif name != "repeats" and (ready := self._ready(name, how[0])):
            self._ask(name, ready[how[0] % len(ready)], how[1:])

    def _ready(self, name: str, n: int) -> list[str]:
        """The cases at which this can be done; now and then all of them, to be refused."""
        known = sorted(self.inner.order("m1", "o1").cases)  # type: ignore[union-attr]
        files = [file for case_id in known if (file := self.inner.case(case_id))]
        if n == 9:
            return known
        if name == "appeals":
            return [f.case.case_id for f in files if f.case.state is State.REJECTED]
        if name == "decides":
            return [f.case.case_id for f in files if f.case.state is State.SECOND_REVIEW]
        return [f.case.case_id for f in files if f.parcel and f.parcel.state not in PARCEL_TERMINAL]

    def _ask(self, name: str, case_id: str, how: list[Any]) -> None:
        case = self.inner.case(case_id).case  # type: ignore[union-attr]
        if name == "appeals":
            self.post(f"cases/{case_id}/appeal", {"text": "all of it was sent"}, "")
        elif name == "decides":
            self.post(f"merchant/cases/{case_id}/decision", {"outcome": how[0], "reason": "seen"}, "approver", dies=how[1])
        elif name == "counts":
            fates = iter(how[0])
            lines = [{"line_id": i.line_id, **Counter(next(fates) for _ in range(i.pieces))} for i in case.items]
            self.post(f"merchant/cases/{case_id}/inspection", {"lines": lines, "note": "counted"}, "clerk", dies=how[1])
        else:
            body = {"accepted": True, "disposition": how[0]} if name == "accepts" else {"accepted": False, "note": "used"}
            self.post(f"merchant/cases/{case_id}/inspection", body, "clerk", dies=how[-1])

    def _send(self, cups: int, pots: int) -> None:
        free = {line: self.shop.free(line) for line in SKUS}
        items = [(line, min(n, free[line])) for line, n in (("cups", cups), ("pots", pots)) if min(n, free[line])]
        left = self.shop.clock.now() - NOW < timedelta(days=5)  # the trade takes returns for a week
        if items and left:
            number = f"SF{1234567890000 + len(self.inner.order('m1', 'o1').cases)}"  # type: ignore[union-attr]
            self.shop.sent(*items, number=number)

    def post(self, path: str, body: dict[str, Any], role: str, *, dies: int | None = None) -> None:
        """One POST; the very same again is a repeat, with the same key."""
        again = (path, body, role) == self.last
        key = self.key if again else f"key-{len(self.inner.records):06}"
        self.last, self.key = (path, body, role), key
        who: dict[str, Any] = {"role": role, "sub": "bea" if role == "approver" else "ann"} if role else {}
        reply = self.under(dies, lambda: self.shop.send("POST", f"/v1/{path}", body, key=key, **who))
        assert reply is None or reply.status < 500, reply.text

    def under(self, dies: int | None, work: Any) -> Any:
        """The result of the work, None where the process died in it."""
        self.fuse.light([] if dies is None else [(dies, crash)])
        try:
            return work()
        except Crash:
            event("a process died")
            return None
        finally:
            self.fuse.put_out()

    # --- what has to be true ------------------------------------------------------------------------------------------
    def accepted(self) -> Counter[tuple[str, str]]:
        """Pieces by sku and disposition, of all parcels that were accepted."""
        found: Counter[tuple[str, str]] = Counter()
        for case_id in self.inner.order("m1", "o1").cases:  # type: ignore[union-attr]
            file = self.inner.case(case_id)
            if file and file.parcel and file.parcel.state is ParcelState.ACCEPTED:
                for count in file.parcel.counts:
                    found.update({(SKUS[count.line_id], str(to)): count.of(to) for to in Disposition})
        return +found

    def told(self) -> Counter[tuple[str, str]]:
        """Pieces by sku and disposition, as the warehouse has them."""
        return Counter({(sku, to): n for sku in SKUS.values() for to, n in self.shop.stock.back(sku).items()})

    def check(self) -> None:
        """At any moment."""
        ledger = self.inner.order("m1", "o1").ledger  # type: ignore[union-attr]
        assert sum(self.money.truth.values()) <= ledger.spent.minor <= PAID
        assert not self.told() - self.accepted(), "stock is told of nothing that was not accepted"
        for line in ledger.lines:
            held = [n for h in ledger.holds if h.line_id == line.line_id for start, stop in h.units for n in range(start, stop)]
            free = [n for start, stop in ledger.free_units(line.line_id) for n in range(start, stop)]
            assert len(held + free) == len({*held, *free}) == line.pieces, "a piece is in one place"
        for sku in SKUS.values():
            assert self.shop.stock.shelves[sku].free == 10 + self.told()[sku, "sound"]

    def check_end(self) -> None:
        """Once everybody has answered and time has passed."""
        assert self.told() == self.accepted()
        order = self.inner.order("m1", "o1")
        assert order
        worth = sum(sum(order.ledger.worth(x.line_id, order.ledger.free_units(x.line_id))) for x in order.ledger.lines)
        sent = sum(self.money.truth.values())
        for case_id in order.cases:
            file = self.inner.case(case_id)
            assert file
            if file.parcel and file.parcel.apart:
                event("some came")
                assert self.inner.case(file.parcel.apart.case_id), "what did not come is a case of its own"
            if file.parcel and file.parcel.state is ParcelState.ACCEPTED:
                assert file.parcel.deadline is None
            if file.case.state is State.SECOND_REVIEW:
                worth += sum(order.ledger.held_value(case_id))
            elif file.case.ending is Ending.REFUNDED:
                event("an appeal was won" if file.case.appealed else "refunded")
                given = sum(e.minor for e in order.ledger.open_entries() if e.case_id == case_id)
                assert given == sum(order.ledger.held_value(case_id)) == file.case.amount.minor
        assert sent + worth == PAID, "what was not sent is still there to be asked for"


@few
@given(stories=st.lists(STORY, min_size=1, max_size=4), others=st.lists(st.tuples(st.integers(0, 24), ELSE), max_size=8))
def test_stock_is_told_what_was_accepted_and_money_is_paid_once(
    stories: list[tuple[Any, ...]], others: list[tuple[int, tuple[Any, ...]]]
) -> None:
    """Whatever order things happen in: told is accepted, sent is at most paid, no piece is in two places, and none is lost."""
    acts = [act for story in stories for act in story]
    for where, act in others:
        acts.insert(where, act)
    world = World()
    for act in acts:
        world.do(act)
        world.check()
    world.shop.stock.script.clear()
    for _ in range(45):
        world.shop.wait(days=1)
    world.check()
    world.check_end()


# --- the pure parts -------------------------------------------------------------------------------------------------------
@given(st.lists(st.sampled_from(FATES), min_size=5, max_size=5))
def test_a_count_divides_the_pieces_and_the_ledger_alike(fates: list[str]) -> None:
    """Each piece is with the case, or with the other one; what both are worth is what all of them were, to the cent."""
    order = an_order(lines=(CUPS, POTS), payments=(Payment("p1", "wechatpay", "t1", PAID),))
    ledger, items = Ledger.open(order).hold("c1", ITEMS)
    taken = iter(fates)
    counts = tuple(Count(i.line_id, **Counter(next(taken) for _ in range(i.pieces))) for i in items)
    came, others = parted(items, counts)
    after = split(ledger, "c1", "c2", others)
    assert sum(after.held_value("c1")) + sum(after.held_value("c2")) == sum(ledger.held_value("c1")) == PAID
    assert sum(i.pieces for i in came) == sum(c.came for c in counts)
    assert sum(i.pieces for i in others) == sum(c.apart for c in counts)
    assert (lack_of(counts) is None) == (not others)
    assert all(after.free_units(line) == () for line in SKUS)
    told = restock(counts, NOW)
    assert sum(b.pieces for b in told.backs) == sum(c.came for c in counts) if told else not came


def test_a_whole_parcel_lacks_nothing() -> None:
    """Counted to one place, every piece came."""
    for to in Disposition:
        counts = all_of(ITEMS, to)
        assert (lack_of(counts), [c.of(to) for c in counts]) == (None, [3, 2])
