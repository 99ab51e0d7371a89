"""A client that is not ours takes our Alipay for Alipay: its signatures are accepted here, and ours are accepted there.

``python-alipay-sdk`` knows nothing of this project. It sends everything in the address, by GET, with the machine's own time; the
sandbox takes that, as Alipay does.
"""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayException, AliPayValidationError

from aftersales.testing.channel import a_refund_order
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.sandbox import Keys as OtherKeys
from infra.local.sandbox.alipay import Keys
from infra.local.sandbox.alipay.keys import number_of, root_number_of
from plugins.alipay_refund.key import certificate_numbers, certified_keys_of

# The other client reads certificates in a way that its own library wants to be rid of.
pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore:X509.get_issuer is deprecated:DeprecationWarning")]

ORDER = a_refund_order()


@pytest.fixture(scope="module")
def keys() -> tuple[Keys, OtherKeys]:
    """Keys take a moment to make; the books are fresh for every test."""
    return Keys.fresh(), OtherKeys.fresh()


@pytest.fixture
def sandbox(keys: tuple[Keys, OtherKeys], monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The provider, with the default payment known; the client's library asks the environment for proxies."""
    monkeypatch.setenv("NO_PROXY", f"{os.environ.get('NO_PROXY', '')},127.0.0.1".lstrip(","))
    monkeypatch.setenv("no_proxy", os.environ["NO_PROXY"])
    with Sandbox(keys=keys[1], made={"alipay": keys[0]}) as sandbox:
        sandbox.pay(ORDER.transaction_id, ORDER.paid.minor, provider="alipay", out_trade_no="o1")
        yield sandbox


@pytest.fixture(params=["with keys", "with certificates"])
def client(request: pytest.FixtureRequest, sandbox: Sandbox) -> Any:
    """The other client, in each of Alipay's modes."""
    mine: Keys = sandbox.provider("alipay").keys
    if request.param == "with keys":
        said = mine.settings()
        client = AliPay(said["app_id"], None, said["private_key"], said["alipay_public_key"])
    else:
        said = mine.settings(certificates=True)
        client = DCAliPay(said["app_id"], said["private_key"], said["app_cert"], said["alipay_cert"], said["alipay_root_cert"])
    client._gateway = f"{sandbox.base_url}/gateway.do"
    return client


def refund(client: Any, number: str = "X-1", amount: str = "19.90") -> dict[str, Any]:
    """A refund as the other client asks for it."""
    said: dict[str, Any] = client.api_alipay_trade_refund(amount, trade_no=ORDER.transaction_id, out_request_no=number)
    return said


def test_it_refunds_and_finds_its_refund(client: Any, sandbox: Sandbox) -> None:
    """Money moves once for a number, a repetition says so, and ten seconds later the query shows it."""
    assert refund(client)["fund_change"] == "Y"
    again = refund(client)
    assert (again["code"], again["fund_change"], again["refund_fee"]) == ("10000", "N", "19.90")
    assert "refund_status" not in client.api_alipay_trade_fastpay_refund_query("X-1", trade_no=ORDER.transaction_id)
    sandbox.set_clock(10)
    found = client.api_alipay_trade_fastpay_refund_query("X-1", out_trade_no="o1")
    assert (found["refund_status"], found["refund_amount"], found["out_request_no"]) == ("REFUND_SUCCESS", "19.90", "X-1")
    assert sandbox.truth("alipay")["total"] == {"executed": 1990, "paid": 1990, "count": 1}


def test_it_hears_the_same_refusals(client: Any, sandbox: Sandbox) -> None:
    """A business no is signed and read; one of the gateway comes unsigned and is an error there as well."""
    assert refund(client, amount="99.51")["sub_code"] == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    refund(client)
    assert refund(client, amount="5.00")["sub_code"] == "ACQ.DISCORDANT_REPEAT_REQUEST"
    sandbox.fault(Fault(At.CREATE, Kind.ERROR, code="40002 isv.invalid-app-id"), provider="alipay")
    with pytest.raises(AliPayException):
        refund(client, "X-2")


@pytest.mark.parametrize("kind", [Kind.BAD_SIGNATURE, Kind.UNKNOWN_SERIAL])
def test_it_refuses_what_we_refuse(kind: Kind, client: Any, sandbox: Sandbox) -> None:
    """Answers that the sandbox signs wrongly on purpose are refused there too."""
    sandbox.fault(Fault(At.CREATE, kind), provider="alipay")
    with pytest.raises(AliPayValidationError):
        refund(client)


def test_what_it_signs_wrongly_is_refused(client: Any, sandbox: Sandbox) -> None:
    """Under another application's number the same key opens nothing."""
    client._appid = "2021SANDBOX00000000"
    with pytest.raises(AliPayException, match="invalid-app-id"):
        refund(client)
    assert sandbox.truth("alipay")["total"]["count"] == 0


def test_it_believes_our_notices(client: Any, sandbox: Sandbox) -> None:
    """A notice of the sandbox verifies there, and one with another sum does not."""
    refund(client)
    _, body = sandbox.provider("alipay").notice_of("X-1")
    said = dict(parse_qsl(body.decode()))
    signature = said.pop("sign")
    assert client.verify(dict(said), signature)
    assert not client.verify({**said, "refund_fee": "19.91"}, signature)


def test_it_finds_the_bill(client: Any, sandbox: Sandbox) -> None:
    """The call for the address of a bill is one of the gateway's like any other."""
    said = client.server_api("alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": "2020-01-01"})
    assert said["sub_code"] == "isp.bill_not_exist"


def test_it_counts_certificates_as_we_do(keys: tuple[Keys, OtherKeys]) -> None:
    """Three readers of one rule: the other client, the sandbox and our plugin give a certificate the same number."""
    mine = keys[0]
    app, root = DCAliPay.get_cert_sn(mine.app_cert), DCAliPay.get_root_cert_sn(mine.roots)
    assert certificate_numbers(mine.app_cert, mine.roots) == {"app_cert_sn": app, "alipay_root_cert_sn": root}
    assert (number_of(mine.app_cert), root_number_of(mine.roots)) == (app, root)
    assert list(certified_keys_of(mine.alipay[-1][1])) == [DCAliPay.get_cert_sn(mine.alipay[-1][1])]
