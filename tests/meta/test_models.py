import hashlib
import tomllib
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[2] / "models"
CARDS = sorted(MODELS.glob("*/card.toml"))


@pytest.mark.parametrize("file", CARDS, ids=lambda file: file.parent.name)
def test_a_card_describes_the_file_beside_it(file: Path) -> None:
    """Every model in the repository is the very file that its card was written for, and is a few megabytes small."""
    card = tomllib.loads(file.read_text(encoding="utf-8"))
    about = card["file"] if isinstance(card.get("file"), dict) else card
    (model,) = (path for path in file.parent.iterdir() if path.suffix in {".onnx", ".bin"})
    assert hashlib.sha256(model.read_bytes()).hexdigest() == about["sha256"]
    assert model.stat().st_size < 8_000_000


@pytest.mark.parametrize("model", sorted(MODELS.glob("*/*.onnx")), ids=lambda file: file.stem)
def test_a_model_has_a_card_and_a_training_script(model: Path) -> None:
    """No weights are in the repository that nobody could say the origin of, or make again."""
    assert (model.parent / "card.toml").is_file()
    assert (model.parent / "train.py").is_file()
    assert (model.parent / "README.md").is_file()
