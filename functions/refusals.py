"""Refusals: who tried what decides about money and was refused, on record for those who look after the shop.

Written for the wrong role, for who may not say the second yes, and for who decided on what somebody else had changed. A record that
cannot be written never keeps its answer from whoever was refused.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime

from aftersales.batch import Batch, Entry, Result
from aftersales.caller import Caller, Role
from aftersales.change import Change
from aftersales.errors import AftersalesError, Forbidden, SecondPersonRequired, StaleVersion
from aftersales.query import RefusalsOf
from aftersales.refusal import LONGEST, Refusal
from aftersales.registry import Registry
from functions.context import Context
from functions.reply_base import View

log = logging.getLogger(__name__)

#: What a batch's worker does, as an act.
BATCH = "POST /v1/merchant/batches/{batch_id}/run"


class RefusalView(View):
    """One request that was refused. ``act`` is the route, ``code`` and ``text`` what was answered, ``seen`` the version named."""

    at: datetime
    by: str
    act: str
    case_id: str | None
    code: str
    text: str
    seen: int | None


class RefusalPage(View):
    """Refusals, newest first."""

    refusals: list[RefusalView]
    cursor: str | None


def listed(ctx: Context, cursor: str | None = None, limit: int = 50) -> RefusalPage:
    """What people of the shop, and others with a token for it, were refused, newest first."""
    page = ctx.registry.store.find(RefusalsOf(ctx.caller.merchant), cursor, limit)
    found = [
        RefusalView(at=r.at, by=r.by, act=r.act, case_id=r.case_id or None, code=r.code, text=r.text, seen=r.seen)
        for r in page.found
    ]
    return RefusalPage(refusals=found, cursor=page.cursor)


def note(registry: Registry, caller: Caller, act: str, case_id: str, error: AftersalesError, seen: int | None = None) -> None:
    """Put a refusal on record where it is one; ``case_id`` is "" for what is about no case. Never raises.

    A case of another merchant does not exist for the caller, and nothing is written about it.
    """
    if not isinstance(error, Forbidden) and not (isinstance(error, StaleVersion) and seen is not None):
        return
    try:
        merchant = _whose(registry, caller, case_id)
        if merchant:
            now, text = registry.clock.now(), error.message[:LONGEST]
            refusal = Refusal(secrets.token_hex(8), merchant, caller.name, now, act, error.code, text, case_id, seen)
            registry.store.commit(Change(refusals=(refusal,)))
    except Exception:  # whatever it is: the answer is the same
        log.exception("a refusal of %s could not be put on record", act)


def of_batch(batch: Batch, entries: Iterable[Entry], now: datetime) -> tuple[Refusal, ...]:
    """What the maker of a batch was refused among these results; it is stored with them."""
    by = Caller(batch.sub, batch.role, batch.merchant).name
    return tuple(
        Refusal(f"{batch.batch_id}:{e.case_id}", batch.merchant, by, now, BATCH, e.code, e.text[:LONGEST], e.case_id, e.version)
        for e in entries
        if e.result is Result.FAILED and e.code in (Forbidden.code, SecondPersonRequired.code)
    )


def _whose(registry: Registry, caller: Caller, case_id: str) -> str:
    """The merchant whose matter it is, "" for nobody's."""
    if not case_id:
        return caller.merchant
    file = registry.store.case(case_id)
    if file is None or (file.case.merchant != caller.merchant and caller.role is not Role.PLATFORM):
        return ""
    return file.case.merchant
