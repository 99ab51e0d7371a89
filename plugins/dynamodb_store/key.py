"""Keys: where each thing lies in the table and in its indexes. Every part that comes from outside is escaped."""

from __future__ import annotations

from zlib import crc32

from plugins.dynamodb_store.record import part


def order_key(merchant: str, order_id: str) -> str:
    """The partition of an order."""
    return f"ORDER#{part(merchant)}#{part(order_id)}"


def case_key(case_id: str) -> str:
    """The partition of a case."""
    return f"CASE#{part(case_id)}"


def answer_key(caller: str, key: str) -> str:
    """The partition of an idempotent answer."""
    return f"IDEM#{part(caller)}#{part(key)}"


def inbox_key(merchant: str, recipient: str) -> str:
    """The partition of a person's notices."""
    return f"INBOX#{part(merchant)}#{part(recipient)}"


def print_key(word: str) -> str:
    """The partition of all photos that share this word."""
    return f"PHOTO#{part(word)}"


def payment_key(channel: str, transaction_id: str) -> str:
    """The partition of the orders that a channel's payment paid for."""
    return f"PAY#{part(channel)}#{part(transaction_id)}"


def ticket_key(ticket_id: str) -> str:
    """The partition of a ticket."""
    return f"TICKET#{part(ticket_id)}"


def reports_key(merchant: str) -> str:
    """The partition of a merchant's reports: one item per day, channel and currency."""
    return f"REPORTS#{part(merchant)}"


def templates_key(merchant: str) -> str:
    """The partition of a merchant's own answers."""
    return f"REPLIES#{part(merchant)}"


def delegations_key(merchant: str) -> str:
    """The partition of who stands in for whom at a merchant."""
    return f"DELEGATED#{part(merchant)}"


def refused_key(merchant: str) -> str:
    """The partition of what people were refused at a merchant."""
    return f"REFUSED#{part(merchant)}"


def rules_key(merchant: str) -> str:
    """The partition of a merchant's rules: the book, and one item per version."""
    return f"MERCHANT#{part(merchant)}"


def rules_name(version: int) -> str:
    """The sort key of a version."""
    return f"RULES#{version:09}"


def batch_key(batch_id: str) -> str:
    """The partition of a batch: its head, and one item per part."""
    return f"BATCH#{part(batch_id)}"


def part_name(number: int) -> str:
    """The sort key of a batch's part."""
    return f"PART#{number:06}"


def allowance_key(merchant: str, period: str, payout: str, currency: str) -> str:
    """The partition of a counter, of a year or a day."""
    return f"SPENT#{part(merchant)}#{period}#{payout}#{currency}"


def counts_key(merchant: str, number: int) -> str:
    """One part of a merchant's counters."""
    return f"COUNTS#{part(merchant)}#{number}"


# --- partitions of the indexes ----------------------------------------------------------------------------------------
def queue_key(merchant: str, state: str, number: int) -> str:
    """One shard of a merchant's queue: three parts, where a day has four."""
    return f"{part(merchant)}#{part(state)}#{number}"


def desk_key(merchant: str, clerk: str) -> str:
    """What a clerk of a merchant's has claimed."""
    return f"{part(merchant)}#{part(clerk)}"


def day_key(channel: str, day: str, number: int) -> str:
    """One shard of a channel's day."""
    return f"DAY#{part(channel)}#{day}#{number}"


def month_key(merchant: str, month: str, number: int) -> str:
    """One shard of a merchant's month."""
    return f"REFUNDS#{part(merchant)}#{part(month)}#{number}"


def closed_key(merchant: str, month: str, number: int) -> str:
    """One shard of a merchant's cases that ended without a refund."""
    return f"CLOSED#{part(merchant)}#{part(month)}#{number}"


def tickets_key(merchant: str, *, is_open: bool) -> str:
    """A merchant's open tickets, or its closed ones."""
    return f"TICKETS#{part(merchant)}#{'open' if is_open else 'closed'}"


def batches_key(merchant: str) -> str:
    """A merchant's batches."""
    return f"BATCHES#{part(merchant)}"


def buyer_key(merchant: str, buyer_id: str) -> str:
    """A buyer's cases at a merchant."""
    return f"BUYER#{part(merchant)}#{part(buyer_id)}"


def phone_key(merchant: str, phone_hash: str) -> str:
    """The orders of a phone, which is known by its keyed hash only."""
    return f"PHONE#{part(merchant)}#{phone_hash}"


def due_key(kind: str, number: int) -> str:
    """One shard of what waits."""
    return f"{kind}#{number}"


def shard(case_id: str, shards: int) -> int:
    """Which of ``shards`` a case and all that belongs to it is in, always the same."""
    return crc32(case_id.encode()) % shards
