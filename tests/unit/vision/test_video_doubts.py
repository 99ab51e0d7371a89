from aftersales.decision import Finding, Source, Verdict
from aftersales.photo import PhotoReport
from plugins.vision.verifier import with_doubts

PLACE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2))
CLEAN = Finding("vision.screen", Verdict.PASS, "vision.not_a_screen", Source.MODEL, 0.9)
SCREEN = Finding("vision.screen", Verdict.UNSURE, "vision.screen", Source.MODEL, 0.8, regions=(PLACE,))
SPOILED = Finding("vision.spoilage", Verdict.PASS, "vision.spoiled", Source.MODEL, 0.95)
UNSURE = Finding("vision.spoilage", Verdict.UNSURE, "vision.unsure", Source.MODEL, 0.5)


def test_a_doubt_about_any_frame_is_a_doubt_about_the_video() -> None:
    """A screen seen on one frame goes to a person, although the frame that shows most looks clean."""
    best, other = PhotoReport((SPOILED, CLEAN)), PhotoReport((UNSURE, SCREEN))
    found = with_doubts(best.findings, [best, other])
    assert [(f.check, f.verdict) for f in found] == [("vision.spoilage", Verdict.PASS), ("vision.screen", Verdict.UNSURE)]
    assert found[1].regions == (), "its place is on another picture"


def test_a_flaw_that_one_frame_does_not_show_is_no_doubt() -> None:
    """What is merely not seen on another frame takes nothing away from the frame that shows it."""
    best = PhotoReport((SPOILED, CLEAN))
    assert with_doubts(best.findings, [best, PhotoReport((UNSURE, CLEAN))]) == (SPOILED, CLEAN)
