"""The kit for outside systems that keep what was sold as it is (``Source`` and ``Holding``): what trades and refunds rely on.

The race that it is about: something is used up between the check and the refund. After ``hold`` it cannot be, after ``consume`` it
never can be, after ``release`` it can be again; each of them may come twice, late, or lose its answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Protocol

import pytest

from aftersales.errors import Rejected, Unknown
from aftersales.fact import instant_of
from aftersales.lookup import Lookup, Subject
from aftersales.ports import Holding, Source
from aftersales.testing.builders import NOW

#: What a call is named where its answer is lost.
ASK, HOLD, CONSUME, RELEASE = "ask", "hold", "consume", "release"


class Keeper(Source, Holding, Protocol):
    """A source that also keeps."""


class HoldingBench(Protocol):
    """A source under test, and the levers of the system behind it."""

    source: Keeper

    def subject(self, key: str) -> Subject:
        """The same one unused thing each time, asked about under ``key``."""

    def use(self) -> bool:
        """Somebody tries to use the thing up; False when it cannot be used (any more)."""

    def lose_answer(self, call: str, *, done: bool) -> None:
        """The next call of that name ends without an answer; ``done`` says whether it was carried out."""

    def pass_days(self, days: int) -> None:
        """Let time pass at the system behind the source."""


class HoldingContract:
    """What every Source that is a Holding keeps; a subclass gives the fixture ``bench``."""

    def test_asking_changes_nothing(self, bench: HoldingBench) -> None:
        """Asking tells what it is, the same each time, and keeps nothing."""
        first = bench.source.ask(bench.subject("k1"), NOW)
        assert not first.held
        assert bench.source.ask(bench.subject("k1"), NOW) == first
        assert bench.use()

    @pytest.mark.parametrize("call", [ASK, HOLD])
    def test_no_answer_is_unknown(self, bench: HoldingBench, call: str) -> None:
        """A question without an answer is Unknown, whatever became of it, and can be put again."""
        for done in (True, False):
            bench.lose_answer(call, done=done)
            with pytest.raises(Unknown):
                _do(bench, call, "k1")
            assert _do(bench, call, "k1") is not None

    def test_what_is_kept_is_not_used_up(self, bench: HoldingBench) -> None:
        """From hold on nobody uses it; the answer is what it is now, and until when it is kept."""
        kept = bench.source.hold(bench.subject("k1"), NOW)
        assert kept.held
        assert kept.status == bench.source.ask(bench.subject("k1"), NOW).status
        assert _until(kept) > datetime(2000, 1, 1, tzinfo=UTC)
        assert not bench.use()

    def test_what_was_used_up_is_not_kept(self, bench: HoldingBench) -> None:
        """Hold comes too late for what was used: the answer says so, and there is nothing to void."""
        before = bench.source.ask(bench.subject("k1"), NOW)
        assert bench.use()
        late = bench.source.hold(bench.subject("k1"), NOW)
        assert not late.held
        assert late.status != before.status
        with pytest.raises(Rejected):
            bench.source.consume(bench.subject("k1"), NOW)

    def test_holding_twice_is_one_hold(self, bench: HoldingBench) -> None:
        """The same key again keeps the same thing, for longer; one release ends it."""
        first = bench.source.hold(bench.subject("k1"), NOW)
        bench.pass_days(1)
        second = bench.source.hold(bench.subject("k1"), NOW)
        assert (second.held, second.status) == (True, first.status)
        assert _until(second) > _until(first)
        bench.source.release(bench.subject("k1"), NOW)
        assert bench.use()

    def test_a_lost_hold_is_kept_or_not_and_the_next_one_tells(self, bench: HoldingBench) -> None:
        """After a hold without an answer the same key finds out, and no second hold is left behind."""
        for done in (True, False):
            bench.lose_answer(HOLD, done=done)
            with pytest.raises(Unknown):
                bench.source.hold(bench.subject("k1"), NOW)
        assert bench.source.hold(bench.subject("k1"), NOW).held
        bench.source.release(bench.subject("k1"), NOW)
        assert bench.use()

    def test_what_another_case_keeps_is_not_kept_again(self, bench: HoldingBench) -> None:
        """Two keys never keep one thing, and a key ends no hold but its own."""
        assert bench.source.hold(bench.subject("k1"), NOW).held
        assert not bench.source.hold(bench.subject("k2"), NOW).held
        bench.source.release(bench.subject("k2"), NOW)
        with pytest.raises(Rejected):
            bench.source.consume(bench.subject("k2"), NOW)
        assert not bench.use()
        bench.source.consume(bench.subject("k1"), NOW)

    def test_what_was_consumed_is_void_for_good(self, bench: HoldingBench) -> None:
        """After consume nobody uses it ever again, and repeating it or releasing afterwards changes nothing."""
        bench.source.hold(bench.subject("k1"), NOW)
        for _ in range(2):
            bench.source.consume(bench.subject("k1"), NOW)
        bench.source.release(bench.subject("k1"), NOW)
        bench.pass_days(400)
        assert not bench.use()

    def test_what_a_key_made_void_is_kept_for_it_for_good(self, bench: HoldingBench) -> None:
        """Asked to hold what it has made void, a key is told that it is kept, without an end; another key is not."""
        bench.source.hold(bench.subject("k1"), NOW)
        bench.source.consume(bench.subject("k1"), NOW)
        again = bench.source.hold(bench.subject("k1"), NOW)
        assert (again.held, again.get("held_until")) == (True, None)
        assert not bench.source.hold(bench.subject("k2"), NOW).held

    @pytest.mark.parametrize("done", [True, False])
    def test_a_lost_consume_can_be_repeated(self, bench: HoldingBench, *, done: bool) -> None:
        """Consume without an answer is Unknown, and the same key again ends as if it had been answered."""
        bench.source.hold(bench.subject("k1"), NOW)
        bench.lose_answer(CONSUME, done=done)
        with pytest.raises(Unknown):
            bench.source.consume(bench.subject("k1"), NOW)
        assert not bench.use()
        bench.source.consume(bench.subject("k1"), NOW)
        bench.source.release(bench.subject("k1"), NOW)
        assert not bench.use()

    @pytest.mark.parametrize("done", [True, False])
    def test_a_lost_release_can_be_repeated(self, bench: HoldingBench, *, done: bool) -> None:
        """Release without an answer is Unknown; the same again lets it go, also where nothing is kept any more."""
        bench.source.hold(bench.subject("k1"), NOW)
        bench.lose_answer(RELEASE, done=done)
        with pytest.raises(Unknown):
            bench.source.release(bench.subject("k1"), NOW)
        for _ in range(2):
            bench.source.release(bench.subject("k1"), NOW)
        assert bench.use()

    def test_nothing_is_consumed_that_is_not_kept(self, bench: HoldingBench) -> None:
        """Consume without a hold, or after its release, is Rejected, and the thing stays usable."""
        with pytest.raises(Rejected):
            bench.source.consume(bench.subject("k1"), NOW)
        bench.source.hold(bench.subject("k1"), NOW)
        bench.source.release(bench.subject("k1"), NOW)
        with pytest.raises(Rejected):
            bench.source.consume(bench.subject("k1"), NOW)
        assert bench.use()

    def test_a_hold_that_nobody_ends_is_given_up(self, bench: HoldingBench) -> None:
        """A hold ends by itself at its instant: nothing is locked for ever by a case that was forgotten."""
        kept = bench.source.hold(bench.subject("k1"), NOW)
        bench.pass_days(100)
        assert not bench.source.ask(bench.subject("k1"), NOW).held
        assert bench.use()
        assert kept.held

    def test_a_hold_that_ran_out_does_not_void_what_was_used(self, bench: HoldingBench) -> None:
        """Consume after the hold ran out voids it where nobody used it meanwhile, and is Rejected where somebody did."""
        bench.source.hold(bench.subject("k1"), NOW)
        bench.pass_days(100)
        bench.source.consume(bench.subject("k1"), NOW)
        assert not bench.use()

    def test_a_hold_that_ran_out_and_was_used_is_rejected(self, bench: HoldingBench) -> None:
        """Where somebody used it after the hold ran out, consume says so: money may be out for it."""
        bench.source.hold(bench.subject("k1"), NOW)
        bench.pass_days(100)
        assert bench.use()
        with pytest.raises(Rejected):
            bench.source.consume(bench.subject("k1"), NOW)

    def test_used_or_kept_never_both(self, bench: HoldingBench) -> None:
        """Of people who use it and calls that keep it at the same moment, exactly one side succeeds."""
        thing = bench.subject("k1")  # it is there before anybody is after it
        with ThreadPoolExecutor(8) as pool:
            uses = [pool.submit(bench.use) for _ in range(4)]
            holds = [pool.submit(bench.source.hold, thing, NOW) for _ in range(4)]
            used, kept = sum(x.result() for x in uses), [x.result().held for x in holds]
        assert used in (0, 1)
        assert all(kept) if not used else not any(kept)


def _do(bench: HoldingBench, call: str, key: str) -> Lookup:
    return (bench.source.ask if call == ASK else bench.source.hold)(bench.subject(key), NOW)


def _until(kept: Lookup) -> datetime:
    found = instant_of(kept.get("held_until"))
    assert found is not None, "a hold says until when it lasts: held_until, ISO 8601 with an offset"
    return found
