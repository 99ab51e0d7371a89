"""Work that fails again and again blocks nothing, is seen by the platform, and runs once its defect is mended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from aftersales.evidence import Evidence
from aftersales.photo import PhotoReport
from aftersales.ports import Seen
from aftersales.query import CaseFile
from aftersales.refund import Refund
from aftersales.testing.channel import Outcome
from functions import deadletters, follow, http, sweep
from tests.mall import Mall

PHONE, LETTERS = "13800000000", "/v1/platform/dead-letters"


class Picky:
    """A stream one of whose kinds of record nobody can read, until it is mended."""

    def __init__(self, mall: Mall, kind: type = Refund) -> None:
        self.mall, self.kind, self.mended = mall, kind, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mall.store, name)

    def seen(self, record: Mapping[str, Any]) -> Seen | None:
        """What the store says, if it can be read."""
        seen: Seen = self.mall.store.seen(record)
        if isinstance(seen.after, self.kind) and not self.mended:
            raise ValueError(f"the image of {PHONE} cannot be read")
        return seen


def letters(mall: Mall) -> list[Any]:
    """What the platform sees."""
    return list(mall.must("GET", LETTERS, role="platform", merchant="")["tickets"])


def rerun(mall: Mall, letter: Mapping[str, Any]) -> Any:
    """Run it again as the platform does."""
    return mall.must("POST", f"{LETTERS}/{letter['ticket_id']}/run", role="platform", merchant="")


def fresh(mall: Mall) -> list[Mapping[str, Any]]:
    """The stream's records that nobody was told yet."""
    told, mall.told = mall.told, len(mall.store.records)
    return list(mall.store.records[told:])


def test_a_poison_record_is_put_aside_and_blocks_nothing(mall: Mall) -> None:
    """Four times it comes back alone; the fifth time it counts as handled, and is a letter without personal data."""
    case_id = refunded(mall)
    stream = Picky(mall)
    mall.registry.put("stream", stream)
    batch = fresh(mall)
    bad = [r["dynamodb"]["SequenceNumber"] for r in batch if isinstance(r["seen"].after, Refund)]
    assert len(bad) == 1
    for _ in range(4):
        assert follow.follow(mall.registry, batch) == bad
        assert letters(mall) == [], "what may pass by itself is nobody's matter"
    assert follow.follow(mall.registry, batch) == []
    (letter,) = letters(mall)
    assert (letter["kind"], letter["is_open"], letter["merchant"]) == ("dead_letter", True, "")
    assert letter["about"]["what"] == "stream"
    assert (letter["about"]["tries"], letter["about"]["code"]) == (5, "ValueError")
    assert PHONE not in json.dumps(letter)
    stream.mended = True
    done = rerun(mall, letter)
    assert (done["is_open"], done["closed_by"]) == (False, "platform:platform1")
    assert letters(mall) == []
    assert mall.case(case_id)["ending"] == "refunded"
    assert len(mall.channel.calls) == 1


def refunded(mall: Mall) -> str:
    """A claim that was decided, its refund reserved and not followed yet; the case's id."""
    case = mall.claim(submit=False)
    mall.pump()
    mall.must("POST", f"/v1/cases/{case['case_id']}/submit")
    for record in fresh(mall):
        assert follow.follow(mall.registry, [record]) == []
    for job in mall.queue.receive(follow.PHOTO_QUEUE):
        follow.verify_photo(mall.registry, job.body)
        mall.queue.done(follow.PHOTO_QUEUE, job)
    return str(case["case_id"])


def test_a_refund_whose_record_is_put_aside_is_paid_by_the_schedule(mall: Mall) -> None:
    """Money does not hang on a letter: the schedule calls the channel, and running the letter later pays nothing twice."""
    case_id = refunded(mall)
    mall.registry.put("stream", stream := Picky(mall))
    batch = fresh(mall)
    for _ in range(5):
        follow.follow(mall.registry, batch)
    mall.clock.move(timedelta(minutes=2))
    sweep.poll_refunds(mall.registry)
    assert mall.case(case_id)["ending"] == "refunded"
    stream.mended = True
    assert rerun(mall, letters(mall)[0])["is_open"] is False
    assert mall.channel.truth == {f"R{case_id}-1": 1990}


def test_a_run_that_fails_again_is_counted(mall: Mall) -> None:
    """The letter stays, with one try more, and can be run again."""
    refunded(mall)
    mall.registry.put("stream", Picky(mall))
    batch = fresh(mall)
    for _ in range(5):
        follow.follow(mall.registry, batch)

    class Deaf(Picky):
        def stored(self, about: Mapping[str, str]) -> Seen | None:
            raise OSError(f"{PHONE} {about}")

    mall.registry.put("stream", Deaf(mall))
    again = rerun(mall, letters(mall)[0])
    assert (again["is_open"], again["about"]["tries"], again["about"]["code"]) == (True, 6, "OSError")
    assert PHONE not in json.dumps(letters(mall))


def test_a_photo_nobody_can_look_at_is_put_aside(mall: Mall) -> None:
    """Its job ends after five tries; run again it is handed in anew, and the letter closes once it went well."""
    case = mall.claim()
    for record in fresh(mall):
        follow.follow(mall.registry, [record])
    good = mall.photos

    class Blind:
        def inspect(self, *_: Any) -> PhotoReport:
            raise MemoryError

    mall.registry.put("photos", Blind())
    (job,) = mall.queue.receive(follow.PHOTO_QUEUE)
    for _ in range(4):
        with pytest.raises(MemoryError):
            follow.verify_photo(mall.registry, job.body)
    follow.verify_photo(mall.registry, job.body)
    mall.queue.done(follow.PHOTO_QUEUE, job)
    (letter,) = letters(mall)
    assert (letter["case_id"], letter["about"]["what"]) == (case["case_id"], "photo")
    mall.registry.put("photos", good)
    assert rerun(mall, letter)["is_open"] is True, "handed in, not done yet"
    (job,) = mall.queue.receive(follow.PHOTO_QUEUE)
    follow.verify_photo(mall.registry, job.body)
    assert letters(mall) == []
    (photo,) = mall.store.case(case["case_id"]).evidence
    assert isinstance(photo, Evidence)
    assert photo.findings


class Halting:
    """A store in which one case cannot be read, until it is mended."""

    def __init__(self, mall: Mall, case_id: str) -> None:
        self.mall, self.case_id, self.mended, self.reads = mall, case_id, False, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mall.store, name)

    def case(self, case_id: str) -> CaseFile | None:
        """The case, if it can be read."""
        self.reads += case_id == self.case_id
        if case_id == self.case_id and not self.mended:
            raise ValueError("an item nobody can read")
        found: CaseFile | None = self.mall.store.case(case_id)
        return found


@pytest.fixture
def halting(mall: Mall) -> Halting:
    """A draft whose time is up and which cannot be read."""
    case = mall.claim(submit=False)
    store = Halting(mall, case["case_id"])
    mall.registry.put("store", store)
    mall.clock.move(timedelta(days=31))
    return store


def test_a_record_that_halts_the_schedule_is_put_aside(mall: Mall, halting: Halting) -> None:
    """After five runs it is left alone and fails no schedule any more; run again after mending, it is advanced."""
    tallies = [sweep.sweep(mall.registry) for _ in range(6)]
    assert [(t.failed, t.aside) for t in tallies] == [(1, 0)] * 4 + [(0, 1)] * 2
    assert halting.reads == 5
    tallies[-1].complete()
    (letter,) = letters(mall)
    assert letter["case_id"] == halting.case_id
    halting.mended = True
    assert rerun(mall, letter)["is_open"] is False
    assert mall.store.case(halting.case_id).case.ending == "lapsed"


def test_the_schedule_tries_what_it_put_aside_every_six_hours(mall: Mall, halting: Halting) -> None:
    """Silence has a deadline even where nobody reads letters: mended, it goes on by itself, and its letter closes."""
    for _ in range(5):
        sweep.sweep(mall.registry)
    halting.mended = True
    mall.clock.move(timedelta(hours=5))
    assert sweep.sweep(mall.registry).aside == 1
    mall.clock.move(timedelta(hours=1))
    assert sweep.sweep(mall.registry).advanced == 1
    assert letters(mall) == []


def test_what_fails_for_six_hours_is_put_aside_whatever_its_tries(mall: Mall, halting: Halting) -> None:
    """Work that is tried seldom is seen as soon."""
    assert sweep.sweep(mall.registry).failed == 1
    mall.clock.move(deadletters.PATIENCE)
    assert sweep.sweep(mall.registry).aside == 1
    assert [t["about"]["tries"] for t in letters(mall)] == [2]
    assert halting.reads == 2


def test_a_failure_long_after_another_is_another_matter(mall: Mall, halting: Halting) -> None:
    """What failed once and went well is tried again at once when it fails weeks later: its old tries do not count."""
    assert sweep.sweep(mall.registry).failed == 1
    mall.clock.move(timedelta(days=14))
    assert [sweep.sweep(mall.registry).failed for _ in range(4)] == [1] * 4
    assert letters(mall) == []
    assert sweep.sweep(mall.registry).aside == 1


def test_tries_survive_the_process(mall: Mall, halting: Halting) -> None:
    """They are counted in the store: other processes, with nothing in memory, go on counting."""
    for _ in range(3):
        sweep.sweep(mall.registry)
    other = Mall(store=mall.store, clock=mall.clock)
    other.registry.put("store", halting)
    sweep.sweep(other.registry)
    assert letters(mall) == []
    sweep.sweep(other.registry)
    assert len(letters(mall)) == 1


def test_a_verified_notice_that_cannot_be_stored_is_put_aside(mall: Mall) -> None:
    """The channel tells four times in vain and is thanked the fifth; run again, the channel is asked what is true by then."""
    mall.channel.otherwise = Outcome.PROCESSING
    case = mall.claim()
    mall.pump()
    key = mall.case(case["case_id"])["refunds"][0]["key"]
    mall.channel.conclude(key)
    headers, body = mall.channel.notice_of(key)
    store = Halting(mall, case["case_id"])
    mall.registry.put("store", store)
    asked = http.Request("POST", "/v1/callbacks/wechatpay", headers, {}, body)
    assert [http.callback(mall.registry, "wechatpay", asked).status for _ in range(5)] == [500] * 4 + [204]
    (letter,) = letters(mall)
    assert (letter["key"], letter["channel"], letter["about"]["what"]) == (key, "wechatpay", "callback")
    store.mended = True
    assert rerun(mall, letter)["is_open"] is False
    assert mall.case(case["case_id"])["ending"] == "refunded"


def test_letters_are_the_platforms(mall: Mall, halting: Halting) -> None:
    """No shop, mall or buyer reads or runs them; one that is closed, or is no letter, is not run."""
    for _ in range(5):
        sweep.sweep(mall.registry)
    (letter,) = letters(mall)
    path = f"{LETTERS}/{letter['ticket_id']}/run"
    for role in ("buyer", "clerk", "admin", "integrator"):
        assert mall.send("GET", LETTERS, role=role).status == 403
        assert mall.send("POST", path, role=role).status == 403
    halting.mended = True
    rerun(mall, letter)
    assert mall.send("POST", path, role="platform", merchant="").status == 409
    assert mall.send("POST", f"{LETTERS}/other/run", role="platform", merchant="").status == 404
