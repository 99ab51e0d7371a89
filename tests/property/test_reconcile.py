"""Whatever is planted in a day's bill and ledger is found, exactly, in any order and any number of parts."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aftersales.bill import Bill, BillRow
from aftersales.reconcile import LedgerRow, reconcile
from aftersales.refund import BEIJING

DAY = date(2026, 10, 2)
START = datetime(2026, 10, 2, tzinfo=BEIJING)


def pair(key, minor, second):
    """A refund as both sides have it when nothing is wrong."""
    at = START + timedelta(seconds=second)
    their = BillRow(key, "", f"T{key}", f"P{key}", minor, "CNY", "success", at.strftime("%Y-%m-%d %H:%M:%S"))
    return their, LedgerRow(key, f"P{key}", f"T{key}", minor, "CNY", at, "settled")


#: What may be done to a pair: the rows of the bill, the rows of the ledger, and the differences (class, side) that this makes.
PLANTS = {
    "alike": lambda t, o: ([t], [o], []),
    "ours_only": lambda t, o: ([], [o], [("ours_only", "ours")]),
    "theirs_only": lambda t, o: ([t], [], [("theirs_only", "theirs")]),
    "amount": lambda t, o: ([t._replace(amount_minor=t.amount_minor + 1)], [o], [("amount", "")]),
    "currency": lambda t, o: ([t._replace(currency="HKD")], [o], [("amount", "")]),
    "twice theirs": lambda t, o: ([t, t], [o], [("duplicate", "theirs")]),
    "twice ours": lambda t, o: ([t], [o, o], [("duplicate", "ours")]),
    "twice, once with another amount": lambda t, o: ([t, t._replace(amount_minor=1)], [o], [("duplicate", "theirs")]),
    "twice and alone": lambda t, o: ([t, t, t], [], [("duplicate", "theirs"), ("theirs_only", "theirs")]),
    "twice and missed": lambda t, o: ([], [o, o._replace(status="failed")], [("duplicate", "ours"), ("ours_only", "ours")]),
    "paid against our word": lambda t, o: ([t], [o._replace(status="failed")], [("status", "")]),
    "released and paid": lambda t, o: ([t], [o._replace(status="released")], [("status", "")]),
    "settled, they closed": lambda t, o: ([t._replace(status="closed")], [o], [("status", "")]),
    "wrong order": lambda t, o: ([t._replace(order="X")], [o], [("wrong_order", "")]),
    "wrong payment": lambda t, o: ([t], [o._replace(transaction_id="X")], [("wrong_order", "")]),
    "three things": lambda t, o: (
        [t._replace(order="X", amount_minor=3)],
        [o._replace(status="failed")],
        [("amount", ""), ("status", ""), ("wrong_order", "")],
    ),
    "they process": lambda t, o: ([t._replace(status="processing")], [o], []),
    "we process": lambda t, o: ([t], [o._replace(status="processing")], []),
    "sent": lambda t, o: ([t], [o._replace(status="sent", accepted_at=None)], []),
    "never sent": lambda t, o: ([], [o._replace(status="reserved", accepted_at=None)], []),
    "failed": lambda t, o: ([], [o._replace(status="failed")], []),
    "the day after": lambda t, o: ([t], [o._replace(accepted_at=o.accepted_at + timedelta(days=1))], []),
    "the day before, alone": lambda t, o: ([], [o._replace(accepted_at=o.accepted_at - timedelta(days=1))], []),
    "far away": lambda t, o: ([t], [o._replace(accepted_at=START + timedelta(days=2))], [("theirs_only", "theirs")]),
    "at midnight": lambda t, o: ([], [o._replace(accepted_at=START + timedelta(days=1, seconds=-1))], []),
}

#: Inside the day, away from its first and its last minute.
days = st.lists(st.tuples(st.sampled_from(sorted(PLANTS)), st.integers(10, 10**9), st.integers(60, 86_339)), max_size=40)


@given(day=days, parts=st.integers(1, 64), random=st.randoms(use_true_random=False), rows_said=st.integers(0, 3))
def test_what_is_planted_is_found(day, parts, random, rows_said):
    """Every planted difference is found once and nothing else, whatever else is there and however the rows come."""
    theirs, ours, expected = [], [], set()
    for number, (plant, minor, second) in enumerate(day):
        key = f"R{number}"
        bill_rows, ledger_rows, made = PLANTS[plant](*pair(key, minor, second))
        theirs, ours = theirs + bill_rows, ours + ledger_rows
        expected |= {(kind, key, side) for kind, side in made}
    random.shuffle(theirs)
    random.shuffle(ours)
    said = len(theirs) + rows_said
    expected |= {("summary", "summary", "theirs")} if rows_said else set()

    def read(bill):
        yield from theirs
        bill.said["rows"], bill.counted["rows"] = said, len(theirs)

    with reconcile(Bill("test", read), ours, DAY, parts=parts) as found:
        told = [(one.kind, one.key, one.side) for one in found.differences]
        totals = found.totals
    assert told == sorted(expected)
    assert totals["theirs"]["count"] == len(theirs)
    plants = [plant for plant, _, _ in day]
    assert totals["at_midnight"] == plants.count("at midnight")
    assert totals["to_query"] == plants.count("we process") + plants.count("sent")


@given(day=days, random=st.randoms(use_true_random=False))
def test_order_and_parts_change_not_a_letter(day, random):
    """The same rows in another order and in other parts give the same differences, texts included, and the same totals."""
    theirs, ours = [], []
    for number, (plant, minor, second) in enumerate(day):
        bill_rows, ledger_rows, _ = PLANTS[plant](*pair(f"R{number // 2}", minor, second))  # numbers that clash, too
        theirs, ours = theirs + bill_rows, ours + ledger_rows
    seen = []
    for parts in (1, 5, 64):
        with reconcile(Bill("test", lambda _, rows=tuple(theirs): iter(rows)), tuple(ours), DAY, parts=parts) as found:
            seen.append((list(found.differences), found.totals))
        random.shuffle(theirs)
        random.shuffle(ours)
    assert seen[0] == seen[1] == seen[2]
