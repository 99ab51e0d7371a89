"""Pickups: goods that go back are collected at the buyer's door, or brought to a station with a label of ours.

What people ask for; the carrier is called later.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aftersales.case import Event, Fault
from aftersales.change import Change, Plain
from aftersales.deadline import Deadline
from aftersales.errors import Conflict, Invalid, Rejected, Unknown
from aftersales.parcel import PARCEL_TIMEOUTS, ParcelState
from aftersales.pickup import PICKUP_LOOKS, Pickup, PickupEvent, PickupState, Slot, Wish, advance_pickup
from aftersales.place import place_of
from aftersales.query import CaseFile
from functions import carriage, collect, collected
from functions.context import Context
from functions.reply import CaseView
from functions.reply_parcel import PriceView
from functions.slot import PickupBody, PickupPatch
from functions.view import case_view, stored

S, E = PickupState, PickupEvent

#: How soon a courier can be there at the earliest.
NOTICE = timedelta(minutes=30)


def price(ctx: Context, case_id: str, body: PickupBody) -> PriceView:
    """What it costs and who bears it, before anything is booked. Nothing is stored, of the address neither."""
    file = ctx.case(case_id)
    wish, carrier, _ = _wish(ctx, file, body)
    minor, payer = _price(ctx, carrier, wish), payer_of(file)
    kept = carriage.keepable(file.case, minor, "CNY") if payer == "buyer" else 0
    return PriceView(price_minor=minor, currency="CNY", payer=payer, company=wish.company, kept_minor=kept)


def book(ctx: Context, case_id: str, body: PickupBody) -> CaseView:
    """Have the goods collected. It is on record when this returns, and the carrier is called after that.

    Raises Conflict while another one stands or may stand, when goods are not to be sent, and when the price is not the agreed one.
    """
    file = ctx.case(case_id)
    known = file.pickup
    if known is not None and (known.alive or known.state is S.COLLECTED):
        raise Conflict("A pickup of these goods is on record.", todo="Move or cancel it.", state=str(known.state))
    wish, carrier, slot = _wish(ctx, file, body)
    payer = payer_of(file)
    minor = _agreed(ctx, carrier, wish, body) if payer == "buyer" else _told(ctx, carrier, wish)
    pickup = Pickup(
        file.case.case_id,
        file.case.merchant,
        carrier,
        wish.company,
        S.ASKED,
        slot,
        ctx.now,
        Deadline.after(ctx.now, PICKUP_LOOKS[S.ASKED], "look"),
        number=known.number + 1 if known else 1,
        sender=wish.sender,
        weight_g=body.weight_g,
        minor=minor,
        currency="CNY" if minor is not None else "",
        payer=payer,
        agreed=minor if payer == "buyer" else None,
        drop_off=body.drop_off,
        origin=replace(place_of(wish.sender.address), district=""),
        version=known.version if known else 0,
    )
    told = {**_words(ctx, file, pickup), "company": wish.company, "payer": payer}
    change = Change(file.case, pickup=pickup).then(Event.PICKUP_ASKED, ctx.caller.name, ctx.now, None, **told)
    return _stored(ctx, file, change.with_case(has_pickup=True))


def move(ctx: Context, case_id: str, body: PickupPatch) -> CaseView:
    """Have them collected at another time. Until the carrier agrees, the slot is the old one."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    pickup = _known(file)
    if pickup.drop_off:
        raise Conflict("The goods are brought to a station: nobody comes at an hour.", todo="Bring them, or cancel the label.")
    slot = body.slot.slot(collect.zone_of(ctx.registry, file))
    if slot in (pickup.wanted, None if pickup.wanted else pickup.slot) and pickup.alive:
        return _stored(ctx, file, Change(file.case))
    _in_time(file)
    _fits(ctx, file, slot, pickup.carrier)
    if pickup.state is not S.BOOKED:
        raise Conflict(
            "The carrier has not confirmed this pickup.", todo="Wait for its answer, or cancel it.", state=str(pickup.state)
        )
    event = E.MOVE_ASKED if ctx.registry.carrier(pickup.carrier).moves else E.CANCEL_ASKED
    moved = advance_pickup(replace(pickup, wanted=slot), event, ctx.now)
    told = _words(ctx, file, replace(pickup, slot=slot))
    return _stored(ctx, file, Change(file.case, pickup=moved).then(Event.PICKUP_ASKED, ctx.caller.name, ctx.now, None, **told))


def cancel(ctx: Context, case_id: str) -> CaseView:
    """The goods are not collected after all. Asked twice it is one; the carrier has the last word on what it costs."""
    file = ctx.case(case_id)
    ctx.unchanged(file.case.version)
    pickup = _known(file)
    if pickup.state is S.COLLECTED:
        raise Conflict("The goods were collected already.", todo="Wait for the inspection.", state=str(pickup.state))
    if pickup.state is S.CANCELLING and pickup.wanted:
        dropped = replace(pickup, wanted=None, sender=None)
        told = _words(ctx, file, replace(pickup, slot=pickup.wanted))
        change = Change(file.case, pickup=dropped)
        return _stored(ctx, file, change.then(Event.PICKUP_CANCEL_ASKED, ctx.caller.name, ctx.now, None, **told))
    if not pickup.alive or pickup.state is S.CANCELLING:
        return _stored(ctx, file, Change(file.case))
    moved, told = advance_pickup(replace(pickup, wanted=None), E.CANCEL_ASKED, ctx.now), _words(ctx, file, pickup)
    event = Event.PICKUP_CANCEL_ASKED if moved.alive else Event.PICKUP_CANCELLED
    return _stored(ctx, file, Change(file.case, pickup=moved).then(event, ctx.caller.name, ctx.now, None, **told))


def payer_of(file: CaseFile) -> str:
    """Who bears the price: the buyer where the reason is theirs, else the merchant (Consumer Rights Protection Law, art. 25)."""
    return "buyer" if file.case.fault is Fault.BUYER else "merchant"


# --- inside -----------------------------------------------------------------------------------------------------------
def _wish(ctx: Context, file: CaseFile, body: PickupBody) -> tuple[Wish, str, Slot]:
    """What a carrier would be asked for, which one, and the time it is for. Raises Conflict and Invalid for what cannot be."""
    if not collected.wanted(file):
        raise Conflict("No goods wait to be sent back in this case.", todo="Wait for the decision.", state=str(file.case.state))
    _in_time(file)
    shop = ctx.registry.merchant(file.case.merchant)
    if not (shop.return_address and shop.return_name and shop.return_phone):
        raise Conflict("The shop takes no pickups: it has not said where they go.", todo="Send the goods by a carrier of your own.")
    by_company = _who(ctx, labels=body.drop_off)
    company = body.company.lower() or next(iter(by_company), "")
    if company not in by_company:
        what = "gives labels" if body.drop_off else "collects goods"
        raise Invalid(f"Nobody of this name {what}.", where="company", expected=sorted(by_company), found=company)
    slot = body.slot.slot(shop.zone) if body.slot else _until(ctx, file)
    if not body.drop_off:
        _fits(ctx, file, slot, by_company[company])
    number = file.pickup.number + 1 if file.pickup else 1
    draft = Pickup(
        file.case.case_id, file.case.merchant, by_company[company], company, S.ASKED, slot, ctx.now, None, number,
        weight_g=body.weight_g, drop_off=body.drop_off,
    )  # fmt: skip
    return collect.wish_of(ctx.registry, draft, body.sender.party()), by_company[company], slot


def _in_time(file: CaseFile) -> None:
    """Raise Conflict once the time to send is over, and only the word of a carrier that may have the goods is waited for."""
    deadline = file.parcel.deadline if file.parcel else None
    if deadline is not None and deadline.cause == collected.STANDS:
        todo = "Hand the goods over now, or send them by a carrier of your own and tell the number."
        raise Conflict("The time to send the goods is over.", todo=todo)


def _who(ctx: Context, *, labels: bool) -> dict[str, str]:
    """Company → the carrier to be asked, of all or of those that give labels."""
    ports = {name: ctx.registry.carrier(name) for name in ctx.registry.carriers}
    fit = {name: port for name, port in ports.items() if not labels or getattr(port, "labels", False)}
    return {company: name for name, port in fit.items() for company in port.companies}


def _until(ctx: Context, file: CaseFile) -> Slot:
    """From now until the goods have to be on their way."""
    due = file.parcel.deadline.due_at if file.parcel and file.parcel.deadline else None
    return Slot(ctx.now, due or ctx.now + PARCEL_TIMEOUTS[ParcelState.AWAITING_SHIPMENT])


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


def _told(ctx: Context, carrier: str, wish: Wish) -> int | None:
    """What it will cost the shop, for its books; None where the carrier does not say."""
    try:
        return _price(ctx, carrier, wish)
    except (Conflict, Unknown):
        return None


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


def _words(ctx: Context, file: CaseFile, pickup: Pickup) -> dict[str, Plain]:
    return collected.in_words(pickup, collect.zone_of(ctx.registry, file))


def _stored(ctx: Context, file: CaseFile, change: Change) -> CaseView:
    assert change.case is not None
    after = replace(file, case=change.case, pickup=change.pickup or file.pickup)
    if change.pickup is None:  # nothing to write but the answer
        return ctx.commit(Change(), case_view(ctx, file))
    return ctx.commit(change, stored(ctx, after))
