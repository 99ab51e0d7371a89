"""Query: what a store is asked, and what it gives. Every question is a value of its own; each says what a page of answers holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from aftersales.batch import Batch, Part
from aftersales.case import Case, Ending
from aftersales.change import Answer, Notice, PhotoPrint, Step
from aftersales.count import Counted, Counts
from aftersales.delegation import Delegations
from aftersales.entry import Payout
from aftersales.evidence import Evidence, Proof
from aftersales.ledger import Ledger
from aftersales.order import Order
from aftersales.parcel import Parcel
from aftersales.pickup import Pickup
from aftersales.refund import Refund
from aftersales.refusal import Refusal
from aftersales.report import Report
from aftersales.ruling.book import Rulebook
from aftersales.ruling.table import RuleSet
from aftersales.template import Templates
from aftersales.ticket import Allowance, Ticket
from aftersales.tracking import Trail

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OrderFile:
    """An order with its money, the ids of its cases and the merchant's proofs, read in one request."""

    order: Order
    ledger: Ledger
    cases: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with its records (not its steps), read in one request."""

    case: Case
    evidence: tuple[Evidence, ...] = ()
    parcel: Parcel | None = None
    refunds: tuple[Refund, ...] = ()
    pickup: Pickup | None = None
    trail: Trail | None = None


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """What to find; T is what a page of it holds."""


@dataclass(frozen=True, slots=True)
class StepsOf(Query[Step]):
    """The steps of a case, in order."""

    case_id: str


@dataclass(frozen=True, slots=True)
class AnswerTo(Query[Answer]):
    """The kept answer to an idempotent request, at most one; expired ones do not count."""

    caller: str
    key: str
    now: datetime


@dataclass(frozen=True, slots=True)
class OfMerchant(Query[Case]):
    """A merchant's open cases in ``state``, most urgent first (:func:`~aftersales.queue.urgency`), of which all that is set holds.

    ``clerk`` is who claimed it after ``claims_since`` (a ``sub``), "-" for nobody; with a clerk ``state`` may be "", for any.
    Amounts are minor units of whatever currency, both included. A page may hold fewer than asked for, and have a cursor.
    """

    merchant: str
    state: str
    kind: str = ""
    vertical: str = ""
    category: str = ""
    evidence: str = ""
    lane: str = ""
    clerk: str = ""
    min_minor: int = 0
    max_minor: int | None = None
    late: bool = False
    claims_since: datetime | None = None


#: What may differ from page to page of one query.
MOVING = frozenset({"now", "claims_since"})


@dataclass(frozen=True, slots=True)
class CountedOf(Query[Counted]):
    """What a case was last counted in, at most one."""

    case_id: str


@dataclass(frozen=True, slots=True)
class CountsOf(Query[Counts]):
    """How many of a merchant's cases are in which bucket, one value."""

    merchant: str


@dataclass(frozen=True, slots=True)
class OfBuyer(Query[Case]):
    """A buyer's cases, newest first."""

    merchant: str
    buyer_id: str


@dataclass(frozen=True, slots=True)
class OrdersOfPhone(Query[str]):
    """The order ids of a buyer's phone at a merchant, newest first, however it is written (:func:`~aftersales.order.dialled`).

    The phone itself is never stored as an index.
    """

    merchant: str
    phone: str


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose deadline may have passed.

    ``kind`` is ``case``, ``parcel``, ``refund``, ``pickup``, ``trail``, ``files``, ``holds``, ``order``, ``proof`` or ``batch``.

    ``files`` are those of a closed case, ``holds`` what outside systems keep for it, ``order`` is one that its trades want to look
    at, ``proof`` is one of an order: it alone has an ``evidence_id``, and both alone have ``merchant`` and ``order_id``.
    For a ``batch`` the ``case_id`` is the batch's. ``number`` and ``channel`` are the refund's; "" for a channel says that the
    record is older than this.
    """

    kind: str
    case_id: str
    due_at: datetime
    number: int = 0
    channel: str = ""
    merchant: str = ""
    order_id: str = ""
    evidence_id: str = ""


@dataclass(frozen=True, slots=True)
class DueBy(Query[Due]):
    """What is due at ``now`` in one shard of ``kind`` (see :class:`Due`), earliest first; no item beyond is read."""

    kind: str
    shard: int
    now: datetime


#: Of one word the newest photos are looked up until so many cases are met, and so many photos at most: no word, however common,
#: makes a search slow, and no case, however many copies of a photo it holds, hides the others.
NEWEST_CASES, MOST_PRINTS = 16, 64


@dataclass(frozen=True, slots=True)
class PrintsLike(Query[PhotoPrint]):
    """Photos that share words with ``words``: candidates for reuse, to be compared.

    Of each word the newest photos up to the first one of the NEWEST_CASES-th case, MOST_PRINTS at most, newest first, one word
    after another: a photo is given once for each word it shares, with that word alone.
    """

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoticesOf(Query[Notice]):
    """A person's notices at a merchant, newest first."""

    merchant: str
    recipient: str


@dataclass(frozen=True, slots=True)
class OrdersOfPayment(Query[tuple[str, str]]):
    """The orders (merchant, order id) that a channel's payment paid for."""

    channel: str
    transaction_id: str


@dataclass(frozen=True, slots=True)
class RefundsOf(Query[Refund]):
    """A merchant's refunds and compensations reserved in a calendar month (UTC, ``2026-11``), oldest first."""

    merchant: str
    month: str


@dataclass(frozen=True, slots=True)
class RefundsOn(Query[Refund]):
    """Refunds of a channel that it accepted on a day (Beijing); those without its word count by the day they were reserved."""

    channel: str
    day: date


@dataclass(frozen=True, slots=True)
class TicketNamed(Query[Ticket]):
    """The ticket of this id, at most one."""

    ticket_id: str


@dataclass(frozen=True, slots=True)
class TicketsOf(Query[Ticket]):
    """A merchant's tickets ("" for those of nobody), oldest first; open ones, or closed ones."""

    merchant: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class ReportsOf(Query[Report]):
    """Reconciliation reports of a merchant ("" for the whole accounts) from ``first`` to ``last`` included, by day and channel."""

    merchant: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class SpentOf(Query[int]):
    """What was spent of a yearly allowance (:class:`~aftersales.ticket.Spend`), in minor units; none while nothing was.

    With a ``day`` it is that day's.
    """

    merchant: str
    year: int
    payout: Payout
    currency: str
    day: str = ""

    @property
    def allowance(self) -> Allowance:
        """The same as the spend's."""
        return self.merchant, self.day or str(self.year), self.payout, self.currency


@dataclass(frozen=True, slots=True)
class TemplatesOf(Query[Templates]):
    """A merchant's own answers, at most one; none when it keeps to the defaults."""

    merchant: str


@dataclass(frozen=True, slots=True)
class DelegationsOf(Query[Delegations]):
    """Who stands in for whom at a merchant, at most one; none where nobody ever did."""

    merchant: str


@dataclass(frozen=True, slots=True)
class RefusalsOf(Query[Refusal]):
    """What people were refused at a merchant, newest first."""

    merchant: str


@dataclass(frozen=True, slots=True)
class RulebookOf(Query[Rulebook]):
    """Which version of a merchant's rules is in force when, at most one; none where the merchant never wrote any."""

    merchant: str


@dataclass(frozen=True, slots=True)
class RuleSetNamed(Query[RuleSet]):
    """One version of a merchant's rules, at most one."""

    merchant: str
    version: int


@dataclass(frozen=True, slots=True)
class RuleSetsOf(Query[RuleSet]):
    """All versions of a merchant's rules, newest first."""

    merchant: str


@dataclass(frozen=True, slots=True)
class ClosedOf(Query[Case]):
    """A merchant's cases of one month (``2026-11``, of their opening in UTC) that ended without a refund, oldest first.

    Those that ended with one are found by :class:`RefundsOf`; where nothing was owed there is none, though the case ended well.
    """

    merchant: str
    month: str

    @staticmethod
    def has(case: Case) -> bool:
        """Whether such a list has the case, whichever merchant's and month's it is."""
        return case.terminal and (case.ending is not Ending.REFUNDED or not case.amount)


@dataclass(frozen=True, slots=True)
class CasesNamed(Query[Case]):
    """The cases of these ids as they are now, in this order and in one page, whosesoever they are; unknown ones are left out."""

    case_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchNamed(Query[Batch]):
    """The batch of this id, at most one."""

    batch_id: str


@dataclass(frozen=True, slots=True)
class BatchesOf(Query[Batch]):
    """A merchant's batches, newest first."""

    merchant: str


@dataclass(frozen=True, slots=True)
class PartNamed(Query[Part]):
    """One part of a batch, at most one."""

    batch_id: str
    number: int


@dataclass(frozen=True, slots=True)
class PartsOf(Query[Part]):
    """The parts of a batch, in order."""

    batch_id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of what was found; ``cursor`` asks for more, None when this is all."""

    found: tuple[T, ...]
    cursor: str | None = None
