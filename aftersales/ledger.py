"""Ledger: what was paid for one order, what is reserved, settled and released, and which pieces are spoken for.

Entries are only ever added; every total is derived from them. The stored version of this one record is the condition that makes
over-refund impossible: whoever adds an entry does so on the version they read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from aftersales.case import Item
from aftersales.entry import (
    BACK,
    FREIGHT,
    WALLETS,
    Added,
    Cost,
    Entry,
    Hold,
    Leg,
    Paid,
    Payout,
    Step,
    Taken,
    Turn,
    in_turn,
    joined,
    spread,
)
from aftersales.errors import DuplicateKey, Invalid, NotFound, OverRefund, PiecesTaken
from aftersales.money import Money
from aftersales.order import LineShare, Order, Runs, allocate
from aftersales.part import beside, sold_as

__all__ = ["BACK", "FREIGHT", "WALLETS", "Added", "Entry", "Hold", "Ledger", "Leg", "Paid", "Payout", "Step", "Taken", "Turn"]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The money of one order. ``version`` is the stored version this value was read at.

    ``payments`` are those of the order and then those of ``added``. ``costs`` are memos; of one key the last one counts.
    """

    merchant: str
    order_id: str
    currency: str
    payments: tuple[Paid, ...]
    lines: tuple[LineShare, ...]
    freight_minor: int
    entries: tuple[Entry, ...] = ()
    holds: tuple[Hold, ...] = ()
    added: tuple[Added, ...] = ()
    costs: tuple[Cost, ...] = ()
    version: int = 0

    @classmethod
    def open(cls, order: Order) -> Ledger:
        """The ledger of a fresh order, allocated to the minor unit. Raises what :func:`~aftersales.order.allocate` raises."""
        share = allocate(order)
        payments = tuple(Paid(p.payment_id, p.channel, p.transaction_id, p.paid_minor) for p in order.payments)
        return cls(order.merchant, order.order_id, order.currency, payments, share.lines, share.freight_minor)

    def after(self, known: Ledger) -> Ledger:
        """This ledger of a fresh snapshot with everything that happened since the ``known`` one was opened."""
        payments = (*self.payments, *(a.payment for a in known.added))
        kept = replace(self, payments=payments, entries=known.entries, holds=known.holds, added=known.added, costs=known.costs)
        return replace(kept, version=known.version)

    # --- totals -------------------------------------------------------------------------------------------------------
    @property
    def paid(self) -> Money:
        """All payments together."""
        return Money(sum(p.minor for p in self.payments), self.currency)

    def last_steps(self) -> dict[str, Step]:
        """How far each key is."""
        return {e.key: e.step for e in self.entries}

    def open_entries(self, *payouts: Payout) -> tuple[Entry, ...]:
        """The reserved entries that were not released, of refunds unless others are named: what is or may yet be spent."""
        last, wanted = self.last_steps(), payouts or (Payout.REFUND,)
        return tuple(e for e in self.entries if e.step is Step.RESERVED and e.payout in wanted and last[e.key] is not Step.RELEASED)

    @property
    def spent(self) -> Money:
        """What went back or may yet go back, by us or without us; an unknown outcome counts as spent."""
        return Money(sum(e.minor for e in self.open_entries(*BACK)), self.currency)

    def borne(self) -> tuple[Cost, ...]:
        """What carriers cost, one for each pickup."""
        return tuple({cost.key: cost for cost in self.costs}.values())

    def kept(self, case_id: str) -> int:
        """Minor units that were kept back from a case's refund for bringing its goods back: neither paid to the buyer nor left."""
        return sum(cost.kept_minor for cost in self.borne() if cost.case_id == case_id)

    @property
    def settled(self) -> Money:
        """Our refunds and compensation that have arrived."""
        last, ours = self.last_steps(), self.open_entries(Payout.REFUND, Payout.COMPENSATION)
        return Money(sum(e.minor for e in ours if last[e.key] is Step.SETTLED), self.currency)

    @property
    def refundable(self) -> Money:
        """What may still be refunded."""
        return self.paid - self.spent

    def left_of(self, payment: Paid) -> int:
        """Minor units of one payment that may still go back through it."""
        return payment.minor - sum(e.minor for e in self.open_entries(*BACK) if e.payment_id == payment.payment_id)

    @property
    def freight_left(self) -> int:
        """Minor units of freight that no case speaks for and that were not given back."""
        return self.freight_left_for("")

    def freight_left_for(self, case_id: str) -> int:
        """The same, as this case sees it: its own hold does not stand in its way, what it was given already does."""
        taken: dict[str, int] = {}
        for entry in self.open_entries():
            taken[entry.case_id] = taken.get(entry.case_id, 0) + entry.freight_minor
        for hold in self.holds:
            if hold.line_id == FREIGHT and hold.case_id != case_id:
                taken[hold.case_id] = max(taken.get(hold.case_id, 0), sum(stop - start for start, stop in hold.units))
        return self.freight_minor - sum(taken.values())

    def line(self, line_id: str) -> LineShare:
        """The line's share. Raises NotFound when the order has none."""
        for line in self.lines:
            if line.line_id == line_id:
                return line
        raise NotFound(f"The order has no line {line_id}.", found=line_id)

    # --- pieces -------------------------------------------------------------------------------------------------------
    def free_units(self, line_id: str) -> Runs:
        """The pieces of a line that no case speaks for and that are not given back in full, as ranges in order."""
        held = [r for h in self.holds if h.line_id == line_id and not h.taken for r in h.units]
        gone = [(t.start, t.stop) for t in self._taken(line_id) if not any(self.worth(line_id, ((t.start, t.start + 1),)))]
        free, at = [], 0
        for start, stop in [*sorted(held + gone), (self.line(line_id).pieces,) * 2]:
            if start > at:
                free.append((at, start))
            at = max(at, stop)
        return tuple(free)

    def pick(self, item: Item) -> Item:
        """``item`` with the first free pieces chosen, untouched ones before those that a case that is over gave something for.

        Raises PiecesTaken when fewer are free.
        """
        wanted, units = item.pieces, []
        for start, stop in self._in_turn(item.line_id):
            take = min(wanted, stop - start)
            if take > 0:
                units.append((start, start + take))
                wanted -= take
        if wanted:
            raise PiecesTaken(
                f"Only {item.pieces - wanted} of {item.pieces} pieces of line {item.line_id} are free.",
                todo="Ask for fewer pieces, or look at the earlier case on them.",
                line_id=item.line_id,
                expected=item.pieces,
                found=item.pieces - wanted,
            )
        return replace(item, units=tuple(units))

    def _in_turn(self, line_id: str) -> Runs:
        """The free pieces of a line, untouched ones first."""
        free, touched = self.free_units(line_id), [(t.start, t.stop) for t in self._taken(line_id)]
        if not touched:
            return free
        cuts = sorted({n for pair in (*free, *touched) for n in pair})
        parts = [(a, b) for a, b in pairwise(cuts) if any(start <= a < stop for start, stop in free)]
        return tuple(sorted(parts, key=lambda p: (any(start <= p[0] < stop for start, stop in touched), p)))

    def hold(self, case_id: str, items: tuple[Item, ...], freight_minor: int = 0) -> tuple[Ledger, tuple[Item, ...]]:
        """The ledger with these pieces and this freight held for the case, and the items naming them. Raises PiecesTaken."""
        if any(h.case_id == case_id for h in self.holds):
            raise PiecesTaken("This case holds its pieces already.", case_id=case_id)
        ledger, picked = self, []
        for item in items:
            picked.append(ledger.pick(item))
            hold = Hold(case_id, item.line_id, picked[-1].units)
            ledger = replace(ledger, holds=(*ledger.holds, hold) if hold.units else ledger.holds)
        if freight_minor > self.freight_left:
            raise PiecesTaken("Another case speaks for the freight.", expected=freight_minor, found=self.freight_left)
        if freight_minor:
            ledger = replace(ledger, holds=(*ledger.holds, Hold(case_id, FREIGHT, ((0, freight_minor),))))
        return ledger, tuple(picked)

    def free(self, case_id: str) -> Ledger:
        """The ledger without the case's holds; this very one when it has none, money is reserved on them, or they are gone."""
        kept = tuple(h for h in self.holds if h.case_id != case_id or h.gone)
        if kept == self.holds or any(e.case_id == case_id for e in self.open_entries()):
            return self
        return replace(self, holds=kept)

    def free_freight(self, case_id: str) -> Ledger:
        """The ledger without the case's hold on freight: what is reserved of it speaks for itself, the rest is free."""
        kept = tuple(h for h in self.holds if h.case_id != case_id or h.line_id != FREIGHT)
        return self if kept == self.holds else replace(self, holds=kept)

    def gone(self, case_id: str) -> Ledger:
        """The ledger after a case whose pieces do not stay with the buyer: parts that were sold with them are to know."""
        return replace(self, holds=tuple(replace(h, gone=True) if h.case_id == case_id else h for h in self.holds))

    def held_value(self, case_id: str) -> tuple[int, int]:
        """Minor units (goods, tax) paid for the pieces the case holds."""
        held = [h for h in self.holds if h.case_id == case_id and h.line_id != FREIGHT and not h.taken]
        worth = [self.worth(h.line_id, h.units) for h in held]
        return sum(goods for goods, _ in worth), sum(tax for _, tax in worth)

    def worth(self, line_id: str, units: Runs) -> tuple[int, int]:
        """Minor units (goods, tax) paid for these pieces, later too, less what cases that are over gave back for them."""
        line = self.line(line_id)
        goods, tax = line.goods_of(units), line.tax_of(units)
        goods += sum(a.over(units) for a in self.added if a.line_id == line_id)
        for hold in self.holds:
            for part in hold.taken if hold.line_id == line_id else ():
                pieces = sum(max(0, min(stop, part.stop) - max(start, part.start)) for start, stop in units)
                goods, tax = goods - pieces * part.goods_minor, tax - pieces * part.tax_minor
        return goods, tax

    def _over(self, case_id: str) -> tuple[int, int]:
        """Minor units (goods, tax) that a case which is over gave back for its pieces: what came back it may send anew."""
        parts = [t for h in self.holds if h.case_id == case_id for t in h.taken]
        return sum(t.goods_minor * (t.stop - t.start) for t in parts), sum(t.tax_minor * (t.stop - t.start) for t in parts)

    def _taken(self, line_id: str) -> list[Taken]:
        """What was given back piece by piece, in ranges throughout which the pieces are worth the same now."""
        parts = [t for h in self.holds if h.line_id == line_id for t in h.taken]
        cuts = sorted({n for t in parts for n in (t.start, t.stop)})
        return [Taken(a, b, 0, 0) for a, b in pairwise(cuts) if any(t.start <= a < t.stop for t in parts)]

    def conclude(self, case_id: str) -> Ledger:
        """The ledger after a case whose goods stayed with the buyer: its pieces are free again, for what is left of their worth.

        What the case was given is spread over its pieces in proportion to what they were worth. Its freight stays given back.
        """
        mine = [e for e in self.open_entries() if e.case_id == case_id]
        ledger, goods, tax = self.free_freight(case_id), sum(e.goods_minor for e in mine), sum(e.tax_minor for e in mine)
        over = self._given(case_id, goods + self.kept(case_id), tax)
        return replace(ledger, holds=tuple(over.get(h, h) for h in ledger.holds))

    def elsewhere(self, case_id: str, goods: int, tax: int) -> Ledger:
        """The ledger after the buyer got so much for the case's pieces without us: they are worth that much less."""
        return replace(self, holds=(*self.holds, *self._given(case_id, goods, tax).values()))

    def _given(self, case_id: str, goods: int, tax: int) -> dict[Hold, Hold]:
        """What the case holds still, and the same once so much was given for it; nothing for pieces that are free already."""
        held = [h for h in self.holds if h.case_id == case_id and h.line_id != FREIGHT and not h.taken]
        units = [(h, n) for h in held for start, stop in h.units for n in range(start, stop)]
        worth = [self.worth(h.line_id, ((n, n + 1),)) for h, n in units]
        goods_each = spread(goods, [w for w, _ in worth], self.currency) if units else []
        tax_each = spread(tax, [w for _, w in worth], self.currency) if units else []
        taken = list(zip(units, goods_each, tax_each, strict=True))
        return {hold: replace(hold, taken=joined([Taken(n, n + 1, g, t) for (h, n), g, t in taken if h is hold])) for hold in held}

    def add(self, case_id: str, payment: Paid) -> Ledger:
        """The ledger with a payment for the dearer things that take the place of the case's pieces, which are worth more by it.

        Unchanged when it is known. Raises Invalid for nothing, for another payment's number and for a case that holds no pieces.
        """
        held = [h for h in self.holds if h.case_id == case_id and h.line_id != FREIGHT and not h.taken]
        if any((a.case_id, a.payment) == (case_id, payment) for a in self.added):
            return self
        if payment.minor <= 0 or len(held) != 1 or any(p.payment_id == payment.payment_id for p in self.payments):
            raise Invalid("A further payment is for the pieces of one line, with a number of its own.", found=payment.payment_id)
        units = [n for start, stop in held[0].units for n in range(start, stop)]
        each = spread(payment.minor, [1] * len(units), self.currency)
        shares = joined([Taken(n, n + 1, minor, 0) for n, minor in zip(units, each, strict=True)])
        more = Added(case_id, held[0].line_id, payment, shares)
        return replace(self, payments=(*self.payments, payment), added=(*self.added, more))

    # --- money --------------------------------------------------------------------------------------------------------
    def legs(self, goods: int, freight: int, tax: int, turn: Turn = Turn.AS_PAID) -> tuple[Leg, ...]:
        """How a refund is spread over the payments, in their ``turn``: each gives what it still has. Raises OverRefund."""
        legs, rest = [], [goods, freight, tax]
        for payment in in_turn(self.payments, turn):
            left = max(0, self.left_of(payment))  # below 0 where a released refund was paid after all
            part: list[int] = []
            for i, want in enumerate(rest):
                take = min(want, left - sum(part))
                part.append(take)
                rest[i] -= take
            if any(part):
                legs.append(Leg(payment, *part))
        if any(rest):
            self._refuse(goods + freight + tax, self.refundable.minor)
        return tuple(legs)

    def reserve(self, key: str, case_id: str, leg: Leg, at: datetime) -> Ledger:
        """The ledger with this leg reserved under ``key``.

        Raises DuplicateKey when the key was ever used, OverRefund when the payment, the freight or the case's own pieces do not
        cover it, Invalid for a leg of nothing or of negative parts.
        """
        parts = (leg.goods_minor, leg.freight_minor, leg.tax_minor)
        if min(parts) < 0 or not any(parts):
            raise Invalid("A refund is more than nothing.", found=list(parts))
        if any(e.key == key for e in self.entries):
            raise DuplicateKey("This refund number was used before.", key=key)
        if leg.payment not in self.payments or sum(parts) > self.left_of(leg.payment):
            self._refuse(sum(parts), self.left_of(leg.payment) if leg.payment in self.payments else 0)
        if leg.freight_minor > self.freight_left_for(case_id):
            self._refuse(leg.freight_minor, self.freight_left_for(case_id))
        mine = [e for e in self.open_entries() if e.case_id == case_id]
        goods_left, tax_left = (have + over for have, over in zip(self.held_value(case_id), self._over(case_id), strict=True))
        goods_left += beside(self, sold_as(self, case_id), case_id) - sum(e.goods_minor for e in mine) - self.kept(case_id)
        tax_left -= sum(e.tax_minor for e in mine)
        if leg.goods_minor > goods_left or leg.tax_minor > tax_left:
            self._refuse(leg.goods_minor + leg.tax_minor, goods_left + tax_left)
        entry = Entry(key, Step.RESERVED, Payout.REFUND, case_id, leg.payment.payment_id, *parts, at)
        return replace(self, entries=(*self.entries, entry))

    def compensate(self, key: str, case_id: str, amount: Money, cap_permille: int, at: datetime) -> Ledger:
        """The ledger with a compensation reserved: a payout of its own, refunds and compensation together under the cap.

        What may still be refunded counts as refunded, so that the cap holds whichever comes first. ``cap_permille`` is of what was
        paid (1050 = 105 %). Raises OverRefund above it, DuplicateKey, Invalid.
        """
        if amount.minor <= 0 or amount.currency != self.currency:
            raise Invalid("A compensation is more than nothing, in the order's currency.", found=str(amount))
        if any(e.key == key for e in self.entries):
            raise DuplicateKey("This refund number was used before.", key=key)
        given = sum(e.minor for e in self.open_entries(Payout.COMPENSATION))
        left = self.paid.minor * cap_permille // 1000 - max(self.paid.minor, self.spent.minor) - given
        if amount.minor > left:
            self._refuse(amount.minor, left)
        entry = Entry(key, Step.RESERVED, Payout.COMPENSATION, case_id, "", amount.minor, 0, 0, at)
        return replace(self, entries=(*self.entries, entry))

    def bear(self, cost: Cost) -> Ledger:
        """The ledger with a carrier's price on record; unchanged when it says so already. It changes nothing that may be refunded.

        Raises Invalid where less than nothing, or more than the price, would be kept back.
        """
        if not 0 <= cost.kept_minor <= cost.minor:
            raise Invalid("Of a carrier's price no more is kept back than it is.", expected=cost.minor, found=cost.kept_minor)
        last = next((c for c in reversed(self.costs) if c.key == cost.key), None)
        same = last is not None and replace(last, at=cost.at) == cost
        return self if same else replace(self, costs=(*self.costs, cost))

    def outside(self, key: str, payment_id: str, minor: int, payout: Payout, at: datetime) -> Ledger:
        """The ledger with money on record that left a payment without us; unchanged when the key is known.

        It may exceed the payment (a chargeback at another exchange rate); nothing is refundable then. Conclude it with
        :meth:`settle` (gone) or :meth:`release` (back). Raises NotFound for a payment of another order, Invalid for nothing.
        """
        if all(p.payment_id != payment_id for p in self.payments):
            raise NotFound("The order has no such payment.", found=payment_id)
        if minor <= 0:
            raise Invalid("What left is more than nothing.", found=minor)
        if any(e.key == key for e in self.entries):
            return self
        return replace(self, entries=(*self.entries, Entry(key, Step.RESERVED, payout, "", payment_id, minor, 0, 0, at)))

    def settle(self, key: str, at: datetime) -> Ledger:
        """The ledger with ``key`` settled; unchanged when it is already. Raises NotFound for a key it never reserved.

        A released key that turns out paid is settled too: the money did move, and counts as spent again.
        """
        return self._conclude(key, Step.SETTLED, at)

    def release(self, key: str, at: datetime) -> Ledger:
        """The ledger with ``key`` released: nothing moved and nothing will. A settled key stays settled."""
        if self.last_steps().get(key) is Step.SETTLED:
            return self
        return self._conclude(key, Step.RELEASED, at)

    def bounce(self, key: str, at: datetime) -> Ledger:
        """The ledger after ``key``, which had settled, came back to the merchant. It stays spoken for. Unchanged if not settled."""
        return self._conclude(key, Step.BOUNCED, at) if self.last_steps().get(key) is Step.SETTLED else self

    def _conclude(self, key: str, step: Step, at: datetime) -> Ledger:
        steps = [e for e in self.entries if e.key == key]
        if not steps:
            raise NotFound("The ledger has no such refund.", key=key)
        if steps[-1].step is step:
            return self
        return replace(self, entries=(*self.entries, replace(steps[0], step=step, at=at)))

    def _refuse(self, wanted: int, left: int) -> None:
        raise OverRefund(
            f"{Money(wanted, self.currency)} cannot be refunded: {Money(max(left, 0), self.currency)} is left.",
            todo="Lower the amount, or look at the refunds this order already had.",
            expected=f"at most {max(left, 0)}",
            found=wanted,
            refundable_minor=max(left, 0),
        )
