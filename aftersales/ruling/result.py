"""What a row of a table says: an outcome, why, and how much, read strictly from its outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from aftersales.decision import Outcome
from aftersales.money import EXPONENTS, Money
from aftersales.ruling.cell import LONGEST, number, unquoted
from aftersales.ruling.problem import Wrong

#: The columns on the right, in the order of the list; the first has to be there.
OUTPUTS = ("outcome", "reason", "rule", "up_to", "share_percent")
#: A reason is a sentence that the buyer reads, or a text key.
LONGEST_REASON, LONGEST_RULE = 300, 64
#: Outcomes that tell the buyer no, or to do something: they need a reason.
TOLD = frozenset({Outcome.REJECT, Outcome.ASK_EVIDENCE})

_RULE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*", re.ASCII)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_TEXT = re.compile(r"\"[^\"]*\"|'[^']*'")

Said = str | int | Decimal


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome and why; ``rule`` names the row where the merchant gave it a name.

    ``up_to`` (main units of the merchant's currency) and ``share_percent`` (1 to 100) limit what is approved: the share is taken
    first, and a limit finer than the currency is cut to it.
    """

    outcome: Outcome
    reason: str = ""
    rule: str = ""
    up_to: Decimal | None = None
    share_percent: int | None = None

    def outputs(self) -> dict[str, Said]:
        """The same as an engine gives them: what is empty is left out."""
        told = {name: getattr(self, name) for name in OUTPUTS}
        return {name: str(value) if name == "outcome" else value for name, value in told.items() if value not in ("", None)}

    def awarded(self, amount: Money, currency: str) -> Money | None:
        """What is approved of ``amount``; None where that cannot be said: a limit in another currency than the amount's."""
        found = amount if self.share_percent is None else amount.share(self.share_percent, 100)
        if self.up_to is None:
            return found
        if amount.currency != currency:
            return None
        limit = Money(int(self.up_to.scaleb(EXPONENTS[currency])), currency)
        return min(found, limit)


def literal(cell: str) -> Said | None:
    """The value in an output cell; None for an empty one. Raises Wrong for anything that would have to be computed."""
    told = cell.strip()
    if len(cell) > LONGEST:
        raise Wrong("cell_long", most=LONGEST, found=len(cell))
    if not told:
        return None
    if _TEXT.fullmatch(told):
        return unquoted(told)
    if not _NUMBER.fullmatch(told):
        raise Wrong("output_syntax", found=told[:40])
    value = number(told, decimals=3)
    return int(value) if "." not in told else value


def result_of(outputs: Mapping[str, Said | None]) -> Result:
    """The row's result. Raises Wrong, ``column`` among what is told."""
    outcome = outputs.get("outcome")
    try:
        found = Outcome(str(outcome or ""))
    except ValueError:
        raise Wrong("outcome_unknown", column="outcome", found=outcome or "", expected=", ".join(Outcome)) from None
    reason, rule = _text(outputs, "reason"), _text(outputs, "rule")
    if found in TOLD and not reason.strip():
        raise Wrong("reason_missing", column="reason", outcome=str(found))
    if len(reason) > LONGEST_REASON:
        raise Wrong("reason_long", column="reason", most=LONGEST_REASON)
    if rule and (len(rule) > LONGEST_RULE or not _RULE.fullmatch(rule)):
        raise Wrong("rule_name", column="rule", found=rule[:40])
    up_to, share = outputs.get("up_to"), outputs.get("share_percent")
    for name, value in (("up_to", up_to), ("share_percent", share)):
        if value is not None and found is not Outcome.APPROVE:
            raise Wrong("amount_unasked", column=name, outcome=str(found))
    if up_to is not None and (isinstance(up_to, str) or up_to <= 0):
        raise Wrong("up_to_wrong", column="up_to", found=up_to)
    if share is not None and (not isinstance(share, int) or not 1 <= share <= 100):
        raise Wrong("share_wrong", column="share_percent", found=share)
    return Result(found, reason, rule, None if up_to is None else Decimal(up_to), share)


def _text(outputs: Mapping[str, Said | None], name: str) -> str:
    value = outputs.get(name)
    if value is not None and not isinstance(value, str):
        raise Wrong("output_text", column=name, found=value)
    return value or ""
