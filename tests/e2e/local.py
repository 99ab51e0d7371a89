"""The local system as a whole and a provider's books in it: what tests about one provider begin with.

A test module makes the fixtures its own by name: ``system, http = local.system, local.http``.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local.client import plain_http
from infra.local.system import System

#: A claim about everything in an order that was not shipped.
ALL = {"kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One running system for this module."""
    with System(tmp_path_factory.mktemp("local") / "home") as running:
        yield running


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    """Plain HTTP to anybody on this machine."""
    with plain_http() as client:
        yield client


def truth(provider: str, system: System, http: httpx.Client) -> dict[str, Any]:
    """What a provider's books say."""
    said: dict[str, Any] = http.get(f"{system.home.truth_url}/truth/{provider}").raise_for_status().json()
    return said
