"""Engines for merchants' tables keep their contract: the fake, and zen-engine."""

from __future__ import annotations

import pytest

from aftersales.ports import TableEngine
from aftersales.testing.tables import FakeTables, TableEngineContract
from plugins.zen_rules import build


class TestFake(TableEngineContract):
    """The one that reads the rows itself."""

    @pytest.fixture
    def tables(self) -> TableEngine:
        """It keeps nothing."""
        return FakeTables()


class TestZen(TableEngineContract):
    """The plugin as a stage file switches it on."""

    @pytest.fixture
    def tables(self) -> TableEngine:
        """Without settings."""
        return build({})


class TestZenThatForgets(TableEngineContract):
    """The same where it may keep one table only, so that nearly every question compiles anew."""

    @pytest.fixture
    def tables(self) -> TableEngine:
        """One table is kept."""
        return build({"tables": 1})
