"""``aftersales trace FILE.json``: is this return real? The check list over what a file tells of one parcel.

FILE is one object; only ``number`` has to be there, and what is left out is not known::

    {"approved_at": "2026-11-10T10:00:00+08:00", "carrier": "sf", "number": "SF1234567890123", "expected_weight_g": 2000,
     "buyer": {"city": "杭州市", "phone_tail": "1111"}, "merchant": {"city": "烟台市", "phone_tail": "4321"},
     "outbound": {"carrier": "sf", "number": "SF1111111111111"}, "seen_elsewhere": false,
     "scans": [{"at": "2026-11-11 09:00:00", "state": "PICKED_UP", "city": "杭州市", "text": "", "weight_g": 2050}]}

States are those of :class:`aftersales.tracking.Passage`, in any case; a time without a zone is Shanghai's; weights are grams. It
may also say ``ship_by``, ``told_at``, ``corrected`` (who really carries it), ``found`` (known, not_yet, never, other_party),
``frozen``, ``over``, ``declared`` (several cases in one parcel, said beforehand), ``label`` (the label is ours), ``proved`` and
``denied`` (lists of buyer, merchant: whose phone the carrier took or refused) and ``neighbours`` (``{"杭州市": ["上海市"]}``).

The number of ``outbound`` may also stand under ``tracking_number``, ``waybill``, ``waybill_no`` or ``no``.

Of what is left out, ``ship_by`` is seven days after the approval, ``told_at`` the first scan (without any: the approval), and
``now`` three days after the last thing that the file tells, not before ``ship_by``: the file is the whole story, and is judged the
same for ever.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from aftersales.course import YOUNG
from aftersales.decision import Finding
from aftersales.errors import AftersalesError, Invalid
from aftersales.genuine import Returned, checks, overall
from aftersales.parcel import PARCEL_TIMEOUTS, ParcelState
from aftersales.place import Place, place_of
from aftersales.text import text
from aftersales.tracking import Found, Party, Passage, Scan

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: How long a buyer has to send the goods, where nothing else is told.
TO_SEND = PARCEL_TIMEOUTS[ParcelState.AWAITING_SHIPMENT]
#: What time it is in a file that tells none: no line then asks.
NEVER = datetime(2000, 1, 1, tzinfo=SHANGHAI)
#: What a file may hold at most: more is no parcel's story.
MOST_BYTES, MOST_SCANS, MOST_NAMES, LONGEST, MOST_G = 2_000_000, 2_000, 400, 1_000, 10**9

FIELDS = (
    "approved_at", "buyer", "merchant", "outbound", "carrier", "number", "expected_weight_g", "scans", "seen_elsewhere",
    "ship_by", "told_at", "now", "corrected", "found", "frozen", "over", "declared", "label", "proved", "denied", "neighbours",
)  # fmt: skip
#: Under which the outbound number may stand: shops' systems name it in each of these ways.
NUMBERS = ("number", "tracking_number", "waybill", "waybill_no", "no")
PARTIES = {"buyer": Party.BUYER, "merchant": Party.SHOP, "shop": Party.SHOP}
Said = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file and the language."""
    parser.add_argument("file", type=Path, metavar="FILE.json", help="what is known of the parcel, and its scans")
    parser.add_argument("--locale", default="en", help="the language of the sentences")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(args: argparse.Namespace) -> int:
    """Print every line of the list and what they say together; 2 when the file cannot be read as it should be."""
    try:
        said = _read(args.file)
        found = checks(returned_of(said))
    except AftersalesError as error:
        if args.json:
            problem = {"code": error.code, "detail": error.message, "todo": error.todo, "details": error.details}
            print(json.dumps(problem, default=str))
        told = "; ".join(f"{name} {error.details[name]}" for name in ("where", "found", "expected") if name in error.details)
        print(f"aftersales trace: {error.message} ({told})", file=sys.stderr)
        return 2
    unread = sorted(set(said) - set(FIELDS))
    if unread:
        print(f"aftersales trace: nothing is known of {', '.join(map(_short, unread[:5]))}; left aside.", file=sys.stderr)
    whole = overall(found)
    if args.json:
        lines = [{"check": f.check, "verdict": f.verdict, "reason": worded(f, args.locale)} for f in found]
        print(json.dumps({"checks": lines, "overall": {"verdict": whole.verdict, "reason": _whole(whole, found, args.locale)}}))
    else:
        print("\n".join(f"{f.verdict:7}{f.check:20}{worded(f, args.locale)}" for f in (*found, whole)))
    return 0


def worded(finding: Finding, locale: str) -> str:
    """What a line says, its figures behind it."""
    figures = ", ".join(f"{name} {value}" for name, value in finding.data if value != "")
    return text("functions", finding.reason, locale) + (f" ({figures})" if figures else "")


def _whole(whole: Finding, found: tuple[Finding, ...], locale: str) -> str:
    """What all of it says: the sentences that it rests on."""
    named = str(dict(whole.data).get("checks", "")).split(", ")
    resting = [worded(f, locale) for f in found if f.check.removeprefix("parcel.") in named]
    return " ".join((text("functions", whole.reason, locale), *resting))


# --- the file -----------------------------------------------------------------------------------------------------------
def _read(path: Path) -> Said:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise Invalid(f"{path.name} is too long.", expected=f"{MOST_BYTES} bytes at most")
        found = json.loads(content.decode("utf-8-sig"), parse_constant=_no_number)
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path.name} is no JSON: {_short(error)}.") from error
    return _object(found, "the document")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def returned_of(said: Said) -> Returned:
    """What the document tells. Raises Invalid, the place named, for whatever is not of the form."""
    approved_at = _instant(said, "approved_at")
    number = _text(said, "number")
    if said.get("number") is None:
        raise Invalid("It has to be told.", where="number")
    buyer, merchant = (_object(said.get(name) or {}, name) for name in ("buyer", "merchant"))
    scans = _scans(said)
    told_at = _instant(said, "told_at") or min((scan.at for scan in scans), default=approved_at)
    ship_by = _instant(said, "ship_by") or (approved_at + TO_SEND if approved_at else None)
    told = (approved_at, told_at, *(scan.at for scan in scans))
    ends = (ship_by, *(at + YOUNG for at in told if at))
    found = _text(said, "found").lower()
    if found and found not in set(Found):
        raise Invalid("A carrier answers otherwise.", where="found", expected=[str(f) for f in Found], found=_short(found))
    return Returned(
        _text(said, "carrier"),
        number,
        _instant(said, "now") or max((at for at in ends if at), default=NEVER),
        approved_at=approved_at,
        ship_by=ship_by,
        told_at=told_at,
        outbound=_outbound(said),
        home=_place(buyer, "buyer."),
        home_tail=_tail(buyer, "buyer."),
        shop=_place(merchant, "merchant."),
        shop_tail=_tail(merchant, "merchant."),
        expected_g=_grams(said, "expected_weight_g"),
        scans=scans,
        found=Found(found) if found else None,
        corrected=_text(said, "corrected"),
        frozen=bool(_flag(said, "frozen")),
        over=bool(_flag(said, "over")),
        proved=_parties(said, "proved"),
        denied=_parties(said, "denied"),
        elsewhere=_flag(said, "seen_elsewhere"),
        declared=bool(_flag(said, "declared")),
        label=bool(_flag(said, "label")),
        also=_neighbours(said),
    )


def _outbound(said: Said) -> tuple[str, str] | None:
    out = _object(said.get("outbound") or {}, "outbound")
    number = next((found for name in NUMBERS if (found := _text(out, name, "outbound."))), "")
    return (_text(out, "carrier", "outbound."), number) if out else None


def _scans(said: Said) -> tuple[Scan, ...]:
    return tuple(_scan(_object(row, f"scans[{n}]"), f"scans[{n}].") for n, row in enumerate(_list(said, "scans", MOST_SCANS)))


def _scan(row: Said, at: str) -> Scan:
    when, state = _instant(row, "at", at), "_".join(_text(row, "state", at).lower().replace("-", " ").split())
    if when is None:
        raise Invalid("A scan says when.", where=f"{at}at", expected="2026-11-11T09:00:00+08:00")
    if state not in set(Passage):
        raise Invalid("This is no state of a parcel.", where=f"{at}state", expected=[str(p) for p in Passage], found=_short(state))
    code, words, city = (_text(row, name, at) for name in ("code", "text", "city"))
    return Scan(when, Passage(state), code, words, city, _grams(row, "weight_g", at))


def _neighbours(said: Said) -> dict[str, list[str]]:
    told = _object(said.get("neighbours") or {}, "neighbours")
    rows = {city: _list(told, city, MOST_NAMES, "neighbours.") for city in list(told)[:MOST_NAMES]}
    for city, names in rows.items():
        if not all(isinstance(name, str) for name in names):
            raise Invalid("A neighbour is a city's name.", where=f"neighbours.{_short(city)}")
    return rows


def _parties(said: Said, name: str) -> tuple[Party, ...]:
    told = _list(said, name, len(PARTIES))
    if not all(isinstance(party, str) and party in PARTIES for party in told):
        raise Invalid("Those are no parties of a parcel.", where=name, expected=["buyer", "merchant"], found=_short(told))
    return tuple(sorted({PARTIES[party] for party in told}))


def _place(said: Said, at: str) -> Place | None:
    city = _text(said, "city", at)
    found = place_of(city)
    return (found if found.city else Place(city=city)) if city else None


def _tail(said: Said, at: str) -> str:
    digits = "".join(c for c in _text(said, "phone_tail", at) if c in "0123456789")
    return digits[-4:]


# --- values -------------------------------------------------------------------------------------------------------------
def _object(said: Any, where: str) -> Said:
    if not isinstance(said, dict):
        raise Invalid("This is no object.", where=where, found=_short(said))
    return said


def _list(said: Said, name: str, most: int, at: str = "") -> list[Any]:
    value = said.get(name)
    if value is not None and (not isinstance(value, list) or len(value) > most):
        raise Invalid(f"This is a list of at most {most}.", where=at + _short(name), found=_short(value))
    return value or []


def _text(said: Said, name: str, at: str = "") -> str:
    value = said.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > LONGEST):
        raise Invalid(f"This is a text of at most {LONGEST} characters.", where=at + name, found=_short(value))
    return (value or "").encode("utf-8", "replace").decode().strip()  # half of a pair of code units can be no text


def _flag(said: Said, name: str) -> bool | None:
    value = said.get(name)
    if value is not None and not isinstance(value, bool):
        raise Invalid("This is true or false.", where=name, found=_short(value))
    return value


def _grams(said: Said, name: str, at: str = "") -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_G:
        raise Invalid("A weight is a number of grams.", where=at + name, found=_short(value))
    return round(value)


def _instant(said: Said, name: str, at: str = "") -> datetime | None:
    value = said.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or not 2000 <= found.year < 2200:
        raise Invalid("This is no instant.", where=at + name, expected="2026-11-11T09:00:00+08:00", found=_short(value))
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def _short(value: object) -> str:
    """A value as a message shows it: never long, never half a character."""
    try:
        return str(value).encode("utf-8", "replace").decode()[:60]
    except ValueError:  # a number of more digits than are ever printed
        return "a very long number"
