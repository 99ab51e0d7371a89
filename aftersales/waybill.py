"""Waybill: the numbers of parcels. Who could have given one, whether its check digit is right, and what it is claimed under.

A right check digit says that a number was not mistyped; that the parcel exists, only its carrier can say. Chinese carriers publish
no check digit: their numbers have a form alone, which proves nothing, and the forms here are from experience.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from aftersales.company import COMPANIES, company_of
from aftersales.form import ABROAD, LOOSE, MARKED, PLAUSIBLE, Form
from aftersales.s10 import COUNTRIES, SERVICES, item_of

#: The one answer about what can be nobody's number, in the name of the carrier that is said to have given it.
NO_NUMBER = "no parcel number"


@dataclass(frozen=True, slots=True)
class Format:
    """One way of numbering that a number is written in. ``valid``: its check digit and country; None where it has neither.

    ``name`` says "form only" where None.
    """

    name: str
    carrier: str
    valid: bool | None


def carrier_of(said: str) -> str:
    """Our code for a carrier, however it is named; of an unknown one what was said, lower-case, without blanks around."""
    company = company_of(said)
    return company.code if company else unicodedata.normalize("NFKC", said).strip().lower()


def number_of(said: str) -> str:
    """A number as it is compared: capital letters, nothing between; of one of several packages of JD's, that of them all."""
    number = unicodedata.normalize("NFKC", said).upper()
    if package := _JD_PACKAGE.fullmatch(number):
        number = package[1]
    number = "".join(c for c in number if not c.isspace() and c not in _DASHES)
    return number if number == said else number_of(number)  # capitals of some scripts, and what was apart, combine anew


#: JD marks package 1 of 3 of one waybill as JD0123456789012-1-3- (from experience).
_JD_PACKAGE = re.compile(r"\s*(JD[0-9A-Z]{8,18})-[0-9]{1,3}-[0-9]{1,3}-?[0-9]{0,3}\s*")

#: Hyphen, its kin, and what pasting leaves behind unseen.
_DASHES = frozenset("-‐‑‒–—―−_\u00ad\u200b\u200c\u200d\u2060\ufeff")


def needs_phone(carrier: str) -> bool:
    """Whether this carrier answers only who tells the tail of the sender's or the receiver's phone."""
    company = company_of(carrier)
    return company is not None and company.tail


def formats_of(number: str, carrier: str = "") -> tuple[Format, ...]:
    """Every way of numbering that ``number`` is written in, those of the stated carrier first; none for what nobody writes.

    Where a carrier is stated and the number can be nobody's at all, the one answer is False, in that carrier's name.
    """
    number, stated = number_of(number), carrier_of(carrier)
    if not PLAUSIBLE.fullmatch(number):
        return (Format(NO_NUMBER, stated, valid=False),) if stated else ()
    found = [*_postal(number, stated), *(f for form in (*ABROAD, *MARKED) if (f := _read(form, number)))]
    if not any(f.carrier == stated for f in found):
        found += [f for form in LOOSE if form.carrier == stated and (f := _read(form, number))]
    return tuple(sorted(found, key=lambda f: f.carrier != stated))


def country_of(number: str) -> str:
    """The country whose post gave the number, by S10; "" for a number of another kind and for a country that is none."""
    item = item_of(number_of(number))
    return item.country if item and item.country in COUNTRIES else ""


def claim_of(carrier: str, number: str) -> str:
    """The name that one case alone may hold: ``waybill#sf#SF1234567890123``.

    It stays the same however carrier and number are written. Numbers by S10 are unique in the world, and are claimed under ``s10``
    whichever post is named; EMS and China Post number from one pool.
    """
    number, company = number_of(number), company_of(carrier)
    item = item_of(number)
    pool = "s10" if item and item.valid else company.pool if company else carrier_of(carrier)
    return f"waybill#{pool}#{number}"


def _read(form: Form, number: str) -> Format | None:
    found = form.pattern.fullmatch(number)
    if found is None:
        return None
    if form.check is None:
        return Format(f"{form.name}, form only", form.carrier, None)
    return Format(form.name, form.carrier, form.check(*found.groups()))


#: The post that a country's numbers are followed with, where we have a code for it.
_POSTS = {
    "AU": "auspost",
    "CA": "canadapost",
    "CN": "post",
    "DE": "deutschepost",
    "FR": "laposte",
    "GB": "royalmail",
    "HK": "hongkongpost",
    "JP": "japanpost",
    "KR": "koreapost",
    "NL": "postnl",
    "RU": "russianpost",
    "SG": "singpost",
    "US": "usps",
}


def _postal(number: str, stated: str) -> list[Format]:
    """S10: the post that is stated may be where the item goes to, and carries it as well."""
    item = item_of(number)
    if item is None:
        return []
    company = COMPANIES.get(stated)
    post = "ems" if item.country == "CN" and item.service[0] == "E" else _POSTS.get(item.country, "s10")
    service = SERVICES.get(item.service[0], "item")
    return [Format(f"S10 {service}", stated if company and company.post else post, item.valid)]
