"""Every gate keeps the contract: the fake, and DynamoDB on the embedded engine."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from aftersales.channel import Limits
from aftersales.errors import BadSettings
from aftersales.gate import Ended
from aftersales.ports import Gate
from aftersales.testing.clock import START
from aftersales.testing.gate import FAST, FakeGate, GateContract
from plugins.dynamodb_gate import build
from plugins.dynamodb_gate.gate import DynamoGate
from plugins.dynamodb_store.meter import Meter
from plugins.dynamodb_store.store import DynamoStore

SECOND = timedelta(seconds=1)


class TestFake(GateContract):
    """The gate of unit tests."""

    @pytest.fixture
    def gate(self) -> FakeGate:
        """Nobody has called yet."""
        return FakeGate()

    @pytest.fixture
    def other(self, gate: FakeGate) -> FakeGate:
        """In memory there is one process."""
        return gate


class TestDynamo(GateContract):
    """The gate of deployments."""

    @pytest.fixture
    def gate(self, engine_store: DynamoStore) -> DynamoGate:
        """In an empty table."""
        return DynamoGate(engine_store.table, client=engine_store.client)

    @pytest.fixture
    def other(self, engine_store: DynamoStore) -> DynamoGate:
        """It knows of the first one only what the table says."""
        return DynamoGate(engine_store.table, client=engine_store.client)

    def test_a_call_that_is_answered_well_costs_one_write(self, gate: DynamoGate) -> None:
        """One update and one unit each, whether calls are seldom or often; nothing is read."""
        meter, now = Meter(gate.client), START
        for gap in (60 * SECOND, SECOND / 2):
            meter.reset()
            for _ in range(20):
                now += gap
                assert gate.enter("c", FAST, now) is None
                gate.leave("c", FAST, now, Ended.GOOD)
            assert meter.requests == Counter(UpdateItem=20), gap
            assert meter.write_units == 20

    def test_processes_that_call_once_each_cost_hardly_more(self, engine_store: DynamoStore) -> None:
        """Without memory a process is told by the refusal of its first update what the gate is like: two writes, nothing read."""
        meter = Meter(engine_store.client)
        for number in range(20):
            now, fresh = START + number * SECOND / 2, DynamoGate(engine_store.table, client=engine_store.client)
            assert fresh.enter("c", FAST, now) is None
            fresh.leave("c", FAST, now, Ended.GOOD)
        assert set(meter.requests) == {"UpdateItem"}
        assert meter.requests.total() <= 2 * 20 + 1

    def test_a_channel_without_limits_costs_nothing(self, gate: DynamoGate) -> None:
        """The mall's own balance is not watched: no request at all."""
        meter = Meter(gate.client)
        for _ in range(10):
            assert gate.enter("balance", Limits(), START) is None
            gate.leave("balance", Limits(), START, Ended.SILENT)
        assert meter.requests.total() == 0

    def test_whom_it_sent_away_it_sends_away_for_nothing(self, gate: DynamoGate) -> None:
        """Who comes before the turn that is known here costs no request."""
        assert gate.enter("c", FAST, START) is None
        meter = Meter(gate.client)
        assert all(gate.enter("c", FAST, START) is not None for _ in range(100))
        assert meter.requests.total() == 0

    def test_many_at_once_are_let_in_one_by_one(self, engine_store: DynamoStore) -> None:
        """Sixteen processes at the same instant, a thousand times over: no more than one second's calls, however they meet."""
        gates = [DynamoGate(engine_store.table, client=engine_store.client) for _ in range(16)]
        assert gates[0].enter("c", FAST, START - SECOND) is None
        gates[1].enter("c", FAST, START - SECOND / 2)
        gates[1].leave("c", FAST, START - SECOND / 2, Ended.GOOD)

        def ask(number: int) -> int:
            at = START + SECOND * (number // 16) / 60
            return sum(gates[number % 16].enter("c", FAST, at) is None for _ in range(2))

        with ThreadPoolExecutor(16) as pool:
            let_in = sum(pool.map(ask, range(960)))
        assert 60 <= let_in <= 150

    def test_what_nobody_uses_is_forgotten(self, gate: DynamoGate) -> None:
        """The item says when DynamoDB may delete it: a day after the last call."""
        gate.enter("c", FAST, START)
        (item,) = gate.client.scan(TableName=gate.table)["Items"]
        assert int(item["expires"]["N"]) == int(START.timestamp()) + 24 * 3600

    def test_a_name_with_any_letters_is_one_key(self, gate: DynamoGate) -> None:
        """A channel is called what a mall calls it."""
        assert gate.enter("a#b", FAST, START) is None
        assert gate.enter("a%23b", FAST, START) is None
        assert gate.enter("a#b", FAST, START) is not None


def test_it_cannot_be_built_without_its_table() -> None:
    """A gate that keeps nothing would keep nobody."""
    with pytest.raises(BadSettings, match="table"):
        build({})
    gate: Gate = build({"table": "t"})
    assert gate.enter("balance", Limits(), START) is None
