from io import BytesIO

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aftersales.decision import Finding, Source, Verdict
from infra.local.drawn import strawberries
from plugins.vision import intake, quality


def good() -> NDArray[np.uint8]:
    """A drawn photo, (600, 800, 3) uint8."""
    return intake.read(strawberries(0, 5)).rgb


def findings(rgb: NDArray[np.uint8], width: int = 800, height: int = 600) -> dict[str, Finding]:
    """The findings by check."""
    found = quality.findings(quality.measure(intake.Picture(rgb, width, height, "JPEG")))
    return {f.check: f for f in found}


def troubles(rgb: NDArray[np.uint8], width: int = 800, height: int = 600) -> list[str]:
    """The reasons why another photo is asked for."""
    return [f.reason for f in findings(rgb, width, height).values() if f.verdict is Verdict.MISSING]


def test_a_good_photo_passes_every_check() -> None:
    """A sharp, well lit, large photo passes, and each check says so."""
    found = findings(good())
    assert [f.verdict for f in found.values()] == [Verdict.PASS] * 3
    assert set(found) == {"vision.large", "vision.lit", "vision.sharp"}
    assert all(f.source is Source.MODEL and 0.5 <= f.confidence <= 1 for f in found.values())


def test_darkness_is_noticed() -> None:
    """A photo with a tenth of its light is too dark; sharpness is then not judged."""
    found = findings((good() * 0.1).astype(np.uint8))
    assert found["vision.lit"].reason == "vision.too_dark"
    assert "vision.sharp" not in found


def test_bleaching_is_noticed() -> None:
    """A photo in which even dark parts are nearly white is too bright."""
    assert troubles((good() * 0.1 + 228).astype(np.uint8)) == ["vision.too_bright"]


@pytest.mark.parametrize("shade", [(90, 90, 90), (200, 30, 40), (128, 140, 90)], ids=["grey", "red", "green"])
def test_a_picture_of_nothing_is_noticed(shade: tuple[int, int, int]) -> None:
    """A finger on the lens is one colour: nothing can be seen."""
    assert troubles(np.full((600, 800, 3), shade, dtype=np.uint8)) == ["vision.uniform"]


@pytest.mark.parametrize(("shade", "expected"), [(0, "vision.too_dark"), (255, "vision.too_bright")], ids=["black", "white"])
def test_black_and_white_have_their_own_reason(shade: int, expected: str) -> None:
    """All black and all white tell the buyer about light, not about colour."""
    assert troubles(np.full((600, 800, 3), shade, dtype=np.uint8)) == [expected]


@pytest.mark.parametrize("noise", [0, 8], ids=["clean", "noisy"])
def test_blur_is_noticed_through_noise(noise: int) -> None:
    """A blurred photo is blurred, whether or not the sensor's noise lies over it."""
    blurred = cv2.GaussianBlur(good(), (0, 0), 10) + np.random.default_rng(0).normal(0, noise, (600, 800, 3))
    assert troubles(np.clip(blurred, 0, 255).astype(np.uint8)) == ["vision.too_blurred"]


def test_a_shaken_photo_is_blurred() -> None:
    """A hand that moved sideways blurs one direction only, and that is enough."""
    kernel = np.full((1, 31), 1 / 31)
    assert troubles(np.asarray(cv2.filter2D(good(), -1, kernel), dtype=np.uint8)) == ["vision.too_blurred"]


def test_noise_alone_is_no_blur() -> None:
    """A grainy but sharp photo passes."""
    noisy = good() + np.random.default_rng(0).normal(0, 8, (600, 800, 3))
    assert troubles(np.clip(noisy, 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize(("short", "verdict"), [(149, Verdict.MISSING), (150, Verdict.PASS), (151, Verdict.PASS)])
def test_the_smallest_side_is_included(short: int, verdict: Verdict) -> None:
    """Photos of 150 pixels on the short side are just large enough."""
    assert findings(good(), 4 * short, short)["vision.large"].verdict is verdict


def test_a_strip_is_too_small() -> None:
    """A strip of a screenshot shows no goods, however many pixels it has."""
    out = BytesIO()
    Image.fromarray(good()).resize((6000, 250)).save(out, "JPEG")
    assert "vision.too_small" in troubles(intake.read(out.getvalue()).rgb, 6000, 250)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_the_tiniest_pictures_can_be_measured(shape: tuple[int, int]) -> None:
    """A picture of a few pixels is too small, not an error."""
    assert "vision.too_small" in troubles(np.zeros((*shape, 3), dtype=np.uint8), shape[1], shape[0])
