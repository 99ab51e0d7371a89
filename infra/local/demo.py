"""Demo: the claim on spoiled strawberries from photo to money, told and checked step by step; three more; the books; and parcels.

Runs on a home of its own that begins empty (``.local/demo``), and ends non-zero when anything is not as told.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from aftersales.case import Event
from aftersales.change import verify_chain
from aftersales.ledger import Step
from aftersales.query import StepsOf
from infra.local.books import Books
from infra.local.client import Client, until
from infra.local.engine import CannotInstall, EngineFailed, EngineLocked
from infra.local.home import DEFAULT
from infra.local.mall import LAMP, STRAWBERRIES, Shop
from infra.local.photos import NoPhotos, Photo, checked_folder, default_folder, fresh_photo
from infra.local.posted import Posted
from infra.local.story import NotTrue, Story, cny, findings
from infra.local.system import AlreadyRunning, System, SystemFailed

ORDER = "demo-strawberries"
SPOILED = {"order_id": ORDER, "kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}


class Demo:
    """One demo on one fresh system."""

    def __init__(self, system: System) -> None:
        self.system, self.story, self.shop = system, Story(system.home), Shop(system, "m1")
        self.mall = system.client("integrator", "mall")
        self.buyer, self.other = system.client("buyer", "xiaomei"), system.client("buyer", "lao-wang")
        self.store = system.home.registry().store

    # --- act one ------------------------------------------------------------------------------------------------------
    def first_claim(self, photo: Photo) -> None:
        """From the order to the money, and what every party has on record at the end."""
        order = self._order_pushed()
        self._signed()
        self._options()
        case_id = self._drafted()
        self._uploaded(case_id, photo)
        case = self._verified(case_id)
        self._judged(case)
        case = self._refunded(case_id)
        self._told(case)
        self._on_record(case, order)

    def _order_pushed(self) -> dict[str, Any]:
        story = self.story
        story.step("The mall pushes an order: 5 jin of strawberries at CNY 19.90, paid by WeChat Pay")
        order = self.shop.sell(ORDER, STRAWBERRIES, "xiaomei", paid=30, shipped=20)
        said = self.mall.get(f"/orders/{ORDER}")
        story.tell(f"payment {order['payments'][0]['transaction_id']} is in the provider's books; the order is at ours")
        story.tell("and beside it the shop's own picture of the goods, which photos that the model does not know are compared with")
        story.check("CNY 99.50 was paid, and every piece knows its part of it", said["paid_minor"] == 9950, said["paid_minor"])
        story.check("all of it could be refunded", said["refundable_minor"] == 9950, said["refundable_minor"])
        story.stored()
        return order

    def _signed(self) -> None:
        story = self.story
        story.step("The parcel was signed for 2 hours ago; fresh goods bring a notice")
        self.mall.post(f"/orders/{ORDER}/facts", {"fact": "signed", "at": self.shop.ago(2).isoformat()})
        notice = self._notice(self.buyer, ORDER, "")
        story.tell(f"“{notice}”")
        story.check("the buyer was told of the 24 hours", "24 hours" in notice, notice)
        story.stored()

    def _options(self) -> None:
        story = self.story
        story.step("The buyer's page asks what is possible")
        line = self.buyer.get(f"/orders/{ORDER}/options")["lines"][0]
        for offer in line["offers"]:
            if offer["offered"]:
                story.tell(f"{offer['kind']}: up to {cny(offer['max_minor'])}. {offer['rules'][:150]}…")
            else:
                story.tell(f"{offer['kind']}: not now. {' '.join(why['text'] for why in offer['why_not'])}")
        claim = next(o for o in line["offers"] if o["kind"] == "claim")
        story.check("a claim is offered, up to all that was paid", claim["offered"] and claim["max_minor"] == 9950, claim)
        story.check(
            "it needs a photo or a video", [n["kinds"] for n in claim["evidence"]] == [["photo", "video"]], claim["evidence"]
        )

    def _drafted(self) -> str:
        story = self.story
        story.step("A draft: 1 of the 5 jin is spoiled")
        case = self.buyer.post("/cases", SPOILED)
        story.check("it is worth one fifth, CNY 19.90", case["amount_minor"] == 1990, case["amount_minor"])
        story.check("it is a draft, and nothing is held yet", case["state"] == "draft", case["state"])
        story.stored()
        return str(case["case_id"])

    def _uploaded(self, case_id: str, photo: Photo) -> None:
        story = self.story
        story.step(f"The photo goes to the file store by a signed upload: {photo.described}")
        self.buyer.upload(case_id, photo.content)
        evidence = _photos(self.buyer.get(f"/cases/{case_id}"))
        story.check("one photo waits in the case", [e["kind"] for e in evidence] == ["photo"], evidence)
        story.stored()

    def _verified(self, case_id: str) -> dict[str, Any]:
        story = self.story
        story.step("Handed in: the photo is fixed by its hash, the jin is held, and the vision worker looks")
        case = self.buyer.post(f"/cases/{case_id}/submit")
        story.check("the case is being verified", case["state"] == "verifying", case["state"])
        case = self.buyer.case_in(case_id, "settling", "closed", "reviewing", "awaiting_evidence")
        evidence = _photos(case)[0]
        story.tell(f"sha256 {evidence['sha256'][:16]}…", *findings(evidence["findings"]))
        spoilage = next(f for f in evidence["findings"] if f["check"] == "vision.spoilage")
        story.check(f"spoilage was seen, confidence {spoilage['confidence']:.2f}", spoilage["verdict"] == "pass", spoilage)
        reused = next(f for f in evidence["findings"] if f["check"] == "vision.reused")
        story.check("the photo served no other case", reused["verdict"] == "pass", reused)
        overlay = self.system.home.folder / "files" / "overlay" / "m1" / case_id / evidence["evidence_id"]
        story.check(f"a copy with the regions drawn in: {overlay}", overlay.is_file() and evidence["overlay_url"])
        return case

    def _judged(self, case: dict[str, Any]) -> None:
        story, decision = self.story, case["decision"]
        story.step("Judged by the trade's rules and the shop's thresholds, every finding kept")
        story.tell(*findings(decision["findings"]))
        story.tell(f"{decision['outcome'].upper()} by {decision['by']}, rule {decision['rule']}: {decision['reason']}")
        story.check("approved without a person", (decision["outcome"], decision["by"]) == ("approve", "system"), decision)
        story.check("the rule that fired is the small amount's", decision["rule"] == "merchant.small_amount", decision["rule"])
        story.stored()

    def _refunded(self, case_id: str) -> dict[str, Any]:
        story = self.story
        story.step("The refund: reserved with the approval, sent over WeChat Pay's protocol, settled by its signed notice")
        case = self.buyer.case_in(case_id, "closed")
        refund = case["refunds"][0]
        file = self.store.order("m1", ORDER)
        assert file is not None  # it was pushed above
        entries = [e for e in file.ledger.entries if e.key == refund["key"]]
        for entry in entries:
            story.tell(f"ledger {entry.step:9} {cny(entry.minor):>10}  {entry.key}  {entry.at:%H:%M:%S.%f}")
        story.check("the ledger reserved, then settled", [e.step for e in entries] == [Step.RESERVED, Step.SETTLED], entries)
        arrived = (refund["state"], refund["amount_minor"]) == ("settled", 1990)
        story.check(f"CNY 19.90 went to {refund['account']}, number {refund['channel_id']}", arrived, refund)
        # The provider notes that its notice was taken a moment after we have stored what it said.
        told = until(lambda: _delivered(self.system.truth(), refund["key"]), lambda: "the provider's notice was not taken")
        story.check("the provider's signed notice was taken (204)", told[-1]["status"] == 204, told)
        calls = self.system.truth()["calls"]
        story.check("the provider was asked once for the money", calls.get("create") == 1, calls)
        story.stored()
        return case

    def _told(self, case: dict[str, Any]) -> None:
        story = self.story
        story.step("The buyer is told, and the case closes")
        notice = until(lambda: self._notices(self.buyer, ORDER, case["case_id"], "arrived"), lambda: "no notice of the refund")
        story.tell(f"“{notice}”")
        story.check("the notice names the amount", "19.90" in notice, notice)
        story.check("the case is closed as refunded", (case["state"], case["ending"]) == ("closed", "refunded"), case["state"])
        left = self.mall.get(f"/orders/{ORDER}")
        story.check("CNY 79.60 of the order is left", left["refundable_minor"] == 7960, left["refundable_minor"])

    def _on_record(self, case: dict[str, Any], order: dict[str, Any]) -> None:
        story = self.story
        story.step("Who did what: the timeline, each line hashed with the one before")
        for step in self.buyer.get(f"/cases/{case['case_id']}/timeline")["steps"]:
            story.tell(f"{step['seq']:2} {step['at'][11:19]} {step['by']:16} {step['after']:9} {step['chain'][:8]}  {step['text']}")
        steps = self.store.find(StepsOf(case["case_id"]), None, 100).found
        story.check("recomputed, the chain of hashes holds", verify_chain(steps) is None and len(steps) > 5, len(steps))
        story.check("every step is there, to the settlement", steps[-1].event is Event.SETTLED, steps[-1].event)
        story.step("What really was paid: the provider's own books")
        number = order["payments"][0]["transaction_id"]
        books = self.system.truth()["payments"][number]
        story.tell(f"payment {number}: {cny(books['total'])} in, {cny(books['paid'])} back in {books['count']} refund(s)")
        file = self.store.order("m1", ORDER)
        assert file is not None
        story.check("books and ledger agree to the fen", books["paid"] == file.ledger.settled.minor == 1990, books)

    # --- act two ------------------------------------------------------------------------------------------------------
    def other_lanes(self, photo: Photo, second: Photo) -> None:
        """A photo used twice, a late claim, and money back before shipping."""
        story = self.story
        story.step("Another buyer hands in the very same photo")
        self.shop.sell("demo-again", STRAWBERRIES, "lao-wang", signed=1)
        case = self._claimed(self.other, "demo-again", photo)
        self._person(case, "vision.reused")
        story.step(f"A claim 30 hours after signing, with {second.described}")
        self.shop.sell("demo-late", STRAWBERRIES, "lao-wang", signed=30)
        case = self._claimed(self.other, "demo-late", second)
        self._person(case, "fresh.claim_window")
        story.step("A lamp for CNY 60.00 that was not shipped yet: money back, nothing else")
        self.shop.sell("demo-lamp", LAMP, "lao-wang")
        items = [{"line_id": "l1", "pieces": 1}]
        case = self.other.claim(order_id="demo-lamp", kind="refund_only", reason="changed_mind", items=items)
        story.tell(f"{case['decision']['outcome'].upper()}, rule {case['decision']['rule']}: {case['decision']['reason']}")
        story.check("approved at once", case["decision"]["rule"] == "merchant.not_shipped", case["decision"])
        case = self.other.case_in(case["case_id"], "closed")
        story.check("CNY 60.00 has arrived", case["refunds"][0]["state"] == "settled" and case["amount_minor"] == 6000, case)
        total = self.system.truth()["total"]
        story.check("in all, the provider paid CNY 79.90 and not a fen more", total["executed"] == total["paid"] == 7990, total)

    def _claimed(self, buyer: Client, order_id: str, photo: Photo) -> dict[str, Any]:
        case = buyer.claim(photo.content, **{**SPOILED, "order_id": order_id})
        return buyer.case_in(case["case_id"], "reviewing", "settling", "closed", "awaiting_evidence")

    def _person(self, case: dict[str, Any], check: str) -> None:
        story, decision = self.story, case["decision"]
        doubts = [f for f in decision["findings"] if f["verdict"] != "pass"]
        story.tell(*findings(doubts), f"{decision['outcome'].upper()}: {decision['reason']}")
        story.check(f"{check} is the doubt", check in [f["check"] for f in doubts], doubts)
        story.check("a person decides; nobody was refused", (case["state"], decision["outcome"]) == ("reviewing", "person"), case)
        story.tell(f"until {case['deadline']['due_at'][:16]} UTC. {case['deadline']['means']}")

    # --- notices ------------------------------------------------------------------------------------------------------
    def _notice(self, buyer: Client, order_id: str, case_id: str) -> str:
        return until(lambda: self._notices(buyer, order_id, case_id, ""), lambda: f"no notice about {order_id}")

    def _notices(self, buyer: Client, order_id: str, case_id: str, word: str) -> str:
        told = buyer.get("/notices")["notices"]
        fit = [n["text"] for n in told if (n["order_id"], n["case_id"]) == (order_id, case_id) and word in n["text"]]
        return str(fit[0]) if fit else ""


def _photos(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The buyer's evidence; the shop's proofs stand beside it."""
    return [e for e in case["evidence"] if e["role"] is None]


def _delivered(truth: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [d for d in truth["deliveries"] if d["out_refund_no"] == key and d["status"] in (200, 204)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where photos come from and where the demo lives."""
    parser.add_argument("--photos", type=Path, default=None, help="folder of photos of spoiled strawberries")
    parser.add_argument("--home", type=Path, default=DEFAULT / "demo", help="the demo's folder, wiped first (default: .local/demo)")


def main(args: argparse.Namespace) -> int:
    """Play the demo; 0 when everything was as told."""
    begun = time.monotonic()
    try:
        folder = checked_folder(args.photos) if args.photos else default_folder()
        _wipe(args.home)
        with System(args.home, photos=folder, say=print) as system:
            home = system.home
            print(f"The whole system runs on this machine: API {home.url}, database {home.engine_url},")
            print(f"WeChat Pay's sandbox {home.sandbox_url}; everything it keeps is in {home.folder}.")
            demo = Demo(system)
            photo, second = fresh_photo(home, folder), fresh_photo(home, folder)
            demo.first_claim(photo)
            demo.other_lanes(photo, second)
            Books(system, demo.story, demo.shop).play()
            Posted(system, demo.story, demo.shop).play()
    except (NotTrue, TimeoutError) as error:
        print(f"\ndemo: {error}\nThe logs are in {args.home / 'log'}.", file=sys.stderr)
        return 1
    except (SystemFailed, AlreadyRunning, CannotInstall, EngineFailed, EngineLocked, NoPhotos) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\nOK: {demo.story.checks} checks in {time.monotonic() - begun:.1f} s. What was stored is in {home.folder}.")
    return 0


def _wipe(home: Path) -> None:
    """Empty the demo's folder, if it is one and nobody runs on it."""
    if not home.exists():
        return
    if any(home.iterdir()) and not (home / "home.json").exists():
        raise SystemFailed(f"{home} holds something else than a demo; name another folder with --home")
    if System(home).is_running():
        raise AlreadyRunning(f"a system runs on {home}: end it first")
    shutil.rmtree(home)
