"""Videos: handed in, looked at and counted as photos are, within limits of their own."""

from __future__ import annotations

from typing import Any

import pytest

from aftersales.decision import Finding, Source, Verdict
from functions import evidence, follow
from tests.mall import SEEN, Mall

MIB = 1024 * 1024
VIDEO = {"kind": "video", "content_type": "video/mp4"}
BLURRED = Finding("vision.sharp", Verdict.MISSING, "vision.too_blurred", Source.MODEL, 0.9)


def with_video(mall: Mall, photo: bytes | None = None) -> str:
    """A claim with a video, and a photo unless None, handed in; the case's id."""
    case_id = mall.claim(photo=photo, submit=False)["case_id"]
    mall.piece(case_id, b"a video", VIDEO)
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    return str(case_id)


def test_a_video_supports_a_claim_like_a_photo(mall: Mall) -> None:
    """A video whose frames show the flaw is enough: the claim waits for it to be looked at, and is paid."""
    case_id = with_video(mall)
    assert mall.case(case_id)["state"] == "verifying"
    mall.pump()
    done = mall.case(case_id)
    assert (done["ending"], mall.photos.watched) == ("refunded", [b"a video"])
    assert [e["state"] for e in done["evidence"]] == ["verified"]


def test_a_claim_is_judged_once_photo_and_video_were_looked_at(mall: Mall) -> None:
    """Whichever comes last decides."""
    case_id = with_video(mall, b"a photo")
    for piece in mall.store.case(case_id).evidence:
        assert mall.case(case_id)["state"] == "verifying"
        assert evidence.verify(mall.registry, case_id, piece.evidence_id)
        assert not evidence.verify(mall.registry, case_id, piece.evidence_id), "a piece is looked at once"
    assert mall.case(case_id)["state"] == "settling"


def test_an_unusable_photo_is_forgiven_beside_a_usable_video(mall: Mall) -> None:
    """A blurred photo costs nothing once a video shows the same."""
    case_id = with_video(mall, b"a photo")
    by_kind = {"photo": (BLURRED,), "video": (SEEN,)}
    for job in _jobs(mall):
        piece = next(e for e in mall.store.case(case_id).evidence if e.evidence_id == job["evidence_id"])
        mall.photos.findings = by_kind[piece.kind]
        follow.verify_photo(mall.registry, job)
    mall.pump()
    assert mall.case(case_id)["ending"] == "refunded"


def _jobs(mall: Mall) -> list[dict[str, Any]]:
    """The jobs that the stream hands to the photo queue, taken from it."""
    fresh, mall.told = mall.store.records[mall.told :], len(mall.store.records)
    assert follow.follow(mall.registry, fresh) == []
    found = []
    while jobs := mall.queue.receive(follow.PHOTO_QUEUE):
        for job in jobs:
            found.append(dict(job.body))
            mall.queue.done(follow.PHOTO_QUEUE, job)
    return found


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"bytes": 50 * MIB, **VIDEO}, 201, id="a video of the largest size"),
        pytest.param({"bytes": 50 * MIB + 1, **VIDEO}, 400, id="a byte more"),
        pytest.param({"bytes": 10 * MIB}, 201, id="a photo of the largest size"),
        pytest.param({"bytes": 10 * MIB + 1}, 400, id="a photo as large as a video"),
        pytest.param({"bytes": 9, "kind": "video", "content_type": "image/jpeg"}, 400, id="a picture as a video"),
        pytest.param({"bytes": 9, "kind": "photo", "content_type": "video/mp4"}, 400, id="a video as a photo"),
    ],
)
def test_each_kind_has_its_size(mall: Mall, body: dict[str, Any], status: int) -> None:
    """A video may be larger than a photo, and the upload is signed for what was said, not for more."""
    case_id = mall.claim(submit=False)["case_id"]
    reply = mall.send("POST", f"/v1/cases/{case_id}/evidence", body)
    assert reply.status == status, reply.text
    if status == 201:
        assert reply.json["max_bytes"] == body["bytes"]


def test_a_case_takes_three_videos(mall: Mall) -> None:
    """Handing in reads each of them whole within one request."""
    case_id = mall.claim(submit=False)["case_id"]
    path = f"/v1/cases/{case_id}/evidence"
    for _ in range(3):
        mall.must("POST", path, {"bytes": 9, **VIDEO})
    assert mall.send("POST", path, {"bytes": 9, **VIDEO}).json["code"] == "conflict"
    assert mall.send("POST", path, {"bytes": 9}).status == 201
