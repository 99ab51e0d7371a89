import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from infra.local.drawn import strawberries
from plugins.vision import intake
from plugins.vision.features import MOST_BYTES, MOST_POINTS, BadFeatures, features, opened
from plugins.vision.fingerprint import fingerprint
from plugins.vision.measure.edits import EDITS
from plugins.vision.reuse import same
from plugins.vision.words import STORED, words

Rgb = NDArray[np.uint8]


def scene(seed: int = 1, size: tuple[int, int] = (640, 480)) -> Rgb:
    """Leaves of all sizes and greys over each other, as natural scenes are often modelled."""
    chance = np.random.default_rng(seed)
    picture = np.full((size[1], size[0], 3), 128, np.uint8)
    for radius in 120 / np.sqrt(chance.uniform(1, 500, 700)):
        at = (int(chance.integers(0, size[0])), int(chance.integers(0, size[1])))
        axes = (int(radius) + 2, int(radius * chance.uniform(0.4, 1)) + 2)
        colour = tuple(int(v) for v in chance.integers(20, 236, 3))
        cv2.ellipse(picture, at, axes, float(chance.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return picture


def drawn(seed: int) -> Rgb:
    """A drawn photo of eight strawberries."""
    return intake.read(strawberries(2, 8, seed)).rgb


def mall_words(rgb: Rgb) -> tuple[str, ...]:
    """The words of a picture."""
    return words(features(rgb), fingerprint(rgb))


# --- what is kept -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "rgb", [scene(), drawn(1), scene(2, (4000, 300)), np.random.default_rng(1).integers(0, 256, (600, 800, 3), np.uint8)]
)
def test_features_are_small_and_come_back(rgb: Rgb) -> None:
    """Of any picture at most 24 KB are kept, the same each time, and they open to points that lie in it."""
    packed = features(rgb)
    kept = opened(packed)
    assert len(packed) <= MOST_BYTES
    assert packed == features(rgb.copy())
    assert 0 < len(kept.at) <= MOST_POINTS
    assert (kept.at >= 0).all()
    assert (kept.at < (kept.width, kept.height)).all()
    assert kept.about.max() <= 15


@pytest.mark.parametrize(
    "broken", [b"", b"AF", features(scene())[:500], b"XX" + features(scene())[2:], b"AF\x09" + features(scene())[3:]]
)
def test_what_is_no_features_accuses_nobody(broken: bytes) -> None:
    """Features that are cut off, of another version or something else cannot be opened, and are like nothing."""
    with pytest.raises(BadFeatures):
        opened(broken)
    assert same(broken, features(scene())).same is None
    assert same(features(scene()), broken).same is None


# --- copies -----------------------------------------------------------------------------------------------------------
#: What is done by halves only: see the figures in the README.
HARD = {"several", "off a screen"}


@pytest.mark.parametrize("name", sorted(set(EDITS) - HARD))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_copy_is_the_same_picture(name: str, seed: int) -> None:
    """A picture with enough in it is known again after each of the usual edits, in both orders."""
    rgb = scene(seed)
    copy = EDITS[name](rgb, np.random.default_rng(seed))
    assert same(features(rgb), features(copy)).same
    assert same(features(copy), features(rgb)).same


def test_what_was_done_is_told() -> None:
    """A mirrored copy is called mirrored, and one that was turned is called turned; the untouched one nothing."""
    rgb = scene()
    assert same(features(rgb), features(rgb)).how == ()
    assert "mirrored" in same(features(rgb), features(rgb[:, ::-1].copy())).how
    assert same(features(rgb), features(np.rot90(rgb).copy())).how == ("turned",)


# --- not copies -------------------------------------------------------------------------------------------------------
def test_other_pictures_are_not_the_same() -> None:
    """Pictures of one kind of thing differ, drawn ones too, whose parts are drawn alike."""
    for make in (scene, drawn):
        kept = [features(make(seed)) for seed in range(8)]
        assert not any(same(a, b).same for i, a in enumerate(kept) for b in kept[:i])


def test_one_label_on_two_photos_is_no_copy() -> None:
    """The same print, flat and sharp, in front of two backgrounds: two photos of two packages."""
    label, grounds = scene(5, (240, 180)), [scene(6), scene(7)]
    for n, ground in enumerate(grounds):
        ground[100 + 30 * n : 280 + 30 * n, 150 + 60 * n : 390 + 60 * n] = label
    assert not same(*map(features, grounds)).same


def test_a_camera_that_stands_still_sees_two_moments() -> None:
    """From a stand, with one piece of goods changed: no copy, though nearly everything agrees."""
    first = scene(8)
    second = cv2.warpAffine(first, np.array([[1, 0, 1.3], [0, 1, 0.9]]), (640, 480), borderMode=cv2.BORDER_REFLECT)
    cv2.circle(second, (300, 240), 34, (90, 60, 40), -1, cv2.LINE_AA)
    cv2.circle(first, (300, 240), 34, (205, 180, 160), -1, cv2.LINE_AA)
    assert not same(features(first), features(np.asarray(second, np.uint8))).same


def test_a_camera_that_moved_sees_more_on_one_side_and_less_on_the_other() -> None:
    """Two shots of one shelf, each with something at its edge that the other has not, are two photos, however well they agree."""
    shelf = scene(9, (760, 480))
    first, second = shelf[:, :640].copy(), shelf[:, 120:].copy()
    assert not same(features(first), features(second)).same
    assert same(features(shelf), features(first)).same


def test_too_little_to_tell_accuses_nobody() -> None:
    """Two photos of white paper with a speck are neither the same nor different."""
    paper = np.full((480, 640, 3), 240, np.uint8)
    cv2.circle(paper, (320, 240), 20, (60, 60, 60), -1, cv2.LINE_AA)
    assert same(features(paper), features(paper)).same is None


# --- words ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["recompressed", "mirrored", "cut to 42 %", "turned by any angle", "tilted", "toned"])
def test_copies_share_words(name: str) -> None:
    """One of the words that are kept of a picture is among those of its copy, wherever it was cut and however turned."""
    for seed in range(4):
        rgb = scene(seed)
        copy = EDITS[name](rgb, np.random.default_rng(seed))
        assert set(mall_words(rgb)[:STORED]) & set(mall_words(copy)), seed


def test_words_are_few() -> None:
    """A picture has at most 32 words, each once, of at most six characters; one that shows nothing has those of its fingerprint."""
    for rgb in (scene(), drawn(2), scene(3, (200, 150))):
        found = mall_words(rgb)
        assert len(found) == len(set(found)) <= 32
        assert max(map(len, found)) <= 6
    assert len(mall_words(np.full((400, 400, 3), 200, np.uint8))) == 2
