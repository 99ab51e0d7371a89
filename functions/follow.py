"""After the commit: what a stored record sets in motion. At least once, so everything here can happen twice.

A case waits for verification → a job for the vision function. A refund was reserved → the channel is called. A batch has
begun to move → a job for its worker. If this never
runs, the schedule finds the same work by its deadlines.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aftersales.batch import Batch
from aftersales.case import Case, State
from aftersales.evidence import Evidence, EvidenceState
from aftersales.order import Order
from aftersales.pickup import Pickup
from aftersales.ports import Seen
from aftersales.refund import RefundState
from aftersales.registry import Registry
from functions import batches, collect, counting, deadletters, evidence, lookups, refunds, told
from functions.context import again
from functions.deadletters import What, Work

log = logging.getLogger(__name__)
PHOTO_QUEUE = "photos"

#: In a job that was put aside and is run again: its ticket.
ASIDE = "aside"


def follow(registry: Registry, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Act on a batch of stream records; gives the ids of those to be sent again, each tried alone."""
    failed: list[str] = []
    for record in records:
        try:
            seen = registry.stream.seen(record)
            if seen is not None:
                act(registry, seen)
        except Exception as error:  # whatever it is, the others of the batch go on
            log.exception("a stream record could not be followed")
            if not _put_aside(registry, record, error):
                failed.append(str(record["dynamodb"]["SequenceNumber"]))
    return failed


def _put_aside(registry: Registry, record: Mapping[str, Any], error: Exception) -> bool:
    """Whether the record failed often enough to be put aside, where a person sees it; those behind it go on."""
    try:
        work = Work(What.STREAM, registry.stream.about(record))
    except Exception:
        log.exception("a stream record has no name")
        return False
    return deadletters.failed(registry, work, error, registry.clock.now())


def act(registry: Registry, seen: Seen) -> None:
    """What one record sets in motion."""
    after = seen.after
    if isinstance(after, Evidence):
        if after.is_looked_at and after.state is EvidenceState.UPLOADED:
            registry.queue.send(PHOTO_QUEUE, {"case_id": seen.case_id, "evidence_id": after.evidence_id})
    elif isinstance(after, Order):
        told.followed(registry, seen.before if isinstance(seen.before, Order) else None, after)
    elif isinstance(after, Pickup):
        collect.followed(registry, seen.before if isinstance(seen.before, Pickup) else None, after)
    elif isinstance(after, Batch):
        batches.followed(registry, seen.before if isinstance(seen.before, Batch) else None, after)
    elif isinstance(after, Case):
        _case(registry, seen.before if isinstance(seen.before, Case) else None, after)
    elif seen.before is None and after.state is RefundState.RESERVED:
        refunds.execute(registry, after, registry.clock.now())


def _case(registry: Registry, before: Case | None, after: Case) -> None:
    """A case that was handed in asks outside systems, one that has ended lets go of what they keep for it; it is counted."""
    was = before.state if before else None
    if after.has_pickup:
        collect.unwanted(registry, after.case_id)
    if after.state is State.VERIFYING and was is not State.VERIFYING:
        lookups.ask(registry, after.case_id)
    elif (after.state is not was or (before and before.promise != after.promise)) and any(x.held for x in after.lookups):
        lookups.end(registry, after.case_id)
    counting.follow(registry, after)


def verify_photo(registry: Registry, job: Mapping[str, str]) -> None:
    """One job of the photo queue, begun anew while somebody else changes the case.

    Raises what it breaks at, until that was often enough to put the job aside.
    """
    work = _photo(job)
    try:
        again(lambda: evidence.verify(registry, job["case_id"], job["evidence_id"]))
    except Exception as error:
        if not deadletters.failed(registry, work, error, registry.clock.now()):
            raise
        log.exception("a photo is put aside")
        return
    if ASIDE in job:
        deadletters.succeeded(registry, job[ASIDE], registry.clock.now())


def died(registry: Registry, job: Mapping[str, str]) -> bool:
    """Count that a process ended at this job and could not say so itself; whether the job is put aside now."""
    return deadletters.failed(registry, _photo(job), Died(), registry.clock.now())


class Died(Exception):
    """A process ended at a photo: killed for its memory, say."""


def _photo(job: Mapping[str, str]) -> Work:
    return Work(What.PHOTO, {name: job[name] for name in ("case_id", "evidence_id")}, case_id=job["case_id"])
