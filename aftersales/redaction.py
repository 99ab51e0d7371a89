"""Redaction: what must not be read in a log, taken out of it: secrets, phones, cards, identity numbers, people's names.

::

    redaction.install()            # once per process, before anything is logged

:func:`install` works where records are made, not at one handler: Chalice, Lambda and test runners bring handlers of their own, and
none of them ever sees the record as it was. Order, refund and transaction numbers stay readable; that is what they are logged for.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

T = TypeVar("T")

HIDDEN = "***"

#: A shorter secret is not looked for: it would black out words that are none.
SHORTEST = 8


def learn(secret: str) -> None:
    """Never show ``secret`` again, nor a line of it: as it is, as JSON or Python write it, nor percent-encoded."""
    _known.add([part for part in (secret, *secret.splitlines()) if len(part) >= SHORTEST and not part.startswith("-----")])


class _Known:
    """The secrets of this process, and the pattern that finds them. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._forms: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, parts: Sequence[str]) -> None:
        """Find these texts from now on, however they are written. The pattern grows with every one: it is made once for all."""
        if self._forms.issuperset(parts):
            return
        with self._lock:
            for part in parts:
                self._forms |= {part, json.dumps(part)[1:-1], repr(part)[1:-1], quote(part), quote(part, safe=""), quote_plus(part)}
            self.pattern = re.compile("|".join(re.escape(form) for form in sorted(self._forms, key=len, reverse=True)))


_known = _Known()


def redact(text: str) -> str:
    """``text`` without what must not be read in a log."""
    if _known.pattern is not None:
        text = _known.pattern.sub(HIDDEN, text)
    small = text.lower()
    for stems, pattern, shown in _WORDED:
        if any(stem in small for stem in stems):
            text = pattern.sub(shown, text)
    if _NUMBER.search(text):
        for pattern, shown in _NUMBERED:
            text = pattern.sub(shown, text)
    return text


# --- what is hidden by its form ---------------------------------------------------------------------------------------
# A number may follow what a log writes for another character: "\n" in a repr, "\u673a" in JSON, "%2B" in an address.
_BEGIN = r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt])|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
_END = r"(?![0-9A-Za-z])"

#: A block that is cut off is hidden to the end of the text.
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----(?:.*?-----END [A-Z0-9 ]+-----|.*)", re.DOTALL)
#: JSON Web Tokens, what follows "Bearer" and "Basic", and keys of Stripe's by their prefixes (docs.stripe.com/keys, read 2026-11).
_TOKEN = re.compile(
    r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*|(?<=Bearer )[\w.~+/=-]{8,}|(?<=Basic )[\w+/=-]{8,}|\b(?:[sr]k_(?:live|test)|whsec)_\w{8,}"
)
#: +86 and the country code are left out of what remains.
_MOBILE = re.compile(rf"{_BEGIN}(?:(?:\+|00)?86[- ]?)?(?P<first>1[3-9]\d)[- ]?\d{{4}}[- ]?(?P<last>\d{{4}}){_END}")
_LANDLINE = re.compile(rf"{_BEGIN}(?P<first>0(?:10|2\d|[3-9]\d))\d?-[2-8]\d{{2,3}}(?P<last>\d{{4}}){_END}")
_FOREIGN = re.compile(rf"{_BEGIN}\+(?!86)[1-9](?:[ ()-]{{0,2}}\d){{7,14}}{_END}")
_CARD = re.compile(rf"{_BEGIN}(?:\d{{13,19}}|\d{{4}}([ -])\d{{4}}\1\d{{4}}\1\d{{1,7}}|\d{{4}}([ -])\d{{6}}\2\d{{5}}){_END}")
#: GB 11643-1999: region, date of birth, order, check character.
_IDENTITY = re.compile(rf"{_BEGIN}[1-9]\d{{5}}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}[\dXx]{_END}")
#: First digits of cards (ISO/IEC 7812): 3 to 6, Mastercard's 2221-2720, UnionPay's 81, ICBC's 9558. No time or date begins so.
_ISSUER = re.compile(r"[3-6]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)|81|955[89]")


def _card_hidden(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return f"****{digits[-4:]}" if _ISSUER.match(digits) and _fits_luhn(digits) else found[0]


def _fits_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _identity_hidden(found: re.Match[str]) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(w * int(digit) for w, digit in zip(weights, found[0], strict=False))
    return HIDDEN if "10X98765432"[total % 11] == found[0][-1].upper() else found[0]


# --- what is hidden by the name before it -----------------------------------------------------------------------------
# As JSON, a repr, a header, a form or XML write it, also inside one another: backslashes stand before quotes then.
_QUOTE = r"""\\*["']"""
_IS = rf"""(?:{_QUOTE}\s*[:,=]\s*|\s*(?:[:：=>]|\\+uff1a)\s*)(?:b(?=["']))?"""
_QUOTED = rf"(?P<quote>{_QUOTE})(?:.*?(?<!\\)(?P=quote)|.*)"


def _field(names: str, bare: str, chinese: tuple[str, ...] = ()) -> re.Pattern[str]:
    """A field of one of these names and its value: in quotes, or bare up to what cannot be part of it."""
    escaped = ("".join(rf"\\+u{ord(letter):04x}" for letter in word) for word in chinese)
    named = "|".join((rf"(?<![A-Za-z#])(?:{names})", *chinese, *escaped))
    return re.compile(rf"(?P<before>(?:{named}){_IS})(?:{_QUOTED}|(?P<bare>{bare}))", re.DOTALL | re.IGNORECASE)


_LINE = r"""[^\s"'](?:(?!\\[nr])[^\r\n])*"""
#: Words of any script, Chinese as such or as JSON escapes it, up to what ends a sentence's part.
_WORD = r"""(?:\\+u(?!ff0c|ff1b|3002|3001)[0-9A-Fa-f]{4}|[^\s"'\\,;，；。、&|<>(){}\[\]])"""
_WORDS = rf"{_WORD}(?:[ \t]*{_WORD})*"

_CHINESE_NAMES = ("收款人", "户名", "姓名")
_CHINESE_PHONES = ("手机", "手机号", "电话")

_CREDENTIAL = _field(
    r"(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-amz-(?:security-token|signature)|(?:session|access|refresh|auth|id)[_-]?token"
    r"|pass(?:word|wd)|api[_-]?key|apiv3[_-]?key|private[_-]?key|(?:client|webhook|api|token|app)[_-]?secret|phone_key|Secret(?:String|Binary)",
    _LINE,
)
_NAME = _field(
    r"(?:user_)?real[ _-]?name|(?:bank[ _-]?)?account[ _-]?name|(?:card[ _-]?)?holder(?:[ _-]?name)?"
    r"|(?:payee|payer|buyer|receiver)[ _-]?name|customerNm",
    _WORDS,
    _CHINESE_NAMES,
)
_PHONE_FIELD = _field(
    r"(?:[a-z]+_)?(?:phone|mobile|telephone|tel)(?:[ _-]?(?:no|number))?", r"\+?\d[\d ()-]{4,18}\d", _CHINESE_PHONES
)


def _value_hidden(found: re.Match[str]) -> str:
    edge = found["quote"] or ""
    return f"{found['before']}{edge}{HIDDEN}{edge}"


def _phone_hidden(found: re.Match[str]) -> str:
    value = found[0][len(found["before"]) :]
    digits = re.sub(r"\D", "", value)
    if len(digits) < 5:  # none at all: "", None, "not given"
        return found[0]
    edge = found["quote"] or ""
    shown = f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else f"****{digits[-2:]}"
    return f"{found['before']}{edge}{shown}{edge}"


# --- the rules, in order ----------------------------------------------------------------------------------------------
Shown = str | Callable[[re.Match[str]], str]


def _begun(words: tuple[str, ...]) -> set[str]:
    """The first letter of each word, as it is and as JSON escapes it."""
    return {form for word in words for form in (word[0], f"u{ord(word[0]):04x}")}


#: Each is looked for only where one of its stems is: most lines have none, and a look costs a millionth of a second.
_WORDED: tuple[tuple[tuple[str, ...], re.Pattern[str], Shown], ...] = (
    (("-----begin",), _PEM, HIDDEN),
    (("auth", "cookie", "key", "token", "signature", "pass", "secret"), _CREDENTIAL, _value_hidden),
    (("eyj", "bearer", "basic", "k_live", "k_test", "whsec"), _TOKEN, HIDDEN),
    (("name", "holder", "customernm", *_begun(_CHINESE_NAMES)), _NAME, _value_hidden),
    (("phone", "mobile", "tel", *_begun(_CHINESE_PHONES)), _PHONE_FIELD, _phone_hidden),
)
#: None of the following has fewer than seven digits.
_NUMBER = re.compile(r"\d(?:[ ()-]{0,2}\d){6}")
_NUMBERED: tuple[tuple[re.Pattern[str], Shown], ...] = (
    (_IDENTITY, _identity_hidden),
    (_CARD, _card_hidden),
    (_FOREIGN, lambda found: f"{found[0][:3]}****{found[0][-4:]}"),
    (_MOBILE, r"\g<first>****\g<last>"),
    (_LANDLINE, r"\g<first>****\g<last>"),
)


# --- where it is applied ----------------------------------------------------------------------------------------------
class Hidden(Exception):
    """An error whose text had to be redacted; what it was, and where, is in the message."""


def guarded(work: Callable[[], T]) -> T:
    """What ``work`` gives; for whoever prints errors past all logs.

    An error that shows what must not be read is replaced by :class:`Hidden`; any other one passes as it is.
    """
    try:
        return work()
    except Exception as error:
        messages = "".join(traceback.format_exception(error, limit=0))
        if redact(messages) == messages:
            raise
        shown = Hidden(redact(_told(error)))
    raise shown  # out here, so that the error itself is not its context


def install() -> None:
    """Redact whatever this process logs from now on, and what it prints of an error that ends it or a thread. Twice is once.

    A record's message is put together and its trace written out first, so handlers find text: no arguments, no exception.
    """
    make = logging.getLogRecordFactory()
    if isinstance(make, _Redacting):
        return
    logging.setLogRecordFactory(_Redacting(make))
    sys.excepthook = _print
    threading.excepthook = lambda ended: _print(ended.exc_type, ended.exc_value, ended.exc_traceback)


class _Redacting:
    """Makes records as ``make`` does, redacted."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **named)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # wrong arguments: a handler would print them as they are
            message = f"{record.msg} (its arguments do not fit)"
        if record.exc_info and record.exc_info[1] is not None:
            message += "\n" + _told(record.exc_info[1])
        if record.stack_info:
            message += "\n" + record.stack_info
        record.msg, record.args = redact(message), None
        record.exc_info = record.exc_text = record.stack_info = None
        return record


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip("\n")


def _print(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    print(redact(_told(error) if error is not None else kind.__name__), file=sys.stderr)
