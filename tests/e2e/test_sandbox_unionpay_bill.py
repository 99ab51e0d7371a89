"""UnionPay's file of a day, from the sandbox to the rows: what it has, when it is there, and what is not believed."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from aftersales.errors import Unknown
from aftersales.refund import BEIJING
from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.unionpay import Keys
from infra.local.sandbox.unionpay.signature import SPOILT
from plugins.unionpay_refund import build
from plugins.unionpay_refund.client import UnionPayRefunds
from plugins.unionpay_refund.setting import Setting
from tests.e2e import unionpay as set_up

pytestmark = pytest.mark.e2e

keys, neighbours = set_up.keys, set_up.neighbours

#: Noon in Beijing, some days ago: the files of that day and the next are there by now.
NOON = datetime.now(BEIJING).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=5)
DAY: date = NOON.date()
KEYS = [f"R{case:032x}-1" for case in range(4)]
LATE = f"R{99:032x}-1"


@pytest.fixture
def sandbox(keys: Keys, neighbours: WechatKeys) -> Iterator[Sandbox]:
    """A provider at which two refunds were made on ``DAY``, and its neighbours: days are over, and it is now."""
    with Sandbox(keys=neighbours, made={"unionpay": keys}) as sandbox:
        sandbox.pay("P1", 9950, NOON - timedelta(days=2), provider="unionpay")
        with closing(build(sandbox.settings(provider="unionpay"))) as channel:
            hours = {-12.5: KEYS[0], 0: KEYS[1], 11.5: KEYS[2], 12.5: KEYS[3]}
            for hour, key in hours.items():  # 23:30 of the day before, 12:00, 23:30, 0:30 of the day after
                at = NOON + timedelta(hours=hour)
                sandbox.set_clock(at.timestamp() - time.time())
                channel.refund(replace(a_refund_order(key, 1000, asked_at=at), transaction_id="P1"))
        sandbox.set_clock(0)
        yield sandbox


@pytest.fixture
def channel(sandbox: Sandbox) -> Iterator[UnionPayRefunds]:
    """The plugin, in a hurry."""
    with closing(build({**sandbox.settings(provider="unionpay"), "read_s": 0.5, "total_s": 1})) as channel:
        yield channel


def test_a_bill_has_the_days_refunds(channel: UnionPayRefunds, tmp_path: Path) -> None:
    """The refunds of a day in Beijing, from midnight to midnight, as they were taken, each under our number."""
    bill = channel.bill(DAY, tmp_path)
    assert bill is not None
    rows = list(bill)
    assert [row.key for row in rows] == KEYS[1:3]
    assert {(row.transaction_id, row.order, row.amount_minor, row.status) for row in rows} == {("P1", "TP1", 1000, "success")}
    assert [row.accepted_at[11:16] for row in rows] == ["12:00", "23:30"]
    found = channel.find(replace(a_refund_order(KEYS[1], 1000, asked_at=NOON), transaction_id="P1"))
    assert found is not None
    assert rows[0].channel_id == found.channel_id


def test_what_left_in_the_console_is_on_the_bill(sandbox: Sandbox, channel: UnionPayRefunds, tmp_path: Path) -> None:
    """A refund that nobody told us of stands there under UnionPay's number."""
    sandbox.set_clock(NOON.timestamp() - time.time())
    sandbox.lever("outside", "unionpay", transaction_id="P1", minor=77)
    sandbox.set_clock(0)
    bill = channel.bill(DAY, tmp_path)
    assert bill is not None
    (outside,) = (row for row in bill if row.amount_minor == 77)
    assert outside.key == outside.channel_id


def test_a_refund_that_failed_is_not_on_the_bill(sandbox: Sandbox, channel: UnionPayRefunds, tmp_path: Path) -> None:
    """The file has what was cleared: a refund that was refused, or failed after all, moved nothing."""
    sandbox.set_clock(NOON.timestamp() - time.time())
    sandbox.fault(Fault(At.CREATE, Kind.OUTCOME, status_text="63"), provider="unionpay")
    channel.refund(replace(a_refund_order(LATE, 5, asked_at=NOON), transaction_id="P1"))
    sandbox.set_clock(0)
    bill = channel.bill(DAY, tmp_path)
    assert bill is not None
    assert LATE not in [row.key for row in bill]


def test_a_day_without_anything_is_an_empty_bill(channel: UnionPayRefunds, tmp_path: Path) -> None:
    """The sandbox has a file for every day: one without a row is a bill without a row."""
    bill = channel.bill(DAY - timedelta(days=30), tmp_path)
    assert bill is not None
    assert list(bill) == []


def test_the_bill_is_there_after_the_next_clearing_day(sandbox: Sandbox, channel: UnionPayRefunds, tmp_path: Path) -> None:
    """Its last hour lies in the next day's file: until that is made, the bill cannot be had, and nothing is left behind."""
    day = datetime.now(BEIJING).date() - timedelta(days=1)
    with pytest.raises(Unknown):
        channel.bill(day, tmp_path)
    sandbox.set_clock(3 * 86400)
    assert channel.bill(day, tmp_path) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        Fault(At.BILL, Kind.HANG),
        Fault(At.BILL, Kind.CUT),
        Fault(At.BILL, Kind.TRICKLE, seconds=3),
        Fault(At.BILL, Kind.ERROR),
        Fault(At.BILL, Kind.ERROR, status=200, code="06"),
        Fault(At.BILL, Kind.HTML, status=200),
        Fault(At.BILL, Kind.WRONG_DIGEST),
        *(Fault(At.BILL, kind) for kind in sorted(SPOILT)),
    ],
    ids=lambda f: f"{f.kind} {f.status}",
)
def test_what_is_no_file_is_not_kept(wrong: Fault, sandbox: Sandbox, channel: UnionPayRefunds, tmp_path: Path) -> None:
    """A lost, cut, unsigned or damaged file is Unknown and leaves nothing; the next try has it."""
    sandbox.fault(wrong, provider="unionpay")
    with pytest.raises(Unknown):
        channel.bill(DAY, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert sandbox.truth("unionpay")["faults_left"] == 0
    bill = channel.bill(DAY, tmp_path)
    assert bill is not None
    assert len(list(bill)) == 2


@pytest.mark.parametrize(("seconds", "known"), [(-1, False), (0, True)])
def test_no_file_means_nothing_only_once_it_must_be_there(seconds: int, known: bool, sandbox: Sandbox, tmp_path: Path) -> None:
    """Said of a day, "no such file" is "not yet" until noon of the next day, and "nothing was cleared" from then on."""
    today = datetime.now(BEIJING).replace(hour=12, minute=0, second=0, microsecond=0)
    now = (today + timedelta(days=1, seconds=seconds)).timestamp()
    sandbox.fault(Fault(At.BILL, Kind.NOT_READY, times=2), provider="unionpay")
    with closing(UnionPayRefunds(Setting.parse(sandbox.settings(provider="unionpay")), lambda: now)) as channel:
        yesterday = today.date() - timedelta(days=1)  # its last hour lies in today's file
        if known:
            assert channel.bill(yesterday, tmp_path) is None
        else:
            with pytest.raises(Unknown):
                channel.bill(yesterday, tmp_path)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Kind.MISSING_ROW, []),
        (Kind.EXTRA_ROW, [(KEYS[0], 1000), ("0" * 21, 1000)]),
        (Kind.WRONG_ROW, [(KEYS[0], 7)]),
    ],
)
def test_a_wrong_row_is_told_as_it_is(
    kind: Kind, told: list[tuple[str, int]], sandbox: Sandbox, channel: UnionPayRefunds, tmp_path: Path
) -> None:
    """What the file has, lacks or says otherwise comes out as it stands: finding differences is for the reconciliation."""
    sandbox.fault(Fault(At.BILL, kind, key=f"{DAY:%m%d}", minor=7), provider="unionpay")
    bill = channel.bill(DAY - timedelta(days=1), tmp_path)  # of which 23:30 lies in the file of DAY
    assert bill is not None
    assert [(row.key, row.amount_minor) for row in bill] == told
