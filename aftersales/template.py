"""Template: the sentences a shop answers with. They are the shop's own; what stands in their places is the case's.

No template names a sum by itself: money is what the case says, or it is not mentioned. Of several that would do, the first holds::

    its reason and its handling ─► its reason ─► its handling ─► the shop's for everything ─► what comes along
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aftersales.complaint import Handling
from aftersales.errors import Invalid

#: What a place is filled with: ``{order_id}``, the names of the ``{goods}``, the ``{amount}`` that the case is about, the instant
#: until which the shop answers or else silence decides (``{deadline}``), where goods are sent back to, the ``{case_id}``, the
#: ``{reason}`` that the buyer chose, and until when an answer comes at the latest (``{answer_by}``), as the shop promised it.
PLACES: tuple[str, ...] = ("order_id", "goods", "amount", "deadline", "return_address", "case_id", "reason", "answer_by")
LONGEST = 1_000

_PLACE = re.compile(r"\{([a-z_]+)\}")
_SENTENCE = re.compile(r".+?(?:[。！？；\n]|[.!?;](?=\s|$)\s*|$)", re.DOTALL)
_COUNT = r"[0-9０-９][0-9０-９.,，．]*|[零〇一二两三四五六七八九十百千万半几]+"
_WORDED = r"one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|fifty|hundred"
#: What is told in figures after "refund" is money, unless it is a count of things or days; one Chinese digit alone is a word.
_SUM = (
    r"(?>[0-9０-９][0-9０-９.,，．]*|[零〇一二两三四五六七八九十百千万半几]{2,})"
    r"(?!\s*[张份件个次天日小工箱盒斤只周])(?:\s*(?:元|块钱?|圆))?"
)
_PLAIN = r"(?>\d[\d.,]*)(?!\s*(?:items?|pieces?|photos?|boxes|days?|hours?|working|weeks?))(?:\s*[A-Z]{3}\b)?"
#: A sum, or a share of one, however it is written.
_MONEY = re.compile(
    rf"[¥￥$€£₩＄]\s*(?:{_COUNT})|(?:CNY|RMB|USD|EUR|GBP|HKD|JPY|人民币)\s*(?:{_COUNT})"
    rf"|(?:{_COUNT})\s*(?:元|块钱|圆|角|毛钱|分钱|美元|欧元|港币|日元|円|[%％‰]|折|成(?![功为熟])|CNY|RMB|USD|EUR|GBP|HKD|JPY)"
    rf"|\b(?:[0-9][0-9.,]*|{_WORDED})\s*(?:yuan|dollars?|bucks|euros?|pounds?|cents?|fen|per ?cent)\b|百分之|全额|双倍|假一赔"
    rf"|(?:退款?|赔偿?|补偿|返现?)(?:给?[您你])?\s*{_SUM}|(?:{_COUNT})\s*倍|假一罚|全款|全(?:部|数)(?:退|赔|返)"
    rf"|\b(?:refund|repay|compensate)\s+(?:you\s+)?{_PLAIN}|\b\d+\s*off\b"
    r"|[0-9]\s*块|\b(?:double|twice|half|full)\s+(?:the\s+|your\s+|of\s+)*(?:refund|money|price|amount)\b|\bin full\b",
    re.IGNORECASE,
)


class Use(StrEnum):
    """What a template is for."""

    ANSWER = "answer"  # drafted for somebody of the shop, who sends it or does not
    ACKNOWLEDGEMENT = "acknowledgement"  # sent by itself when a case is handed in and waits
    APPROVAL = "approval"  # the reason of a yes, a no, and of asking for more, where whoever decides gives none
    REJECTION = "rejection"
    EVIDENCE = "evidence"


#: What nobody has read the order for when a case is handed in.
UNREAD: Mapping[Use, frozenset[str]] = {Use.ACKNOWLEDGEMENT: frozenset({"goods"})}


@dataclass(frozen=True, slots=True)
class Template:
    """One text, in one language (``zh-CN``, ``en``), with ``{places}``.

    ``handling`` is what is suggested, None for any. ``reason`` is why the buyer asks, as a complaint or as a trade's own code, or
    the reason of a finding; "" for any.
    """

    handling: Handling | None = None
    locale: str = ""
    text: str = ""
    use: Use = Use.ANSWER
    reason: str = ""

    @property
    def place(self) -> tuple[Use, str, Handling | None, str]:
        """What it is the one text for."""
        return self.use, self.reason, self.handling, self.locale


@dataclass(frozen=True, slots=True)
class Templates:
    """All of a merchant's own texts; where none would do, the one that comes along is taken."""

    merchant: str
    templates: tuple[Template, ...]
    changed_at: datetime
    by: str
    version: int = 0

    def text(self, use: Use, locale: str, reasons: Iterable[str] = (), handling: Handling | None = None) -> str | None:
        """The merchant's own words, for the first of these reasons that has any; None when there are none."""
        known = {t.place: t.text for t in self.templates}
        whys = list(dict.fromkeys(reasons))
        tried = [*((why, handling) for why in whys), *((why, None) for why in whys), ("", handling), ("", None)]
        return next((known[use, why, h, locale] for why, h in tried if (use, why, h, locale) in known), None)


def check(text: str, use: Use = Use.ANSWER) -> None:
    """Raise Invalid for a template with a place that is none, a stray brace, a sum of its own, or no words."""
    if not text.strip() or len(text) > LONGEST:
        raise Invalid(f"A reply has 1 to {LONGEST} characters.", found=len(text))
    known = [place for place in PLACES if place not in UNREAD.get(use, ())]
    expected = [f"{{{place}}}" for place in known]
    for place in _PLACE.findall(text):
        if place not in known:
            raise Invalid(f"There is no place {{{place}}} in a reply.", todo="Use one of the known places.", expected=expected)
    rest = _PLACE.sub(" ", text)
    if "{" in rest or "}" in rest:
        raise Invalid("A brace in a reply belongs to a place.", todo="Write a place as {amount}.", expected=expected)
    promised = _MONEY.search(rest)
    if promised:
        found = promised.group().strip(" .,")
        todo = "Write {amount}, which is what the case is about, or leave it out."
        raise Invalid(f"A reply names no sum of its own: {found}.", todo=todo, found=found)


def fill(text: str, facts: Mapping[str, str]) -> str:
    """The template with its places filled. A sentence with a place that ``facts`` says nothing for is left out."""
    sentences = _SENTENCE.findall(text)
    kept = [s for s in sentences if all(facts.get(place) for place in _PLACE.findall(s))]
    return "".join(_PLACE.sub(lambda place: facts[place[1]], s) for s in kept).strip()
