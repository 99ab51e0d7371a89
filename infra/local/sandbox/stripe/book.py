"""The provider's books: payments, refunds, disputes and the account's balance, and the rules that Stripe keeps.

Source: Stripe documentation, refunds, disputes, idempotent requests (2026-11).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.database import Database, put_setting
from infra.local.sandbox.provider import Env
from infra.local.sandbox.stripe import shape
from infra.local.sandbox.stripe.form import Refusal
from infra.local.sandbox.stripe.table import ENDED, SCHEMA, Dispute, Payment, Refund, made_id

#: How long an Idempotency-Key is remembered (Stripe documentation, idempotent requests: at least 24 hours).
KEPT_S = 24 * 3600.0

#: Currencies of three decimals, of which the last must be 0 (Stripe documentation, currencies).
THREE = ("BHD", "JOD", "KWD", "OMR", "TND")

#: The metadata in which the refunds of this project carry their number.
NUMBER = "aftersales_key"

#: What becomes of a refund: ``(seconds after the step before, status, why)``; the first step is how it begins.
Plan = list[tuple[float, str, str]]


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed request for a refund. ``param``: how the payment is named; ``minor`` None: all that is left."""

    payment: str
    param: str
    minor: int | None
    reason: str
    metadata: Mapping[str, str]


class Book(Database):
    """The books. Safe from any thread; what belongs together is one transaction."""

    def __init__(self, env: Env) -> None:
        super().__init__(env.file("sqlite"), SCHEMA)
        self.now = env.now
        #: Whether a refund beyond the balance is refused rather than held back until there is money.
        self.refuses_short = False

    # --- Idempotency-Keys -------------------------------------------------------------------------------------------------
    def once(self, key: str, request: str, do: Callable[[sqlite3.Connection], Mapping[str, Any]]) -> tuple[int, Any, bool]:
        """Status, answer and whether it comes from memory. A refusal that is kept is remembered like a success. Raises Refusal."""
        with self.writing() as db:
            kept = db.execute("select * from kept where key = ? and at > ?", (key, self.now() - KEPT_S)).fetchone()
            if kept is not None:
                if kept["request"] != request:
                    message = (
                        f"Keys for idempotent requests can only be used with the parameters they were first used with ({key})."
                    )
                    raise Refusal(400, message, kind="idempotency_error")
                return kept["status"], json.loads(kept["said"]), True
            try:
                status, said = 200, do(db)
            except Refusal as refusal:
                if not refusal.kept:
                    raise
                status, said = refusal.status, refusal.said
            if key:
                values = (key, request, status, json.dumps(said), self.now())
                db.execute("insert or replace into kept values (?, ?, ?, ?, ?)", values)
            return status, said, False

    # --- payments and the balance -----------------------------------------------------------------------------------------
    def pay(self, number: str, minor: int, currency: str, method: str, description: str, paid_at: float) -> None:
        """A buyer has paid. The same payment again changes nothing; another one under the same number raises ValueError."""
        if minor <= 0 or (currency in THREE and minor % 10):
            raise ValueError("a payment is more than nothing, and of three decimals the last is 0")
        charge = number if number.startswith(("ch_", "py_")) else made_id("ch")
        with self.writing() as db:
            known = db.execute("select * from payment where id = ?", (number,)).fetchone()
            if known is None:
                values = (number, charge, minor, currency, method, description, paid_at)
                db.execute("insert into payment values (?, ?, ?, ?, ?, ?, ?)", values)
            elif (known["minor"], known["currency"]) != (minor, currency):
                raise ValueError(f"another payment has the number {number}")

    def payment(self, number: str) -> Payment | None:
        """The payment of that PaymentIntent or charge."""
        found = self.rows("select * from payment where id = ? or charge = ?", number, number)
        return Payment(**found[0]) if found else None

    def paid(self, charge: str) -> Payment:
        """The payment that a refund or dispute is about."""
        found = self.payment(charge)
        assert found is not None
        return found

    def balance(self, currency: str) -> int | None:
        """What is left on the account in a currency; None: any amount."""
        found: int | None = self.setting(f"balance {currency}")
        return found

    def fund(self, minor: int | None, currency: str = "CNY") -> None:
        """What is left on the account from now on. Refunds held back for want of it go on, the oldest first."""
        with self.writing() as db:
            put_setting(db, f"balance {currency}", minor)
            for row in db.execute(
                "select * from refund where status = 'pending' and why = 'insufficient_funds' order by n"
            ).fetchall():
                held = Refund.of(dict(row))
                if self.paid(held.charge).currency == currency and self._take(db, currency, held.minor):
                    self.step(db, held, held.plan, taken=True)

    def top_up(self, minor: int, currency: str = "CNY") -> None:
        """Put money on the account."""
        self.fund((self.balance(currency) or 0) + minor, currency)

    # --- refunds ----------------------------------------------------------------------------------------------------------
    def refunds(self, charge: str) -> list[Refund]:
        """The refunds of a charge, the newest first."""
        return [Refund.of(row) for row in self.rows("select * from refund where charge = ? order by n desc", charge)]

    def refund(self, number: str) -> Refund | None:
        """The refund with that id, or the newest one under that number of ours."""
        found = self.rows(
            "select * from refund where id = ? or (number = ? and number != '') order by n desc limit 1", number, number
        )
        return Refund.of(found[0]) if found else None

    def create(self, db: sqlite3.Connection, ask: Ask, plan: Plan) -> Refund:
        """Make a refund that takes its course. Raises Refusal; then nothing has changed."""
        payment = self.payment(ask.payment)
        if payment is None:
            message = f"No such {ask.param}: '{ask.payment}'"
            raise Refusal(404, message, code="resource_missing", param=ask.param)
        minor = self._allowed(payment, ask)
        taken = self._take(db, payment.currency, minor)
        if not taken and self.refuses_short:
            message = "Insufficient funds in your Stripe balance to refund this amount."
            raise Refusal(400, message, code="insufficient_funds", kept=True)
        if not taken and payment.method != "card":
            plan = [(0.0, "pending", "processing"), (0.0, "failed", "insufficient_funds")]
        waits = not taken and payment.method == "card"
        status, why = ("pending", "insufficient_funds") if waits else plan[0][1:]
        rest = plan if waits else plan[1:]
        now = self.now()
        due = now + rest[0][0] if rest and not waits else None
        values = (
            made_id("re"), payment.charge, ask.metadata.get(NUMBER, ""), minor, ask.reason, json.dumps(dict(ask.metadata)),
            status, why, int(taken), json.dumps(rest), due, now,
        )  # fmt: skip
        db.execute(
            "insert into refund (id, charge, number, minor, reason, metadata, status, why, taken, plan, due_at, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        made = self.refund(values[0])
        assert made is not None
        self._tell_refund(db, made, "refund.created", {})
        self.tell(db, "charge.refunded", made.charge, made.number, self.charge(payment), {})
        return made

    def end_due(self) -> float | None:
        """Take every step that is due. Gives the instant of the next one; None when none is to come."""
        while True:
            found = self.rows("select * from refund where due_at is not null order by due_at, n limit 1")
            if not found or found[0]["due_at"] > self.now():
                return float(found[0]["due_at"]) if found else None
            with self.writing() as db:
                row = db.execute("select * from refund where id = ? and due_at is not null", (found[0]["id"],)).fetchone()
                if row is not None:
                    due = Refund.of(dict(row))
                    self.step(db, due, due.plan, taken=due.taken)

    def course(self, number: str, plan: Plan) -> Refund:
        """Let a refund take another course from now on. Raises ValueError where there is none of that number."""
        found = self.refund(number)
        if found is None:
            raise ValueError(f"there is no refund {number}")
        with self.writing() as db:
            change = "update refund set plan = ?, due_at = ? where id = ?"
            db.execute(change, (json.dumps(plan), self.now() + plan[0][0], found.id))
        self.end_due()
        now = self.refund(found.id)
        assert now is not None
        return now

    def describe(self, db: sqlite3.Connection, found: Refund, metadata: Mapping[str, str]) -> None:
        """Change a refund's metadata; an empty value takes a name away."""
        kept = {name: value for name, value in {**found.metadata, **metadata}.items() if value}
        change = "update refund set metadata = ?, number = ? where id = ?"
        db.execute(change, (json.dumps(kept), kept.get(NUMBER, ""), found.id))

    def charge(self, payment: Payment) -> dict[str, Any]:
        """The charge as the API shows it."""
        return shape.charge(payment, self.refunds(payment.charge), self.disputes(payment.charge))

    # --- disputes ---------------------------------------------------------------------------------------------------------
    def disputes(self, charge: str) -> list[Dispute]:
        """The disputes of a charge, the newest first."""
        found = self.rows("select * from dispute where charge = ? order by created_at desc", charge)
        return [Dispute.of(row) for row in found]

    def dispute(self, number: str) -> Dispute | None:
        """The dispute with that id."""
        found = self.rows("select * from dispute where id = ?", number)
        return Dispute.of(found[0]) if found else None

    def put_dispute(self, db: sqlite3.Connection, found: Dispute) -> None:
        """Store a dispute, new or changed; what it books is taken from the balance, or given back."""
        known = self.dispute(found.id)
        moved = sum(found.booked) - (sum(known.booked) if known else 0)
        values = (found.id, found.charge, found.minor, found.reason, found.status, json.dumps(found.booked), found.created_at)
        db.execute("insert or replace into dispute values (?, ?, ?, ?, ?, ?, ?)", values)
        self._move(db, self.paid(found.charge).currency, moved)

    # --- events: part of the transaction that they tell of, so that a crash loses none ------------------------------------
    def tell(
        self, db: sqlite3.Connection, kind: str, about: str, number: str, said: Mapping[str, Any], before: Mapping[str, Any]
    ) -> None:
        """Write down an event for the webhook endpoint, if there is one; ``said`` is a snapshot."""
        made, now = made_id("evt"), self.now()
        body = json.dumps(shape.event(made, kind, said, before, now), ensure_ascii=False)
        state = "pending" if self.setting("endpoint") else "unsent"
        names = "id, type, about, number, body, created_at, next_at, state, tries"
        values = (made, kind, about, number, body, now, now, state)
        db.execute(f"insert into event ({names}) values (?, ?, ?, ?, ?, ?, ?, ?, 0)", values)  # noqa: S608 (names of ours)

    def listen(self, url: str) -> None:
        """Send events to this address from now on. "": nowhere."""
        self.set("endpoint", url)

    def pending(self) -> list[dict[str, Any]]:
        """The events not acknowledged yet, the next one first."""
        return self.rows("select * from event where state = 'pending' order by next_at, n")

    def put_notice(self, event: Mapping[str, Any]) -> None:
        """Store how far an event is: its ``tries``, ``next_at`` and ``state``."""
        with self.writing() as db:
            change = "update event set tries = ?, next_at = ?, state = ? where id = ?"
            db.execute(change, (event["tries"], event["next_at"], event["state"], event["id"]))

    # --- the rules --------------------------------------------------------------------------------------------------------
    def _allowed(self, payment: Payment, ask: Ask) -> int:
        """The amount of a new refund. Raises Refusal."""
        if any(d.status not in ("won", "prevented") and not d.status.startswith("warning") for d in self.disputes(payment.charge)):
            raise Refusal(
                400, f"Charge {payment.charge} has been charged back; cannot issue a refund.", code="charge_disputed", kept=True
            )
        left = payment.minor - sum(one.minor for one in self.refunds(payment.charge) if one.status not in ENDED)
        if left == 0:
            raise Refusal(400, f"Charge {payment.charge} has already been refunded.", code="charge_already_refunded", kept=True)
        minor = left if ask.minor is None else ask.minor
        if minor > left:
            message = f"Refund amount ({minor}) is greater than unrefunded amount on charge ({left})"
            raise Refusal(400, message, code="amount_too_large", param="amount", kept=True)
        if payment.currency in THREE and minor % 10:
            message = "The last of three decimals must be 0."
            raise Refusal(400, message, code="invalid_charge_amount", param="amount", kept=True)
        return minor

    def step(self, db: sqlite3.Connection, found: Refund, plan: list[list[Any]], *, taken: bool) -> None:
        """Take the first step of ``plan``, move what goes with it, and tell."""
        (_, status, why), rest = plan[0], plan[1:]
        payment = self.paid(found.charge)
        if status in ENDED and taken:
            self._move(db, payment.currency, found.minor)
        before = shape.refund(found, payment)
        due = self.now() + rest[0][0] if rest else None
        change = "update refund set status = ?, why = ?, taken = ?, plan = ?, due_at = ? where id = ?"
        db.execute(change, (status, why, int(taken and status not in ENDED), json.dumps(rest), due, found.id))
        now = self.refund(found.id)
        assert now is not None
        changed = {name: value for name, value in before.items() if shape.refund(now, payment).get(name) != value}
        for kind in ("refund.updated", *(("refund.failed",) if status == "failed" else ())):
            self._tell_refund(db, now, kind, changed)

    def _tell_refund(self, db: sqlite3.Connection, found: Refund, kind: str, before: Mapping[str, Any]) -> None:
        self.tell(db, kind, found.id, found.number, shape.refund(found, self.paid(found.charge)), before)

    def _take(self, db: sqlite3.Connection, currency: str, minor: int) -> bool:
        """Take money from the balance, if there is enough."""
        balance = self.balance(currency)
        if balance is not None and balance < minor:
            return False
        self._move(db, currency, -minor)
        return True

    def _move(self, db: sqlite3.Connection, currency: str, minor: int) -> None:
        balance = self.balance(currency)
        if balance is not None:
            put_setting(db, f"balance {currency}", balance + minor)
