import hashlib
import tomllib
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[2] / "models"
WEIGHTS = sorted(path for path in MODELS.glob("*/*") if path.suffix in {".onnx", ".bin"})


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda file: file.name)
def test_a_card_describes_the_weights_beside_it(weights: Path) -> None:
    """Weights in the repository are the very file that their card was written for, and are a few megabytes small."""
    card = tomllib.loads((weights.parent / "card.toml").read_text(encoding="utf-8"))
    about = card["file"] if isinstance(card.get("file"), dict) else card
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == about["sha256"]
    assert weights.stat().st_size < 8_000_000


@pytest.mark.parametrize("card", sorted(MODELS.glob("*/card.toml")), ids=lambda file: file.parent.name)
def test_a_model_can_be_made_again(card: Path) -> None:
    """Every model says what it was made of, under which licences, and has the script that makes it."""
    said = tomllib.loads(card.read_text(encoding="utf-8"))
    assert said["data"]["licence_groups"]
    assert said["task"]
    assert (card.parent / "train.py").is_file()
