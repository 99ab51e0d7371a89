"""What erasing costs: counted on the engine, with many cases whose time has not come."""

from __future__ import annotations

from datetime import timedelta

from aftersales.case import Event
from aftersales.change import Change
from aftersales.registry import Registry
from aftersales.testing.builders import NOW, a_case, an_evidence
from aftersales.testing.clock import FakeClock
from aftersales.testing.files import FakeFiles
from functions import expire
from functions.context import commit
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.store import DynamoStore

DUE, NOT_DUE = 4, 30


def closed(registry: Registry, case_id: str, days_ago: int) -> None:
    """A case with one photo that was withdrawn so many days ago."""
    case = a_case(case_id=case_id, has_files=True)
    commit(registry, Change.opened(case, "buyer:b1", NOW))
    file = registry.store.case(case_id)
    assert file
    piece = an_evidence(file_key=f"evidence/m1/{case_id}/e1")
    registry.files.write(piece.file_key, b"a photo", "image/jpeg")
    change = Change(file.case, evidence=(piece,)).then(Event.WITHDRAWN, "buyer:b1", NOW - timedelta(days=days_ago))
    commit(registry, change)


def test_erasing_reads_what_is_due_and_nothing_else(engine_store: DynamoStore) -> None:
    """No scan: a query per kind and shard, and per due case one reading and two writes, whatever else the table holds."""
    registry = Registry({"verticals": {"active": ["fresh"]}})
    files = FakeFiles()
    for name, built in (("store", engine_store), ("files", files), ("clock", FakeClock(NOW))):
        registry.put(name, built)
    for number in range(NOT_DUE):
        closed(registry, f"kept{number}", 89)
    for number in range(DUE):
        closed(registry, f"old{number}", 90)
    meter = Meter(engine_store.client)
    tally = expire.run(registry)
    assert (tally.read, tally.advanced, tally.failed) == (DUE, DUE, 0)
    assert len(files.kept) == NOT_DUE
    queries = 2 * engine_store.due_shards + DUE
    dead_letters = 1  # the list of what is put aside, read once
    assert meter.requests["Query"] <= queries + dead_letters
    assert meter.requests["TransactWriteItems"] + meter.requests["PutItem"] == 2 * DUE
    assert "Scan" not in meter.requests
    meter.reset()
    assert expire.run(registry).read == 0
    assert dict(meter.requests) == {"Query": 2 * engine_store.due_shards}
