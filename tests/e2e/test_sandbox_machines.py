"""The warehouse and the technicians' platform of the sandbox: what they keep, refuse, tell and tell again."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from aftersales.errors import Rejected
from aftersales.signed import signature
from aftersales.testing.builders import NOW
from aftersales.testing.installer import subject_of as machine
from aftersales.testing.stock import subject_of as piece
from infra.local.client import until
from infra.local.sandbox import At, Fault, Kind, LooksReal, Sandbox
from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox.installer import Keys as Licence
from infra.local.sandbox.server import Reply, Server
from infra.local.sandbox.stock import Keys
from plugins.mall_stock import build as stock_of
from plugins.mall_stock.wire import CONTRACT
from plugins.wanshifu_installer import build as installer_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def sandbox(neighbours: WechatKeys) -> Iterator[Sandbox]:
    """A fresh one with two fridges."""
    with Sandbox(keys=neighbours, retry_scale=0.001) as sandbox:
        sandbox.lever("stock", "stock", sku="fridge", pieces=2)
        yield sandbox


class Listener:
    """Somebody who hears nodes: what came, and what is answered to each (``retCode``)."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[str] = []
        self._server = Server("listener", "127.0.0.1", 0, self._answer)

    def _answer(self, method: str, path: str, headers: object, body: bytes) -> Reply:
        said = {name.lower(): value for name, value in dict(headers.items()).items()}  # type: ignore[attr-defined]
        self.heard.append((said, body))
        code = self.answers.pop(0) if self.answers else "200"
        return Reply(200, json.dumps({"retCode": code}).encode(), {"Content-Type": "application/json"})

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self._server.url}/nodes"


def test_holds_work_orders_and_keys_survive_a_restart(neighbours: WechatKeys, tmp_path: Path) -> None:
    """What was kept is kept, what was told is told, and the same keys sign, after the sandbox was ended and begun again."""
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        sandbox.lever("stock", "stock", sku="fridge", pieces=1)
        stock = stock_of(sandbox.settings(provider="stock"))
        assert stock.hold(piece("fridge"), NOW).held
        sandbox.lever("node", "installer", number="o1/l1", status="serve_complete", at="2026-11-18T11:00:00+08:00", serialNo="SN1")
        stock.close()
    with Sandbox(tmp_path, keys=neighbours) as sandbox:
        stock, installer = (
            stock_of(sandbox.settings(provider="stock")),
            installer_of({**sandbox.settings(provider="installer"), "merchant": "m1"}),
        )
        assert not stock.hold(piece("fridge", "k2"), NOW).held
        stock.consume(piece("fridge"), NOW)
        assert installer.ask(machine(), NOW).get("serial") == "SN1"
        stock.close()
        installer.close()


def test_a_warehouse_believes_each_request_once(sandbox: Sandbox) -> None:
    """A request that comes again as it is, byte for byte, is refused; so is one that is old, and one about another sku."""
    settings, path, body = sandbox.settings(provider="stock"), "/stock/fridge/hold", b'{"key":"k1","pieces":1,"days":1}'
    at, nonce = str(int(time.time())), "0" * 32

    def sent(path: str, at: str) -> int:
        signed = signature(settings["secret"], CONTRACT.request("POST", "/stock/fridge/hold", at, nonce, body))
        head = CONTRACT.headers(settings["key_id"], at, nonce, signed)
        with httpx.Client(trust_env=False, timeout=5) as client:
            return client.post(sandbox.base_url + path, content=body, headers=head).status_code

    assert [sent(path, at), sent(path, at), sent("/stock/tv/hold", at), sent(path, str(int(at) - 600))] == [200, 401, 401, 401]
    assert sandbox.truth("stock")["stock"]["fridge"] == {"free": 1, "holds": {"k1": {"pieces": 1, "state": "held"}}}


@pytest.mark.parametrize("body", [b"{}", b'{"key":"","pieces":1}', b'{"key":"k","pieces":0}', b'{"key":"k","days":1000}', b"["])
def test_a_warehouse_refuses_what_is_no_request(sandbox: Sandbox, body: bytes) -> None:
    """No key, no pieces, a hold for ever, or no JSON: 400, and nothing is kept."""
    settings, at = sandbox.settings(provider="stock"), str(int(time.time()))
    signed = signature(settings["secret"], CONTRACT.request("POST", "/stock/fridge/hold", at, "n" * 32, body))
    head = CONTRACT.headers(settings["key_id"], at, "n" * 32, signed)
    with httpx.Client(trust_env=False, timeout=5) as client:
        assert client.post(f"{sandbox.base_url}/stock/fridge/hold", content=body, headers=head).status_code == 400
    assert sandbox.truth("stock")["stock"]["fridge"] == {"free": 2, "holds": {}}


def test_what_was_sold_over_our_head_is_said_when_it_is_to_be_sent(sandbox: Sandbox) -> None:
    """A hold ran out and both fridges were sold: taking one for good is Rejected, not done in silence."""
    stock = stock_of(sandbox.settings(provider="stock"))
    assert stock.hold(piece("fridge"), NOW).held
    sandbox.set_clock(100 * 86_400)
    assert [sandbox.lever("buy", "stock", sku="fridge")["done"] for _ in range(3)] == [True, True, False]
    with pytest.raises(Rejected):
        stock.consume(piece("fridge"), NOW)
    stock.close()


def test_a_node_is_told_until_somebody_takes_it(sandbox: Sandbox) -> None:
    """Refused twice, a node comes a third time, the very same; taken, it does not come again."""
    with Listener() as listener:
        listener.answers = ["500", "404"]
        sandbox.lever("listen", "installer", url=listener.url)
        sandbox.lever("node", "installer", number="o1/l1", status="sign_in")
        until(lambda: len(listener.heard) == 3, lambda: str(listener.heard), 5)
        assert len({body for _, body in listener.heard}) == 1
        until(lambda: sandbox.truth("installer")["work_orders"]["o1/l1"][0]["state"] == "acknowledged", lambda: "not taken", 5)


def test_nodes_change_places_and_come_twice_on_a_script(sandbox: Sandbox) -> None:
    """The later node first, the earlier one after it and twice: heard by the plugin they are the same two facts."""
    installer = installer_of({**sandbox.settings(provider="installer"), "merchant": "m1"})
    with Listener() as listener:
        sandbox.lever("listen", "installer", url=listener.url)
        sandbox.fault(Fault(At.NOTICE, Kind.REORDERED), provider="installer")
        sandbox.lever("node", "installer", number="o1/l1", status="sign_in", at="2026-11-18T09:00:00+08:00")
        time.sleep(0.3)
        sandbox.fault(Fault(At.NOTICE, Kind.DUPLICATE), provider="installer")
        sandbox.lever("node", "installer", number="o1/l1", status="serve_complete", at="2026-11-18T11:00:00+08:00", serialNo="SN1")
        until(lambda: len(listener.heard) >= 3, lambda: str(listener.heard), 5)
        facts = [one.fact for head, body in listener.heard for one in installer.heard(head, body, NOW).facts]
    assert facts[0].name == "installer.installed"
    assert {f.name for f in facts} == {"installer.installed", "installer.arrived"}
    assert len({(f.name, f.at) for f in facts}) == 2
    installer.close()


@pytest.mark.parametrize(
    ("keys", "provider"), [(Keys("real-shop", ["x" * 40]), "stock"), (Licence("real", ["x" * 40]), "installer")]
)
def test_keys_that_could_be_real_are_refused(neighbours: WechatKeys, keys: object, provider: str) -> None:
    """A key that the sandbox did not make could be a real shop's: it does not play with it."""
    with Sandbox(keys=neighbours, made={provider: keys}) as sandbox, pytest.raises(LooksReal):
        sandbox.provider(provider)
