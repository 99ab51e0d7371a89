"""Passages: the platform's codes of what happened to a parcel, and what they mean to us. The raw code is kept beside our word.

Published (api.kuaidi100.com, query and push, read 2026-11): main codes, and under each its advanced ones, with their names. Of 4 an
older text of the platform's says what it is: sent back, and signed for by who had sent it. What they mean to us is our reading.
"""

from __future__ import annotations

import re

from aftersales.tracking import Passage

P = Passage

#: 揽收 在途 派件 签收 退回 退签 转投 疑难 清关, each with its advanced codes.
CODES: dict[str, Passage] = {
    "1": P.PICKED_UP,
    "101": P.REGISTERED,  # 已下单: a label, and no goods
    "102": P.REGISTERED,  # 待揽收
    "103": P.PICKED_UP,
    "0": P.IN_TRANSIT,
    "1001": P.IN_TRANSIT,  # 到达派件城市
    "1002": P.IN_TRANSIT,  # 干线
    "1003": P.IN_TRANSIT,  # 转递: to another address
    "5": P.OUT_FOR_DELIVERY,
    "501": P.AT_STATION,
    "3": P.SIGNED,
    "301": P.SIGNED,
    "302": P.SIGNED,
    "303": P.SIGNED,  # 代签: somebody signed for whom it is for
    "304": P.SIGNED,  # fetched from a locker or station
    "6": P.RETURNING,
    "4": P.RETURNED,
    "401": P.CANCELLED,  # 已销单
    "14": P.REJECTED,  # 拒签
    "7": P.IN_TRANSIT,  # 转投: another company goes on
    "2": P.PROBLEM,
    "201": P.PROBLEM,  # long out for delivery and not signed for
    "202": P.PROBLEM,  # no news for long
    "203": P.REJECTED,  # 拒收
    "204": P.PROBLEM,
    "205": P.AT_STATION,  # nobody fetches it
    "206": P.PROBLEM,
    "207": P.PROBLEM,
    "208": P.PROBLEM,
    "209": P.DAMAGED,
    "210": P.CANCELLED,  # the sender asks to have it cancelled
    "8": P.CUSTOMS_PENDING,
    "10": P.CUSTOMS_PENDING,
    "11": P.CUSTOMS_PENDING,
    "12": P.CUSTOMS_RELEASED,
    "13": P.CUSTOMS_HELD,
}

#: The names of main codes and of the advanced ones, for lines that come with a name alone.
NAMES: dict[str, str] = {
    "揽收": "1", "已下单": "101", "待揽收": "102", "已揽收": "103",
    "在途": "0", "到达派件城市": "1001", "干线": "1002", "转递": "1003",
    "派件": "5", "投柜或驿站": "501",
    "签收": "3", "本人签收": "301", "派件异常后签收": "302", "代签": "303", "投柜或站签收": "304",
    "退回": "6", "退签": "4", "已销单": "401", "拒签": "14", "转投": "7",
    "疑难": "2", "超时未签收": "201", "超时未更新": "202", "拒收": "203", "派件异常": "204", "柜或驿站超时未取": "205",
    "无法联系": "206", "超区": "207", "滞留": "208", "破损": "209", "销单": "210",
    "清关": "8", "待清关": "10", "清关中": "11", "已清关": "12", "清关异常": "13",
}  # fmt: skip

#: No code says that a parcel is lost: it is 疑难, and a sentence. Supposing so, and asking to write in case of it, is none.
_LOST = re.compile(r"(?<![若如疑似])(?:快件|包裹|货物|确认|判定|已)(?:已|被)?(?:遗失|丢失|灭失)")


def main_of(code: str) -> str:
    """The main code of an advanced one that is not published: the first digit of three; "" for others."""
    return code[0] if len(code) == 3 and code[0] in CODES else ""


def passage_of(code: str, text: str = "") -> Passage:
    """What a code means. One that is not known means what its main code means, and without one that it is on its way."""
    found = CODES.get(code) or CODES.get(main_of(code)) or P.IN_TRANSIT
    return P.LOST if found is P.PROBLEM and _LOST.search(text) else found
