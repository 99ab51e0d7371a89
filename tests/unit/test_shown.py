from hypothesis import given
from hypothesis import strategies as st

from aftersales.decision import Finding, Source, Verdict
from aftersales.shown import Shown, View, together, view, views_of
from aftersales.testing.builders import an_evidence

counts = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda p: (min(p), max(p)))
shares = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda p: (min(p), max(p)))
views = st.lists(st.builds(View, st.none() | counts, st.none() | counts, st.none() | shares), max_size=5)


def seen(check: str, **data: str | float | bool) -> Finding:
    """A passing finding with these figures."""
    return Finding(f"vision.{check}", Verdict.PASS, f"vision.{check}", Source.MODEL, 0.9, tuple(sorted(data.items())))


def test_a_photo_tells_its_figures():
    """A photo's view is what its passing findings say, ranges kept as ranges."""
    counted = seen("pieces", pieces_min=4, pieces_max=6, bad_min=1, bad_max=2)
    spoiled = seen("spoilage", spoiled_share=0.2, share_low=0.1, share_high=0.3)
    assert view((counted, spoiled)) == View((4, 6), (1, 2), (0.1, 0.3))


def test_a_flaw_that_is_seen_is_on_one_piece_at_least():
    """Where spoilage is seen no count makes the bad pieces none; where it is not seen, none of them is counted."""
    counted = seen("pieces", pieces_min=1, pieces_max=1, bad_min=0, bad_max=0)
    assert view((counted, seen("spoilage", spoiled_share=0.5))).bad == (1, 1)
    assert view((counted,)).bad is None


def test_doubts_and_nonsense_tell_nothing():
    """A finding that does not pass, and figures outside their range, are not taken for evidence."""
    doubted = Finding("vision.spoilage", Verdict.UNSURE, "vision.unsure", Source.MODEL, 0.4, (("spoiled_share", 0.5),))
    broken = seen("pieces", pieces_min=4, pieces_max=2, bad_min=-1, bad_max=1)
    assert view((doubted, broken, seen("spoilage", spoiled_share=7.0))) == View()


def test_a_lone_estimate_becomes_a_range():
    """An estimate without bounds may be half or double of what is there."""
    assert view((seen("spoilage", spoiled_share=0.2),)).share == (0.1, 0.4)


def test_one_bad_piece_of_twelve_is_one_twelfth():
    """A photo of the one bad apple alone supports one of the twelve that were ordered, not all of them."""
    assert together([View((1, 1), (1, 1), (0.3, 0.9))], 12).share == (1 / 12, 1 / 12)


def test_copies_of_a_picture_are_one_view():
    """Of copies of a picture one is taken, whichever of them was found to be a copy, or where the files are the same bytes."""
    bad = seen("pieces", pieces_min=1, pieces_max=1, bad_min=1, bad_max=1)
    copy = Finding("vision.reused", Verdict.PASS, "vision.not_seen_before", Source.MODEL, 0.9, (("copies", "e9, e1"),))
    first, again = an_evidence(findings=(bad,)), an_evidence(evidence_id="e2", findings=(bad, copy))
    other = an_evidence(evidence_id="e3", findings=(bad,))
    assert [len(views_of(given)) for given in ((first, again), (again, first), (first, other), (again, other))] == [1, 1, 2, 2]
    same = (an_evidence(sha256="ab", findings=(bad,)), an_evidence(evidence_id="e2", sha256="ab", findings=(bad,)))
    assert len(views_of(same)) == 1


def test_two_photos_of_one_apple_stay_possible():
    """Two photos with a bad piece each are at least one bad piece and at most two."""
    shown = together([View((1, 1), (1, 1), (0.5, 1)), View((1, 1), (1, 1), (0.5, 1))], 12)
    assert (shown.bad, shown.share) == ((1, 2), (1 / 12, 2 / 12))


def test_goods_by_weight_are_measured_by_the_widest_photo():
    """Where more is seen than pieces were ordered, or weight was ordered, the photo with most pieces stands for the whole."""
    box, close = View((20, 25), (4, 5), (0.1, 0.3)), View((2, 2), (2, 2), (0.8, 1))
    assert together([close, box], 5).share == (4 / 25, 5 / 20)
    assert together([close, box]).share == (4 / 25, 5 / 20)


def test_pieces_that_nobody_counted_say_nothing_of_the_order():
    """Of twelve apples a part of what is visible says nothing; of one apple, or of goods by weight, it does."""
    uncounted = View(None, None, (0.2, 0.4))
    assert together([uncounted], 12).share is None
    assert together([uncounted], 1).share == (0.2, 0.4)
    assert together([uncounted]).share == (0.2, 0.4)


def test_nothing_told_is_nothing_shown():
    """Without a figure nothing is made up."""
    assert together([View(), View()], 5) == Shown(None, None, None)


@given(views, st.integers(0, 30))
def test_what_is_shown_makes_sense(given_views: list[View], ordered: int):
    """Whatever the photos say: at least ≤ at most, bad ones ≤ pieces, and a share in [0, 1]."""
    shown = together(given_views, ordered)
    for low, high in (r for r in (shown.pieces, shown.bad, shown.share) if r):
        assert 0 <= low <= high
    if shown.pieces and shown.bad:
        assert shown.bad[1] <= shown.pieces[1]
    assert shown.share is None or shown.share[1] <= 1


@given(views, st.integers(1, 30))
def test_another_photo_never_takes_certainty_away(given_views: list[View], ordered: int):
    """What is certain on one photo stays certain however many others are handed in."""
    for alone in given_views:
        if alone.pieces:
            both = together(given_views, ordered)
            assert both.pieces is not None
            assert both.pieces[0] >= alone.pieces[0]


@given(views, st.integers(1, 30))
def test_no_more_bad_pieces_than_were_ordered(given_views: list[View], ordered: int):
    """The possible bad pieces never exceed the order, unless one photo certainly shows more."""
    bad = together(given_views, ordered).bad
    assert bad is None or bad[1] <= ordered or bad[0] > ordered
