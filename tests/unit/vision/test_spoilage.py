import numpy as np
import pytest
from PIL import Image

from infra.local.drawn import strawberries
from plugins.vision import intake, spoilage
from plugins.vision.sight import CELLS, SIDE, WHOLE, Margin, Sight, look
from plugins.vision.spoilage import Spoilage


def estimate(photo: bytes) -> Spoilage:
    """The estimate on a file."""
    return spoilage.estimate(intake.read(photo).rgb)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("spoiled", "of"), [(2, 5), (3, 5), (4, 8), (4, 4)])
def test_drawn_spoilage_is_seen_within_the_stated_range(spoiled: int, of: int, seed: int) -> None:
    """Of drawn strawberries the spoiled share is seen, and the stated range holds it."""
    found = estimate(strawberries(spoiled, of, seed))
    assert found.seen
    assert found.share_low - 0.02 <= spoiled / of <= found.share_high + 0.02


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("of", [1, 5, 12])
def test_drawn_sound_goods_show_nothing(of: int, seed: int) -> None:
    """On drawn sound strawberries nothing is seen, calyx, seeds and shadow notwithstanding."""
    assert not estimate(strawberries(0, of, seed)).seen


@pytest.mark.parametrize(("spoiled", "of"), [(1, 5), (2, 8), (0, 6)])
def test_drawn_pieces_are_counted(spoiled: int, of: int) -> None:
    """Loose pieces are counted, and so are the bad ones among them, each within its range."""
    found = estimate(strawberries(spoiled, of, 1))
    assert found.pieces is not None
    assert found.bad_pieces is not None
    assert found.pieces[0] <= of <= found.pieces[1]
    assert found.bad_pieces[0] <= spoiled <= found.bad_pieces[1]


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_empty_pictures_have_no_goods(shade: int) -> None:
    """Plain paper, or a black frame, has no goods on it."""
    assert not estimate_of(np.full((300, 400, 3), shade, dtype=np.uint8)).seen


def estimate_of(rgb: np.ndarray) -> Spoilage:
    """The estimate on pixels."""
    return spoilage.estimate(np.ascontiguousarray(rgb, dtype=np.uint8))


def test_noise_shows_nothing() -> None:
    """A picture of pure noise gets an answer, and it is not that goods are spoiled."""
    noise = np.random.default_rng(1).integers(0, 256, (768, 1024, 3), dtype=np.uint8)
    assert not estimate_of(noise).seen


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (64, 64), (257, 255)])
def test_pictures_of_any_size_are_answered(size: tuple[int, int]) -> None:
    """Strips and single pixels are looked at like any picture."""
    found = estimate_of(np.full((*size, 3), 90, dtype=np.uint8))
    assert 0 <= found.confidence <= 1


def test_ranges_and_regions_keep_their_limits() -> None:
    """The share lies in its range, figures in [0, 1]; at most 12 regions of at most 16 points with three decimals."""
    for photo in (strawberries(5, 12, 3), strawberries(0, 1, 1), strawberries(12, 12, 2)):
        found = estimate(photo)
        assert 0 <= found.share_low <= found.share <= found.share_high <= 1
        assert not found.seen or found.sure
        for regions in (found.regions, found.outlines):
            assert len(regions) <= 12
            for region in regions:
                assert 3 <= len(region) <= 16
                assert all(0 <= v <= 1 and round(v, 3) == v for point in region for v in point)


def test_regions_lie_where_the_rot_is() -> None:
    """With the rotten berries in one half of the picture, what is marked lies there."""
    sound, rotten = (Image.fromarray(intake.read(strawberries(n, 4, 5)).rgb) for n in (0, 4))
    both = Image.new("RGB", (1600, 600))
    both.paste(sound, (0, 0))
    both.paste(rotten, (800, 0))
    found = estimate_of(np.asarray(both))
    assert found.regions
    middles = [sum(x for x, _ in region) / len(region) for region in found.regions]
    assert all(x > 0.5 for x in middles)


def test_the_same_picture_gets_the_same_estimate() -> None:
    """Nothing is kept of one picture for the next."""
    photo = strawberries(2, 5)
    first = estimate(photo)
    estimate(strawberries(0, 12))
    assert estimate(photo) == first


def test_small_goods_are_looked_at_from_nearer() -> None:
    """Where the goods fill little of the picture, a window around them is looked at, and places are still those of the picture."""
    berry = Image.fromarray(intake.read(strawberries(1, 1, 2)).rgb).resize((200, 150))
    far = Image.new("RGB", (900, 900), (236, 236, 234))
    far.paste(berry, (600, 100))
    seen = look(np.asarray(far, dtype=np.uint8))
    assert seen.window != WHOLE
    left, top, right, bottom = seen.window
    assert left > 0.5
    assert bottom < 0.5
    assert left <= seen.place(0, 0)[0] < right
    assert top <= seen.place(0, 0)[1] < bottom


def test_looks_that_disagree_are_not_believed() -> None:
    """One look alone never calls goods spoiled."""
    high = np.full((CELLS, CELLS), 0.97, np.float32)
    clear, unclear = Margin(8.0, 8.0), Margin(8.0, -3.0)
    told = [spoilage.judged(Sight(WHOLE, high, high, high, np.zeros_like(high), (clear, other))) for other in (clear, unclear)]
    assert told[0].seen
    assert not told[1].seen


def test_the_network_is_fed_a_square_of_its_size() -> None:
    """A cell of the answer stands for four pixels of the question."""
    assert SIDE == 4 * CELLS
