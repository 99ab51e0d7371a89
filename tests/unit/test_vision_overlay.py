from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from aftersales.decision import Finding, Source, Verdict
from plugins.vision import overlay

SQUARE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
SPOILED = Finding(
    "vision.spoilage",
    Verdict.PASS,
    "vision.spoiled",
    Source.MODEL,
    0.9,
    (("spoiled_percent", 30), ("spoiled_share", 0.3)),
    regions=(SQUARE,),
)
COUNTED = Finding(
    "vision.pieces",
    Verdict.PASS,
    "vision.counted",
    Source.MODEL,
    0.8,
    (("bad_max", 2), ("bad_min", 1), ("pieces_max", 6), ("pieces_min", 6)),
    regions=(((0.1, 0.1), (0.2, 0.1), (0.2, 0.2)),),
)
GREY = np.full((400, 600, 3), 128, dtype=np.uint8)


def test_nothing_to_mark_is_no_overlay():
    """A copy is made only where a finding has a place on the picture."""
    assert overlay.draw(GREY, (Finding("vision.sharp", Verdict.PASS, "vision.sharp"),)) is None


def test_places_are_outlined_and_the_rest_is_left_alone():
    """The outline lies where the finding says, and what is inside of it can still be seen."""
    drawn = np.asarray(Image.open(BytesIO(overlay.draw(GREY, (SPOILED,)) or b"")))
    assert drawn.shape[1] == 600
    assert np.abs(drawn[100, 150:450].astype(int) - 128).max() > 60  # the upper edge
    assert np.abs(drawn[200, 250:350].astype(int) - 128).max() < 12  # the middle


def test_the_words_stand_below_the_picture():
    """No word covers the goods: the strip with the figures is added below."""
    drawn = Image.open(BytesIO(overlay.draw(GREY, (SPOILED, COUNTED)) or b""))
    assert drawn.height > 400
    assert np.asarray(drawn)[400:].max() > 200


def test_the_words_name_the_figures_in_ascii():
    """What is written on the picture needs no font that a machine may lack."""
    assert overlay.legend(SPOILED) == "spoiled, about 30% of what is visible (90% sure)"
    assert overlay.legend(COUNTED) == "6 pieces, 1-2 of them bad"
    assert overlay.legend(replace(COUNTED, data=COUNTED.data[2:])) == "6 pieces"
    assert overlay.legend(Finding("vision.label", Verdict.PASS, "vision.label_seen", confidence=0.5)).isascii()


def test_the_overlay_carries_no_metadata():
    """A marked copy tells nothing of the phone or the place of the original."""
    drawn = Image.open(BytesIO(overlay.draw(GREY, (SPOILED,)) or b""))
    assert not drawn.getexif()
