import hashlib

import pytest

from aftersales.bill import BillRow, minor_of
from aftersales.errors import Invalid
from plugins.wechatpay_refund.bill import read_bill, sha1_of_text
from tests.bills import (
    WECHAT_ALL,
    WECHAT_OLD,
    WECHAT_REFUND,
    wechat_bill,
    wechat_payment,
    wechat_refund,
    zipped,
)


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
    """Number, both orders, amount in fen, currency, status and the instant of acceptance come from their columns."""
    rows, bill = read(wechat_bill([wechat_refund("R9", "1234.05", 商户订单号="P7", 退款状态="PROCESSING")]))
    assert rows == [
        BillRow("R9", "503R9", "4200000000202610020000000001", "P7", 123405, "CNY", "processing", "2026-10-02 10:00:00")
    ]
    assert bill.said == {"rows": 1, "refunded_minor": 123405, "vouchers_minor": 0, "requested_minor": 123405}
    assert bill.disagreements == ()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("bom", [False, True], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("header", [WECHAT_REFUND, WECHAT_ALL, WECHAT_OLD], ids=["refund", "all", "old"])
@pytest.mark.parametrize("tail", [b"", b"\r\n\n"], ids=["", "blank lines"])
def test_every_form_of_the_file_reads_the_same(read, packed, bom, end, header, tail):
    """Layout, compression, byte order mark, line ends and blank lines at the end change nothing about what the bill says."""
    data = wechat_bill([wechat_refund("R1"), wechat_refund("R2", "0.05")], header, bom=bom, end=end) + tail
    rows, bill = read(zipped(data) if packed else data)
    assert [(row.key, row.amount_minor, row.accepted_at) for row in rows] == [
        ("R1", 1234, "2026-10-02 10:00:00"),
        ("R2", 5, "2026-10-02 10:00:00"),
    ]
    assert bill.disagreements == ()


def test_what_was_asked_for_counts_and_the_old_layout_falls_back(read):
    """With coupons 退款金额 is less than what was asked back; the old layout knows only that one."""
    refund = wechat_refund(amount="10.00", 申请退款金额="12.00", 充值券退款金额="1.50")
    assert read(wechat_bill([refund]))[0][0].amount_minor == 1200
    assert read(wechat_bill([refund], WECHAT_OLD))[0][0].amount_minor == 1000


def test_a_refund_belongs_to_the_day_it_was_asked_for(read):
    """In the refund layout 交易时间 is the payment's: the time of acceptance has a column of its own."""
    (row,), _ = read(wechat_bill([wechat_refund(交易时间="2026-08-01 09:00:00", 退款申请时间="2026-10-02 23:59:59")]))
    assert row.accepted_at == "2026-10-02 23:59:59"


def test_payments_are_no_refunds_but_count(read):
    """A bill of type ALL holds payments: they yield nothing, and the summary counts them."""
    rows, bill = read(wechat_bill([wechat_payment(), wechat_refund("R1"), wechat_payment("1.00")], WECHAT_ALL))
    assert [row.key for row in rows] == ["R1"]
    assert (bill.counted["rows"], bill.counted["refunds"], bill.counted["payments"]) == (3, 1, 2)
    assert bill.disagreements == ()


def test_a_revoked_payment_counts_in_the_sum_of_refunds(read):
    """A payment taken back at the till has no refund number: it is no refund of ours, and the summary's sum holds it."""
    rows, bill = read(wechat_bill([wechat_payment(交易状态="REVOKED", 退款金额="5.00"), wechat_refund("R1", "1.00")], WECHAT_ALL))
    assert ([row.key for row in rows], bill.said["refunded_minor"], bill.disagreements) == (["R1"], 600, ())


@pytest.mark.parametrize("name", ["台灯, 白色", "a,b,,c", "x,`y", '"quoted", and more', "tab\tinside", "\u2028 \x85"])
def test_commas_and_backticks_in_goods_names_shift_nothing(read, name):
    """Whatever a goods name holds, amount and status come from their own columns, before and behind it."""
    (row, after), bill = read(wechat_bill([wechat_refund("R1", 商品名称=name), wechat_refund("R2", "5.00")]))
    assert (row.amount_minor, row.status, after.key, after.amount_minor) == (1234, "success", "R2", 500)
    assert bill.disagreements == ()


def test_columns_are_found_by_name(read):
    """A layout in another order with a column we do not know reads the same."""
    header = ["新列", *reversed(WECHAT_REFUND)]
    (row,), _ = read(wechat_bill([wechat_refund("R1", 新列="?")], header))
    assert (row.key, row.amount_minor, row.accepted_at) == ("R1", 1234, "2026-10-02 10:00:00")


def test_cells_without_backticks_are_read_too(read):
    """A bill that a table has saved again without backticks is still a bill."""
    assert [row.key for row in read(wechat_bill([wechat_refund("R1")]).replace(b"`", b""))[0]] == ["R1"]


def test_a_refund_made_by_hand_goes_by_the_channels_number(read):
    """A refund from the merchant's web page has no number of ours: it is not lost, it goes by WeChat Pay's."""
    (row,), _ = read(wechat_bill([wechat_refund("0", "3.00", 微信退款单号="50300001")]))
    assert (row.key, row.channel_id) == ("50300001", "50300001")


@pytest.mark.parametrize(
    ("word", "status"),
    [("SUCCESS", "success"), ("PROCESSING", "processing"), ("CLOSED", "closed"), ("REFUNDCLOSE", "closed"), ("FAIL", "failed"),
     ("ABNORMAL", "abnormal"), ("CHANGE", "abnormal"), (" success ", "success")],
)  # fmt: skip
def test_statuses_of_both_interfaces_are_understood(read, word, status):
    """Today's words and those of the older interface mean the same, in any case."""
    assert read(wechat_bill([wechat_refund(退款状态=word)]))[0][0].status == status


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("0.01", 1), ("0.1", 10), ("7", 700), ("12.340", 1234), ("99999999.99", 9_999_999_999), ("1.10000", 110)],
)
def test_yuan_become_fen_exactly(read, amount, minor):
    """No amount passes through a float: what stands there is what is counted."""
    assert read(wechat_bill([wechat_refund(amount=amount)]))[0][0].amount_minor == minor


@pytest.mark.parametrize(
    "text", ["", ".", "-", "１２.00", "²2.00", "1 2.00", "1_2.00", "+1.00", "1.2.3", "1e2", "nan", "0x1", "1.005", "--1"]
)
def test_what_is_no_amount_is_refused(text):
    """Only digits with one point and perhaps a sign are an amount, and only as many digits as the currency has."""
    with pytest.raises(ValueError, match="amount"):
        minor_of(text)


@pytest.mark.parametrize(("currency", "amount", "minor"), [("JPY", "500", 500), ("JPY", "500.00", 500), ("KWD", "1.234", 1234)])
def test_another_currency_has_its_own_digits(read, currency, amount, minor):
    """500 yen are 500 minor units, and a summary across currencies is not held against the rows."""
    (row, other), bill = read(wechat_bill([wechat_refund(amount=amount, 货币种类=currency), wechat_refund("R2")]))
    assert (row.amount_minor, row.currency, other.amount_minor) == (minor, currency, 1234)
    assert bill.disagreements == ()


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"申请退款金额": "12,34"}, "columns|amount"),
        ({"申请退款金额": "1e3"}, "amount"),
        ({"申请退款金额": "12.345"}, "amount"),
        ({"申请退款金额": "１２.00"}, "amount"),
        ({"申请退款金额": "1_0.00"}, "amount"),
        ({"申请退款金额": "-1.00"}, "amount"),
        ({"退款金额": "many"}, "amount"),
        ({"退款状态": "MAYBE"}, "status"),
        ({"货币种类": "RMB"}, "currency"),
        ({"退款申请时间": "yesterday"}, "time"),
        ({"退款申请时间": ""}, "time"),
        ({"商户退款单号": "", "微信退款单号": ""}, "number"),
    ],
)
def test_a_row_that_cannot_be_read_stops_the_file_by_its_line(read, cells, said):
    """An unreadable row is never skipped: the error names its line and what is wrong."""
    with pytest.raises(Invalid, match=said) as caught:
        read(wechat_bill([wechat_refund("R1"), wechat_refund("R2", **cells)]))
    assert caught.value.details["line"] == 3


def test_a_row_with_too_few_columns_stops_the_file(read):
    """A row that was cut is found by its line."""
    lines = wechat_bill([wechat_refund("R1"), wechat_refund("R2")]).split(b"\r\n")
    lines[2] = lines[2][:80]
    with pytest.raises(Invalid, match="columns") as caught:
        read(b"\r\n".join(lines))
    assert caught.value.details["line"] == 3


@pytest.mark.parametrize("keep", range(1, 5))
def test_a_file_that_was_cut_is_no_bill(read, keep):
    """Without its last two lines a bill is cut, however whole the rows look."""
    lines = wechat_bill([wechat_refund("R1"), wechat_refund("R2")]).splitlines(keepends=True)
    with pytest.raises(Invalid):
        read(b"".join(lines[:keep]))


def test_a_gzip_that_was_cut_is_no_bill(read):
    """A download that broke off is told from a whole one."""
    with pytest.raises(Invalid, match="cut or damaged"):
        read(zipped(wechat_bill([wechat_refund(f"R{n}") for n in range(200)]))[:-20])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"<xml><return_code>FAIL</return_code></xml>",
        b"\xff\xfe\x00",
        "记账时间,微信支付业务单号\r\n".encode(),
        b"a,b,c\r\n",
    ],
    ids=["empty", "blank", "an error", "no text", "another bill", "a table"],
)
def test_what_is_no_trade_bill_is_refused(read, data):
    """An error answer, another kind of bill or any other file is not read as one without rows."""
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.todo


def test_a_layout_without_refunds_is_refused(read):
    """A bill that cannot hold refunds would make every refund of ours look lost."""
    refunds = ("微信退款单号", "商户退款单号", "退款金额", "申请退款金额", "退款状态", "退款类型", "充值券退款金额")
    with pytest.raises(Invalid, match="no refunds"):
        read(wechat_bill([], [name for name in WECHAT_ALL if name not in refunds]))


def test_nothing_follows_the_summary(read):
    """Two bills in one file are not half read."""
    with pytest.raises(Invalid, match="follows"):
        read(wechat_bill([wechat_refund("R1")]) + wechat_bill([wechat_refund("R2")]))


@pytest.mark.parametrize(
    ("figure", "value", "name"),
    [
        ("总交易单数", "3", "rows"),
        ("退款总金额", "0.01", "refunded_minor"),
        ("申请退款总金额", "99.00", "requested_minor"),
        ("充值券退款总金额", "1.00", "vouchers_minor"),
    ],
)
def test_a_summary_that_does_not_add_up_is_seen(read, figure, value, name):
    """Every figure about refunds is held against the rows, after they were all read."""
    _, bill = read(wechat_bill([wechat_refund("R1"), wechat_refund("R2")], said={figure: value}))
    assert [wrong[0] for wrong in bill.disagreements] == [name]


def test_a_day_without_refunds_is_a_bill(read):
    """Header and summary alone are a whole bill."""
    rows, bill = read(wechat_bill([]))
    assert rows == []
    assert bill.counted["rows"] == bill.said["rows"] == 0


def test_a_bill_is_read_once(read, tmp_path):
    """Its figures would count twice: it says so instead."""
    _, bill = read(wechat_bill([wechat_refund()]))
    with pytest.raises(RuntimeError, match="once"):
        iter(bill)


def test_the_hash_is_of_the_text_inside(tmp_path):
    """WeChat Pay's hash_value covers the uncompressed text: plain and gzip have the same."""
    data = wechat_bill([wechat_refund()])
    for name, content in (("plain", data), ("packed", zipped(data))):
        (tmp_path / name).write_bytes(content)
        assert sha1_of_text(tmp_path / name) == hashlib.sha1(data).hexdigest()


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    """A missing file is an error for people, not a traceback."""
    with pytest.raises(Invalid, match="cannot be read"):
        list(read_bill(tmp_path / "none"))
