"""A long day: how much memory and time it takes to match and count it."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

REFUNDS, MERCHANTS = 100_000, 50

DAY = f"""
import json, re, tempfile, time
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from aftersales.bill import Bill, BillRow
from aftersales.reconcile import reconcile
from aftersales.refund import BEIJING, RefundState
from aftersales.testing.builders import a_refund
from functions.daybook import Daybook

day, noon = date(2026, 11, 20), datetime(2026, 11, 20, 12, tzinfo=BEIJING)
leg = a_refund(state=RefundState.SETTLED, accepted_at=noon)

def key(number):
    return f"Rcase{{number:012d}}-1"

def rows(bill):
    for number in range({REFUNDS}):
        yield BillRow(key(number), "c", leg.transaction_id, "", 1990, "CNY", "success", "2026-11-20 12:00:00")

def most_kb():  # the kernel's ru_maxrss would count the parent's memory too
    return int(re.search(r"VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1])

before, begun = most_kb(), time.monotonic()
with tempfile.TemporaryDirectory() as folder, Daybook(Path(folder) / "book", day) as book:
    book.book(replace(leg, key=key(number), merchant=f"m{{number % {MERCHANTS}}}") for number in range({REFUNDS}))
    with reconcile(book.noting(Bill("wechatpay", rows)), book.ledger(), day) as found:
        matched = found.tally.matched
    counted = sum(one.matched for one in book.figures().values())
grown = (most_kb() - before) / 1024
print(json.dumps({{"matched": matched, "counted": counted, "mb": round(grown), "s": round(time.monotonic() - begun, 1)}}))
"""


def test_a_long_day_is_counted_in_little_memory() -> None:
    """A hundred thousand refunds on both sides, of fifty merchants: both ways of counting agree, in less than 32 MB."""
    done = subprocess.run([sys.executable, "-c", DAY], capture_output=True, text=True, check=True, timeout=120)
    said = json.loads(done.stdout)
    print(said)
    assert (said["matched"], said["counted"]) == (REFUNDS, REFUNDS)
    assert 0 < said["mb"] < 32
