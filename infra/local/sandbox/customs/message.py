"""Customs' messages as the agent gets them: CEB622, 626, 816 and 818, with the fields that real ones have beside those we read."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

NAMESPACE = "http://www.chinaport.gov.cn/ceb"
CUSTOMS, PLATFORM, AGENT = "2924", "SANDBOXEBP", "SANDBOXAGENT"
BEIJING = ZoneInfo("Asia/Shanghai")
ELEMENTS = {"622": "InventoryReturn", "626": "InvtRefundReturn"}

#: What customs says beside a code, as it does: for people.
WORDS = {"100": "退单", "300": "人工审核", "500": "查验", "599": "其他扣留", "700": "退运", "800": "放行", "899": "结关"}


def _fields(**values: str) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _message(kind: str, inside: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f'{head}<CEB{kind}Message xmlns="{NAMESPACE}" version="1.0" guid="{uuid.uuid4()}">{inside}</CEB{kind}Message>'.encode()


def time_of(at: float) -> str:
    """An instant (seconds since 1970) as customs writes it: Beijing, to the millisecond."""
    moment = datetime.fromtimestamp(at, UTC).astimezone(BEIJING)
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}"


def standing(kind: str, order_no: str, ebc_code: str, invt_no: str, code: str, at: float) -> bytes:
    """A receipt of a declaration (622) or of a return (626), which the mall's order number stands in as ``copNo``."""
    fields = _fields(
        guid=str(uuid.uuid4()),
        customsCode=CUSTOMS,
        ebpCode=PLATFORM,
        ebcCode=ebc_code,
        agentCode=AGENT,
        copNo=order_no,
        preNo=f"B{invt_no}",
        invtNo=invt_no,
        returnStatus=code,
        returnTime=time_of(at),
        returnInfo=f"[Code:{code};Desc:{WORDS.get(code, '处理')}]",
    )
    return _message(kind, f"<{ELEMENTS[kind]}>{fields}</{ELEMENTS[kind]}>")


def yuan(minor: int) -> str:
    """Fen as customs writes an amount."""
    return f"{minor // 100}.{minor % 100:02d}000"


def _taxes(duty: int, consumption: int, vat: int) -> dict[str, str]:
    return {"customsTax": yuan(duty), "valueAddedTax": yuan(vat), "consumptionTax": yuan(consumption)}


def tax_bill(
    order_no: str, ebc_code: str, invt_no: str, tax_no: str, lines: Sequence[tuple[int, int, int, int]], at: float
) -> bytes:
    """An electronic tax bill (816). ``lines`` are (gnum, duty, consumption tax, VAT), in fen."""
    sums = [sum(line[n] for line in lines) for n in (1, 2, 3)]
    head = _fields(guid=str(uuid.uuid4()), returnTime=time_of(at), invtNo=invt_no, taxNo=tax_no, **_taxes(*sums), status="1")
    tail = _fields(
        entDutyNo="", note="", assureCode=AGENT, ebcCode=ebc_code, agentCode=AGENT, customsCode=CUSTOMS, orderNo=order_no
    )
    rows = "".join(
        f"<TaxListRd>{_fields(gnum=str(gnum), gcode='3304990039', taxPrice='0.00000', **_taxes(*taxes))}</TaxListRd>"
        for gnum, *taxes in lines
    )
    return _message("816", f"<Tax><TaxHeadRd>{head}{tail}</TaxHeadRd>{rows}</Tax>")


def bill_status(invt_no: str, tax_no: str, status: str, at: float) -> bytes:
    """What became of a tax bill (818): 2 summarised, 3 void. It says neither order nor enterprise."""
    fields = _fields(guid=str(uuid.uuid4()), returnTime=time_of(at), invtNo=invt_no, taxNo=tax_no, status=status, entDutyNo="")
    return _message("818", f"<Tax><TaxHeadStatus>{fields}</TaxHeadStatus></Tax>")
