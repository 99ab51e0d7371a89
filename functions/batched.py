"""Batched: what becomes of one case of a batch. Nothing is stored: the batch, its dry run and its worker all ask here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aftersales.batch import Act, Batch, Entry, Result
from aftersales.caller import Caller
from aftersales.case import State
from aftersales.change import Change
from aftersales.decision import Outcome
from aftersales.errors import AftersalesError, NotFound, StaleVersion
from aftersales.query import BatchNamed, CaseFile, OrderFile
from aftersales.registry import Registry
from functions import claims, keeping, verdict, wording
from functions.body import DecisionBody
from functions.context import Context

#: Characters of what is said about a case that is not done.
LONGEST = 300

#: What a batch decides; to assign decides nothing.
OUTCOMES = {Act.APPROVE: Outcome.APPROVE, Act.REJECT: Outcome.REJECT, Act.ASK_EVIDENCE: Outcome.ASK_EVIDENCE}

STALE, BROKEN, ASKED = "stale_version", "internal_error", "source_asked"


def as_maker(registry: Registry, batch: Batch) -> Context:
    """The context in which a batch decides: its maker's, as it was made."""
    return Context(registry, Caller(batch.sub, batch.role, batch.merchant), registry.clock.now())


@dataclass(frozen=True, slots=True)
class Read:
    """Cases with their orders, as they are now."""

    files: Mapping[str, CaseFile | None]
    orders: Mapping[tuple[str, str], OrderFile]

    def order_named(self, entry: Entry) -> tuple[str, str]:
        """Which order the entry's case is about; its own name where there is no such case."""
        file = self.files[entry.case_id]
        return (file.case.merchant, file.case.order_id) if file else ("", entry.case_id)


def stored(registry: Registry, batch_id: str) -> Batch | None:
    """The batch as it is now."""
    found = registry.store.find(BatchNamed(batch_id)).found
    return found[0] if found else None


def read(registry: Registry, entries: Iterable[Entry]) -> Read:
    """The cases of these entries, one request each, and all their orders in one."""
    files = {entry.case_id: registry.store.case(entry.case_id) for entry in entries}
    names = dict.fromkeys((file.case.merchant, file.case.order_id) for file in files.values() if file)
    return Read(files, registry.store.orders(list(names)) if names else {})


def decided(ctx: Context, batch: Batch, entry: Entry, known: Read) -> tuple[Entry, Change | None]:
    """What becomes of this case now, and the change that brings it; None where it stays as it is.

    Raises StaleVersion when its order changed since it was read, and whatever breaks without a code.
    """
    file = known.files[entry.case_id]
    if file is None or file.case.merchant != batch.merchant:
        return missing(entry), None
    if file.case.version != entry.version:
        return stale(entry), None
    try:
        change = _changed(ctx, batch, file, known.orders.get(known.order_named(entry)))
    except StaleVersion:
        raise
    except AftersalesError as error:
        return failed(entry, error), None
    case = change.case
    assert case is not None
    first = batch.action is Act.APPROVE and case.state is State.SECOND_REVIEW
    amount = case.payable if batch.action is Act.APPROVE else case.amount
    done = replace(entry, result=Result.SECOND_PERSON if first else Result.DONE, code="", text="")
    return replace(done, amount_minor=amount.minor, currency=amount.currency), change


def foreseen(ctx: Context, batch: Batch, entry: Entry, known: Read) -> Entry:
    """The entry with what would become of it. Nobody outside is asked: where that would be, it says so."""
    file = known.files[entry.case_id]
    if file is None or file.case.merchant != batch.merchant:
        return missing(entry)
    if batch.action is Act.APPROVE and keeping.asks(ctx.registry, file.case):
        told = "Its source is asked when it is carried out."
        return replace(entry, foreseen=Result.PENDING, code=ASKED, text=told)
    try:
        would, _ = decided(ctx, batch, entry, known)
    except StaleVersion:
        would = stale(entry)
    return replace(would, result=Result.PENDING, foreseen=would.result)


def missing(entry: Entry) -> Entry:
    """No case of the shop has that id; what another shop has does not exist here."""
    return replace(failed(entry, NotFound("There is no such case.", todo="Check the case id.")), result=Result.SKIPPED)


def stale(entry: Entry) -> Entry:
    """It is another case than the one that was selected."""
    told = StaleVersion("The case changed since it was selected.", todo="Read it again; its timeline says what changed.")
    return replace(failed(entry, told), result=Result.SKIPPED)


def failed(entry: Entry, error: Exception) -> Entry:
    """The entry with what went wrong; of what is not ours to tell only that it did."""
    if not isinstance(error, AftersalesError):
        return replace(entry, result=Result.FAILED, code=BROKEN, text="Something broke on our side. Decide it by itself.")
    return replace(entry, result=Result.FAILED, code=error.code, text=f"{error.message} {error.todo}".strip()[:LONGEST])


def _changed(ctx: Context, batch: Batch, file: CaseFile, order: OrderFile | None) -> Change:
    if batch.action is Act.ASSIGN:
        why = {"reason": batch.reason} if batch.reason else {}
        return claims.taken(ctx, file.case, batch.to, take_over=batch.take_over, **why)
    if order is None:
        raise NotFound("The order of this case is gone.", todo="Ask the operator.")
    outcome, case = OUTCOMES[batch.action], file.case
    said = batch.reason or wording.words_for(ctx.registry, case, outcome, case.locale, order.order)
    return verdict.on(ctx, file, order, DecisionBody(outcome, said))
