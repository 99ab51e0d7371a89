import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from aftersales.decision import Verdict
from plugins.vision.intake import Picture
from plugins.vision.measure.forgery import saved
from plugins.vision.screen import FIGURES, figures, look, score

Bytes = NDArray[np.uint8]


def shown(pitch: float, turn: float, side: int = 512) -> Bytes:
    """A grey and soft picture on a screen whose cells are ``pitch`` pixels of the camera wide, seen turned by ``turn`` degrees."""
    fine = 3
    line = np.arange(side * fine, dtype=np.float32) / fine / pitch
    u, v = np.meshgrid(line, line)
    angle = np.radians(turn)
    x, y = u * np.cos(angle) - v * np.sin(angle) + 900, u * np.sin(angle) + v * np.cos(angle) + 900
    light = np.stack([((x % 1) * 3).astype(int) == colour for colour in range(3)], 2) * ((y % 1) < 0.85)[..., None]
    light = cv2.GaussianBlur(light.astype(np.float32), (0, 0), fine * 0.5) * (0.5 + 0.3 * np.sin(u / 40 * pitch))[..., None]
    small = cv2.resize(light.astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(1).normal(0, 3, small.shape)
    return saved((255 * small ** (1 / 2.2) + noise).clip(0, 255).astype(np.uint8), 92)


def thing(seed: int, side: int = 512) -> Bytes:
    """Blotches and grain of all sizes, as a thing has."""
    chance = np.random.default_rng(seed)
    out = np.full((side, side, 3), 130, dtype=np.float32)
    for size in (5, 20, 80, 250, side):
        rough = chance.normal(0, 12, (size, size, 3)).astype(np.float32)
        out += cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC)
    return saved(out.clip(0, 255).astype(np.uint8), 85)


def picture(native: Bytes, long: int = 4000) -> Picture:
    """A photo of ``long`` pixels with this middle."""
    return Picture(native[:256, :256], long, long * 3 // 4, "JPEG", native)


@pytest.mark.parametrize("pitch", [2.6, 3.4, 4.3])
@pytest.mark.parametrize("turn", [3.0, 11.0])
def test_the_rhythm_of_a_screen_is_seen(pitch: float, turn: float) -> None:
    """A photo of a screen whose cells the camera resolves asks for a person."""
    found = look(picture(shown(pitch, turn)))
    assert (found.verdict, found.reason) == (Verdict.UNSURE, "vision.screen")
    assert dict(found.data)["native"] is True


@pytest.mark.parametrize("seed", range(4))
def test_things_are_no_screens(seed: int) -> None:
    """Grain, blotches and JPEG's own blocks have no rhythm of cells."""
    assert look(picture(thing(seed))).reason == "vision.not_a_screen"
    assert look(picture(saved(thing(seed), 60))).reason == "vision.not_a_screen"


def test_small_pictures_promise_nothing() -> None:
    """In a picture that was made small the rhythm is gone: it passes, at even odds, and the data says so."""
    found = look(picture(thing(1), long=1200))
    assert dict(found.data)["native"] is False
    assert found.confidence == 0.5


@pytest.mark.parametrize("shape", [(1, 1), (100, 512), (512, 100), (128, 128), (300, 512)])
def test_any_size_and_plain_pictures_are_answered(shape: tuple[int, int]) -> None:
    """Strips, dots and pictures of one colour are no screens and raise nothing."""
    assert score(np.full((*shape, 3), 128, dtype=np.uint8)) < 0.5


def test_figures_are_as_many_as_the_card_weighs() -> None:
    """A cut is described by as many numbers as there are weights."""
    assert figures(thing(0)).shape == (FIGURES,)
