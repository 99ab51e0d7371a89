"""Pickups: goods that go back are collected at the buyer's door. What people ask for; the carrier is called later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aftersales.case import Event, Fault
from aftersales.change import Change
from aftersales.deadline import Deadline
from aftersales.errors import Conflict, Invalid, Rejected
from aftersales.pickup import PICKUP_LOOKS, Pickup, PickupEvent, PickupState, Slot, Wish, advance_pickup
from aftersales.ports import CaseFile
from functions import collect, collected
from functions.context import Context
from functions.reply import CaseView
from functions.reply_pickup import PriceView
from functions.slot import PickupBody, PickupPatch
from functions.view import case_view, stored

S, E = PickupState, PickupEvent

#: How soon a courier can be there at the earliest.
NOTICE = timedelta(minutes=30)


def price(ctx: Context, case_id: str, body: PickupBody) -> PriceView:
    """What it costs and who bears it, before anything is booked. Nothing is stored, of the address neither."""
    file = ctx.case(case_id)
    wish, carrier = _wish(ctx, file, body)
    return PriceView(price_minor=_price(ctx, carrier, wish), currency="CNY", payer=payer_of(file), company=wish.company)


def book(ctx: Context, case_id: str, body: PickupBody) -> CaseView:
    """Have the goods collected. It is on record when this returns, and the carrier is called after that.

    Raises Conflict while another one stands or may stand, when goods are not to be sent, and when the price is not the agreed one.
    """
    file = ctx.case(case_id)
    known = file.pickup
    if known is not None and (known.alive or known.state is S.COLLECTED):
        raise Conflict("A pickup of these goods is on record.", todo="Move or cancel it.", state=str(known.state))
    wish, carrier = _wish(ctx, file, body)
    payer = payer_of(file)
    minor = _agreed(ctx, carrier, wish, body) if payer == "buyer" else body.agreed_minor
    pickup = Pickup(
        file.case.case_id,
        file.case.merchant,
        carrier,
        wish.company,
        S.ASKED,
        wish.slot,
        ctx.now,
        Deadline.after(ctx.now, PICKUP_LOOKS[S.ASKED], "look"),
        number=known.number + 1 if known else 1,
        sender=wish.sender,
        weight_g=body.weight_g,
        minor=minor,
        currency="CNY" if minor is not None else "",
        payer=payer,
        version=known.version if known else 0,
    )
    told = {**_words(ctx, file, wish.slot), "company": wish.company, "payer": payer}
    change = Change(file.case, pickup=pickup).then(Event.PICKUP_ASKED, ctx.caller.name, ctx.now, None, **told)
    return _stored(ctx, file, change.with_case(has_pickup=True))


def move(ctx: Context, case_id: str, body: PickupPatch) -> CaseView:
    """Have them collected at another time. Until the carrier agrees, the slot is the old one."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    pickup = _known(file)
    slot = body.slot.slot(collect.zone_of(ctx.registry, file))
    if slot in (pickup.wanted, None if pickup.wanted else pickup.slot) and pickup.alive:
        return _stored(ctx, file, Change(file.case))
    _fits(ctx, file, slot, pickup.carrier)
    if pickup.state is not S.BOOKED:
        raise Conflict(
            "The carrier has not confirmed this pickup.", todo="Wait for its answer, or cancel it.", state=str(pickup.state)
        )
    event = E.MOVE_ASKED if ctx.registry.carrier(pickup.carrier).moves else E.CANCEL_ASKED
    moved = advance_pickup(replace(pickup, wanted=slot), event, ctx.now)
    told = _words(ctx, file, slot)
    return _stored(ctx, file, Change(file.case, pickup=moved).then(Event.PICKUP_ASKED, ctx.caller.name, ctx.now, None, **told))


def cancel(ctx: Context, case_id: str) -> CaseView:
    """The goods are not collected after all. Asked twice it is one; the carrier has the last word on what it costs."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    pickup = _known(file)
    if pickup.state is S.COLLECTED:
        raise Conflict("The goods were collected already.", todo="Wait for the inspection.", state=str(pickup.state))
    if pickup.state is S.CANCELLING and pickup.wanted:
        dropped, told = replace(pickup, wanted=None, sender=None), _words(ctx, file, pickup.wanted)
        change = Change(file.case, pickup=dropped)
        return _stored(ctx, file, change.then(Event.PICKUP_CANCEL_ASKED, ctx.caller.name, ctx.now, None, **told))
    if not pickup.alive or pickup.state is S.CANCELLING:
        return _stored(ctx, file, Change(file.case))
    moved, told = advance_pickup(replace(pickup, wanted=None), E.CANCEL_ASKED, ctx.now), _words(ctx, file, pickup.slot)
    event = Event.PICKUP_CANCEL_ASKED if moved.alive else Event.PICKUP_CANCELLED
    return _stored(ctx, file, Change(file.case, pickup=moved).then(event, ctx.caller.name, ctx.now, None, **told))


def payer_of(file: CaseFile) -> str:
    """Who bears the price: the buyer where the reason is theirs, else the merchant (Consumer Rights Protection Law, art. 25)."""
    return "buyer" if file.case.fault is Fault.BUYER else "merchant"


# --- inside -----------------------------------------------------------------------------------------------------------
def _wish(ctx: Context, file: CaseFile, body: PickupBody) -> tuple[Wish, str]:
    """What a carrier would be asked for, and which one. Raises Conflict and Invalid for what cannot be."""
    if not collected.wanted(file):
        raise Conflict("No goods wait to be sent back in this case.", todo="Wait for the decision.", state=str(file.case.state))
    shop = ctx.registry.merchant(file.case.merchant)
    if not (shop.return_address and shop.return_name and shop.return_phone):
        raise Conflict("The shop takes no pickups: it has not said where they go.", todo="Send the goods by a carrier of your own.")
    by_company = {company: name for name in ctx.registry.carriers for company in ctx.registry.carrier(name).companies}
    company = body.company.lower() or next(iter(by_company), "")
    if company not in by_company:
        raise Invalid("Nobody of this name collects goods.", where="company", expected=sorted(by_company), found=company)
    slot = body.slot.slot(shop.zone)
    _fits(ctx, file, slot, by_company[company])
    number = file.pickup.number + 1 if file.pickup else 1
    draft = Pickup(
        file.case.case_id, file.case.merchant, by_company[company], company, S.ASKED, slot, ctx.now, None, number,
        weight_g=body.weight_g,
    )  # fmt: skip
    return collect.wish_of(ctx.registry, draft, body.sender.party()), by_company[company]


def _fits(ctx: Context, file: CaseFile, slot: Slot, carrier: str) -> None:
    """Raise Invalid for a slot that nobody can keep."""
    zone = collect.zone_of(ctx.registry, file)
    today, last = ctx.now.astimezone(zone).date(), file.parcel.deadline.due_at if file.parcel and file.parcel.deadline else None
    ahead = ctx.registry.carrier(carrier).days_ahead
    if slot.end < ctx.now + NOTICE:
        raise Invalid("This time has passed, or is too soon for a courier.", where="slot", todo="Choose a later one.")
    if (slot.start.astimezone(zone).date() - today).days > ahead:
        expected = (today + timedelta(days=ahead)).isoformat()
        raise Invalid("The carrier takes no pickups so far ahead.", where="slot.day", expected=f"until {expected}")
    if last is not None and slot.end > last:
        raise Invalid("The goods have to be on their way before that.", where="slot", expected=f"until {last.isoformat()}")


def _price(ctx: Context, carrier: str, wish: Wish) -> int:
    port = ctx.registry.carrier(carrier)
    if not hasattr(port, "price"):
        raise Conflict("The carrier does not say beforehand what it costs.", todo="Ask the shop.")
    try:
        return int(port.price(wish, ctx.now))
    except Rejected as refusal:
        raise Conflict("The carrier does not collect there.", todo="Send the goods by another carrier.") from refusal


def _agreed(ctx: Context, carrier: str, wish: Wish, body: PickupBody) -> int:
    """The price that the buyer agreed to, where it is still the price. Raises Conflict, the price named."""
    costs = _price(ctx, carrier, wish)
    if body.agreed_minor is None or costs > body.agreed_minor:
        raise Conflict(
            "The buyer bears the price of this pickup, and agrees to it before it is booked.",
            todo="Show the price, and send it as agreed_minor.",
            expected=costs,
            found=body.agreed_minor,
        )
    return costs


def _known(file: CaseFile) -> Pickup:
    if file.pickup is None:
        raise Conflict("No pickup was asked for in this case.", todo="Book one.", state=str(file.case.state))
    return file.pickup


def _words(ctx: Context, file: CaseFile, slot: Slot) -> dict[str, str]:
    return collected.in_words(slot, collect.zone_of(ctx.registry, file))


def _stored(ctx: Context, file: CaseFile, change: Change) -> CaseView:
    assert change.case is not None
    after = replace(file, case=change.case, pickup=change.pickup or file.pickup)
    if change.pickup is None:  # nothing to write but the answer
        return ctx.commit(Change(), case_view(ctx, file))
    return ctx.commit(change, stored(ctx, after))
