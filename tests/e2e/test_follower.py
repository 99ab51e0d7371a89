"""Following the table's stream: at least once, in order, remembered, never stuck."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import follower as module
from infra.local.engine import Engine, dynamodb_client
from infra.local.follower import MOST_TRIES, Follower, lambda_record
from infra.local.home import Home
from plugins.dynamodb_store.schema import create

pytestmark = pytest.mark.e2e


class Told:
    """A handler that remembers which records it was given, and fails as it is told to."""

    def __init__(self, *, breaks_on: str = "", refuses: str = "") -> None:
        self.batches: list[list[str]] = []
        self.breaks_on, self.refuses = breaks_on, refuses

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Lambda's answer to a batch."""
        numbers = {r["dynamodb"]["Keys"]["SK"]["S"]: r["dynamodb"]["SequenceNumber"] for r in event["Records"]}
        self.batches.append(list(numbers))
        if self.breaks_on in numbers:
            raise RuntimeError("this record breaks the handler")
        return {"batchItemFailures": [{"itemIdentifier": numbers[self.refuses]}] if self.refuses in numbers else []}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home with a database in memory and items 1 to 5 written, one after the other."""
    monkeypatch.setattr(module, "AFTER_FAILURE_S", 0.0)
    with Engine() as engine:
        monkeypatch.setenv("DYNAMODB_ENDPOINT", engine.endpoint)
        made = Home.made(tmp_path / "home")
        client = dynamodb_client(engine.endpoint)
        create(client, made.table)
        for name in "12345":
            client.put_item(TableName=made.table, Item={"PK": {"S": "P"}, "SK": {"S": name}, "j": {"B": b"\x00\xff"}})
        yield made
        client.close()


def followed(home: Home, told: Told, steps: int = 1) -> Told:
    """The handler after so many steps of a new follower."""
    follower = Follower(home, told)
    for _ in range(steps):
        follower.step()
    return told


def test_what_was_followed_is_not_told_again(home: Home) -> None:
    """A new follower begins at the stream's beginning, the next one where the last one ended."""
    assert followed(home, Told()).batches == [["1", "2", "3", "4", "5"]]
    assert followed(home, Told()).batches == []


def test_a_refused_record_is_told_again_with_those_behind_it(home: Home) -> None:
    """The records before a failed one are done; it and what follows come again, so that order holds."""
    assert followed(home, Told(refuses="3"), 2).batches == [["1", "2", "3", "4", "5"], ["3", "4", "5"]]
    assert followed(home, Told()).batches == [["3", "4", "5"]]


def test_a_broken_batch_is_halved(home: Home) -> None:
    """Records before the one that breaks the handler are followed alone, and the rest is still to come."""
    told = followed(home, Told(breaks_on="3"), 2)

    assert told.batches[:2] == [["1", "2", "3", "4", "5"], ["1", "2"]]
    assert followed(home, Told()).batches == [["3", "4", "5"]]


def test_a_hopeless_record_is_put_aside(home: Home) -> None:
    """What fails ten times, alone, no longer keeps those behind it waiting."""
    told = followed(home, Told(breaks_on="1"), 2 * MOST_TRIES)

    assert told.batches.count(["1"]) == MOST_TRIES
    assert told.batches[-1] == ["2", "3", "4", "5"]


def test_records_look_as_lambda_gives_them() -> None:
    """Bytes travel as base64, times as epoch seconds, and nothing is left that JSON does not know."""
    made = lambda_record({"eventID": "1", "dynamodb": {"SequenceNumber": "1", "NewImage": {"j": {"B": b"\x00\xff"}}}})

    assert made["dynamodb"]["NewImage"] == {"j": {"B": "AP8="}}
    assert made["dynamodb"]["ApproximateCreationDateTime"] == 0
