import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aftersales import reconcile as package
from aftersales.bill import Bill, BillRow
from aftersales.reconcile import LedgerRow, reconcile
from aftersales.refund import BEIJING

DAY = date(2026, 10, 2)
NOON = datetime(2026, 10, 2, 12, tzinfo=BEIJING)


def billed(key="R1", minor=1000, status="success", **fields):
    """A refund on the bill."""
    usual = {"channel_id": "", "transaction_id": "T1", "order": "P1", "currency": "CNY", "accepted_at": "2026-10-02 12:00:00"}
    return BillRow(key=key, amount_minor=minor, status=status, **(usual | fields))


def booked(key="R1", minor=1000, status="settled", **fields):
    """The same refund in our ledger."""
    usual = {"order": "P1", "transaction_id": "T1", "currency": "CNY", "accepted_at": NOON}
    return LedgerRow(key=key, amount_minor=minor, status=status, **(usual | fields))


def bill_of(*rows, said=None, counted=None):
    """A bill with these rows, and these figures after them."""

    def read(bill):
        yield from rows
        bill.said.update(said or {})
        bill.counted.update(counted or {})

    return Bill("test", read)


def found(bill_rows, ledger_rows, **how):
    """The differences as (class, number, side), and the totals."""
    bill = bill_rows if isinstance(bill_rows, Bill) else bill_of(*bill_rows)
    with reconcile(bill, ledger_rows, DAY, **how) as result:
        return [(one.kind, one.key, one.side) for one in result.differences], result.totals


def test_equal_sides_have_no_difference():
    """What both sides know alike is matched, counted and summed on both."""
    differences, totals = found([billed("R1"), billed("R2", 5)], [booked("R2", 5), booked("R1")])
    assert differences == []
    assert (totals["matched"], totals["matched_minor"]) == (2, {"CNY": 1005})
    assert totals["ours"] == {"count": 2, "minor": {"CNY": 1005}, "read": 2}
    assert (totals["theirs"]["count"], totals["theirs"]["minor"]) == (2, {"CNY": 1005})
    assert set(totals["differences"].values()) == {0}


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ([], [booked()], [("ours_only", "R1", "ours")]),
        ([billed()], [], [("theirs_only", "R1", "theirs")]),
        ([billed(minor=999)], [booked()], [("amount", "R1", "")]),
        ([billed(currency="USD")], [booked()], [("amount", "R1", "")]),
        ([billed(), billed()], [booked()], [("duplicate", "R1", "theirs")]),
        ([billed()], [booked(), booked()], [("duplicate", "R1", "ours")]),
        ([billed(), billed()], [booked(), booked()], [("duplicate", "R1", "ours"), ("duplicate", "R1", "theirs")]),
        ([billed(), billed(minor=5)], [booked()], [("duplicate", "R1", "theirs")]),
        ([billed(), billed()], [], [("duplicate", "R1", "theirs"), ("theirs_only", "R1", "theirs")]),
        ([], [booked(), booked()], [("duplicate", "R1", "ours"), ("ours_only", "R1", "ours")]),
        ([billed(order="P9")], [booked()], [("wrong_order", "R1", "")]),
        ([billed(transaction_id="T9")], [booked()], [("wrong_order", "R1", "")]),
        ([billed(order="P9", transaction_id="T9")], [booked()], [("wrong_order", "R1", "")]),
        (
            [billed(minor=1, order="P9")],
            [booked(status="failed")],
            [("amount", "R1", ""), ("status", "R1", ""), ("wrong_order", "R1", "")],
        ),
    ],
    ids=lambda value: ",".join(one[0] for one in value) if value and len(value[0]) == 3 else None,
)
def test_each_difference_has_its_class(theirs, ours, expected):
    """Every way in which two sides differ has one class and one entry, in order of class, number and side."""
    differences, totals = found(theirs, ours)
    assert differences == expected
    assert totals["differences"] == {name: [d[0] for d in expected].count(name) for name in totals["differences"]}
    assert totals["matched"] == (0 if not theirs or not ours or any(d[0] != "duplicate" for d in expected) else 1)


STATES = ("reserved", "sent", "processing", "settled", "failed", "released")
ASKED = {(ours, theirs) for ours in ("reserved", "sent", "processing") for theirs in ("success", "processing", "closed", "failed")}
ASKED |= {("failed", "processing"), ("released", "processing")}
WRONG = {("failed", "success"), ("released", "success"), ("settled", "closed"), ("settled", "failed"), ("settled", "abnormal")}


@pytest.mark.parametrize("theirs", ["success", "processing", "closed", "failed", "abnormal"])
@pytest.mark.parametrize("ours", STATES)
def test_two_words_on_one_refund(ours, theirs):
    """Money that moved against our word, or did not, is a difference; what is not over on one side is to be asked for."""
    differences, totals = found([billed(status=theirs)], [booked(status=ours)])
    assert differences == ([("status", "R1", "")] if (ours, theirs) in WRONG else [])
    open_on_our_side = ours in ("reserved", "sent", "processing")
    assert totals["to_query"] == ((ours, theirs) in ASKED or open_on_our_side)
    assert totals["matched"] == ((ours, theirs) not in WRONG)


def test_a_bill_that_says_processing_contradicts_nobody():
    """A bill's status never changes after its day: settled on our side is simply later news (1.4 c)."""
    differences, totals = found([billed(status="processing")], [booked()])
    assert (differences, totals["to_query"], totals["matched"]) == ([], 0, 1)


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("accepted_at", [NOON, None], ids=["accepted", "not accepted"])
def test_only_what_may_have_left_is_missed_on_the_bill(status, accepted_at):
    """Reserved, failed and released refunds need not be on a bill; nor one that the channel never said it accepted."""
    differences, totals = found([], [booked(status=status, accepted_at=accepted_at)])
    assert totals["ours"]["count"] == (accepted_at is not None and status != "reserved")  # a refund of the day, however it ended
    missed = accepted_at is not None and status in ("sent", "processing", "settled")
    assert differences == ([("ours_only", "R1", "ours")] if missed else [])


def test_a_refund_whose_acceptance_we_never_heard_of_still_matches():
    """A lost answer leaves us without an instant: the number matches all the same, and the channel is to be asked."""
    differences, totals = found([billed()], [booked(status="sent", accepted_at=None)])
    assert (differences, totals["to_query"], totals["matched"]) == ([], 1, 1)


@pytest.mark.parametrize(
    ("at", "missed", "matches"),
    [
        (datetime(2026, 9, 30, 23, 59, 59, tzinfo=BEIJING), "", False),
        (datetime(2026, 10, 1, 0, 0, 0, tzinfo=BEIJING), "", True),
        (datetime(2026, 10, 1, 23, 59, 59, tzinfo=BEIJING), "", True),
        (datetime(2026, 10, 2, 0, 0, 0, tzinfo=BEIJING), "midnight", True),
        (datetime(2026, 10, 2, 0, 0, 59, tzinfo=BEIJING), "midnight", True),
        (datetime(2026, 10, 2, 0, 1, 0, tzinfo=BEIJING), "ours_only", True),
        (datetime(2026, 10, 2, 23, 58, 59, tzinfo=BEIJING), "ours_only", True),
        (datetime(2026, 10, 2, 23, 59, 0, tzinfo=BEIJING), "midnight", True),
        (datetime(2026, 10, 2, 23, 59, 59, 999_999, tzinfo=BEIJING), "midnight", True),
        (datetime(2026, 10, 3, 0, 0, 0, tzinfo=BEIJING), "", True),
        (datetime(2026, 10, 3, 23, 59, 59, tzinfo=BEIJING), "", True),
        (datetime(2026, 10, 4, 0, 0, 0, tzinfo=BEIJING), "", False),
        (datetime(2026, 10, 1, 15, 59, 59, tzinfo=UTC), "", True),
        (datetime(2026, 10, 1, 16, 1, 0, tzinfo=UTC), "ours_only", True),
        (datetime(2026, 10, 2, 15, 58, 59, tzinfo=UTC), "ours_only", True),
        (datetime(2026, 10, 2, 16, 0, 0, tzinfo=UTC), "", True),
    ],
    ids=str,
)
def test_the_day_is_beijings_and_midnight_belongs_to_two_bills(at, missed, matches):
    """Only the day's own refunds are missed, those around midnight wait for the other bill, and two days away nothing matches."""
    differences, totals = found([], [booked(accepted_at=at)])
    assert differences == ([("ours_only", "R1", "ours")] if missed == "ours_only" else [])
    assert totals["at_midnight_keys"] == (["R1"] if missed == "midnight" else [])
    assert totals["at_midnight"] == (missed == "midnight")
    differences, totals = found([billed()], [booked(accepted_at=at)])
    assert differences == ([] if matches else [("theirs_only", "R1", "theirs")])
    assert totals["ours"]["count"] == (missed != "")


def test_the_same_number_twice_is_a_matter_of_its_own_day():
    """Two rows of yesterday's are told by yesterday's reconciliation, unless today's bill has the number."""
    yesterday = booked(accepted_at=NOON - timedelta(days=1))
    assert found([], [yesterday, yesterday])[0] == []
    assert found([billed()], [yesterday, yesterday])[0] == [("duplicate", "R1", "ours")]
    for rows in ([yesterday, booked()], [booked(), yesterday]):
        assert found([], rows)[0] == [("duplicate", "R1", "ours"), ("ours_only", "R1", "ours")]


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("what", ["order", "transaction_id"])
def test_what_a_side_does_not_tell_is_not_compared(side, what):
    """A ledger or a bill without order numbers is no heap of wrong orders."""
    theirs = billed(**{what: ""} if side == "theirs" else {})
    ours = booked(**{what: ""} if side == "ours" else {})
    differences, totals = found([theirs], [ours])
    assert (differences, totals["matched"], totals["matched_minor"]) == ([], 1, {"CNY": 1000})


def test_a_bill_that_contradicts_itself_is_one_difference():
    """However many figures are wrong, the summary is told once, with all of them; figures that it lacks are not held against it."""
    said, counted = {"rows": 3, "refunded_minor": 2000, "other": 1}, {"rows": 2, "refunded_minor": 2000, "requested_minor": 7}
    with reconcile(bill_of(billed(), said=said, counted=counted), [booked()], DAY) as result:
        (one,) = result.differences
    assert (one.kind, "rows: 3 in the summary, 2 in the rows" in one.text) == ("summary", True)
    assert found(bill_of(billed(), said={"rows": 2}, counted={"rows": 2}), [booked()])[0] == []


def test_a_difference_tells_what_a_person_needs():
    """Both amounts, both words, the order and the payment, and one sentence with the amounts as people write them."""
    with reconcile(bill_of(billed(minor=1001, status="processing")), [booked()], DAY) as result:
        (one,) = result.differences
        plain = one.plain()
    assert plain == {
        "class": "amount",
        "key": "R1",
        "side": None,
        "order": "P1",
        "transaction_id": "T1",
        "ours_minor": 1000,
        "theirs_minor": 1001,
        "currency": "CNY",
        "ours_status": "settled",
        "theirs_status": "processing",
        "text": "We asked for CNY 10.00, the bill says CNY 10.01.",
    }


def test_sums_are_by_currency():
    """Yuan and dollars are never added up."""
    pairs = [("R1", 100, "CNY"), ("R2", 50, "USD"), ("R3", 1, "USD")]
    _, totals = found([billed(k, m, currency=c) for k, m, c in pairs], [booked(k, m, currency=c) for k, m, c in pairs])
    assert totals["ours"]["minor"] == totals["theirs"]["minor"] == totals["matched_minor"] == {"CNY": 100, "USD": 51}


def test_a_bill_of_another_day_is_noticed():
    """Refunds on the bill that were accepted days away are counted: it may be the wrong file."""
    far = billed("R2", accepted_at="2026-09-15 10:00:00")
    assert found([billed(accepted_at="2026-10-01 23:59:59"), far], [])[1]["theirs"]["other_day"] == 1


def many(number):
    """Rows of both sides with every fifth refund differing somehow, and what differs."""
    theirs, ours, wrong = [], [], []
    for n in range(number):
        key = f"R{n:05}"
        kind = ("ours_only", "theirs_only", "amount", "status", "wrong_order")[n // 5 % 5] if n % 5 == 0 else ""
        wrong += [(kind, key)] if kind else []
        theirs += [] if kind == "ours_only" else [billed(key, 100 + n, order="P9" if kind == "wrong_order" else "P1")]
        status = "failed" if kind == "status" else "settled"
        ours += [] if kind == "theirs_only" else [booked(key, 100 + n + (kind == "amount"), status)]
    return theirs, ours, sorted(wrong)


@pytest.mark.parametrize("parts", [1, 2, 7, 1024])
@pytest.mark.parametrize("too_many", [10, 40_000], ids=["cut up again", "in one go"])
def test_the_number_of_parts_changes_nothing(monkeypatch, parts, too_many):
    """However finely the numbers are parted, and parted again where a part is too large, the same is found."""
    monkeypatch.setattr(package, "TOO_MANY", too_many)
    theirs, ours, wrong = many(2_000)
    differences, totals = found(theirs, reversed(ours), parts=parts)
    assert [one[:2] for one in differences] == wrong
    assert totals["matched"] == 1_600


def test_more_differences_than_fit_into_memory_come_in_order(monkeypatch):
    """Differences are sorted on disk when there are many, and can be read more than once."""
    monkeypatch.setattr("aftersales.reconcile.spill.WAITING", 100)
    rows = [billed(f"R{n * 7919 % 1000:04}") for n in range(1000)]
    with reconcile(bill_of(*rows), [], DAY) as result:
        keys = [one.key for one in result.differences]
        assert keys == sorted(row.key for row in rows)
        assert [one.key for one in result.differences] == keys


def test_one_number_a_thousand_times_is_one_difference(monkeypatch):
    """Rows of one number cannot be parted; that ends, and is told once."""
    monkeypatch.setattr(package, "TOO_MANY", 10)
    assert found([billed()] * 1000, [booked()])[0] == [("duplicate", "R1", "theirs")]


def broken(rows):
    """Rows that end in an error."""
    yield from rows
    raise EOFError


def opened(folder):
    """The files in ``folder`` that this process holds open, by whatever name they have."""
    return [
        target
        for link in Path("/proc/self/fd").iterdir()
        if link.exists() and (target := str(link.readlink())).startswith(str(folder))
    ]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux only")
@pytest.mark.parametrize("when", ["in the bill", "in the ledger", "in the reader", "at the end"])
def test_nothing_is_left_on_disk(tmp_path, monkeypatch, when):
    """Files have no name even while they are used, and are closed when either side or whoever reads the result breaks off."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    theirs, ours, _ = many(100)
    bill = bill_of(*theirs) if when != "in the bill" else Bill("test", lambda _: broken(theirs))
    seen = []

    def look():
        with reconcile(bill, broken(ours) if when == "in the ledger" else ours, DAY) as result:
            seen.append((len(opened(tmp_path)), list(tmp_path.iterdir())))
            if when == "in the reader":
                raise EOFError
            assert len(list(result.differences)) == 20

    if when == "at the end":
        look()
    else:
        with pytest.raises(EOFError):
            look()
    assert seen == ([(3, [])] if when in ("in the reader", "at the end") else [])
    assert (opened(tmp_path), list(tmp_path.iterdir())) == ([], [])
