"""Installers in memory, and the contract of every source of them: what a technician did is told once, in order of its time.

Statuses: ``none`` (no work order), ``ordered``, ``appointed``, ``arrived``, ``installed``, ``cannot_install``. Data: ``serial``,
``installed_at``, ``verdict``, ``inspected_serial``, ``reason``. Facts: ``installer.`` and MEANINGS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from aftersales.errors import BadSignature, Unknown
from aftersales.fact import OrderFact, Plain, instant_of
from aftersales.lookup import Heard, HeardFact, Lookup, Subject, pairs
from aftersales.ports import Source, Telling
from aftersales.testing.builders import NOW, a_line, an_order

MEANINGS = ("appointed", "arrived", "serial", "installed", "inspected", "cannot_install")
STATUSES = ("none", "ordered", "appointed", "arrived", "installed", "cannot_install")

Node = tuple[str, datetime, dict[str, Plain]]


class FakeInstaller:
    """Work orders in memory. ``silent`` answers nothing; what it tells by itself is believed with the header ``sign: good``."""

    def __init__(self, name: str = "installer", merchant: str = "m1") -> None:
        self.name, self.merchant, self.silent = name, merchant, False
        self.nodes: dict[tuple[str, str], list[Node]] = {}

    def order(self, order_id: str, line_id: str = "l1") -> None:
        """There is a work order about this line."""
        self.nodes.setdefault((order_id, line_id), [])

    def happen(self, order_id: str, meaning: str, at: datetime, line_id: str = "l1", **data: Plain) -> tuple[dict[str, str], bytes]:
        """It happened; the headers and the body with which it is told."""
        self.order(order_id, line_id)
        self.nodes[order_id, line_id].append((meaning, at, dict(data)))
        said = {"order_id": order_id, "line_id": line_id, "meaning": meaning, "at": at.isoformat(), "data": data}
        return {"sign": "good"}, json.dumps(said).encode()

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """See :class:`~aftersales.ports.Source`."""
        if self.silent:
            raise Unknown("No answer.")
        nodes = self.nodes.get((subject.order.order_id, subject.line.line_id))
        if nodes is None:
            return Lookup(self.name, subject.line.line_id, "none", now)
        status, data = "ordered", dict[str, Plain]()
        for meaning, at, said in sorted(nodes, key=lambda node: node[1]):
            if meaning == "inspected":
                data |= {"verdict": said["verdict"]} | ({"inspected_serial": said["serial"]} if "serial" in said else {})
                continue
            data |= {name: said[name] for name in ("serial", "reason") if name in said}
            data |= {"installed_at": at.isoformat()} if meaning == "installed" else {}
            status = status if meaning == "serial" else meaning
        return Lookup(self.name, subject.line.line_id, status, now, data=pairs(data))

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        """See :class:`~aftersales.ports.Telling`."""
        if headers.get("sign") != "good" or instant_of(headers.get("at", now.isoformat())) != now:
            raise BadSignature("The signature does not fit the message.")
        said: dict[str, Any] = json.loads(body)
        if said["meaning"] not in MEANINGS:
            return Heard(())
        at = instant_of(said["at"]) or now
        fact = OrderFact(f"installer.{said['meaning']}", at, said["line_id"], self.name, said["data"])
        return Heard((HeardFact(self.merchant, said["order_id"], fact),))


def subject_of(order_id: str = "o1", line_id: str = "l1") -> Subject:
    """One machine of an order."""
    line = a_line(line_id=line_id, pieces=1, vertical="general")
    return Subject(f"c1-{line_id}", "c1", an_order(order_id=order_id, lines=(line,)), line, 1)


class Teller(Source, Telling, Protocol):
    """A source that also tells by itself."""


class InstallerBench(Protocol):
    """A source under test, and the levers of the platform behind it. ``merchant`` is whose orders it tells about."""

    source: Teller
    merchant: str

    def order(self, order_id: str, line_id: str = "l1") -> None:
        """There is a work order about this line."""

    def happen(self, order_id: str, meaning: str, at: datetime, line_id: str = "l1", **data: Plain) -> tuple[dict[str, str], bytes]:
        """It happened there; the headers (lower-case) and the body with which the platform tells it."""

    def forged(self, notice: tuple[dict[str, str], bytes], how: str) -> tuple[dict[str, str], bytes]:
        """The notice with another body, another signature, none, or of an hour ago (``body``, ``sign``, ``none``, ``stale``)."""

    def fall_silent(self) -> None:
        """The next question gets no answer."""


AT = NOW - timedelta(days=3)


class InstallerContract:
    """What every source of installers keeps; a subclass gives the fixture ``bench``."""

    def test_no_work_order_is_an_answer(self, bench: InstallerBench) -> None:
        """A line for which nobody was sent is ``none``, one for which somebody will be is ``ordered``."""
        assert bench.source.ask(subject_of(), NOW).status == "none"
        bench.order("o1")
        found = bench.source.ask(subject_of(), NOW)
        assert (found.source, found.line_id, found.status, found.held) == ("installer", "l1", "ordered", False)
        assert bench.source.ask(subject_of(line_id="l2"), NOW).status == "none"

    def test_each_step_is_a_status(self, bench: InstallerBench) -> None:
        """Appointment, arrival and installation are told as they happen, with the number of the machine and when it stood."""
        steps = [("appointed", {"visit_at": NOW.isoformat()}), ("arrived", {}), ("installed", {"serial": "SN1", "photos": "p1 p2"})]
        for hours, (meaning, data) in enumerate(steps):
            bench.happen("o1", meaning, AT + timedelta(hours=hours), **data)
            assert bench.source.ask(subject_of(), NOW).status == meaning
        found = bench.source.ask(subject_of(), NOW)
        assert (found.get("serial"), instant_of(found.get("installed_at"))) == ("SN1", AT + timedelta(hours=2))

    def test_what_a_technician_found_is_beside_it(self, bench: InstallerBench) -> None:
        """An inspection leaves the machine installed, and tells verdict and number of what was looked at; the last one counts."""
        bench.happen("o1", "installed", AT, serial="SN1")
        bench.happen("o1", "inspected", AT + timedelta(days=1), verdict="no_fault", serial="SN1")
        bench.happen("o1", "inspected", AT + timedelta(days=2), verdict="fault", serial="SN2", report="E4")
        found = bench.source.ask(subject_of(), NOW)
        assert (found.status, found.get("verdict"), found.get("inspected_serial"), found.get("serial")) == (
            "installed", "fault", "SN2", "SN1",
        )  # fmt: skip

    def test_the_latest_thing_counts_whatever_came_late(self, bench: InstallerBench) -> None:
        """It could not be installed, and then it was: told in the wrong order, that is still the order."""
        bench.happen("o1", "installed", AT + timedelta(days=1), serial="SN1")
        bench.happen("o1", "cannot_install", AT, reason="no gas line")
        assert bench.source.ask(subject_of(), NOW).status == "installed"
        bench.happen("o1", "cannot_install", AT + timedelta(days=2), reason="wall")
        found = bench.source.ask(subject_of(), NOW)
        assert (found.status, found.get("reason")) == ("cannot_install", "wall")

    @pytest.mark.parametrize(
        ("meaning", "data"),
        [
            ("appointed", {"visit_at": NOW.isoformat()}),
            ("arrived", {}),
            ("serial", {"serial": "SN1"}),
            ("installed", {"serial": "SN1", "photos": "p1 p2", "report": "R1"}),
            ("inspected", {"verdict": "misuse", "serial": "SN1", "report": "R2"}),
            ("cannot_install", {"reason": "no gas line"}),
        ],
    )
    def test_what_it_tells_is_a_fact_of_the_line(self, bench: InstallerBench, meaning: str, data: dict[str, Plain]) -> None:
        """A node names merchant, order and line, what happened and when; told again it is the very same fact."""
        notice = bench.happen("o1", meaning, AT, "l2", **data)
        for _ in range(2):
            (one,) = bench.source.heard(*notice, NOW).facts
            assert (one.merchant, one.order_id) == (bench.merchant, "o1")
            assert (one.fact.name, one.fact.line_id, one.fact.at) == (f"installer.{meaning}", "l2", AT)
            assert {k: str(v) for k, v in (one.fact.data or {}).items()} == {k: str(v) for k, v in data.items()}

    @pytest.mark.parametrize("how", ["body", "sign", "none", "stale"])
    def test_a_forged_node_is_refused(self, bench: InstallerBench, how: str) -> None:
        """Another body under a signature, another signature, none, or one of an hour ago tell nothing."""
        notice = bench.forged(bench.happen("o1", "installed", AT, serial="SN1"), how)
        with pytest.raises(BadSignature):
            bench.source.heard(*notice, NOW)

    def test_silence_is_unknown(self, bench: InstallerBench) -> None:
        """No answer is Unknown, not "nothing was installed"; the next question is answered."""
        bench.happen("o1", "installed", AT, serial="SN1")
        bench.fall_silent()
        with pytest.raises(Unknown):
            bench.source.ask(subject_of(), NOW)
        assert bench.source.ask(subject_of(), NOW).status == "installed"
