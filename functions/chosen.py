"""Chosen: which cases a batch takes, page by page, each at its version now; in a dry run with what would become of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import timedelta

from aftersales.batch import PART, Batch, Choice, Entry, Part, Result, entry_of, parts_of
from aftersales.case import Case, State
from aftersales.query import CasesNamed, OfMerchant, PartsOf
from aftersales.registry import Registry
from functions import batched
from functions.batched import Read, stored

log = logging.getLogger(__name__)

#: Cases selected in one step; fewer where each is read whole, for a dry run.
PAGE, DRY_PAGE = 100, 20

#: A page: the entries that were written before, the parts they are in now (new ones where none were), where the next page begins.
Chosen = tuple[tuple[Entry, ...], tuple[Part, ...], str | None]


def page(registry: Registry, batch: Batch) -> Chosen:
    """The next cases of a batch that is selecting; None for the cursor of the last page."""
    return _named(registry, batch) if batch.named else _filtered(registry, batch)


def _filtered(registry: Registry, batch: Batch) -> Chosen:
    """A page of the cases that the choice takes, as new parts; and where the next page begins."""
    size = DRY_PAGE if batch.dry_run else PAGE
    found = registry.store.find(asked(registry, batch.merchant, batch.choice), batch.cursor or None, size)
    entries = _foreseen(registry, batch, [entry_of(case) for case in found.found])
    return (), parts_of(batch.batch_id, batch.parts, entries), found.cursor


def _named(registry: Registry, batch: Batch) -> Chosen:
    """The next parts of a batch whose cases were named, each case as it is now; the entries before, the parts, and the cursor."""
    found = registry.store.find(PartsOf(batch.batch_id), batch.cursor or None, (DRY_PAGE if batch.dry_run else PAGE) // PART)
    before = tuple(entry for part in found.found for entry in part.entries)
    cases = {case.case_id: case for case in registry.store.find(CasesNamed(tuple(e.case_id for e in before))).found}
    seen = [_looked_up(batch, entry, cases.get(entry.case_id)) for entry in before]
    entries = {e.case_id: e for e in _foreseen(registry, batch, seen)}
    parts = tuple(replace(part, entries=tuple(entries[e.case_id] for e in part.entries)) for part in found.found)
    return before, parts, found.cursor


def _looked_up(batch: Batch, entry: Entry, case: Case | None) -> Entry:
    if entry.result is not Result.PENDING or case is None or case.merchant != batch.merchant:
        return batched.missing(entry)
    return entry_of(case)


def _foreseen(registry: Registry, batch: Batch, entries: Iterable[Entry]) -> list[Entry]:
    """The entries, in a dry run with what would become of each."""
    found = list(entries)
    if not batch.dry_run:
        return found
    known = batched.read(registry, [e for e in found if e.result is Result.PENDING])
    return [_would(registry, batch, e, known) if e.result is Result.PENDING else e for e in found]


def _would(registry: Registry, batch: Batch, entry: Entry, known: Read) -> Entry:
    try:
        return batched.foreseen(batched.as_maker(registry, batch), batch, entry, known)
    except Exception as error:
        stored(registry, batch.batch_id)  # where the store is down this raises
        log.exception("case %s cannot be foreseen", entry.case_id)
        broken = batched.failed(entry, error)
        return replace(broken, result=Result.PENDING, foreseen=Result.FAILED)


def asked(registry: Registry, merchant: str, choice: Choice) -> OfMerchant:
    """The merchant's open cases that a choice takes."""
    said = {f.name: value for f in fields(choice) if (value := getattr(choice, f.name)) != f.default}
    since = registry.clock.now() - timedelta(hours=registry.merchant(merchant).claim_hours)
    return OfMerchant(merchant, **{"state": State.REVIEWING, **said}, claims_since=since)
