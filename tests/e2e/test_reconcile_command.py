import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.bench.bill import DAY, DIFFERENCES, draw
from infra.local.bench.reconcile import bare
from infra.local.cli import main
from tests.bills import alipay_bill, alipay_refund, ledger_file, ledger_row, wechat_bill, wechat_refund, zipped

pytestmark = pytest.mark.e2e


@pytest.fixture
def run(tmp_path, capsys):
    """Run the command over these bytes: its exit status, what it printed, and its errors."""

    def _run(bill, ledger, *more, channel="wechatpay", day="2026-10-02"):
        files = {"--bill": bill, "--ledger": ledger}
        words = ["reconcile", "--channel", channel, "--date", day, *more]
        for number, (name, data) in enumerate(files.items()):
            path = data if isinstance(data, Path) else tmp_path / f"file-{number}"
            if isinstance(data, bytes):
                path.write_bytes(data)
            words += [name, str(path)]
        status = main(words)
        said = capsys.readouterr()
        return status, said.out, said.err

    return _run


def test_the_command_answers_with_one_json_document(run):
    """Differences by class and number, and the totals of the day; differences are an answer, so the status is 0."""
    bill = wechat_bill([wechat_refund("R2", "5.01"), wechat_refund("R9", "1.00"), wechat_refund("R1")])
    status, out, err = run(zipped(bill), ledger_file([ledger_row("R1"), ledger_row("R2", 500), ledger_row("R5")]), "--json")
    said = json.loads(out)
    assert (status, err) == (0, "")
    assert set(said) == {"differences", "totals"}
    told = [(one["class"], one["key"], one["ours_minor"], one["theirs_minor"]) for one in said["differences"]]
    assert told == [("amount", "R2", 500, 501), ("ours_only", "R5", 1234, None), ("theirs_only", "R9", None, 100)]
    assert said["totals"]["matched"] == 1
    assert said["totals"]["ours"]["minor"] == {"CNY": 2968}
    assert said["totals"]["summary"]["said"] == {"rows": 3, "refunded_minor": 1835, "vouchers_minor": 0, "requested_minor": 1835}


def test_alipays_bills_are_matched_alike(run):
    """The ZIP of two GBK files is matched by the number of the request."""
    transaction = "2026100222001400000000000001"
    ledger = [ledger_row(key, transaction_id=transaction) for key in ("R1", "R3")]
    bill = alipay_bill([alipay_refund("R1"), alipay_refund("R2", "-0.10")])
    status, out, _ = run(bill, ledger_file(ledger), "--json", channel="alipay")
    assert status == 0
    assert [(one["class"], one["key"]) for one in json.loads(out)["differences"]] == [("ours_only", "R3"), ("theirs_only", "R2")]


def test_without_json_people_read_a_table(run):
    """Each difference is a line with both amounts and a sentence, and the totals follow."""
    status, out, _ = run(wechat_bill([wechat_refund("R2", "5.01")]), ledger_file([ledger_row("R2", 500)]))
    assert status == 0
    assert "We asked for CNY 5.00, the bill says CNY 5.01." in out
    assert "wechatpay, 2026-10-02" in out
    assert run(wechat_bill([wechat_refund()]), ledger_file([ledger_row()]))[1].startswith("No differences.")


GOOD = wechat_bill([wechat_refund()])
BAD = [
    ("no bill", Path("/nonexistent/bill.csv"), ledger_file([]), {}, "cannot be read"),
    ("a folder", Path("/"), ledger_file([]), {}, "cannot be read"),
    ("no ledger", GOOD, Path("/nonexistent/ledger.jsonl"), {}, "cannot be read"),
    ("a wrong header", b"a,b,c\n", ledger_file([]), {}, "header"),
    ("another channel's bill", GOOD, ledger_file([]), {"channel": "alipay"}, "header"),
    ("a bill that was cut", GOOD[:600], ledger_file([]), {}, "bill"),
    ("a broken line", GOOD, ledger_file([ledger_row()]) + b"{", {}, "Line 2 of the ledger"),
    ("an amount that is none", GOOD, ledger_file([ledger_row(minor=True)]), {}, "Line 1 of the ledger"),
    ("no day", GOOD, ledger_file([]), {"day": "2026-02-30"}, "not a day"),
    ("a day in another form", GOOD, ledger_file([]), {"day": "20261002"}, "not a day"),
    ("a day of another age", GOOD, ledger_file([]), {"day": "9999-12-31"}, "not a day"),
    ("a day in other digits", GOOD, ledger_file([]), {"day": "２026-10-02"}, "not a day"),
]


@pytest.mark.parametrize(("bill", "ledger", "how", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_told_and_nothing_is_half_answered(run, bill, ledger, how, said):
    """Status 2, one line for people on stderr, and with --json an object with a stable code, what is wrong and what to do."""
    status, out, err = run(bill, ledger, **how)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    status, out, err = run(bill, ledger, "--json", **how)
    problem = json.loads(out)
    assert (status, problem["code"]) == (2, "invalid")
    assert said in problem["detail"]
    assert problem["todo"]
    assert problem["detail"] in err


def test_a_broken_line_is_named_by_its_number(run):
    """Programs find the line in the details."""
    _, out, _ = run(GOOD, ledger_file([ledger_row("R1"), ledger_row("R2", minor=1.5)]), "--json")
    assert json.loads(out)["details"]["line"] == 2


def test_a_bill_of_another_day_is_asked_about(run):
    """Nothing is refused, but somebody who named the wrong file is told why everything differs."""
    status, _, err = run(GOOD, ledger_file([ledger_row()]), day="2026-09-01")
    assert status == 0
    assert "is it the right bill?" in err


@pytest.mark.parametrize("words", [[], ["--channel", "paypal"]])
def test_the_command_is_called_with_everything_or_not_at_all(words):
    """What is missing or unknown on the command line is status 2, as everywhere."""
    with pytest.raises(SystemExit) as left:
        main(["reconcile", *words])
    assert left.value.code == 2


def test_everything_planted_in_a_drawn_day_is_found(run, tmp_path):
    """Among 20,000 refunds in two unlike orders every planted difference is found and none is made up."""
    drawn = draw(tmp_path, 20_000, 40)
    status, out, _ = run(drawn.bill, drawn.ledger, "--json", day=DAY.isoformat())
    said = json.loads(out)
    told = [(one["class"], one["key"]) for one in said["differences"]]
    assert status == 0
    assert told == sorted(drawn.differences)
    assert said["totals"]["differences"] == dict.fromkeys(DIFFERENCES, 40) | {"summary": 1}
    assert (said["totals"]["at_midnight"], said["totals"]["to_query"]) == (40, 40)
    assert bare(drawn.bill, drawn.ledger)["differ"] == 6 * 40  # a bare merge sees only numbers and amounts


def test_the_command_runs_by_itself(tmp_path):
    """As people type it: a process of its own, which ends, and whose output is JSON in any locale."""
    (tmp_path / "bill").write_bytes(GOOD)
    (tmp_path / "ledger").write_bytes(ledger_file([ledger_row("退1")]))
    command = [sys.executable, "-m", "infra.local.cli", "reconcile", "--channel", "wechatpay", "--date", "2026-10-02", "--json"]
    command += ["--bill", str(tmp_path / "bill"), "--ledger", str(tmp_path / "ledger")]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, env={"LC_ALL": "C", "PYTHONUTF8": "0"}, capture_output=True, timeout=60, check=True)
    assert [one["key"] for one in json.loads(done.stdout.decode("ascii"))["differences"]] == ["退1", "R1"]
