"""The world of one script: the real use cases and plugins, a store in memory, the providers' own code, and one clock for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from aftersales.order import Order, Payment
from aftersales.query import CaseFile
from aftersales.refund import Refund
from aftersales.testing.builders import a_line, a_payment, an_order
from aftersales.testing.clock import FakeClock
from aftersales.testing.gate import FakeGate
from aftersales.testing.queue import FakeQueue
from aftersales.testing.store import FakeStore
from functions import follow, http, sweep
from functions.http import Request
from infra.local.sandbox.provider import Reply
from plugins.balance_refund.account import BalanceRefunds
from tests.mall import Mall
from tests.property.scripts.accounts import Accounts
from tests.property.scripts.boundary import Boundaries, Died, Watched
from tests.property.scripts.channel import Channels
from tests.property.scripts.plan import Plan, Sold
from tests.property.scripts.side import Message, Side
from tests.property.scripts.tally import Tally

#: The scripts begin today: certificates and signatures have a time of their own that is not moved.
START = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0)

_NUMBERS = {"wechatpay": "42", "alipay": "20", "stripe": "pi", "unionpay": "53", "balance": "99"}


class Wrong(AssertionError):
    """Something about the money is not true, or breaks."""


class World:
    """Everything of one script. ``watch`` is called whenever money may have moved."""

    def __init__(self, plan: Plan, channels: Channels, tally: Tally) -> None:
        self.plan, self.tally = plan, tally
        self._real = channels.real
        self.clock = FakeClock(START)
        self.wrongs: list[Wrong] = []  # what came to light in the middle of something
        self.watch: Callable[[], None] = lambda: None
        self.boundaries = Boundaries(lambda name: tally.kills.update([name]))
        self.sides = {
            name: Side(name, self.seconds, self.happened, channels.base_url) for name in plan.channels if name != "balance"
        }
        self.down: set[str] = set()
        self.early: list[str] = []
        self.wallet: list[str] = []
        self.accounts = Accounts(self._wallet_wrong, self._moved)
        self.store = self.make_store()
        plugins = {**self.make_channels(channels), "balance": BalanceRefunds("accounts", client=self.accounts, now=self.clock.now)}  # type: ignore[arg-type]  # two calls of it
        watched = {name: Watched(name, plugin, self.boundaries) for name, plugin in plugins.items()}
        self.mall = Mall(
            clock=self.clock,
            store=Watched("store", self.store, self.boundaries),
            queue=FakeQueue(),
            channel=watched["wechatpay"],  # type: ignore[arg-type]  # a channel is a channel
        )
        for name, channel in watched.items():
            self.mall.registry.put(f"channel:{name}", channel)
        if plan.gated:
            self.mall.registry.put("gate", Watched("gate", FakeGate(), self.boundaries))
        self.orders = [self._order(n, sold) for n, sold in enumerate(plan.orders)]
        self.told = 0

    def make_store(self) -> FakeStore:
        """Where everything is kept."""
        return FakeStore(due_shards=1)

    def make_channels(self, channels: Channels) -> Mapping[str, Any]:
        """The plugins by the names of their channels."""
        return channels.found

    # --- what there is ------------------------------------------------------------------------------------------------
    def seconds(self) -> float:
        """The scripts' own time."""
        return self.clock.now().timestamp()

    def _order(self, n: int, sold: Sold) -> Order:
        payments = tuple(
            a_payment(payment_id=f"p{m}", channel=channel, transaction_id=f"{_NUMBERS[channel]}o{n}p{m}", paid_minor=minor)
            for m, (channel, minor) in enumerate(sold.payments, 1)
        )
        lines = (a_line(vertical="general", unit_price_minor=sold.price, pieces=sold.pieces),)
        order = an_order(order_id=f"o{n}", status="paid", lines=lines, payments=payments)
        paid_at = START - timedelta(days=2)
        order = replace(order, paid_at=paid_at, payments=tuple(replace(p, paid_at=paid_at) for p in payments))
        for payment in order.payments:
            if payment.channel in self.sides:
                self.sides[payment.channel].pay(payment.transaction_id, payment.paid_minor)
        self.mall.push(order)
        return order

    def payments(self) -> dict[str, Payment]:
        """Every payment by its number."""
        return {p.transaction_id: p for order in self.orders for p in order.payments}

    def files(self) -> list[CaseFile]:
        """Every case as it is stored."""
        found = [self.store.order("m1", order.order_id) for order in self.orders]
        files = [self.store.case(case_id) for order in found if order for case_id in order.cases]
        return [file for file in files if file]

    def legs(self) -> list[Refund]:
        """Every refund as it is stored."""
        return [refund for file in self.files() for refund in file.refunds]

    def moved(self) -> dict[str, tuple[str, int]]:
        """What really was taken from the merchant, by our number: the payment's number and minor units."""
        found: dict[str, tuple[str, int]] = {}
        for side in self.sides.values():
            found |= side.moved()
        numbers = {(order.order_id, p.payment_id): p.transaction_id for order in self.orders for p in order.payments}
        for (_, name), item in self.accounts.items.items():
            if name.startswith("ENTRY#"):
                key = name.removeprefix("ENTRY#")
                minor = int(item["minor"]["N"]) + found.get(key, ("", 0))[1]
                found[key] = numbers[item["order_id"]["S"], item["payment_id"]["S"]], minor
        return found

    def wallets(self) -> tuple[int, int, int]:
        """Of the mall balance: what its entries add up to, what buyers can spend, and what counts against their payments."""
        names = ("ENTRY#", "ACCOUNT", "HEAD"), ("minor", "minor_CNY", "refunded")
        found = zip(*names, strict=True)
        items = self.accounts.items.items()
        sums = [
            sum(int(item[part]["N"]) for (_, name), item in items if name.startswith(kind) and part in item) for kind, part in found
        ]
        return sums[0], sums[1], sums[2]

    def happened(self, what: str, times: int = 1) -> None:
        """Count it."""
        self.tally.faults[what] += times

    def heal(self) -> None:
        """Everybody is well again."""
        self.down.clear()
        self.early.clear()
        self.wallet.clear()
        for side in self.sides.values():
            side.heal()

    # --- the wire -----------------------------------------------------------------------------------------------------
    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The provider's reply to a call, with what happens to the call on its way."""
        side = next((s for s in self.sides.values() if any(path.startswith(prefix) for prefix in s.provider.prefixes)), None)
        if side is None or side.name in self.down:
            raise httpx.ConnectError("nobody is there")
        self.tally.calls += 1
        self._wire("before")
        reply = side.answer(method, path, headers, body)
        self._moved()
        self._tell_early(side)
        self._wire("behind")
        return reply

    def _wire(self, when: str) -> None:
        """A boundary, except in a thread of a server: a caller does not die there."""
        if not self._real:
            self.boundaries.cross(f"wire.call {when}")

    def _tell_early(self, side: Side) -> None:
        """A notice about what was just made, before its caller has the answer."""
        if side.name in self.early and (keys := side.notices()):
            self.early.remove(side.name)
            self.happened(f"{side.name} early")
            try:
                self.notice(side.name, side.notice_of(keys[-1]))
            except Died:  # whoever receives it is another process
                return
            except Wrong as wrong:
                self.wrongs.append(wrong)

    def _wallet_wrong(self) -> str:
        self.tally.calls += 1
        wrong = self.wallet.pop(0) if self.wallet else ""
        if wrong:
            self.happened(f"balance {wrong}")
        return wrong

    def _moved(self) -> None:
        self.watch()

    # --- what happens by itself ---------------------------------------------------------------------------------------
    def notice(self, channel: str, message: Message) -> int:
        """A notice arrives; the status of the answer."""
        headers, body = message
        answer = http.callback(self.mall.registry, channel, Request("POST", f"/v1/callbacks/{channel}", headers, {}, body))
        if answer.status == 500:
            raise Wrong(f"a notice of {channel} breaks")
        return answer.status

    def follow(self) -> None:
        """The stream, from where it stood."""
        begun, fresh = self.told, self.store.records[self.told :]
        self._all_went(follow.follow(self.mall.registry, fresh))
        self.told = max(self.told, begun + len(fresh))

    def lose_stream(self) -> None:
        """What was stored last is never followed."""
        self.happened("stream lost", int(self.told < len(self.store.records)))
        self.told = len(self.store.records)

    def replay(self, start: int = 0) -> None:
        """Old records of the stream once more."""
        records = self.store.records
        self._all_went(follow.follow(self.mall.registry, records[start % (len(records) or 1) :]))

    def schedules(self) -> None:
        """Both schedules."""
        if sweep.sweep(self.mall.registry).failed or sweep.poll_refunds(self.mall.registry).failed:
            raise Wrong("a schedule fails")

    @staticmethod
    def _all_went(failed: list[str]) -> None:
        if failed:
            raise Wrong(f"records of the stream cannot be followed: {failed}")

    def sleep(self, seconds: float) -> None:
        """Whoever waits a moment, waits in the scripts' own time."""
        self.clock.move(timedelta(seconds=seconds))

    def pass_time(self, length: timedelta) -> None:
        """Later, for everybody."""
        self.clock.move(length)
        for side in self.sides.values():
            side.time_passed()

    def close(self) -> None:
        """The end."""
        for side in self.sides.values():
            side.close()
