import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from plugins.vision import letters


def picture(turn: int, words: str = "Fresh strawberries 500 g") -> np.ndarray:
    """Two lines of words on paper, turned."""
    paper = Image.new("RGB", (800, 600), (225, 222, 214))
    pen = ImageDraw.Draw(paper)
    for y in (260, 310):
        pen.text((180, y), words, font=ImageFont.load_default(30), fill=(40, 40, 40))
    return np.asarray(paper.rotate(turn, fillcolor=(225, 222, 214)))


def bars(across: bool) -> np.ndarray:
    """A block of bars on paper."""
    grey = np.full((600, 800), 220, dtype=np.uint8)
    widths = np.random.default_rng(2).integers(3, 8, 60)
    line = np.repeat(np.arange(60) % 2 * 200, widths)[:260].astype(np.uint8)
    grey[200:320, 200 : 200 + len(line)] = line
    return np.dstack([grey if across else grey.T] * 3).copy()


@pytest.mark.parametrize("turn", [0, 8, 90, 180, 270])
def test_lines_of_words_are_noticed(turn: int) -> None:
    """Words that lie nearly level, upside down or along the side are noticed at a look."""
    assert letters.look(picture(turn)).seen


@pytest.mark.parametrize("turn", [20, 37, 45, 70])
def test_words_of_any_tilt_are_noticed_after_turns(turn: int) -> None:
    """With the turns of the unit that cannot read, words of any tilt are noticed, and where they stand is told."""
    found = letters.look(picture(turn), letters.TURNS)
    assert found.marks >= letters.ROW * 2
    xs, ys = zip(*found.rows[0].region, strict=True)
    assert 0.1 < sum(xs) / 4 < 0.9
    assert 0.2 < sum(ys) / 4 < 0.8


@pytest.mark.parametrize("across", [True, False])
def test_bars_are_noticed_where_they_are(across: bool) -> None:
    """A bar code is noticed lying and standing, in its place."""
    found = letters.look(bars(across)).bars
    assert len(found) == 1
    xs, ys = zip(*found[0], strict=True)
    wanted = (0.41, 0.43) if across else (0.43, 0.41)
    assert (sum(xs) / 4, sum(ys) / 4) == pytest.approx(wanted, abs=0.06)


def test_an_outline_is_no_bar_code() -> None:
    """One edge, however sharp and long, is no bars."""
    grey = np.full((600, 800, 3), 230, dtype=np.uint8)
    grey[:, 400:] = 20
    assert letters.look(grey) == letters.Letters()


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (40, 40), (1024, 30)])
def test_any_size_can_be_looked_at(shape: tuple[int, int]) -> None:
    """Pictures of any size are looked at without an error; a plain one has no print."""
    assert not letters.look(np.full((*shape, 3), 128, dtype=np.uint8)).seen
