"""The channel: a refund is one transaction of four items, so it is made entirely or not at all.

::

    BALANCEREFUND#{key}                / HEAD         which account the key went to        must not exist: one key, one refund
    BALANCE#{merchant}#{buyer}         / ENTRY#{key}  the double entry, never changed
    BALANCE#{merchant}#{buyer}         / ACCOUNT      the balance per currency             added to
    BALANCEPAYMENT#{merchant}#{order}#{payment} / HEAD   refunded of what was paid         must stay within what was paid

Keys are common to all kinds of accounts; accounts and payments of another kind than the balance are apart: ``BALANCE.gift_card#…``.
An entry names both its accounts: the buyer's is credited, ``@mall``, what the mall owes its buyers, is debited. Only the buyer's
side has a running total: a total of ``@mall`` would be one item that every refund of a mall writes, and it is minus the sum of the
others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.channel import Limits, ReceiptStatus, RefundNotice, RefundOrder, RefundReceipt
from aftersales.errors import BadSignature, Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import LATER, Cause

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: Seconds before each try while another refund touches the same account; together well below what a caller waits.
PAUSES_S = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)

#: Places of the two items with a condition in the transaction; DynamoDB names its reasons in this order.
KEY, CAP = 0, 1

_FAILED = "ConditionalCheckFailed"


class BalanceRefunds:
    """A :class:`~aftersales.ports.RefundChannel`. The client is made on first use unless given. Safe for threads.

    The payment that an order names may have come through any channel, and may be none at all (compensation): all that counts is
    that what was credited of it stays within what was paid. ``kind`` names the accounts; those of another kind are apart.
    """

    limits = Limits()

    def __init__(
        self,
        table: str,
        endpoint: str = "",
        region: str = "",
        client: DynamoDBClient | None = None,
        kind: str = "balance",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.table, self.kind = table, kind
        self._mark = "" if kind == "balance" else f".{kind}"
        self._endpoint, self._region, self._made, self._now = endpoint, region, client, now
        self._lock = Lock()

    @property
    def client(self) -> DynamoDBClient:
        """The client, for set-up and for a meter."""
        with self._lock:
            if self._made is None:
                self._made = _connect(self._endpoint, self._region)
        return self._made

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """Credit the buyer; the receipt says SUCCEEDED at once. See :class:`~aftersales.ports.RefundChannel`."""
        if order.amount.minor <= 0 or order.amount.currency != order.paid.currency:
            raise _no(order, Cause.CONFIGURATION, "A refund is more than nothing, in the currency of the payment.")
        if order.amount > order.paid:
            raise _no(order, Cause.OVER_LIMIT, "The refund is larger than the payment.")
        for pause in PAUSES_S:
            time.sleep(pause)
            at = self._now().astimezone(UTC)
            reasons = self._post(order, at)
            if not reasons:
                return self._receipt(order.key, order.amount, at)
            if reasons[KEY] == _FAILED:
                return self._again(order)
            if reasons[CAP] == _FAILED:
                raise _no(order, Cause.OVER_LIMIT, "The payment's refunds to the balance would exceed it.")
        raise Unknown("The account is busy.", key=order.key)

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """What was credited under ``order.key``. Raises Unknown when the table does not answer, or the key is another refund's."""
        entry = self._entry(order.key)
        if entry is None:
            return None
        if not self._is_about(entry, order):
            raise Unknown(f"The number {order.key} was used for another refund.", key=order.key)
        return self._receipt(order.key, _amount(entry), datetime.fromisoformat(entry["at"]["S"]))

    def notice(self, headers: Mapping[str, str], body: bytes, now: datetime) -> RefundNotice:  # noqa: ARG002 (part of the port)
        """Nobody calls back about a balance. Raises BadSignature always."""
        raise BadSignature("The mall balance has no callbacks.")

    def balance(self, merchant: str, buyer: str, currency: str = "CNY") -> Money:
        """What the buyer has; nothing when there is no account. Raises Unknown when the table does not answer."""
        item = self._get(self._account(merchant, buyer), "ACCOUNT")
        return Money(int(item[_total(currency)]["N"]) if item and _total(currency) in item else 0, currency)

    # --- inside -------------------------------------------------------------------------------------------------------
    def _again(self, order: RefundOrder) -> RefundReceipt:
        """The key was used before: the very same refund is the answer, anything else is refused."""
        entry = self._entry(order.key)
        if entry is None:
            raise Unknown("The refund's entry cannot be read.", key=order.key)
        if _amount(entry) != order.amount or not self._is_about(entry, order):
            raise _no(order, Cause.OTHER, f"The number {order.key} was used for another refund, of {_amount(entry)}.")
        return self._receipt(order.key, order.amount, datetime.fromisoformat(entry["at"]["S"]))

    def _post(self, order: RefundOrder, at: datetime) -> list[str]:
        """Write the refund. Gives one reason per item when nothing was written; Unknown when that is not sure."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client.transact_write_items(TransactItems=self._transaction(order, at))
        except self.client.exceptions.TransactionCanceledException as error:
            return [str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", [])]
        except (ClientError, BotoCoreError) as error:
            raise Unknown(f"The balance could not be written: {type(error).__name__}.", key=order.key) from error
        return []

    def _transaction(self, order: RefundOrder, at: datetime) -> list[Any]:
        account, minor = self._account(order.merchant, order.buyer_id), {"N": str(order.amount.minor)}
        payment = "#".join((f"BALANCEPAYMENT{self._mark}", _part(order.merchant), _part(order.order_id), _part(order.payment_id)))
        entry = {
            **_key(account, _entry_key(order.key)),
            **{name: {"S": value} for name, value in _about(order).items()},
            "credit": {"S": account},
            "debit": {"S": f"BALANCE{self._mark}#{_part(order.merchant)}#@mall"},
            "minor": minor,
            "currency": {"S": order.amount.currency},
            "at": {"S": at.isoformat()},
        }
        key = {**_key(f"BALANCEREFUND#{_part(order.key)}", "HEAD"), "account": {"S": account}}
        cap = {
            "Key": _key(payment, "HEAD"),
            "UpdateExpression": "SET paid = :paid, currency = :currency ADD refunded :minor",
            "ConditionExpression": "attribute_not_exists(PK) OR (paid = :paid AND currency = :currency AND refunded <= :left)",
            "ExpressionAttributeValues": {
                ":paid": {"N": str(order.paid.minor)},
                ":currency": {"S": order.amount.currency},
                ":left": {"N": str(order.paid.minor - order.amount.minor)},
                ":minor": minor,
            },
        }
        add = {
            "Key": _key(account, "ACCOUNT"),
            "UpdateExpression": "ADD #total :minor",
            "ExpressionAttributeNames": {"#total": _total(order.amount.currency)},
            "ExpressionAttributeValues": {":minor": minor},
        }
        return [
            {"Put": {"TableName": self.table, "Item": key, "ConditionExpression": "attribute_not_exists(PK)"}},
            {"Update": {"TableName": self.table, **cap}},
            {"Put": {"TableName": self.table, "Item": entry}},
            {"Update": {"TableName": self.table, **add}},
        ]

    def _account(self, merchant: str, buyer: str) -> str:
        return f"BALANCE{self._mark}#{_part(merchant)}#{_part(buyer)}"

    def _is_about(self, entry: Mapping[str, Any], order: RefundOrder) -> bool:
        """Whether the entry is for this order, payment and account; its amount is another matter."""
        about = {**_about(order), "credit": self._account(order.merchant, order.buyer_id)}
        return all(entry[name]["S"] == value for name, value in about.items())

    def _receipt(self, key: str, amount: Money, at: datetime) -> RefundReceipt:
        return RefundReceipt(key, ReceiptStatus.SUCCEEDED, amount, channel_id=key, payer_amount=amount, account=self.kind, at=at)

    def _entry(self, key: str) -> dict[str, Any] | None:
        used = self._get(f"BALANCEREFUND#{_part(key)}", "HEAD")
        return None if used is None else self._get(used["account"]["S"], _entry_key(key))

    def _get(self, partition: str, name: str) -> dict[str, Any] | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self.client.get_item(TableName=self.table, Key=_key(partition, name), ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as error:
            raise Unknown(f"The balance could not be read: {type(error).__name__}.") from error


def _part(text: str) -> str:
    """``text`` as one part of a key, as the store writes them."""
    return text.replace("%", "%25").replace("#", "%23")


def _entry_key(key: str) -> str:
    return f"ENTRY#{_part(key)}"


def _key(partition: str, name: str) -> dict[str, Any]:
    return {"PK": {"S": partition}, "SK": {"S": name}}


def _total(currency: str) -> str:
    return f"minor_{currency}"


def _about(order: RefundOrder) -> dict[str, str]:
    """What, beside the amount, must be the same when a key comes again."""
    return {"merchant": order.merchant, "buyer": order.buyer_id, "order_id": order.order_id, "payment_id": order.payment_id}


def _amount(entry: Mapping[str, Any]) -> Money:
    return Money(int(entry["minor"]["N"]), entry["currency"]["S"])


def _no(order: RefundOrder, cause: Cause, message: str) -> Rejected:
    return Rejected(message, cause=cause, later=cause in LATER, key=order.key)


def _connect(endpoint: str, region: str) -> DynamoDBClient:
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=6)
    if not endpoint:
        return boto3.client("dynamodb", region_name=region or None, config=config)
    return boto3.client(
        "dynamodb",
        region_name=region or "us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="local",  # made up: an embedded engine asks for some, and real ones must never go there
        aws_secret_access_key="local",  # see above
        config=config,
    )
