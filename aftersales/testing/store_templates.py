"""The kit for a merchant's own answers in a Store."""

from __future__ import annotations

from dataclasses import replace

from aftersales.change import Change
from aftersales.complaint import Handling
from aftersales.errors import StaleVersion
from aftersales.ports import Store
from aftersales.query import TemplatesOf
from aftersales.template import Template, Templates
from aftersales.testing.builders import NOW
from aftersales.testing.store_contract import refused


class TemplatesContract:
    """What every Store keeps about answers; a subclass gives the fixture ``store``, empty."""

    def test_a_merchants_answers_come_back(self, store: Store) -> None:
        """They are kept whole per merchant and replaced whole; who wrote none has none."""
        own = Templates("m#1", (Template(Handling.TALK, "zh-CN", "您好，{goods}的事我们看到了。"),), NOW, "clerk:wang")
        other = Templates("m", (Template(Handling.TALK, "en", "Hello."),), NOW, "admin:li")
        store.commit(Change(templates=own))
        store.commit(Change(templates=other))
        assert store.find(TemplatesOf("m#1")).found == (replace(own, version=1),)
        assert store.find(TemplatesOf("m")).found == (replace(other, version=1),)
        assert store.find(TemplatesOf("m#2")).found == ()
        store.commit(Change(templates=replace(own, templates=(), version=1)))
        assert store.find(TemplatesOf("m#1")).found == (replace(own, templates=(), version=2),)

    def test_of_two_who_write_answers_at_once_one_begins_anew(self, store: Store) -> None:
        """A second first time and a change of what was changed meanwhile are refused with the stored version."""
        own = Templates("m1", (), NOW, "clerk:wang")
        store.commit(Change(templates=own))
        assert refused(store, Change(templates=own), StaleVersion).details["version"] == 1
        store.commit(Change(templates=replace(own, version=1)))
        assert refused(store, Change(templates=replace(own, version=1)), StaleVersion).details["version"] == 2
