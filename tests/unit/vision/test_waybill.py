import pytest

from plugins.vision.waybill import Number, carrier_of, harmless, numbers, of_code, weight


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("SF1234567890123", "sf"),
        ("sf 1234 5678 90123", "sf"),
        ("YT1234567890123", "yt"),
        ("JT1234567890123", "jt"),
        ("JDX123456789012", "jd"),
        ("DPK123456789012", "dpk"),
        ("EA123456789CN", "ems"),
        ("73123456789012", "zto"),
        ("4312345678901", "yunda"),
        ("1Z12345E0205271688", "ups"),
        ("123456789012", "digits"),
        ("A10086", None),
        ("12345", None),
    ],
)
def test_the_form_of_a_number_names_its_carrier(number: str, carrier: str | None) -> None:
    """A tracking number's form says whose it looks like; what has no such form is nobody's."""
    assert carrier_of(number) == carrier


def test_a_number_is_found_in_its_line() -> None:
    """The number is found beside the words of its line."""
    assert numbers("运单号 SF1234567890123") == (Number("sf", "SF1234567890123"),)


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [
        ("Code 128", "SF1234567890123", "SF1234567890123"),
        ("Code 128", "123456789012", "123456789012"),
        ("QR Code", "https://example.org/t/SF1234567890123", "SF1234567890123"),
        ("EAN-13", "6901234567892", None),
        ("UPC-A", "012345678905", None),
        ("QR Code", "https://example.org/menu", None),
        ("QR Code", "123456789012", None),
    ],
)
def test_a_products_code_is_no_tracking_number(kind: str, text: str, number: str | None) -> None:
    """Bars of carriers hold tracking numbers; the digits of a product's code are never taken for one."""
    found = of_code(kind, text)
    assert (found.number if found else None) == number


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ("收件人 张伟", 2),
        ("运单号", 2),
        ("YT1234567890123", 2),
        ("中通快递", 1),
        ("FedEx", 1),
        ("净含量500克", 0),
        ("6901234567892", 0),
    ],
)
def test_some_words_stand_on_waybills_only(line: str, points: int) -> None:
    """Words of waybills count for more than a carrier's name, which stands on boxes and in chats as well."""
    assert weight(line) == points


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("顺丰速运", True),
        ("标准快递", True),
        ("托寄物：草莓5斤", True),
        ("已验视", True),
        ("托寄物：草莓 13812345678", False),
        ("顺丰速运 SF1234567890123", False),
        ("张伟", False),
        ("3栋502室", False),
        ("65871", False),
    ],
)
def test_a_waybills_line_is_shown_only_when_it_is_known_to_be_harmless(line: str, shown: bool) -> None:
    """On a waybill only carriers, services and contents are shown; what is not known to be harmless is hidden."""
    assert harmless(line) is shown
