"""The photo soak, shortened: what it counts is what happened."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import soak
from infra.local.drawn import strawberries
from infra.local.soak import Soaked
from infra.local.system import System
from plugins.vision.header import NoPhoto
from plugins.vision.intake import read

pytestmark = pytest.mark.e2e


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A running system of this test alone."""
    with System(tmp_path / "home") as running:
        yield running


def test_every_photo_of_a_soak_is_answered(system: System, tmp_path: Path) -> None:
    """Hostile photos among sound ones, drawn where there is no data: one worker answers each, and lives."""
    soaked = soak.soak(system, 20, random.Random(5), tmp_path, lambda _: None)
    assert (soaked.photos, soaked.unanswered, soaked.deaths, soaked.well) == (20, 0, 0, True)
    assert soaked.reasons["vision.readable missing"] >= 1
    assert soaked.reasons["vision.readable pass"] >= 10
    assert 50 < soaked.held_mb[-1] <= soaked.peak_mb


def test_about_a_third_of_a_soaks_photos_are_hostile() -> None:
    """What is made hostile is refused, or at least another file; the rest are the photos themselves."""
    pool = [strawberries(1, 5, seed=1)]
    chance = random.Random(3)
    told: Counter[str] = Counter()
    for _ in range(60):
        content = soak.picture(pool, chance)
        try:
            read(content)
        except NoPhoto:
            told["refused"] += 1
        else:
            told["the photo" if content in pool else "another"] += 1
    assert told["the photo"] > 30
    assert told["refused"] >= 5
    assert told["another"] >= 5


@pytest.mark.parametrize(
    ("soaked", "well"),
    [
        pytest.param(Soaked(20, held_mb=[120, 160]), True, id="it settles"),
        pytest.param(Soaked(400, held_mb=[120] * 20 + [181] * 20), False, id="it grows"),
        pytest.param(Soaked(400, held_mb=[120] * 20 + [180] * 20), True, id="it grows a little"),
        pytest.param(Soaked(20, unanswered=1, held_mb=[120, 120]), False, id="a photo has no answer"),
        pytest.param(Soaked(20, deaths=1, held_mb=[120, 120]), False, id="the worker died"),
    ],
)
def test_a_soak_that_went_badly_says_so(soaked: Soaked, well: bool) -> None:
    """One unanswered photo, one death, or memory that grows past its limit is a failure."""
    assert soaked.well is well
