"""Sources of customs' words keep their contract: the fake, and the plugin against the declaring agent of the sandbox."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest

from aftersales.errors import Unknown
from aftersales.testing.builders import NOW
from aftersales.testing.customs import BILL_STATUSES, FACTS, STATUSES, CustomsContract, FakeCustoms, Taxes, subject_of
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from plugins.ceb_customs import build
from verticals.cross_border import VERTICAL
from verticals.cross_border.standing import ASK

CODES = {"waiting": "500", "released": "800", "failed": "700", "error": "-301006"}


class FakeBench:
    """Everything in memory."""

    def __init__(self) -> None:
        self.source = FakeCustoms()

    def clearance(self, status: str, at: datetime) -> None:
        """Said."""
        self.source.say("o1", "customs.clearance", at, status=status)

    def back(self, status: str, at: datetime) -> None:
        """Said."""
        self.source.say("o1", "customs.return", at, status=status)

    def bill(self, lines: dict[int, Taxes], at: datetime) -> None:
        """Said, line by line."""
        for gnum, (duty, consumption, vat) in lines.items():
            taxes = {"duty_minor": duty, "consumption_minor": consumption, "vat_minor": vat}
            self.source.say("o1", "customs.tax_bill", at, gnum=gnum, tax_no="T1", status="generated", **taxes)

    def void(self, at: datetime) -> None:
        """Said."""
        self.source.say("o1", "customs.tax_status", at, tax_no="T1", status="void")

    def pushed(self) -> tuple[dict[str, str], bytes]:
        """As it is told."""
        return self.source.pushed()

    def forged(self) -> tuple[dict[str, str], bytes]:
        """By somebody else."""
        return FakeCustoms(secret="another", said=self.source.said).pushed()

    def fall_silent(self) -> None:
        """Once."""
        self.source.silent = 1


class SandboxBench:
    """The sandbox is the other side: real XML, real signatures."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("customs")
        self.source = build({**sandbox.settings(provider="customs"), "read_s": 1})

    def clearance(self, status: str, at: datetime) -> None:
        """CEB622."""
        self.other.clearance("o1", CODES[status], at.timestamp())

    def back(self, status: str, at: datetime) -> None:
        """CEB626."""
        self.other.goods_back("o1", {"released": "399", "failed": "100"}[status], at.timestamp())

    def bill(self, lines: dict[int, Taxes], at: datetime) -> None:
        """CEB816."""
        self.other.tax_bill("o1", [(gnum, *taxes) for gnum, taxes in lines.items()], at=at.timestamp())

    def void(self, at: datetime) -> None:
        """CEB818."""
        self.other.bill_status("o1", 3, at=at.timestamp())

    def pushed(self) -> tuple[dict[str, str], bytes]:
        """As the agent pushes it."""
        return self.other.notice_of("o1")  # type: ignore[no-any-return]  # a provider is typed Any

    def forged(self) -> tuple[dict[str, str], bytes]:
        """With another secret."""
        return self.other.notice_of("o1", Kind.BAD_SIGNATURE)  # type: ignore[no-any-return]  # as above

    def fall_silent(self) -> None:
        """The agent's answer is lost."""
        self.sandbox.fault(Fault(At.QUERY, Kind.CUT), provider="customs")


class TestFakeCustoms(CustomsContract):
    """The fake."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """Nothing was said yet."""
        return FakeBench()


@pytest.fixture(scope="module")
def keys() -> WechatKeys:
    """Of WeChat Pay, which plays in every sandbox."""
    return WechatKeys.fresh()


@pytest.fixture
def sandbox(keys: WechatKeys) -> Iterator[Sandbox]:
    """An agent without anything declared."""
    with Sandbox(keys=keys) as sandbox:
        yield sandbox


class TestCebCustoms(CustomsContract):
    """The plugin, with the sandbox at the other end."""

    @pytest.fixture
    def bench(self, sandbox: Sandbox) -> Iterator[SandboxBench]:
        """Nothing was declared yet."""
        bench = SandboxBench(sandbox)
        with closing(bench.source):
            yield bench

    @pytest.mark.parametrize(
        "fault",
        [Kind.HANG, Kind.CUT, Kind.ERROR, Kind.HTML, Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.WRONG_NUMBER],
    )
    def test_an_answer_that_cannot_be_believed_is_none(self, bench: SandboxBench, fault: Kind) -> None:
        """Silence, half of it, an error page, a wrong or old signature, the answer to another question: none is an answer."""
        bench.clearance("failed", self.AT)
        bench.sandbox.fault(Fault(At.QUERY, fault, seconds=2), provider="customs")
        with pytest.raises(Unknown):
            bench.source.ask(subject_of(), NOW)
        assert bench.source.ask(subject_of(), NOW).status == "failed"
        assert bench.sandbox.truth("customs")["faults_left"] == 0


def test_the_trade_understands_what_the_contract_tells() -> None:
    """Statuses and facts of the contract are those that the trade declares: no word is lost between the two."""
    assert ASK.statuses == STATUSES
    tells = {tells.name: {field.name: field for field in tells.fields} for tells in VERTICAL.tells}
    assert set(FACTS) < set(tells)
    assert tells["customs.clearance"]["status"].one_of == STATUSES
    assert tells["customs.tax_bill"]["status"].one_of == BILL_STATUSES
