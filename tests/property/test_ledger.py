from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aftersales.case import Item
from aftersales.errors import AftersalesError, DuplicateKey, OverRefund, PiecesTaken
from aftersales.ledger import Ledger
from aftersales.testing.builders import NOW
from aftersales.testing.strategies import orders


@dataclass
class Channel:
    """A channel that pays each key once, and whose answers get lost."""

    sent: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def pay(self, key: str, minor: int) -> None:
        """Move the money; a key that was paid is not paid again."""
        self.sent.setdefault(key, minor)


class MoneyOfAnOrder(RuleBasedStateMachine):
    """An order's ledger under cases, refunds, lost answers, repeats and late news, with a channel that really moves money."""

    @initialize(order=orders())
    def begin(self, order):
        """A fresh order, and a channel that has moved nothing."""
        self.ledger, self.channel, self.number = Ledger.open(order), Channel(), 0
        self.lines = [line.line_id for line in order.lines]

    def open_keys(self):
        """The refunds that are reserved and neither settled nor released."""
        done = {e.key for e in self.ledger.entries if e.step != "reserved"}
        return [e for e in self.ledger.entries if e.step == "reserved" and e.key not in done]

    @rule(line=st.integers(0, 2), pieces=st.integers(1, 4), freight=st.booleans())
    def approve(self, line, pieces, freight):
        """A case holds its pieces and reserves their money, or is refused and changes nothing."""
        self.number += 1
        case_id = f"c{self.number}"
        try:
            ledger, _ = self.ledger.hold(case_id, (Item(self.lines[line % len(self.lines)], pieces),))
            goods, tax = ledger.held_value(case_id)
            for n, leg in enumerate(ledger.legs(goods, ledger.freight_left if freight else 0, tax), 1):
                ledger = ledger.reserve(f"R{case_id}-{n}", case_id, leg, NOW)
        except (PiecesTaken, OverRefund):
            return
        self.ledger = ledger

    @precondition(lambda self: self.open_keys())
    @rule(data=st.data(), answer=st.sampled_from(["yes", "no", "lost but done", "lost"]))
    def call(self, data, answer):
        """The channel is called, perhaps again, under the same key; only an answer that arrived is written down."""
        entry = data.draw(st.sampled_from(self.open_keys()))
        if answer in ("yes", "lost but done") and entry.key not in self.channel.refused:
            self.channel.pay(entry.key, entry.minor)
        if answer == "no" and entry.key not in self.channel.sent:
            self.channel.refused.add(entry.key)
            self.ledger = self.ledger.release(entry.key, NOW)
        if answer == "yes" and entry.key in self.channel.sent:
            self.ledger = self.ledger.settle(entry.key, NOW)

    @rule(data=st.data())
    def hear_again(self, data):
        """Callbacks come again and late; hearing the truth twice changes nothing."""
        for key in sorted(self.channel.sent):
            if data.draw(st.booleans()):
                self.ledger = self.ledger.settle(key, NOW).settle(key, NOW).release(key, NOW)
        for key in sorted(self.channel.refused):
            assert self.ledger.release(key, NOW) == self.ledger

    @precondition(lambda self: self.ledger.entries)
    @rule(data=st.data())
    def try_a_key_again(self, data):
        """A key that was ever used cannot carry another amount."""
        entry = data.draw(st.sampled_from(self.ledger.entries))
        leg = next((leg for leg in self.ledger.legs(min(1, self.ledger.refundable.minor), 0, 0)), None)
        if leg is None:
            return
        try:
            self.ledger.reserve(entry.key, entry.case_id, leg, NOW)
        except DuplicateKey:
            return
        except AftersalesError as other:
            raise AssertionError(f"refused as {other.code}") from other
        raise AssertionError("a key was used twice")

    @rule(number=st.integers(1, 20))
    def reject(self, number):
        """A case that is not paid gives its pieces back."""
        self.ledger = self.ledger.free(f"c{number}")

    @invariant()
    def never_more_than_paid(self):
        """Money sent ≤ money spoken for ≤ money paid, for the order and for each payment; what settled was sent."""
        if not hasattr(self, "ledger"):
            return
        assert sum(self.channel.sent.values()) <= self.ledger.spent.minor <= self.ledger.paid.minor
        for payment in self.ledger.payments:
            reserved = {e.key: e.minor for e in self.ledger.entries if e.payment_id == payment.payment_id}
            spent = sum(minor for key, minor in reserved.items() if key not in self.channel.refused)
            assert self.ledger.left_of(payment) == payment.minor - spent >= 0
        assert {e.key for e in self.ledger.entries if e.step == "settled"} <= set(self.channel.sent)
        assert self.ledger.freight_left >= 0

    def teardown(self):
        """Once every lost answer is heard, the ledger says exactly what the channel moved."""
        if not hasattr(self, "ledger"):
            return
        for key in self.channel.sent:
            self.ledger = self.ledger.settle(key, NOW)
        assert self.ledger.settled.minor == sum(self.channel.sent.values())


TestMoneyOfAnOrder = MoneyOfAnOrder.TestCase
TestMoneyOfAnOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
