"""Companies: our codes and the platform's, for those whose parcels it is asked about."""

from __future__ import annotations

import re

from aftersales.waybill import carrier_of

#: Ours and theirs. From the platform's table of companies, as its documents and its demos name them (read 2026-11); companies
#: abroad are followed by others. Theirs that are not here, such as ``shunfengkuaiyun``, lead back to ours by the table of names.
CODES: dict[str, str] = {
    "sf": "shunfeng",
    "yto": "yuantong",
    "zto": "zhongtong",
    "sto": "shentong",
    "yunda": "yunda",
    "jt": "jtexpress",
    "jd": "jd",
    "ems": "ems",
    "post": "youzhengguonei",
    "best": "huitongkuaidi",
    "bestky": "baishiwuliu",
    "deppon": "debangkuaidi",
    "ztoky": "zhongtongkuaiyun",
    "ane": "annengwuliu",
    "yimi": "yimidida",
    "kye": "kuayue",
    "jgsd": "jinguangsudikuaijian",
    "uc": "youshuwuliu",
    "fengwang": "fengwang",
    "cainiao": "danniao",
    "zjs": "zhaijisong",
    "ttk": "tiantian",
    "gto": "guotongkuaidi",
    "suning": "suning",
    "rrs": "rrs",
    "sxjd": "sxjdfreight",
    "zhongyou": "zhongyouex",
    "xfexpress": "xinfengwuliu",
}


def ours(theirs: str) -> str:
    """Our code for a code of the platform's; for a company that we do not know theirs, and "" for none."""
    return carrier_of(theirs)


#: A mobile number that stands for another one, and the digits that say which; a landline and its extension.
_VIRTUAL = re.compile(r"(?:\+?86[ -]?)?1[\d*]{10}[ -]+(\d{3,6})")
_LANDLINE = re.compile(r"(0\d{2,3}[ -]?\d{7,8})[ -]\d{1,6}")


def tail_of(phone: str) -> str:
    """The four digits by which the platform knows a phone, "" where there are none.

    Of a virtual number (``13800000000-1234``) those behind the dash; of a landline (``0571-88888888-12``) without its extension.
    """
    plain = phone.strip()
    if virtual := _VIRTUAL.fullmatch(plain):
        return virtual[1][-4:]
    if landline := _LANDLINE.fullmatch(plain):
        plain = landline[1]
    digits = "".join(c for c in plain if c.isascii() and c.isdigit())
    return digits[-4:] if len(digits) >= 4 else ""
