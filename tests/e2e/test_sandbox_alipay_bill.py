"""Alipay's trade bill, fetched and read: what the books say, and no file that is not sound."""

import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from aftersales.errors import Unknown
from aftersales.refund import BEIJING
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as OtherKeys
from infra.local.sandbox.alipay import Keys
from plugins.alipay_refund import build
from plugins.alipay_refund.client import AlipayRefunds
from plugins.alipay_refund.download import BILL, _safe
from plugins.alipay_refund.setting import Setting
from tests.e2e import alipay as set_up
from tests.e2e.alipay import ORDER

pytestmark = pytest.mark.e2e

keys = set_up.keys

TODAY = datetime.now(BEIJING).date()
DAY = TODAY + timedelta(days=7)  # a day that lies ahead, so that the sandbox's clock can be anywhere in it


@pytest.fixture
def sandbox(keys: tuple[Keys, OtherKeys]) -> Iterator[Sandbox]:
    """The provider, with two refunds in its books: one of ours late at night, one made in its console at noon."""
    with Sandbox(keys=keys[1], made={"alipay": keys[0]}) as sandbox:
        sandbox.pay(ORDER.transaction_id, 9950, at(DAY, 9), provider="alipay", out_trade_no="o1", payer_total=9000)
        clock(sandbox, DAY, 12)
        sandbox.lever("outside", "alipay", transaction_id=ORDER.transaction_id, minor=700, number="console-1")
        clock(sandbox, DAY, 23, 58)
        with closing(build(sandbox.settings(provider="alipay"))) as channel:
            channel.refund(ORDER)
        yield sandbox


@pytest.fixture
def channel(sandbox: Sandbox) -> Iterator[AlipayRefunds]:
    """The plugin, in a hurry."""
    with closing(build({**sandbox.settings(provider="alipay"), "read_s": 0.3, "download_s": 0.5})) as channel:
        yield channel


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant in Beijing."""
    return datetime.combine(day, time(hour, minute, second), BEIJING)


def clock(sandbox: Sandbox, day: date, hour: int, minute: int = 0, second: int = 0) -> None:
    """Move the sandbox's clock there."""
    sandbox.set_clock((at(day, hour, minute, second) - datetime.now(UTC)).total_seconds())


def test_the_bill_has_what_the_books_have(sandbox: Sandbox, channel: AlipayRefunds, tmp_path: Path) -> None:
    """Every refund of the day, ours and others', to the fen, and the sums at the end agree with the rows."""
    clock(sandbox, DAY + timedelta(days=1), 9)
    bill = channel.bill(DAY, tmp_path / "bills")
    assert bill is not None
    rows = [(row.key, row.transaction_id, row.order, row.amount_minor, row.status, row.accepted_at[:15]) for row in bill]
    assert rows == [
        ("console-1", ORDER.transaction_id, "o1", 700, "success", f"{DAY} 12:0"),
        (ORDER.key, ORDER.transaction_id, "o1", 1990, "success", f"{DAY} 23:5"),
    ]
    assert bill.disagreements == ()
    assert (bill.said["payments"], bill.said["refunds"], bill.counted["requested_minor"]) == (1, 2, 2690)


def test_the_file_is_kept_as_alipay_gave_it(sandbox: Sandbox, channel: AlipayRefunds, tmp_path: Path) -> None:
    """One ZIP of two GBK tables lies in the folder, its names in GBK as well, and nothing half-done beside it."""
    clock(sandbox, DAY + timedelta(days=1), 9)
    assert channel.bill(DAY, tmp_path) is not None
    (path,) = tmp_path.iterdir()
    assert path.name == f"alipay-trade-{DAY}.zip"
    with zipfile.ZipFile(path) as archive:
        names = [info.filename.encode("cp437").decode("gbk") for info in archive.infolist()]
        assert [name.partition("_")[2] for name in names] == [f"{DAY:%Y%m%d}_业务明细.csv", f"{DAY:%Y%m%d}_业务明细(汇总).csv"]
        assert archive.read(archive.infolist()[0]).decode("gbk").startswith("#支付宝业务明细查询\r\n")


@pytest.mark.parametrize(
    ("days", "hour", "ready"), [(0, 23, False), (1, 0, False), (1, 8, False), (1, 9, True), (40, 9, True)], ids=str
)
def test_a_bill_is_there_from_nine_the_next_day(
    days: int, hour: int, ready: bool, sandbox: Sandbox, channel: AlipayRefunds, tmp_path: Path
) -> None:
    """Before that it is Unknown: it will be there."""
    clock(sandbox, DAY + timedelta(days=days), hour)
    if ready:
        assert channel.bill(DAY, tmp_path) is not None
    else:
        with pytest.raises(Unknown):
            channel.bill(DAY, tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_a_day_without_trades_has_no_bill(sandbox: Sandbox, channel: AlipayRefunds, tmp_path: Path) -> None:
    """Alipay says the same of a bill that is late and of one that never will be: it is believed from noon on."""
    empty = DAY - timedelta(days=1)
    clock(sandbox, DAY, 11, 59)
    with pytest.raises(Unknown):
        channel.bill(empty, tmp_path)
    clock(sandbox, DAY, 12)
    assert channel.bill(empty, tmp_path) is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(At.BILL, Kind.HANG),
        Fault(At.BILL, Kind.CUT),
        Fault(At.BILL, Kind.ERROR),
        Fault(At.BILL, Kind.ERROR, code="20000"),
        Fault(At.BILL, Kind.ERROR, code="40005"),
        Fault(At.BILL, Kind.HTML, status=200),
        Fault(At.BILL, Kind.BAD_SIGNATURE),
        Fault(At.BILL, Kind.UNSIGNED),
        Fault(At.BILL, Kind.NOT_READY),
        Fault(At.BILL, Kind.WRONG_DIGEST),
        Fault(At.FILE, Kind.HANG),
        Fault(At.FILE, Kind.CUT),
        Fault(At.FILE, Kind.TRICKLE, seconds=3),
        Fault(At.FILE, Kind.ERROR, status=404),
        Fault(At.FILE, Kind.HTML, status=200),
        Fault(At.FILE, Kind.EXPIRED),
    ],
    ids=lambda f: f"{f.at} {f.kind} {f.code}",
)
def test_a_bill_that_cannot_be_had_is_unknown_and_leaves_nothing(
    fault: Fault, sandbox: Sandbox, channel: AlipayRefunds, tmp_path: Path
) -> None:
    """Half a file, a damaged one, a page in its place: nothing of it stays, and the next try gets the bill."""
    clock(sandbox, DAY + timedelta(days=1), 10)
    sandbox.fault(fault, provider="alipay")
    with pytest.raises(Unknown):
        channel.bill(DAY, tmp_path)
    assert sandbox.truth("alipay")["faults_left"] == 0
    assert list(tmp_path.iterdir()) == []
    bill = channel.bill(DAY, tmp_path)
    assert bill is not None
    assert len(list(bill)) == 2


def test_an_address_lasts_half_a_minute(sandbox: Sandbox, channel: AlipayRefunds, tmp_path: Path) -> None:
    """The address that was given out does not work later: only a fresh one does."""
    clock(sandbox, DAY + timedelta(days=1), 10)
    url = str(channel._wire.call(BILL, {"bill_type": "trade", "bill_date": str(DAY)}).said["bill_download_url"])
    clock(sandbox, DAY + timedelta(days=1), 10, 0, 31)
    with channel._wire.get(url) as late:
        assert not late.read().startswith(b"PK")


def test_a_bill_is_fetched_by_https(sandbox: Sandbox) -> None:
    """Alipay gives plain addresses out, too: they are asked by HTTPS, and only the sandbox's settings lead to this machine."""
    here = Setting.parse(sandbox.settings(provider="alipay"))
    real = replace(here, base_url="https://openapi.alipay.com")
    for url in ("http://dwbillcenter.alipay.com/x?fileId=1", "https://dwbillcenter.alipay.com/x?fileId=1"):
        assert _safe(url, real) == _safe(url, here) == "https://dwbillcenter.alipay.com/x?fileId=1"
    assert _safe("http://127.0.0.1:9/x", here) == "http://127.0.0.1:9/x"
    assert _safe("http://127.0.0.1:9/x", real).startswith("https://")
    for url in ("", "file:///etc/passwd", "ftp://dwbillcenter.alipay.com/x", "https:///x"):
        with pytest.raises(Unknown):
            _safe(url, real)


@pytest.mark.parametrize("kind", [Kind.MISSING_ROW, Kind.EXTRA_ROW, Kind.WRONG_ROW])
def test_rows_that_do_not_add_up_are_seen(kind: Kind, sandbox: Sandbox, channel: AlipayRefunds, tmp_path: Path) -> None:
    """A refund left out, made up or changed on the bill makes its own sums disagree."""
    clock(sandbox, DAY + timedelta(days=1), 10)
    sandbox.fault(Fault(At.BILL, kind, minor=5), provider="alipay")
    bill = channel.bill(DAY, tmp_path)
    assert bill is not None
    list(bill)
    assert bill.disagreements != ()
