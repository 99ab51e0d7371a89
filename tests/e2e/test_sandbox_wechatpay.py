"""WeChat Pay beyond one refund: bills, abnormal refunds, refunds from the console, risk control, limits of its own."""

import gzip
import hashlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from aftersales.bill import Bill
from aftersales.channel import Card, OutsideKind, OutsideState, ReceiptStatus
from aftersales.errors import Invalid, Rejected, Unknown
from aftersales.money import Money
from aftersales.refund import BEIJING, Cause
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Keys, Kind, Sandbox
from infra.local.sandbox.wechatpay.ask import BANKS
from infra.local.sandbox.wechatpay.bill import LAYOUTS, months_before
from plugins.wechatpay_refund import build
from plugins.wechatpay_refund.bill import read_bill
from plugins.wechatpay_refund.client import WechatPayRefunds
from plugins.wechatpay_refund.sign import authorization, private_key_of, request_message, sign

pytestmark = pytest.mark.e2e

ORDER = a_refund_order()
TOTAL = ORDER.paid.minor
DAY = date(2026, 11, 20)
CARD = Card("CMB_DEBIT", "6225880137706868", "王小明")


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture
def sandbox(keys: Keys) -> Iterator[Sandbox]:
    """The provider at noon of a day, with the default payment known."""
    with Sandbox(keys=keys, gap_s=0, retry_scale=0.0) as sandbox:
        at(sandbox, DAY, 12)
        sandbox.pay(ORDER.transaction_id, TOTAL)
        yield sandbox


@pytest.fixture
def channel(sandbox: Sandbox) -> Iterator[WechatPayRefunds]:
    """The plugin, in a hurry."""
    with closing(build({**sandbox.settings(), "read_s": 0.8, "total_s": 1.5, "bill_s": 0.5})) as channel:
        yield channel


def at(sandbox: Sandbox, day: date, hour: int = 0, minute: int = 0, second: float = 0.0) -> None:
    """Let it be this time in China."""
    there = datetime(day.year, day.month, day.day, hour, minute, tzinfo=BEIJING) + timedelta(seconds=second)
    sandbox.set_clock(there.timestamp() - time.time())


def ask(sandbox: Sandbox, path: str, *, signed: bool = True) -> httpx.Response:
    """A GET put together by hand."""
    settings, stamp = sandbox.settings(), str(int(time.time()))
    signature = sign(private_key_of(settings["private_key"]), request_message("GET", path, stamp, "n", b""))
    header = authorization(settings["mchid"], settings["serial_no"], stamp, "n", signature)
    headers = {"Authorization": header} if signed else {}
    return httpx.get(f"{sandbox.base_url}{path}", headers=headers, trust_env=False, timeout=5)


def billed(channel: WechatPayRefunds, into: Path, day: date = DAY) -> Bill:
    """The bill of the day, which is there."""
    bill = channel.bill(day, into)
    assert bill is not None
    return bill


# --- bills ------------------------------------------------------------------------------------------------------------
def test_the_bill_tells_every_refund_of_the_day(sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path) -> None:
    """Numbers, amounts and times of ours and of the console's refunds stand in the bill, and its summary agrees with its rows."""
    orders = [a_refund_order(f"Rc{n}-1", 100 + n) for n in range(3)]
    receipts = [channel.refund(order) for order in orders]
    outside = sandbox.lever("outside", transaction_id=ORDER.transaction_id, minor=5)
    at(sandbox, DAY + timedelta(days=1), 10)
    bill = billed(channel, tmp_path)
    rows = list(bill)
    assert [(r.key, r.amount_minor) for r in rows] == [*((o.key, o.amount.minor) for o in orders), (outside["out_refund_no"], 5)]
    assert [r.channel_id for r in rows[:3]] == [r.channel_id for r in receipts]
    assert {(r.transaction_id, r.order, r.currency, r.status) for r in rows} == {
        (ORDER.transaction_id, f"T{ORDER.transaction_id}", "CNY", "success")
    }
    assert {r.accepted_at[:13] for r in rows} == {f"{DAY} 12"}
    assert (bill.disagreements, bill.said["refunded_minor"]) == ((), 308)


def test_a_refund_keeps_in_the_bill_the_status_it_was_accepted_with(
    sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path
) -> None:
    """A refund that was paid five minutes after it was accepted is processing in the bill for ever."""
    sandbox.adjust(delay_s=300)
    channel.refund(ORDER)
    at(sandbox, DAY + timedelta(days=1), 10)
    found = channel.find(ORDER)
    assert found is not None
    assert found.status is ReceiptStatus.SUCCEEDED
    assert [r.status for r in billed(channel, tmp_path)] == ["processing"]


def test_the_last_second_of_a_day_belongs_to_it(sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path) -> None:
    """What was accepted at 23:59:58 in China is in that day's bill, and at 00:00 in the next one's."""
    for second, key in ((-2.0, "Rc1-1"), (0.0, "Rc1-2")):
        at(sandbox, DAY + timedelta(days=1), 0, 0, second)
        channel.refund(a_refund_order(key, 7))
    at(sandbox, DAY + timedelta(days=2), 10)
    assert [[r.key for r in billed(channel, tmp_path, DAY + timedelta(days=n))] for n in (0, 1)] == [["Rc1-1"], ["Rc1-2"]]


def test_a_bill_is_there_at_ten_of_the_next_day(sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path) -> None:
    """Before ten o'clock of the next day, and on the day itself, there is no bill and no claim that nothing was traded."""
    channel.refund(ORDER)
    for day, hour, minute in ((DAY, 23, 0), (DAY + timedelta(days=1), 0, 0), (DAY + timedelta(days=1), 9, 59)):
        at(sandbox, day, hour, minute)
        with pytest.raises(Unknown):
            channel.bill(DAY, tmp_path)
    at(sandbox, DAY + timedelta(days=1), 10)
    assert len(list(billed(channel, tmp_path))) == 1


def test_a_day_without_refunds_has_no_bill(sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path) -> None:
    """None says that nothing was refunded, and nothing is left in the folder."""
    at(sandbox, DAY + timedelta(days=1), 10)
    assert channel.bill(DAY, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_bills_are_kept_for_three_months(sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path) -> None:
    """On the same day three months later the bill is still there, and a day after it is not."""
    channel.refund(ORDER)
    at(sandbox, date(2027, 2, 20), 12)
    assert len(list(billed(channel, tmp_path))) == 1
    at(sandbox, date(2027, 2, 21), 12)
    with pytest.raises(Unknown):
        channel.bill(DAY, tmp_path)
    assert [months_before(date(2026, m, 31), 3) for m in (5, 1, 3)] == [date(2026, 2, 28), date(2025, 10, 31), date(2025, 12, 31)]


NO_BILL: dict[str, Fault] = {
    "not ready": Fault(At.BILL, Kind.NOT_READY),
    "no address": Fault(At.BILL, Kind.ERROR, status=400, code="INVALID_REQUEST"),
    "500 for the address": Fault(At.BILL, Kind.ERROR),
    "a page for the address": Fault(At.BILL, Kind.HTML, status=502),
    "an address with a wrong signature": Fault(At.BILL, Kind.BAD_SIGNATURE),
    "an address without a signature": Fault(At.BILL, Kind.UNSIGNED),
    "a cut address": Fault(At.BILL, Kind.CUT),
    "a wrong checksum": Fault(At.BILL, Kind.WRONG_DIGEST),
    "an address that has expired": Fault(At.FILE, Kind.EXPIRED),
    "500 for the file": Fault(At.FILE, Kind.ERROR),
    "a page for the file": Fault(At.FILE, Kind.HTML, status=200),
    "half a file": Fault(At.FILE, Kind.CUT),
    "no file": Fault(At.FILE, Kind.HANG, seconds=1),
    "a file that does not end": Fault(At.FILE, Kind.TRICKLE, seconds=3),
}


@pytest.mark.parametrize("case", NO_BILL)
def test_a_bill_that_cannot_be_believed_is_unknown(case: str, sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path) -> None:
    """Nothing of it is left in the folder, and the next try has it."""
    channel.refund(ORDER)
    at(sandbox, DAY + timedelta(days=1), 10)
    sandbox.fault(NO_BILL[case])
    with pytest.raises(Unknown) as unknown:
        channel.bill(DAY, tmp_path)
    assert sandbox.script.left == 0
    assert unknown.value.message
    assert list(tmp_path.iterdir()) == []
    assert [r.key for r in billed(channel, tmp_path)] == [ORDER.key]
    assert [p.name for p in tmp_path.iterdir()] == [f"wechatpay-refund-{DAY}.csv.gz"]


@pytest.mark.parametrize(
    ("kind", "amounts", "agrees"),
    [
        (Kind.MISSING_ROW, [100], True),
        (Kind.EXTRA_ROW, [100, 101, 77], True),
        (Kind.WRONG_ROW, [100, 77], False),
    ],
)
def test_a_sound_file_may_still_be_wrong(
    kind: Kind, amounts: list[int], agrees: bool, sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path
) -> None:
    """A row too few or too many passes every checksum: only comparing with our books finds it; a changed row the summary shows."""
    for n in range(2):
        channel.refund(a_refund_order(f"Rc{n}-1", 100 + n))
    at(sandbox, DAY + timedelta(days=1), 10)
    sandbox.fault(Fault(At.BILL, kind, minor=77, key=str(DAY)))
    bill = billed(channel, tmp_path)
    assert [r.amount_minor for r in bill] == amounts
    assert (bill.disagreements == ()) is agrees


def test_bills_have_the_layout_of_the_real_ones(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """A byte order mark, CR LF, backticks before every cell, 27, 20 or 29 columns, a summary of seven; the SHA-1 of the text."""
    sandbox.pay("4200000099", 1000, payer_total=600, free_total=300)
    channel.refund(a_refund_order(order_id="99", minor=500, transaction_id="4200000099", paid=Money(1000, "CNY")))
    at(sandbox, DAY + timedelta(days=1), 10)
    for kind, width, rows in (("ALL", 27, 3), ("SUCCESS", 20, 2), ("REFUND", 29, 1)):
        for tar in ("", "&tar_type=GZIP"):
            told = ask(sandbox, f"/v3/bill/tradebill?bill_date={DAY}&bill_type={kind}{tar}").json()
            assert told["hash_type"] == "SHA1"
            to = urlsplit(told["download_url"])
            answer = ask(sandbox, f"{to.path}?{to.query}")
            text = gzip.decompress(answer.content) if tar else answer.content
            assert hashlib.sha1(text).hexdigest() == told["hash_value"]
            assert not any(name.startswith("wechatpay") for name in answer.headers)
            assert text.startswith(b"\xef\xbb\xbf")
            assert text.count(b"\n") == text.count(b"\r\n") == rows + 3
            header, *body, above, summary, end = text.decode("utf-8-sig").split("\r\n")
            assert (header, len(header.split(",")), end) == (LAYOUTS[kind], width, "")
            assert [len(row.split(",`")) for row in body] == [width] * rows
            assert above == "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
            assert (summary[0], len(summary.split(",`"))) == ("`", 7)
    cells = dict(zip(header.split(","), (c.removeprefix("`") for c in body[0].split(",`")), strict=True))
    # 5.00 of 10.00, of which 6.00 were money, 1.00 a coupon that is settled and 3.00 one that is not
    assert [cells[c] for c in ("申请退款金额", "退款金额", "充值券退款金额", "交易状态")] == ["5.00", "3.50", "0.50", "REFUND"]
    assert summary == "`1,`0.00,`3.50,`0.50,`-0.02,`0.00,`5.00"


def test_a_download_address_lives_five_minutes_and_wants_a_signature(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """After five minutes of the provider's time, with another token, or unsigned, there is no file."""
    channel.refund(ORDER)
    at(sandbox, DAY + timedelta(days=1), 10)
    told = ask(sandbox, f"/v3/bill/tradebill?bill_date={DAY}&bill_type=REFUND").json()
    to = urlsplit(told["download_url"])
    path = f"{to.path}?{to.query}"
    assert ask(sandbox, path, signed=False).status_code == 401
    assert ask(sandbox, f"{path}x").json()["code"] == "INVALID_REQUEST"
    at(sandbox, DAY + timedelta(days=1), 10, 4, 50)
    assert ask(sandbox, path).status_code == 200
    at(sandbox, DAY + timedelta(days=1), 10, 5, 10)
    assert ask(sandbox, path).json()["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "query", ["bill_date=20261120", "bill_date=", f"bill_date={DAY}&bill_type=X", f"bill_date={DAY}&tar_type=ZIP"]
)
def test_a_malformed_request_for_a_bill_is_refused(query: str, sandbox: Sandbox) -> None:
    """Days, types and packings have a form."""
    assert ask(sandbox, f"/v3/bill/tradebill?{query}").json()["code"] == "PARAM_ERROR"


# --- abnormal refunds -------------------------------------------------------------------------------------------------
@pytest.fixture
def abnormal(sandbox: Sandbox, channel: WechatPayRefunds) -> str:
    """WeChat Pay's number of a refund that could not arrive: the buyer's card is closed."""
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="ABNORMAL"))
    receipt = channel.refund(ORDER)
    assert found(channel).cause is Cause.ACCOUNT_ABNORMAL
    return receipt.channel_id


def found(channel: WechatPayRefunds) -> Any:
    """What WeChat Pay says about the default refund, which it knows."""
    receipt = channel.find(ORDER)
    assert receipt is not None
    return receipt


def test_an_abnormal_refund_reaches_another_card(sandbox: Sandbox, channel: WechatPayRefunds, abnormal: str) -> None:
    """The same refund, under the same number, arrives at the card the buyer named; nothing is taken a second time."""
    sandbox.adjust(delay_s=60)
    receipt = channel.redirect(ORDER, abnormal, CARD)
    assert (receipt.key, receipt.channel_id, receipt.status) == (ORDER.key, abnormal, ReceiptStatus.PROCESSING)
    sandbox.set_clock(sandbox.offset_s + 61)
    assert (found(channel).status, found(channel).account) == (ReceiptStatus.SUCCEEDED, "CMB借记卡6868")
    assert sandbox.truth()["total"] == {"executed": 1990, "paid": 1990, "count": 1}


def test_fifteen_banks_are_taken(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Debit cards of fifteen banks are taken, and of no other: that card is refused, and the buyer can name another one."""
    for n, bank in enumerate(sorted(BANKS)):
        order = a_refund_order(f"Rc{n}-1", 10)
        sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="ABNORMAL"))
        channel_id = channel.refund(order).channel_id
        assert channel.find(order) is not None
        with pytest.raises(Rejected) as refused:
            channel.redirect(order, channel_id, replace(CARD, bank="HSBC_DEBIT"))
        assert refused.value.details["cause"] is Cause.ACCOUNT_ABNORMAL
        channel.redirect(order, channel_id, replace(CARD, bank=bank))
        assert channel.find(order).status is ReceiptStatus.SUCCEEDED  # type: ignore[union-attr]  # it was found above
    assert len(BANKS) == 15


@pytest.mark.parametrize("number", ["", "1234", "62258801377068680000", "６２２５８８０１３７７０６８６８"])
def test_a_number_that_is_no_card_is_not_taken(number: str, sandbox: Sandbox, channel: WechatPayRefunds, abnormal: str) -> None:
    """It is refused, and the refund stays abnormal."""
    with pytest.raises(Rejected) as refused:
        channel.redirect(ORDER, abnormal, replace(CARD, number=number))
    assert refused.value.details["cause"] is Cause.ACCOUNT_ABNORMAL
    assert found(channel).cause is Cause.ACCOUNT_ABNORMAL


@pytest.mark.parametrize(
    "fault",
    [
        Fault(At.REDIRECT, Kind.HANG),
        Fault(At.REDIRECT, Kind.HANG, executed=False),
        Fault(At.REDIRECT, Kind.CUT),
        Fault(At.REDIRECT, Kind.ERROR),
        Fault(At.REDIRECT, Kind.ERROR, executed=False, status=429, code="FREQUENCY_LIMITED"),
        Fault(At.REDIRECT, Kind.HTML, status=404),
        Fault(At.REDIRECT, Kind.BAD_SIGNATURE),
        Fault(At.REDIRECT, Kind.WRONG_AMOUNT),
        Fault(At.REDIRECT, Kind.WRONG_NUMBER),
    ],
    ids=lambda f: f"{f.kind} {f.executed}",
)
def test_a_redirect_without_a_trustworthy_answer_is_unknown(
    fault: Fault, sandbox: Sandbox, channel: WechatPayRefunds, abnormal: str
) -> None:
    """The same card again gives the refund, whether it had been sent there or not, and money moved once."""
    sandbox.fault(fault)
    with pytest.raises(Unknown):
        channel.redirect(ORDER, abnormal, CARD)
    assert (found(channel).status is ReceiptStatus.SUCCEEDED) is fault.executed
    channel.redirect(ORDER, abnormal, CARD)
    assert found(channel).status is ReceiptStatus.SUCCEEDED
    assert sandbox.truth()["total"] == {"executed": 1990, "paid": 1990, "count": 1}


def test_a_second_card_after_a_lost_answer_hears_of_the_first(sandbox: Sandbox, channel: WechatPayRefunds, abnormal: str) -> None:
    """The refund went to the first card; the second one changes nothing, and the answer says where the money is."""
    sandbox.fault(Fault(At.REDIRECT, Kind.HANG))
    with pytest.raises(Unknown):
        channel.redirect(ORDER, abnormal, CARD)
    receipt = channel.redirect(ORDER, abnormal, replace(CARD, number="6228480402564890018"))
    assert (receipt.status, receipt.account) == (ReceiptStatus.SUCCEEDED, "CMB借记卡6868")


def test_a_redirected_refund_may_fail_again(sandbox: Sandbox, channel: WechatPayRefunds, abnormal: str) -> None:
    """The second card is closed too: abnormal again, and a third one is taken."""
    sandbox.fault(Fault(At.REDIRECT, Kind.OUTCOME, status_text="ABNORMAL"))
    channel.redirect(ORDER, abnormal, CARD)
    assert found(channel).cause is Cause.ACCOUNT_ABNORMAL
    channel.redirect(ORDER, abnormal, CARD)
    assert found(channel).status is ReceiptStatus.SUCCEEDED


def test_only_an_abnormal_refund_can_be_redirected(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """One that has arrived stays where it is, and the answer says so; one that WeChat Pay does not know is refused."""
    receipt = channel.refund(ORDER)
    assert channel.redirect(ORDER, receipt.channel_id, CARD).status is ReceiptStatus.SUCCEEDED
    assert not sandbox.truth()["refunds"][ORDER.key]["redirected"]
    with pytest.raises(Rejected) as refused:
        channel.redirect(ORDER, "50300000000000000000000000000000", CARD)
    assert refused.value.details["cause"] is Cause.NOT_FOUND


def test_a_card_is_written_down_nowhere(keys: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither number nor holder is in a log, in an error, or in the provider's files; not even when the card is refused."""
    with Sandbox(tmp_path, keys=keys) as sandbox, closing(build(sandbox.settings())) as channel, caplog.at_level(logging.DEBUG):
        sandbox.pay(ORDER.transaction_id, TOTAL)
        sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="ABNORMAL"))
        channel_id = channel.refund(ORDER).channel_id
        assert found(channel).cause is Cause.ACCOUNT_ABNORMAL
        echo = f"银行卡号{CARD.number}不合法"
        sandbox.fault(Fault(At.REDIRECT, Kind.ERROR, executed=False, status=400, code="PARAM_ERROR", message=echo))
        with pytest.raises(Rejected) as refused:
            channel.redirect(ORDER, channel_id, CARD)
        channel.redirect(ORDER, channel_id, CARD)
    said = caplog.text + str(refused.value) + str(refused.value.details) + repr(CARD)
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for secret in (CARD.number, CARD.holder):
        assert secret not in said
        assert secret.encode() not in kept


# --- refunds made elsewhere, and held payments ------------------------------------------------------------------------
def test_a_refund_from_the_console_is_told_as_one_made_outside(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Its notice has a number that is not ours: money that moved without us, and no receipt of a refund of ours."""
    number = sandbox.lever("outside", transaction_id=ORDER.transaction_id, minor=300)["out_refund_no"]
    notice = channel.notice(*sandbox.notice_of(number), datetime.now(UTC))
    assert (notice.receipt, notice.reply_status) == (None, 204)
    outside = notice.outside
    assert outside is not None
    assert (outside.key, outside.transaction_id, outside.amount) == (number, ORDER.transaction_id, Money(300, "CNY"))
    assert (outside.kind, outside.state) == (OutsideKind.REFUND, OutsideState.GONE)
    assert outside.at is not None
    assert sandbox.truth()["refunds"][number]["outside"]
    with pytest.raises(Rejected) as refused:
        channel.refund(replace(ORDER, amount=ORDER.paid))
    assert refused.value.details["cause"] is Cause.OVER_LIMIT


@pytest.mark.parametrize(("status", "state"), [("ABNORMAL", OutsideState.GONE), ("CLOSED", OutsideState.BACK)])
def test_a_refund_from_the_console_may_fail(status: str, state: OutsideState, sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Closed, the money is back with the merchant; abnormal, it has left and not arrived."""
    number = sandbox.lever("outside", transaction_id=ORDER.transaction_id, minor=300)["out_refund_no"]
    refund = sandbox.book.find(number)
    assert refund is not None
    headers, body = sandbox.notifier.made(replace(refund, status=status))
    notice = channel.notice({k.lower(): v for k, v in headers.items()}, body, datetime.now(UTC))
    assert notice.outside is not None
    assert notice.outside.state is state


def test_the_console_keeps_the_rules_too(sandbox: Sandbox) -> None:
    """More than was paid, or of a payment nobody made, cannot be refunded there either."""
    for said in ({"transaction_id": ORDER.transaction_id, "minor": TOTAL + 1}, {"transaction_id": "42", "minor": 1}):
        with pytest.raises(ValueError, match=r"订单|payment"):
            sandbox.lever("outside", **said)


def test_a_held_payment_is_refunded_once_it_is_free(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """Risk control says no, a cause of its own that does not pass by itself; set free, the same key is paid."""
    sandbox.lever("freeze", transaction_id=ORDER.transaction_id)
    with pytest.raises(Rejected) as refused:
        channel.refund(ORDER)
    assert (refused.value.details["cause"], refused.value.details["later"]) == (Cause.RISK_CONTROL, False)
    sandbox.lever("freeze", transaction_id=ORDER.transaction_id, why="")
    assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED


# --- limits -----------------------------------------------------------------------------------------------------------
def test_too_many_errors_are_stopped_and_prove_nothing(sandbox: Sandbox, channel: WechatPayRefunds) -> None:
    """After six errors in a second WeChat Pay says 429 to everything; some was carried out, and the same keys mend it all."""
    sandbox.adjust(limited=True)
    for n in range(6):
        with pytest.raises(Rejected):
            channel.refund(a_refund_order(f"Rx{n}-1", TOTAL + 1))
    orders = [a_refund_order(f"Rc{n}-1", 10) for n in range(8)]
    for order in orders:
        with pytest.raises(Unknown):
            channel.refund(order)
    calls = sandbox.truth()["calls"]
    assert (calls["most_errors_per_s"], calls["over_limit"], calls["exceeded"]) == (6, 8, True)
    assert sandbox.truth()["total"]["count"] == 2
    time.sleep(1.1)
    for order in orders:
        channel.refund(order)
        time.sleep(0.01)
    assert sandbox.truth()["total"] == {"executed": 80, "paid": 80, "count": 8}


# --- the order of notices, and an older file --------------------------------------------------------------------------
def test_notices_may_overtake_each_other(keys: Keys) -> None:
    """The notice of the second refund arrives before that of the first."""
    with Sandbox(keys=keys, gap_s=0) as sandbox, closing(build(sandbox.settings("http://127.0.0.1:9/callback"))) as channel:
        sandbox.pay(ORDER.transaction_id, TOTAL)
        sandbox.fault(Fault(At.NOTICE, Kind.REORDERED, key="Rc1-1"))
        channel.refund(a_refund_order("Rc1-1", 10))
        end = time.monotonic() + 5
        while sandbox.script.left and time.monotonic() < end:
            time.sleep(0.005)
        channel.refund(a_refund_order("Rc1-2", 10))
        while len(sandbox.truth()["deliveries"]) < 2 and time.monotonic() < end:
            time.sleep(0.005)
        assert [d["out_refund_no"] for d in sandbox.truth()["deliveries"]][:2] == ["Rc1-2", "Rc1-1"]


def test_books_of_an_earlier_day_are_read(keys: Keys, tmp_path: Path) -> None:
    """A file from before payments could be held and refunds redirected gains what it lacks, and loses nothing."""
    old = sqlite3.connect(tmp_path / "book.sqlite")
    old.executescript(
        "create table payment (transaction_id text primary key, out_trade_no text unique not null, total integer not null,"
        " payer_total integer not null, paid_at real not null);"
        "create table refund (out_refund_no text primary key, refund_id text unique not null, transaction_id text not null,"
        " params text not null, minor integer not null, payer_minor integer not null, status text not null, ends_as text not null,"
        " ends_at real not null, created_at real not null, success_at real, notify_url text not null);"
        "create table setting (name text primary key, value text not null); insert into setting values ('clock_offset_s', '60.0');"
        f"insert into payment values ('{ORDER.transaction_id}', 'T1', {TOTAL}, {TOTAL}, {time.time()});"
        f"insert into refund values ('Rold-1', '5030', '{ORDER.transaction_id}', '', 10, 10, 'SUCCESS', 'SUCCESS', 0, 0, 0, '');"
    )
    old.close()
    for _ in range(2):
        with Sandbox(tmp_path, keys=keys, gap_s=0) as sandbox, closing(build(sandbox.settings())) as channel:
            assert channel.refund(ORDER).status is ReceiptStatus.SUCCEEDED
            assert sandbox.truth()["total"] == {"executed": 2000, "paid": 2000, "count": 2}
            assert sandbox.offset_s == 60.0


def test_a_cut_bill_is_not_read(sandbox: Sandbox, channel: WechatPayRefunds, tmp_path: Path) -> None:
    """A file that was cut after it was fetched raises while it is read: no row is left out in silence."""
    channel.refund(ORDER)
    at(sandbox, DAY + timedelta(days=1), 10)
    billed(channel, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Invalid):
        list(read_bill(path))
