"""Every reader of buyers' words keeps the same contract."""

import shutil
from pathlib import Path

import pytest

from aftersales.errors import BadPlugin
from aftersales.testing.reasons import FakeReasons, ReasonReaderContract
from plugins import text_reason
from plugins.text_reason.reader import MODEL, Reader


class TestFakeReasons(ReasonReaderContract):
    """The fake, with a script."""

    @pytest.fixture
    def reasons(self) -> FakeReasons:
        """It knows the plain words."""
        return FakeReasons()


class TestTextReason(ReasonReaderContract):
    """The real reader with the weights that come along."""

    @pytest.fixture
    def reasons(self) -> Reader:
        """The plugin as a stage file switches it on."""
        built = text_reason.build({})
        assert isinstance(built, Reader)
        return built

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        """The weights and their card, to be spoiled."""
        for name in ("reason.bin", "card.toml"):
            shutil.copy(MODEL / name, tmp_path / name)
        return tmp_path

    def test_weights_that_the_card_does_not_tell_of_are_refused(self, copy: Path) -> None:
        """One changed byte, and nothing is read with them."""
        content = bytearray((copy / "reason.bin").read_bytes())
        content[1000] ^= 1
        (copy / "reason.bin").write_bytes(content)
        with pytest.raises(BadPlugin, match="card"):
            text_reason.build({"folder": str(copy)}).read("烂了", "zh-CN")

    def test_weights_of_other_patterns_are_refused(self, copy: Path) -> None:
        """Patterns that were changed after the weights were learnt would be counted for other ones."""
        card = (copy / "card.toml").read_text(encoding="utf-8")
        begin = card.index("words_sha256") + len('words_sha256 = "')
        (copy / "card.toml").write_text(card[:begin] + "0" * 64 + card[begin + 64 :], encoding="utf-8")
        with pytest.raises(BadPlugin, match="patterns"):
            text_reason.build({"folder": str(copy)}).read("烂了", "zh-CN")

    def test_without_weights_the_folder_is_named(self, tmp_path: Path) -> None:
        """Built cheaply, and clear about what is missing once it is asked."""
        with pytest.raises(BadPlugin, match=tmp_path.name):
            text_reason.build({"folder": str(tmp_path)}).read("烂了", "zh-CN")
