"""Personal data in words: which lines of a photo say who somebody is, where they live, or how to reach them.

Pure functions on text, as it was read: OCR confuses letters and drops spaces, so the patterns are wide. What they take too much is
hidden from the other side, never from the judgement.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum


class Personal(StrEnum):
    """What a line gives away."""

    PHONE = "phone"
    ID_NUMBER = "id_number"
    EMAIL = "email"
    ADDRESS = "address"
    NAME = "name"


_DIGIT = r"[\dOolI|]"
_HIDDEN = r"[\d*xX×·•#＊]"
_PATTERNS: tuple[tuple[Personal, str], ...] = (
    # 18 digits with a plausible birthday (GB 11643), or with its middle starred out.
    (Personal.ID_NUMBER, r"(?<!\d)[1-9]\d{5}(?:(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d|[*xX×•＊]{6,8})\d{3}[\dXx](?!\d)"),
    (Personal.EMAIL, r"[\w.+-]+\s*[@＠]\s*[\w-]+(?:\.[\w-]+)+"),
    # Mainland mobile numbers, spaced, starred out in the middle, with an extension of a privacy number.
    (Personal.PHONE, rf"(?<!\d)(?:\+?86[-\s]?)?1[3-9]{_DIGIT}[-\s]?{_HIDDEN}{{4}}[-\s]?{_DIGIT}{{3,4}}(?!\d{{2}})"),
    (Personal.PHONE, r"(?<!\d)1[3-9]\d[*xX×•＊]{3,}\d{2,4}"),
    (Personal.PHONE, r"[*×•＊]{3,}\s?\d{4}(?!\d)"),
    (Personal.PHONE, r"(?<!\d)0\d{2,3}\s?[-—)）]\s?\d{7,8}(?!\d)"),
    (Personal.PHONE, r"\+\s?\d{1,3}[\s().-]*\d{2,4}(?:[\s().-]*\d{2,4}){2,4}"),
    (Personal.PHONE, r"(?:电话|手机|联系方式|\b(?:tel|phone|mobile|cell|mob)\b)\D{0,4}[\d*(][\d\s()*-]{5,}"),
    # A province or city followed by what lies in it; or a street, estate or building with its number.
    (Personal.ADDRESS, r"[一-鿿]{2,8}(?:省|自治区|市|州|盟)\s*[一-鿿]{1,8}(?:市|区|县|旗|镇|乡|街道)"),
    (Personal.ADDRESS, r"[一-鿿]{2,8}(?:区|县|旗)\s*[一-鿿]{2,10}(?:镇|乡|街道|路|村|大道)"),
    (
        Personal.ADDRESS,
        r"[一-鿿A-Za-z\d]{2,12}(?:路|街|道|巷|弄|胡同|村|组|里|园|苑|府|小区|社区|花园|公寓|大厦|广场)[一-鿿]{0,4}\s*[\dA-Za-z-]+\s*(?:号|弄|栋|幢|座|单元|楼|室|组)",
    ),
    (Personal.ADDRESS, r"\d+\s*(?:号楼|号院|栋|幢|座|单元|号)\s*[\d一-鿿]{0,6}\s*(?:单元|楼|层|室|号|房)"),
    (
        Personal.ADDRESS,
        r"\b\d{1,5}[\s,]+(?:[A-Z][\w'.]*\s+){1,4}(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|blvd|way|court|ct)\b",
    ),
    (Personal.ADDRESS, r"\b(?:apt|suite|flat|room|unit)\.?\s*#?\s*\d+"),
    (Personal.NAME, r"(?:收件人|寄件人|收货人|发件人|联系人|收件方|寄件方|姓名|户主)\s*[:：]?\s*[一-鿿*＊]{2,4}"),
    (Personal.NAME, r"[一-鿿][一-鿿*＊]{0,2}\s*(?:先生|女士|小姐|收)(?![一-鿿])"),
    (Personal.NAME, r"(?<![一-鿿])[一-鿿][*＊]{1,2}(?![*＊\d])"),
    (Personal.NAME, r"\b(?:mr|mrs|ms|dr)\.?\s+[a-z]+|\b(?:ship|deliver(?:ed)?|sold)\s*to\b|\b(?:recipient|consignee|attn)\b"),
)
_COMPILED = tuple((what, re.compile(pattern, re.IGNORECASE)) for what, pattern in _PATTERNS)
#: Words after which a person's name, address or number stands, on the same line or on the next ones.
_OPENING = re.compile(
    r"收件|寄件|收货|发件|收方|寄方|联系人|姓名|地址|电话|手机|^\s*[收寄]\s*$|^\s*[收寄](?=[\s:：])"
    r"|\b(?:from|to|ship\s*to|deliver\s*to|address|name|tel|phone|recipient|sender|consignee)\b",
    re.IGNORECASE,
)


def flat(text: str) -> str:
    """``text`` in ordinary letters and digits: full-width forms made narrow, runs of blanks made one."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def kinds(text: str) -> frozenset[Personal]:
    """What a line gives away by itself."""
    plain = flat(text)
    return frozenset(what for what, pattern in _COMPILED if pattern.search(plain))


def opens(text: str) -> bool:
    """Whether a line announces a person: "收件人", "地址", "Ship to"."""
    return _OPENING.search(flat(text)) is not None


def personal(lines: Sequence[str]) -> tuple[int, ...]:
    """Which lines, given in the order of reading, are to be hidden: by what they say, or as one of two that follow an opening."""
    hidden: set[int] = set()
    for i, line in enumerate(lines):
        if kinds(line):
            hidden.add(i)
        if opens(line):
            hidden |= {i, i + 1, i + 2} if _alone(line) else {i}
    return tuple(sorted(i for i in hidden if i < len(lines)))


def _alone(line: str) -> bool:
    """Whether an opening says nothing after itself, so that what it opens stands on the next lines."""
    return len(re.sub(r"[\W_]", "", _OPENING.sub("", flat(line)))) <= 2
