"""The receipts of customs: what is read of them, what is refused, and that nothing of who bought it gets any further."""

import base64
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from aftersales.errors import BadSettings, BadSignature, Invalid, Unknown
from aftersales.testing.builders import NOW
from aftersales.testing.customs import subject_of
from plugins.ceb_customs import build
from plugins.ceb_customs.code import CLEARANCE, RETURN, status_of
from plugins.ceb_customs.receipt import LARGEST, read
from plugins.ceb_customs.sign import signed

SECRET = "a-secret-of-at-least-32-characters-1"
SETTINGS = {"base_url": "https://agent.example", "secret": SECRET, "merchants": {"3301964J31": "m1"}}
NAMESPACE = 'xmlns="http://www.chinaport.gov.cn/ceb"'

#: A receipt as agents get them, with more in it than is read.
RELEASED = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<CEB622Message {NAMESPACE} version="1.0" guid="d0cdf79f">
  <InventoryReturn>
    <guid>4f2011fc</guid><customsCode>2924</customsCode><ebpCode>33169667BG</ebpCode><ebcCode>3301964J31</ebcCode>
    <agentCode>330766K00Q</agentCode><copNo>o-1001</copNo><preNo>B20200615494000227</preNo><invtNo>29242020I416941614</invtNo>
    <returnStatus>800</returnStatus><returnTime>20261021013005123</returnTime><returnInfo>[Code:2600;Desc:放行]</returnInfo>
  </InventoryReturn>
</CEB622Message>"""
BILL = f"""<CEB816Message {NAMESPACE}><Tax>
  <TaxHeadRd><returnTime>20261022093000000</returnTime><invtNo>29242020I416941614</invtNo><taxNo>TX1</taxNo>
    <customsTax>0.0</customsTax><valueAddedTax>198.06</valueAddedTax><consumptionTax>123.53000</consumptionTax><status>1</status>
    <ebcCode>3301964J31</ebcCode><orderNo>o-1001</orderNo></TaxHeadRd>
  <TaxListRd><gnum>1</gnum><gcode>1901101000</gcode><taxPrice>1000</taxPrice><customsTax>0</customsTax><valueAddedTax>91.00</valueAddedTax>
    <consumptionTax></consumptionTax></TaxListRd>
  <TaxListRd><gnum>2</gnum><gcode>3304990039</gcode><taxPrice>1000</taxPrice><customsTax>0</customsTax>
    <valueAddedTax>107.055</valueAddedTax><consumptionTax>123.53</consumptionTax></TaxListRd>
</Tax></CEB816Message>"""
STATUS = f"""<CEB818Message {NAMESPACE}><Tax><TaxHeadStatus><returnTime>20261023093000</returnTime><taxNo>TX1</taxNo>
<status>3</status></TaxHeadStatus></Tax></CEB818Message>"""


def told(xml: str | bytes, **beside: str) -> list[tuple[str, str, str, dict[str, object]]]:
    """The facts that a push of this receipt tells: merchant, order, name and values."""
    content = xml.encode() if isinstance(xml, str) else xml
    body = urlencode({"data": base64.b64encode(content).decode(), **beside}).encode()
    heard = build(SETTINGS).heard({**signed(SECRET, "tell", str(int(time.time())), body), **FORM}, body, NOW)
    assert (heard.status, heard.reply, heard.media_type) == (200, b"true", "text/plain")
    return [(one.merchant, one.order_id, one.fact.name, dict(one.fact.data or {})) for one in heard.facts]


FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}


# --- what is read -----------------------------------------------------------------------------------------------------
def test_a_release_is_read() -> None:
    """Status, number and Beijing time of a declaration; the order is the number it was declared under."""
    assert told(RELEASED) == [
        ("m1", "o-1001", "customs.clearance", {"status": "released", "code": "800", "invt_no": "29242020I416941614"})
    ]
    assert read(RELEASED.encode())[0].at == datetime(2026, 10, 20, 17, 30, 5, 123_000, tzinfo=UTC)


def test_a_bill_is_read_to_the_fen() -> None:
    """Each line with its three taxes, an empty one is none, half a fen goes up."""
    taxes = {"duty_minor": 0, "consumption_minor": 0, "vat_minor": 9_100}
    bill = {"tax_no": "TX1", "status": "generated"}
    assert told(BILL) == [
        ("m1", "o-1001", "customs.tax_bill", {**bill, "gnum": 1, **taxes}),
        (
            "m1",
            "o-1001",
            "customs.tax_bill",
            {**bill, "gnum": 2, "duty_minor": 0, "consumption_minor": 12_353, "vat_minor": 10_706},
        ),
    ]


def test_what_a_receipt_does_not_say_stands_beside_it() -> None:
    """The status of a bill names neither order nor enterprise: the agent says them in the form, and without them it is refused."""
    assert told(STATUS, orderNo="o-1001", ebcCode="3301964J31") == [
        ("m1", "o-1001", "customs.tax_status", {"tax_no": "TX1", "status": "void"})
    ]
    with pytest.raises(Invalid, match="enterprise"):
        told(STATUS, orderNo="o-1001")
    with pytest.raises(Invalid, match="which order"):
        told(STATUS, ebcCode="3301964J31")


def test_two_names_for_one_order_are_refused() -> None:
    """A form that names another order, or another enterprise, than its receipt is not believed."""
    with pytest.raises(Invalid, match="two orders"):
        told(BILL, orderNo="o-9")
    with pytest.raises(Invalid, match="enterprise"):
        told(BILL, ebcCode="9999999999")
    assert told(RELEASED, orderNo="o-9")[0][1] == "o-9"  # a copNo is the agent's own number, and may be another


def test_a_return_that_customs_examined_is_taken() -> None:
    """399 ends the examination of a return with a yes; of a declaration it is one more step."""
    back = RELEASED.replace("CEB622Message", "CEB626Message").replace("InventoryReturn", "InvtRefundReturn").replace("800", "399")
    assert told(back)[0][2:] == ("customs.return", {"status": "released", "code": "399", "invt_no": "29242020I416941614"})
    assert told(RELEASED.replace("800", "399"))[0][3]["status"] == "waiting"


@pytest.mark.parametrize("encoding", ["gb2312", "GBK", "gb18030"])
def test_chinese_encodings_are_understood(encoding: str) -> None:
    """Agents' programs write GB2312 and its successors as well as UTF-8."""
    assert told(RELEASED.replace("UTF-8", encoding).encode("gb18030")) == told(RELEASED)


def test_other_messages_of_customs_are_taken_and_say_nothing() -> None:
    """A receipt about the order or the payment is customs' own, and asks nothing of us."""
    assert told(f"<CEB312Message {NAMESPACE}><OrderReturn><returnStatus>2</returnStatus></OrderReturn></CEB312Message>") == []


def test_a_plus_that_nobody_escaped_is_read() -> None:
    """Programs that put base64 into a form as it is lose their plus signs; it is known what was there."""
    comment = next(f"<!--{n}-->" for n in range(10_000) if b"+" in base64.b64encode(f"{RELEASED}<!--{n}-->".encode()))
    data = base64.b64encode((RELEASED + comment).encode())
    body = b"data=" + data.replace(b"=", b"%3D")
    heard = build(SETTINGS).heard({**signed(SECRET, "tell", str(int(time.time())), body), **FORM}, body, NOW)
    assert b"+" in data
    assert len(heard.facts) == 1


@pytest.mark.parametrize(
    ("code", "clearance", "back"),
    [("1", "waiting", "waiting"), ("4", "error", "error"), ("100", "failed", "failed"), ("120", "waiting", "waiting"),
     ("300", "waiting", "waiting"), ("399", "waiting", "released"), ("500", "waiting", "waiting"), ("501", "waiting", "waiting"),
     ("503", "waiting", "waiting"), ("599", "failed", "failed"), ("700", "failed", "failed"), ("800", "released", "released"),
     ("899", "released", "released"), ("900", "failed", "failed"), ("-301006", "error", "error")],
)  # fmt: skip
def test_codes_mean_what_the_standard_says(code: str, clearance: str, back: str) -> None:
    """Every number of customs has one meaning; what is negative is an error in processing."""
    assert (status_of(CLEARANCE, code), status_of(RETURN, code)) == (clearance, back)


# --- what is refused --------------------------------------------------------------------------------------------------
ENTITY = '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>'
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
BODY = RELEASED.split("?>", 1)[1]
RECORD = BODY[BODY.index("<Inv") : BODY.index("</CEB")]

WRONG: dict[str, bytes] = {
    "nothing": b"",
    "no XML": b"{}",
    "half of it": RELEASED.encode()[:300],
    "a file of this machine": (ENTITY + BODY.replace("o-1001", "&file;")).encode(),
    "a bomb of entities": (BOMB + BODY.replace("o-1001", "&c;")).encode(),
    "a document type": ('<!DOCTYPE CEB622Message SYSTEM "http://agent.example/x.dtd">' + BODY).encode(),
    "no namespace": BODY.replace(NAMESPACE, "").encode(),
    "another namespace": BODY.replace("chinaport.gov.cn", "example.com").encode(),
    "another message": f"<Order {NAMESPACE}/>".encode(),
    "no record": f"<CEB622Message {NAMESPACE}/>".encode(),
    "an unknown status": RELEASED.replace(">800<", ">850<").encode(),
    "a word as status": RELEASED.replace(">800<", ">released<").encode(),
    "no status": RELEASED.replace("<returnStatus>800</returnStatus>", "").encode(),
    "two statuses": RELEASED.replace("<returnTime>", "<returnStatus>100</returnStatus><returnTime>").encode(),
    "no time": RELEASED.replace("20261021013005123", "yesterday").encode(),
    "a day that is none": RELEASED.replace("20261021013005123", "20261341013005123").encode(),
    "a day that has not come": RELEASED.replace("20261021013005123", "20271021013005123").encode(),
    "a number that is none": RELEASED.replace("o-1001", "o 1001; drop").encode(),
    "nobody's goods": RELEASED.replace("3301964J31", "9999999999").encode(),
    "a bill without lines": BILL.split("<TaxListRd>", maxsplit=1)[0].encode() + b"</Tax></CEB816Message>",
    "a bill without head": f"<CEB816Message {NAMESPACE}><Tax/></CEB816Message>".encode(),
    "a bill that does not add up": BILL.replace("91.00", "191.00").encode(),
    "a bill with a line twice": BILL.replace("<gnum>2<", "<gnum>1<").encode(),
    "a bill with less than nothing": BILL.replace("91.00", "-91.00").encode(),
    "a bill with too much": BILL.replace("91.00", "1e300").encode(),
    "a bill of no known status": BILL.replace("<status>1<", "<status>9<").encode(),
    "too large": RELEASED.encode() + b" " * LARGEST,
    "another encoding than said": RELEASED.replace("UTF-8", "utf-16").encode(),
    "an encoding of nobody's": RELEASED.replace("UTF-8", "x-klingon").encode(),
    "deep as a well": b"<a>" * 100_000,
    "too many records": BODY.replace(RECORD, RECORD * 101).encode(),
}  # fmt: skip


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_receipt_that_is_none_is_refused_with_a_reason(content: bytes) -> None:
    """Whatever a signed push contains, the answer is a clear error that quotes nothing of it, and never a crash."""
    with pytest.raises(Invalid) as error:
        told(content)
    assert "passwd" not in str(error.value)
    assert len(error.value.message) < 200


def push(body: bytes, **headers: str) -> None:
    """A push of any body, rightly signed unless said otherwise."""
    build(SETTINGS).heard({**signed(SECRET, "tell", str(int(time.time())), body), **FORM, **headers}, body, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"data",
        b"data=%%%",
        "data=清".encode(),
        b"data=AA==&data=AA==",
        b"data=AA==&more=1",
        b"orderNo=1",
        b"data=" + b"&" * 50,
    ],
)
def test_a_form_that_is_none_is_refused(body: bytes) -> None:
    """A body that is no form, or has anything twice, too much or not at all."""
    with pytest.raises(Invalid):
        push(body)
    with pytest.raises(Invalid, match="form"):
        push(body, **{"content-type": "application/json"})


def by(secret: str = SECRET, purpose: str = "tell", age: int = 0) -> Callable[[bytes], dict[str, str]]:
    """Headers by that secret, for that purpose, that old."""
    return lambda body: signed(secret, purpose, str(int(time.time()) - age), body)


@pytest.mark.parametrize(
    "headers",
    [lambda _: {}, by("another-secret-of-32-characters-12"), by(purpose="answer"), by(age=301), by(age=-301),
     lambda body: {**by()(body), "x-customs-timestamp": "soon"}, lambda body: {**by()(body), "x-customs-signature": "ü"}],
    ids=["none", "another secret", "made for an answer", "old", "of tomorrow", "no time", "no hex"],
)  # fmt: skip
def test_a_signature_comes_first(headers: Callable[[bytes], dict[str, str]]) -> None:
    """Unsigned, forged, reused or stale: nothing is read, not even whether it is a form."""
    with pytest.raises(BadSignature):
        build(SETTINGS).heard({**headers(b"\xff"), **FORM}, b"\xff", NOW)


def test_secrets_are_rolled_without_a_gap() -> None:
    """With two secrets, messages signed with either are taken."""
    older = "an-older-secret-of-32-characters-12"
    body = urlencode({"data": base64.b64encode(RELEASED.encode()).decode()}).encode()
    source = build({**SETTINGS, "secret": f"{SECRET}, {older}"})
    for secret in (SECRET, older):
        assert source.heard({**signed(secret, "tell", str(int(time.time())), body), **FORM}, body, NOW).facts


# --- who bought it ----------------------------------------------------------------------------------------------------
BUYER = ("330102199001011234", "张三", "13800138000")


def test_nobody_who_bought_it_is_read(caplog: pytest.LogCaptureFixture) -> None:
    """Identity number, name and phone in a receipt are in no fact, no log and no error."""
    person = "".join(
        f"<{name}>{x}</{name}>" for name, x in zip(("buyerIdNumber", "buyerName", "buyerTelephone"), BUYER, strict=True)
    )
    with caplog.at_level(logging.DEBUG):
        receipt = RELEASED.replace("<guid>", f"{person}<guid>").replace("Desc:放行", f"Desc:{BUYER[0]}{BUYER[1]}")
        facts = told(receipt)
        with pytest.raises(Invalid) as error:
            told(receipt.replace(">800<", f">{BUYER[0][:9]}<").replace("o-1001", BUYER[0]))
    said = f"{facts}{caplog.text}{error.value}{error.value.details}"
    assert len(facts) == 1
    assert not [one for one in BUYER if one in said]


def test_goods_that_go_elsewhere_are_not_asked_about() -> None:
    """A line sold into the European Union is answered at once, with nothing; one for China needs its merchant's enterprise code."""
    source = build({**SETTINGS, "merchants": {"3301964J31": "another"}})
    assert source.ask(subject_of(data={"regime": "eu_ddp"}), NOW).status == "none"
    with pytest.raises(Unknown, match="enterprise code"):
        source.ask(subject_of(), NOW)


# --- settings ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrong",
    [{"base_url": ""}, {"base_url": "http://agent.example"}, {"base_url": "https://u:p@agent.example"}, {"secret": ""},
     {"secret": "short"}, {"secret": f"{SECRET},short"}, {"merchants": {}}, {"merchants": "{"}, {"merchants": {"?": "m1"}},
     {"merchants": {"3301964J31": ""}}, {"read_s": -1}, {"total_s": "long"}],
    ids=str,
)  # fmt: skip
def test_settings_that_cannot_work_are_named(wrong: dict[str, object]) -> None:
    """Each wrong setting is named when the plugin is built, and its value is never shown."""
    with pytest.raises(BadSettings, match=next(iter(wrong))) as error:
        build({**SETTINGS, **wrong})
    assert "short" not in str(error.value)


def test_merchants_may_be_json() -> None:
    """A table fits into one environment variable."""
    source = build({**SETTINGS, "merchants": '{"3301964J31": "m7"}'})
    body = urlencode({"data": base64.b64encode(RELEASED.encode()).decode()}).encode()
    heard = source.heard({**signed(SECRET, "tell", str(int(time.time())), body), **FORM}, body, NOW)
    assert heard.facts[0].merchant == "m7"
