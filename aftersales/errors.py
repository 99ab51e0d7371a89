"""Errors: what could not be carried out, for people, for logs and for programs.

A refused claim is a :class:`~aftersales.decision.Decision`, not an error. An error's ``code`` is the snake_case of its class
name and never changes; the HTTP status lives in ``functions.http``, found by walking the class's ancestors.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar


class AftersalesError(Exception):
    """Something asked for could not be carried out; nothing was stored.

    ``message`` says what is wrong, ``todo`` what the caller can do, ``details`` holds plain values (what was expected, found).
    """

    code: ClassVar[str] = "aftersales_error"
    retry: ClassVar[bool] = False  # whether the very same request may succeed later

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, message: str, *, todo: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.todo = todo
        self.details = details


# --- what was sent is wrong ------------------------------------------------------------------------------------------
class Invalid(AftersalesError):
    """The request cannot be understood or contradicts itself."""


class BadTable(Invalid):
    """A merchant's table of rules has errors; ``details['problems']`` names each by row and column, with what to do."""


class UnbalancedOrder(Invalid):
    """The amounts of an order snapshot do not add up to what was paid."""


class CurrencyMismatch(Invalid):
    """Amounts of different currencies were put together."""


# --- who asks ---------------------------------------------------------------------------------------------------------
class Unauthenticated(AftersalesError):
    """There is no valid token."""


class Forbidden(AftersalesError):
    """The caller's role may not do this."""


class SecondPersonRequired(Forbidden):
    """The second approver must be another person than the first."""


class NotFound(AftersalesError):
    """There is no such thing, or it is somebody else's."""


# --- the state of things does not allow it ----------------------------------------------------------------------------
class Conflict(AftersalesError):
    """The thing is in a state that does not allow this."""


class IllegalTransition(Conflict):
    """The table of states has no such row."""


class StaleVersion(Conflict):
    """Somebody else changed it meanwhile; ``details['version']`` is the current version where known."""

    retry = True


class OverRefund(Conflict):
    """The refund would exceed what was paid and is not yet refunded."""


class AllowanceSpent(Conflict):
    """A merchant's allowance, of a year or a day, does not cover it; ``details['left_minor']`` is what is left."""


class ChannelBusy(Conflict):
    """A channel takes no calls just now; ``details['until']`` says when to come again. Nothing was sent."""

    retry = True


class PiecesTaken(Conflict):
    """Another case holds these pieces, or they were refunded already."""


class NotOffered(Conflict):
    """This kind of case is not offered for these goods now; ``details['reasons']`` says why."""


class CaseClaimed(Conflict):
    """A colleague has taken this case; ``details['clerk']`` says who. It can be taken over."""


class IncompleteEvidence(Conflict):
    """Required evidence is missing; ``details['missing']`` lists it."""


class OrderFrozen(Conflict):
    """The money of an order with after-sales cases cannot be rewritten."""


class ClaimTaken(Conflict):
    """A unique thing (a waybill, say) already belongs to another case."""


class IdempotencyMismatch(Conflict):
    """The same Idempotency-Key was used for another request."""


class DuplicateKey(Conflict):
    """A ledger key was used before: one key, one amount."""


# --- the outside world ------------------------------------------------------------------------------------------------
class Rejected(AftersalesError):
    """A channel said a final no: nothing moved. ``details['cause']`` is one of our causes, ``later`` whether it may work later."""


class Unknown(AftersalesError):
    """A channel gave no trustworthy answer: the money may have moved. Ask with the same key, never with a new one."""

    retry = True


class BadSignature(AftersalesError):
    """A callback's or a download link's signature does not verify; nothing was believed."""


class LeftOut(AftersalesError):
    """The trade of these goods is switched on and broken: nothing of it can begin until the operator has seen to it."""

    retry = True


class BadPlugin(AftersalesError):
    """A plugin or vertical is missing or does not keep its contract; the message names it and says what is wrong."""


class BadSettings(AftersalesError):
    """The stage file or a secret is missing or wrong."""
