"""The kit for what a Store keeps about people of a shop: who stands in for whom, and who was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aftersales.change import Change
from aftersales.delegation import Delegation, Delegations
from aftersales.errors import StaleVersion
from aftersales.ports import Store
from aftersales.query import DelegationsOf, RefusalsOf
from aftersales.refusal import Refusal
from aftersales.testing.builders import NOW
from aftersales.testing.store_contract import refused


class PeopleContract:
    """What every Store keeps about people; a subclass gives the fixture ``store``, empty."""

    def test_who_stands_in_for_whom_comes_back_whole(self, store: Store) -> None:
        """All of a merchant's delegations are one record with a version; of two who write it at once one begins anew."""
        one = Delegation("d1", "ben", "dora", NOW, NOW + timedelta(days=7), "on leave", "approver:ben", NOW)
        own = Delegations("m#1", (one,), NOW, "approver:ben")
        store.commit(Change(delegations=own))
        assert store.find(DelegationsOf("m#1")).found == (replace(own, version=1),)
        assert store.find(DelegationsOf("m")).found == ()
        assert refused(store, Change(delegations=own), StaleVersion).details["version"] == 1
        over = replace(one, ended_at=NOW, ended_by="admin:root")
        store.commit(Change(delegations=replace(own, delegations=(over,), version=1)))
        assert store.find(DelegationsOf("m#1")).found == (replace(own, delegations=(over,), version=2),)

    def test_refusals_come_newest_first_page_by_page(self, store: Store) -> None:
        """Each is kept, also of one instant, and each merchant has its own."""
        made = [
            Refusal(f"r{n}", "m#1", f"clerk:c{n}", NOW + timedelta(seconds=n // 2), "POST /x", "forbidden", "No.", "c1", n or None)
            for n in range(5)
        ]
        for refusal in (*made, Refusal("r9", "m", "clerk:c9", NOW, "POST /x", "forbidden", "No.")):
            store.commit(Change(refusals=(refusal,)))
        found: list[Refusal] = []
        cursor = None
        while True:
            page = store.find(RefusalsOf("m#1"), cursor, 2)
            found += page.found
            cursor = page.cursor
            if cursor is None:
                break
        assert found == made[::-1]
        assert [r.refusal_id for r in store.find(RefusalsOf("m")).found] == ["r9"]
