"""Kill -9: parts of the local system die at random moments of a run of 200 claims, and nobody loses or gains a fen."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Semaphore
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
import pytest

from infra.local.client import Client, plain_http, until
from infra.local.engine import installed
from infra.local.home import ROOT
from infra.local.mall import LAMP, STRAWBERRIES, Shop
from infra.local.photos import drawn
from infra.local.system import System

FOUND = installed()
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(FOUND is not None and not FOUND.crash_durable, reason="ministack writes to disk only when stopped in order"),
]
T = TypeVar("T")
U = TypeVar("U")

CLAIMS, CLIENTS = 200, 4
#: How many claims go on while a death is due.
AHEAD = 2 * CLIENTS
#: Which of the claims come with a photo.
PHOTOS = range(7, CLAIMS, 30)
#: Ten times the server or the database or both, and once each of the others.
DEATHS = [("server",)] * 4 + [("engine",)] * 4 + [("engine", "server")] * 2 + [("worker",), ("sandbox",)]
#: Seconds that a client insists, that a photo takes whose job comes back twice, and ticks that look after every refund.
INSISTS_S, VERIFIED_S, TICKS = 40, 45, 10
A_MINUTE_H = 1.1 / 60
ONE_CLICK = {"kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}
PHOTO = {"kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A running system of this test alone."""
    with System(tmp_path / "home") as running:
        yield running


@dataclass
class Tally:
    """What the clients know: the case of each claim as soon as one was acknowledged, claims done, requests sent again."""

    cases: dict[int, str] = field(default_factory=dict)
    done: int = 0
    repeats: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, done: int = 0, repeats: int = 0) -> None:
        """Count."""
        with self._lock:
            self.done += done
            self.repeats += repeats


class Buyer:
    """Somebody who sends a request again under the same key until it is answered, however often the line goes dead."""

    def __init__(self, client: Client, tally: Tally) -> None:
        self._client, self._tally, self._files = client, tally, plain_http()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._files.close()

    def claim(self, number: int) -> None:
        """One click for money back, or a photo that is handed in, for the order of that number."""
        photo = number in PHOTOS
        case = self._post("/cases", {"order_id": f"k-{number}", **(PHOTO if photo else ONE_CLICK)})
        self._tally.cases[number] = case["case_id"]
        if photo:
            self._hand_in(case["case_id"], drawn(100 + number))
        self._tally.add(done=1)

    def _hand_in(self, case_id: str, picture: bytes) -> None:
        place = self._post(f"/cases/{case_id}/evidence", {"kind": "photo", "bytes": len(picture)})
        form = {"data": place["fields"], "files": {"file": ("file", picture, "image/jpeg")}}
        self._insist(lambda: self._files.post(place["url"], **form), "upload")
        self._post(f"/cases/{case_id}/submit")

    def _post(self, path: str, body: Any = None) -> Any:
        key = uuid4().hex
        return self._insist(lambda: self._client.send("POST", path, body, key=key), path).json()

    def _insist(self, send: Callable[[], httpx.Response], what: str) -> httpx.Response:
        said: list[str] = []

        def answered() -> httpx.Response | None:
            try:
                answer = send()
            except httpx.TransportError as error:
                said[:] = [repr(error)]
            else:
                if answer.status_code < 500:
                    return answer
                said[:] = [answer.text]
            self._tally.add(repeats=1)
            return None

        answer = until(answered, lambda: f"{what}: {said}", INSISTS_S)
        assert answer.is_success, f"{what}: {answer.text}"
        return answer


def spread(work: Callable[[T], U], over: Iterable[T]) -> list[U]:
    """``work`` on each, by a handful of threads."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(work, over))


def killer(system: System, tally: Tally, chance: random.Random, permits: Semaphore) -> None:
    """Kill and restart parts in the midst of the claims, each time after some were done and then a few milliseconds more.

    The clients wait for a death that is due: none comes after all is done.
    """
    allowed, moments = 0, sorted(chance.sample(range(1, CLAIMS - AHEAD), len(DEATHS)))
    for at, parts in zip(moments, chance.sample(DEATHS, len(DEATHS)), strict=True):
        permits.release(at + AHEAD - allowed)
        allowed = at + AHEAD
        until(lambda at=at: tally.done >= at, lambda at=at: f"claim {at} was never done", INSISTS_S)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.03))
        for part in parts:
            system.kill(part)
        time.sleep(chance.uniform(0, 0.2))
        for part in parts:
            system.restart(part)
    permits.release(CLAIMS - allowed)


def run(system: System, chance: random.Random) -> Tally:
    """All claims, by clients that insist, while parts die."""
    tally, permits = Tally(), Semaphore(0)

    def client(name: int) -> None:
        with Buyer(system.client("buyer", f"b{name}"), tally) as buyer:
            for number in range(name, CLAIMS, CLIENTS):
                assert permits.acquire(timeout=INSISTS_S), "a part did not come back"
                buyer.claim(number)

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(killer, system, tally, chance, permits)
        spread(client, range(CLIENTS))
        killing.result()
    return tally


def look_after(system: System, cases: Callable[[], list[dict[str, Any]]]) -> int:
    """Wait for the photos; then let minutes go by until the schedules have nothing left to do. How many it took."""
    until(lambda: all(c["state"] != "verifying" for c in cases()), lambda: "photos are still looked at", VERIFIED_S)
    for ticks in range(TICKS):
        if all(case["state"] == "closed" for case in cases()):
            return ticks
        system.tick(A_MINUTE_H)
    return TICKS


def test_two_hundred_claims_survive_everything_dying(system: System) -> None:
    """However often parts die under them: each claim is one case, refunded once, and provider, ledger and timeline agree."""
    seed = int(os.environ.get("KILL_SEED") or random.randrange(2**32))
    print(f"to see the same deaths again: KILL_SEED={seed}")
    shop = Shop(system, "m1")
    sold = spread(lambda n: sell(shop, n), range(CLAIMS))

    for number in PHOTOS:
        drawn(100 + number)  # drawn before anybody dies, which is timed
    tally = run(system, random.Random(seed))

    with system.client("integrator", "mall") as mall:
        all_cases = lambda: spread(lambda n: mall.get(f"/cases/{tally.cases[n]}"), range(CLAIMS))  # noqa: E731 (said once)
        ticks = look_after(system, all_cases)
        cases = all_cases()
        orders = spread(lambda n: mall.get(f"/orders/k-{n}"), range(CLAIMS))
        lines = spread(lambda n: mall.get(f"/cases/{tally.cases[n]}/timeline"), range(CLAIMS))
    truth = system.truth()
    print(f"{len(DEATHS)} deaths, {tally.repeats} requests sent again, {ticks} minutes until all was paid")
    assert tally.repeats > 0
    assert [(c["state"], c["ending"]) for c in cases] == [("closed", "refunded")] * CLAIMS
    amounts = {f"R{case['case_id']}-1": case["amount_minor"] for case in cases}
    assert {key: (r["executed"], r["paid"]) for key, r in truth["refunds"].items()} == {k: (a, a) for k, a in amounts.items()}
    assert truth["total"] == {"executed": sum(amounts.values()), "paid": sum(amounts.values()), "count": CLAIMS}
    for order, pushed, case, line in zip(orders, sold, cases, lines, strict=True):
        assert order["cases"] == [case["case_id"]]
        paid = truth["payments"][pushed["payments"][0]["transaction_id"]]
        assert (paid["count"], order["refundable_minor"]) == (1, paid["total"] - case["amount_minor"])
        events = [step["event"] for step in line["steps"]]
        assert line["intact"]
        assert [events.count(e) for e in ("approved", "refund_reserved", "refund_settled", "settled")] == [1] * 4
    assert system.ended() == []


def sell(shop: Shop, number: int) -> dict[str, Any]:
    """The order that claim ``number`` is about."""
    buyer = f"b{number % CLIENTS}"
    if number in PHOTOS:
        return shop.sell(f"k-{number}", STRAWBERRIES, buyer, signed=2)
    return shop.sell(f"k-{number}", LAMP, buyer)


#: Threads that change as often as Python lets them read, all for the first time, what is read of every request and record.
FIRST_READERS = """
import sys, threading, msgspec, app
from aftersales.testing import builders as made
from infra.local.gateway import build_types
sys.setswitchinterval(1e-6)
if sys.argv[1] == "built":
    build_types(app.ROUTES)
def read(gate, value):
    gate.wait()
    assert msgspec.convert(msgspec.to_builtins(value), type(value)) == value
for value in (made.an_order(), made.a_case(), made.a_refund(), made.a_ledger(), made.a_parcel(), made.an_evidence()):
    gate = threading.Barrier(8)
    readers = [threading.Thread(target=read, args=(gate, value)) for _ in range(8)]
    [r.start() for r in readers], [r.join() for r in readers]
"""


def test_the_first_requests_may_come_at_once() -> None:
    """Types are built before threads read by them: without it, as shown here, the server dies of its first parallel requests."""

    def status(types: str) -> int:
        command = [sys.executable, "-W", "ignore", "-c", FIRST_READERS, types]
        return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=False).returncode

    assert [status("built") for _ in range(3)] == [0] * 3
    assert any(status("not built") for _ in range(5)), "msgspec has learnt it: build_types can go"
