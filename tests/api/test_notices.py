"""Notices: what a buyer is told of the money, leg by leg, in their language, once per news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aftersales.channel import Card, ReceiptStatus, RefundOrder, RefundReceipt
from aftersales.money import Money
from aftersales.order import Buyer, Payment
from aftersales.refund import Cause
from aftersales.testing.builders import a_line, an_order
from aftersales.testing.channel import FakeChannel, Outcome
from functions import http
from tests.mall import Mall

ONE: Mapping[str, int] = {"wechatpay": 3_000}


def bought(mall: Mall, locale: str = "zh-CN", paid: Mapping[str, int] = ONE) -> None:
    """A shirt, paid like that by a buyer who reads this language."""
    mall.registry.put("channel:balance", FakeChannel())
    payments = tuple(Payment(f"p{n}", channel, f"t{n}", minor) for n, (channel, minor) in enumerate(paid.items(), 1))
    line = a_line(vertical="general", unit_price_minor=sum(paid.values()), pieces=1)
    mall.push(an_order(order_id="o9", status="paid", lines=(line,), payments=payments, buyer=Buyer("b1", locale=locale)))


def asked(mall: Mall) -> str:
    """The whole money is asked back, and granted; the case's id."""
    body = {"order_id": "o9", "kind": "refund_only", "reason": "out_of_stock", "items": [{"line_id": "l1", "pieces": 1}]}
    case = mall.must("POST", "/v1/cases", {**body, "submit": True})
    mall.pump()
    return str(case["case_id"])


def told(mall: Mall) -> list[str]:
    """What the buyer was told, oldest first, and by keys of its own."""
    notices = mall.must("GET", "/v1/notices")["notices"]
    assert len({n["key"] for n in notices}) == len(notices)
    return [n["text"] for n in sorted(notices, key=lambda n: (n["at"], order(n["key"])))]


def order(key: str) -> tuple[int, ...]:
    """The place of a notice's step, and of its leg."""
    return tuple(int(part) for part in key.split(":")[1:])


def call_back(mall: Mall, key: str) -> None:
    """The channel's callback about this refund."""
    headers, body = mall.channel.notice_of(key)
    path = "/v1/callbacks/wechatpay"
    assert http.callback(mall.registry, "wechatpay", http.Request("POST", path, headers, {}, body)).status < 300


@pytest.mark.parametrize(
    ("locale", "started", "arrived"),
    [
        (
            "zh-CN",
            "订单 o9 的退款 CNY 30.00 已发起，退回微信支付，零钱预计几分钟内到账，银行卡预计 1–3 个工作日到账。",
            "订单 o9 的退款已到账（微信支付），您实际收到 CNY 30.00。售后已完成。",
        ),
        (
            "en",
            (
                "The refund of CNY 30.00 for order o9 is on its way back to WeChat Pay; "
                "expect it within minutes on the WeChat balance, within 1–3 working days on a card."
            ),
            "The refund for order o9 has arrived at WeChat Pay: you received CNY 30.00. The case is settled.",
        ),
    ],
)
def test_started_and_arrived(mall: Mall, locale: str, started: str, arrived: str) -> None:
    """Two notices and no more: where the money goes and when to expect it, then what was received."""
    bought(mall, locale)
    asked(mall)
    assert told(mall) == [started, arrived]


@pytest.mark.parametrize(("channel", "soon"), [("balance", "即时到账"), ("stripe", "预计 1–3 个工作日到账")])
def test_when_to_expect_it_follows_the_channel(mall: Mall, channel: str, soon: str) -> None:
    """The mall's own balance is there at once; a card takes working days."""
    mall.registry.put(f"channel:{channel}", FakeChannel())
    bought(mall, paid={channel: 3_000})
    asked(mall)
    assert soon in told(mall)[0]


def test_coupons_are_explained(mall: Mall) -> None:
    """The buyer reads what the channel says they receive, and that the coupon's part of the refund is no money."""
    bought(mall)
    mall.channel.then(Outcome.PROCESSING)
    key = f"R{asked(mall)}-1"
    mall.channel.conclude(key)
    mall.channel.receipts[key] = replace(mall.channel.receipts[key], payer_amount=Money(2_500, "CNY"))
    mall.wait(minutes=2)
    said = told(mall)[-1]
    assert "您实际收到 CNY 25.00" in said
    assert "退款金额为 CNY 30.00，其中优惠券部分 CNY 5.00 不退现金" in said
    steps = mall.must("GET", f"/v1/cases/{key[1:-2]}/timeline", headers={"accept-language": "zh-CN"})["steps"]
    assert "买家实收 CNY 25.00" in next(s["text"] for s in steps if s["event"] == "refund_settled")


def test_each_leg_is_told_for_itself(mall: Mall) -> None:
    """Two payments are two legs: each is told when it starts and when it arrives, and the case is settled once."""
    bought(mall, "en", {"wechatpay": 2_000, "balance": 1_000})
    asked(mall)
    said = told(mall)
    assert [s.partition(" of ")[0] for s in said[:2]] == ["The refund 1/2", "The refund 2/2"]
    assert ["CNY 20.00" in said[0], "CNY 10.00" in said[1]] == [True, True]
    assert [s.partition(" for ")[0] for s in said[2:]] == ["The refund 1/2", "The refund 2/2"]
    assert ["The case is settled." in s for s in said] == [False, False, False, True]


def test_a_delay_is_told_once_with_the_channels_number(mall: Mall) -> None:
    """After 48 hours the buyer reads that a person follows it, and the number the channel knows it by; and then when it arrives."""
    bought(mall)
    mall.channel.then(Outcome.PROCESSING)
    key = f"R{asked(mall)}-1"
    mall.wait(hours=49)
    mall.wait(hours=7)
    mall.wait(hours=7)
    assert [s for s in told(mall) if "48小时" in s] == [
        f"订单 o9 的退款 CNY 30.00 超过48小时未到账，已由专人跟进，渠道单号 fake-{key}。"
    ]
    mall.channel.conclude(key)
    mall.wait(hours=7)
    assert "已到账" in told(mall)[-1]


def test_a_closed_account_asks_the_buyer_and_the_balance_takes_it(mall: Mall) -> None:
    """The buyer is asked for another account, once, by what can be chosen; then told where it goes and that it is there."""
    bought(mall)
    mall.channel.then(Cause.ACCOUNT_ABNORMAL)
    case_id = asked(mall)
    mall.wait(hours=7)
    (asks,) = told(mall)[1:]
    assert asks.startswith("订单 o9 的退款 CNY 30.00 无法退回原账户：原支付账户或银行卡已注销、冻结或异常。")
    assert asks.endswith("请在售后详情中选择改退到商城余额，或联系商家核实账户。")
    mall.clock.move(timedelta(minutes=6))
    mall.must("POST", f"/v1/cases/{case_id}/refunds/1/account", {"to": "balance"})
    mall.pump()
    assert told(mall)[2:] == [
        "订单 o9 的退款 CNY 30.00 按您的同意改退到商城余额，即时到账。",
        "订单 o9 的退款已到账（商城余额），您实际收到 CNY 30.00。售后已完成。",
    ]


class Holds(FakeChannel):
    """A channel that holds what it cannot pay out, and sends it on to a card."""

    def redirect(self, order: RefundOrder, channel_id: str, card: Card) -> RefundReceipt:
        """On its way again."""
        assert channel_id == self.receipts[order.key].channel_id
        assert card.number
        self.receipts[order.key] = replace(self.receipts[order.key], status=ReceiptStatus.PROCESSING, cause=None)
        return self.receipts[order.key]


def test_another_card_is_told_by_its_last_digits(mall: Mall) -> None:
    """A held refund asks for a card, and the notice that it goes there names four digits and no more."""
    mall.channel = Holds(otherwise=Outcome.PROCESSING)
    mall.registry.put("channel:wechatpay", mall.channel)
    bought(mall)
    case_id = asked(mall)
    mall.channel.conclude(f"R{case_id}-1", Cause.ACCOUNT_ABNORMAL)
    mall.wait(minutes=2)
    assert told(mall)[-1].endswith("请在售后详情中选择改退到本人名下的其他银行卡。")
    card = {"to": "card", "bank": "CMB", "number": "6225880000001234", "holder": "王小明"}
    mall.must("POST", f"/v1/cases/{case_id}/refunds/1/account", card)
    said = told(mall)[-1]
    assert said == "订单 o9 的退款 CNY 30.00 按您的同意改退到您指定的银行卡 ****1234，预计 1–3 个工作日到账。"


def test_a_refund_that_came_back_is_told(mall: Mall) -> None:
    """Money that the bank sent back is told once, however often the channel says so, with what the buyer can do."""
    bought(mall, "en")
    key = f"R{asked(mall)}-1"
    mall.channel.conclude(key, Cause.BOUNCED)
    call_back(mall, key)
    call_back(mall, key)
    mall.clock.move(timedelta(hours=1))
    call_back(mall, key)
    mall.pump()
    (said,) = told(mall)[2:]
    assert said.startswith("The bank sent the refund of CNY 30.00 for order o9 back to the shop: you do not have it yet.")
    assert said.endswith("Please choose the mall balance on the page of your claim, or ask the shop to look at your account.")


def test_a_compensation_is_told_when_it_is_there(mall: Mall) -> None:
    """One notice, of the sum and the balance."""
    bought(mall)
    case_id = asked(mall)
    body: Any = {"amount_minor": 150, "reason": "late"}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/compensation", body, role="approver")
    mall.pump()
    assert told(mall)[2:] == ["订单 o9 的商家补偿 CNY 1.50 已到账，请在商城余额中查看。"]


def test_a_renumbered_leg_keeps_its_place(mall: Mall) -> None:
    """What the channel closed and we sent again under a new number is still the first of two, and no news to the buyer."""
    bought(mall, "en", {"wechatpay": 2_000, "balance": 1_000})
    mall.channel.then(Outcome.PROCESSING)
    key = f"R{asked(mall)}-1"
    mall.channel.conclude(key, Cause.CLOSED)
    mall.wait(minutes=2)
    mall.wait(minutes=2)
    assert [s.partition(" for ")[0] for s in told(mall)[2:]] == ["The refund 2/2", "The refund 1/2"]
