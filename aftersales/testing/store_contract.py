"""The kit every Store passes: what is written comes back, all of it or nothing. Queries and races have kits of their own.

A subclass gives the fixture ``store``: a Store with nothing in it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aftersales.case import Case, Event, State
from aftersales.change import Answer, Change, PhotoPrint, verify_chain
from aftersales.deadline import Deadline
from aftersales.decision import Decision, Outcome, Verdict
from aftersales.errors import AftersalesError, ClaimTaken, IdempotencyMismatch, StaleVersion
from aftersales.money import Money
from aftersales.order import Buyer
from aftersales.parcel import ParcelEvent, advance_parcel
from aftersales.ports import Store
from aftersales.query import AnswerTo, CaseFile, OfMerchant, OrderFile, PrintsLike, StepsOf
from aftersales.refund import RefundState
from aftersales.testing.builders import (
    NOW,
    a_case,
    a_finding,
    a_ledger,
    a_line,
    a_parcel,
    a_pickup,
    a_refund,
    an_evidence,
    an_order,
)

HOUR = timedelta(hours=1)


def opened(store: Store, **changes: Any) -> Case:
    """A new draft in the store, as it is stored."""
    case = a_case(**changes)
    store.commit(Change.opened(case, "buyer:b1", NOW))
    return stored(store, case.case_id).case


def pushed(store: Store, **changes: Any) -> OrderFile:
    """An order with a fresh ledger in the store, as they are stored."""
    order = an_order(**changes)
    store.commit(Change(order=order, ledger=a_ledger(order)))
    file = store.order(order.merchant, order.order_id)
    assert file
    return file


def stored(store: Store, case_id: str = "c1") -> CaseFile:
    """The case as it is stored; it must be there."""
    file = store.case(case_id)
    assert file, f"{case_id} is not stored"
    return file


def an_answer(**changes: Any) -> Answer:
    """The answer 201 to buyer b1's key k1, kept for a day."""
    return replace(Answer("m1/buyer:b1", "k1", "hash-of-request", 201, '{"case_id":"c1"}', NOW + timedelta(days=1)), **changes)


def refused(store: Store, change: Change, kind: type[AftersalesError]) -> AftersalesError:
    """The error of that kind that ``change`` is refused with."""
    try:
        store.commit(change)
    except kind as error:
        return error
    raise AssertionError(f"the change was not refused with {kind.__name__}")


class StoreContract:
    """What every Store keeps, seen by one caller."""

    # --- what is written comes back -----------------------------------------------------------------------------------
    def test_what_was_never_stored_is_none(self, store: Store) -> None:
        """An unknown order and an unknown case are None, not errors."""
        assert store.order("m1", "o1") is None
        assert store.case("c1") is None

    def test_an_order_comes_back_with_its_money(self, store: Store) -> None:
        """Snapshot and ledger come back as they were written, stored once."""
        line = a_line(terms={"opened": False, "days": 15, "note": "不支持"}, tax_minor=0)
        order = an_order(lines=(line,), buyer=Buyer("b1", "13800000000", "gold", "en"))
        store.commit(Change(order=order, ledger=a_ledger(order)))
        assert store.order("m1", "o1") == OrderFile(replace(order, version=1), replace(a_ledger(order), version=1))

    def test_an_order_of_many_lines_comes_back(self, store: Store) -> None:
        """Size makes no difference: sixty lines come back as they were."""
        order = an_order(lines=tuple(a_line(line_id=f"l{n}", title=f"第{n}箱 草莓 {'长' * n}") for n in range(60)))
        store.commit(Change(order=order, ledger=a_ledger(order)))
        assert store.order("m1", "o1") == OrderFile(replace(order, version=1), replace(a_ledger(order), version=1))

    def test_a_case_comes_back_with_its_records(self, store: Store) -> None:
        """Case, evidence (oldest first), parcel, pickup and refunds (by number) come back as they were written."""
        found = a_finding(Verdict.UNSURE, confidence=0.62, data=(("blur", 0.5), ("sure", True), ("n", 3), ("text", "模糊")))
        late = an_evidence(evidence_id="e0", added_at=NOW + timedelta(microseconds=1), findings=(found, found))
        refunds = tuple(a_refund(number=n) for n in (1, 2, 11))
        change = Change.opened(a_case(), "buyer:b1", NOW)
        store.commit(replace(change, evidence=(late, an_evidence()), parcel=a_parcel(), refunds=refunds, pickup=a_pickup()))
        file = stored(store)
        assert change.case
        assert file.case == replace(change.case, version=1)
        assert file.evidence == (an_evidence(), late)
        assert file.parcel == replace(a_parcel(), version=1)
        assert file.pickup == replace(a_pickup(), version=1)
        assert file.refunds == tuple(replace(r, version=1) for r in refunds)

    def test_a_full_case_comes_back(self, store: Store) -> None:
        """Decision with many findings, paused and provisional deadline, exact amounts and instants survive."""
        findings = tuple(a_finding(check=f"vision.check_{n}", reason="这张照片不够清楚" * 5) for n in range(20))
        decision = Decision(Outcome.PERSON, "merchant.person", "No rule decides this alone.", findings, rules_version="r1")
        paused = Deadline(None, "moved: holiday", timedelta(hours=3, microseconds=5), provisional=True)
        amounts = {"amount": Money(10**15 + 1, "KWD"), "asked": Money(0, "KWD")}
        case = opened(store, decision=decision, deadline=paused, opened_at=NOW + timedelta(microseconds=7), **amounts)
        assert (case.decision, case.deadline, case.amount, case.asked) == (decision, paused, *amounts.values())
        assert case.opened_at == NOW + timedelta(microseconds=7)

    def test_an_order_names_its_cases(self, store: Store) -> None:
        """Reading an order tells the ids of all cases on it, closed ones too, and of no other order's."""
        pushed(store)
        pushed(store, order_id="o2")
        for case_id in ("c2", "c1"):
            opened(store, case_id=case_id)
        opened(store, case_id="c3", order_id="o2")
        store.commit(Change(stored(store, "c1").case).then(Event.WITHDRAWN, "buyer:b1", NOW))
        file = store.order("m1", "o1")
        assert file
        assert file.cases == ("c1", "c2")

    def test_ids_with_separators_are_apart(self, store: Store) -> None:
        """No id of one merchant reads another's order, whatever characters it holds."""
        pushed(store, merchant="m", order_id="1#2")
        assert store.order("m#1", "2") is None
        assert store.order("m", "1%232") is None
        assert store.order("m", "1#2")

    # --- versions -----------------------------------------------------------------------------------------------------
    def test_each_change_counts_up_the_version(self, store: Store) -> None:
        """A stored version grows by one with each change of that record and of no other."""
        file = pushed(store)
        store.commit(Change(ledger=file.ledger))
        again = store.order("m1", "o1")
        assert again
        assert (again.order.version, again.ledger.version) == (1, 2)

    def test_an_old_version_is_refused(self, store: Store) -> None:
        """Whoever changes what was changed meanwhile is told the current version, for each kind of record alone."""
        file, case = pushed(store), opened(store)
        store.commit(Change(case, parcel=a_parcel(), pickup=a_pickup(), refunds=(a_refund(),)))
        file_c = stored(store)
        assert file_c.parcel
        assert file_c.pickup
        changes = [Change(order=file.order), Change(ledger=file.ledger), Change(file_c.case), Change(parcel=file_c.parcel)]
        changes.append(Change(pickup=file_c.pickup))
        for change in [*changes, Change(refunds=file_c.refunds)]:
            store.commit(change)
            error = refused(store, change, StaleVersion)
            assert error.retry
            assert error.details["version"] in (2, 3), change

    def test_a_new_record_must_not_be_there(self, store: Store) -> None:
        """Version 0 means new: a second first time is refused with the version that is stored."""
        file, case = pushed(store), opened(store)
        store.commit(Change(case, refunds=(a_refund(),)))
        assert refused(store, Change(order=replace(file.order, version=0)), StaleVersion).details["version"] == 1
        assert refused(store, Change.opened(a_case(), "buyer:b1", NOW), StaleVersion).details["version"] == 2
        assert refused(store, Change(refunds=(a_refund(),)), StaleVersion).details["version"] == 1

    def test_an_old_record_must_be_there(self, store: Store) -> None:
        """A version above 0 of something that was never stored is refused."""
        assert refused(store, Change(ledger=a_ledger(version=3)), StaleVersion).details["version"] == 0

    def test_evidence_is_overwritten_whole(self, store: Store) -> None:
        """Evidence has no version of its own: the case's guards it."""
        case = opened(store)
        store.commit(replace(Change(case, evidence=(an_evidence(sha256="00"),)).then(Event.EVIDENCE_ADDED, "buyer:b1", NOW)))
        judged = an_evidence(findings=(a_finding(),))
        store.commit(Change(stored(store).case, evidence=(judged,)))
        assert stored(store).evidence == (judged,)

    # --- all or nothing -----------------------------------------------------------------------------------------------
    def test_a_refused_change_leaves_nothing(self, store: Store) -> None:
        """When the money moved meanwhile, neither case nor step, parcel, refund, evidence, claim, print or answer is written."""
        file, case = pushed(store), opened(store)
        store.commit(Change(ledger=file.ledger))
        print_ = PhotoPrint(("w1",), "m1", "c1", "e1", NOW)
        change = Change(
            case, evidence=(an_evidence(),), parcel=a_parcel(), refunds=(a_refund(),), ledger=file.ledger,
            prints=(print_,), claims=("waybill#sf#1",), answer=an_answer(),
        ).then(Event.SUBMITTED, "buyer:b1", NOW)  # fmt: skip
        refused(store, change, StaleVersion)
        assert stored(store) == CaseFile(case)
        assert len(store.find(StepsOf("c1")).found) == 1
        assert store.find(PrintsLike(print_.words)).found == ()
        assert store.find(AnswerTo("m1/buyer:b1", "k1", NOW)).found == ()
        store.commit(Change(case, claims=("waybill#sf#1",)))

    def test_steps_and_evidence_need_their_case(self, store: Store) -> None:
        """They have no home without a case: that is a defect of the caller."""
        try:
            store.commit(Change(evidence=(an_evidence(),)))
        except ValueError:
            return
        raise AssertionError("evidence of no case was stored")

    def test_a_change_of_nothing_is_fine(self, store: Store) -> None:
        """An empty change writes nothing and is not refused."""
        store.commit(Change())

    # --- claims -------------------------------------------------------------------------------------------------------
    def test_a_name_is_taken_once(self, store: Store) -> None:
        """The second who claims a waybill is refused, and its change with it; other names are free."""
        store.commit(Change(opened(store), claims=("waybill#sf#1",)))
        other = opened(store, case_id="c2")
        error = refused(store, Change(other, claims=("waybill#sf#2", "waybill#sf#1")), ClaimTaken)
        assert error.details["claim"] == "waybill#sf#1"
        assert stored(store, "c2").case == other
        store.commit(Change(other, claims=("waybill#sf#2",)))

    # --- answers ------------------------------------------------------------------------------------------------------
    def test_an_answer_is_kept_with_its_effect(self, store: Store) -> None:
        """Who asks again gets the very answer; another caller's or key's is none."""
        answer = an_answer(body='{"note":"' + "退" * 2000 + '"}')
        store.commit(replace(Change.opened(a_case(), "buyer:b1", NOW), answer=answer))
        assert store.find(AnswerTo("m1/buyer:b1", "k1", NOW)).found == (answer,)
        assert store.find(AnswerTo("m1/buyer:b2", "k1", NOW)).found == ()
        assert store.find(AnswerTo("m1/buyer:b1", "k2", NOW)).found == ()

    def test_a_used_key_is_told_first(self, store: Store) -> None:
        """The same request sent twice is told as such, not as a stale version; its effect happens once."""
        change = replace(Change.opened(a_case(), "buyer:b1", NOW), answer=an_answer(), claims=("x",))
        store.commit(change)
        refused(store, change, IdempotencyMismatch)
        refused(store, replace(Change.opened(a_case(case_id="c2"), "buyer:b1", NOW), answer=an_answer()), IdempotencyMismatch)
        assert store.case("c2") is None
        refused(store, replace(change, answer=an_answer(key="k2")), StaleVersion)

    def test_an_answer_alone_is_kept_once(self, store: Store) -> None:
        """A request without an effect of its own has its answer kept as well."""
        store.commit(Change(answer=an_answer()))
        refused(store, Change(answer=an_answer(request="other")), IdempotencyMismatch)

    def test_an_expired_answer_does_not_count(self, store: Store) -> None:
        """From its expiry on an answer is gone for readers, and its key free for a later change of a case."""
        store.commit(replace(Change.opened(a_case(), "buyer:b1", NOW), answer=an_answer()))
        later = NOW + timedelta(days=1)
        assert store.find(AnswerTo("m1/buyer:b1", "k1", later - timedelta(microseconds=1))).found
        assert store.find(AnswerTo("m1/buyer:b1", "k1", later)).found == ()
        fresh = an_answer(request="other", expires_at=later + timedelta(days=1))
        store.commit(replace(Change(stored(store).case, answer=fresh).then(Event.WITHDRAWN, "buyer:b1", later)))
        assert store.find(AnswerTo("m1/buyer:b1", "k1", later)).found == (fresh,)

    # --- the whole way ------------------------------------------------------------------------------------------------
    def test_a_case_goes_its_way(self, store: Store) -> None:
        """Several steps in one change, parcel and refund moving on: the case ends with an unbroken chain of all of them."""
        pushed(store)
        opened(store, deadline=Deadline.after(NOW, HOUR, "default"))
        change = Change(stored(store).case).then(Event.SUBMITTED, "buyer:b1", NOW).then(Event.PERSON_ASKED, "system", NOW, rule="r")
        store.commit(change)
        store.commit(Change(stored(store).case, parcel=a_parcel()).then(Event.APPROVED, "clerk:wang", NOW, amount=1990, note=None))
        parcel = stored(store).parcel
        assert parcel
        store.commit(Change(stored(store).case, parcel=advance_parcel(parcel, ParcelEvent.SENT, NOW)))
        store.commit(replace(Change(stored(store).case, refunds=(a_refund(),)).then(Event.REFUND_RESERVED, "system", NOW)))
        (refund,) = stored(store).refunds
        settled = replace(refund, state=RefundState.SETTLED, deadline=None)
        store.commit(replace(Change(stored(store).case, refunds=(settled,)).then(Event.SETTLED, "system", NOW + HOUR)))
        file, steps = stored(store), store.find(StepsOf("c1")).found
        assert (file.case.state, file.case.version, file.refunds[0].version) == (State.CLOSED, 6, 2)
        assert [s.event for s in steps][:3] == [Event.OPENED, Event.SUBMITTED, Event.PERSON_ASKED]
        assert steps[2].data == {"rule": "r"}
        assert verify_chain(steps) is None
        assert steps[-1].chain == file.case.chain
        assert store.find(OfMerchant("m1", State.REVIEWING)).found == ()
