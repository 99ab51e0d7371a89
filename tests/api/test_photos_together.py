"""What several photos of one claim come to together."""

from dataclasses import dataclass, field, replace

import pytest

from aftersales.decision import Finding, Source, Verdict
from aftersales.photo import PhotoQuestion, PhotoReport
from aftersales.testing.builders import an_order
from tests.mall import Mall, Photos


def told(check: str, verdict: Verdict, reason: str, **data: float | str) -> Finding:
    """A model's finding with these figures."""
    return Finding(f"vision.{check}", verdict, f"vision.{reason}", Source.MODEL, 0.9, tuple(sorted(data.items())))


ORDERED = told("product", Verdict.PASS, "product_seen", match="yes")
UNCLEAR = told("product", Verdict.UNSURE, "product_unclear", match="unclear")
ROTTEN = told("spoilage", Verdict.PASS, "spoiled", spoiled_share=0.7, share_low=0.5, share_high=0.9)
A_LITTLE = told("spoilage", Verdict.PASS, "spoiled", spoiled_share=0.25, share_low=0.2, share_high=0.3)
SOUND = told("spoilage", Verdict.UNSURE, "not_seen")


@dataclass
class ByName(Photos):
    """A verifier that says of each photo what the test wrote down for it."""

    script: dict[bytes, tuple[Finding, ...]] = field(default_factory=dict)

    def inspect(self, photo: bytes, question: PhotoQuestion) -> PhotoReport:
        """The findings for these very bytes."""
        return replace(super().inspect(photo, question), findings=self.script[photo])


def state_of(mall: Mall, pieces: int, *photos: tuple[Finding, ...]) -> str:
    """Where a claim on so many of five jin stands once its photos were looked at."""
    script = {f"photo {n}".encode(): findings for n, findings in enumerate(photos)}
    mall.registry.put("photos", ByName(script=script))
    mall.push(an_order())
    case = mall.claim(photo=None, submit=False, items=[{"line_id": "l1", "pieces": pieces}])["case_id"]
    for content in script:
        mall.photo(case, content)
    mall.must("POST", f"/v1/cases/{case}/submit")
    mall.pump()
    return str(mall.case(case)["state"])


def test_rot_of_anything_pays_for_no_sound_goods(mall: Mall) -> None:
    """The ordered goods, sound, on one photo and rot of who knows what on another are no verified claim: a person looks."""
    assert state_of(mall, 1, (ORDERED, SOUND), (UNCLEAR, ROTTEN)) == "reviewing"


@pytest.mark.parametrize(("pieces", "state"), [(1, "closed"), (4, "reviewing")])
def test_a_close_up_does_no_harm_and_adds_nothing(mall: Mall, pieces: int, state: str) -> None:
    """A close-up of who knows what is forgiven beside the ordered goods with their flaw, and its share counts for nothing."""
    assert state_of(mall, pieces, (ORDERED, A_LITTLE), (UNCLEAR, ROTTEN)) == state
