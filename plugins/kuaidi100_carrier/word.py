"""Words: the platform's codes and sentences, and what they mean to us."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from aftersales.pickup import BookingStatus, Refusal, Slot

#: The platform tells days and hours of China.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

#: 提交成功; 提交过: the same was handed in before; 账号无可用单量 and 已过期: nothing on the account.
DONE, TWICE, NO_FUNDS = "200", "501", frozenset({"600", "601"})

#: Codes after which nothing was booked: wrong parameters, and a signature that does not fit. 500 says nothing: it may be either.
FINAL = frozenset({"400", "503"}) | NO_FUNDS

#: An order's status: 0 placed, 1 accepted, 2 on the way to the door; 10 collected, then 101 and on; 9 cancelled by us, 99 by them.
STATUSES: dict[int, BookingStatus] = {
    **dict.fromkeys((0, 1, 2), BookingStatus.STANDS),
    **dict.fromkeys((10, 12, 13, 14, 15, 101, 155), BookingStatus.COLLECTED),
    **dict.fromkeys((9, 99), BookingStatus.GONE),
    **dict.fromkeys((11, 610), BookingStatus.REFUSED),
}

#: 揽货失败: the courier was there.
NOT_COLLECTED = 11

#: What refusals say; the first that occurs counts. The platform hands on the companies' own sentences: there is no list of them.
_SAID: tuple[tuple[Refusal, tuple[str, ...]], ...] = (
    (Refusal.NO_FUNDS, ("余额", "欠费", "充值")),
    (Refusal.TOO_HEAVY, ("重量", "公斤", "超重", "大件")),
    (Refusal.NO_SERVICE, ("停派", "停发", "不支持", "超区", "服务范围", "暂无运力", "风控")),
    (Refusal.SLOT_TAKEN, ("时段", "时间", "预约")),
    (Refusal.BAD_ADDRESS, ("地址", "电话", "手机", "姓名")),
)

_DAYS = ("今天", "明天", "后天")


def refusal_of(code: str, message: str) -> Refusal:
    """Why nobody comes."""
    if code in NO_FUNDS:
        return Refusal.NO_FUNDS
    return next((why for why, words in _SAID if any(word in message for word in words)), Refusal.OTHER)


def slot_of(slot: Slot, now: datetime) -> dict[str, str] | None:
    """The platform's words for a slot; None for one that it has no word for: past, or beyond the day after tomorrow."""
    start, end = slot.start.astimezone(BEIJING), slot.end.astimezone(BEIJING)
    ahead = (start.date() - now.astimezone(BEIJING).date()).days
    if not 0 <= ahead < len(_DAYS):
        return None
    return {"dayType": _DAYS[ahead], "pickupStartTime": f"{start:%H:%M}", "pickupEndTime": f"{end:%H:%M}"}
