"""Labels: are the goods' label or the waybill and the flaw in one picture, and does what can be read belong to the order."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aftersales.decision import Finding, Region, Source, Verdict
from aftersales.photo import PhotoQuestion
from plugins.vision.personal import flat
from plugins.vision.reading import Text
from plugins.vision.sheet import SURE, Sheets
from plugins.vision.waybill import carrier_of, of_code, plain
from plugins.vision.waybill import numbers as tracking_numbers

#: What readers confuse: each of a group stands for the first of it.
_ALIKE = str.maketrans("OQDILBSZG", "000118526")
#: A line of another order's number says so itself.
_ORDER = re.compile(r"(?:订单编?号|order\s*(?:no|number|id|#))\s*[.:：]?\s*([A-Za-z0-9-]{4,40})", re.IGNORECASE)
#: From this confidence on what differs counts as differing; below it may be misread.
DIFFERS_FROM = 0.9
#: Shorter numbers than this stand in too many places to say anything.
LEAST = 4

Read = tuple[str, float, Region, str]  # text in capitals, confidence, place, kind of code or "" for print


def label(sheets: Sheets, question: PhotoQuestion, flaw_seen: bool = False) -> Finding:
    """``vision.label``: what is seen, and MISSING where the merchant wants label and flaw together and only the flaw is there."""
    seen = sheets.has_label or sheets.has_waybill
    surest = max(sheets.label, sheets.waybill)
    data = (("label", sheets.has_label), ("waybill", sheets.has_waybill))
    regions = sheets.label_regions + ((sheets.waybill_region,) if sheets.waybill_region else ())
    if question.label_with_flaw and flaw_seen and not seen:
        return Finding("vision.label", Verdict.MISSING, "vision.label_missing", Source.MODEL, round(1 - surest, 3), data)
    reason, sure = ("vision.label_seen", surest) if seen else ("vision.label_not_seen", 1 - surest)
    return Finding("vision.label", Verdict.PASS, reason, Source.MODEL, round(sure, 3), data, regions=regions[-12:])


def words(text: Text, question: PhotoQuestion) -> Finding:
    """``vision.text``: what was read against what the order says.

    ``which`` names what agrees or differs ("tracking", "order_id", "title", …); ``read`` is False where no words were read.
    Differing takes a sure reading: another number of the same carrier's form, or an order number that calls itself one.
    """
    known, read = dict(question.written), _read(text)
    agreeing = [(what, found) for what, value in question.written if what != "title" for found in _agrees(value, read)]
    if agreeing:
        return _finding("vision.text_agrees", agreeing, text)
    differing = [("tracking", found) for found in _other_tracking(known.get("tracking", ""), read)]
    differing += [("order_id", found) for found in _other_order(known.get("order_id", ""), text)]
    if differing:
        return _finding("vision.text_differs", differing, text)
    named = [("title", found) for found in _named((question.title, known.get("title", "")), text)]
    return _finding("vision.text_agrees" if named else "vision.no_text", named, text)


def _finding(reason: str, found: list[tuple[str, Read]], text: Text) -> Finding:
    which = ",".join(dict.fromkeys(what for what, _ in found))
    data = (("read", text.read), ("which", which))
    verdict = Verdict.UNSURE if reason == "vision.text_differs" else Verdict.PASS
    sure = max((entry[1] for _, entry in found), default=1.0 if text.read else 0.5)
    regions = tuple(dict.fromkeys(entry[2] for _, entry in found))[:12]
    return Finding("vision.text", verdict, reason, Source.MODEL, round(sure, 3), data, regions=regions)


def _read(text: Text) -> list[Read]:
    codes = [(plain(code.text), 1.0, code.region, code.kind) for code in text.codes]
    return [*codes, *((plain(line.text), line.confidence, line.region, "") for line in text.lines if line.text)]


def _agrees(value: str, read: Iterable[Read]) -> list[Read]:
    """Where ``value`` stands, letters that look alike taken for the same; one misread character in ten is forgiven in print.

    What is shorter than eight characters has to stand by itself: a date holds many a short number.
    """
    wanted = re.sub(r"[^0-9A-Z]", "", plain(value))
    if len(wanted) < LEAST:
        return []
    found = []
    for entry in read:
        alike = wanted.translate(_ALIKE)
        if len(wanted) < 8:
            same = alike in (run.translate(_ALIKE) for run in re.findall(r"[0-9A-Z]+", entry[0]))
        else:
            given = re.sub(r"[^0-9A-Z]", "", entry[0])
            same = wanted in given or (not entry[3] and _near(alike, given.translate(_ALIKE), len(wanted) // 10))
        if same:
            found.append(entry)
    return found


def _near(wanted: str, given: str, slack: int) -> bool:
    """Whether ``given`` holds ``wanted`` with at most ``slack`` characters read as another."""
    size = len(wanted)
    starts = range(max(0, len(given) - size + 1))
    return any(sum(a != b for a, b in zip(wanted, given[i : i + size], strict=True)) <= slack for i in starts)


def _other_tracking(wanted: str, read: Iterable[Read]) -> list[Read]:
    """Numbers of the same carrier's form that are surely another: by a code, or in print three characters off and more."""
    carrier = carrier_of(wanted) if wanted else None
    if carrier is None:
        return []
    found = []
    for entry in read:
        if entry[3]:
            number = of_code(entry[3], entry[0])
            others = [number.number] if number and number.carrier == carrier and _as_long(wanted, number.number) else []
        elif entry[1] >= DIFFERS_FROM and carrier != "digits":
            others = [n.number for n in tracking_numbers(entry[0]) if n.carrier == carrier and _as_long(wanted, n.number)]
        else:
            others = []
        if any(_far(plain(wanted), other) for other in others):
            found.append(entry)
    return found


def _as_long(wanted: str, given: str) -> bool:
    """Whether a number can be another of the same form. Forms without letters overlap: they have to be of one length."""
    return not plain(wanted).isdigit() or len(plain(wanted)) == len(given)


def _far(wanted: str, given: str) -> bool:
    short, long = sorted((wanted.translate(_ALIKE), given.translate(_ALIKE)), key=len)
    return not _near(short, long, 2)


def _other_order(wanted: str, text: Text) -> list[Read]:
    """Lines that call a number an order's, of the same length as ours and another one."""
    found: list[Read] = []
    for line in text.lines:
        said = _ORDER.search(flat(line.text))
        if wanted and said and line.confidence >= DIFFERS_FROM:
            given, ours = plain(said.group(1)).replace("-", ""), plain(wanted).replace("-", "")
            if len(given) == len(ours) and _far(ours, given):
                found.append((plain(line.text), line.confidence, line.region, ""))
    return found


def _named(titles: Iterable[str], text: Text) -> list[Read]:
    """Lines that hold a word of the goods' name: two Chinese characters in a row, or a Latin word of four letters and more."""
    wanted = {word for title in titles for word in _words(title)}
    surely = [line for line in text.lines if line.confidence >= SURE]
    return [(line.text, line.confidence, line.region, "") for line in surely if wanted & _words(line.text)]


def _words(text: str) -> set[str]:
    low = flat(text).lower()
    chinese = {run[i : i + 2] for run in re.findall(r"[一-鿿]{2,}", low) for i in range(len(run) - 1)}
    return chinese | {word.rstrip("s") for word in re.findall(r"[a-z]{4,}", low)}
