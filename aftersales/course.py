"""Course: what a parcel's scans say on the check list: taken in, when, where, whither, how heavy, and what became of it.

Scans lie both ways: the first ones come late, clocks are wrong, the pickup is left out. What could be that is unsure, never a fail.
The numbers here, and where they are from, are explained in ``docs/return-checks.md``.
"""

from __future__ import annotations

from datetime import timedelta

from aftersales.decision import Finding
from aftersales.returned import Returned, bad, good, unsure
from aftersales.tracking import Found, Passage, Scan

P = Passage

#: How long a carrier may know nothing of a number, or have a label and no goods. Kuaidi100 gives a number up after three days.
YOUNG = timedelta(days=3)

#: How far before the approval the first scan may be: what clocks are off by, and what it takes to think so.
SKEW, DOUBT = timedelta(hours=1), timedelta(hours=2)
#: The same where a time may be local and from another country: New York is thirteen hours behind Shanghai, Hawaii eighteen.
ZONES = timedelta(hours=18)

#: How late after the last day the first scan may come although the goods were handed over in time, and from when it is too late.
LATE, TOO_LATE = timedelta(days=1), timedelta(days=3)

#: Parts of the expected weight, in percent: less than LIGHT is an empty box, from FAIR to HEAVY (and WRAPPING_G more) is right.
LIGHT, FAIR, HEAVY = 50, 80, 150
#: Packing, and what rounding up to the next kilogram adds; what scales are off by.
WRAPPING_G, SCALE_G = 1_000, 100
#: The least that carriers bill: couriers write it down without weighing, so that it says nothing of heavier goods.
BILLED_G = 1_000


# --- has the carrier got it ---------------------------------------------------------------------------------------------
def exists(it: Returned) -> Finding:
    """The carrier knows the number: not one that it never gave, and not a label that was cancelled before anything went with it."""
    states = [scan.state for scan in it.told]
    if it.carried:
        return good("exists", "carried")
    if it.found is Found.NEVER:
        return bad("exists", "never")
    labels = [state for state in states if state in (P.REGISTERED, P.CANCELLED)]
    if labels:
        return bad("exists", "cancelled") if labels[-1] is P.CANCELLED else good("exists", "label")
    if P.NOT_FOUND in states or it.found is Found.NOT_YET:
        return bad("exists", "not_found", days=YOUNG.days) if _old(it) else unsure("exists", "not_yet", days=YOUNG.days)
    if it.found is Found.KNOWN:
        return good("exists", "known")
    return unsure("exists", "other_party" if it.found is Found.OTHER_PARTY else "not_asked")


def picked_up(it: Returned) -> Finding:
    """The carrier has the goods: an ordered label is none; a scan on the way is, also where that of the pickup is missing."""
    if it.carried:
        return good("picked_up", "taken" if it.begins else "seen_later")
    labels = [scan.state for scan in it.told if scan.state in (P.REGISTERED, P.CANCELLED)]
    if not labels or labels[-1] is P.CANCELLED:
        return unsure("picked_up", "no_scan")
    too_late = _old(it) and it.ship_by is not None and it.now >= it.ship_by
    return bad("picked_up", "only_label", days=YOUNG.days) if too_late else unsure("picked_up", "not_yet")


def _old(it: Returned) -> bool:
    """Whether the number has been with us for so long that its carrier should know."""
    return it.told_at is not None and it.now - it.told_at >= YOUNG


# --- when ---------------------------------------------------------------------------------------------------------------
def began(it: Returned) -> Finding:
    """It was taken in after the return was approved: what was under way before is another parcel."""
    if not it.carried or it.approved_at is None:
        return unsure("began", "no_scan" if it.approved_at else "no_approval")
    early = it.approved_at - it.carried[0].at
    if early <= SKEW:
        return good("began", "after" if early <= timedelta(0) else "clocks")
    hours = round(early / timedelta(hours=1))
    return (
        unsure("began", "just_before", hours=hours)
        if early <= (ZONES if it.abroad else DOUBT)
        else bad("began", "before", hours=hours)
    )


def in_time(it: Returned) -> Finding:
    """It was taken in before the time to send it was over; a scan may come later than the goods."""
    if not it.carried or it.ship_by is None:
        return unsure("in_time", "no_scan" if it.ship_by else "no_limit")
    late = it.carried[0].at - it.ship_by
    if late <= LATE:
        return good("in_time", "in_time" if late <= timedelta(0) else "late_scan")
    hours = round(late / timedelta(hours=1))
    return unsure("in_time", "a_bit_late", hours=hours) if late <= TOO_LATE else bad("in_time", "too_late", hours=hours)


# --- from where, and whither --------------------------------------------------------------------------------------------
def origin(it: Returned) -> Finding:
    """It was taken in where the buyer lives, or next to it. Without the pickup's scan, a hub far away says nothing."""
    if not it.carried:
        return unsure("origin", "no_scan")
    if it.home is None:
        return unsure("origin", "no_address")
    first = it.begins if it.begins and it.begins.city else _first_place(it)
    near = it.at_home(first)
    if near is None or first.state not in (P.PICKED_UP, P.IN_TRANSIT):
        return unsure("origin", "no_city")
    if near:
        return good("origin", "there", city=first.city)
    clear = first.state is P.PICKED_UP and bool(first.city)  # a sentence may name the next stop
    return bad("origin", "elsewhere", city=first.city) if clear else unsure("origin", "seen_elsewhere", city=first.city)


def _first_place(it: Returned) -> Scan:
    """The first scan before the last way to the door that says where it was made; else the first one."""
    early = (scan for scan in it.carried if scan.state in (P.PICKED_UP, P.IN_TRANSIT))
    return next((scan for scan in early if it.at_home(scan) is not None), it.carried[0])


def destination(it: Returned) -> Finding:
    """It was signed for where the shop is, or next to it; or is on its last way there."""
    if not it.carried:
        return unsure("destination", "no_scan")
    if it.shop is None:
        return unsure("destination", "no_address")
    signed = next((scan for scan in reversed(it.carried) if scan.state is P.SIGNED), None)
    last = signed or it.carried[-1]
    if it.at_shop(last) is None:  # it says no city: the one before may
        last = next((scan for scan in reversed(it.carried) if it.at_shop(scan) is not None), last)
    near = it.at_shop(last)
    if near is None:
        return unsure("destination", "no_city")
    if near:
        return good("destination", "signed" if signed else "there", city=last.city)
    if _turned(it):
        return unsure("destination", "turned_back")
    if signed and last is signed and last.city:
        return bad("destination", "elsewhere", city=last.city)
    astray = last.state is P.OUT_FOR_DELIVERY and bool(last.city) and it.at_home(last) is False
    return bad("destination", "elsewhere", city=last.city) if astray else unsure("destination", "on_its_way")


# --- how heavy ----------------------------------------------------------------------------------------------------------
def weight(it: Returned) -> Finding:
    """It weighs what the goods weigh, packing and rounding aside. Only far too light speaks against it."""
    weighed = [scan.weight_g for scan in it.carried if scan.weight_g and scan.weight_g > 0]
    expected = it.expected_g or 0
    if not weighed or expected <= 0:
        return unsure("weight", "not_weighed" if expected > 0 else "not_known")
    low, high = min(weighed), max(weighed)
    data = {"weighed_g": low if low * 100 < expected * FAIR else high, "expected_g": expected}
    if all(_light(each, expected) for each in weighed):
        return bad("weight", "far_too_light", **data)
    if low * 100 >= expected * FAIR and high * 100 <= expected * HEAVY + WRAPPING_G * 100:
        return good("weight", "fits", **data)
    return unsure("weight", "outside", **data)


def _light(weighed: int, expected: int) -> bool:
    return weighed * 100 < expected * LIGHT and expected - weighed >= SCALE_G and weighed != BILLED_G


# --- what became of it --------------------------------------------------------------------------------------------------
def course(it: Returned) -> Finding:
    """It went its way, or arrived: not turned back, cancelled after the pickup, frozen, lost."""
    if not it.carried:
        return unsure("course", "no_scan")
    last, states = it.course[-1].state, [scan.state for scan in it.course]
    if _turned(it):
        return _back(it)
    if P.CANCELLED in states:
        after = states[len(states) - states[::-1].index(P.CANCELLED) :]
        return unsure("course", "cancelled_and_moved") if _moves(after) else bad("course", "cancelled")
    if P.SIGNED in states and last not in (P.LOST, P.REJECTED):
        return good("course", "arrived")
    if it.frozen or last is P.EXPIRED:
        return bad("course", "frozen")
    if last in _DOUBTFUL or it.over:
        return unsure("course", str(last) if last in _DOUBTFUL else "ended")
    return good("course", "moves")


#: Where a parcel can stand without anybody having forged it, and a person has to look.
_DOUBTFUL = frozenset({P.LOST, P.DAMAGED, P.REJECTED, P.PROBLEM})
_BACK = frozenset({P.RETURNING, P.RETURNED})


def _turned(it: Returned) -> tuple[Scan, ...]:
    """The scans that say that it goes back to who sent it."""
    return tuple(scan for scan in it.course if scan.state in _BACK)


def _moves(states: list[Passage]) -> bool:
    return any(state in (P.IN_TRANSIT, P.OUT_FOR_DELIVERY, P.AT_STATION, P.SIGNED) for state in states)


def _back(it: Returned) -> Finding:
    """What it means that a parcel turned back: recalled, or refused at the shop's door; unless it was sent there once more."""
    turned = _turned(it)
    after = [scan for scan in it.carried if scan.order > turned[-1].order and scan.state is P.SIGNED]
    if after and it.at_shop(after[-1]) is not False and it.at_home(after[-1]) is not True:
        return unsure("course", "came_again")
    refused = any(scan.state is P.REJECTED and scan.order < turned[0].order for scan in it.course)
    return unsure("course", "refused") if refused else bad("course", "turned_back")
