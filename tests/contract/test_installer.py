"""Sources of installers keep their contract: the fake, and the plugin against the platform of the sandbox."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from aftersales.errors import BadSettings, Invalid, Unknown
from aftersales.fact import Plain
from aftersales.testing.builders import NOW
from aftersales.testing.installer import AT, FakeInstaller, InstallerContract, subject_of
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from plugins.wanshifu_installer import build
from plugins.wanshifu_installer.node import NODES

WORDS = {str(meaning): word for word, meaning in NODES.items()}
THEIRS = {"visit_at": "appointTime", "serial": "serialNo", "photos": "pictureIds", "report": "reportNo", "verdict": "result"}


class FakeBench:
    """Everything in memory."""

    merchant = "m1"

    def __init__(self) -> None:
        self.source = FakeInstaller()

    def order(self, order_id: str, line_id: str = "l1") -> None:
        """There is one."""
        self.source.order(order_id, line_id)

    def happen(self, order_id: str, meaning: str, at: datetime, line_id: str = "l1", **data: Plain) -> tuple[dict[str, str], bytes]:
        """It happened."""
        return self.source.happen(order_id, meaning, at, line_id, **data)

    def forged(self, notice: tuple[dict[str, str], bytes], how: str) -> tuple[dict[str, str], bytes]:
        """The fake believes a word, not bytes."""
        return {"sign": "bad"} if how != "none" else {}, notice[1]

    def fall_silent(self) -> None:
        """Once."""
        ask, self.source.silent = self.source.ask, True

        def again(*about: Any) -> Any:
            silent, self.source.silent = self.source.silent, False
            if silent:
                raise Unknown("No answer.")
            return ask(*about)

        self.source.ask = again  # type: ignore[method-assign]


class SandboxBench:
    """The sandbox is the other side."""

    merchant = "m1"

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.other = sandbox, sandbox.provider("installer")
        self.source = build({**sandbox.settings(provider="installer"), "merchant": self.merchant, "read_s": 1})

    def order(self, order_id: str, line_id: str = "l1") -> None:
        """There is one."""
        self.other.book.order(f"{order_id}/{line_id}")

    def happen(self, order_id: str, meaning: str, at: datetime, line_id: str = "l1", **data: Any) -> tuple[dict[str, str], bytes]:
        """It happened, in the platform's words and local times."""
        said = {THEIRS.get(name, name): value for name, value in data.items()}
        if "pictureIds" in said:
            said["pictureIds"] = str(said["pictureIds"]).split()
        if "appointTime" in said:
            said["appointTime"] = (NOW + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
        self.other.node(f"{order_id}/{line_id}", WORDS[meaning], at.timestamp(), **said)
        return self.other.notice_of(f"{order_id}/{line_id}")

    def forged(self, notice: tuple[dict[str, str], bytes], how: str) -> tuple[dict[str, str], bytes]:
        """Spoilt on the way, or by a stranger."""
        if how == "body":
            return notice[0], notice[1].replace(b"SN1", b"SN9")
        kind = {"sign": Kind.BAD_SIGNATURE, "none": Kind.UNSIGNED, "stale": Kind.STALE}[how]
        return self.other.notice_of("o1/l1", kind)

    def fall_silent(self) -> None:
        """The connection ends without an answer."""
        self.sandbox.fault(Fault(At.QUERY, Kind.HANG), provider="installer")


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def played(neighbours: WechatKeys) -> Iterator[SandboxBench]:
    """The plugin and a fresh platform."""
    with Sandbox(keys=neighbours) as sandbox:
        bench = SandboxBench(sandbox)
        yield bench
        bench.source.close()


class TestFake(InstallerContract):
    """The fake that trades are tested with."""

    @pytest.fixture
    def bench(self) -> FakeBench:
        """An empty one."""
        return FakeBench()


class TestPlugin(InstallerContract):
    """The plugin against our sandbox."""

    @pytest.fixture
    def bench(self, played: SandboxBench) -> SandboxBench:
        """An empty one."""
        return played


@pytest.mark.parametrize(
    "kind", [Kind.BAD_SIGNATURE, Kind.STALE, Kind.UNSIGNED, Kind.UNKNOWN_SERIAL, Kind.WRONG_NUMBER, Kind.CUT, Kind.HTML, Kind.ERROR]
)
def test_an_answer_that_cannot_be_believed_is_no_answer(played: SandboxBench, kind: Kind) -> None:
    """Forged, stale, unsigned, about another question, cut, a proxy's page or an error are Unknown, never "not installed"."""
    played.happen("o1", "installed", AT, serial="SN1")
    played.sandbox.fault(Fault(At.QUERY, kind), provider="installer")
    with pytest.raises(Unknown):
        played.source.ask(subject_of(), NOW)
    assert played.source.ask(subject_of(), NOW).status == "installed"


def test_the_published_example_is_an_appointment(played: SandboxBench) -> None:
    """The platform's own example of a node, signed, is an appointment at eight in the morning, Beijing."""
    played.other.node("SF1028483755541/l1", "reserve_customer", AT.timestamp(), appointTime="2020-08-05 08:00:00")
    heard = played.source.heard(*played.other.notice_of("SF1028483755541/l1"), NOW)
    (one,) = heard.facts
    assert (one.fact.name, dict(one.fact.data or {})) == ("installer.appointed", {"visit_at": "2020-08-05T00:00:00+00:00"})
    assert json.loads(heard.reply) == {"retCode": "200", "retMsg": "", "retData": ""}


@pytest.mark.parametrize(("number", "word"), [("o1/l1", "wait_pay"), ("o1/l1", "order_mark"), ("o1", "sign_in")])
def test_what_means_nothing_to_us_is_thanked_for_and_left(played: SandboxBench, number: str, word: str) -> None:
    """A node about quotes and fees, or of a work order that is none of ours, tells no fact and is not told again."""
    played.other.node(number, word, AT.timestamp())
    heard = played.source.heard(*played.other.notice_of(number), NOW)
    assert heard.facts == ()
    assert json.loads(heard.reply)["retCode"] == "200"


@pytest.mark.parametrize(
    ("word", "data"),
    [
        ("serve_inspect", {"result": "looks bad"}),
        ("serve_inspect", {}),
        ("serial_number", {}),
        ("sign_in", {"operateTime": "tomorrow"}),
        ("sign_in", {"operateTime": "2199-01-01 00:00:00"}),
    ],
)
def test_a_node_that_makes_no_sense_is_refused(played: SandboxBench, word: str, data: dict[str, str]) -> None:
    """A report without a result, a serial number that is none, a time that is none or lies ahead: Invalid, and told again."""
    played.other.node("o1/l1", word, AT.timestamp(), **data)
    with pytest.raises(Invalid):
        played.source.heard(*played.other.notice_of("o1/l1"), NOW)


def test_no_name_and_no_phone_of_a_technician_is_taken_over(played: SandboxBench) -> None:
    """What the platform tells of its people stays with the platform."""
    played.other.node("o1/l1", "sign_in", AT.timestamp(), masterName="Wang", masterPhone="13900000000", location="98.5,39.7")
    (one,) = played.source.heard(*played.other.notice_of("o1/l1"), NOW).facts
    assert one.fact.data == {}
    assert "13900000000" not in str(played.source.ask(subject_of(), NOW))


def test_another_merchants_order_of_the_same_number_is_not_asked_about(played: SandboxBench) -> None:
    """Order numbers are each merchant's own: a licence tells nothing about a stranger's machine."""
    played.happen("o1", "installed", AT, serial="SN1")
    ours = subject_of()
    assert played.source.ask(replace(ours, order=replace(ours.order, merchant="m2")), NOW).status == "none"


def test_further_words_of_the_platform_are_a_setting(played: SandboxBench) -> None:
    """Where a contract names other nodes, the stage file says what they mean."""
    said = {**played.sandbox.settings(provider="installer"), "merchant": "m1", "nodes": "door_punch=arrived, finish=installed"}
    source = build(said)
    played.other.node("o1/l1", "finish", AT.timestamp(), serialNo="SN5")
    assert source.ask(subject_of(), NOW).get("serial") == "SN5"
    source.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://platform.example"},
        {"license_id": "a b"},
        {"secret": "short"},
        {"merchant": ""},
        {"nodes": "finish=happy"},
        {"nodes": "Fin ish=installed"},
        {"total_s": -1},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    right = {"base_url": "https://platform.example", "license_id": "shop", "secret": "0123456789" * 4, "merchant": "m1"}
    with pytest.raises(BadSettings) as error:
        build({**right, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "0123456789" not in error.value.message
