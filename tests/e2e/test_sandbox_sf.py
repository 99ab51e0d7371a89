"""SF in the sandbox: what it demands of a caller, which services go together, what it counts, and a restart."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx
import pytest

from infra.local.sandbox import Keys as WechatKeys
from infra.local.sandbox import LooksReal, Sandbox
from infra.local.sandbox.sf import Keys
from plugins.sf_carrier.sign import digest

pytestmark = pytest.mark.e2e

PLACE, FIND, CANCEL = "EXP_RECE_CREATE_REVERSE_ORDER", "EXP_RECE_SEARCH_ORDER_RESP", "EXP_RECE_CANCEL_REVERSE_ORDER"
ROUTES = "EXP_RECE_SEARCH_ROUTES"


class Platform:
    """A sandbox, and one who speaks SF's protocol by hand."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.keys = sandbox, sandbox.provider("sf").keys
        self.http = httpx.Client(base_url=sandbox.base_url, trust_env=False, timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def form(self, service: str, said: Any, **changes: str) -> dict[str, str]:
        """A signed question; ``changes`` are made after it was signed."""
        data, at = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False), str(int(time.time() * 1000))
        made = digest(data, at, self.keys.checkword)
        form = {
            "partnerID": self.keys.partner_id,
            "requestID": "r",
            "serviceCode": service,
            "timestamp": at,
            "msgDigest": made,
            "msgData": data,
        }
        return {**form, **changes}

    def send(self, form: dict[str, str]) -> Any:
        """The outer answer."""
        return self.http.post("/sf/std/service", data=form).json()

    def ask(self, service: str, said: Any) -> Any:
        """The inner answer of a question that was let in."""
        outer = self.send(self.form(service, said))
        assert outer["apiResultCode"] == "A1000", outer
        return json.loads(outer["apiResultData"])

    def order(self, number: str = "c1-pickup-1", **changes: Any) -> dict[str, Any]:
        """What an order has to say."""
        party = {"contact": "王小明", "mobile": "13800001111", "address": "浙江省杭州市西湖区文三路 9 号"}
        return {
            "orderId": number,
            "contactInfoList": [{"contactType": kind, **party} for kind in (1, 2)],
            "cargoDetails": [{"name": "退货商品"}],
            "monthlyCard": self.keys.monthly_card,
            **changes,
        }


@pytest.fixture(scope="module")
def neighbours() -> WechatKeys:
    """The keys of WeChat Pay, which plays in every sandbox, take a moment to make."""
    return WechatKeys.fresh()


@pytest.fixture
def platform(neighbours: WechatKeys) -> Iterator[Platform]:
    """A fresh one, whose limits are enforced."""
    with Sandbox(keys=neighbours, limited=True) as sandbox, Platform(sandbox) as made:
        yield made


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"msgData": '{"orderId":"other"}'}, "A1006"),
        ({"timestamp": "1"}, "A1006"),
        ({"msgDigest": "AAAAAAAAAAAAAAAAAAAAAA=="}, "A1006"),
        ({"msgDigest": "签"}, "A1006"),
        ({"msgDigest": ""}, "A1001"),
        ({"requestID": ""}, "A1001"),
        ({"partnerID": "SANDBOX0"}, "A1004"),
        ({"serviceCode": "EXP_RECE_NOBODYS"}, "A1004"),
    ],
)
def test_who_does_not_sign_right_is_turned_away(platform: Platform, changes: dict[str, str], code: str) -> None:
    """The digest covers exactly what arrived and its time; nothing was done, and it is counted who was turned away."""
    said = platform.send({**platform.form(PLACE, platform.order()), **changes})
    assert (said["apiResultCode"], said["apiResultData"]) == (code, None)
    assert platform.sandbox.truth("sf")["shipping"] == {}
    assert platform.sandbox.truth("sf")["turned_away"] == {code: 1}


def test_a_digest_over_quoted_text_is_another_one(platform: Platform) -> None:
    """Who encodes with ``quote`` is let in as long as nothing needs it, and turned away at the first blank."""
    at = str(int(time.time() * 1000))

    def quoted(data: str) -> str:
        raw = quote(f"{data}{at}{platform.keys.checkword}", safe="*-._")
        made = base64.b64encode(hashlib.md5(raw.encode(), usedforsecurity=False).digest()).decode()
        return str(platform.send(platform.form(FIND, data, timestamp=at, msgDigest=made))["apiResultCode"])

    assert quoted('{"orderId":"c1"}') == "A1000"
    assert quoted('{"orderId":"c 1"}') == "A1006"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe=%", b"msgData=" + b"[" * 5_000, b"a=1&" * 50])
def test_what_is_no_question_is_answered_all_the_same(platform: Platform, body: bytes) -> None:
    """Bytes, nothing and a flood of fields are turned away; the platform lives on."""
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    assert platform.http.post("/sf/std/service", content=body, headers=head).json()["apiResultCode"] == "A1001"
    assert platform.ask(FIND, {"orderId": "none"})["errorCode"] == "8018"


def test_one_number_is_one_order(platform: Platform) -> None:
    """Placed again under its number it is refused as placed before, and found with the same waybill."""
    first = platform.ask(PLACE, platform.order())
    assert platform.ask(PLACE, platform.order())["errorCode"] == "8016"
    found = platform.ask(FIND, {"orderId": "c1-pickup-1"})
    assert found["msgData"]["waybillNoInfoList"] == first["msgData"]["waybillNoInfoList"]
    assert platform.sandbox.truth("sf")["standing"] == ["c1-pickup-1"]


def test_an_order_is_cancelled_by_the_service_of_its_own(platform: Platform) -> None:
    """A return is unknown to the service that cancels parcels; cancelled once it says so for good."""
    platform.ask(PLACE, platform.order())
    assert platform.ask("EXP_RECE_UPDATE_ORDER", {"orderId": "c1-pickup-1", "dealType": 2})["errorCode"] == "8018"
    assert platform.ask(CANCEL, {"orderId": "c1-pickup-1"})["msgData"]["resStatus"] == 2
    for service in (CANCEL, FIND):
        assert platform.ask(service, {"orderId": "c1-pickup-1"})["errorCode"] == "8037"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"orderId": ""}, "S0002"),
        ({"contactInfoList": []}, "1010"),
        ({"cargoDetails": [{}]}, "1023"),
        ({"monthlyCard": "1"}, "8119"),
        ({"sendStartTm": "2020-01-01 09:00:00"}, "20034"),
        ({"sendStartTm": "tomorrow"}, "S0007"),
        ({"contactInfoList": 5}, "S0007"),
    ],
)
def test_an_order_that_lacks_something_is_refused_by_its_code(platform: Platform, changes: dict[str, Any], code: str) -> None:
    """Each omission has the code that SF publishes for it, and nothing is placed."""
    assert platform.ask(PLACE, platform.order(**changes))["errorCode"] == code
    assert platform.sandbox.truth("sf")["shipping"] == {}


def test_the_thirty_first_call_of_a_second_is_refused(platform: Platform) -> None:
    """Thirty questions in a second are answered, the next is not; the truth names the limit, and a day has three thousand."""
    provider = platform.sandbox.provider("sf")
    moment = float(int(platform.sandbox.now()))
    provider.book.now = lambda: moment
    codes = [platform.send(platform.form(FIND, {"orderId": "none"}))["apiResultCode"] for _ in range(31)]
    assert codes == ["A1000"] * 30 + ["A1005"]
    provider.book.now = lambda: moment + 1
    assert platform.send(platform.form(FIND, {"orderId": "none"}))["apiResultCode"] == "A1000"
    assert [b["what"] for b in platform.sandbox.truth("parcels")["broken"]] == ["rate"]
    with provider.book.writing() as db:
        db.execute("update called set count = 2980 where second = ?", (int(moment),))
    assert platform.send(platform.form(FIND, {"orderId": "none"}))["apiResultCode"] == "A1000"
    provider.book.now = lambda: moment + 2
    codes = [platform.send(platform.form(FIND, {"orderId": "none"}))["apiResultCode"] for _ in range(20)]
    assert codes.count("A1005") == 2


def test_eleven_numbers_are_too_many(platform: Platform) -> None:
    """Ten numbers are one question; the eleventh is refused, and the truth knows."""
    asked = {"trackingType": "1", "trackingNumber": [f"SF{n:013}" for n in range(11)], "checkPhoneNo": "1111"}
    assert platform.ask(ROUTES, asked)["errorCode"] == "8003"
    assert [b["what"] for b in platform.sandbox.truth("parcels")["broken"]] == ["batch"]


def test_everything_is_there_after_a_restart(tmp_path: Path, neighbours: WechatKeys) -> None:
    """Orders, what was collected, routes, calls and keys outlive the process."""
    with Sandbox(tmp_path, keys=neighbours) as sandbox, Platform(sandbox) as platform:
        for number in ("c1-pickup-1", "c2-pickup-1"):
            platform.ask(PLACE, platform.order(number))
        waybill = sandbox.provider("sf").collect("c1-pickup-1")["waybill"]
        keys, before = platform.keys.checkword, sandbox.truth("sf")
    with Sandbox(tmp_path, keys=neighbours) as sandbox, Platform(sandbox) as platform:
        assert platform.keys.checkword == keys
        after = sandbox.truth("sf")
        assert (after["shipping"], after["standing"]) == (before["shipping"], ["c2-pickup-1"])
        assert after["calls"][PLACE]["day"] == 2
        asked = {"trackingType": "1", "trackingNumber": [waybill], "checkPhoneNo": "1111"}
        (told,) = platform.ask(ROUTES, asked)["msgData"]["routeResps"]
        assert [line["opCode"] for line in told["routes"]] == ["50"]


def test_real_keys_are_refused(neighbours: WechatKeys) -> None:
    """A client code and check word that the sandbox did not make could be somebody's: it does not play."""
    with pytest.raises(LooksReal), Sandbox(keys=neighbours, made={"sf": Keys("QQB1", "HdOrk7")}) as sandbox:
        sandbox.provider("sf")


def test_nobody_pays_here(platform: Platform) -> None:
    """Carriers take no payments of buyers, and know one path."""
    with pytest.raises(ValueError, match="no payments"):
        platform.sandbox.pay("t1", 100, provider="sf")
    assert platform.http.get("/sf/std/service").status_code == 404
