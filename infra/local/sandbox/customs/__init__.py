"""The declaring agent as the sandbox plays it: customs' receipts as real XML, pushed as they come and answered for.

It speaks the contract of ``plugins/ceb_customs/README.md``. A lever moves a declaration. A fault's ``at`` is ``query`` (a question)
or ``notice`` (a push), its ``key`` the order; ``unknown_refund`` pushes a receipt about an order that never was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from infra.local.sandbox.customs.book import Book
from infra.local.sandbox.customs.front import PATH, Front
from infra.local.sandbox.customs.keys import Keys
from infra.local.sandbox.customs.message import bill_status, standing, tax_bill
from infra.local.sandbox.customs.tell import Teller
from infra.local.sandbox.fault import Kind
from infra.local.sandbox.provider import Env, Reply

__all__ = ["Customs", "Keys", "build"]

#: Enterprise codes of the local shops.
MERCHANTS = {"SANDBOXM1": "m1", "SANDBOXM2": "m2"}


def build(env: Env) -> Customs:
    """The agent, pushing receipts from now on. Raises LooksReal for a secret that could be production."""
    return Customs(env)


class Customs:
    """See :class:`~infra.local.sandbox.provider.Provider`. No money moves here: nobody pays, and the truth has no refunds."""

    name = "customs"
    prefixes = (PATH,)

    def __init__(self, env: Env) -> None:
        folder = env.file("keys")
        self.keys: Keys = env.keys or (Keys.at(folder) if folder is not None else Keys.fresh())
        self.keys.check()
        self.book = Book(env)
        self.front = Front(self.book, self.keys, env)
        self.teller = Teller(self.book, self.keys, env)
        self.levers: Mapping[str, Callable[..., Any]] = {
            "listener": self.book.listen,
            "clearance": self.clearance,
            "tax_bill": self.tax_bill,
            "bill_status": self.bill_status,
            "goods_back": self.goods_back,
            "rotate": lambda: {"id": self.keys.rotate()[:12]},
            "notices": self.resend,
        }
        self.teller.start()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request."""
        return self.front.answer(method, path, headers, body)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.ceb_customs.build``. Receipts go to ``notify_url`` from now on."""
        if notify_url:
            self.book.listen(notify_url)
        return {"base_url": base_url, "secret": ",".join(self.keys.secrets), "merchants": MERCHANTS}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays at customs' agent. Raises ValueError."""
        raise ValueError(f"customs' agent takes no payments ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """Every receipt and how far it was told, the pushes and the calls; the sums are those of a provider that moves no money."""
        empty: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        told = [asdict(delivery) for delivery in self.teller.deliveries]
        return {**empty, "receipts": self.book.all(), "deliveries": told, "calls": self.front.calls()}

    def wake(self) -> None:
        """The clock was moved."""
        self.teller.wake()

    def close(self) -> None:
        """End the pushes and close the books."""
        self.teller.stop()
        self.book.close()

    # --- levers -----------------------------------------------------------------------------------------------------------
    def clearance(
        self, order_no: str, code: str | int, at: float | str | None = None, ebc_code: str = "SANDBOXM1", tell: bool = True
    ) -> None:
        """Customs says a code about the order's declaration (CEB622), now or at another time; ``tell``: the agent pushes it."""
        self._standing("622", order_no, str(code), at, ebc_code, tell=tell)

    def goods_back(
        self, order_no: str, code: str | int, at: float | str | None = None, ebc_code: str = "SANDBOXM1", tell: bool = True
    ) -> None:
        """Customs says a code about the order's return (CEB626)."""
        self._standing("626", order_no, str(code), at, ebc_code, tell=tell)

    def tax_bill(
        self,
        order_no: str,
        lines: Sequence[Sequence[int]],
        tax_no: str = "",
        at: float | str | None = None,
        ebc_code: str = "SANDBOXM1",
        tell: bool = True,
    ) -> None:
        """Customs makes the order's tax bill (CEB816); ``lines`` are [gnum, duty, consumption tax, VAT] in fen."""
        rows = [(int(gnum), int(duty), int(consumption), int(vat)) for gnum, duty, consumption, vat in lines]
        when, tax_no = self._when(at), tax_no or f"TX{order_no}"
        content = tax_bill(order_no, ebc_code, _invt_no(order_no), tax_no, rows, when)
        self._add("816", order_no, ebc_code, when, content, tax_no, tell=tell)

    def bill_status(
        self,
        order_no: str,
        status: str | int,
        tax_no: str = "",
        at: float | str | None = None,
        ebc_code: str = "SANDBOXM1",
        tell: bool = True,
    ) -> None:
        """What became of the order's tax bill (CEB818): 2 summarised, 3 void."""
        when, tax_no = self._when(at), tax_no or f"TX{order_no}"
        content = bill_status(_invt_no(order_no), tax_no, str(status), when)
        self._add("818", order_no, ebc_code, when, content, tax_no, tell=tell)

    def resend(self, order_no: str, ebc_code: str = "SANDBOXM1") -> None:
        """Push everything about an order once more, now, taken or not."""
        for row in self.book.of(order_no, ebc_code):
            self.book.put_notice({**row, "tries": 1, "state": "pending", "next_at": self.book.now()})
        self.teller.wake()

    def notice_of(self, order_no: str, fault: Kind | None = None, ebc_code: str = "SANDBOXM1") -> tuple[dict[str, str], bytes]:
        """Headers (lower-case) and body of a genuine push of the order's last receipt, delivered to nobody."""
        headers, body = self.teller.made(self.book.of(order_no, ebc_code)[-1], fault)
        return {name.lower(): value for name, value in headers.items()}, body

    def _standing(self, kind: str, order_no: str, code: str, at: float | str | None, ebc_code: str, *, tell: bool) -> None:
        when = self._when(at)
        content = standing(kind, order_no, ebc_code, _invt_no(order_no), code, when)
        self._add(kind, order_no, ebc_code, when, content, "", tell=tell)

    def _add(self, kind: str, order_no: str, ebc_code: str, at: float, content: bytes, tax_no: str, *, tell: bool) -> None:
        self.book.add(kind, order_no, ebc_code, at, content, tax_no, told=tell)
        self.teller.wake()

    def _when(self, at: float | str | None) -> float:
        if at is None:
            return self.book.now()
        return datetime.fromisoformat(at).timestamp() if isinstance(at, str) else at


def _invt_no(order_no: str) -> str:
    """A declaration's number of 18 digits, the same for the same order."""
    return f"2924{int.from_bytes(order_no.encode()[-8:]) % 10**14:014d}"
