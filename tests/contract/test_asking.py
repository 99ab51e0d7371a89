"""The kits of sources, shown on the fakes that pass them and on sources that break one promise each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from aftersales.errors import NotFound
from aftersales.lookup import Heard, Lookup, Subject
from aftersales.testing.asking import NOT_FOUND, FakeSource, SourceContract, TellingContract, a_subject


class Bench:
    """The fake is its own other side."""

    statuses = ("valid", NOT_FOUND)

    def __init__(self, source: Any = None) -> None:
        self.fake = FakeSource().says("l1", "valid", issued_by="lab", grade=3)
        self.source = source or self.fake

    def subject(self) -> Subject:
        """A line that it was told about."""
        return a_subject()

    def stranger(self) -> Subject:
        """One that it was not."""
        return a_subject("l9")

    def lose_answer(self) -> None:
        """Its next answer is lost."""
        self.fake.silent = True

    def notice(self) -> tuple[dict[str, str], bytes]:
        """Something it tells."""
        return self.fake.notice("graded", grade=3)


class TestFake(SourceContract, TellingContract):
    """The fake that use cases are tested with."""

    @pytest.fixture
    def bench(self) -> Bench:
        """A source in memory."""
        return Bench()


class Odd:
    """A source that does one thing otherwise than the fake."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bench = Bench(self)
        self.count = 0

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """What the fake says, but for one thing."""
        self.count += 1
        if self.name == "guesses" and self.bench.fake.silent:
            self.bench.fake.silent = False
            return Lookup("source", subject.line.line_id, "valid", now)
        found = self.bench.fake.ask(subject, now)
        if self.name == "raises for strangers" and found.status == NOT_FOUND:
            raise NotFound("nobody")
        odd: dict[str, Lookup] = {
            "another line": replace(found, line_id="l2"),
            "a status nobody knows": replace(found, status="ok"),
            "unsorted": replace(found, data=tuple(reversed(found.data))),
            "floats": replace(found, data=(("grade", 0.5),)),  # type: ignore[arg-type]  # what is wrong with it
            "counts": replace(found, data=(("asked", self.count),)),
            "holds": replace(found, held=True),
        }
        return odd.get(self.name, found)

    def heard(self, headers: Any, body: bytes, now: datetime) -> Heard:
        """What the fake hears, but for one thing."""
        if self.name == "believes all":
            return self.bench.fake.heard(*self.bench.notice(), now)
        heard = self.bench.fake.heard(headers, body.strip() if self.name == "strips" else body, now)
        told = heard.facts[0]
        naive = replace(told, fact=replace(told.fact, at=told.fact.at.replace(tzinfo=None)))
        return replace(heard, facts=(naive,)) if self.name == "naive" else heard


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("another line", "test_it_answers_about_the_line_that_was_asked_about"),
        ("a status nobody knows", "test_it_answers_about_the_line_that_was_asked_about"),
        ("unsorted", "test_what_it_says_beside_can_be_kept"),
        ("floats", "test_what_it_says_beside_can_be_kept"),
        ("counts", "test_asking_changes_nothing"),
        ("holds", "test_asking_changes_nothing"),
        ("raises for strangers", "test_what_it_does_not_know_has_an_answer"),
        ("guesses", "test_no_answer_is_unknown_and_can_be_asked_again"),
    ],
)
def test_an_odd_source_fails_its_promise(name, test):
    """The very test that promises it fails; the fake shows that it passes for a sound source."""
    with pytest.raises((AssertionError, NotFound, pytest.fail.Exception)):
        getattr(SourceContract(), test)(Odd(name).bench)


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("naive", "test_a_notice_tells_of_an_order"),
        ("strips", "test_a_changed_notice_is_not_believed"),
        ("believes all", "test_a_notice_without_a_signature_is_not_believed"),
    ],
)
def test_an_odd_teller_fails_its_promise(name, test):
    """What believes a changed or unsigned notice, or tells no instant, is caught."""
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(TellingContract(), test)(Odd(name).bench)
