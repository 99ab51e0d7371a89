"""UnionPay's files of a clearing day: fixed columns in bytes, read as they are, and refused where they are not."""

import zipfile
from datetime import date
from pathlib import Path

import pytest

from aftersales.bill import BillRow
from aftersales.errors import Invalid
from plugins.unionpay_refund.bill import bill_of_day, read_bill
from plugins.unionpay_refund.message import order_id_of

#: The widths as UnionPay's own sample program has them, with the reserved column at the end.
WIDTHS = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13,
    13, 12, 2, 1, 32, 98,
]  # fmt: skip
KEY = f"R{7:032x}-2"
NAME = "INN26112000ZM_777290058110048.txt"


def line(**cells: str) -> bytes:
    """A row with these columns filled in, counted from 1 as UnionPay's table of the file does: ``c7`` is the amount."""
    given = {
        "c1": "S30", "c5": "1120103000", "c7": "000000001990", "c10": "052611201030001234567", "c12": order_id_of(KEY), "c20": "04",
        "c27": "042611191030001234567", "c28": "777290058110048", "c31": "旗舰店", "c41": "T1", **cells,
    }  # fmt: skip
    columns = [given.get(f"c{number}", "").encode("gbk").ljust(width) for number, width in enumerate(WIDTHS, 1)]
    return b" ".join(columns) + b"\r\n"


def written(folder: Path, *lines: bytes, name: str = NAME, packed: bool = False) -> Path:
    """A file with these rows, alone or in a ZIP with UnionPay's other files."""
    if not packed:
        (folder / name).write_bytes(b"".join(lines))
        return folder / name
    with zipfile.ZipFile(folder / "file.zip", "w") as archive:
        archive.writestr("RD102226112000_777290058110048.txt", "汇总".encode("gbk"))
        archive.writestr("INN26112000ZME_777290058110048.txt", b"")
        archive.writestr(name, b"".join(lines))
    return folder / "file.zip"


@pytest.mark.parametrize("packed", [False, True], ids=["text", "zip"])
def test_a_refund_is_read(packed: bool, tmp_path: Path) -> None:
    """Our number, UnionPay's, the payment's, order, fen and time come out of their columns; payments are counted only."""
    bill = read_bill(written(tmp_path, line(c1="S22", c20="01"), line(), packed=packed))
    row = BillRow(
        KEY, "052611201030001234567", "042611191030001234567", "T1", 1990, "CNY", "success", "2026-11-20 10:30:00"
    )  # fmt: skip
    assert list(bill) == [row]
    assert bill.counted == {"rows": 2, "payments": 1, "refunds": 1, "requested_minor": 1990}
    assert (bill.channel, bill.said, bill.disagreements) == ("unionpay", {}, ())


def test_chinese_letters_do_not_shift_the_columns(tmp_path: Path) -> None:
    """Columns are as wide as they are in bytes: a name of any length leaves the payment's order where it is."""
    (row,) = read_bill(written(tmp_path, line(c31="旗舰店旗舰店旗舰店旗舰店", c41="T20261119X")))
    assert row.order == "T20261119X"


def test_a_refund_made_elsewhere_goes_by_unionpays_number(tmp_path: Path) -> None:
    """An order number that is not one of ours says nothing: UnionPay's own number stands for the refund."""
    (row,) = read_bill(written(tmp_path, line(c12="20261120ABCDEF")))
    assert row.key == row.channel_id == "052611201030001234567"


@pytest.mark.parametrize(
    ("name", "at", "day"),
    [
        ("INN26112000ZM_1.txt", "1119230000", "2026-11-19 23:00:00"),
        ("INN26112088ZM_1.txt", "1120225959", "2026-11-20 22:59:59"),
        ("INN27010100ZM_1.txt", "1231233000", "2026-12-31 23:30:00"),
        ("INN27010100ZM_1.txt", "0101000000", "2027-01-01 00:00:00"),
        ("INN28022900ZM_1.txt", "0229120000", "2028-02-29 12:00:00"),
    ],
)
def test_the_files_name_tells_the_year(name: str, at: str, day: str, tmp_path: Path) -> None:
    """Times have no year: it is the clearing day's, or the year before for the evening of New Year's Eve."""
    (row,) = read_bill(written(tmp_path, line(c5=at), name=name))
    assert row.accepted_at == day


def test_a_day_lies_in_two_files(tmp_path: Path) -> None:
    """UnionPay's day ends at 23 o'clock: the last hour of a day in Beijing stands in the next day's file."""
    first = written(tmp_path, line(c5="1119233000", c10="1" * 21), line(c5="1120120000", c10="2" * 21))
    second = written(tmp_path, line(c5="1120233000", c10="3" * 21), line(c5="1121120000", c10="4" * 21), name="INN26112100ZM_1.txt")
    bill = bill_of_day({date(2026, 11, 20): first, date(2026, 11, 21): second}, date(2026, 11, 20))
    assert [row.channel_id[0] for row in bill] == ["2", "3"]
    assert (bill.counted["refunds"], bill.counted["requested_minor"]) == (2, 3980)


def test_an_empty_file_is_an_empty_bill(tmp_path: Path) -> None:
    """A day without a row is a bill without a row, with blank lines at its end or without."""
    for lines in ((), (b"\r\n", b"\r\n")):
        bill = read_bill(written(tmp_path, *lines))
        assert list(bill) == []
        assert bill.counted["rows"] == 0


WRONG: dict[str, bytes] = {
    "cut": line()[:200],
    "shifted": b" " + line(),
    "an amount with a point": line(c7="       19.90"),
    "no amount": line(c7=""),
    "no kind": line(c20=""),
    "no number": line(c10=""),
    "no time": line(c5=""),
    "a time that is none": line(c5="1332103000"),
    "letters in what is ASCII": line(c12="退货"),
    "a page": b"<html><body>502</body></html>\r\n",
}


@pytest.mark.parametrize("case", WRONG)
def test_a_row_that_is_none_is_refused_with_its_line(case: str, tmp_path: Path) -> None:
    """What is not where it should be is not guessed at: the line is named, and no row is left out in silence."""
    bill = read_bill(written(tmp_path, line(), WRONG[case]))
    with pytest.raises(Invalid) as wrong:
        list(bill)
    assert wrong.value.details["line"] == 2


@pytest.mark.parametrize("name", ["bill.txt", "INN26133200ZM_1.txt", "INN26112000ZME_1.txt", "RNM200026112000_1.txt"])
def test_a_file_of_another_name_is_not_read(name: str, tmp_path: Path) -> None:
    """Without the name there is no year, and other files have other columns."""
    with pytest.raises(Invalid):
        list(read_bill(written(tmp_path, line(), name=name)))
    with pytest.raises(Invalid):
        list(read_bill(written(tmp_path, line(), name=name, packed=True)))
