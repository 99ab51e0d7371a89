"""What is checked once a case is handed in: the machine, its record, and what a technician found. One question each."""

from __future__ import annotations

from aftersales.decision import Finding
from aftersales.evidence import EvidenceKind, ProofRole
from aftersales.quote import SELLERS, completes, freight_due
from aftersales.vertical import Facts
from verticals.appliance import guarantee, machine
from verticals.appliance.rules import (
    LOOKED_AT_ONCE,
    WISHES,
    days_over,
    doubts,
    fails,
    fault,
    freight_alone,
    lacks,
    passes,
    wish_days,
)

SHOWN = (EvidenceKind.PHOTO, EvidenceKind.VIDEO, EvidenceKind.INSPECTION)


def _paper(facts: Facts, role: ProofRole, line_id: str) -> bool:
    """Whether the shop handed in such a paper about the line, or about the whole order."""
    return any(e.role is role and e.line_id in (line_id, "") for e in facts.proofs)


def intact(facts: Facts) -> Finding:
    """Is a machine that goes back for a mere wish unopened enough: never installed?"""
    if facts.reason not in WISHES:
        return passes("intact", "intact.not_asked")
    for line in facts.lines:
        if guarantee.installed(facts, line)[1]:
            return fails("intact", "intact.installed")
        known = facts.lookup("installer", line.line_id)
        if known is not None and known.status in ("arrived", "cannot_install"):
            return doubts("intact", "intact.tried")  # somebody was there, and nobody says how it ended
        if _paper(facts, ProofRole.INSTALLATION, line.line_id):
            return doubts("intact", "intact.paper")  # the shop's word against the buyer's
        if known is None and line.data.get("installable") is True:
            return doubts("intact", "intact.unknown")
    return passes("intact", "intact.untouched")


def cannot_install(facts: Facts) -> Finding:
    """Does the installer say that this machine cannot be installed?"""
    if facts.reason != "cannot_install":
        return passes("cannot_install", "cannot_install.not_asked")
    said = []
    for line in facts.lines:
        known, told = facts.lookup("installer", line.line_id), facts.order.told("installer.cannot_install", line.line_id)
        after, stands = guarantee.installed(facts, line)
        if stands and (told is None or after is None or after > told.at):
            return fails("cannot_install", "cannot_install.installed")
        said.append(told is not None or (known is not None and known.status == "cannot_install"))
    if said and all(said):
        return passes("cannot_install", "cannot_install.said")
    return doubts("cannot_install", "cannot_install.unknown")


def same_machine(facts: Facts) -> Finding:
    """Is the machine that a technician looked at the one that was installed?"""
    for line in facts.lines:
        ours, theirs = machine.installed_serial(facts, line), machine.found(facts, line)[1]
        if not ours or not theirs or ours == theirs:
            continue
        if machine.off_by(ours, theirs) <= 1:
            return doubts("same_machine", "serial.almost", tail=ours[-4:])
        return fails("same_machine", "serial.another", tail=ours[-4:])
    return passes("same_machine", "serial.same")


def fault_found(facts: Facts) -> Finding:
    """Is the fault there? A technician's report says so; without one a photo begins it, and a person looks."""
    if fault(facts) not in SELLERS or facts.reason in ("cannot_install", "repaired_twice"):
        return passes("fault_found", "fault.not_asked")
    said = {machine.found(facts, line)[0] for line in facts.lines}
    if "misuse" in said:
        return fails("fault_found", "fault.misuse")
    if "no_fault" in said:
        return doubts("fault_found", "fault.not_seen")
    if said and said <= {"fault", "damaged"}:
        return passes("fault_found", "fault.reported")
    paper = any(_paper(facts, ProofRole.INSPECTION, line.line_id) for line in facts.lines)
    if paper or any(e.usable and e.kind in SHOWN for e in facts.evidence):
        return doubts("fault_found", "fault.shown")
    return lacks("fault_found", "fault.not_shown")


def fault_told(facts: Facts) -> Finding:
    """Is there reason enough to send a technician: a report, a photo, a film? Whose fault it is he sees himself."""
    found = fault_found(facts)
    shown = found.reason == "fault.shown"
    return passes("fault_found", "fault.technician_looks") if shown else found


def repaired_twice(facts: Facts) -> Finding:
    """Was the same fault repaired twice already?"""
    if facts.reason != "repaired_twice":
        return passes("repaired_twice", "repaired.not_asked")
    counts = [machine.repairs(facts, line) for line in facts.lines]
    if counts and all(same >= guarantee.REPAIRS for same, _ in counts):
        return passes("repaired_twice", "repaired.enough", times=guarantee.REPAIRS)
    if counts and all(whole >= guarantee.REPAIRS for _, whole in counts):
        return doubts("repaired_twice", "repaired.of_several", times=guarantee.REPAIRS)
    return fails("repaired_twice", "repaired.too_few", times=guarantee.REPAIRS)


def replacement_first(facts: Facts) -> Finding:
    """Past the days of return, is the fault to be answered with a replacement first, because there is one?"""
    end = days_over(facts, max(guarantee.RETURN_DAYS, wish_days(facts)))
    if facts.reason in (*WISHES, "cannot_install", "repaired_twice") or end is None or facts.applied_at < end:
        return passes("replacement_first", "replacement.not_asked")
    said = {known.status if (known := facts.lookup("stock", line.line_id)) else "" for line in facts.lines}
    if said == {"none"}:
        return passes("replacement_first", "replacement.none")
    return doubts("replacement_first", "replacement.there")


def in_stock(facts: Facts) -> Finding:
    """Is what the exchange gives kept for this buyer?"""
    said = {known.status if (known := facts.lookup("stock", line.line_id)) else "" for line in facts.lines}
    if "none" in said:
        return fails("in_stock", "stock.none")
    return passes("in_stock", "stock.kept") if said == {"available"} else doubts("in_stock", "stock.unknown")


def told_at_once(facts: Facts) -> Finding:
    """Was damage on delivery told within two days, before anybody can say that it happened at home?"""
    signed_at = facts.order.signed_at
    if signed_at is not None and facts.applied_at - signed_at <= LOOKED_AT_ONCE:
        return passes("told_at_once", "claim.at_once")
    return doubts("told_at_once", "claim.later", hours=48)


def claim_by_person(facts: Facts) -> Finding:
    """Who says what a scratch is worth? Always a person."""
    return doubts("claim_by_person", "claim.person", photos=sum(e.usable for e in facts.evidence))


def freight(facts: Facts) -> Finding:
    """Is freight asked for, and is it due?"""
    if not facts.freight:
        return passes("freight", "freight.not_asked")
    if freight_due(facts, fault(facts)):
        return passes("freight", "freight.included") if completes(facts) else doubts("freight", "freight.person")
    if freight_alone(facts) and facts.reason:
        return fails("freight", "freight.not_due_alone")
    return passes("freight", "freight.not_due")
