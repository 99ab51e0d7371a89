"""Receipts: CEB622, 626, 816 and 818 read from XML. Only the values named here are looked at; whoever bought it is never read.

They are XML of a third party: no DTD, no entities, no other namespace, a bounded size. Whatever does not fit is Invalid, and the
error quotes nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aftersales.errors import Invalid
from plugins.ceb_customs.code import BILL, CLEARANCE, RETURN, status_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # the type only; the parser is defusedxml's

NAMESPACE = "{http://www.chinaport.gov.cn/ceb}"
LARGEST = 512 * 1024  # a receipt has a few kilobytes
MOST_RECORDS, MOST_LINES = 100, 200
BEIJING = ZoneInfo("Asia/Shanghai")

_MESSAGE = re.compile(r"CEB[0-9]{3}Message")
_DECLARED = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding=[\"']([A-Za-z0-9_-]+)[\"'][^>]*\?>")
_CHINESE = frozenset({"gb2312", "gbk", "gb18030"})
_TIME = re.compile(r"20[0-9]{12}(?:[0-9]{3})?")
_NUMBER = re.compile(r"[0-9A-Za-z_./-]{1,64}")


@dataclass(frozen=True, slots=True)
class BillLine:
    """The three taxes on one line of a declaration, in fen."""

    gnum: int
    duty_minor: int
    consumption_minor: int
    vat_minor: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt. ``kind`` is the message's number: 622 declaration, 626 return, 816 tax bill, 818 tax bill's status.

    ``code`` is customs' own number, ``status`` what it means. "" for whatever the message does not say.
    """

    kind: str
    at: datetime
    status: str
    code: str
    ebc_code: str
    order_no: str
    cop_no: str
    invt_no: str
    tax_no: str = ""
    lines: tuple[BillLine, ...] = ()


def read(content: bytes) -> tuple[Receipt, ...]:
    """The receipts in a message; none for a message of another kind. Raises Invalid for anything that is no message of customs."""
    root = _parsed(content)
    if not root.tag.startswith(NAMESPACE):
        raise Invalid("The receipt is in another namespace than customs' messages.")
    name = root.tag.removeprefix(NAMESPACE)
    if not _MESSAGE.fullmatch(name):
        raise Invalid("The receipt is no message of customs.")
    reader = _READERS.get(name[3:6])
    found = tuple(reader(root)) if reader else ()
    if len(found) > MOST_RECORDS:
        raise Invalid(f"A message holds at most {MOST_RECORDS} receipts.", found=len(found))
    if reader and not found:
        raise Invalid("The message holds no receipt.", kind=name[3:6])
    return found


def _parsed(content: bytes) -> Element:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    if len(content) > LARGEST:
        raise Invalid(f"A receipt has at most {LARGEST} bytes.", found=len(content))
    try:
        root: Element = fromstring(_as_utf8(content), forbid_dtd=True)
    except DefusedXmlException as error:
        raise Invalid(
            "The receipt declares a document type or entities, which no receipt needs.", found=type(error).__name__
        ) from None
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise Invalid("The receipt is no XML.", found=type(error).__name__) from None
    return root


def _as_utf8(content: bytes) -> bytes:
    """The content without its declaration where it is in a Chinese encoding, which the parser does not know."""
    declared = _DECLARED.match(content)
    if declared is None or declared[1].decode().lower() not in _CHINESE:
        return content
    return content[declared.end() :].decode("gb18030").encode()


# --- one reader per message -------------------------------------------------------------------------------------------
def _declarations(root: Element) -> Iterator[Receipt]:
    return (_standing("622", record, CLEARANCE) for record in root.iterfind(f"{NAMESPACE}InventoryReturn"))


def _returns(root: Element) -> Iterator[Receipt]:
    return (_standing("626", record, RETURN) for record in root.iterfind(f"{NAMESPACE}InvtRefundReturn"))


def _standing(kind: str, record: Element, codes: Mapping[str, str]) -> Receipt:
    code = _text(record, "returnStatus", 10, required=True)
    status = status_of(codes, code)
    if status is None:
        raise Invalid("Customs' status is not known here.", todo="Ask the declaring agent what it means.", found=code[:10])
    return _receipt(kind, record, _instant(record), status, code)


def _bills(root: Element) -> Iterator[Receipt]:
    for tax in root.iterfind(f"{NAMESPACE}Tax"):
        head = tax.find(f"{NAMESPACE}TaxHeadRd")
        if head is None:
            raise Invalid("The tax bill has no head.")
        rows = tax.findall(f"{NAMESPACE}TaxListRd")
        if not 0 < len(rows) <= MOST_LINES:
            raise Invalid(f"A tax bill has 1 to {MOST_LINES} lines.", found=len(rows))
        lines = tuple(_line(row) for row in rows)
        if len({line.gnum for line in lines}) != len(lines):
            raise Invalid("A tax bill names each line once.")
        whole = sum(_fen(head, name) for name in ("customsTax", "consumptionTax", "valueAddedTax"))
        if abs(whole - sum(x.duty_minor + x.consumption_minor + x.vat_minor for x in lines)) > len(lines):
            raise Invalid("The lines of the tax bill do not add up to its head.")
        yield _bill("816", head, lines)


def _bill_statuses(root: Element) -> Iterator[Receipt]:
    heads = (tax.find(f"{NAMESPACE}TaxHeadStatus") for tax in root.iterfind(f"{NAMESPACE}Tax"))
    return (_bill("818", head, ()) for head in heads if head is not None)


def _bill(kind: str, head: Element, lines: tuple[BillLine, ...]) -> Receipt:
    code = _text(head, "status", 4, required=True)
    if code not in BILL:
        raise Invalid("The tax bill's status is not known here.", found=code[:4])
    tax_no = _text(head, "taxNo", 64, required=True)
    return _receipt(kind, head, _instant(head), BILL[code], code, tax_no, lines)


def _receipt(
    kind: str, record: Element, at: datetime, status: str, code: str, tax_no: str = "", lines: tuple[BillLine, ...] = ()
) -> Receipt:
    ebc, order, cop, invt = (_number(record, name) for name in ("ebcCode", "orderNo", "copNo", "invtNo"))
    return Receipt(kind, at, status, code, ebc, order, cop, invt, tax_no, lines)


_READERS: dict[str, Callable[[Element], Iterator[Receipt]]] = {
    "622": _declarations,
    "626": _returns,
    "816": _bills,
    "818": _bill_statuses,
}


# --- values -----------------------------------------------------------------------------------------------------------
def _text(record: Element, name: str, longest: int, *, required: bool = False) -> str:
    found = record.findall(NAMESPACE + name)
    value = (found[0].text or "").strip() if len(found) == 1 else ""
    if len(found) > 1 or len(value) > longest or (required and not value):
        raise Invalid(f"The receipt's {name} is missing, doubled or too long.")
    return value


def _number(record: Element, name: str) -> str:
    """A number of somebody's, such as an order's: letters, digits and little else."""
    value = _text(record, name, 64)
    if value and not _NUMBER.fullmatch(value):
        raise Invalid(f"The receipt's {name} is no number.")
    return value


def _instant(record: Element) -> datetime:
    """``returnTime``: Beijing time, to the second or the millisecond."""
    value = _text(record, "returnTime", 17, required=True)
    try:
        found = datetime.strptime(value[:14] + "+0800", "%Y%m%d%H%M%S%z") if _TIME.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None:
        raise Invalid("The receipt's returnTime is no time.", expected="yyyyMMddHHmmssfff")
    return found.replace(microsecond=int(value[14:] or 0) * 1000).astimezone(UTC)


def _line(row: Element) -> BillLine:
    gnum = _text(row, "gnum", 4, required=True)
    if not (gnum.isascii() and gnum.isdigit()) or not 1 <= int(gnum) <= 9999:
        raise Invalid("The tax bill's gnum is no number of a line.")
    return BillLine(int(gnum), _fen(row, "customsTax"), _fen(row, "consumptionTax"), _fen(row, "valueAddedTax"))


def _fen(record: Element, name: str) -> int:
    """An amount of yuan, to the fen, half up: customs writes up to five digits after the point."""
    value = _text(record, name, 24) or "0"
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount < 10**10 or "e" in value.lower():
        raise Invalid(f"The tax bill's {name} is no amount.")
    return int(amount.scaleb(2).quantize(Decimal(1), ROUND_HALF_UP))
