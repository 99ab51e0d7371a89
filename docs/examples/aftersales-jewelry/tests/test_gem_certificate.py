"""The source keeps what every source keeps, against a laboratory on loopback."""

from collections.abc import Iterator

import pytest
from aftersales.errors import BadSettings, Unknown
from aftersales.lookup import Subject
from aftersales.testing.asking import SourceContract, TellingContract, a_subject
from aftersales.testing.builders import NOW
from other_side import KEY, System

from aftersales_gem_certificate import build
from aftersales_gem_certificate.source import STATUSES


class Bench:
    """The plugin as a stage file builds it, and the levers of the other side."""

    statuses = STATUSES

    def __init__(self, system: System) -> None:
        self.system = system
        self.source = build({"base_url": system.url, "key": KEY.decode(), "timeout_s": 2})

    def subject(self) -> Subject:
        return a_subject(data={"certificate": "GC-1"})

    def stranger(self) -> Subject:
        return a_subject("l9", data={"certificate": "GC-9"})

    def lose_answer(self) -> None:
        self.system.silent = True

    def notice(self) -> tuple[dict[str, str], bytes]:
        return self.system.notice()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with System() as system:
        yield Bench(system)


class TestGemCertificate(SourceContract, TellingContract):
    """The kits of the core: what is asked, and what is told."""


def test_an_answer_in_another_form_is_unknown(bench: Bench) -> None:
    """A status nobody knows, or a value that cannot be kept, is no answer."""
    for odd in ({"status": "fine"}, {"status": "valid", "data": {"since": None}}, {"status": "valid", "data": []}):
        bench.system.known["GC-1"] = odd
        with pytest.raises(Unknown):
            bench.source.ask(bench.subject(), NOW)


def test_what_is_missing_is_named() -> None:
    """An operator reads which setting to write."""
    with pytest.raises(BadSettings, match="key"):
        build({"base_url": "http://127.0.0.1:1"})
