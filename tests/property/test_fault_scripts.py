"""Random fault scripts over the real plugins and the sandbox's code, judged by the providers' books. ``make soak`` plays more."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.property.scripts.channel import Channels
from tests.property.scripts.mutant import MUTANTS
from tests.property.scripts.plan import drawn
from tests.property.scripts.play import play
from tests.property.scripts.soak import error_of, quiet, shortest, told
from tests.property.scripts.tally import Tally

SCRIPTS, OVER_HTTP = 2_000, 40
#: Within so many scripts the judge has to notice a defect.
NOTICES = 400


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    with quiet():
        yield


@pytest.fixture(scope="module")
def channels() -> Iterator[Channels]:
    """The plugins, over a line in this process."""
    made = Channels()
    yield made
    made.close()


@pytest.fixture(scope="module")
def played(channels: Channels) -> tuple[Tally, list[int]]:
    """The tally of all scripts, and the seeds of those that failed."""
    tally = Tally()
    wrong = [seed for seed in range(SCRIPTS) if error_of(drawn(seed), channels, tally)]
    print(tally.table())
    return tally, wrong


def test_every_approved_refund_is_executed_exactly_once(played: tuple[Tally, list[int]], channels: Channels) -> None:
    """By the providers' books a refund is executed once and in full, or a person has it, with a ticket; whatever went wrong."""
    tally, wrong = played
    assert not wrong, "\n".join(told(seed, channels) for seed in wrong[:3])
    assert tally.most == 1.0
    assert tally.approved == tally.settled + tally.left + tally.given_up > SCRIPTS


def test_every_fault_and_every_death_happened(played: tuple[Tally, list[int]]) -> None:
    """The scripts left nothing out: every fault of every provider struck, and a process died at every boundary."""
    tally, _ = played
    assert tally.never() == []


def test_some_scripts_hold_over_real_connections() -> None:
    """Over sockets instead of the line the same holds."""
    real, tally = Channels(real=True), Tally()
    try:
        wrong = {seed: error for seed in range(OVER_HTTP) if (error := error_of(drawn(seed), real, tally))}
    finally:
        real.close()
    assert not wrong
    assert (tally.most, tally.scripts) == (1.0, OVER_HTTP)


def test_a_seed_is_always_the_same_script(channels: Channels) -> None:
    """What a seed does once it does again, to the last call and the last number: a failure can be shown again."""
    for seed in range(25):
        tallies = Tally(), Tally()
        worlds = [play(drawn(seed), channels, tally) for tally in tallies]
        assert tallies[0] == tallies[1]
        assert worlds[0].clock.now() == worlds[1].clock.now()
        assert len(worlds[0].store.records) == len(worlds[1].store.records)
        assert {leg.key: leg.state for leg in worlds[0].legs()} == {leg.key: leg.state for leg in worlds[1].legs()}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_judge_notices(mutant: str, channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect that loses track of money does not stay hidden."""
    mutate, words = MUTANTS[mutant]
    makes = mutate(monkeypatch)
    assert any(re.search(words, error_of(drawn(seed), channels, Tally(), makes)) for seed in range(NOTICES))


def test_a_failure_is_told_with_the_shortest_replay(channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads of a failure gets its seed and only the steps it takes: without any of them nothing is wrong."""
    mutate, _ = MUTANTS["a client that renumbers when there is no answer"]
    makes = mutate(monkeypatch)
    seed = next(seed for seed in range(NOTICES) if error_of(drawn(seed), channels, Tally(), makes))
    plan, (kept, _) = drawn(seed), shortest(drawn(seed), channels, makes)
    assert len(kept) < len(plan.steps)
    assert f"--seed {seed} --steps {','.join(map(str, kept))}" in told(seed, channels, makes)
    assert error_of(plan.only(kept), channels, Tally(), makes)
    assert not any(error_of(plan.only([i for i in kept if i != n]), channels, Tally(), makes) for n in kept)
