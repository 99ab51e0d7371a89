"""Evidence files in an S3 bucket, with S3's own signed uploads (POST) and downloads, as the Files port.

Settings: ``bucket``, ``region``, ``endpoint`` ("" is AWS).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aftersales.errors import BadSettings
from plugins.s3_files.files import S3Files


def build(settings: Mapping[str, Any]) -> S3Files:
    """The files; it connects on first use. Raises BadSettings without ``bucket``."""
    if not settings.get("bucket"):
        raise BadSettings("s3_files needs the setting bucket.", lacking=["bucket"])
    return S3Files(str(settings["bucket"]), str(settings.get("region", "")), str(settings.get("endpoint", "")))
