"""One mall per test."""

from __future__ import annotations

import pytest

from tests.mall import Mall


@pytest.fixture
def mall() -> Mall:
    """A fresh mall with the default order pushed: five jin of strawberries, signed for two hours ago."""
    mall = Mall()
    mall.push()
    return mall
