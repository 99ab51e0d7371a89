"""Refunds that fail in every way, in one process, with every logger at its most talkative: what the log then says of whom."""

import io
import json
import logging
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import app
from aftersales import redaction
from infra.local.engine import Engine, dynamodb_client
from infra.local.follower import Follower
from infra.local.gateway import Gateway, Reply
from infra.local.home import ROOT, Home
from infra.local.sandbox import At, Fault, Kind, Sandbox
from infra.local.schedule import Scheduler
from infra.local.token import token
from plugins.dynamodb_store.schema import create

pytestmark = pytest.mark.e2e

PHONE, CARD, PERSON, NAME = "13912345678", "6222021234567890128", "11010519491231002X", "欧阳修"
#: What a provider may say of a buyer, and a buyer of herself.
SAID = f"手机{PHONE}，卡号{CARD}，户名：{NAME}，身份证{PERSON}"
TRANSACTIONS = tuple(f"42000012342026112212345678{n:02}" for n in range(6))
#: The local stage, with its secrets in Secrets Manager and a channel in a hurry.
STAGE = (ROOT / "infra" / "stages" / "local.toml").read_text(encoding="utf-8")
STAGE = STAGE.replace('"local_secrets"', '"aws_secrets"')
STAGE = STAGE.replace("[settings.local_secrets]", '[settings.aws_secrets]\nprefix = "shop/"\nregion = "us-east-1"')
STAGE = STAGE.replace("[settings.wechatpay_refund]", "[settings.wechatpay_refund]\nread_s = 0.3\ntotal_s = 0.5")


EVENT = {
    **dict.fromkeys(("version", "id", "detail-type", "source", "account", "time", "region"), ""),
    "resources": [],
    "detail": {},
}


class Broken:
    """A clock whose error tells everything."""

    def now(self) -> datetime:
        """Nothing."""
        raise RuntimeError(SAID)


class Shop:
    """The deployed app in this process, on the engine and the sandbox, driven as the local server drives it."""

    def __init__(self, home: Home, sandbox: Sandbox) -> None:
        self.home, self.sandbox = home, sandbox
        self.client = dynamodb_client(home.engine_url)
        self.gateway = Gateway(app.app)
        self.follower = Follower(home, app.follow_stream)
        self.scheduler = Scheduler(home, {"sweep_deadlines": app.sweep_deadlines, "poll_refunds": app.poll_refunds})
        self.refunds: list[str] = []

    def ask(self, method: str, path: str, body: Any = None, role: str = "buyer", sub: str = "b1") -> Reply:
        """One request."""
        headers = {"authorization": f"Bearer {token(self.home, role, 'm1', sub)}", "content-type": "application/json"}
        headers["idempotency-key"] = uuid4().hex
        return self.gateway.answer(method, path, headers, b"" if body is None else json.dumps(body, ensure_ascii=False).encode())

    def must(self, *asked: Any, **who: Any) -> Any:
        """The body of a request that has to succeed."""
        reply = self.ask(*asked, **who)
        assert reply.status < 300, reply.body
        return json.loads(reply.body)

    def refund(self, number: int, *faults: Fault) -> None:
        """An order, a claim on it that is granted at once, and a refund to which this happens."""
        self.sandbox.pay(TRANSACTIONS[number], 6000)
        self.sandbox.fault(*faults)
        now, order = datetime.now(UTC), f"20261122-{number:04}"
        line = {"line_id": "l1", "sku": "LM-07", "title": "Desk lamp", "vertical": "general", "unit_price_minor": 6000, "pieces": 1}
        paid = {"payment_id": "p1", "channel": "wechatpay", "transaction_id": TRANSACTIONS[number], "paid_minor": 6000}
        buyer = {"id": "b1", "phone": f"+86{PHONE}"}
        head = {"order_id": order, "merchant": "m1", "buyer": buyer, "currency": "CNY", "status": "paid"}
        paid_at = (now - timedelta(minutes=5)).isoformat()
        self.must(
            "PUT", f"/v1/orders/{order}", {**head, "paid_at": paid_at, "lines": [line], "payments": [paid]}, role="integrator"
        )
        asked = {"order_id": order, "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
        case = self.must("POST", "/v1/cases", asked)["case_id"]
        self.must("POST", f"/v1/cases/{case}/messages", {"text": SAID})
        self.must("POST", f"/v1/cases/{case}/submit")
        seen = self.must("GET", f"/v1/cases/{case}")
        if not seen["refunds"]:
            self.must("POST", f"/v1/merchant/cases/{case}/decision", {"approve": True}, role="approver", sub="a1")
            seen = self.must("GET", f"/v1/cases/{case}")
        self.refunds.append(seen["refunds"][0]["key"])
        while self.follower.step():
            pass
        self.scheduler.step()


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every record as its logger meant it, before it is redacted; the process redacts as its entry points do."""
    said: list[str] = []
    before = logging.getLogRecordFactory()

    def keep(*args: Any, **named: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **named)
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info and record.exc_info[1] else ""
        said.append(f"{record.name} {record.getMessage()} {trace}")
        return record

    logging.setLogRecordFactory(keep)
    redaction.install()
    yield said
    logging.setLogRecordFactory(before)


@pytest.fixture
def log(raw: list[str]) -> Iterator[io.StringIO]:
    """All that a handler at the root writes, at DEBUG."""
    out, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(out), root.level
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A home whose secrets lie in Secrets Manager (moto), with the engine and the sandbox running."""
    import boto3
    from moto import mock_aws

    home = Home.made(tmp_path / "home")
    stage = tmp_path / "stage.toml"
    stage.write_text(STAGE, encoding="utf-8")
    assert tomllib.loads(STAGE)["ports"]["secrets"] == "aws_secrets"
    engine = Engine(home.folder / "engine", home.ports["engine"])
    with mock_aws(), Sandbox(home.sandbox, port=home.ports["sandbox"], gap_s=0.0) as sandbox:
        home.take_over_secrets()
        engine.start()
        told = {**home.environment(), "AFTERSALES_STAGE": str(stage)}
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        keeper = boto3.client("secretsmanager", region_name="us-east-1")
        for file in home.secrets.iterdir():
            keeper.create_secret(Name=f"shop/{file.name}", SecretString=file.read_text(encoding="utf-8"))
        app.registry.cache_clear()
        shop = Shop(home, sandbox)
        create(shop.client, home.table)
        yield shop
        registry: Any = app.registry()
        for opened in (shop.client, shop.follower._client, keeper, registry.store.client, registry.secrets.client):
            opened.close()
        registry.channel("wechatpay").close()
        app.registry.cache_clear()
        engine.stop()


def secrets_of(home: Home) -> dict[str, str]:
    """The secrets and a telling line of each key, by what they are."""
    provider = json.loads(home.secret("wechatpay"))
    key = provider["private_key"].splitlines()
    own = {name: home.secret(name) for name in ("token", "phone_key", "files_key")}
    return {**own, "apiv3_key": provider["apiv3_key"], "first line of the key": key[1], "last line of the key": key[-2]}


def test_no_log_tells_a_secret_or_a_person(
    shop: Shop, raw: list[str], log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through failures of every kind, at DEBUG, nothing a handler writes holds a key, a phone, a card or a name; numbers stay."""
    refused = Fault(At.CREATE, Kind.ERROR, executed=False, status=403, code="USER_ACCOUNT_ABNORMAL", message=SAID)
    shop.refund(0)
    shop.refund(1, refused)
    shop.refund(2, Fault(At.CREATE, Kind.ERROR, status=500, message=SAID), Fault(At.QUERY, Kind.ERROR, message=SAID))
    shop.refund(3, Fault(At.CREATE, Kind.HANG, seconds=0.6), Fault(At.CREATE, Kind.BAD_SIGNATURE))
    shop.refund(4, Fault(At.CREATE, Kind.WRONG_AMOUNT), Fault(At.QUERY, Kind.UNKNOWN_SERIAL))
    shop.ask("POST", "/v1/callbacks/wechatpay", {"summary": SAID})
    shop.client.delete_table(TableName=shop.home.table)  # from here on everything breaks
    assert shop.ask("GET", f"/v1/orders/{PHONE}").status == 500
    with pytest.raises(shop.client.exceptions.ResourceNotFoundException):
        app.sweep_deadlines(EVENT, None)
    app.registry().put("clock", Broken())
    assert shop.ask("GET", "/v1/orders/20261122-0000").status == 500
    with pytest.raises(redaction.Hidden) as printed:  # what Lambda prints of a function that fails
        app.sweep_deadlines(EVENT, None)

    meant, said = "\n".join(raw), log.getvalue() + "".join(capsys.readouterr()) + str(printed.value)
    hidden = {"phone": PHONE, "card": CARD, "name": NAME, "name in JSON": "u6b27", "identity": PERSON, **secrets_of(shop.home)}
    # The loggers meant to say each of these (but the key of local_files, which no request needed): it is the redaction that helps.
    assert [what for what, text in hidden.items() if text not in meant] == ["files_key"]
    assert [what for what, text in hidden.items() if text in said] == []
    for number in (*TRANSACTIONS[:5], *shop.refunds):
        assert number in said
    assert {record.split(" ", 1)[0].split(".")[0] for record in raw} >= {"botocore", "httpcore", "httpx", "plugins", "functions"}
    assert "Traceback (most recent call last)" in said
