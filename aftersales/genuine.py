"""Genuine: is this return real? A check list over what is known of one parcel, each line a Finding that passes, fails or is unsure.

A fail speaks clearly against the parcel; a doubt, or nothing known, is unsure. Neither rejects or approves anybody: silence does
not pay, a person decides, and the buyer is told what would do. The lines are pure functions of :class:`Returned`; those that scans
answer are in :mod:`aftersales.course`. The numbers are explained in ``docs/return-checks.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from aftersales import course
from aftersales.company import COMPANIES
from aftersales.decision import Finding, Verdict
from aftersales.form import ABROAD, LOOSE, MARKED, PLAUSIBLE
from aftersales.returned import Returned, bad, finding, good, unsure
from aftersales.tracking import Found, Party
from aftersales.waybill import formats_of, number_of

__all__ = ["CHECKS", "NECESSARY", "Returned", "checks", "overall"]

#: Digits that two numbers share by chance in no shop: all of Chinese carriers have more.
SAME_DIGITS = 11

#: The tail of a party's phone, where a carrier's sentence tells it: "收件人尾号 4321", "sender 138****1111". A courier's is none.
_TAIL = re.compile(
    r"(?:(收件人|收货人|receiver|recipient|consignee)|寄件人|发件人|sender)[^0-9*,，。;；]{0,20}?"
    r"(?:(?:尾号|tail|ending)[^0-9,，。;；]{0,6}|[0-9]{0,3}\*{2,}|[0-9]{7})([0-9]{4})(?![0-9])",
    re.IGNORECASE,
)


def checks(returned: Returned) -> tuple[Finding, ...]:
    """The whole list, always in the same order. A label of ours settles what else would not be known, never what speaks against."""
    return tuple(_by_label(returned, check(returned)) for check in CHECKS.values())


def overall(findings: Iterable[Finding]) -> Finding:
    """What the list says together: one fail is enough to fail, every necessary line has to pass for a pass."""
    found = tuple(findings)
    against = [f for f in found if f.verdict is Verdict.FAIL]
    passed = {f.check.removeprefix("parcel.") for f in found if f.verdict is Verdict.PASS}
    open_ = [name for name in NECESSARY if name not in passed]
    if against:
        return finding("genuine", Verdict.FAIL, "against", checks=_names(f.check for f in against))
    if open_:
        return finding("genuine", Verdict.UNSURE, "open", checks=_names(open_))
    return finding("genuine", Verdict.PASS, "real")


def _names(names: Iterable[str]) -> str:
    return ", ".join(name.removeprefix("parcel.") for name in names)


# --- the number ---------------------------------------------------------------------------------------------------------
def written(it: Returned) -> Finding:
    """The number can be one of its carrier's, as far as its form and check digit tell; that it is one, only the carrier can."""
    number, carrier = number_of(it.number), it.drives
    if not PLAUSIBLE.fullmatch(number):
        return bad("format", "no_number")
    fitting = formats_of(number, carrier)
    own = [f.valid for f in fitting if f.carrier == carrier or not (carrier or number.isdigit())]  # digits alone fit by chance
    if True in own:
        return good("format", "valid")
    if None in own:
        return unsure("format", "form_only")
    nobodys = all(f.valid is False for f in fitting) and not any(form.pattern.fullmatch(number) for form in LOOSE)
    if (own and carrier) or (fitting and nobodys):
        return bad("format", "check_digit")
    if carrier not in _FORMED:
        return unsure("format", "form_unknown")
    if nobodys and not it.carried:
        return bad("format", "not_its_form", carrier=carrier)
    return unsure("format", "other_carrier", carrier=carrier)


#: Carriers whose forms are known.
_FORMED = frozenset(form.carrier for form in (*ABROAD, *MARKED, *LOOSE)) | {c.code for c in COMPANIES.values() if c.post}


def outbound(it: Returned) -> Finding:
    """It is not the waybill under which the goods were sent out."""
    sent = number_of(it.outbound[1]) if it.outbound else ""
    number = number_of(it.number)
    if sent and sent == number:
        return bad("outbound", "same")
    digits = [re.sub("[^0-9]", "", each) for each in (sent, number)]
    if digits[0] == digits[1] and len(digits[0]) >= SAME_DIGITS:
        return unsure("outbound", "alike")
    if sent:
        return good("outbound", "other")
    later = course.began(it).verdict is Verdict.PASS  # what brought the goods was under way before they could be sent back
    return good("outbound", "later") if later else unsure("outbound", "not_known")


def unique(it: Returned) -> Finding:
    """No other case has this number, unless it was said beforehand that several come in one parcel."""
    if it.elsewhere is None:
        return unsure("unique", "not_known")
    if not it.elsewhere:
        return good("unique", "declared" if it.declared else "alone")
    return good("unique", "declared") if it.declared else bad("unique", "elsewhere")


def parties(it: Returned) -> Finding:
    """Its label has the phones of buyer and shop. That proves who, not in which direction."""
    proved, denied = _phones(it)
    if denied >= {*Party}:
        return bad("parties", "strangers")
    if Party.SHOP in denied:
        return bad("parties", "not_the_shop")
    if Party.BUYER in denied:
        return unsure("parties", "not_the_buyer")
    if proved and it.home_tail and it.home_tail == it.shop_tail:
        return unsure("parties", "one_phone")
    if proved >= {*Party}:
        return good("parties", "both")
    if it.found is Found.OTHER_PARTY and not proved:
        return unsure("parties", "other_phone")
    return unsure("parties", "one_of_two" if proved else "not_asked")


def _phones(it: Returned) -> tuple[frozenset[Party], frozenset[Party]]:
    """Parties whose phone the carrier knows for this parcel, and those whose it does not; else what its sentences say of them."""
    proved, denied = set(it.proved), set(it.denied)
    for scan in it.carried:
        for found in _TAIL.finditer(scan.text):
            party, tail = (Party.SHOP, it.shop_tail) if found[1] else (Party.BUYER, it.home_tail)
            if tail and party not in (*it.proved, *it.denied):
                (proved if found[2] == tail else denied).add(party)
    return frozenset(proved), frozenset(denied - proved)


# --- the list -----------------------------------------------------------------------------------------------------------
#: Every line by its name, in the order in which it is told.
CHECKS: dict[str, Callable[[Returned], Finding]] = {
    "format": written,
    "outbound": outbound,
    "unique": unique,
    "exists": course.exists,
    "picked_up": course.picked_up,
    "began": course.began,
    "in_time": course.in_time,
    "origin": course.origin,
    "destination": course.destination,
    "parties": parties,
    "weight": course.weight,
    "course": course.course,
}

#: Lines that have to pass. The others speak against a parcel, or not at all.
NECESSARY = ("outbound", "unique", "exists", "picked_up", "began", "origin", "destination", "course")

#: Lines that hold by construction where the label is ours: its number, addresses, phones and time.
BY_LABEL = frozenset({"format", "outbound", "unique", "exists", "began", "origin", "destination", "parties"})


def _by_label(it: Returned, found: Finding) -> Finding:
    if it.label and found.verdict is Verdict.UNSURE and found.check.removeprefix("parcel.") in BY_LABEL:
        return replace(found, verdict=Verdict.PASS, reason=f"{found.check}.ours", data=())
    return found
