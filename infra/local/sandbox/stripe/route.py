"""What can be asked of the API: refunds, and the payments, disputes and balance around them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.database import put_setting
from infra.local.sandbox.fault import At, Kind
from infra.local.sandbox.provider import Env
from infra.local.sandbox.stripe import shape
from infra.local.sandbox.stripe.book import Ask, Book
from infra.local.sandbox.stripe.course import plan_of
from infra.local.sandbox.stripe.form import Refusal, known, metadata_of, whole
from infra.local.sandbox.stripe.keys import Keys
from infra.local.sandbox.stripe.table import Payment, Refund, made_id

Do = Callable[[sqlite3.Connection | None, dict[str, Any]], Mapping[str, Any]]
Work = Callable[..., Mapping[str, Any]]

#: Reasons that a caller may give (Stripe API reference, create a refund).
GIVEN = ("duplicate", "fraudulent", "requested_by_customer")
_PAGING = ("limit", "starting_after", "ending_before")


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint (``name``, as Stripe counts calls) at an address (``path``), and what it does."""

    name: str
    path: str
    do: Do


class Routes:
    """The endpoints. A POST is done inside one transaction; ``do(db, parameters)`` raises Refusal."""

    def __init__(self, env: Env, book: Book, keys: Keys) -> None:
        self._env, self._book, self._keys = env, book, keys
        self._all: dict[str, Work] = {
            "POST /v1/refunds": self._create,
            "GET /v1/refunds": self._list,
            "GET /v1/refunds/{id}": lambda _, said, number: self._shown(self._refund(number), said),
            "POST /v1/refunds/{id}": self._describe,
            "POST /v1/refunds/{id}/cancel": self._cancel,
            "GET /v1/charges/{id}": lambda _, __, number: book.charge(self._payment("charge", number)),
            "GET /v1/payment_intents/{id}": lambda _, __, number: shape.payment_intent(self._payment("payment_intent", number)),
            "GET /v1/disputes/{id}": self._dispute,
            "GET /v1/balance": self._balance,
            "POST /v1/webhook_endpoints": self._endpoint,
        }

    def find(self, method: str, path: str) -> Route:
        """The endpoint at an address. Raises Refusal."""
        for name, work in self._all.items():
            verb, _, shape_of = name.partition(" ")
            found = re.fullmatch(shape_of.replace("{id}", "([^/]+)"), path)
            if found is not None and verb == method:
                parts = found.groups()
                return Route(name, path, lambda db, said: work(db, said, *parts))  # noqa: B023 (left at once)
        raise Refusal(404, f"Unrecognized request URL ({method}: {path}).")

    # --- refunds ----------------------------------------------------------------------------------------------------------
    def _create(self, db: sqlite3.Connection, said: dict[str, Any]) -> Mapping[str, Any]:
        known(said, ("amount", "charge", "payment_intent", "reason", "metadata"))
        named = [name for name in ("charge", "payment_intent") if said.get(name)]
        if len(named) != 1:
            code = "parameters_exclusive" if named else "parameter_missing"
            raise Refusal(400, "One of charge and payment_intent is needed.", code=code, param="charge")
        if said.get("reason", GIVEN[2]) not in GIVEN:
            raise Refusal(400, f"Invalid reason: must be one of {', '.join(GIVEN)}", param="reason")
        param, metadata = named[0], metadata_of(said)
        ask = Ask(str(said[param]), param, whole(said, "amount", 1, 99_999_999), said.get("reason", ""), metadata)
        number = metadata.get("aftersales_key", "")
        outcome = self._env.script.take(At.CREATE, number, {Kind.OUTCOME})
        return self._shown(self._book.create(db, ask, plan_of(outcome, self._env.delay_s)), {})

    def _list(self, _: object, said: dict[str, Any]) -> Mapping[str, Any]:
        known(said, ("charge", "payment_intent", *_PAGING))
        named = next((name for name in ("charge", "payment_intent") if said.get(name)), None)
        if named is None:
            found = [Refund.of(row) for row in self._book.rows("select * from refund order by n desc")]
        else:
            found = self._book.refunds(self._payment(named, str(said[named])).charge)
        limit = whole(said, "limit", 1, 100) or 10
        if said.get("starting_after"):
            found = [one for one in found if one.n < self._refund(str(said["starting_after"])).n]
        if said.get("ending_before"):
            found = [one for one in found if one.n > self._refund(str(said["ending_before"])).n]
            page, more = found[-limit:], len(found) > limit
        else:
            page, more = found[:limit], len(found) > limit
        return shape.listed("/v1/refunds", [self._shown(one, {}) for one in page], more=more)

    def _describe(self, db: sqlite3.Connection, said: dict[str, Any], number: str) -> Mapping[str, Any]:
        known(said, ("metadata",))
        self._book.describe(db, self._refund(number), metadata_of(said))
        return self._shown(self._refund(number), {})

    def _cancel(self, db: sqlite3.Connection, said: dict[str, Any], number: str) -> Mapping[str, Any]:
        known(said, ())
        found = self._refund(number)
        if found.status != "requires_action":
            raise Refusal(400, f"A refund that is {found.status} cannot be canceled.")
        self._book.step(db, found, [[0.0, "canceled", "merchant_request"]], taken=found.taken)
        return self._shown(self._refund(number), {})

    def _shown(self, found: Refund, said: dict[str, Any]) -> Mapping[str, Any]:
        known(said, ())
        return shape.refund(found, self._book.paid(found.charge))

    def _refund(self, number: str) -> Refund:
        found = self._book.refund(number) if number.startswith("re_") else None
        if found is None:
            raise Refusal(404, f"No such refund: '{number}'", code="resource_missing", param="id")
        return found

    # --- what is around them ----------------------------------------------------------------------------------------------
    def _payment(self, param: str, number: str) -> Payment:
        found = self._book.payment(number)
        if found is None or number != (found.charge if param == "charge" else found.intent):
            raise Refusal(404, f"No such {param}: '{number}'", code="resource_missing", param=param)
        return found

    def _dispute(self, _: object, said: dict[str, Any], number: str) -> Mapping[str, Any]:
        known(said, ())
        found = self._book.dispute(number)
        if found is None:
            raise Refusal(404, f"No such dispute: '{number}'", code="resource_missing", param="dispute")
        return shape.dispute(found, self._book.paid(found.charge))

    def _balance(self, _: object, said: dict[str, Any]) -> Mapping[str, Any]:
        known(said, ())
        names = [row["name"].partition(" ")[2] for row in self._book.rows("select name from setting where name like 'balance %'")]
        available = [{"amount": self._book.balance(name), "currency": name.lower()} for name in names]
        return {
            "object": "balance",
            "available": [a for a in available if a["amount"] is not None],
            "livemode": False,
            "pending": [],
        }

    def _endpoint(self, db: sqlite3.Connection, said: dict[str, Any]) -> Mapping[str, Any]:
        known(said, ("url", "enabled_events", "description", "metadata", "api_version"))
        url = str(said.get("url", ""))
        if not url.startswith("http://"):
            raise Refusal(400, "Not a valid URL", code="url_invalid", param="url")
        put_setting(db, "endpoint", url)
        number = made_id("we")
        return {
            "id": number,
            "object": "webhook_endpoint",
            "secret": self._keys.webhook_secrets[-1],
            "status": "enabled",
            "url": url,
        }
