"""Batches: the worker. It selects, foresees and carries out, a part at a time; a crash loses and repeats nothing.

::

    job ─► read the head ─┬─ selecting: a page of cases ─► their parts and the head, in one transaction
                          └─ running: the next part ─► its cases, its results and the head, in one transaction
                                                        └─ refused ─► one by one, each with its result and the head

Whether a case is decided and whether its entry says so is one transaction, so a job that comes twice, or back after its worker
died, finds what is left and nothing else. Of two workers on one batch exactly one commits a part; the other one leaves.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aftersales.batch import MOST_SELECTED, MOVING, Batch, BatchState, Entry, Part
from aftersales.change import Change
from aftersales.errors import AftersalesError, StaleVersion
from aftersales.query import Due, PartNamed
from aftersales.registry import Registry
from functions import batched, chosen, refusals
from functions.batched import stored
from functions.context import commit, told

log = logging.getLogger(__name__)

QUEUE = "batches"

#: What a part may take at most: with less time left none is begun.
SPARE_MS = 15_000

#: How often one case is begun anew while others change what it needs.
TRIES = 6


def work(registry: Registry, job: Mapping[str, str], until: Callable[[], bool] = lambda: False) -> None:
    """Work on a batch while it is selecting, or while it is running; what comes then is another job's.

    Once ``until`` says that time is up, another job is sent. Raises what the store raises: the job then comes back.
    """
    batch = stored(registry, job["batch_id"])
    begun = batch.state if batch else None
    while batch is not None and batch.state is begun and begun in MOVING:
        if until():
            registry.queue.send(QUEUE, {"batch_id": batch.batch_id})
            return
        step = _selected if begun is BatchState.SELECTING else _carried_out
        batch = step(registry, batch)


def run(registry: Registry, records: Sequence[Mapping[str, Any]], left_ms: Callable[[], int]) -> list[str]:
    """Work on the batches that records of the queue name, while time is left; gives the ids of those to be sent again."""
    failed = []
    for record in records:
        try:
            work(registry, json.loads(record["body"]), lambda: left_ms() < SPARE_MS)
        except Exception:  # whatever it is, the job is tried again
            log.exception("a batch could not be worked on")
            failed.append(str(record["messageId"]))
    return failed


def followed(registry: Registry, before: Batch | None, after: Batch) -> None:
    """Send a job for a batch that has begun to move."""
    if after.state in MOVING and (before is None or before.state is not after.state):
        registry.queue.send(QUEUE, {"batch_id": after.batch_id})


def due(registry: Registry, what: Due) -> bool:
    """Send another job for a batch of which nothing was heard for a while: its own one may be lost."""
    batch, now = stored(registry, what.case_id), registry.clock.now()
    if batch is None or batch.look_at is None or batch.look_at > now:
        return False
    commit(registry, Change(batch=batch.moved(batch.state, now)))
    registry.queue.send(QUEUE, {"batch_id": batch.batch_id})
    return True


def above(registry: Registry, batch: Batch) -> bool:
    """Whether a second person has to say run, because of what it pays in all. What another currency is worth is not guessed."""
    merchant = registry.merchant(batch.merchant)
    minor, foreign = batch.approves(merchant.currency)
    return bool(merchant.batch_two_minor) and (foreign or minor > merchant.batch_two_minor)


# --- selecting --------------------------------------------------------------------------------------------------------
def _selected(registry: Registry, batch: Batch) -> Batch | None:
    """The batch after one more page of cases, as it is stored; None when somebody else is at it."""
    before, parts, cursor = chosen.page(registry, batch)
    now = registry.clock.now()
    after = replace(batch, parts=batch.parts + (0 if batch.named else len(parts)), cursor=cursor or "")
    after = after.counted(before, (e for part in parts for e in part.entries)).seen(now)
    if cursor is None or after.selected >= MOST_SELECTED:
        after = after.moved(_next(registry, after), now)
    return _written(registry, Change(batch=after, parts=parts))


def _next(registry: Registry, batch: Batch) -> BatchState:
    if not batch.selected:
        return BatchState.DONE
    if batch.dry_run:
        return BatchState.PREVIEWED
    return BatchState.WAITING if above(registry, batch) else BatchState.RUNNING


# --- carrying out -----------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _At:
    """Where a worker is: the batch and the part as they are stored."""

    batch: Batch
    part: Part

    def after(self, registry: Registry, entries: Sequence[Entry]) -> tuple[Batch, Part]:
        """Batch and part with these results."""
        part, now = self.part, registry.clock.now()
        for entry in entries:
            part = part.with_entry(entry)
        batch = self.batch.counted(self.part.entries, part.entries).seen(now)
        if not part.pending:
            batch = replace(batch, at=part.number + 1)
            batch = batch.moved(BatchState.DONE, now) if batch.at == batch.parts else batch
        return batch, part

    def went_on(self, batch: Batch, part: Part) -> None:
        """They were stored."""
        self.batch, self.part = replace(batch, version=batch.version + 1), replace(part, version=part.version + 1)


def _carried_out(registry: Registry, batch: Batch) -> Batch | None:
    """The batch after its next part, as it is stored; None when somebody else is at it."""
    parts = registry.store.find(PartNamed(batch.batch_id, batch.at)).found
    if not parts:
        raise AftersalesError("A part of a batch is gone.", batch_id=batch.batch_id)
    at = _At(batch, parts[0])
    if not batch.go_by and above(registry, at.batch):  # the sum grew, or the limit fell: nothing above it without a second person
        return _written(registry, Change(batch=batch.moved(BatchState.WAITING, registry.clock.now())))
    _together(registry, at)
    while at.part.pending:
        if not _alone(registry, at, at.part.pending[0]):
            return None
    return at.batch if at.part.version > parts[0].version else None


def _together(registry: Registry, at: _At) -> None:
    """Decide and store at once what can be; the rest stays pending: cases of one order, what broke, all when it is refused."""
    try:
        said, changes = _decided(registry, at)
        batch, part = at.after(registry, said)
        refused = refusals.of_batch(batch, said, registry.clock.now())
        registry.store.commit_all([*changes, Change(batch=batch, parts=(part,), refusals=refused)])
    except AftersalesError as error:
        log.info("batch %s, part %d goes one by one: %s", at.batch.batch_id, at.part.number, error.code)
    except Exception:  # whatever it is, one of these cases may be the cause: the others are decided without it
        if not _still(registry, at):  # where the store is down this raises
            raise
        log.exception("batch %s, part %d broke and goes one by one", at.batch.batch_id, at.part.number)
    else:
        at.went_on(batch, part)


def _decided(registry: Registry, at: _At) -> tuple[list[Entry], list[Change]]:
    """What becomes of the cases that can be decided together, and the changes that bring it."""
    ctx = batched.as_maker(registry, at.batch)
    known = batched.read(registry, at.part.pending)
    said: list[Entry] = []
    changes: list[Change] = []
    names: set[tuple[str, str]] = set()
    for entry in at.part.pending:
        name = known.order_named(entry)
        if name in names:
            continue
        names.add(name)
        try:
            result, change = batched.decided(ctx, at.batch, entry, known)
            changes += [told(registry, change)] if change else []
        except Exception:  # noqa: BLE001, S112  # whatever it is: it is tried again alone, and told then
            continue
        said.append(result)
    return said, changes


def _alone(registry: Registry, at: _At, entry: Entry) -> bool:
    """Decide and store one case; False when the batch was stopped, or somebody else is at this part."""
    for attempt in range(TRIES):
        if not _still(registry, at):
            return False
        last = attempt + 1 == TRIES
        try:
            said, change = _tried(registry, at.batch, entry, last=last)
            if said is not None:
                _store(registry, at, said, change)
                return True
        except StaleVersion:
            continue
        except Exception as error:
            if not isinstance(error, AftersalesError):  # else a name is taken, an allowance spent: this case's own matter
                if not _still(registry, at):  # it was stored, and only the answer is lost
                    raise
                if not last:
                    continue
                log.exception("case %s of a batch cannot be written", entry.case_id)
            if _gave_up(registry, at, batched.failed(entry, error)):
                return True
    raise StaleVersion("A batch cannot go on: others write it without a pause.", batch_id=at.batch.batch_id)


def _gave_up(registry: Registry, at: _At, said: Entry) -> bool:
    """Store that a case cannot be decided; False when the batch has to be read again. Raises where nothing can be written."""
    try:
        _store(registry, at, said, None)
    except StaleVersion:
        return False
    return True


def _store(registry: Registry, at: _At, said: Entry, change: Change | None) -> None:
    batch, part = at.after(registry, (said,))
    refused = refusals.of_batch(batch, (said,), registry.clock.now())
    commit(registry, replace(change or Change(), batch=batch, parts=(part,), refusals=refused))
    at.went_on(batch, part)


def _still(registry: Registry, at: _At) -> bool:
    """Read the batch again; whether this worker goes on with the same part."""
    batch = stored(registry, at.batch.batch_id)
    parts = registry.store.find(PartNamed(at.batch.batch_id, at.part.number)).found
    if batch is None or batch.state is not BatchState.RUNNING or not parts or parts[0].version != at.part.version:
        return False
    at.batch = batch
    return True


def _tried(registry: Registry, batch: Batch, entry: Entry, *, last: bool) -> tuple[Entry | None, Change | None]:
    """What becomes of one case, read just now; None when it has to be read again."""
    known = batched.read(registry, (entry,))
    try:
        said, change = batched.decided(batched.as_maker(registry, batch), batch, entry, known)
        if change:
            told(registry, change)  # what breaks there is this case's matter too
    except StaleVersion:
        return (batched.stale(entry) if last else None), None
    except Exception as error:
        stored(registry, batch.batch_id)  # where the store is down this raises: an outage is no fault of the case that met it
        log.exception("case %s of a batch broke", entry.case_id)
        return batched.failed(entry, error), None
    return said, change


def _written(registry: Registry, change: Change) -> Batch | None:
    """The batch of a change, as it is stored with it; None when somebody else was faster."""
    assert change.batch is not None
    try:
        commit(registry, change)
    except StaleVersion:
        return None
    return replace(change.batch, version=change.batch.version + 1)
