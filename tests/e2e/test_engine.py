"""The embedded database keeps what it acknowledged, for one process at a time, and loses no update."""

import hashlib
import io
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.engine import (
    DATABASE,
    CannotInstall,
    Engine,
    EngineFailed,
    EngineLocked,
    NotGenuine,
    backup,
    check_table_name,
    dynamodb_client,
    install,
    seed,
    streams_client,
    sweep_expired,
)
from infra.local.engine.installation import installed, unpack

pytestmark = pytest.mark.e2e

TABLE = "engine-test"  # eleven characters, the fewest that a stream takes
FOUND = installed()
needs_durability = pytest.mark.skipif(
    FOUND is not None and not FOUND.crash_durable, reason="ministack writes to disk only when it is stopped in order"
)
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DYNAMODB_ENDPOINT", raising=False)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine in memory."""
    with Engine() as engine:
        yield engine


def create_table(endpoint: str) -> Any:
    """Create the table and give a client."""
    client = dynamodb_client(endpoint)
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return client


def keys(client: Any) -> set[str]:
    """The keys of all items."""
    return {item["pk"]["S"] for page in client.get_paginator("scan").paginate(TableName=TABLE) for item in page["Items"]}


def test_in_memory_engine_starts_empty_and_ends_with_its_context() -> None:
    """An engine without a folder knows nothing of the one before it, and answers nobody after its end."""
    with Engine() as first:
        create_table(first.endpoint)
        pid = first.pid
    with Engine() as second:
        assert dynamodb_client(second.endpoint).list_tables()["TableNames"] == []
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EngineFailed, match="not started"):
        _ = first.endpoint


@needs_durability
def test_acknowledged_writes_survive_kill_9(tmp_path: Path) -> None:
    """Everything that was acknowledged before the engine was killed in mid-write is there when it starts again."""
    engine = Engine(tmp_path)
    client = create_table(engine.start())
    acknowledged: set[str] = set()

    def write(worker: int) -> None:
        for n in range(10_000):
            try:
                client.put_item(TableName=TABLE, Item={"pk": {"S": f"{worker}-{n}"}})
            except Exception:  # noqa: BLE001 (the engine is gone; which error boto3 makes of it does not matter)
                return
            acknowledged.add(f"{worker}-{n}")

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 20
    while len(acknowledged) < 100 and time.monotonic() < end:
        time.sleep(0.01)
    engine.kill()
    for thread in threads:
        thread.join()

    with Engine(tmp_path) as again:
        found = keys(dynamodb_client(again.endpoint))
    assert len(acknowledged) >= 100
    assert acknowledged <= found


def test_eight_threads_of_conditional_increments_lose_nothing(engine: Engine) -> None:
    """A counter that eight threads raise by compare-and-set ends at exactly the number of successes."""
    client = create_table(engine.endpoint)
    client.put_item(TableName=TABLE, Item={"pk": {"S": "counter"}, "n": {"N": "0"}})

    def increment(_: int) -> None:
        while True:
            seen = client.get_item(TableName=TABLE, Key={"pk": {"S": "counter"}}, ConsistentRead=True)["Item"]["n"]
            try:
                client.update_item(
                    TableName=TABLE,
                    Key={"pk": {"S": "counter"}},
                    UpdateExpression="SET n = n + :one",
                    ConditionExpression="n = :seen",
                    ExpressionAttributeValues={":one": {"N": "1"}, ":seen": seen},
                )
            except client.exceptions.ConditionalCheckFailedException:
                continue
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(80)))
    assert client.get_item(TableName=TABLE, Key={"pk": {"S": "counter"}})["Item"]["n"] == {"N": "80"}


def test_a_folder_belongs_to_one_engine(tmp_path: Path) -> None:
    """A second engine on the same folder is refused and told who holds it; after the first one's end it may start."""
    with Engine(tmp_path):
        with pytest.raises(EngineLocked, match=rf"in use by process {os.getpid()}\b"):
            Engine(tmp_path).start()
        with pytest.raises(EngineLocked):
            Engine(tmp_path).start()
    with Engine(tmp_path) as later:
        assert later.endpoint.startswith("http://127.0.0.1:")


def test_the_engine_ends_with_its_parent(tmp_path: Path) -> None:
    """When the process that started it is killed, the engine goes too and the folder is free again."""
    script = "import sys, time; from pathlib import Path; from infra.local.engine import Engine\n"
    script += "engine = Engine(Path(sys.argv[1])); engine.start(); print(engine.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            with Engine(tmp_path):
                return
        except EngineLocked:
            time.sleep(0.02)
    pytest.fail(f"engine {child} still holds the folder ten seconds after its parent was killed")


def test_ctrl_c_ends_the_command_and_its_engine(tmp_path: Path) -> None:
    """``engine start`` says where it listens, and Ctrl-C or SIGTERM ends it in order with status 0."""
    command = [sys.executable, "-m", "infra.local.cli", "engine", "start", "--data", str(tmp_path)]
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
            assert served.stdout is not None
            assert "database on http://127.0.0.1:" in served.stdout.readline()
            served.send_signal(number)
            assert served.wait(20) == 0


def test_a_port_in_use_is_reported_with_the_engines_own_words() -> None:
    """A port that somebody else holds is an error that says so, not a connection to that somebody."""
    with Engine() as first:
        port = int(first.endpoint.rsplit(":", 1)[1])
        with pytest.raises(EngineFailed, match=r"in use"):
            Engine(port=port).start()


def test_a_given_endpoint_is_used_and_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With DYNAMODB_ENDPOINT set, that is the endpoint; the folder stays untouched and there is nothing to kill."""
    monkeypatch.setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:1")
    with Engine(tmp_path / "data") as engine:
        assert engine.endpoint == "http://127.0.0.1:1"
        assert engine.pid is None
        with pytest.raises(EngineFailed):
            engine.kill()
    assert not (tmp_path / "data").exists()


def test_streams_tell_what_changed(engine: Engine) -> None:
    """The stream of a table whose name is just long enough can be read to the last change."""
    client = create_table(engine.endpoint)
    client.put_item(TableName=TABLE, Item={"pk": {"S": "a"}})
    streams = streams_client(engine.endpoint)
    arn = client.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    cursor = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = streams.get_records(ShardIterator=cursor)["Records"]
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in records] == ["a"]


@pytest.mark.parametrize(("name", "fits"), [("ten-chars-", False), ("eleven-char", True)])
def test_table_names_are_long_enough_for_a_stream(name: str, fits: bool) -> None:
    """Ten characters are refused, eleven are fine."""
    if fits:
        assert check_table_name(name) == name
    else:
        with pytest.raises(ValueError, match="10 characters"):
            check_table_name(name)


def test_sweep_deletes_what_has_expired_and_nothing_else(engine: Engine) -> None:
    """Items expired before now go; one that expires now, later or never stays; a second sweep finds nothing."""
    client = create_table(engine.endpoint)

    def expiring(key: str, at: datetime) -> dict[str, Any]:
        return {"pk": {"S": key}, "expires": {"N": str(int(at.timestamp()))}}

    seed(client, TABLE, (expiring(f"old-{n}", NOW - timedelta(seconds=1)) for n in range(3)))
    seed(client, TABLE, [expiring("now", NOW), expiring("later", NOW + timedelta(seconds=1)), {"pk": {"S": "for ever"}}])
    assert sweep_expired(client, TABLE, NOW) == 3
    assert keys(client) == {"now", "later", "for ever"}
    assert sweep_expired(client, TABLE, NOW) == 0


def test_sweep_reads_past_its_first_page(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has expired is found on every page, not only on the first one."""
    monkeypatch.setattr("infra.local.engine.client.SWEEP_PAGE", 7)
    client = create_table(engine.endpoint)
    seed(client, TABLE, ({"pk": {"S": f"{n}"}, "expires": {"N": "1"}} for n in range(20)))
    assert sweep_expired(client, TABLE, NOW) == 20


def test_seed_loads_more_than_one_transaction_holds(engine: Engine) -> None:
    """Two hundred and one items arrive, all of them; seeding again changes nothing."""
    client = create_table(engine.endpoint)
    items = [{"pk": {"S": f"{n}"}} for n in range(201)]
    assert seed(client, TABLE, items) == 201
    assert seed(client, TABLE, items) == 201
    assert len(keys(client)) == 201


@needs_durability
def test_backup_of_a_running_engine_starts_elsewhere(tmp_path: Path) -> None:
    """A copy taken while the engine runs holds what was acknowledged until then, and not what came after."""
    with Engine(tmp_path / "live") as engine:
        client = create_table(engine.endpoint)
        client.put_item(TableName=TABLE, Item={"pk": {"S": "before"}})
        backup(tmp_path / "live" / DATABASE, tmp_path / "copy" / DATABASE)
        client.put_item(TableName=TABLE, Item={"pk": {"S": "after"}})
    with Engine(tmp_path / "copy") as copy:
        assert keys(dynamodb_client(copy.endpoint)) == {"before"}
    with pytest.raises(FileNotFoundError):
        backup(tmp_path / "nowhere", tmp_path / "copy" / "other")


def archive(folder: Path, content: bytes) -> Path:
    """An archive as the registry sends it, with other content."""
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("package/dynoxide")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


def test_an_archive_with_another_hash_is_refused(tmp_path: Path) -> None:
    """An engine that is not the chosen one is neither unpacked nor replaced by the fallback."""
    with pytest.raises(NotGenuine, match="nothing was installed"):
        install(tmp_path / "tools", fetch=lambda folder: archive(folder, b"#!/bin/sh\n"))
    assert list((tmp_path / "tools").rglob("dynoxide*")) == []
    assert not (tmp_path / "tools" / "ministack").exists()


def test_a_genuine_archive_is_unpacked_as_a_program(tmp_path: Path) -> None:
    """An archive with the expected hash becomes one executable file, and nothing half-written stays beside it."""
    genuine = archive(tmp_path, b"program")
    sha512 = b64encode(hashlib.sha512(genuine.read_bytes()).digest()).decode()
    unpack(genuine, tmp_path / "engine" / "dynoxide", sha512)
    assert (tmp_path / "engine" / "dynoxide").read_bytes() == b"program"
    assert os.access(tmp_path / "engine" / "dynoxide", os.X_OK)
    assert [file.name for file in (tmp_path / "engine").iterdir()] == ["dynoxide"]


def test_without_dynoxide_an_installed_fallback_is_taken_and_said_to_be_weaker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where dynoxide cannot be had, ministack takes its place and the reader is told what that costs."""
    program = tmp_path / "ministack" / "bin" / "ministack"
    program.parent.mkdir(parents=True)
    program.touch()

    def unreachable(folder: Path) -> Path:
        raise CannotInstall("the registry does not answer")

    engine = install(tmp_path, fetch=unreachable)
    assert (engine.program, engine.crash_durable) == (program, False)
    said = capsys.readouterr().out
    assert "the registry does not answer" in said
    assert "NOT crash-durable" in said


def test_writes_do_not_slow_down_with_the_stream(tmp_path: Path) -> None:
    """The stream's records are indexed from the first start, and in a database that was made without, from the next one."""
    with Engine(tmp_path) as engine:
        assert engine.endpoint
    database = tmp_path / "db.sqlite"
    for _ in range(2):
        with closing(sqlite3.connect(database)) as connection:
            asked = "EXPLAIN QUERY PLAN SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = 't'"
            plan = str(connection.execute(asked).fetchall())
            assert "SEARCH" in plan, plan
            assert "aftersales_stream" in plan, plan
            connection.execute("DROP INDEX aftersales_stream")
            connection.commit()
        with Engine(tmp_path) as engine:
            assert engine.endpoint
