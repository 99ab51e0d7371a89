import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aftersales.decision import Finding, Verdict
from aftersales.errors import BadSettings
from aftersales.photo import PhotoQuestion
from aftersales.ports import PhotoVerifier
from aftersales.shown import SPOILAGE
from aftersales.text import text, texts_of
from infra.local.drawn import strawberries
from plugins import vision
from plugins.vision.verifier import Verifier
from verticals.fresh.rules import VISIBLE

ROTTEN = PhotoQuestion("Strawberries", "fruit", "fresh", "spoiled")
SHORT = PhotoQuestion("Strawberries", "fruit", "fresh", "short_weight")
PHONE = PhotoQuestion("Phone", "phones", "general", "spoiled")


def flat(shade: int) -> bytes:
    """A photo of one shade of grey."""
    out = BytesIO()
    Image.fromarray(np.full((600, 800, 3), shade, dtype=np.uint8)).save(out, "JPEG")
    return out.getvalue()


def checks(photo: bytes, question: PhotoQuestion = ROTTEN) -> dict[str, Finding]:
    """The findings by check."""
    return {f.check: f for f in Verifier().inspect(photo, question).findings}


def test_a_supported_claim_passes_every_check() -> None:
    """A good photo of spoiled fruit shows the flaw, with the share and its range for the fresh trade's rules."""
    found = checks(strawberries(2, 5))
    assert {f.verdict for check, f in found.items() if check != "vision.product"} == {Verdict.PASS}
    data = dict(found[SPOILAGE].data)
    assert 0 < float(data["share_low"]) <= float(data["spoiled_share"]) <= float(data["share_high"]) <= 1


def test_what_is_not_seen_goes_to_a_person() -> None:
    """Sound fruit on the photo leaves the claim to a person: unsure, no share, never a fail."""
    report = Verifier().inspect(strawberries(0, 5), ROTTEN)
    found = {f.check: f for f in report.findings}[SPOILAGE]
    assert found.verdict is Verdict.UNSURE
    assert report.spoiled_share is None
    assert "spoiled_share" not in dict(found.data)


@pytest.mark.parametrize("question", [SHORT, PHONE], ids=["other_reason", "other_trade"])
def test_spoilage_is_looked_for_only_where_it_is_claimed(question: PhotoQuestion) -> None:
    """Other trades and reasons get quality and print, and no word about rot."""
    report = Verifier().inspect(strawberries(3, 5), question)
    assert "vision.spoilage" not in {f.check for f in report.findings}
    assert len(report.print) == 16
    assert (report.overlay, report.spoiled_share) == (None, None)


def test_the_reasons_are_those_of_the_fresh_trade() -> None:
    """Spoilage is looked for where the fresh trade says that a photo shows the flaw."""
    assert set(Verifier().spoilage_reasons["fresh"]) == VISIBLE


def test_reasons_are_a_setting() -> None:
    """Another trade can ask for spoilage as well."""
    verifier = vision.build({"spoilage_reasons": {"general": ["spoiled"]}})
    assert verifier.inspect(strawberries(2, 5), PHONE).spoiled_share


def test_a_useless_photo_is_asked_for_again_and_not_judged() -> None:
    """Of a photo that is too dark nothing is said but that, and all such photos do not look like one reused photo."""
    report = Verifier().inspect(flat(3), ROTTEN)
    assert [f.reason for f in report.findings if f.verdict is Verdict.MISSING] == ["vision.too_dark"]
    assert "vision.spoilage" not in {f.check for f in report.findings}
    assert report.print == ""


def test_several_troubles_are_told_at_once() -> None:
    """A buyer learns everything that is wrong with a photo, not one thing after the other."""
    out = BytesIO()
    Image.fromarray(np.full((100, 100, 3), 3, dtype=np.uint8)).save(out, "PNG")
    missing = {f.reason for f in checks(out.getvalue()).values() if f.verdict is Verdict.MISSING}
    assert missing == {"vision.too_small", "vision.too_dark"}


@pytest.mark.parametrize(
    "settings",
    [
        {"max_bytes": "many"},
        {"max_bytes": 0},
        {"max_byte": 5},
        {"spoilage_reasons": ["spoiled"]},
        {"spoilage_reasons": {"fresh": 5}},
    ],
    ids=["no_number", "nothing_allowed", "unknown_name", "a_list", "no_codes"],
)
def test_wrong_settings_are_refused_when_the_plugin_is_built(settings: dict[str, Any]) -> None:
    """A wrong setting fails at the start, not on the first photo."""
    with pytest.raises(BadSettings):
        vision.build(settings)


def test_the_limit_on_bytes_is_a_setting() -> None:
    """A stage can allow less than the default."""
    verifier: PhotoVerifier = vision.build({"max_bytes": "1000"})
    assert verifier.inspect(strawberries(1, 5), ROTTEN).findings[0].reason == "vision.too_many_bytes"


def test_building_loads_nothing_heavy() -> None:
    """Building the plugin imports no numpy, OpenCV or Pillow; only the first photo does."""
    code = (
        "import sys; from plugins import vision; vision.build({}); print([m for m in ('numpy', 'cv2', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    """Every reason that the code can give is explained to the buyer, and no sentence is left over."""
    plugin = Path(vision.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in (*plugin.glob("*.py"), plugin.parents[1] / "functions/reuse.py"))
    tables = texts_of("plugins.vision")
    assert set(tables) == {"zh-CN", "en"}
    assert set(tables["zh-CN"]) == set(tables["en"])
    # Checks whose name is no reason, and what is said of reuse, which the use case words.
    alone = "spoilage|product|pieces|parcel|label|text|reused|stock|time|dispatch"
    no_reasons = re.compile(rf"vision\.({alone}|(not_)?seen_before|seen_in_this_order)")
    given = {name for name in re.findall(r'"(vision\.[a-z_]+)"', source) if not no_reasons.fullmatch(name)}
    assert given <= set(tables["en"])
    for reason in tables["en"]:
        assert re.search(rf"\b{reason.removeprefix('vision.')}\b", source), reason


def test_the_sentence_tells_the_share() -> None:
    """The figures of a finding fill the places of its sentence."""
    seen = checks(strawberries(2, 5))["vision.spoilage"]
    told = text("plugins.vision", seen.reason, "en", **dict(seen.data))
    assert f"about {dict(seen.data)['spoiled_percent']}% of" in told
