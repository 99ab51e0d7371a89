"""Numbers of parcels: carriers by any name, check digits, countries, and the name a case claims."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftersales.company import COMPANIES, company_of
from aftersales.form import ABROAD, Form
from aftersales.waybill import NO_NUMBER, carrier_of, claim_of, country_of, formats_of, needs_phone, number_of

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#: Format, carrier, right and wrong numbers of the open data set tracking_number_data (MIT).
NUMBERS = [
    (row["format"], row["carrier"], row["valid"], row["invalid"])
    for row in json.loads((Path(__file__).parents[1] / "data" / "parcels" / "numbers.json").read_text(encoding="utf-8"))
]

anything = (
    st.text() | st.text(alphabet=st.characters(categories=["Cs", "Nd", "Lu", "Pd", "Zs"])) | st.from_regex(r"[A-Z]{2}\d{9}[A-Z]{2}")
)


def vectors(right: bool) -> list[object]:
    """Each number of the open data set with its format, as a parameter."""
    return [
        pytest.param(name, carrier, number, id=f"{name} {number}".replace(" ", "_"))
        for name, carrier, valid, invalid in NUMBERS
        for number in (valid if right else invalid)
    ]


@pytest.mark.parametrize(("name", "carrier", "number"), vectors(right=True))
def test_every_right_number_of_the_data_set_is_recognised(name: str, carrier: str, number: str) -> None:
    """With its carrier stated and without, as one of that carrier's formats, and never as wrong."""
    for stated in ("", carrier):
        found = [f for f in formats_of(number, stated) if f.name.startswith(name)]
        assert found, formats_of(number, stated)
        assert all(f.valid is not False for f in found)


@pytest.mark.parametrize(("name", "carrier", "number"), vectors(right=False))
def test_no_wrong_number_of_the_data_set_passes(name: str, carrier: str, number: str) -> None:
    """It has another form, or its check digit or country is said to be wrong."""
    assert not [f for f in formats_of(number, carrier) if f.name.startswith(name) and f.valid is not False]


def test_every_format_with_a_check_digit_has_both_kinds_of_numbers() -> None:
    """A format that nobody tries with a wrong number could accept everything."""
    for name, _, valid, invalid in NUMBERS:
        assert valid, name
        assert invalid, name


CHECKED = [form for form in ABROAD if form.check]


@pytest.mark.parametrize("form", CHECKED, ids=[form.name.replace(" ", "_") for form in CHECKED])
@given(data=st.data())
def test_one_check_digit_belongs_to_every_serial(form: Form, data: st.DataObject) -> None:
    """Of all numbers of a format that differ in the check digit alone, one is right; mod 7 has no use for 7, 8 and 9."""
    number = data.draw(st.from_regex(form.pattern.pattern.replace(r"\d", "[0-9]"), fullmatch=True))
    ends = ALPHABET if form.carrier == "dpd" else "0123456789"
    verdicts = [f.valid for end in ends for f in formats_of(number[:-1] + end) if f.name == form.name]
    assert verdicts.count(True) == 1
    assert len(verdicts) == len(ends)


# --- carriers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("shunfeng", "sf"),
        ("SF", "sf"),
        ("顺丰", "sf"),
        (" 顺丰速运 ", "sf"),
        ("ＳＦ", "sf"),
        ("SF-Express", "sf"),
        ("yuantong", "yto"),
        ("圆通快递", "yto"),
        ("zhongtong", "zto"),
        ("中通快运", "ztoky"),
        ("shentong", "sto"),
        ("申通快递有限公司", "sto"),
        ("YD", "yunda"),
        ("jtexpress", "jt"),
        ("极兔", "jt"),
        ("J&T Express", "jt"),
        ("JD", "jd"),
        ("京东快递", "jd"),
        ("ems", "ems"),
        ("youzhengguonei", "post"),
        ("YZPY", "post"),
        ("中国邮政", "post"),
        ("huitongkuaidi", "best"),
        ("HTKY", "best"),
        ("debangkuaidi", "deppon"),
        ("debangwuliu", "deppon"),
        ("德邦快运", "deppon"),
        ("安能", "ane"),
        ("壹米滴答", "yimi"),
        ("京广", "jgsd"),
        ("优速", "uc"),
        ("丰网", "fengwang"),
        ("danniao", "cainiao"),
        ("菜鸟", "cainiao"),
        ("canada_post", "canadapost"),
        ("old_dominion", "olddominion"),
        ("DHL Express", "dhl"),
        ("4PX", "4px"),
        ("Nobody's  Parcels ", "nobody's  parcels"),
        ("快递", "快递"),
        ("", ""),
    ],
)
def test_a_carrier_is_known_by_any_of_its_names(said: str, code: str) -> None:
    """Codes of others, Chinese and English names, wide letters, any case; what is unknown comes back in lower case."""
    assert carrier_of(said) == code
    assert carrier_of(carrier_of(said)) == code


def test_no_name_means_two_companies() -> None:
    """Every code, name and alias leads back to its own company."""
    for company in COMPANIES.values():
        for name in (company.code, company.zh, company.en, *company.aliases):
            found = company_of(name)
            assert found is not None
            assert found.code == company.code, name


def test_codes_are_short_and_lower_case() -> None:
    """They stand in addresses of notices and in keys of records."""
    for code, company in COMPANIES.items():
        assert code == code.lower()
        assert code.isascii()
        assert code.isalnum()
        assert len(code) <= 12
        assert company.pool in COMPANIES


def test_two_carriers_ask_for_a_phone() -> None:
    """SF and ZTO answer only who knows the tail of a party's phone."""
    assert {code for code in COMPANIES if needs_phone(code)} == {"sf", "zto"}
    assert needs_phone("中通")
    assert not needs_phone("nobody")


# --- forms of Chinese carriers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("carrier", "number"),
    [
        ("sf", "SF1234567890123"),
        ("yto", "YT1234567890123"),
        ("jt", "JT1234567890123"),
        ("jd", "JDVA01234567890"),
        ("jd", "JD0123456789012"),
        ("deppon", "DPK364012345678"),
        ("zto", "75123456789012"),
        ("sto", "773012345678901"),
        ("yunda", "4312345678901"),
        ("post", "9860123456789"),
        ("ems", "1234567890123"),
        ("sf", "123456789012"),
    ],
)
def test_a_form_alone_proves_nothing(carrier: str, number: str) -> None:
    """The stated carrier's form comes first, and its verdict is open."""
    first = formats_of(number, carrier)[0]
    assert (first.carrier, first.valid) == (carrier, None)
    assert first.name.endswith("form only")


@pytest.mark.parametrize(
    ("carrier", "number"), [("zto", "SF1234567890123"), ("sf", "YT1234567890123"), ("sto", "1Z5R89390357567127")]
)
def test_a_number_of_another_form_is_not_called_wrong(carrier: str, number: str) -> None:
    """Forms of Chinese carriers are from experience: a number that has none of them may be new."""
    found = formats_of(number, carrier)
    assert found
    assert not any(f.carrier == carrier or f.valid is False for f in found)


@pytest.mark.parametrize(
    "number",
    ["", "abc", "123", "SF", "无单号", "no tracking number", "SF123456789012345678901234567890123456789012", "SF12345678*"],
)
def test_what_nobody_writes_is_wrong_for_whoever_is_named(number: str) -> None:
    """Plain garbage fails for a stated carrier, and fits nothing without one."""
    assert [(f.name, f.carrier, f.valid) for f in formats_of(number, "sf")] == [(NO_NUMBER, "sf", False)]
    assert formats_of(number) == ()


def test_digits_that_anybody_could_have_given_say_nothing_of_domestic_carriers() -> None:
    """Twelve digits have a dozen Chinese owners: only those with a check digit are told, unless one is stated."""
    assert {f.carrier for f in formats_of("123456789012")} == {"fedex", "purolator"}


# --- what a case claims ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "number"),
    [
        (" sf 1234-5678 90123 ", "SF1234567890123"),
        ("ＳＦ１２３４５６７８９０１２３", "SF1234567890123"),
        ("sf1234567890123\u200b", "SF1234567890123"),
        ("JDVA01234567890-1-1-", "JDVA01234567890"),
        ("jdva01234567890-2-3-", "JDVA01234567890"),
        ("1LS7119013618127-1", "1LS71190136181271"),
        ("S\u2010F\u00ad12", "SF12"),
        ("\u1f82\u0301-\u0301", "\u1f0a\u038a\u0301"),
    ],
)
def test_a_number_is_one_however_it_is_written(said: str, number: str) -> None:
    """Case, width, blanks, dashes and what pasting brings along make no other number."""
    assert number_of(said) == number
    assert number_of(number) == number


def test_a_parcel_is_claimed_under_one_name() -> None:
    """However carrier and number are written, the name is one; another number or another carrier has another."""
    names = [
        claim_of(c, n) for c in ("sf", "shunfeng", "顺丰速运") for n in ("SF1234567890123", "sf 1234567890123", "SF12345-67890123")
    ]
    assert set(names) == {"waybill#sf#SF1234567890123"}
    assert claim_of("sf", "SF1234567890124") not in names
    assert claim_of("yto", "SF1234567890123") not in names


def test_posts_share_their_numbers() -> None:
    """One international item is claimed once, whichever post is named; EMS and China Post number from one pool."""
    assert {claim_of(post, "RB123456785CN") for post in ("ems", "post", "usps", "")} == {"waybill#s10#RB123456785CN"}
    assert claim_of("ems", "9860123456789") == claim_of("邮政", "9860 1234 56789") == "waybill#post#9860123456789"


@given(anything, anything)
def test_no_input_breaks_anything(carrier: str, number: str) -> None:
    """Whatever is typed gets an answer, and normalising it twice changes nothing."""
    assert number_of(number_of(number)) == number_of(number)
    assert carrier_of(carrier_of(carrier)) == carrier_of(carrier)
    for first, second in combinations([f.carrier == carrier_of(carrier) for f in formats_of(number, carrier)], 2):
        assert first or not second
    country_of(number)
    assert claim_of(carrier, number).startswith("waybill#")


@pytest.mark.parametrize(
    "text", ["9" * 10_000, "快递" * 5_000, "-" * 10_000, "\ud800" * 10_000, "A1" * 5_000, "JD" + "1" * 10_000 + "-1-1-"]
)
def test_long_input_is_answered_at_once(text: str) -> None:
    """Ten thousand characters are no number and no carrier."""
    assert formats_of(text) == ()
    assert carrier_of(text)
    assert claim_of(text, text)
