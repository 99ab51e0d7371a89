"""What looking at photos holds: a process bounded like the function, without and with the reader of words."""

import os
import subprocess
import sys

import pytest

from infra.bundle import BOUNDS
from infra.local.bench import LOOK_PEAK_MB
from infra.local.bench.photo import PhotoCost, measure_photos

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("words", "count"), [pytest.param(False, 50, id="plain"), pytest.param(True, 12, id="words")])
def test_memory_is_bounded_and_does_not_grow(words: bool, count: int) -> None:
    """After fifty photos the process holds what it held after ten, and never more than its limit, of drawn photos."""
    cost = measure_photos(count, lambda _: None, words=words, photos=())
    print(cost.told())
    assert 60 < cost.held_mb <= cost.peak_mb <= LOOK_PEAK_MB[words]
    assert cost.growth_mb <= 30
    assert ("words" in cost.bare) is words
    assert 0.5 < cost.each < 10  # other work on the machine costs one of them more than the other
    assert {"decode", "fingerprint", "model goods", "model spoilage"} < set(cost.bare)
    assert {"decode", "fingerprint", "goods", "masking"} < set(cost.phases)


def test_opencv_works_in_one_thread_where_photos_are_looked_at() -> None:
    """The bounds hold for OpenCV, too: one thread, and so the faces of a photo always in the same order."""
    ask = "import cv2; print(cv2.getNumThreads())"
    told = subprocess.run([sys.executable, "-c", ask], env={**os.environ, **BOUNDS}, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "1"


def test_the_ratio_is_the_whole_against_the_sum_of_the_parts() -> None:
    """Thirty milliseconds against ten and ten are one and a half times; models that are no networks can be left out of the sum."""
    bare = {"decode": 10.0, "model faces": 5.0, "fingerprint": 5.0}
    cost = PhotoCost(False, 1, 30.0, {"decode": 9.0}, bare, 1.4, 500.0, 100, 110, 120)
    assert (cost.ratio, cost.strict, cost.growth_mb) == (1.5, 2.0, 10)
    assert "1.50 times its bare parts (goal: at most 1.5)" in cost.told()
    assert "1.40 times, each photo against its own parts" in cost.told()
