"""Alipay in the sandbox with one payment, and the plugin at its other end: what its tests begin with.

A test module makes the fixtures its own by name: ``keys, sandbox = set_up.keys, set_up.sandbox``.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as OtherKeys
from infra.local.sandbox.alipay import Keys
from plugins.alipay_refund import build
from plugins.alipay_refund.client import AlipayRefunds

ORDER = a_refund_order()
TOTAL = ORDER.paid.minor
PAID_ONCE = {"executed": ORDER.amount.minor, "paid": ORDER.amount.minor, "count": 1}


@pytest.fixture(scope="module")
def keys() -> tuple[Keys, OtherKeys]:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh(), OtherKeys.fresh()


@pytest.fixture
def sandbox(keys: tuple[Keys, OtherKeys]) -> Iterator[Sandbox]:
    """The provider, with the default payment known."""
    with Sandbox(keys=keys[1], made={"alipay": keys[0]}) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL, provider="alipay")
        yield sandbox


@pytest.fixture
def channel(sandbox: Sandbox) -> Iterator[AlipayRefunds]:
    """The plugin, in a hurry."""
    with closing(build({**sandbox.settings(provider="alipay"), "read_s": 0.8, "total_s": 1.5})) as channel:
        yield channel


def total(sandbox: Sandbox) -> dict[str, int]:
    """What left the seller and what arrived, by the provider's books."""
    found: dict[str, int] = sandbox.truth("alipay")["total"]
    return found


def says(code: str, *, executed: bool = False) -> Fault:
    """The gateway answers a refund with this code."""
    return Fault(At.CREATE, Kind.ERROR, executed=executed, code=code, message="不行")
