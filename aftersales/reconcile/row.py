"""Our side of a reconciliation: a ledger's rows, from wherever they come, and from a file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple

from aftersales.bill import unpacked
from aftersales.errors import Invalid
from aftersales.money import EXPONENTS
from aftersales.refund import BEIJING

#: Our words for a refund, those of :class:`aftersales.refund.RefundState`.
LedgerState = Literal["reserved", "sent", "processing", "settled", "failed", "released"]

#: Every word that is understood, in capitals: ours, and those that channels use for the same.
STATES: dict[str, LedgerState] = {
    "RESERVED": "reserved",
    "SENT": "sent",
    "PROCESSING": "processing",
    "PENDING": "processing",
    "REFUND_PROCESSING": "processing",
    "SETTLED": "settled",
    "SUCCESS": "settled",
    "SUCCEEDED": "settled",
    "REFUND_SUCCESS": "settled",
    "FAILED": "failed",
    "FAIL": "failed",
    "CANCELED": "failed",
    "CLOSED": "failed",
    "ABNORMAL": "failed",
    "RELEASED": "released",
}
_OURS: dict[str, LedgerState] = {state: state for state in STATES.values()}

#: The channel has accepted these: there is an instant when it did.
ACCEPTED = frozenset({"processing", "settled"})


_new = tuple.__new__
_needed = itemgetter("key", "order", "transaction_id", "amount_minor", "currency", "status")


class LedgerRow(NamedTuple):
    """One refund in our ledger.

    ``amount_minor`` is positive. ``accepted_at`` is aware, or None while the channel has not said that it accepted it. ``order``
    and ``transaction_id`` are those of the payment at the channel; an empty one is not compared.
    """

    key: str
    order: str
    transaction_id: str
    amount_minor: int
    currency: str
    accepted_at: datetime | None
    status: LedgerState


def read_ledger(path: Path) -> Iterator[LedgerRow]:
    """The rows of a file with one JSON object per line, plain or gzip; fields that are not ours are ignored.

    ``accepted_at`` is ISO 8601; without an offset it is Beijing's. Raises Invalid with ``line`` for anything that cannot be read.
    """
    decode = json.JSONDecoder().raw_decode
    with unpacked(path) as texts:
        if len(texts) != 1:
            raise Invalid(f"{path.name} holds {len(texts)} files, not one ledger.", todo="Give one file of JSON lines.")
        for number, raw in enumerate(texts[0][1], 1):
            try:
                text = raw.decode()
                if text[0] != "{":
                    text = text.strip(" \t\r\n\ufeff")
                    if not text:
                        continue
                fields, end = decode(text)
            except (ValueError, RecursionError) as error:
                raise _broken("it is no JSON.", number) from error
            if end < len(text) - 1 and (more := text[end:].strip()):
                raise _broken(f"something follows the object: {more[:20]!r}.", number)
            try:
                row = _row(fields)
            except Invalid as error:
                raise _broken(error.message, number) from error
            yield row


def _broken(what: str, line: int) -> Invalid:
    text = f"Line {line} of the ledger: {what}"
    return Invalid(text, todo="Mend the line; every line is one refund as a JSON object.", line=line)


def _row(fields: Any) -> LedgerRow:
    """Read one object. Raises Invalid."""
    try:
        key, order, transaction, minor, currency, status = _needed(fields)
        state = _OURS.get(status) or STATES.get(status.strip().upper())
        known = currency in EXPONENTS
    except (KeyError, TypeError, AttributeError) as error:
        raise _lacking(fields) from error
    if type(minor) is not int or minor <= 0:  # bool and float are refused on purpose
        raise Invalid(f"amount_minor is a whole number above 0, not {minor!r}.")
    if type(key) is not str or not key:
        raise Invalid(f"key is the refund's number, a text, not {key!r}.")
    if type(order) is not str or type(transaction) is not str:
        order, transaction = _text("order", order), _text("transaction_id", transaction)
    if not known:
        raise Invalid(f"currency is a code such as CNY, not {currency!r}.")
    if state is None:
        raise Invalid(f"status is one of {', '.join(_OURS)}, not {status!r}.")
    at = _instant(fields.get("accepted_at"))
    if at is None and state in ACCEPTED:
        raise Invalid(f"a refund that is {state} has an accepted_at.")
    return _new(LedgerRow, (key, order, transaction, minor, currency, at, state))


def _lacking(fields: Any) -> Invalid:
    """Say what is wrong with an object that is none, or lacks a field."""
    if not isinstance(fields, Mapping):
        return Invalid("it is no JSON object.")
    lacks = [name for name in LedgerRow._fields if name not in fields and name != "accepted_at"]
    return Invalid(f"it lacks {', '.join(lacks)}." if lacks else "status and currency are texts.")


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{name} is a text, not {value!r}.")
    return value


def _instant(text: Any) -> datetime | None:
    """The instant, aware; None for none. Raises Invalid for what is no instant."""
    if text is None or text == "":
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        at = None
    if at is None or len(text) < len("2026-10-02T10:00"):  # a bare day would lie in its first minute
        raise Invalid(f"accepted_at is an instant such as 2026-10-02T10:00:00+08:00, not {text!r}.")
    return at if at.tzinfo else at.replace(tzinfo=BEIJING)
