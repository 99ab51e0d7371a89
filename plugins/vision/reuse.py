"""Reuse: whether one picture was made from another, or shows the same thing once more.

Three questions, each stricter: do points of both lie on each other (``alignment``), does what lies between and around them agree,
and did nothing change that a filter, a band of writing or a screen does not change (``layout``)? A second photo of the same goods
fails at the last: things in it moved, turned, or are lit from elsewhere.
"""

from __future__ import annotations

from aftersales.photo import Sameness
from plugins.vision.alignment import Alignment, aligned, beyond
from plugins.vision.features import BadFeatures, Features, opened
from plugins.vision.layout import Agreement, compared

_FEW_POINTS = 25  # a picture with fewer shows too little to tell
_LEAST_POINTS = 10
_MOST_OFF = 1.45  # px, rms
_LEAST_PATTERN = 0.82
_MOST_STRANGE = 0.08
_MOST_CHANGE = 1.2
_LEAST_SHARE = 0.02
#: Where points lie on each other but what is around them does not agree, one label is on two photos.
_LEAST_AROUND = 0.65
#: Of two shots of one scene each has at its edge what the other has not.
_MOST_BEYOND, _ONE_SCENE = 0.05, 0.5
#: A second photo of a flat thing is lit otherwise all over.
_MOST_USUAL, _UNCHANGED = 0.03, 0.2
#: Agreement so good is a copy, though it lies in a frame.
_CLEAN_PATTERN, _CLEAN_CHANGE, _CLEAN_USUAL, _CLEAN_POINTS = 0.9, 0.22, 0.015, 12
#: No second photo puts its points so exactly where the first had them: nothing was done but to lay something over it.
_EXACT_PX, _EXACT_POINTS = 0.1, 20
#: A camera that did not move saw two things: hardly any shift, and yet a place that changed.
_STILL_PX, _MOVED_PX, _STILL_CHANGE, _STILL_USUAL = 0.2, 8.0, 0.3, 0.06


def same(features: bytes, others: bytes) -> Sameness:
    """Whether two pictures, by their features, are one; ``same`` is None where too little shows, or the features cannot be read."""
    try:
        one, other = opened(features), opened(others)
    except BadFeatures:
        return Sameness(None)
    how = aligned(one, other)
    agreement = compared(one, other, how) if how else None
    if how is None or agreement is None or _was_moved(one, other, how, agreement) or not _is_copy(len(how.here), how, agreement):
        return _no(one, other, len(how.here) if how else 0)
    points = len(how.here)
    confidence = min(0.99, 0.7 + 0.2 * min(1.0, points / 60) + 0.1 * (agreement.pattern - _LEAST_PATTERN) / (1 - _LEAST_PATTERN))
    return Sameness(True, round(confidence, 3), points, _edits(how, agreement))


def _no(one: Features, other: Features, points: int) -> Sameness:
    """Another picture, unless one of the two shows too little."""
    if min(len(one.at), len(other.at)) < _FEW_POINTS:
        return Sameness(None, 0.0, points)
    return Sameness(False, 0.9 if points < _LEAST_POINTS else 0.7, points)


def _was_moved(one: Features, other: Features, how: Alignment, found: Agreement) -> bool:
    """Whether a camera moved between two shots of one scene: each shows what the other does not, or what is around differs.

    No camera mirrors, so of a mirrored picture this is not asked.
    """
    return not how.mirrored and (beyond(one, other, how) > _MOST_BEYOND or found.around < _ONE_SCENE)


def _is_copy(points: int, how: Alignment, found: Agreement) -> bool:
    if points < _LEAST_POINTS or how.off > _MOST_OFF or found.share < _LEAST_SHARE:
        return False
    if how.off < _EXACT_PX and points >= _EXACT_POINTS:
        return True
    if found.pattern < _LEAST_PATTERN or found.strange > _MOST_STRANGE or found.change > _MOST_CHANGE:
        return False
    if _is_still(how, found) and found.change > _STILL_CHANGE and found.usual < _STILL_USUAL:
        return False
    clean = found.pattern > _CLEAN_PATTERN and found.change < _CLEAN_CHANGE and found.usual < _CLEAN_USUAL
    if clean and points >= _CLEAN_POINTS:
        return True
    return found.around >= _LEAST_AROUND and (found.usual <= _MOST_USUAL or found.change < _UNCHANGED)


def _is_still(how: Alignment, found: Agreement) -> bool:
    """Whether the camera hardly moved. A copy does not move at all, or is moved by an edit, which moves it farther."""
    return not how.mirrored and abs(found.scale - 1) < 0.02 and _STILL_PX < found.shift < _MOVED_PX


def _edits(how: Alignment, found: Agreement) -> tuple[str, ...]:
    """What was done to the picture, as far as it shows."""
    from math import atan2, degrees

    turn = abs(degrees(atan2(how.matrix[1, 0], how.matrix[0, 0])))
    named = {"mirrored": how.mirrored, "turned": turn > 3, "scaled": abs(found.scale - 1) > 0.05, "covered": found.covered > 0.02}
    return tuple(name for name, done in named.items() if done)
