import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.vision import pieces, session, sight
from plugins.vision.pieces import Range, Spot, View, together
from plugins.vision.sight import WHOLE, Sight

ranges = st.none() | st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (min(pair), max(pair)))
views = st.lists(st.builds(View, ranges, ranges, st.lists(st.integers(-2, 8), max_size=3).map(tuple)), max_size=7)
ordered = st.integers(0, 40)


def parts(said: tuple[Range | None, Range | None]) -> list[Range]:
    """The ranges that were told."""
    return [part for part in said if part is not None]


@given(views, ordered)
def test_nobody_has_more_pieces_than_were_ordered(shown: list[View], pieces_ordered: int) -> None:
    """Ranges are in order, not below nought, and stay within the order where it is known."""
    for low, high in parts(together(shown, pieces_ordered)):
        assert 0 <= low <= high
        assert not pieces_ordered or high <= pieces_ordered


@given(views)
def test_what_one_photo_surely_shows_is_there(shown: list[View]) -> None:
    """The least of all photos together is the most that a single one surely shows; the most is no more than their sum."""
    for at, said in enumerate(together(shown, 0)):
        counts = [count for view in shown if (count := (view.pieces, view.bad)[at]) is not None]
        assert (said is None) == (not counts)
        if said is not None:
            assert said[0] == max(low for low, _ in counts)
            assert max(high for _, high in counts) <= said[1] <= sum(high for _, high in counts)


@given(views, ordered, st.randoms(use_true_random=False))
def test_the_order_of_the_photos_does_not_matter(shown: list[View], pieces_ordered: int, chance: object) -> None:
    """However the photos are sorted, the same is counted."""
    order = list(range(len(shown)))
    chance.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    new = {old: at for at, old in enumerate(order)}
    moved = [View(shown[old].pieces, shown[old].bad, tuple(new[like] for like in shown[old].like if like in new)) for old in order]
    assert together(moved, pieces_ordered) == together(shown, pieces_ordered)


@given(views, ordered)
def test_a_photo_sent_twice_counts_once(shown: list[View], pieces_ordered: int) -> None:
    """A copy of the last photo, known as a copy, changes nothing."""
    if not shown:
        return
    last = shown[-1]
    # A place beyond the end would otherwise begin to mean the copy.
    known = [View(view.pieces, view.bad, tuple(like for like in view.like if like < len(shown))) for view in shown]
    copy = View(last.pieces, last.bad, (len(shown) - 1,))
    assert together([*known, copy], pieces_ordered) == together(known, pieces_ordered)


@pytest.mark.parametrize(
    ("shown", "pieces_ordered", "said"),
    [
        ([], 5, (None, None)),
        ([View(None, None)], 5, (None, None)),
        ([View((3, 3), (1, 1)), View((2, 2), (2, 2))], 0, ((3, 5), (2, 3))),
        ([View((3, 3), (1, 1)), View((2, 2), (2, 2), (0,))], 0, ((3, 3), (2, 2))),
        ([View((3, 3), (1, 1)), View((2, 2), (2, 2))], 4, ((3, 4), (2, 3))),
        ([View((9, 12), (3, 4))], 8, ((8, 8), (3, 4))),
        ([View((1, 1), (1, 1)), View((1, 1), (1, 1), (2,)), View((1, 1), (1, 1), (0,))], 0, ((1, 1), (1, 1))),
        ([View((4, 5), None), View(None, (1, 2))], 6, ((4, 5), (1, 2))),
    ],
    ids=["no photo", "not counted", "two scenes", "one scene twice", "within the order", "more than ordered", "a chain", "halves"],
)
def test_photos_of_one_case_are_counted_together(shown: list[View], pieces_ordered: int, said: object) -> None:
    """At least what the fullest photo shows, at most the sum; photos that are alike, even through a third, do not add."""
    assert together(shown, pieces_ordered) == said


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
    return Sight(WHOLE, goods, worse, worse, middle, (0.0, 0.0))


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


def test_a_heap_is_not_counted() -> None:
    """Where many peaks nearly count, it is not clear what is one piece, and no number is told."""
    clear = tuple(Spot(float(x), 1.0, 0.9, 0.0) for x in range(3))
    nearly = tuple(Spot(float(x), 9.0, 0.75 * float(session.card(sight.NAME)["pieces"]["counts"]), 0.0) for x in range(9))
    assert pieces.counted(clear) is not None
    assert pieces.counted((*clear, *nearly)) is None
