"""Many at once, on the durable engine: exact results, without a tolerance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from aftersales.decision import Finding, Source, Verdict
from aftersales.entry import Payout
from aftersales.order import Payment
from aftersales.query import SpentOf, StepsOf
from aftersales.refund import Refund, case_of
from aftersales.testing.builders import a_line, a_merchant, a_payment
from aftersales.testing.channel import Outcome
from functions import callbacks, refunds, sweep
from functions.follow import PHOTO_QUEUE, verify_photo
from infra.local.engine import Engine
from infra.local.sandbox import Keys, Sandbox
from plugins.dynamodb_store import build as build_store
from plugins.dynamodb_store.schema import create
from plugins.wechatpay_refund import build as build_channel
from tests.mall import Mall, Reply

pytestmark = pytest.mark.e2e
T = TypeVar("T")
DOUBT = Finding("vision.spoilage", Verdict.UNSURE, "vision.not_clear", Source.MODEL, 0.4)
ROUNDS = 8


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database on disk."""
    with Engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def mall(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Mall]:
    """A mall on an empty table."""
    table = f"races-{abs(hash(request.node.nodeid))}"
    store = build_store({"table": table, "phone_key": "k", "endpoint": engine.endpoint})
    create(store.client, table)
    yield Mall(store=store)
    store.client.close()


def at_once(works: Iterable[Callable[[], T]]) -> list[T]:
    """What each of them gives, all begun at the same moment."""
    works = list(works)
    gate = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        gate.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def ten_pieces(mall: Mall, order_id: str = "o1", payments: tuple[Payment, ...] = ()) -> None:
    """An order of ten pieces at CNY 33.33, paid and not shipped."""
    lines = (a_line(vertical="general", unit_price_minor=3_333, pieces=10),)
    payments = payments or (a_payment(transaction_id=f"42-{order_id}", paid_minor=33_330),)
    mall.push(order_id=order_id, status="paid", lines=lines, payments=payments)


def asks(mall: Mall, order_id: str = "o1", pieces: int = 1, submit: bool = True, key: str | None = None) -> Reply:
    """One request for the money of some pieces."""
    items = [{"line_id": "l1", "pieces": pieces}]
    body = {"order_id": order_id, "kind": "refund_only", "reason": "changed_mind", "items": items, "submit": submit}
    return mall.send("POST", "/v1/cases", body, key=key)


def paid_out(mall: Mall, pollers: int = 2) -> None:
    """A minute later several pollers at once call for what was reserved."""
    mall.clock.move(timedelta(minutes=1))
    tallies = at_once([partial(sweep.poll_refunds, mall.registry)] * pollers)
    assert [t.failed for t in tallies] == [0] * pollers


def events(mall: Mall, case_id: str) -> list[str]:
    """What happened to the case."""
    return [step.event for step in mall.store.find(StepsOf(case_id), None, 100).found]


def outcomes(replies: Iterable[Reply]) -> Counter[str]:
    """How many were done, and how many were refused with which code."""
    return Counter("done" if r.status < 300 else r.json["code"] for r in replies)


def test_twenty_one_tenths_are_ten(engine: Engine, mall: Mall) -> None:
    """Twenty threads ask for 10 % each and one more does: ten get it, and the provider has paid exactly what was paid."""
    with Sandbox(keys=Keys.fresh(), gap_s=0) as sandbox:
        channel = build_channel(sandbox.settings())
        mall.registry.put("channel:wechatpay", channel)
        payments = _two_payments(20_000, 33_330)
        for payment in payments:
            sandbox.pay(payment.transaction_id, payment.paid_minor)
        ten_pieces(mall, payments=payments)

        replies = at_once([partial(asks, mall)] * 21)

        assert outcomes(replies) == {"done": 10, "pieces_taken": 11}
        paid_out(mall)
        truth = sandbox.truth()
        channel.close()
    assert {number: p["executed"] for number, p in truth["payments"].items()} == {p.transaction_id: p.paid_minor for p in payments}
    order = mall.store.order("m1", "o1")
    assert order.ledger.settled == order.ledger.spent == order.ledger.paid
    assert sorted(u for hold in order.ledger.holds for u in hold.units) == [(n, n + 1) for n in range(10)]
    cases = [mall.case(r.json["case_id"]) for r in replies if r.status == 201]
    assert {c["ending"] for c in cases} == {"refunded"}
    assert {events(mall, c["case_id"]).count("settled") for c in cases} == {1}


def _two_payments(first: int, due: int) -> tuple[Payment, ...]:
    one = a_payment(transaction_id="4200000000202611220000000001", paid_minor=first)
    return one, a_payment(payment_id="p2", transaction_id="4200000000202611220000000002", paid_minor=due - first)


@pytest.mark.parametrize("n", range(ROUNDS))
def test_two_cases_on_one_piece_are_one(mall: Mall, n: int) -> None:
    """Two drafts about the last piece are handed in at once: one is taken, the other is told that the piece is."""
    ten_pieces(mall)
    assert asks(mall, pieces=9).status == 201
    drafts = [asks(mall, submit=False).json["case_id"] for _ in range(2)]
    replies = at_once(partial(mall.send, "POST", f"/v1/cases/{case_id}/submit") for case_id in drafts)
    assert outcomes(replies) == {"done": 1, "pieces_taken": 1}
    assert mall.must("GET", "/v1/orders/o1")["lines"][0]["pieces_free"] == 0


def test_the_same_post_ten_times_is_one_case(mall: Mall) -> None:
    """Ten threads send one request with one Idempotency-Key: one case, ten times the same answer, word for word."""
    ten_pieces(mall)
    replies = at_once([partial(asks, mall, key="one-click-0001")] * 10)
    assert {(r.status, r.text) for r in replies} == {(201, replies[0].text)}
    assert mall.store.order("m1", "o1").cases == (replies[0].json["case_id"],)
    paid_out(mall)
    assert mall.channel.truth == {f"R{replies[0].json['case_id']}-1": 3_333}


def test_the_same_key_for_another_request_is_refused(mall: Mall) -> None:
    """Five of ten threads use the key for one piece, five for two: one case, and the others learn that the key is taken."""
    ten_pieces(mall)
    replies = at_once(partial(asks, mall, pieces=1 + n % 2, key="one-click-0001") for n in range(10))
    assert outcomes(replies) == {"done": 5, "idempotency_mismatch": 5}
    assert len(mall.store.order("m1", "o1").cases) == 1


def test_two_sweepers_are_one(mall: Mall) -> None:
    """Fifty silent cases, two sweeps at once: each advances once, with one step on record and not one step further (T65)."""
    reviewed, looked_at = fifty_silent_cases(mall)

    tallies = at_once([partial(sweep.sweep, mall.registry)] * 2)

    assert [t.failed for t in tallies] == [0, 0]
    assert sum(t.advanced for t in tallies) == 50
    states = {case_id: mall.store.case(case_id).case.state for case_id in reviewed + looked_at}
    assert Counter(states.values()) == {"settling": 30, "reviewing": 20}
    assert {events(mall, case_id).count("deadline_passed") for case_id in states} == {1}
    assert {len(mall.store.case(case_id).case.approvals) for case_id in reviewed} == {1}

    paid_out(mall)
    assert mall.channel.truth == {f"R{case_id}-1": 3_333 for case_id in reviewed}
    for case_id in reviewed:
        done = Counter(events(mall, case_id))
        assert (done["refund_reserved"], done["refund_settled"], done["settled"]) == (1, 1, 1)
        assert mall.store.case(case_id).case.state == "closed"


def fifty_silent_cases(mall: Mall) -> tuple[list[str], list[str]]:
    """Thirty cases on which the shop was silent, and twenty on which verification was, all due at the same moment."""
    reviewed = []
    for n in range(30):
        ten_pieces(mall, order_id=f"o{n}")
        at = (mall.clock.now() - timedelta(minutes=1)).isoformat()
        mall.must("POST", f"/v1/orders/o{n}/facts", {"fact": "shipped", "at": at}, role="integrator")
        reviewed.append(asks(mall, f"o{n}").json["case_id"])
    mall.clock.move(timedelta(hours=48) - timedelta(minutes=15))
    looked_at = []
    for n in range(20):
        signed_at = mall.clock.now() - timedelta(hours=2)
        mall.push(order_id=f"f{n}", signed_at=signed_at, shipped_at=signed_at - timedelta(hours=9))
        looked_at.append(mall.claim(order_id=f"f{n}", photo=f"photo {n}".encode())["case_id"])
    mall.clock.move(timedelta(minutes=15))
    return reviewed, looked_at


@pytest.mark.parametrize("n", range(ROUNDS))
def test_two_clerks_are_one(mall: Mall, n: int) -> None:
    """One approves while the other rejects: one decision stands, the other clerk is told, and the money follows the first."""
    case_id = a_case_to_decide(mall)
    path, words = f"/v1/merchant/cases/{case_id}/decision", {"reason": "looked at"}
    approves, rejects = at_once(
        partial(mall.send, "POST", path, {**words, "outcome": outcome}, role="clerk", sub=f"clerk-{outcome}")
        for outcome in ("approve", "reject")
    )
    assert outcomes([approves, rejects]) == {"done": 1, "illegal_transition": 1}
    paid_out(mall)
    assert sum(mall.channel.truth.values()) == (3_333 if approves.status == 200 else 0)
    assert {"approved", "rejected"} & set(events(mall, case_id)) == {"approved" if approves.status == 200 else "rejected"}


@pytest.mark.parametrize("n", range(ROUNDS))
def test_of_two_who_read_the_same_version_one_writes(mall: Mall, n: int) -> None:
    """Two clerks approve what they both read: with If-Match the second is told the current version, and one refund goes out."""
    case_id = a_case_to_decide(mall)
    version = str(mall.case(case_id)["version"])
    path, yes = f"/v1/merchant/cases/{case_id}/decision", {"outcome": "approve", "reason": "fine"}
    replies = at_once(
        partial(mall.send, "POST", path, yes, role="clerk", sub=who, headers={"if-match": version}) for who in ("anna", "bo")
    )
    assert outcomes(replies) == {"done": 1, "stale_version": 1}
    paid_out(mall)
    assert mall.channel.truth == {f"R{case_id}-1": 3_333}


@pytest.mark.parametrize("n", range(ROUNDS))
def test_a_withdrawal_and_an_approval_are_one(mall: Mall, n: int) -> None:
    """The buyer withdraws while the shop approves: either is done, never both; withdrawn pieces are free and unpaid."""
    case_id = a_case_to_decide(mall)
    yes = {"outcome": "approve", "reason": "fine"}
    withdrawn, approved = at_once(
        [
            partial(mall.send, "POST", f"/v1/cases/{case_id}/withdraw"),
            partial(mall.send, "POST", f"/v1/merchant/cases/{case_id}/decision", yes, role="clerk"),
        ]
    )
    assert outcomes([withdrawn, approved]) == {"done": 1, "illegal_transition": 1}
    paid_out(mall)
    assert sum(mall.channel.truth.values()) == (0 if withdrawn.status == 200 else 3_333)
    free = mall.must("GET", "/v1/orders/o1")["lines"][0]["pieces_free"]
    assert free == (10 if withdrawn.status == 200 else 9)


def a_case_to_decide(mall: Mall) -> str:
    """A case about one piece that is on its way, so that a person decides."""
    ten_pieces(mall)
    at = (mall.clock.now() - timedelta(minutes=1)).isoformat()
    mall.must("POST", "/v1/orders/o1/facts", {"fact": "shipped", "at": at}, role="integrator")
    case = asks(mall).json
    assert case["state"] == "reviewing"
    return str(case["case_id"])


def test_call_notice_and_poll_at_once_settle_once(mall: Mall) -> None:
    """A late "accepted", two more calls, two notices and two polls meet: one settlement, one entry, one closing (T03, T04, T13)."""
    ten_pieces(mall)
    for _ in range(ROUNDS):
        case_id = asks(mall).json["case_id"]
        leg: Refund = mall.store.case(case_id).refunds[0]
        mall.channel.then(Outcome.PROCESSING)
        refunds.execute(mall.registry, leg, mall.clock.now())
        accepted = mall.channel.receipts[leg.key]
        mall.channel.conclude(leg.key, at=mall.clock.now())
        heard = partial(callbacks.receive, mall.registry, "wechatpay", *mall.channel.notice_of(leg.key))
        late = partial(refunds.apply, mall.registry, accepted, mall.clock.now(), known=leg)
        called = partial(refunds.execute, mall.registry, leg, mall.clock.now())
        mall.clock.move(timedelta(minutes=1))
        polled = partial(sweep.poll_refunds, mall.registry)
        at_once([late, called, called, heard, heard, polled, polled])
        done = Counter(events(mall, case_id))
        assert (done["refund_settled"], done["settled"]) == (1, 1)
        assert [r.state for r in mall.store.case(case_id).refunds] == ["settled"]
    ledger = mall.store.order("m1", "o1").ledger
    assert ledger.settled.minor == sum(mall.channel.truth.values()) == ROUNDS * 3_333
    assert max(Counter((e.key, e.step) for e in ledger.entries).values()) == 1
    assert {case_of(e.key) for e in ledger.entries} == set(mall.store.order("m1", "o1").cases)


def test_the_last_photos_of_a_case_are_judged_once(mall: Mall) -> None:
    """Four photos are verified at once by four functions: the case is judged once, when the last of them is known."""
    mall.push()
    case_id = mall.claim(submit=False)["case_id"]
    for n in range(3):
        mall.photo(case_id, f"photo {n}".encode())
    mall.must("POST", f"/v1/cases/{case_id}/submit")
    pieces = [e.evidence_id for e in mall.store.case(case_id).evidence]
    assert len(pieces) == 4
    for evidence_id in pieces:
        mall.queue.send(PHOTO_QUEUE, {"case_id": case_id, "evidence_id": evidence_id})
    jobs = mall.queue.receive(PHOTO_QUEUE)

    at_once(partial(verify_photo, mall.registry, job.body) for job in (*jobs, *jobs))

    done = Counter(events(mall, case_id))
    assert (done["findings_recorded"], done["approved"], done["refund_reserved"]) == (4, 1, 1)


def test_no_race_pays_more_by_one_click_than_its_day(mall: Mall) -> None:
    """Twelve clicks at once on a day that pays for five: five are paid, seven wait for a person, and nobody is refused."""
    mall.registry.put("merchant:m1", a_merchant(one_click_day_minor=5_000))
    body = {"kind": "claim", "reason": "price_dropped", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}
    for number in range(12):
        line = a_line(vertical="general", pieces=1, terms={"price_protection_days": 7})
        mall.push(order_id=f"p{number}", lines=(line,), payments=(a_payment(transaction_id=f"42-p{number}", paid_minor=1_990),))
        fell = {"fact": "price_lowered", "at": mall.clock.now().isoformat(), "line_id": "l1", "data": {"unit_minor": 990}}
        mall.must("POST", f"/v1/orders/p{number}/facts", fell, role="integrator")
    replies = at_once(partial(mall.send, "POST", "/v1/cases", {**body, "order_id": f"p{number}"}) for number in range(12))
    assert Counter((r.status, r.json["decision"]["rule"]) for r in replies) == {
        (201, "merchant.small_amount"): 5,
        (201, "merchant.one_click_cap"): 7,
    }
    day = mall.clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    assert mall.store.find(SpentOf("m1", int(day[:4]), Payout.REFUND, "CNY", day)).found == (5_000,)
