"""What Stripe's errors mean for a refund. Source: Stripe documentation, errors, error codes and idempotent requests (2026-11).

An error is one of three: a final no with a cause of ours; "this key was used with other parameters" (:data:`USED`); or nothing that
can be relied on. Codes that are not here are the last: a word we do not understand proves nothing.
"""

from __future__ import annotations

from aftersales.refund import Cause
from plugins.stripe_refund.wire import Answer

#: The type of the error for an Idempotency-Key that came with other parameters before.
USED = "idempotency_error"

CAUSES: dict[str, Cause] = {
    "charge_already_refunded": Cause.OVER_LIMIT,
    "amount_too_large": Cause.OVER_LIMIT,
    "charge_disputed": Cause.RISK_CONTROL,
    "refund_disputed_payment": Cause.RISK_CONTROL,
    "charge_not_refundable": Cause.RISK_CONTROL,
    "insufficient_funds": Cause.NOT_ENOUGH,
    "balance_insufficient": Cause.NOT_ENOUGH,
    "resource_missing": Cause.NOT_FOUND,
    "payment_intent_unexpected_state": Cause.OTHER,  # not paid, or not yet
    "account_closed": Cause.CONFIGURATION,
    "account_invalid": Cause.CONFIGURATION,
    "amount_too_small": Cause.CONFIGURATION,
    "api_key_expired": Cause.CONFIGURATION,
    "invalid_charge_amount": Cause.CONFIGURATION,
    "livemode_mismatch": Cause.CONFIGURATION,
    "not_allowed_on_standard_account": Cause.CONFIGURATION,
    "parameter_invalid_empty": Cause.CONFIGURATION,
    "parameter_invalid_integer": Cause.CONFIGURATION,
    "parameter_invalid_string_blank": Cause.CONFIGURATION,
    "parameter_invalid_string_empty": Cause.CONFIGURATION,
    "parameter_missing": Cause.CONFIGURATION,
    "parameter_unknown": Cause.CONFIGURATION,
    "parameters_exclusive": Cause.CONFIGURATION,
    "platform_account_required": Cause.CONFIGURATION,
    "platform_api_key_expired": Cause.CONFIGURATION,
    "secret_key_required": Cause.CONFIGURATION,
    "testmode_charges_only": Cause.CONFIGURATION,
    "tls_version_unsupported": Cause.CONFIGURATION,
}


def cause_of(answer: Answer) -> Cause | None:
    """The cause of a final no; None for an error that leaves open what was done.

    409 (the same key is being carried out), 424, 429 and every 5xx leave it open whatever their code says.
    """
    if answer.status in (401, 403):
        return Cause.CONFIGURATION
    if answer.status not in (400, 402, 404) or answer.kind == USED:
        return None
    if not answer.code and (answer.kind, answer.param) == ("invalid_request_error", "amount"):
        return Cause.OVER_LIMIT  # "greater than unrefunded amount": some API versions give it no code
    return CAUSES.get(answer.code)
