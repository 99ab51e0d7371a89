"""The judge: what has to be true of the money, by the providers' own books, at every moment and in the end."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable

from aftersales.case import Case, Ending, State
from aftersales.change import verify_chain
from aftersales.entry import BACK, Step
from aftersales.query import CaseFile, StepsOf, TicketsOf
from aftersales.refund import LATER, Cause, Refund, RefundState
from aftersales.ticket import TicketKind
from tests.property.scripts.world import World, Wrong

S = RefundState


class Judge:
    """Of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        #: Numbers under which money ever moved: a bounce takes it back.
        self.ever: set[str] = set()
        world.watch = self._sees

    def _sees(self) -> None:
        """In the middle of a call: what is wrong is kept until the step is over, for a call may survive any error."""
        try:
            self.payments_hold()
        except Wrong as wrong:
            self.world.wrongs.append(wrong)

    # --- at every moment ----------------------------------------------------------------------------------------------
    def payments_hold(self) -> None:
        """No payment gives back more than it brought in, and the mall balance is what its entries say."""
        sums: Counter[str] = Counter()
        for key, (number, minor) in self.world.moved().items():
            sums[number] += minor
            if minor:
                self.ever.add(key)
        for number, payment in self.world.payments().items():
            _check(sums[number] <= payment.paid_minor, f"{sums[number]} left payment {number} of {payment.paid_minor}")

        entries, spendable, counted = self.world.wallets()
        _check(entries == spendable == counted, f"the balance has {spendable}, its entries say {entries}, its payments {counted}")

    def holds(self) -> None:
        """Nothing moved that is not on record; no refund moved twice; what the ledger says covers what moved."""
        if self.world.wrongs:
            raise self.world.wrongs[0]
        self.payments_hold()
        moved, files = self.world.moved(), self.world.files()
        legs = {leg.key: leg for file in files for leg in file.refunds}
        for key, (number, minor) in moved.items():
            if minor:
                _check(key in legs, f"{minor} moved under {key}, which is not on record")
                _check((number, minor) == (legs[key].transaction_id, legs[key].amount.minor), f"{key}: {minor} of {number} moved")
        for chain in chains(legs.values()):
            sent = sum(moved.get(leg.key, ("", 0))[1] for leg in chain)
            self.world.tally.most = max(self.world.tally.most, sent / chain[0].amount.minor)
            _check(sent <= chain[0].amount.minor, f"{sent} of {chain[0].amount.minor} moved under {[leg.key for leg in chain]}")
        for file in files:
            sent = sum(moved.get(leg.key, ("", 0))[1] for leg in file.refunds)
            _check(sent <= approved(file.case), f"case {file.case.case_id}: {sent} moved of {approved(file.case)} approved")
        self._ledgers_cover(moved)

    def _ledgers_cover(self, moved: dict[str, tuple[str, int]]) -> None:
        for order in self.world.orders:
            file = self.world.store.order("m1", order.order_id)
            assert file is not None
            last = {entry.key: entry.step for entry in file.ledger.entries}
            for payment in file.ledger.payments:
                spent = sum(
                    e.minor
                    for e in file.ledger.entries
                    if e.step is Step.RESERVED and e.payout in BACK and e.payment_id == payment.payment_id
                    and last[e.key] is not Step.RELEASED
                )  # fmt: skip
                sent = sum(minor for number, minor in moved.values() if number == payment.transaction_id)
                _check(
                    sent <= spent <= payment.minor, f"{payment.transaction_id}: {sent} moved, {spent} spent, {payment.minor} paid"
                )
            settled = {key for key, step in last.items() if step is Step.SETTLED}
            _check(settled <= self.ever, f"settled, and never moved: {settled - self.ever}")

    # --- in the end ---------------------------------------------------------------------------------------------------
    def ends(self) -> None:
        """Every approved refund was executed once and in full, or a person has it, with a ticket; the ledger says the same."""
        self.holds()
        moved, files, tally = self.world.moved(), self.world.files(), self.world.tally
        tickets = [t for merchant in ("m1", "") for t in self.world.store.find(TicketsOf(merchant, True), None, 1_000).found]
        dead = [ticket.ticket_id for ticket in tickets if ticket.kind is TicketKind.DEAD_LETTER]
        _check(not dead, f"work was given up: {dead}")
        open_keys = {ticket.key for ticket in tickets}
        for file in files:
            for chain in chains(file.refunds):
                tally.approved += 1
                tally.by_channel[chain[0].channel] += 1
                sent = sum(moved.get(leg.key, ("", 0))[1] for leg in chain)
                self._chain_ends(chain, sent, open_keys)
                self._ledger_agrees(file, chain, moved)
            self._case_ends(file)
            self._record_is_sound(file.case)

    def _chain_ends(self, chain: list[Refund], sent: int, open_keys: set[str]) -> None:
        tally, last, about = self.world.tally, chain[-1], [(leg.key, str(leg.state), str(leg.cause)) for leg in chain]
        tally.renumbered += sum(leg.channel == before.channel for before, leg in itertools.pairwise(chain))
        tally.redirected += sum(leg.channel != before.channel for before, leg in itertools.pairwise(chain))
        _check(all(leg.state is S.RELEASED for leg in chain[:-1]), f"replaced, and not released: {about}")
        if last.state is S.SETTLED:
            tally.settled += 1
            _check(sent == last.amount.minor, f"settled, and {sent} moved: {about}")
        elif last.state is S.RELEASED:
            tally.given_up += 1
            _check(sent == 0, f"given up, and {sent} moved: {about}")
        else:
            tally.left += 1
            held = last.cause is Cause.ACCOUNT_ABNORMAL and bool(last.channel_id)  # the channel has it, until somebody names a card
            _check(last.state is S.FAILED and last.cause not in LATER, f"nobody has it: {about}")
            _check(sent in (0, last.amount.minor if held else 0), f"{sent} moved of what failed: {about}")
            _check(last.key in open_keys, f"no ticket tells of it: {about}")

    def _ledger_agrees(self, file: CaseFile, chain: list[Refund], moved: dict[str, tuple[str, int]]) -> None:
        order = self.world.store.order("m1", file.case.order_id)
        assert order is not None
        steps = order.ledger.last_steps()
        for leg in chain:
            want = {S.SETTLED: (Step.SETTLED,), S.RELEASED: (Step.RELEASED,)}.get(leg.state, (Step.RESERVED, Step.BOUNCED))
            _check(steps[leg.key] in want, f"{leg.key} is {leg.state}, the ledger says {steps[leg.key]}")
        counts = Counter((e.key, e.step) for e in order.ledger.entries)
        _check(max(counts.values(), default=1) == 1, f"the ledger repeats itself: {counts}")

    def _case_ends(self, file: CaseFile) -> None:
        if not file.refunds:
            return
        over = all(leg.state in (S.SETTLED, S.RELEASED) for leg in file.refunds)
        _check((file.case.state is State.CLOSED) == over, f"case {file.case.case_id} is {file.case.state}")

    def _record_is_sound(self, case: Case) -> None:
        steps = self.world.store.find(StepsOf(case.case_id), None, 1_000).found
        _check(verify_chain(steps) is None and steps[-1].chain == case.chain, f"the record of case {case.case_id} is broken")


def chains(legs: Iterable[Refund]) -> list[list[Refund]]:
    """The legs in chains: each first one with those that stand in for it, one after another."""
    after: dict[str, list[Refund]] = defaultdict(list)
    for leg in sorted(legs, key=lambda leg: leg.number):
        after[leg.replaces].append(leg)
    found = []
    for first in after[""]:
        chain = [first]
        for leg in chain:
            chain += after[leg.key]
        found.append(chain)
    return found


def approved(case: Case) -> int:
    """Minor units that the case has been promised."""
    return case.amount.minor if case.state is State.SETTLING or case.ending is Ending.REFUNDED else 0


def _check(true: bool, otherwise: str) -> None:
    if not true:
        raise Wrong(otherwise)
