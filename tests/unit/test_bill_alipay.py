import io
import zipfile

import pytest

from aftersales.bill import BillRow
from aftersales.errors import Invalid
from plugins.alipay_refund.bill import read_bill
from tests.bills import alipay_bill, alipay_detail, alipay_payment, alipay_refund, alipay_summary


@pytest.fixture
def read(tmp_path):
    """Read bytes as a bill: the rows, and the bill afterwards."""

    def _read(data):
        path = tmp_path / "bill"
        path.write_bytes(data)
        bill = read_bill(path)
        return list(bill), bill

    return _read


def test_a_refund_is_read_with_everything_that_names_it(read):
    """Number, both orders, the positive amount in fen and the instant of the refund, without the TABs around them."""
    rows, bill = read(alipay_bill([alipay_refund("R9", "-1234.05")]))
    assert rows == [BillRow("R9", "", "2026100222001400000000000001", "P1", 123405, "CNY", "success", "2026-10-02 10:00:00")]
    assert bill.said == {"payments": 0, "refunds": 1, "received_minor": 123405}
    assert bill.disagreements == ()


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_bare_detail_file_reads_as_the_zip_does(read, encoding, end):
    """The detail file alone, in Alipay's encoding or saved again as UTF-8, holds the same refunds."""
    rows = [alipay_payment(), alipay_refund("R1"), alipay_refund("R2", "-0.05", 商品名称="台灯，白色")]
    packed, _ = read(alipay_bill(rows))
    bare, bill = read(alipay_detail(rows).replace("\r\n", end).encode(encoding))
    assert bare == packed
    assert [(row.key, row.amount_minor) for row in bare] == [("R1", 1234), ("R2", 5)]
    assert bill.disagreements == ()


def test_half_width_parentheses_are_the_same_header(read):
    """订单金额（元） and 订单金额(元) are one column."""
    detail = alipay_detail([alipay_refund("R1")]).replace("（", "(").replace("）", ")")
    assert [row.amount_minor for row in read(detail.encode("gb18030"))[0]] == [1234]


def test_a_rare_character_in_a_name_is_no_trouble(read):
    """GB18030 writes characters beyond GBK as four bytes, two of them digits; columns stay where they are."""
    assert [row.key for row in read(alipay_bill([alipay_refund("R1", 商品名称="𠮷㐀鿿😀")]))[0]] == ["R1"]


def test_a_bare_table_without_comment_lines_is_read(read):
    """Header and rows alone are a table that somebody cut out on purpose: it says nothing of itself, and nothing is missed."""
    text = "\r\n".join(line for line in alipay_detail([alipay_refund("R1")]).splitlines() if not line.startswith("#"))
    rows, bill = read((text + "\r\n\r\n").encode("gb18030"))
    assert ([row.key for row in rows], bill.said) == (["R1"], {})


def test_what_was_asked_for_counts(read):
    """With a coupon of the merchant's, what he gave back is less than what was asked back; the summing line is of what he gave."""
    (row,), bill = read(alipay_bill([alipay_refund("R1", "-12.00", 商家实收="-10.00", 商家优惠="-2.00")]))
    assert row.amount_minor == 1200
    assert (bill.counted["requested_minor"], bill.counted["received_minor"]) == (1200, 1000)
    assert bill.disagreements == ()


def test_a_refund_without_a_number_of_its_own_has_the_orders(read):
    """A refund asked for without out_request_no is found under the order's number."""
    assert read(alipay_bill([alipay_refund("", 商户订单号="P7\t")]))[0][0].key == "P7"


def test_payments_are_no_refunds_but_count(read):
    """Payments yield nothing, and the summary's count of them is held against the rows too."""
    rows, bill = read(alipay_bill([alipay_payment(), alipay_refund("R1"), alipay_payment()]))
    assert [row.key for row in rows] == ["R1"]
    assert bill.said["payments"] == bill.counted["payments"] == 2


@pytest.mark.parametrize(
    "cells",
    [{"商品名称": "a,b,,c"}, {"商品名称": '"a,b"'}, {"备注": "so, la,la"}, {"商品名称": ","}],
    ids=["goods name", "quoted", "remark", "only a comma"],
)
def test_commas_in_names_and_remarks_shift_nothing(read, cells):
    """Whatever a goods name or a remark holds, the amount and the number come from their own columns."""
    (row, after), _ = read(alipay_bill([alipay_refund("R1", **cells), alipay_refund("R2", "-5.00")]))
    assert (row.key, row.amount_minor, row.accepted_at) == ("R1", 1234, "2026-10-02 10:00:00")
    assert (after.key, after.amount_minor) == ("R2", 500)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"订单金额": "12.34"}, "not negative"),
        ({"订单金额": "-1,2.34", "完成时间": "x"}, "columns"),
        ({"订单金额": "-12.345"}, "amount"),
        ({"订单金额": ""}, "amount"),
        ({"商家实收": "?"}, "amount"),
        ({"业务类型": "转账"}, "neither"),
        ({"完成时间": "10/02/2026"}, "time"),
        ({"完成时间": "", "创建时间": ""}, "time"),
    ],
)
def test_a_row_that_cannot_be_read_stops_the_file_by_its_line(read, cells, said):
    """An unreadable row is never skipped: the error names its line and what is wrong."""
    detail = alipay_detail([alipay_refund("R1"), alipay_payment() | {"商家实收": "1"}]).splitlines()
    broken = alipay_detail([{**alipay_refund("R2"), "商家实收": "0"} | {"业务类型": "退款"}]).splitlines()[4].split(",")
    header = detail[3].replace("（元）", "").split(",")
    for name, value in cells.items():
        broken[header.index(name)] = value
    detail.insert(5, ",".join(broken))
    with pytest.raises(Invalid, match=said) as caught:
        read("\r\n".join(detail).encode("gb18030"))
    assert caught.value.details["line"] == 6


@pytest.mark.parametrize("keep", range(1, 7))
def test_a_file_that_was_cut_is_no_bill(read, keep):
    """Comment lines before the rows promise some after them: without, the file is cut."""
    lines = alipay_detail([alipay_refund("R1"), alipay_refund("R2")]).splitlines(keepends=True)
    with pytest.raises(Invalid):
        read("".join(lines[:keep]).encode("gb18030"))


def test_a_detail_that_came_whole_in_its_zip_needs_no_lines_after_its_rows(read):
    """The ZIP's checksum says that nothing was cut off, and its summary file is held against the rows as ever."""
    rows, bill = read(alipay_bill([alipay_refund("R1"), alipay_refund("R2")], footer=False))
    assert [row.key for row in rows] == ["R1", "R2"]
    assert bill.said["refunds"] == 2


def test_a_footer_with_a_sum_that_is_none_stops_the_file(read):
    """What sums the rows up is read as strictly as they are."""
    text = alipay_detail([alipay_refund("R1")]).replace("共-12.34元", "共-12.3.4元")
    with pytest.raises(Invalid, match="not an amount"):
        read(text.encode("gb18030"))


def test_a_zip_with_names_in_no_alphabet_is_no_bill(read):
    """Names that claim to be UTF-8 and are not make a damaged file, told to people like the others."""
    data = alipay_bill([alipay_refund("R1")])
    with pytest.raises(Invalid, match="cut or damaged"):
        read(data.replace(b"20880000", b"\xff\xfe880000"))


def test_a_zip_that_was_cut_is_no_bill(read):
    """A download that broke off is told from a whole one."""
    with pytest.raises(Invalid, match="cut or damaged"):
        read(alipay_bill([alipay_refund("R1")])[:-30])


def test_a_zip_whose_bytes_were_changed_is_no_bill(read):
    """The checksum inside the ZIP is looked at."""
    data = bytearray(alipay_bill([alipay_refund(f"R{n}") for n in range(500)]))
    data[300] ^= 255
    with pytest.raises(Invalid):
        read(bytes(data))


def packed(**files):
    """A ZIP of these texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.csv", text.encode("gb18030"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"#\r\n", b"a,b\r\n", b"\xff\xfe\x00", packed(), packed(only=alipay_summary(0, 0)),
     packed(one=alipay_detail([]), two=alipay_detail([])), packed(readme="hello")],
    ids=["empty", "comments", "a table", "no text", "an empty ZIP", "no detail", "two details", "a stranger inside"],
)  # fmt: skip
def test_what_is_no_trade_bill_is_refused(read, data):
    """No other file is read as a bill without rows."""
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.todo


def test_what_lies_beside_the_detail_is_no_bill(read):
    """A file with another header beside the detail changes nothing."""
    data = packed(readme="hello", y=alipay_detail([alipay_refund("R1")]), note="#only this\r\n")
    assert [row.key for row in read(data)[0]] == ["R1"]


def test_the_files_in_the_zip_may_have_any_name_and_order(read):
    """The detail file is known by its header, not by a name that is shown in another alphabet."""
    data = packed(z=alipay_summary(0, 1), y=alipay_detail([alipay_refund("R1")]))
    assert [row.key for row in read(data)[0]] == ["R1"]


def test_every_summary_is_held_against_the_rows(read):
    """The lines after the rows and the summary file both count; one that agrees does not cover one that does not."""
    rows = [alipay_refund("R1"), alipay_payment()]
    for detail, summary in ((alipay_detail(rows, refunds="2"), alipay_summary(1, 1)), (alipay_detail(rows), alipay_summary(1, 2))):
        _, bill = read(packed(a=detail, b=summary))
        assert bill.disagreements == (("refunds", 2, 1),)
    assert read(packed(a=alipay_detail(rows), b=alipay_summary(2, 1)))[1].disagreements == (("payments", 2, 1),)


def test_a_summary_without_totals_is_refused(read):
    """A summary file that lacks its last line is cut."""
    with pytest.raises(Invalid, match="totals"):
        read(packed(a=alipay_detail([]), b=alipay_summary(0, 0).replace("合计", "#")))
