"""The trained models: where they lie, what their cards say, and one bounded ONNX Runtime session for each."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aftersales.errors import BadSettings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: In a checkout and in the deployed bundle alike, models lie beside ``plugins``.
MODELS = Path(__file__).resolve().parents[2] / "models"


@cache
def card(name: str) -> Mapping[str, Any]:
    """What ``models/<name>/card.toml`` says: shapes, thresholds, sha256 and how well the model does."""
    try:
        return tomllib.loads((MODELS / name / "card.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSettings(f"The card of the model {name} cannot be read: {error}") from error


@cache
def session(name: str) -> InferenceSession:
    """The model ``models/<name>/<name>.onnx``, ready to run; built once per process and used by all of its threads.

    One thread and no memory arena: a function has one core, and what a large picture needed is given back. Raises BadSettings when
    the file is not there or is not the one that its card describes.
    """
    import onnxruntime as ort

    file = MODELS / name / f"{name}.onnx"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadSettings(f"The model {name} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != card(name).get("sha256"):
        raise BadSettings(f"The model {name} is not the one that its card describes.", todo="Train it again, or restore the file.")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # warnings tell of optimisations only
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
