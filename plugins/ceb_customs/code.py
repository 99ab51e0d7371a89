"""What customs' numbers mean to a case. Source: the message standard of the single window as read in 2026-11 (README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WAITING, RELEASED, FAILED, ERROR, NONE = "waiting", "released", "failed", "error", "none"

#: ``returnStatus`` of a declaration (CEB622): 1 stored, 2 declaring, 3 sent, 120 received, 300 looked at by hand, 399 examined,
#: 500 inspected, 501 to 503 detained for a decision; 800 released, 899 closed; 100 turned back, 599 detained, 700 returned,
#: 900 refused; 4 not sent.
CLEARANCE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("1", "2", "3", "120", "300", "399", "500", "501", "502", "503"), WAITING),
        **dict.fromkeys(("800", "899"), RELEASED),
        **dict.fromkeys(("100", "599", "700", "900"), FAILED),
        "4": ERROR,
    }
)
#: … and of a return (CEB626), where 399 says that customs has taken it.
RETURN: Mapping[str, str] = MappingProxyType({**CLEARANCE, "399": RELEASED})

#: ``status`` of a tax bill (CEB816, CEB818).
BILL: Mapping[str, str] = MappingProxyType({"1": "generated", "2": "summarised", "3": "void"})


def status_of(codes: Mapping[str, str], code: str) -> str | None:
    """What the number means; negative ones tell of an error in processing. None for one that is not known."""
    if code.startswith("-") and code[1:].isdigit():
        return ERROR
    return codes.get(code)
