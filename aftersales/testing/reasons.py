"""FakeReasons, a reader that says what a test scripted, and the kit every ReasonReader passes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from aftersales.complaint import Complaint, Reading
from aftersales.ports import ReasonReader

#: Plain words that every reader understands, in both languages.
PLAIN: Mapping[str, Complaint] = {
    "草莓烂了，发霉了": Complaint.SPOILED,
    "发错货了，不是我买的": Complaint.WRONG,
    "一直没收到货": Complaint.LATE,
    "The strawberries arrived rotten and mouldy": Complaint.SPOILED,
    "I never received my parcel": Complaint.LATE,
}
#: Texts that say nothing.
NOTHING: Mapping[str, str] = {
    "nothing": "",
    "blanks": " \n\t\u3000",
    "control characters": "\x00\x01\x02\x7f\x9f",
    "numbers": "1234 5678",
    "punctuation": "……！！？？",
    "faces": "👎👎😡",
    "directions": "\u202e\u200b\ufeff",
}
#: Texts that are hard to read. Every one has an answer.
HARD: Mapping[str, str] = {
    "ten thousand characters": "东西坏了，" * 2_000,
    "a long line of one character": "烂" * 10_000,
    "a long word": "x" * 10_000,
    "both languages": "苹果 arrived rotten, 客服不理人",
    "traditional characters": "蘋果爛了，發霉了",
    "half of a pair": "烂\ud83d了",
    "marks on marks": "坏" + "\u0301" * 2_000,
    "wide letters": "ＲＯＴＴＥＮ　ａｐｐｌｅｓ",
}


class FakeReasons:
    """Says what was scripted for exactly this text; any other text is read as ``OTHER``, and not surely."""

    def __init__(self) -> None:
        self._script: dict[str, Reading] = {text: Reading(reason, 0.9, None, "zh-CN", sure=True) for text, reason in PLAIN.items()}

    def says(self, text: str, reading: Reading) -> None:
        """From now on this is how the text is read."""
        self._script[text] = reading

    def read(self, text: str, locale: str) -> Reading:
        """The scripted reading, else that nothing is known."""
        return self._script.get(text) or Reading(
            Complaint.OTHER, 0.1, None, "en" if locale.startswith("en") else "zh-CN", sure=False
        )


class ReasonReaderContract:
    """What every ReasonReader keeps. A subclass gives the fixture ``reasons``."""

    def test_plain_words_are_understood(self, reasons: ReasonReader) -> None:
        """What a buyer says plainly is read as that, in Chinese and English, and surely."""
        for text, reason in PLAIN.items():
            reading = reasons.read(text, "zh-CN")
            assert (reading.reason, reading.sure) == (reason, True), text

    def test_what_says_nothing_is_other_and_not_sure(self, reasons: ReasonReader) -> None:
        """A text without words is no reason to believe anything."""
        for name, text in NOTHING.items():
            for locale in ("zh-CN", "en"):
                reading = reasons.read(text, locale)
                assert (reading.reason, reading.sure, reading.second, reading.language) == (Complaint.OTHER, False, None, locale), (
                    name
                )
                assert reading.confidence <= 0.3, name

    def test_every_text_has_an_answer(self, reasons: ReasonReader) -> None:
        """Length, noise and mixed scripts break nothing: there is one reason, how sure it is, and at most one other."""
        for name, text in HARD.items():
            reading = reasons.read(text, "zh-CN")
            assert reading.reason in Complaint, name
            assert reading.second is not reading.reason, name
            assert 0 <= reading.confidence <= 1, name
            assert reading.language in ("zh-CN", "en"), name

    def test_a_long_text_takes_no_longer_than_a_person_notices(self, reasons: ReasonReader) -> None:
        """Ten thousand characters are read within a quarter of a second, on a slow machine."""
        reasons.read("warm", "en")
        for name, text in HARD.items():
            begun = time.perf_counter()
            reasons.read(text, "zh-CN")
            assert time.perf_counter() - begun < 0.25, name

    def test_the_same_text_is_read_the_same_by_all_at_once(self, reasons: ReasonReader) -> None:
        """Nothing of one text stays for the next one, and threads do not disturb each other."""
        texts = [*PLAIN, *HARD.values(), *NOTHING.values()] * 4
        alone = [reasons.read(text, "zh-CN") for text in texts]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(lambda text: reasons.read(text, "zh-CN"), texts)) == alone
