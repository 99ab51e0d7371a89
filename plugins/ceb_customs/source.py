"""The source: what customs said of an order, asked for or pushed. Nothing is stored here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from aftersales.errors import Invalid, Unknown
from aftersales.fact import OrderFact, Plain
from aftersales.lookup import Heard, HeardFact, Lookup, Subject, pairs
from plugins.ceb_customs import form
from plugins.ceb_customs.code import NONE, RELEASED
from plugins.ceb_customs.receipt import BEIJING, Receipt, read
from plugins.ceb_customs.setting import Setting
from plugins.ceb_customs.sign import verify
from plugins.ceb_customs.wire import Wire

log = logging.getLogger(__name__)

SOURCE = "customs"
#: What a line's ``regime`` says where China's customs is asked; it knows nothing of goods that go elsewhere.
CHINA = "cn_retail_import"
#: The fact that a receipt of each kind tells of.
FACTS = {"622": "customs.clearance", "626": "customs.return", "816": "customs.tax_bill", "818": "customs.tax_status"}
#: What lies further ahead than this was not said by customs.
AHEAD = timedelta(days=1)


class CebCustoms:
    """A :class:`~aftersales.ports.Source` that also tells. ``now`` is the real time in seconds since 1970, for signatures."""

    def __init__(self, setting: Setting, now: Callable[[], float] = time.time) -> None:
        self._setting, self._now = setting, now
        self._wire = Wire(setting, now)

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """What customs has said of the order so far, and which taxes it levied on this line; of goods for elsewhere nothing.

        Raises Unknown.
        """
        order, code = subject.order, self._setting.code_of(subject.order.merchant)
        if str(subject.line.data.get("regime", CHINA)) != CHINA:
            return Lookup(SOURCE, subject.line.line_id, NONE, now)
        if code is None:
            raise Unknown("No enterprise code of customs is known for this merchant.", merchant=order.merchant)
        try:
            found = [one for data in self._wire.receipts(code, order.order_id) for one in read(form.unpacked(data))]
        except Invalid as error:
            raise Unknown(f"A receipt from customs' agent cannot be read: {error.message}") from error
        own = [r for r in found if r.ebc_code in (code, "") and r.order_no in (order.order_id, "") and r.at <= now + AHEAD]
        status, data = _summed(sorted(own, key=lambda r: r.at), _gnum(subject))
        return Lookup(SOURCE, subject.line.line_id, status, now, data=pairs(data))

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        """The receipts that the agent pushes, as facts about orders. Raises BadSignature before anything is read, then Invalid."""
        verify(self._setting.secrets, "tell", headers, body, self._now())
        pushed = form.read(headers, body)
        found = read(pushed.content)
        facts = tuple(fact for receipt in found for fact in self._facts(receipt, pushed, alone=len(found) == 1, now=now))
        log.info("customs told %d receipts", len(found))
        return Heard(facts, reply=b"true", media_type="text/plain")

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _facts(self, receipt: Receipt, pushed: form.Pushed, *, alone: bool, now: datetime) -> Iterable[HeardFact]:
        if receipt.at > now + AHEAD:
            raise Invalid("The receipt is of a day that has not come.")
        code, order_no = receipt.ebc_code or pushed.ebc_code, receipt.order_no
        if alone and pushed.order_no:
            if order_no and order_no != pushed.order_no:
                raise Invalid("The form and the receipt name two orders.")
            order_no = pushed.order_no
        order_no = order_no or receipt.cop_no
        merchant = self._setting.merchants.get(code)
        if pushed.ebc_code not in ("", code) or merchant is None:
            raise Invalid("No merchant is known for this enterprise code.", todo="Add it to the setting merchants.", found=code)
        if not order_no:
            raise Invalid("The receipt does not say which order it is about.", todo="Send orderNo beside data.", kind=receipt.kind)
        for data in _data(receipt):
            yield HeardFact(merchant, order_no, OrderFact(FACTS[receipt.kind], receipt.at, source=SOURCE, data=data))


def _data(receipt: Receipt) -> list[dict[str, Plain]]:
    """The values of the facts that a receipt tells: one, but of a tax bill one for each line."""
    if receipt.kind in ("622", "626"):
        said = {"status": receipt.status, "code": receipt.code, "invt_no": receipt.invt_no}
        return [{name: value for name, value in said.items() if value}]
    bill: dict[str, Plain] = {"tax_no": receipt.tax_no, "status": receipt.status}
    if receipt.kind == "818":
        return [bill]
    return [{**bill, "gnum": line.gnum, **_taxes(receipt, line.gnum)} for line in receipt.lines]


def _taxes(receipt: Receipt, gnum: int) -> dict[str, Plain]:
    line = next((x for x in receipt.lines if x.gnum == gnum), None)
    if line is None:
        return {}
    return {"duty_minor": line.duty_minor, "consumption_minor": line.consumption_minor, "vat_minor": line.vat_minor}


def _summed(receipts: list[Receipt], gnum: int) -> tuple[str, dict[str, Plain]]:
    """All receipts of an order, the oldest first, as one answer about the line of that number."""
    by_kind = {kind: [r for r in receipts if r.kind == kind] for kind in FACTS}
    data: dict[str, Plain] = {}
    if returns := by_kind["626"]:
        data["return_status"] = returns[-1].status
    if bills := by_kind["816"]:
        bill = bills[-1]
        later = [r.status for r in by_kind["818"] if r.tax_no == bill.tax_no and r.at >= bill.at]
        data |= {"tax_no": bill.tax_no, "tax_status": (later or [bill.status])[-1], **_taxes(bill, gnum)}
    declared = by_kind["622"]
    if not declared:
        return NONE, data
    last = declared[-1]
    data |= {"code": last.code, "at": last.at.isoformat()} | ({"invt_no": last.invt_no} if last.invt_no else {})
    released = [r.at for r in declared if r.status == RELEASED]
    if released:
        data["released_on"] = str(released[0].astimezone(BEIJING).date())
    return last.status, data


def _gnum(subject: Subject) -> int:
    """The line's number on the declaration: what it says itself, else its place among the order's lines of its trade, from 1."""
    said = subject.line.data.get("gnum")
    if type(said) is int and said > 0:
        return said
    own = [x.line_id for x in subject.order.lines if x.vertical == subject.line.vertical]
    return own.index(subject.line.line_id) + 1
