"""A mall's backend: goods, buyers, and orders that are paid at the provider first and then pushed, as a real mall would."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zlib import crc32

from aftersales.place import Place
from infra.local.drawn import strawberries
from infra.local.system import System

#: Where the mall's made-up buyers live.
HOMES = (
    Place("广东省", "广州市", "番禺区"),
    Place("四川省", "成都市", "双流区"),
    Place("北京市", "北京市", "朝阳区"),
    Place("山东省", "威海市", "环翠区"),
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What a line of an order is about; ``terms`` are what the buyer confirmed."""

    sku: str
    title: str
    vertical: str
    category: str
    unit_price_minor: int
    pieces: int = 1
    no_return: bool | None = None
    picture: Callable[[], bytes] | None = None  # what the shop shows of it, put on record with each order
    uses: int = 0  # of an entitlement that the voucher system issues for each piece, 0 for none
    tax_minor: int = 0  # import taxes on top of the price
    data: tuple[tuple[str, str | int | bool], ...] = ()  # what its trade needs to know of the line
    declared: bool = False  # to customs, which lets it in when it is shipped
    installed: bool = False  # by a technician, four hours after it was signed for; two more are in stock
    agreed: tuple[tuple[str, str | int | bool], ...] = ()  # further terms that the buyer confirmed
    parts: tuple[Goods, ...] = ()  # of a set: each with its value in the set as its price, and its pieces in one set
    weight_g: int = 0  # what one piece weighs as it is sent; 0 where nobody knows, or nothing is sent

    @property
    def minor(self) -> int:
        """What the line costs, in fen."""
        return self.unit_price_minor * self.pieces + self.tax_minor

    def line(self) -> dict[str, Any]:
        """The line as the API takes it."""
        said = {"line_id": "l1", "sku": self.sku, "title": self.title, "vertical": self.vertical, "category": self.category}
        terms = {**({} if self.no_return is None else {"no_return": self.no_return}), **dict(self.agreed)}
        more: dict[str, Any] = {"data": dict(self.data), "tax_minor": self.tax_minor} if self.data else {}
        more |= {"weight_g": self.weight_g} if self.weight_g else {}
        return {**said, "unit_price_minor": self.unit_price_minor, "pieces": self.pieces, "terms": terms, **more}

    def part(self) -> dict[str, Any]:
        """The goods as a part of a set."""
        line = self.line()
        own = {name: said for name, said in line.items() if name not in ("line_id", "unit_price_minor", "weight_g")}
        return {**own, "part_id": self.sku.lower(), "value_minor": line["unit_price_minor"]}


#: Drawn, as the photos are where there are no real ones: no model of real fruit knows drawn ones by itself.
SHOWN = partial(strawberries, 0, 8, 1)
STRAWBERRIES = Goods(
    "SB-500", "丹东草莓 Strawberries, per jin (500 g)", "fresh", "strawberry", 1990, 5, no_return=True, picture=SHOWN, weight_g=600
)
CHERRIES = Goods("CH-500", "烟台樱桃 Cherries, per jin (500 g)", "fresh", "cherry", 4500, 2, no_return=True, weight_g=600)
TOWEL = Goods("TW-01", "纯棉毛巾 Cotton towel", "general", "home", 2900, weight_g=350)
LAMP = Goods("LM-07", "台灯 Desk lamp", "general", "home", 6000, weight_g=1_600)
KETTLE = Goods("KT-02", "电热水壶 Kettle", "general", "appliance", 12900, weight_g=1_400)
CINEMA = Goods("CN-01", "电影票兑换券 Cinema voucher", "virtual", "voucher", 3900, 2, uses=1)
POOL = Goods("PL-10", "游泳馆十次卡 Ten visits to the pool", "virtual", "voucher", 30000, uses=10)
FORMULA = Goods(
    "MF-90", "婴儿奶粉 Infant formula, 900 g", "cross_border", "food", 10000, 3, tax_minor=2730, data=(("vat_permille", 130),),
    declared=True, weight_g=1_150,
)  # fmt: skip
#: At what was paid down so far: the balance is pushed with the whole price.
HUMIDIFIER = Goods(
    "HM-11", "预售加湿器 Humidifier, presale", "presale", "home", 3000,
    data=(("deposit_minor", 3000), ("deposit_kind", "dingjin"), ("deposit_payment", "p1"), ("price_minor", 15000)),
)  # fmt: skip
POT = Goods("TP-03", "紫砂壶 Teapot", "general", "home", 4200)
TEA_SET = Goods(
    "TS-01", "茶壶配电影票 Teapot with two cinema vouchers", "bundle", "set", 12000, parts=(POT, CINEMA),
)  # fmt: skip
RING = Goods(
    "RG-05", "刻字戒指 Engraved ring", "custom_made", "jewellery", 16000, no_return=True,
    agreed=(("custom_spec", "内圈刻 A&B 2026 engraved inside: A&B 2026"), ("cancel_after_start_permille", 300)),
)  # fmt: skip
FRIDGE = Goods(
    "FR-300", "冰箱 Fridge, 300 l", "appliance", "fridge", 299900, data=(("serial", "SN-FR300-0001"), ("installable", True)),
    installed=True, weight_g=68_000,
)  # fmt: skip
BAG = Goods("BG-11", "双肩包 Backpack", "general", "bags", 59900, weight_g=1_200)


def phone_of(buyer: str) -> str:
    """A buyer's phone, nobody's in truth."""
    return f"1380000{crc32(buyer.encode()) % 10_000:04d}"


def home_of(buyer: str) -> Place:
    """Where a buyer lives."""
    return HOMES[crc32(buyer.encode()) % len(HOMES)]


@dataclass(frozen=True, slots=True)
class Shop:
    """One merchant's backend at a running system."""

    system: System
    merchant: str

    def ago(self, hours: float) -> datetime:
        """The instant that many hours back on the local clock."""
        return self.system.now() - timedelta(hours=hours)

    def sell(
        self,
        order_id: str,
        goods: Goods,
        buyer: str,
        *,
        paid: float = 1,
        shipped: float | None = None,
        signed: float | None = None,
        status: str = "",
        channel: str = "wechatpay",
        split: tuple[tuple[str, int], ...] = (),
    ) -> dict[str, Any]:
        """Push an order that was paid at the provider before, through ``channel`` or ``split`` over several, and give it.

        ``paid``, ``shipped`` and ``signed`` are hours ago; None: not yet. What comes later is never earlier: an order signed for
        ten hours ago was shipped twenty hours before that.
        """
        shipped = signed + 20 if signed is not None and shipped is None else shipped
        paid = max(paid, shipped + 4 if shipped is not None else 0)
        parts = split or ((channel, goods.minor),)
        payments = [{**self._paid(minor, paid, by), "payment_id": f"p{n}"} for n, (by, minor) in enumerate(parts, 1)]
        order: dict[str, Any] = {
            "order_id": order_id,
            "merchant": self.merchant,
            "buyer": {"id": buyer, "phone": phone_of(buyer), "locale": "en"},
            "ship_to": asdict(home_of(buyer)),
            "currency": "CNY",
            "status": status or ("signed" if signed is not None else "shipped" if shipped is not None else "paid"),
            "lines": [self._line(order_id, goods)],
            "payments": payments,
            "paid_at": payments[0]["paid_at"],
        }
        if shipped is not None:
            order["shipped_at"] = self.ago(shipped).isoformat()
            order["shipment"] = {"carrier": "sf", "number": f"SF{secrets.randbelow(10**13):013d}"}
        if signed is not None:
            order["signed_at"] = self.ago(signed).isoformat()
        with self.system.client("integrator", "mall", self.merchant) as mall:
            mall.put(f"/orders/{order_id}", order)
            if goods.picture:
                mall.prove(order_id, goods.picture(), "catalogue")
        skus = [goods.sku, *(part.sku for part in goods.parts)]
        self.system.lever("sells", {"provider": "stock", "skus": skus})  # what it sold its warehouse takes back
        if goods.declared:
            self._cleared(order_id, goods, shipped)
        if goods.installed and self.merchant == "m1":  # whose licence with the technicians' platform it is
            self._installed(order_id, goods, signed)
        return order

    def _paid(self, minor: int, hours_ago: float, channel: str) -> dict[str, Any]:
        """A payment, on record at the provider where it has a record."""
        paid_at = self.ago(hours_ago)
        number = f"42000{paid_at:%Y%m%d}{secrets.randbelow(10**15):015d}"
        if channel == "wechatpay":
            self.system.pay(number, minor, paid_at)
        if channel == "alipay":  # which tells about refunds at the address that the payment names
            told = f"{self.system.home.url}/v1/callbacks/alipay"
            self.system.pay(number, minor, paid_at, provider="alipay", notify_url=told)
        if channel == "stripe":
            number = f"pi_{number}"
            self.system.pay(number, minor, paid_at, provider="stripe")
        if channel == "card":
            number = number[-21:]  # as long as UnionPay's numbers are
            self.system.pay(number, minor, paid_at, provider="unionpay")
        said = {"channel": channel, "transaction_id": number, "paid_minor": minor}
        return {**said, "paid_at": paid_at.isoformat()}

    def _cleared(self, order_id: str, goods: Goods, shipped: float | None) -> None:
        """What customs said: released and taxed when it was shipped, and still looked at before that."""
        about: dict[str, Any] = {"provider": "customs", "order_no": order_id, "ebc_code": f"SANDBOX{self.merchant.upper()}"}
        if shipped is None:
            self.system.lever("clearance", {**about, "code": "300"})
            return
        at = self.ago(shipped).isoformat()
        self.system.lever("clearance", {**about, "code": "800", "at": at})
        self.system.lever("tax_bill", {**about, "lines": [[1, 0, 0, goods.tax_minor]], "at": at})

    def _line(self, order_id: str, goods: Goods) -> dict[str, Any]:
        """The line, or that of a set with its parts, with what was issued for it."""
        if not goods.parts:
            return {**goods.line(), **self._issued(order_id, goods, "l1")}
        parts = [{**part.part(), **self._issued(order_id, part, f"l1.{part.sku.lower()}")} for part in goods.parts]
        return {**goods.line(), "parts": parts}

    def _installed(self, order_id: str, goods: Goods, signed: float | None) -> None:
        """What technicians did: ordered, and at the buyer's four hours after it was signed for. They tell it by themselves, too."""
        number = f"{order_id}/l1"
        self.system.lever("stock", {"provider": "stock", "sku": goods.sku, "pieces": 2})
        self.system.lever("listen", {"provider": "installer", "url": f"{self.system.home.url}/v1/callbacks/installer"})
        self.system.lever("work_order", {"provider": "installer", "number": number})
        if signed is not None and signed > 4:
            serial = dict(goods.data).get("serial", "")
            done = {"provider": "installer", "number": number, "status": "serve_complete", "at": self.ago(signed - 4).isoformat()}
            self.system.lever("node", {**done, "serialNo": serial, "pictureIds": ["p1", "p2"], "reportNo": "R-1"})

    def _issued(self, order_id: str, goods: Goods, line_id: str) -> dict[str, Any]:
        """What the voucher system issued for a line, one entitlement per piece; nothing for goods that are things."""
        if not goods.uses:
            return {}
        ids = [f"{order_id}-{number}-{secrets.token_hex(3)}" for number in range(1, goods.pieces + 1)]
        about = {"provider": "voucher", "of": goods.uses, "merchant": self.merchant, "order_id": order_id, "line_id": line_id}
        for one in ids:
            self.system.lever("issue", {**about, "entitlement": one})
        return {"data": {"entitlement": " ".join(ids), "goods": "code"}}
