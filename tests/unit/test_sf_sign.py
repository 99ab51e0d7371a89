"""SF's digest: Java's URL encoding to the byte, MD5 and Base64."""

from __future__ import annotations

import base64
import hashlib
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.sandbox.sf.digest import fits
from plugins.sf_carrier.sign import digest, encoded

#: What ``java.net.URLEncoder`` leaves as it is, by its documentation.
STAYS = string.ascii_letters + string.digits + ".-*_"


@pytest.mark.parametrize("code", range(128))
def test_every_ascii_character_is_written_as_java_writes_it(code: int) -> None:
    """Letters, digits, point, hyphen, asterisk and underscore stay; the blank is a plus; everything else is escaped, capitals."""
    char = chr(code)
    assert encoded(char) == (char if char in STAYS else "+" if char == " " else f"%{code:02X}")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("", ""),
        ("杭州市", "%E6%9D%AD%E5%B7%9E%E5%B8%82"),
        ("王 小明", "%E7%8E%8B+%E5%B0%8F%E6%98%8E"),
        ("𠮷", "%F0%A0%AE%B7"),  # beyond the first plane: one character, four bytes
        ("é", "%C3%A9"),
        ("\ud800", "%3F"),  # half a character: a question mark, as Java's encoder makes of it
        ('{"a":"b c"}', "%7B%22a%22%3A%22b+c%22%7D"),
        ("a+b~c*d", "a%2Bb%7Ec*d"),
    ],
)
def test_words_are_encoded_in_utf_8(said: str, written: str) -> None:
    """Chinese is three escaped bytes, a rare character four; what is a plus in the text is escaped, what is a blank is a plus."""
    assert encoded(said) == written


@pytest.mark.parametrize("said", ["a b", "a*b", "a~b"])
def test_other_encoders_give_another_digest(said: str) -> None:
    """A blank, an asterisk or a tilde in an address: ``quote`` makes another digest of it, which SF refuses."""
    right = digest(said, "1700000000000", "check")
    for other in (quote(said, safe=""), quote(said), quote_plus(said)):
        wrong = base64.b64encode(hashlib.md5(f"{other}1700000000000check".encode(), usedforsecurity=False).digest()).decode()
        assert wrong != right or other == encoded(said)
    assert quote(said, safe="-._") != encoded(said)


def test_the_published_example_gives_the_published_digest() -> None:
    """The example of SF's page about digital signatures (read 2026-11) comes out as it stands there."""
    said = '{"language":"zh-CN","orderId":"QIAO-20200618-004"}'
    assert digest(said, "12312334453453", "fjcg5PGKaNpPSHFAZ4QsCOkV71R3zVci") == "IIKJtuLVzoFTu4kHI8M8vA=="


def test_a_digest_is_base64_of_md5_of_the_encoded_text() -> None:
    """Question, time and check word in this order, nothing between; computed here by hand from the encoded text."""
    said = "%7B%22orderId%22%3A%22A+1%22%7D1700000000000check"
    by_hand = base64.b64encode(hashlib.md5(said.encode(), usedforsecurity=False).digest()).decode()
    assert digest('{"orderId":"A 1"}', "1700000000000", "check") == by_hand == "xlLfk9/JOg1OTPsZ+hCREQ=="


@given(st.text(), st.integers(0, 2**45), st.text(min_size=1))
def test_the_platform_computes_the_same(msg_data: str, timestamp: int, checkword: str) -> None:
    """Whatever is asked, the sandbox's own reading of the rule agrees with ours, and no other check word does."""
    made = digest(msg_data, str(timestamp), checkword)
    assert fits(made, msg_data, str(timestamp), checkword)
    assert not fits(made, msg_data, str(timestamp), checkword + "x")
