"""The kit for what a Store knows of files: the proofs of an order, and whose files are due to be erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aftersales.case import Event
from aftersales.change import Change
from aftersales.evidence import EvidenceKind, EvidenceState, Proof, ProofRole
from aftersales.pledge import Pledge
from aftersales.ports import Store
from aftersales.query import Due
from aftersales.testing.builders import NOW, an_evidence
from aftersales.testing.store_contract import opened, pushed, stored
from aftersales.testing.store_queries import due

DAY = timedelta(days=1)


def a_proof(evidence_id: str = "p1", files_until: Any = None, **changes: Any) -> Proof:
    """A photo that the merchant of order ``o1`` took at dispatch."""
    whose = {"by": "clerk:wang", "role": ProofRole.DISPATCH, "state": EvidenceState.UPLOADED, "kind": EvidenceKind.PHOTO}
    return replace(Proof("m1", "o1", an_evidence(evidence_id=evidence_id, **whose), files_until), **changes)


class FilesKeptContract:
    """What every Store keeps about files; a subclass gives the fixture ``store``, empty."""

    def test_an_order_comes_with_its_proofs(self, store: Store) -> None:
        """Proofs are read with their order, oldest first, and overwritten whole; another order has none of them."""
        pushed(store)
        pushed(store, order_id="o2")
        late = replace(a_proof("p0"), piece=replace(a_proof("p0").piece, added_at=NOW))
        store.commit(Change(proofs=(late, a_proof())))
        store.commit(Change(proofs=(replace(late, files_until=NOW + DAY),)))
        file, other = store.order("m1", "o1"), store.order("m1", "o2")
        assert file
        assert other
        assert file.proofs == (a_proof(), replace(late, files_until=NOW + DAY))
        assert (other.proofs, file.order.version) == ((), 1)

    def test_a_proof_is_due_when_its_time_has_come(self, store: Store) -> None:
        """A proof is found from its instant on, by its whole name, and no more once it has none."""
        pushed(store)
        store.commit(Change(proofs=(a_proof(files_until=NOW), a_proof("p2", NOW + DAY))))
        assert due(store, "proof") == [Due("proof", "", NOW, merchant="m1", order_id="o1", evidence_id="p1")]
        assert [d.evidence_id for d in due(store, "proof", NOW + DAY, limit=1)] == ["p1", "p2"]
        store.commit(Change(proofs=(a_proof(files_until=None),)))
        assert due(store, "proof") == []

    def test_a_closed_case_is_due_when_its_files_are(self, store: Store) -> None:
        """Files are due from their instant on, those of closed cases only; a case without an instant is never found."""
        for case_id in ("c1", "c2", "c3"):
            opened(store, case_id=case_id, has_files=True)
            change = Change(stored(store, case_id).case).then(Event.WITHDRAWN, "buyer:b1", NOW)
            store.commit(change.with_case(files_until={"c1": NOW, "c2": NOW + DAY, "c3": None}[case_id]))
        opened(store, case_id="c4", has_files=True, files_until=NOW)
        assert due(store, "files") == [Due("files", "c1", NOW)]
        assert [d.case_id for d in due(store, "files", NOW + DAY, limit=1)] in (["c1", "c2"], ["c2", "c1"])
        assert due(store, "case", NOW) == []
        store.commit(Change(stored(store, "c1").case).with_case(files_until=None, has_files=False))
        assert due(store, "files") == []

    def test_a_closed_case_that_owes_points_is_due_before_its_files(self, store: Store) -> None:
        """What a closed case still owes is found among cases; once that is done its files are due at their own instant."""
        opened(store, has_files=True)
        owes = Pledge(NOW, "merchant", late_at=NOW, points=20, again_at=NOW + DAY)
        change = Change(stored(store).case).then(Event.WITHDRAWN, "buyer:b1", NOW)
        store.commit(change.with_case(files_until=NOW + 2 * DAY, pledge=owes))
        assert (due(store, "case"), due(store, "files", NOW + 3 * DAY)) == ([], [])
        assert due(store, "case", NOW + DAY) == [Due("case", "c1", NOW + DAY)]
        store.commit(Change(stored(store).case).with_case(pledge=replace(owes, again_at=None, given_at=NOW + DAY)))
        assert (due(store, "case", NOW + 3 * DAY), due(store, "files", NOW + 3 * DAY)) == ([], [Due("files", "c1", NOW + 2 * DAY)])
