import numpy as np

from plugins.vision import pieces, session, sight
from plugins.vision.pieces import Spot
from plugins.vision.sight import WHOLE, Margin, Sight


def drawn(middles: list[tuple[int, int]], bad: tuple[int, ...] = ()) -> Sight:
    """A sight with round pieces of radius 4 at these cells (x, y)."""
    rows, columns = np.mgrid[:64, :64]
    goods, worse, middle = (np.zeros((64, 64), np.float32) for _ in range(3))
    for at, (x, y) in enumerate(middles):
        far = (columns - x) ** 2 + (rows - y) ** 2
        goods[far < 16] = 0.95
        middle = np.maximum(middle, 0.9 * np.exp(-far / 3)).astype(np.float32)
        if at in bad:
            worse[far < 16] = 0.95
    even = Margin(0.0, 0.0)
    return Sight(WHOLE, goods, worse, worse, middle, (even, even))


def test_each_peak_is_a_piece_and_knows_whether_it_is_bad() -> None:
    """Five apart are five, and the two in the bad area are the bad ones."""
    found = pieces.spots(drawn([(8, 8), (24, 8), (40, 8), (8, 40), (40, 40)], bad=(1, 3)))
    assert sorted((round(s.x - 0.5), round(s.y - 0.5)) for s in found if s.bad > 0.5) == [(8, 40), (24, 8)]
    count = pieces.counted(found)
    assert count is not None
    assert count[0] <= 5 <= count[1]
    bad = pieces.counted_bad(found, count, seen=True)
    assert bad is not None
    assert bad[0] <= 2 <= bad[1] <= count[1]


def test_nothing_is_not_counted() -> None:
    """Without peaks there is no count, of bad pieces neither."""
    assert pieces.counted(()) is None
    assert pieces.counted_bad((), None, seen=True) is None


def test_bad_pieces_stay_within_the_pieces() -> None:
    """However bad all look, there are not more bad pieces than pieces; where spoilage is not seen any number may be bad."""
    found = tuple(Spot(float(x), 1.0, 0.9, 0.99) for x in range(0, 40, 8))
    count = pieces.counted(found)
    bad = pieces.counted_bad(found, count, seen=True)
    assert count is not None
    assert bad is not None
    assert 1 <= bad[0] <= bad[1] <= count[1]
    assert pieces.counted_bad(found, count, seen=False) == (0, count[1])


def test_pieces_in_doubt_make_the_range_of_bad_ones_wider() -> None:
    """Of six pieces, three surely bad are told more narrowly than six of which each may be."""
    clear = tuple(Spot(8.0 * x, 1.0, 0.9, 0.99 if x < 3 else 0.01) for x in range(6))
    doubt = tuple(Spot(8.0 * x, 1.0, 0.9, 0.5) for x in range(6))
    count = pieces.counted(clear)
    ranges = [pieces.counted_bad(found, count, seen=True) for found in (clear, doubt)]
    (low, high), (lower, higher) = (bad or (0, 0) for bad in ranges)
    assert low <= 3 <= high
    assert lower <= 3 <= higher
    assert high - low < higher - lower


def test_a_heap_is_not_counted() -> None:
    """Where many peaks nearly count, it is not clear what is one piece, and no number is told."""
    clear = tuple(Spot(float(x), 1.0, 0.9, 0.0) for x in range(3))
    nearly = tuple(Spot(float(x), 9.0, 0.75 * float(session.card(sight.NAME)["pieces"]["counts"]), 0.0) for x in range(9))
    assert pieces.counted(clear) is not None
    assert pieces.counted((*clear, *nearly)) is None
