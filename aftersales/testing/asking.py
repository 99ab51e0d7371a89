"""FakeSource, an outside system in memory that is asked and tells by itself, and the kits every Source and Telling passes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from aftersales.errors import BadSignature, Unknown
from aftersales.fact import OrderFact, Plain
from aftersales.lookup import ASKED, Heard, HeardFact, Lookup, Subject, pairs
from aftersales.ports import Source, Telling
from aftersales.testing.builders import NOW, a_line, an_order

#: What the fake says of a line that nobody told it about.
NOT_FOUND = "not_found"


def a_subject(line_id: str = "l1", **line: object) -> Subject:
    """One piece of a line of order ``o1`` of merchant ``m1``, asked about for case ``c1``."""
    order = an_order(lines=(a_line(line_id=line_id, **line),))
    return Subject(f"c1:{line_id}", "c1", order, order.lines[0], 1)


class FakeSource:
    """Knows what :meth:`says` told it, by line; ``silent`` loses the next answer. ``asked`` counts the questions."""

    def __init__(self, name: str = "source", secret: bytes = b"fake-source") -> None:
        self.name, self.secret = name, secret
        self.silent = False
        self.asked = 0
        self._known: dict[str, tuple[str, dict[str, Plain]]] = {}

    def says(self, line_id: str, status: str, **data: Plain) -> FakeSource:
        """From now on this is what it knows about the line."""
        self._known[line_id] = (status, data)
        return self

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """What it knows about the line, ``not_found`` for one that it was not told about."""
        self.asked += 1
        if self.silent:
            self.silent = False
            raise Unknown("The source does not answer.")
        status, data = self._known.get(subject.line.line_id, (NOT_FOUND, {}))
        return Lookup(self.name, subject.line.line_id, status, now, data=pairs(data))

    def notice(self, name: str, order_id: str = "o1", line_id: str = "", **data: Plain) -> tuple[dict[str, str], bytes]:
        """Headers and body of what it tells by itself about an order of merchant ``m1``."""
        told = {"merchant": "m1", "order_id": order_id, "line_id": line_id, "fact": name, "at": NOW.isoformat(), "data": data}
        body = json.dumps(told, sort_keys=True).encode()
        return {"x-signature": hmac.new(self.secret, body, hashlib.sha256).hexdigest()}, body

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:  # noqa: ARG002  # the port's signature
        """What the notice says. Raises BadSignature for one that is not its own."""
        signed = hmac.new(self.secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signed.encode(), headers.get("x-signature", "").encode()):
            raise BadSignature("This notice is not the source's.")
        told = json.loads(body)
        fact = OrderFact(told["fact"], datetime.fromisoformat(told["at"]), told["line_id"], self.name, told["data"])
        return Heard((HeardFact(told["merchant"], told["order_id"], fact),), reply=b'{"code":"SUCCESS"}')


class SourceBench(Protocol):
    """A source under test, and the levers of the system behind it."""

    source: Source
    #: Every status that its README names; a trade's ``Ask`` lists those it judges.
    statuses: tuple[str, ...]

    def subject(self) -> Subject:
        """Something that the source knows."""

    def stranger(self) -> Subject:
        """Something that it does not know."""

    def lose_answer(self) -> None:
        """The next question ends without an answer."""


class SourceContract:
    """What every Source keeps; a subclass gives the fixture ``bench`` (:class:`SourceBench`)."""

    def test_it_answers_about_the_line_that_was_asked_about(self, bench: SourceBench) -> None:
        """An answer names its source, the line, a status that is documented, and when it was asked."""
        subject = bench.subject()
        found = bench.source.ask(subject, NOW)
        assert found.source
        assert (found.line_id, found.asked_at) == (subject.line.line_id, NOW)
        assert found.status in bench.statuses

    def test_what_it_says_beside_can_be_kept(self, bench: SourceBench) -> None:
        """Values are plain, and sorted by name: they are stored with the case and read by rules."""
        data = bench.source.ask(bench.subject(), NOW).data
        assert [name for name, _ in data] == sorted({name for name, _ in data})
        assert all(type(value) in (str, int, bool) for _, value in data)

    def test_asking_changes_nothing(self, bench: SourceBench) -> None:
        """The same question has the same answer, and nothing is kept for anybody."""
        first = bench.source.ask(bench.subject(), NOW)
        assert not first.held
        later = bench.source.ask(bench.subject(), NOW + timedelta(seconds=1))
        assert replace(later, asked_at=NOW) == first

    def test_what_it_does_not_know_has_an_answer(self, bench: SourceBench) -> None:
        """Not to know a thing is an answer with a status of its own, never an error, and never what is said before asking."""
        found = bench.source.ask(bench.stranger(), NOW)
        assert found.status in bench.statuses
        assert found.status not in ("", ASKED, bench.source.ask(bench.subject(), NOW).status)

    def test_no_answer_is_unknown_and_can_be_asked_again(self, bench: SourceBench) -> None:
        """Whatever went wrong on the way is Unknown; nothing is guessed, and the next question is answered."""
        bench.lose_answer()
        with pytest.raises(Unknown):
            bench.source.ask(bench.subject(), NOW)
        assert bench.source.ask(bench.subject(), NOW).status in bench.statuses

    def test_many_may_ask_at_once(self, bench: SourceBench) -> None:
        """Questions from several threads do not disturb each other."""
        known, strange = bench.source.ask(bench.subject(), NOW), bench.source.ask(bench.stranger(), NOW)
        with ThreadPoolExecutor(8) as pool:
            mixed = [bench.subject(), bench.stranger()] * 8
            assert list(pool.map(lambda subject: bench.source.ask(subject, NOW), mixed)) == [known, strange] * 8


class TellingBench(Protocol):
    """A source that tells by itself, and a notice of it."""

    source: Telling

    def notice(self) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case names) and raw body of something that it tells about an order."""


class TellingContract:
    """What every Telling keeps; a subclass gives the fixture ``bench`` (:class:`TellingBench`)."""

    def test_a_notice_tells_of_an_order(self, bench: TellingBench) -> None:
        """It names merchant and order, what happened, and when, as an instant with an offset."""
        heard = bench.source.heard(*bench.notice(), NOW)
        assert heard.facts
        for told in heard.facts:
            assert told.merchant
            assert told.order_id
            assert told.fact.name
            assert told.fact.at.tzinfo
            assert all(type(value) in (str, int, bool) for value in (told.fact.data or {}).values())
        assert 200 <= heard.status < 300

    def test_the_same_notice_says_the_same(self, bench: TellingBench) -> None:
        """It comes again when an answer is lost: hearing it twice has no effect of its own."""
        headers, body = bench.notice()
        assert bench.source.heard(headers, body, NOW) == bench.source.heard(headers, body, NOW)

    def test_a_changed_notice_is_not_believed(self, bench: TellingBench) -> None:
        """One byte more, one less, or another: the signature is over the raw bytes."""
        headers, body = bench.notice()
        for changed in (body + b" ", body[:-1], b"", body.replace(b"o1", b"o2", 1), b"\xff" + body):
            if changed != body:
                with pytest.raises(BadSignature):
                    bench.source.heard(headers, changed, NOW)

    def test_a_notice_without_a_signature_is_not_believed(self, bench: TellingBench) -> None:
        """No header, an empty one or another's: nothing was told."""
        headers, body = bench.notice()
        for other in ({}, dict.fromkeys(headers, ""), dict.fromkeys(headers, "0" * 64), dict.fromkeys(headers, "\u5b57")):
            with pytest.raises(BadSignature):
                bench.source.heard(other, body, NOW)
