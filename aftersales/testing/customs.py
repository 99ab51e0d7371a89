"""Customs: what a source tells about a parcel that crosses a border, a fake of it, and the kit that every such source passes.

It answers about a line in one of STATUSES, with these values beside it, as far as they are known:

    code, invt_no      customs' own number for the status, and for the declaration
    at                 when the status was given; released_on: the first day (Beijing) it was let in
    return_status      what was said of a return, in the words of STATUSES
    tax_no, tax_status the tax bill, and what became of it (BILL_STATUSES)
    duty_minor, consumption_minor, vat_minor    what the bill levied on the whole line, by its number ``gnum``

By itself it tells the facts of FACTS about orders, with the same values.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

import pytest

from aftersales.errors import BadSignature, Invalid, Unknown
from aftersales.fact import OrderFact, Plain
from aftersales.lookup import Heard, HeardFact, Lookup, Subject, pairs
from aftersales.ports import Source, Telling
from aftersales.testing.builders import NOW, a_line, an_order

#: Nothing is declared; under way; let in; not let in; an error in processing.
STATUSES = ("none", "waiting", "released", "failed", "error")
BILL_STATUSES = ("generated", "summarised", "void")
FACTS = ("customs.clearance", "customs.return", "customs.tax_bill", "customs.tax_status")
BEIJING = ZoneInfo("Asia/Shanghai")

Taxes = tuple[int, int, int]


def subject_of(order_id: str = "o1", line_id: str = "l1", **line: Any) -> Subject:
    """A question about one line of an order of two."""
    lines = tuple(a_line(line_id=x, **(line if x == line_id else {})) for x in ("l1", "l2"))
    order = an_order(order_id=order_id, lines=lines)
    return Subject(f"c1-{line_id}", "c1", order, order.line(line_id), 1)


@dataclass(slots=True)
class FakeCustoms:
    """Keeps what customs said in memory. ``silent`` is how many questions get no answer; ``secret`` signs what it tells."""

    merchant: str = "m1"
    secret: str = "fake"
    silent: int = 0
    said: list[tuple[str, OrderFact]] = field(default_factory=list)

    def say(self, order_id: str, name: str, at: datetime, **data: Plain) -> None:
        """Customs says something about an order."""
        self.said.append((order_id, OrderFact(name, at, source="customs", data=data)))

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """See :class:`~aftersales.ports.Source`."""
        if self.silent:
            self.silent -= 1
            raise Unknown("Customs does not answer.")
        known = sorted((fact for order_id, fact in self.said if order_id == subject.order.order_id), key=lambda fact: fact.at)
        latest = {fact.name: fact for fact in known}
        declared = latest.get("customs.clearance")
        status = str(declared.get("status")) if declared else "none"
        data: dict[str, Plain] = dict(declared.data or {}) | {"at": declared.at.isoformat()} if declared else {}
        data.pop("status", None)
        released = [f.at for f in known if f.name == "customs.clearance" and f.get("status") == "released"]
        if released:
            data["released_on"] = str(released[0].astimezone(BEIJING).date())
        if "customs.return" in latest:
            data["return_status"] = str(latest["customs.return"].get("status"))
        return Lookup("customs", subject.line.line_id, status, now, data=pairs(data | _bill(known, subject)))

    def pushed(self) -> tuple[dict[str, str], bytes]:
        """The last word, signed, as it is told."""
        order_id, fact = self.said[-1]
        said = {"order": order_id, "name": fact.name, "at": fact.at.isoformat(), "data": fact.data}
        body = json.dumps(said).encode()
        return {"x-signature": hmac.digest(self.secret.encode(), body, "sha256").hex()}, body

    def heard(self, headers: Any, body: bytes, now: datetime) -> Heard:  # noqa: ARG002 (now is part of the port)
        """See :class:`~aftersales.ports.Telling`."""
        if not hmac.compare_digest(headers.get("x-signature", ""), hmac.digest(self.secret.encode(), body, hashlib.sha256).hex()):
            raise BadSignature("The signature does not fit the message.")
        try:
            said = json.loads(body)
            fact = OrderFact(said["name"], datetime.fromisoformat(said["at"]), source="customs", data=said["data"])
        except (ValueError, KeyError, TypeError):
            raise Invalid("That is no word of customs.") from None
        return Heard((HeardFact(self.merchant, said["order"], fact),), reply=b"true", media_type="text/plain")


def _bill(known: list[OrderFact], subject: Subject) -> dict[str, Plain]:
    gnum = subject.line.data.get("gnum") or [x.line_id for x in subject.order.lines].index(subject.line.line_id) + 1
    bills = [f for f in known if f.name == "customs.tax_bill" and f.get("gnum") == gnum]
    if not bills:
        return {}
    last = dict(bills[-1].data or {})
    void = [f.get("status") for f in known if f.name == "customs.tax_status" and f.get("tax_no") == last.get("tax_no")]
    taxes = {name: last[name] for name in ("duty_minor", "consumption_minor", "vat_minor")}
    return {**taxes, "tax_no": last.get("tax_no", ""), "tax_status": (void or [last.get("status", "generated")])[-1] or "generated"}


class Bench(Protocol):
    """A source and the other side of it, in the hand of a test. All words are about order ``o1`` of merchant ``m1``."""

    source: Source

    def clearance(self, status: str, at: datetime) -> None:
        """Customs gives the declaration this status (not ``none``) at that time; it reaches the other side now."""

    def back(self, status: str, at: datetime) -> None:
        """Customs says ``released`` or ``failed`` of a return."""

    def bill(self, lines: dict[int, Taxes], at: datetime) -> None:
        """Customs makes a tax bill: number of the line → duty, consumption tax, VAT in fen."""

    def void(self, at: datetime) -> None:
        """That bill is made void."""

    def pushed(self) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case) and body of what is told of the last word."""

    def forged(self) -> tuple[dict[str, str], bytes]:
        """The same from somebody who does not know the secret."""

    def fall_silent(self) -> None:
        """The next question gets no answer."""


class CustomsContract:
    """What every source of customs' words keeps. A subclass gives the fixture ``bench``."""

    AT = NOW - timedelta(days=10)

    def teller(self, bench: Bench) -> Telling:
        """The source as one that tells by itself."""
        assert hasattr(bench.source, "heard")
        return cast("Telling", bench.source)

    # --- asked --------------------------------------------------------------------------------------------------------
    def test_an_order_that_nobody_declared_has_no_status(self, bench: Bench) -> None:
        """Nothing known is an answer, not an error: ``none``, without a day of release."""
        found = bench.source.ask(subject_of("never"), NOW)
        assert (found.source, found.line_id, found.status, found.held) == ("customs", "l1", "none", False)
        assert found.get("released_on") is None

    @pytest.mark.parametrize("status", STATUSES[1:])
    def test_every_status_is_told_in_our_words(self, bench: Bench, status: str) -> None:
        """Whatever numbers customs uses, a trade reads one of the five words, and when it was given."""
        bench.clearance(status, self.AT)
        found = bench.source.ask(subject_of(), NOW)
        assert found.status == status
        assert datetime.fromisoformat(str(found.get("at"))) == self.AT

    def test_the_latest_word_counts_by_its_own_time(self, bench: Bench) -> None:
        """Words that arrive out of order, or twice, end the same."""
        for hours, status in ((2, "released"), (1, "waiting"), (1, "waiting"), (3, "failed"), (2, "released")):
            bench.clearance(status, self.AT + timedelta(hours=hours))
        assert bench.source.ask(subject_of(), NOW).status == "failed"

    def test_the_first_release_is_the_day_that_counts(self, bench: Bench) -> None:
        """The days to apply run from the first release, by the calendar of Beijing, also when it was closed later."""
        late = datetime(2026, 10, 20, 16, 0, tzinfo=UTC)  # the 21st in Beijing
        bench.clearance("released", late + timedelta(days=3))
        bench.clearance("released", late)
        assert bench.source.ask(subject_of(), NOW).get("released_on") == "2026-10-21"

    def test_each_line_has_its_own_taxes(self, bench: Bench) -> None:
        """A tax bill is read by the lines' numbers: their place in the order, or the number that the line says."""
        bench.bill({1: (0, 0, 9_100), 2: (0, 12_353, 10_706)}, self.AT)
        found = [bench.source.ask(subject_of(line_id=x), NOW) for x in ("l1", "l2")]
        assert [x.get("vat_minor") for x in found] == [9_100, 10_706]
        assert [x.get("consumption_minor") for x in found] == [0, 12_353]
        assert bench.source.ask(subject_of(line_id="l1", data={"gnum": 2}), NOW).get("vat_minor") == 10_706
        assert bench.source.ask(subject_of(line_id="l1", data={"gnum": 7}), NOW).get("vat_minor") is None

    def test_a_void_bill_says_so(self, bench: Bench) -> None:
        """A bill that was made void is not taken for one that counts."""
        bench.bill({1: (0, 0, 9_100)}, self.AT)
        assert bench.source.ask(subject_of(), NOW).get("tax_status") == "generated"
        bench.void(self.AT + timedelta(days=1))
        assert bench.source.ask(subject_of(), NOW).get("tax_status") == "void"

    @pytest.mark.parametrize("status", ["released", "failed"])
    def test_a_return_has_a_word_of_its_own(self, bench: Bench, status: str) -> None:
        """What customs says of a return does not change what it said of the parcel."""
        bench.clearance("released", self.AT)
        bench.back(status, self.AT + timedelta(days=5))
        found = bench.source.ask(subject_of(), NOW)
        assert (found.status, found.get("return_status")) == ("released", status)

    def test_asking_changes_nothing(self, bench: Bench) -> None:
        """The same question twice has the same answer."""
        bench.clearance("waiting", self.AT)
        assert bench.source.ask(subject_of(), NOW) == bench.source.ask(subject_of(), NOW)

    def test_silence_is_no_answer(self, bench: Bench) -> None:
        """Whoever does not answer has said nothing, not that nothing is known; asked again it answers."""
        bench.clearance("released", self.AT)
        bench.fall_silent()
        with pytest.raises(Unknown):
            bench.source.ask(subject_of(), NOW)
        assert bench.source.ask(subject_of(), NOW).status == "released"

    # --- telling by itself --------------------------------------------------------------------------------------------
    def test_a_word_becomes_a_fact_of_the_order(self, bench: Bench) -> None:
        """What is told names merchant, order and time; told again it is the very same fact."""
        bench.clearance("failed", self.AT)
        first = self.teller(bench).heard(*bench.pushed(), NOW)
        again = self.teller(bench).heard(*bench.pushed(), NOW)
        (told,) = first.facts
        assert again.facts == first.facts
        assert (told.merchant, told.order_id, told.fact.name, told.fact.at) == ("m1", "o1", "customs.clearance", self.AT)
        assert (told.fact.get("status"), first.status) == ("failed", 200)

    def test_a_bill_is_told_line_by_line(self, bench: Bench) -> None:
        """Each line of a bill is a fact with its number and its three taxes."""
        bench.bill({1: (0, 0, 9_100)}, self.AT)
        facts = [told.fact for told in self.teller(bench).heard(*bench.pushed(), NOW).facts]
        assert [(f.name, f.get("gnum"), f.get("vat_minor"), f.get("duty_minor")) for f in facts] == [
            ("customs.tax_bill", 1, 9_100, 0)
        ]

    def test_only_the_other_side_is_believed(self, bench: Bench) -> None:
        """A wrong signature, none, or another body than was signed: nothing is read."""
        bench.clearance("failed", self.AT)
        headers, body = bench.pushed()
        for wrong in (bench.forged(), ({}, body), (headers, body + b" ")):
            with pytest.raises(BadSignature):
                self.teller(bench).heard(*wrong, NOW)
