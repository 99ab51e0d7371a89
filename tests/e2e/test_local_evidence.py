"""Evidence files on the local system: originals on record, videos, and erasure when their time has come."""

from typing import Any

import httpx
import pytest

from infra.local.client import until
from infra.local.mall import STRAWBERRIES, Shop
from infra.local.photos import drawn
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e
system = local.system
CLAIM = {"kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}
DAY = 24.0


@pytest.fixture(scope="module")
def shop(system: System) -> Shop:
    """The backend of shop m1."""
    return Shop(system, "m1")


def fetched(url: str) -> httpx.Response:
    """What a browser gets."""
    return httpx.get(url, trust_env=False, timeout=10)


def files(system: System) -> list[str]:
    """The keys of all stored files."""
    folder = system.home.folder / "files"
    keys = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return sorted(str(key) for key in keys if not key.parts[0].startswith("."))


def rested(system: System, order_id: str) -> dict[str, Any]:
    """A claim on this order with a photo, once it rests."""
    with system.client("buyer", "b1") as buyer:
        case = buyer.claim(drawn(21), order_id=order_id, **CLAIM)
        return buyer.case_in(case["case_id"], "closed", "reviewing", "awaiting_evidence", within_s=60)


def test_a_video_goes_where_a_photo_of_that_size_may_not(system: System, shop: Shop) -> None:
    """Twelve megabytes of video are taken over HTTP and handed in; as a photo there is no place for them."""
    shop.sell("e-video", STRAWBERRIES, "b1", signed=2)
    content = bytes(12 * 1024 * 1024)
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.post("/cases", {"order_id": "e-video", **CLAIM})["case_id"]
        with pytest.raises(Exception, match="400"):
            buyer.upload(case_id, content)
        buyer.upload(case_id, content, "video/mp4", "video")
        buyer.post(f"/cases/{case_id}/submit")
        (piece,) = (e for e in buyer.get(f"/cases/{case_id}")["evidence"] if e["role"] is None)  # the shop's picture is there too
        assert (piece["kind"], len(fetched(piece["url"]).content)) == ("video", len(content))
        buyer.case_in(case_id, "reviewing", "awaiting_evidence", within_s=60)


def test_files_are_opened_on_record_and_erased_in_time(system: System, shop: Shop) -> None:
    """Staff never get the original but by an address on record, for five minutes; ninety days after the end no file is left."""
    shop.sell("e-kept", STRAWBERRIES, "b1", signed=2)
    with system.client("clerk", "wang") as clerk:
        place = clerk.post("/orders/e-kept/proofs", {"bytes": len(drawn(21)), "role": "dispatch"})
        form = {"data": place["fields"], "files": {"file": ("file", drawn(21), "image/jpeg")}}
        assert httpx.post(place["url"], trust_env=False, **form).status_code == 204
        clerk.post(f"/orders/e-kept/proofs/{place['evidence_id']}/hand-in")
    case = rested(system, "e-kept")
    case_id = case["case_id"]
    evidence_id = next(e["evidence_id"] for e in case["evidence"] if e["role"] is None)
    with system.client("approver", "li") as approver:
        assert "evidence%2F" not in str([e["url"] for e in approver.get(f"/cases/{case_id}")["evidence"] if e["role"] is None])
        opened = approver.post(f"/cases/{case_id}/evidence/{evidence_id}/original", {"reason": "to read the label"})
        assert fetched(opened["url"]).content == drawn(21)
        system.tick(0.1)
        assert fetched(opened["url"]).status_code == 401
        if approver.get(f"/cases/{case_id}")["state"] == "reviewing":
            approver.post(f"/merchant/cases/{case_id}/decision", {"outcome": "reject", "reason": "The box was sound."})
    with system.client("buyer", "b1") as buyer:
        assert "original_opened" in [s["event"] for s in buyer.get(f"/cases/{case_id}/timeline")["steps"]]
        system.tick(8 * DAY)
        buyer.case_in(case_id, "closed")
        assert [key for key in files(system) if case_id in key]
        system.tick(91 * DAY)
        until(lambda: buyer.get(f"/cases/{case_id}")["evidence"][0]["erased_at"], lambda: "nothing was erased")
        assert [key for key in files(system) if case_id in key] == []
        assert any("/proofs/" in key for key in files(system)), "the order's proof has a time of its own"
        system.tick(181 * DAY)
        until(lambda: not any("/proofs/" in key for key in files(system)), lambda: "the proof is still there")
