"""Photo verification on one machine: can the file be read, is the photo good enough, which photo is it, how much is spoiled.

Importing this is cheap: Pillow, OpenCV and numpy are loaded by the first photo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.ports import PhotoVerifier
from plugins.vision.verifier import build_verifier


def build(settings: Mapping[str, Any]) -> PhotoVerifier:
    """The verifier. Settings, each with a default: ``max_bytes`` of one file; ``spoilage_reasons``, a table of trade → reasons."""
    return build_verifier(settings)
