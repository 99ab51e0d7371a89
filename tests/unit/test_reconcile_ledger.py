import json
from datetime import UTC, datetime

import pytest

from aftersales.errors import Invalid
from aftersales.reconcile import LedgerRow, read_ledger
from aftersales.refund import BEIJING
from tests.bills import ledger_file, ledger_row, zipped


@pytest.fixture
def read(tmp_path):
    """Read bytes as a ledger."""

    def _read(data):
        (tmp_path / "ledger").write_bytes(data)
        return list(read_ledger(tmp_path / "ledger"))

    return _read


def test_a_row_is_read_whole(read):
    """Every field comes over; fields that are not ours are ignored."""
    (row,) = read(ledger_file([ledger_row("R1", 1234, merchant="m1", note={"a": [1]})]))
    at = datetime(2026, 10, 2, 10, tzinfo=BEIJING)
    assert row == LedgerRow("R1", "P1", "4200000000202610020000000001", 1234, "CNY", at, "settled")


@pytest.mark.parametrize(
    "form",
    [lambda d: d, zipped, lambda d: b"\xef\xbb\xbf" + d, lambda d: d.replace(b"\n", b"\r\n"), lambda d: d.rstrip(b"\n"),
     lambda d: d + b"\n\n  \r\n", lambda d: b"\n" + d.replace(b"\n", b"\n\n"), lambda d: d.replace(b"{", b"  {")],
    ids=["plain", "gzip", "byte order mark", "CRLF", "no last end", "blank lines after", "blank lines between", "indented"],
)  # fmt: skip
def test_every_form_of_the_file_reads_the_same(read, form):
    """Compression, marks, line ends and blank lines change nothing."""
    assert [row.key for row in read(form(ledger_file([ledger_row("R1"), ledger_row("R2")])))] == ["R1", "R2"]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-10-02T10:00:00+08:00", "2026-10-02T02:00:00"),
        ("2026-10-02T10:00:00Z", "2026-10-02T10:00:00"),
        ("2026-10-02T10:00:00.250000+00:00", "2026-10-02T10:00:00.250000"),
        ("2026-10-01T22:30:00-05:30", "2026-10-02T04:00:00"),
        ("2026-10-02T10:00:00", "2026-10-02T02:00:00"),
        ("2026-10-02 10:00:00", "2026-10-02T02:00:00"),
        ("2026-10-02T10:00+08:00", "2026-10-02T02:00:00"),
    ],
)
def test_an_instant_without_an_offset_is_beijings(read, text, utc):
    """ISO 8601 with an offset is what it says; without one it is what people in Beijing mean."""
    (row,) = read(ledger_file([ledger_row(accepted_at=text)]))
    assert row.accepted_at.astimezone(UTC).replace(tzinfo=None).isoformat() == utc


@pytest.mark.parametrize("nothing", ["", None])
def test_what_was_not_accepted_has_no_instant(read, nothing):
    """A refund that is reserved or sent may lack its instant, as an empty field or as none at all."""
    row = ledger_row(status="reserved", accepted_at=nothing)
    lacking = {name: value for name, value in row.items() if name != "accepted_at"}
    assert [one.accepted_at for one in read(ledger_file([row, lacking]))] == [None, None]


@pytest.mark.parametrize(
    ("word", "state"),
    [("settled", "settled"), ("SETTLED", "settled"), (" Sent ", "sent"), ("SUCCESS", "settled"), ("PROCESSING", "processing"),
     ("CLOSED", "failed"), ("ABNORMAL", "failed"), ("FAIL", "failed"), ("Released", "released"), ("reserved", "reserved"),
     ("succeeded", "settled"), ("pending", "processing"), ("canceled", "failed"), ("REFUND_SUCCESS", "settled"),
     ("REFUND_PROCESSING", "processing")],
)  # fmt: skip
def test_our_words_and_the_channels_are_understood(read, word, state):
    """Statuses are read in any case, ours and those of channels."""
    assert read(ledger_file([ledger_row(status=word)]))[0].status == state


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ("nonsense", "no JSON"),
        ('{"key": "R1"} {"key": "R2"}', "follows"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no JSON object"),
        ('"R1"', "no JSON object"),
        ("null", "no JSON object"),
        ("{}", "lacks key, order"),
        (b"\xff\xfe", "no JSON"),
        (ledger_row(key=""), "key"),
        (ledger_row(key=7), "key"),
        (ledger_row(minor=0), "amount_minor"),
        (ledger_row(minor=-5), "amount_minor"),
        (ledger_row(minor=True), "amount_minor"),
        (ledger_row(minor=12.0), "amount_minor"),
        (ledger_row(minor="12"), "amount_minor"),
        (ledger_row(minor=None), "amount_minor"),
        (ledger_row(order=5), "order"),
        (ledger_row(transaction_id=[]), "transaction_id"),
        (ledger_row(currency="RMB"), "currency"),
        (ledger_row(currency=None), "currency"),
        (ledger_row(currency=["CNY"]), "currency"),
        (ledger_row(status="done"), "status"),
        (ledger_row(status=None), "status"),
        (ledger_row(status=["sent"]), "status"),
        (ledger_row(accepted_at="yesterday"), "accepted_at"),
        (ledger_row(accepted_at="2026-10-02"), "accepted_at"),
        (ledger_row(accepted_at="2026-10-02T25:00:00+08:00"), "accepted_at"),
        (ledger_row(accepted_at=1790000000), "accepted_at"),
        (ledger_row(accepted_at=None), "accepted_at"),
        ({k: v for k, v in ledger_row().items() if k != "transaction_id"}, "lacks transaction_id"),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, dict) else None,
)
def test_a_line_that_cannot_be_read_stops_the_file_by_its_number(read, line, said):
    """A broken line is never skipped: the error names its line and what is wrong, and blank lines count."""
    raw = line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
    with pytest.raises(Invalid, match=said) as caught:
        read(ledger_file([ledger_row("R0")]) + b"\n" + raw + b"\n")
    assert caught.value.details["line"] == 3
    assert "Line 3" in caught.value.message


def test_empty_names_are_no_names(read):
    """An order or a payment that is null is as good as empty: not told."""
    (row,) = read(ledger_file([ledger_row(order=None, transaction_id="")]))
    assert (row.order, row.transaction_id) == ("", "")


def test_an_empty_file_is_an_empty_ledger(read):
    """No rows are no error: a day may have none."""
    assert read(b"") == []
