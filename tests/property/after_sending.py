"""What happens to refunds after they were sent: people name other accounts, give up, send again; money leaves by hand."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from aftersales.query import CaseFile
from aftersales.refund import REFUND_TERMINAL, Cause, Refund, RefundState
from functions import http
from functions.consent import BALANCE
from tests.property.mall_machine import PICK, SHOP, TROUBLE, MallMachine, Trouble, notice

CARD = {"to": "card", "number": "6222020200001234567", "holder": "A Buyer"}
#: Causes after which the money is gone already, or never leaves this way: a person looks where it is.
ELSEWHERE = frozenset({Cause.PAID_OUTSIDE, Cause.OVER_LIMIT})


class AfterSending(MallMachine):
    """The mall with people who see to refunds that failed."""

    # --- people -------------------------------------------------------------------------------------------------------
    @rule(case_id=MallMachine.cases, n=PICK, card=st.booleans(), trouble=TROUBLE)
    def buyer_names_account(self, case_id: str, n: int, card: bool, trouble: Trouble) -> None:
        """The buyer agrees to the balance, or names a card; often enough it is not possible."""
        case_id, number = self._aim(case_id, n)
        self._names(case_id, number, "card" if card else BALANCE, trouble)

    @rule(case_id=MallMachine.cases, n=PICK, owed=st.booleans(), trouble=TROUBLE)
    def shop_gives_up(self, case_id: str, n: int, owed: bool, trouble: Trouble) -> None:
        """Somebody says that a refund was paid another way, or is not owed."""
        case_id, number = self._aim(case_id, n)
        self._gives_up(case_id, number, "paid_elsewhere" if owed else "not_owed", trouble)

    @rule(case_id=MallMachine.cases, n=PICK, trouble=TROUBLE)
    def shop_sends_again(self, case_id: str, n: int, trouble: Trouble) -> None:
        """Somebody sends a leg again, under its number or under a new one."""
        case_id, number = self._aim(case_id, n)
        self.post(f"/v1/{SHOP.format(case_id)}/refunds/{number}/retry", None, trouble, role="admin")

    def _aim(self, case_id: str, n: int) -> tuple[str, int]:
        """A leg that failed, as long as there is one; now and then any leg of this case."""
        failed = [r for f in self.stored().values() for r in f.refunds if r.state is RefundState.FAILED]
        return (failed[n % len(failed)].case_id, failed[n % len(failed)].number) if failed and n % 5 else (case_id, 1 + n % 3)

    def _names(self, case_id: str, number: int, to: str, trouble: Trouble) -> None:
        body = {"to": to} if to == BALANCE else {**CARD, "bank": self.provider.bank}
        self.post(f"/v1/cases/{case_id}/refunds/{number}/account", body, trouble)

    def _gives_up(self, case_id: str, number: int, how: str, trouble: Trouble) -> None:
        body = {"how": how, "reason": "seen"}
        self.post(f"/v1/{SHOP.format(case_id)}/refunds/{number}/release", body, trouble, role="admin")

    def goes_wrong(self, wrong: list[int]) -> None:
        """What the provider does next; people at its console know which numbers were given up."""
        legs = (r for f in self.stored().values() for r in f.refunds)
        self.provider.released = {r.key for r in legs if r.state is RefundState.RELEASED}
        super().goes_wrong(wrong)

    # --- money by hand ------------------------------------------------------------------------------------------------
    @rule(n=PICK, minor=st.integers(1, 4_000), trouble=TROUBLE)
    def console(self, n: int, minor: int, trouble: Trouble) -> None:
        """The merchant refunds in the provider's console what is left there; now and then it comes back. The word comes twice."""
        order = self.orders[sorted(self.orders)[n % len(self.orders)]]
        payment = order.payments[n // 4 % len(order.payments)]
        room = payment.paid_minor - self._gone(payment.transaction_id) - self._to_balance(payment.transaction_id)
        told = self.provider.console(payment.transaction_id, min(minor, room), back=n % 5 == 0) if room > 0 else None
        if told is not None:
            self.under(trouble, lambda: http.callback(self.mall.registry, "wechatpay", notice(*told)))
            assert http.callback(self.mall.registry, "wechatpay", notice(*told)).status == 204

    def _gone(self, transaction_id: str) -> int:
        """What really left this payment: through every channel, and by hand."""
        ours = sum(minor for number, minor in self.provider.truth().values() if number == transaction_id)
        return ours + self.provider.outside(transaction_id)

    def _to_balance(self, transaction_id: str) -> int:
        """What may be on its way to the balance: of that the provider's console knows nothing."""
        legs = (r for f in self.stored().values() for r in f.refunds if r.transaction_id == transaction_id)
        return sum(r.amount.minor for r in legs if r.channel == BALANCE and r.state not in REFUND_TERMINAL)

    # --- in the end ---------------------------------------------------------------------------------------------------
    def see_to(self, case_id: str, refund: Refund) -> None:
        """What people do about a leg that failed, once they have the time."""
        view = self.mall.case(case_id)
        accounts = next(r["accounts"] for r in view["refunds"] if r["number"] == refund.number)
        if refund.cause in ELSEWHERE and refund.number % 2:
            self._gives_up(case_id, refund.number, "paid_elsewhere", [])
        elif [a["to"] for a in accounts] == ["card"]:
            self._names(case_id, refund.number, "card", [])
        elif accounts and refund.number % 2:
            self._names(case_id, refund.number, accounts[0]["to"], [])
        self.post(f"/v1/{SHOP.format(case_id)}/refunds/{refund.number}/retry", None, [], role="admin")

    def money_comes_back(self) -> None:
        """What was sent by hand is back: what had no room for it goes on by itself, be it a refund, a review or a parcel."""
        for order in self.orders.values():
            for payment in order.payments:
                while told := self.provider.console(payment.transaction_id, 0, back=True):
                    assert http.callback(self.mall.registry, "wechatpay", notice(*told)).status == 204

    def given_up(self, file: CaseFile) -> list[Refund]:
        """The legs that were released, and that no other leg stands in for."""
        replaced = {r.replaces for r in file.refunds}
        return [r for r in file.refunds if r.state is RefundState.RELEASED and r.key not in replaced]

    def rest(self, file: CaseFile) -> dict[str, Any]:
        """For a failure's message."""
        return {r.key: (r.state, r.cause, r.amount.minor, r.channel, r.replaces) for r in file.refunds}
