"""Waybills: carriers, their numbers and words, in codes and in lines that were read.

Chinese domestic numbers carry no public check digit: their form says "this looks like a number of that carrier", nothing more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plugins.vision.personal import flat, kinds

#: Carrier → the form of its numbers. Forms overlap (twelve digits are many carriers'): the first that fits names it.
NUMBERS: dict[str, re.Pattern[str]] = {
    "sf": re.compile(r"SF\d{12,15}"),
    "yt": re.compile(r"YT\d{13,15}"),
    "jt": re.compile(r"JT\d{13,15}"),
    "jd": re.compile(r"JD[A-Z0-9]{1,4}\d{9,15}(?:-\d+-\d+-?\d*)?"),
    "ems": re.compile(r"(?:[A-Z]{2}\d{9}[A-Z]{2}|1[012]\d{11})"),
    "sto": re.compile(r"(?:77[1-9]\d{10,13}|66[58]\d{9}|88\d{10})"),
    "zto": re.compile(r"(?:7[3-9]\d{11,13}|ZTO\d{12,13})"),
    "yunda": re.compile(r"(?:4[356]\d{11,13}|3[12]\d{13})"),
    "dpk": re.compile(r"DPK\d{12,13}"),
    "ups": re.compile(r"1Z[A-Z0-9]{16}"),
    "digits": re.compile(r"\d{12,15}"),
}
#: Forms that nothing else has.
SURE_FORMS = frozenset({"sf", "yt", "jt", "jd", "dpk", "ups"})
_TOKEN = re.compile(r"[A-Z0-9](?:[A-Z0-9]|-(?=[A-Z0-9]))+")
#: What stands on waybills and hardly anywhere else; a carrier's name stands on boxes and in chats as well.
_STRONG = re.compile(
    r"运单|快递单|面单|收件|寄件|收方|寄方|揽收|已验视|派件|签收|托寄|到付|寄付|waybill|ship\s*to|consignee|tracking\s*(?:no|number|#)",
    re.IGNORECASE,
)
_CARRIER = re.compile(
    r"顺丰|中通|圆通|申通|韵达|极兔|京东(?:快递|物流)|邮政|德邦|百世|菜鸟|丰网|快递|快运|速运|速递|express|\bEMS\b|\bDHL\b|FedEx|\bUPS\b"
    r"|\bUSPS\b|J&T|\b(?:STO|ZTO|YTO)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """What has the form of a tracking number, and whose form it is."""

    carrier: str
    number: str


def plain(text: str) -> str:
    """``text`` in capitals and digits without blanks."""
    return flat(text).upper().replace(" ", "")


def carrier_of(number: str) -> str | None:
    """Whose form a number has; None for nobody's. "digits" is many a carrier's."""
    return next((carrier for carrier, form in NUMBERS.items() if form.fullmatch(plain(number))), None)


def numbers(text: str) -> tuple[Number, ...]:
    """The tracking numbers in a line; phone numbers and identity numbers are none."""
    found = [(carrier_of(token), token) for token in _TOKEN.findall(plain(text))]
    return tuple(Number(carrier, token) for carrier, token in found if carrier)


def of_code(kind: str, text: str) -> Number | None:
    """The tracking number that a bar code holds. Products carry EAN and UPC, whose digits are not looked at."""
    if kind.startswith(("EAN", "UPC", "ISBN", "DataBar")):
        return None
    found = numbers(text) if kind not in ("QR Code", "Data Matrix", "Aztec") else numbers(re.split(r"[/=?&]", text)[-1])
    return next((n for n in found if n.carrier != "digits" or kind in ("Code 128", "Code 39", "Code 93")), None)


def weight(text: str) -> int:
    """How much a line looks like a waybill's: 2 for what stands nowhere else, 1 for a carrier's name, 0 for neither."""
    if _STRONG.search(flat(text)) or any(n.carrier in SURE_FORMS for n in numbers(text)):
        return 2
    return 1 if _CARRIER.search(flat(text)) else 0


def harmless(text: str) -> bool:
    """Whether a waybill's line may be shown: it says who carries what, and nothing else."""
    words = flat(text)
    if kinds(words) or numbers(words) or re.search(r"\d{5}", words):
        return False
    content = re.match(r"(?:托寄物|物品|内容|品名|品类|货品)\S{0,4}[:：]", words)
    carrier = _CARRIER.search(words) and len(words) <= 12
    return bool(
        content
        or carrier
        or re.fullmatch(r"(?:标准|特快|经济|电商|隔日|次日|生鲜)\S{0,6}|已验视|易碎\S{0,4}|轻拿轻放|FRAGILE", words)
    )
