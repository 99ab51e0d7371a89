"""Journeys: what can happen to a parcel that is said to bring goods back, honest or forged, as the scans that are made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aftersales.tracking import Passage, Scan

P = Passage

#: Province, a district and a neighbour of the cities that scripts know; another one is its own neighbour.
CITIES: dict[str, tuple[str, str, str]] = {
    "杭州市": ("浙江", "余杭区", "绍兴市"),
    "绍兴市": ("浙江", "柯桥区", "杭州市"),
    "嘉兴市": ("浙江", "秀洲区", "杭州市"),
    "烟台市": ("山东", "莱山区", "威海市"),
    "威海市": ("山东", "环翠区", "烟台市"),
    "上海市": ("上海", "浦东新区", "苏州市"),
    "苏州市": ("江苏", "吴中区", "上海市"),
    "北京市": ("北京", "朝阳区", "廊坊市"),
    "廊坊市": ("河北", "广阳区", "北京市"),
    "广州市": ("广东", "番禺区", "佛山市"),
    "佛山市": ("广东", "南海区", "广州市"),
    "深圳市": ("广东", "南山区", "东莞市"),
    "东莞市": ("广东", "南城街道", "深圳市"),
    "成都市": ("四川", "双流区", "德阳市"),
    "德阳市": ("四川", "旌阳区", "成都市"),
    "乌鲁木齐市": ("新疆", "天山区", "昌吉回族自治州"),
    "哈尔滨市": ("黑龙江", "南岗区", "绥化市"),
}

#: Where parcels go that neither come from the buyer nor go to the shop.
ELSEWHERE = ("乌鲁木齐市", "哈尔滨市")

#: What carriers write; the courier's phone is nobody's.
TEXTS: dict[Passage, str] = {
    P.REGISTERED: "【{city}】商家已下单，等待揽收",
    P.PICKED_UP: "【{city}】{city}营业部已揽收，重量：{kg}kg",
    P.IN_TRANSIT: "【{city}】快件经过{city}转运中心",
    P.OUT_FOR_DELIVERY: "【{city}】派件员正在派件，联系电话 13800001234",
    P.AT_STATION: "【{city}】快件已存放至驿站，请凭取件码领取",
    P.SIGNED: "【{city}】快件已签收，签收人：本人",
    P.REJECTED: "【{city}】收件人拒收快件",
    P.RETURNING: "【{city}】快件正退回寄件人",
    P.RETURNED: "【{city}】退件已由寄件人签收",
    P.DAMAGED: "【{city}】快件外包装破损，已登记",
    P.LOST: "【{city}】快件遗失，请联系客服理赔",
    P.CANCELLED: "【{city}】寄件人已撤销运单",
    P.CUSTOMS_PENDING: "【{city}】快件等待清关",
    P.CUSTOMS_HELD: "【{city}】快件清关异常",
    P.CUSTOMS_RELEASED: "【{city}】快件已完成清关",
    P.PROBLEM: "【{city}】快件派送异常",
}


@dataclass(frozen=True, slots=True)
class End:
    """Who sends it, or whom it is for: the city, and the last digits of the phone on the label."""

    city: str
    tail: str


@dataclass(frozen=True, slots=True)
class Step:
    """One scan, ``after_h`` hours after the goods were handed over, at ``place``: from, to, near (the sender), else (none of them).

    The carrier shows it ``late_h`` hours after it was made, and writes down an instant that is ``skew_min`` minutes off.
    """

    after_h: float
    state: Passage
    place: str
    late_h: float = 0
    skew_min: float = 0


@dataclass(frozen=True, slots=True)
class Journey:
    """A script. ``catches`` is the line of the check list that a forgery fails at, "" for what is honest.

    ``begins_h``: when it begins, counted from when the number is told. ``weighs``: its weight as part of what it should have.
    ``strangers``: the phones on the label are nobody's we know. ``outbound``: it goes from the shop to the buyer. ``misnamed``:
    another company carries it than the buyer says. ``known``: whether any carrier ever heard of it.
    """

    steps: tuple[Step, ...] = ()
    catches: str = ""
    begins_h: float = 0
    weighs: float = 1.0
    strangers: bool = False
    outbound: bool = False
    misnamed: bool = False
    known: bool = True


def _steps(*said: tuple[float, Passage, str]) -> tuple[Step, ...]:
    return tuple(Step(*each) for each in said)


_ARRIVES = ((20, P.IN_TRANSIT, "to"), (26, P.OUT_FOR_DELIVERY, "to"), (30, P.SIGNED, "to"))
_NORMAL = _steps((0, P.PICKED_UP, "from"), (5, P.IN_TRANSIT, "from"), *_ARRIVES)
_BEGUN = _NORMAL[:2]
_LATE = _steps((26, P.PICKED_UP, "from"), (31, P.IN_TRANSIT, "from"), *((26 + h, state, place) for h, state, place in _ARRIVES))

JOURNEYS: dict[str, Journey] = {
    "bare": Journey(),  # nothing happens by itself
    # honest
    "normal": Journey(_NORMAL),
    "late_first_scan": Journey(_LATE),
    "no_pickup_scan": Journey(_NORMAL[1:]),
    "neighbour_city": Journey(_steps((0, P.PICKED_UP, "near"), (5, P.IN_TRANSIT, "near"), *_ARRIVES)),
    "backdated": Journey((Step(0, P.PICKED_UP, "from", late_h=24), *_NORMAL[1:])),
    "station": Journey((*_NORMAL[:3], *_steps((26, P.AT_STATION, "to"), (50, P.SIGNED, "to")))),
    "corrected_carrier": Journey(_NORMAL, misnamed=True),
    "clock_skew": Journey((Step(0, P.PICKED_UP, "from", skew_min=-40), Step(5, P.IN_TRANSIT, "from", skew_min=20), *_NORMAL[2:])),
    # forged, one for each line of the check list
    "invented": Journey(catches="exists", known=False),
    "label_only": Journey(_steps((0, P.REGISTERED, "from")), catches="picked_up"),
    "cancelled_label": Journey(_steps((0, P.REGISTERED, "from"), (3, P.CANCELLED, "from")), catches="exists"),
    "before_approval": Journey(_NORMAL, catches="began", begins_h=-240, strangers=True),
    "too_late": Journey(_NORMAL, catches="in_time", begins_h=480),
    "other_city": Journey(_steps((0, P.PICKED_UP, "else"), (5, P.IN_TRANSIT, "else"), *_ARRIVES), catches="origin", strangers=True),
    "other_destination": Journey((*_BEGUN, *_steps((40, P.IN_TRANSIT, "else"), (52, P.SIGNED, "else"))), catches="destination"),
    "strangers": Journey(_NORMAL, catches="parties", strangers=True),
    "outbound": Journey(_NORMAL, catches="outbound", begins_h=-120, outbound=True),
    "reused": Journey(_NORMAL, catches="unique"),
    "empty_box": Journey(_NORMAL, catches="weight", weighs=0.05),
    "recalled": Journey((*_BEGUN, *_steps((10, P.RETURNING, "from"), (24, P.RETURNED, "from"))), catches="course"),
    "frozen": Journey(_BEGUN, catches="course"),
    # what goes wrong, and is nobody's forgery
    "lost": Journey((*_BEGUN, *_steps((72, P.LOST, "to")))),
    "damaged": Journey((*_NORMAL[:3], *_steps((24, P.DAMAGED, "to")))),
    "refused": Journey((*_NORMAL[:4], *_steps((28, P.REJECTED, "to"), (40, P.RETURNING, "to"), (64, P.RETURNED, "from")))),
}


def scans_of(journey: Journey, sender: End, receiver: End, weight_g: int, begins: datetime) -> Iterator[tuple[datetime, Scan]]:
    """Every scan of a journey that begins at ``begins``, each with the instant from which its carrier shows it."""
    cities = {"from": sender.city, "to": receiver.city, "near": neighbour(sender.city), "else": elsewhere(sender, receiver)}
    kg = f"{weight_g / 1000:.2f}"
    for step in journey.steps:
        made = begins + timedelta(hours=step.after_h)
        city = cities[step.place]
        weight = weight_g if step.state is P.PICKED_UP else None
        told = made + timedelta(minutes=step.skew_min)
        yield (
            made + timedelta(hours=step.late_h),
            Scan(told, step.state, "", TEXTS[step.state].format(city=city, kg=kg), city, weight),
        )


def neighbour(city: str) -> str:
    """A city next to this one; itself where none is known."""
    return CITIES[city][2] if city in CITIES else city


def elsewhere(sender: End, receiver: End) -> str:
    """A city that is neither's."""
    return next(city for city in ELSEWHERE if city not in (sender.city, receiver.city))


def area_of(city: str) -> str:
    """The area as some platforms write it: ``浙江,杭州市,余杭区``; the city alone where no more is known."""
    province, district, _ = CITIES.get(city, ("", "", ""))
    return ",".join(part for part in (province, city, district) if part)


def instant(seconds: float) -> datetime:
    """An aware instant of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
