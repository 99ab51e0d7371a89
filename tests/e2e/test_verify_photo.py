import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image

from infra.bundle import ROOT
from infra.local.drawn import strawberries

KEYS = {
    "claim_id",
    "decision",
    "reason",
    "valid_evidence",
    "product_match",
    "defect_visible",
    "pieces_visible",
    "bad_pieces",
    "bad_share_of_order",
    "product_label_visible",
    "waybill_visible",
    "duplicate_of",
    "flags",
    "findings",
    "overlay",
    "ms",
}
DECISIONS = {"approve", "approve_partial", "reject", "ask_more", "manual_review"}


def run(claim: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person types it."""
    words = [sys.executable, "-m", "infra.local.cli", "verify-photo", str(claim), "--json", *more]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)


def a_claim(folder: Path, *photos: str, claim_id: str = "c1", **changes: Any) -> Path:
    """A claim on five pieces of strawberries with these photos, as a file."""
    file = folder / f"{claim_id}.json"
    ordered = {"name_zh": "草莓", "name_en": "strawberries", "pieces": 5}
    claim = {"claim_id": claim_id, "ordered": ordered, "claim_text": "烂了", "claimed_reason": "spoiled", "photos": list(photos)}
    file.write_text(json.dumps({**claim, **changes}, ensure_ascii=False), encoding="utf-8")
    return file


def judged(claim: Path, *more: str) -> dict[str, Any]:
    """What the command says, which is always one JSON document with all of its keys."""
    done = run(claim, *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found) >= KEYS
    assert found["decision"] in DECISIONS
    return found


def bomb() -> bytes:
    """A small PNG that claims 60,000 × 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(60_000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def test_hostile_files_are_findings(tmp_path: Path) -> None:
    """Nothing, a page, a cut-off photo, a bomb, a folder, a file that is not there: each is told, and another photo asked for."""
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_text("<!DOCTYPE html>")
    (tmp_path / "cut.jpg").write_bytes(strawberries(2, 5)[:900])
    (tmp_path / "bomb.png").write_bytes(bomb())
    (tmp_path / "folder.jpg").mkdir()
    names = ("empty.jpg", "page.jpg", "cut.jpg", "bomb.png", "folder.jpg", "nowhere.jpg")
    found = judged(a_claim(tmp_path, *names))
    assert (found["decision"], found["valid_evidence"], found["overlay"]) == ("ask_more", False, None)
    told = {Path(f["photo"]).name for f in found["findings"] if f["check"] == "vision.readable" and f["verdict"] == "missing"}
    assert told == set(names)


def test_a_claim_without_photos_asks_for_one(tmp_path: Path) -> None:
    """No photo is no evidence, and the buyer hears what would be."""
    found = judged(a_claim(tmp_path))
    assert (found["decision"], found["valid_evidence"], found["product_match"]) == ("ask_more", False, "unclear")
    assert any("photo" in f["text"].lower() for f in found["findings"] if f["verdict"] == "missing")


def test_every_finding_is_a_sentence_in_both_languages(tmp_path: Path) -> None:
    """No key of a text reaches a person."""
    (tmp_path / "p.jpg").write_bytes(strawberries(2, 5))
    for locale in ("en", "zh-CN"):
        found = judged(a_claim(tmp_path, "p.jpg"), "--locale", locale)
        for finding in found["findings"]:
            assert finding["text"] != finding["reason"], finding["reason"]
            assert 0 <= finding["confidence"] <= 1
            for region in finding["regions"]:
                assert len(region) <= 16
                assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in region)


def test_a_photo_used_before_is_found_and_not_refused(tmp_path: Path) -> None:
    """The same photo in a later claim goes to a person and names the earlier one; a claim judged twice does not accuse itself."""
    (tmp_path / "p.jpg").write_bytes(strawberries(2, 5))
    first = a_claim(tmp_path, "p.jpg", claim_id="first")
    memory = ("--memory", str(tmp_path / "memory"))
    assert judged(first, *memory)["duplicate_of"] is None
    assert judged(first, *memory)["duplicate_of"] is None
    again = judged(a_claim(tmp_path, "p.jpg", claim_id="second"), *memory)
    assert (again["duplicate_of"], again["decision"]) == ("first", "manual_review")
    assert "seen_before" in again["flags"]


def test_one_photo_handed_in_twice_counts_once(tmp_path: Path) -> None:
    """A copy beside its original shows no more pieces than the original alone."""
    (tmp_path / "p.jpg").write_bytes(strawberries(2, 5))
    alone, twice = judged(a_claim(tmp_path, "p.jpg")), judged(a_claim(tmp_path, "p.jpg", "p.jpg"))
    names = ("pieces_visible", "bad_pieces", "bad_share_of_order", "decision")
    assert [alone[n] for n in names] == [twice[n] for n in names]


def test_names_that_no_file_has_are_findings(tmp_path: Path) -> None:
    """A pipe, a name too long, one with a zero in it, one of half a character: each is a photo that is not there."""
    os.mkfifo(tmp_path / "pipe.jpg")
    photos = ["pipe.jpg", "a" * 5000 + ".jpg", "a\0.jpg", "\udcff.jpg", ""]
    claim = a_claim(tmp_path)
    claim.write_text(json.dumps({**json.loads(claim.read_text(encoding="utf-8")), "photos": photos}), encoding="ascii")
    found = judged(claim)
    assert (found["decision"], found["valid_evidence"]) == ("ask_more", False)
    assert [f["reason"] for f in found["findings"] if f["check"] == "vision.readable"] == ["vision.empty"] * 5


def test_a_label_on_one_photo_is_visible_whatever_comes_after_it(tmp_path: Path) -> None:
    """A bar code on the first photo counts, though the second shows fruit alone, and so it does the other way round."""
    (tmp_path / "fruit.jpg").write_bytes(strawberries(2, 5))
    bars = zxingcpp.create_barcode("6901234567892", zxingcpp.BarcodeFormat.EAN13).to_image(scale=4)
    label = Image.new("RGB", (800, 600), (214, 200, 180))
    label.paste(Image.fromarray(np.asarray(bars)).convert("RGB"), (120, 200))
    label.save(tmp_path / "label.png")
    for names in (("label.png", "fruit.jpg"), ("fruit.jpg", "label.png")):
        assert judged(a_claim(tmp_path, *names))["product_label_visible"] is True


def test_a_video_is_known_by_what_it_is(tmp_path: Path) -> None:
    """A video that goes by a photo's name is looked at as a video, and a photo by a video's name as a photo."""
    (tmp_path / "photo.mov").write_bytes(strawberries(2, 5))
    writer = cv2.VideoWriter(str(tmp_path / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for seed in range(12):
        picture = cv2.imdecode(np.frombuffer(strawberries(2, 5, seed // 4), np.uint8), cv2.IMREAD_COLOR)
        writer.write(cv2.resize(np.asarray(picture), (640, 480)))
    writer.release()
    (tmp_path / "video.avi").rename(tmp_path / "video.jpg")
    found = judged(a_claim(tmp_path, "photo.mov", "video.jpg"))
    readable = {Path(f["photo"]).name: f["data"] for f in found["findings"] if f["reason"] == "vision.readable"}
    assert readable["photo.mov"]["format"] == "JPEG"
    assert readable["video.jpg"]["frames"] >= 1


def test_folders_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """A file where a folder is wanted ends with status 2 and says which, and a stranger's memory is passed over."""
    (tmp_path / "p.jpg").write_bytes(strawberries(2, 5))
    (tmp_path / "file").touch()
    for option in ("--memory", "--overlays"):
        done = run(a_claim(tmp_path, "p.jpg"), option, str(tmp_path / "file"))
        assert done.returncode == 2
        assert "file" in json.loads(done.stdout)["detail"]
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "pictures.jsonl").write_text('no line\n{"id": "../../x", "claim": "c", "kinds": [1]}\n[]\n')
    assert judged(a_claim(tmp_path, "p.jpg"), "--memory", str(tmp_path / "memory"))["duplicate_of"] is None


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("not json", "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "object"),
        ('{"claim_id": "c"}', "ordered"),
        ('{"claim_id": "c", "ordered": {"pieces": -1}, "photos": []}', "pieces"),
        ('{"claim_id": "", "ordered": {}, "photos": []}', "claim_id"),
        ('{"claim_id": "\\ud800", "ordered": {}, "photos": []}', "claim_id"),
        ('{"claim_id": "c", "ordered": {}, "photos": "p.jpg"}', "photos"),
    ],
)
def test_a_claim_that_is_none_is_refused_with_what_is_wrong(tmp_path: Path, content: str, named: str) -> None:
    """A file that is no claim ends with status 2 and a problem that names the field."""
    file = tmp_path / "claim.json"
    file.write_text(content)
    done = run(file)
    assert done.returncode == 2
    assert named in json.loads(done.stdout)["detail"]
    assert "Traceback" not in done.stderr
