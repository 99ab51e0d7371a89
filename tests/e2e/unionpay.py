"""UnionPay in the sandbox with one payment, and the plugin at its other end: what its tests begin with.

A test module makes the fixtures its own by name: ``keys, sandbox = set_up.keys, set_up.sandbox``.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.unionpay import Keys, UnionPay
from infra.local.sandbox.unionpay.signature import SPOILT
from plugins.unionpay_refund import build
from plugins.unionpay_refund.client import UnionPayRefunds

NOW = datetime.now(UTC)
ORDER = a_refund_order(asked_at=NOW)
TOTAL = ORDER.paid.minor
SIGNATURES = sorted(SPOILT)


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh()


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox."""
    return WechatKeys.fresh()


@pytest.fixture
def sandbox(keys: Keys, neighbours: WechatKeys) -> Iterator[Sandbox]:
    """The provider, with the default payment known."""
    with Sandbox(keys=neighbours, made={"unionpay": keys}, retry_scale=0.0) as sandbox:
        sandbox.pay(ORDER.transaction_id, TOTAL, provider="unionpay")
        yield sandbox


@pytest.fixture
def unionpay(sandbox: Sandbox) -> UnionPay:
    """The provider itself."""
    found: UnionPay = sandbox.provider("unionpay")
    return found


@pytest.fixture
def channel(sandbox: Sandbox) -> Iterator[UnionPayRefunds]:
    """The plugin, in a hurry."""
    with closing(build({**sandbox.settings(provider="unionpay"), "read_s": 0.8, "total_s": 1.5})) as channel:
        yield channel


def fault(sandbox: Sandbox, *faults: Fault) -> None:
    """Append to UnionPay's script."""
    sandbox.fault(*faults, provider="unionpay")


def executed(sandbox: Sandbox) -> int:
    """Fen that left the merchant, by the provider's books."""
    return int(sandbox.truth("unionpay")["total"]["executed"])


def refused(code: str, **more: Any) -> Fault:
    """A signed refusal with this code, nothing carried out."""
    return Fault(At.CREATE, Kind.ERROR, executed=False, status=200, code=code, **more)
