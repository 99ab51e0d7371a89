"""Vertical: one trade as data and pure functions. What it offers, requires, checks and pays.

A rule takes Facts and gives a Finding. It never raises, never stops another rule, never reads a clock, config or network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aftersales.caller import Role
from aftersales.case import Case, Fault, Item, Kind, Lane, State
from aftersales.decision import Finding, Verdict
from aftersales.evidence import SHOWING, Evidence, Requirement
from aftersales.fact import Field, Tells
from aftersales.failure import Failure
from aftersales.ledger import Ledger, Turn
from aftersales.lookup import ASKED, Ask, Lookup
from aftersales.money import Money
from aftersales.order import Line, Order
from aftersales.parcel import ParcelState
from aftersales.remedy import Remedy as Remedy  # noqa: PLC0414  # trades name it beside Offer
from aftersales.shown import PIECES, SPOILAGE, of_anything
from aftersales.text import has, text

#: Checks of which one photo of several is enough.
SHOWN_ONCE = (".spoilage", ".pieces", ".product", ".label")

#: The longest time that can be promised for an answer, in hours: later, silence has decided long since.
LONGEST_PLEDGE = 720


#: Who decides in which lane where a merchant says nothing. The first yes of two decides nothing yet, and anybody of the shop may
#: say it: a shop of one clerk and one approver can do without anybody else.
HANDLERS: Mapping[Lane, tuple[Role, ...]] = {
    Lane.ORDINARY: (Role.CLERK, Role.APPROVER, Role.ADMIN),
    Lane.DIFFICULT: (Role.CLERK, Role.APPROVER, Role.ADMIN),
    Lane.LEGAL: (Role.APPROVER, Role.ADMIN),
}


@dataclass(frozen=True, slots=True)
class Merchant:
    """What a merchant has set. Amounts are minor units of ``currency``; the defaults are those of RV-2 and RV-3.

    An amount in another currency is never small, and always needs two persons: what it is worth is not guessed.
    """

    merchant: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    currency: str = "CNY"
    small_minor: int = 5_000  # up to this (included) a claim is approved without a person
    one_click_minor: int | None = None  # up to this (included) one click pays it; None: what is small
    one_click_reasons: tuple[str, ...] = ()  # for which of its trades' reasons; none named: all of them
    one_click_day_minor: int = 500_000  # paid by one click on one of the merchant's days in all; 0: nothing is
    two_persons_above_minor: int = 50_000  # above this a second person is needed
    batch_two_minor: int = 2_000_000  # a batch that approves more than this in all needs a second person's go; 0: none does
    window_days: int = 7  # no-reason return; the law's seven or more
    timeouts: Mapping[State, timedelta] = field(default_factory=dict)
    parcel_timeouts: Mapping[ParcelState, timedelta] = field(default_factory=dict)
    return_address: str = ""
    return_name: str = ""  # who takes parcels in there, and at which phone: carriers ask for both
    return_phone: str = ""
    neighbours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # cities that count as one for parcels
    turn: Turn = Turn.AS_PAID  # which of several payments gives first
    fee_permille: int = 0  # kept back from goods, unless the seller (or the carrier) answers for the reason
    compensation_permille: int = 1_050  # refunds and goodwill together, of what was paid
    compensation_year_minor: int = 50_000_000  # goodwill and double deposits of one calendar year
    originals_days: int = 90  # how long evidence files are kept after a case closed
    proofs_days: int = 180  # how long the merchant's own proofs are kept with an order that has no case
    risk_person: int = 60  # from so many points of aftersales.risk on a person looks; 0: never for that
    label_with_flaw: bool = False  # label (or waybill) and flaw have to be in one picture
    holidays_move: bool = True  # what people have to do with a parcel does not fall due in a holiday
    tiers: tuple[str, ...] = ("diamond", "platinum", "gold", "silver")  # the first of them is served first
    claim_hours: int = 8  # a claim on a case that is older counts no more
    legal_minor: int = 500_000  # from this on (included) a case may end in court
    handlers: Mapping[Lane, tuple[Role, ...]] = field(default_factory=lambda: HANDLERS)  # who decides in which lane
    pledge_hours: Mapping[str, float] = field(default_factory=lambda: {"diamond": 1})  # until an answer, by tier; "": all others
    late_points: int = 20  # given to a buyer whose answer comes later than that

    def __post_init__(self) -> None:
        """Raise ValueError for a time that would erase files at once, and for a pledge that nobody could keep or break."""
        if self.originals_days < 1 or self.proofs_days < 1:
            raise ValueError("files are kept for a day at least")
        if any(not 0 <= hours <= LONGEST_PLEDGE for hours in self.pledge_hours.values()):
            raise ValueError(f"pledge_hours are from 0 (none) to {LONGEST_PLEDGE}")
        if self.late_points < 0 or self.one_click_day_minor < 0:
            raise ValueError("late_points and one_click_day_minor are 0 (none) or more")

    def is_small(self, amount: Money) -> bool:
        """Whether the amount is approved without a person."""
        return amount.currency == self.currency and amount.minor <= self.small_minor

    def rank(self, tier: str) -> int:
        """How far in front the buyers of a tier stand; 0 for none of :attr:`tiers`."""
        return len(self.tiers) - self.tiers.index(tier) if tier in self.tiers else 0

    def by_one_click(self, amount: Money, reason: str) -> bool:
        """Whether an amount for that reason is one that one click pays, as far as its day's sum goes."""
        most = self.small_minor if self.one_click_minor is None else self.one_click_minor
        named = not self.one_click_reasons or reason in self.one_click_reasons
        return named and amount.currency == self.currency and amount.minor <= min(most, self.one_click_day_minor)

    def needs_two(self, amount: Money) -> bool:
        """Whether a second person has to agree to the amount."""
        return amount.currency != self.currency or amount.minor > self.two_persons_above_minor


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a rule may look at. ``findings`` are what verification saw so far; ``kind`` and ``reason`` what is asked for.

    ``evidence`` is the buyer's, ``proofs`` are what the merchant handed in: its own word, so that they ask for a person at most.

    While options are listed nothing is asked yet: ``reason`` is empty and ``items`` name the line's free pieces. ``self_evident``:
    the reason follows from figures, and there is nothing to be shown (:attr:`Reason.requires` is empty).
    """

    order: Order
    ledger: Ledger
    merchant: Merchant
    kind: Kind
    items: tuple[Item, ...]
    now: datetime
    reason: str = ""
    freight: bool = False
    asked: Money | None = None
    evidence: tuple[Evidence, ...] = ()
    case: Case | None = None
    lookups: tuple[Lookup, ...] = ()
    proofs: tuple[Evidence, ...] = ()
    self_evident: bool = False

    def lookup(self, source: str, line_id: str) -> Lookup | None:
        """What the source said about the line for this case, None where it was not asked or has not answered."""
        return next((x for x in self.lookups if (x.source, x.line_id) == (source, line_id) and x.status != ASKED), None)

    @property
    def applied_at(self) -> datetime:
        """When the buyer applied, which windows are judged by: the first submission of an open case, else now."""
        return (self.case and not self.case.terminal and self.case.submitted_at) or self.now

    @property
    def lines(self) -> tuple[Line, ...]:
        """The order lines that are asked about."""
        return tuple(self.order.line(i.line_id) for i in self.items)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What verification saw, as far as it still matters.

        An unusable photo or video is forgiven once a usable one stands beside it, and one on which the goods, the flaw or the label
        cannot be told once another shows them: but then its flaw counts for nothing either, since it may be one of anything. What a
        photo shows to be something else is never forgiven.
        """
        usable = {e.kind for e in self.evidence if e.usable}
        usable |= SHOWING if usable & SHOWING else set()
        pieces = [e for e in self.evidence if e.usable or e.kind not in usable]
        doubted = of_anything(pieces)
        flaws = {(e.evidence_id, check) for e in pieces if e.evidence_id in doubted for check in (SPOILAGE, PIECES)}
        found = [f for e in pieces for f in e.findings if f.verdict is not Verdict.PASS or (e.evidence_id, f.check) not in flaws]
        shown = {f.check for f in found if f.verdict is Verdict.PASS and f.check.endswith(SHOWN_ONCE)}
        return tuple(f for f in found if f.check not in shown or f.verdict is Verdict.PASS or dict(f.data).get("match") == "no")

    @property
    def value(self) -> tuple[Money, Money]:
        """What was paid (goods, tax) for the pieces asked about: the held ones, else the first free ones."""
        picked = [i if i.units else self.ledger.pick(i) for i in self.items]
        currency = self.order.currency
        worth = [self.ledger.worth(i.line_id, i.units) for i in picked]
        goods, tax = sum(goods for goods, _ in worth), sum(tax for _, tax in worth)
        return Money(goods, currency), Money(tax, currency)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a case is worth. ``share`` of the pieces' price is (part, whole); ``text`` is the key of the sentence about it.

    ``beyond`` is owed on top of what was paid (a deposit that comes back double): compensation, which is another payout with caps
    of its own, and no part of ``amount``.
    """

    goods: Money
    tax: Money
    freight: Money
    text: str
    share: tuple[int, int] = (1, 1)
    beyond: Money | None = None

    @property
    def amount(self) -> Money:
        """All parts together."""
        return self.goods + self.tax + self.freight


Rule = Callable[[Facts], Finding]
Amount = Callable[[Facts], Quote]
#: The facts have no kind that was asked for: ``Kind.REFUND_ONLY``, no reason, and the items of the trade's own lines.
Watches = Callable[[Facts], "tuple[Watch, ...]"]
Around = Callable[["Vertical"], "Vertical"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A preset reason (IN-2). Its text key is ``reason.<code>``.

    ``requires`` replaces what its kind requires, where that is not None. ``pieces_stay``: the buyer keeps goods that are worth less
    now, and can ask about them again.
    """

    code: str
    fault: Fault
    requires: tuple[Requirement, ...] | None = None
    pieces_stay: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """A case that the trade opens by itself at ``due_at``, unless it has changed by then. ``key`` names it, once per order."""

    key: str
    due_at: datetime
    kind: Kind
    reason: str
    items: tuple[Item, ...]
    freight: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of case in this trade.

    ``when`` rules look at the order's state and window: one that fails means the kind is not offered, and its reason says why.
    ``rules`` are judged once evidence is in and every source of ``asks`` has answered. ``goods_back`` says whether a parcel has to
    return first, ``remedy`` what the buyer is given then.
    """

    kind: Kind
    when: tuple[Rule, ...]
    reasons: tuple[Reason, ...]
    requires: tuple[Requirement, ...]
    rules: tuple[Rule, ...]
    amount: Amount
    goods_back: bool = False
    asks: tuple[Ask, ...] = ()
    remedy: Remedy = Remedy.MONEY

    def required(self, code: str) -> tuple[Requirement, ...]:
        """The evidence that this kind requires for that reason."""
        reason = self.reason(code)
        return self.requires if reason is None or reason.requires is None else reason.requires

    def is_self_evident(self, code: str) -> bool:
        """Whether that reason requires nothing to be shown, unlike its kind."""
        reason = self.reason(code)
        return reason is not None and reason.requires == () and bool(self.requires)

    def reason(self, code: str) -> Reason | None:
        """The preset reason of that code, None when this kind has none such."""
        return next((r for r in self.reasons if r.code == code), None)


@dataclass(frozen=True, slots=True)
class Vertical:
    """One trade. ``package`` is where its ``texts.toml`` lies; ``version`` is written on every case it judges.

    Text keys: ``rules.<kind>`` the terms a buyer reads, ``reason.<code>``, ``<finding reason>``, ``<quote text>``.
    ``failures`` names the finding reasons that tell of a known failure when their check fails.

    ``needs`` are the values of a line's ``data`` that the trade reads, ``tells`` the facts it understands: both are checked when a
    mall tells them. ``watch`` gives the cases that the trade opens by itself, for every order it has a line in. ``around`` makes
    another trade's value out of one: a line of the trade ``outer:inner`` is judged by ``outer.around(inner)``. ``also`` are further
    packages where its texts lie.
    """

    name: str
    version: str
    package: str
    offers: tuple[Offer, ...]
    timeouts: Mapping[State, timedelta] = field(default_factory=dict)
    on_signing: str = ""  # text key of the notice a buyer gets when the parcel is signed for, "" for none
    failures: Mapping[str, Failure] = field(default_factory=dict)
    needs: tuple[Field, ...] = ()
    tells: tuple[Tells, ...] = ()
    watch: Watches | None = None
    around: Around | None = None
    also: tuple[str, ...] = ()

    def text(self, key: str, locale: str, /, **values: object) -> str:
        """The words of ``key`` in that language, from ``package`` or the packages of ``also``."""
        package = next((p for p in (self.package, *self.also) if has(p, key)), self.package)
        return text(package, key, locale, **values)

    def offer(self, kind: Kind) -> Offer | None:
        """What this trade has for that kind, None when nothing."""
        return next((o for o in self.offers if o.kind == kind), None)
