"""Words: the platform's codes and sentences, and what they mean to us. README.md says how sure each of them is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta, timezone

from aftersales.pickup import Refusal
from aftersales.tracking import Passage

#: SF tells days and hours of China.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

#: The platform let the question in; and the service did what was asked.
PASSED, DONE = "A1000", "S0000"

#: Asked too often.
BUSY = "A1005"

#: Turned away before anything was done: empty parameters, IP, permission, digest, decryption. After the others it may be either:
#: expired, duplicate, unreachable, sandbox, system.
NOT_LET_IN = frozenset({"A1001", "A1003", "A1004", "A1006", "A1008"})

#: An order of this number was placed before; no order of this number is known; it is cancelled; no number of SF's.
TWICE, NO_ORDER, CANCELLED = "8016", frozenset({"6150", "8018", "8024"}), frozenset({"8037", "8253"})
NO_NUMBER = frozenset({"8191", "8247"})

#: ``filterResult``: nobody comes to this address.
OUT_OF_REACH = "3"

#: Codes of an order that was not placed, and why nobody comes.
REFUSALS: dict[str, Refusal] = {
    **dict.fromkeys(("1010", "1011", "1012", "1014", "1015", "1016", "8196"), Refusal.BAD_ADDRESS),
    **dict.fromkeys(("8096", "8177", "8267", "20034"), Refusal.SLOT_TAKEN),
    **dict.fromkeys(("20012",), Refusal.TOO_HEAVY),
    **dict.fromkeys(("6126", "8114", "8119", "8179", "20052"), Refusal.NO_FUNDS),
    **dict.fromkeys(("8052", "8053", "20036"), Refusal.NO_SERVICE),
    **dict.fromkeys(("1023", "8027", "8057", "8256", "20035", "S0001", "S0002", "S0004", "S0005", "S0006", "S0007"), Refusal.OTHER),
    **dict.fromkeys(NOT_LET_IN, Refusal.OTHER),
}

#: ``opCode`` of a route. Published: 50 and 80. The others are from memory.
PASSAGES: dict[str, Passage] = {
    "50": Passage.PICKED_UP,
    "80": Passage.SIGNED,
    **dict.fromkeys(("30", "31", "36", "302", "305"), Passage.IN_TRANSIT),
    **dict.fromkeys(("44", "204"), Passage.OUT_FOR_DELIVERY),
    "125": Passage.AT_STATION,
    **dict.fromkeys(("33", "70"), Passage.PROBLEM),
    **dict.fromkeys(("99", "648"), Passage.RETURNING),
}

#: Sent back or on to another address: whoever signs after that is not whom it was for.
ASTRAY = frozenset({"99", "648"})
SIGNED, SIGNED_RECORD = "80", "8000"


def passage_of(code: str, before: Collection[str]) -> Passage:
    """What a route says, ``before`` being the codes told earlier; on its way for a code that nobody knows.

    The record of who signed stands for a signature that was told, and for none that was not.
    """
    if code == SIGNED or (code == SIGNED_RECORD and (SIGNED in before or ASTRAY & set(before))):
        return Passage.RETURNED if ASTRAY & set(before) else Passage.SIGNED
    return PASSAGES.get(code, Passage.IN_TRANSIT)


#: A refusal of routes that speaks of the phone: no code was published.
_PHONE = ("电话", "手机")


def speaks_of_phone(message: str) -> bool:
    """Whether a sentence is about the phone that was named."""
    return any(word in message for word in _PHONE)


def local(at: datetime) -> str:
    """An instant as SF writes it: ``2026-11-22 09:30:00``, in China."""
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"


def instant(said: str) -> datetime:
    """The instant that SF's words mean. Raises ValueError for anything else."""
    return datetime.strptime(said.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
