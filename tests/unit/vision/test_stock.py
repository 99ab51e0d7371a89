import pytest

from aftersales.decision import Verdict
from plugins.vision.stock import look


@pytest.mark.parametrize(
    "line",
    [
        "shutterstock",
        "Shutter stock.com · 1234567",
        "dreamstime.com",
        "gettyimages®",
        "视觉中国",
        "VCG.COM",
        "摄 图 网",
        "alamy",
        "123RF",
    ],
)
def test_agencies_names_are_known(line: str) -> None:
    """A picture agency's name on the picture asks for a person, whatever its case and spacing."""
    found = look(["500g", line])
    assert found.verdict is Verdict.UNSURE
    assert found.reason == "vision.watermark"


@pytest.mark.parametrize(
    "lines", [(), ("新鲜草莓 500g",), ("ALAMYA 有机", "收件人 王"), ("stock: 12 pcs", "getty street 5"), ("freezer pack",)]
)
def test_other_words_are_no_watermark(lines: tuple[str, ...]) -> None:
    """Labels, waybills and pictures without words pass."""
    assert look(lines).reason == "vision.no_watermark"
