"""What is checked for presales before the goods arrive: one question each. Every number's law and source is in the README here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from aftersales.case import Item
from aftersales.decision import Finding, Verdict
from aftersales.money import Money
from aftersales.order import Line, OrderStatus
from aftersales.quote import worth
from aftersales.vertical import Facts
from verticals.presale.amount import doubled, kept_of
from verticals.presale.deposit import ADVANCE, Stage, deposit_of, instant, ship_days, ship_end, stage
from verticals.presale.reasons import BROKEN, GIVEN_UP

Datum = str | int | float | bool


def _says(verdict: Verdict) -> Callable[..., Finding]:
    def finding(check: str, reason: str, **data: Datum) -> Finding:
        return Finding(f"presale.{check}", verdict, reason, data=tuple(sorted(data.items())))

    return finding


passes, fails, lacks, doubts = (_says(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.MISSING, Verdict.UNSURE))


def lines_of(facts: Facts) -> tuple[Line, ...]:
    """The lines asked about, each once."""
    return tuple(facts.order.line(line_id) for line_id in dict.fromkeys(item.line_id for item in facts.items))


def stages(facts: Facts) -> set[Stage]:
    """Where the lines asked about stand."""
    return {stage(line, facts.order, facts.ledger) for line in lines_of(facts)}


def called_off(facts: Facts, line_id: str) -> bool:
    """Whether the shop told that it will not deliver."""
    return facts.order.told("seller_cancelled", line_id) is not None


def money(facts: Facts, minor: int) -> str:
    """An amount as people read it."""
    return str(Money(minor, facts.order.currency))


# --- can it be asked for? ---------------------------------------------------------------------------------------------
def paid(facts: Facts) -> Finding:
    """Has something been paid, and the order not been cancelled? A presale whose balance is open counts as paid for its deposit."""
    if facts.order.status is OrderStatus.CANCELLED:
        return doubts("paid", "order.cancelled")  # its money may be on its way back already
    if facts.order.status is OrderStatus.UNPAID and not facts.ledger.paid:
        return fails("paid", "order.unpaid")
    return passes("paid", "order.paid")


def pieces(facts: Facts) -> Finding:
    """Are the pieces asked about still free?"""
    if not facts.items:
        return fails("pieces", "pieces.none")
    for item in facts.items:
        if not item.units and not 0 < item.pieces <= free_of(facts, item):
            return fails("pieces", "pieces.taken", free=free_of(facts, item))
    return passes("pieces", "pieces.free")


def free_of(facts: Facts, item: Item) -> int:
    """How many pieces of the item's line no case speaks for."""
    return sum(stop - start for start, stop in facts.ledger.free_units(item.line_id))


def not_signed(facts: Facts) -> Finding:
    """Is the money asked for before the parcel was signed for? On its way a person has to stop it first."""
    signed_at = facts.order.signed_at
    if facts.order.is_signed and (signed_at is None or signed_at <= facts.applied_at):
        return fails("not_signed", "refund_only.signed")
    if facts.order.is_shipped:
        return doubts("not_signed", "refund_only.on_its_way")
    return passes("not_signed", "refund_only.not_shipped")


def kept(facts: Facts) -> Finding:
    """Who gives up before the balance: does anything come back? A deposit does not; an advance, and what is above, does."""
    if facts.reason not in GIVEN_UP:
        return passes("kept", "kept.not_asked")
    if not known(facts):
        return doubts("kept", "kept.unknown")
    minor, goods_and_tax = kept_of(facts), sum(part.minor for part in worth(facts))
    if not minor:
        return passes("kept", "kept.nothing")
    if minor < goods_and_tax:
        return passes("kept", "kept.part", kept=money(facts, minor), back=money(facts, goods_and_tax - minor))
    opens, until = _earliest(facts, "balance_from"), _earliest(facts, "balance_until")
    if opens is not None and facts.applied_at < opens:
        return fails("kept", "kept.balance_ahead", kept=money(facts, minor), opens=_local(facts, opens))
    if until is not None and facts.applied_at < until:
        return fails("kept", "kept.balance_open", kept=money(facts, minor), until=_local(facts, until))
    return fails("kept", "kept.whole", kept=money(facts, minor))


def _earliest(facts: Facts, name: str) -> datetime | None:
    """The earliest instant of that name among the lines asked about, None where the order does not say."""
    return min((at for line in lines_of(facts) if (at := instant(line, name))), default=None)


def _local(facts: Facts, at: datetime) -> str:
    """The instant where the merchant is, as ``2026-11-11 20:00``."""
    return at.astimezone(facts.merchant.zone).strftime("%Y-%m-%d %H:%M")


def late(facts: Facts) -> Finding:
    """Is the shop late, where that is the reason: the balance paid, the days to ship over, and nothing shipped before?"""
    if facts.reason != "not_shipped_in_time":
        return passes("late", "late.not_asked")
    ends = [(end, line) for line in lines_of(facts) if (end := ship_end(line, facts))]
    if Stage.DEPOSIT in stages(facts):
        return fails("late", "late.no_balance")
    if not ends or Stage.UNCLEAR in stages(facts):
        return doubts("late", "late.unknown")
    end, line = max(ends, key=lambda each: each[0])
    told = {"days": ship_days(line), "last_day": str((end - timedelta(seconds=1)).astimezone(facts.merchant.zone).date())}
    if facts.applied_at < end:
        return fails("late", "late.not_yet" if doubled(facts) else "late.not_yet_advance", **told)
    if not facts.order.is_shipped:
        return passes("late", "late.over", **told)
    if facts.order.shipped_at is None:
        return doubts("late", "late.shipped_unknown", **told)
    return fails("late", "late.shipped_in_time", **told) if facts.order.shipped_at < end else passes("late", "late.over", **told)


# --- judged once it is handed in --------------------------------------------------------------------------------------
def balance(facts: Facts) -> Finding:
    """Is it clear whether the balance was paid?"""
    if Stage.UNCLEAR in stages(facts):
        return doubts("balance", "balance.unclear")
    return passes("balance", "balance.paid" if stages(facts) == {Stage.BALANCE} else "balance.open")


def deposit(facts: Facts) -> Finding:
    """Is it known how much of the deposit binds, at most a fifth of the price?"""
    if not known(facts):
        return doubts("deposit", "deposit.unknown")
    found = [d for line in lines_of(facts) if (d := deposit_of(line, facts.ledger))]
    if all(line.data.get("deposit_kind") == ADVANCE for line in lines_of(facts)):
        return passes("deposit", "deposit.advance")
    bound, down = sum(d.bound or 0 for d in found), sum(d.minor for d in found)
    key = "deposit.above_limit" if bound < down else "deposit.binds"
    return passes("deposit", key, bound=money(facts, bound), down=money(facts, down))


def known(facts: Facts) -> bool:
    """Whether the order says of every line what its deposit is, and how much of it binds."""
    found = [deposit_of(line, facts.ledger) for line in lines_of(facts)]
    return bool(found) and all(d is not None and d.bound is not None for d in found)


def cannot_deliver(facts: Facts) -> Finding:
    """Did the shop itself say that it does not deliver, where that is the reason? Else somebody there has to confirm it."""
    if facts.reason != "cannot_deliver":
        return passes("cannot_deliver", "cannot_deliver.not_asked")
    if all(called_off(facts, line.line_id) for line in lines_of(facts)):
        return passes("cannot_deliver", "cannot_deliver.told")
    return doubts("cannot_deliver", "cannot_deliver.unconfirmed")


def double(facts: Facts) -> Finding:
    """What comes back on top where the shop broke its promise? It is said on record, and never keeps the refund up."""
    if facts.reason not in BROKEN:
        return passes("double", "double.not_asked")
    minor = doubled(facts)
    return passes("double", "double.owed", double=money(facts, minor)) if minor else passes("double", "double.none")
