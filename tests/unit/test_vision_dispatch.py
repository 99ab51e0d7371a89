from plugins.vision.dispatch import Side, judge

MANGO = Side("mango", (1.0, 0.0))


def reason(here: Side, *before: Side) -> str:
    """What is said of the buyer's photo beside the merchant's."""
    (found,) = judge(here, before)
    return f"{found.verdict} {found.reason}"


def test_without_a_dispatch_photo_nothing_is_said():
    """A merchant who took no photo gains nothing and loses nothing."""
    assert judge(MANGO, ()) == ()


def test_goods_that_were_sound_when_they_left_are_worse_now():
    """Sound at dispatch and spoiled on arrival supports the claim."""
    assert reason(Side("mango", (0.9, 0.1), 0.6), MANGO) == "pass vision.worse_than_dispatched"


def test_goods_that_were_bad_already_are_as_dispatched():
    """What the merchant's own photo shows is no surprise on the buyer's."""
    assert reason(Side("mango", (0.9, 0.1), 0.6), Side("mango", (1.0, 0.0), 0.55)) == "pass vision.as_dispatched"


def test_other_goods_go_to_a_person():
    """Different goods on the two photos are a doubt, never a refusal."""
    assert reason(Side("strawberry", (0.0, 1.0), 0.6), MANGO) == "unsure vision.unlike_dispatched"


def test_the_most_alike_of_several_photos_counts():
    """A photo of the packing list beside one of the goods does no harm."""
    paper = Side("none", (0.0, 1.0))
    assert reason(Side("mango", (0.9, 0.1), 0.6), paper, MANGO) == "pass vision.worse_than_dispatched"
