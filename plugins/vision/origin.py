"""What a file tells of where it comes from: when and with what the photo was taken, what wrote the file, how it was compressed.

All of it is the sender's word: it can raise a question, it proves nothing. Nothing here raises, whatever the file holds.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

#: EXIF 2.32: tags of the main directory, of the Exif directory, and where the latter lies.
_SOFTWARE, _MAKE, _MODEL, _PROCESSING, _EXIF = 0x0131, 0x010F, 0x0110, 0x000B, 0x8769
#: When the picture was taken, then when it was digitised, each with its offset from UTC. Tag 0x0132 is when the file was changed.
_TAKEN = ((0x9003, 0x9011), (0x9004, 0x9012))
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_CREATOR = re.compile(rb"(?:CreatorTool|softwareAgent)(?:=\"|>)([^\"<]{1,120})")
_WHEN = re.compile(r"(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


@dataclass(frozen=True, slots=True)
class Exif:
    """``taken_at`` is aware where the file names an offset from UTC, else the camera's local time; None where it is not told.

    ``software`` names every program that left its name, parted by "; ".
    """

    taken_at: datetime | None = None
    software: str = ""
    make: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Jpeg:
    """How a JPEG was compressed: quantisation tables (64 figures each, luma first), scans, and chroma sampling ("" unknown)."""

    tables: tuple[tuple[int, ...], ...]
    progressive: bool
    sampling: str

    @property
    def quality(self) -> int:
        """The quality in [1, 100] whose standard luma table (T.81, K.1) has the nearest sum; 0 without tables."""
        if not self.tables:
            return 0
        total = sum(self.tables[0])
        return min(range(1, 101), key=lambda quality: abs(total - _luma_sum(quality)))


def exif(image: Image) -> Exif:
    """What the EXIF block, the XMP packet and a PNG's text say; empty where they say nothing or cannot be read."""
    tags: dict[int, Any] = {}
    more: dict[int, Any] = {}
    with suppress(Exception):  # a broken EXIF block raises many things; the picture itself may be fine
        block = image.getexif()
        tags = dict(block)
        more = dict(block.get_ifd(_EXIF))
    programs = [_text(tags.get(_SOFTWARE)), _text(tags.get(_PROCESSING)), _text(image.info.get("Software")), *_creators(image)]
    named = "; ".join(dict.fromkeys(p for p in programs if p))
    return Exif(_taken(more), named, _text(tags.get(_MAKE)), _text(tags.get(_MODEL)))


def jpeg(image: Image) -> Jpeg | None:
    """How ``image`` was compressed; None when it is no JPEG."""
    from PIL.JpegImagePlugin import JpegImageFile, get_sampling

    if not isinstance(image, JpegImageFile):
        return None
    tables: tuple[tuple[int, ...], ...] = ()
    with suppress(Exception):  # tables may be missing or short in a broken file
        tables = tuple(tuple(int(v) for v in image.quantization[k]) for k in sorted(image.quantization))
    sampling = ""
    with suppress(Exception):
        sampling = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}.get(get_sampling(image), "")
    return Jpeg(tables, bool(image.info.get("progressive")), sampling)


def _taken(tags: dict[int, Any]) -> datetime | None:
    for when, offset in _TAKEN:
        found = _WHEN.match(_text(tags.get(when)))
        if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
            continue
        with suppress(ValueError):  # the thirteenth month, or the 0000:00:00 of cameras whose clock was never set
            return datetime(*(int(part) for part in found.groups()), tzinfo=_zone(_text(tags.get(offset))))  # type: ignore[arg-type,misc]  # six whole numbers
    return None


def _zone(text: str) -> timezone | None:
    found = _OFFSET.fullmatch(text)
    if found is None:
        return None
    away = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-away if found[1] == "-" else away) if away < timedelta(hours=15) else None


def _creators(image: Image) -> list[str]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    if not isinstance(packet, bytes):
        return []
    return [_text(found) for found in _CREATOR.findall(packet[:200_000])[:8]]


def _text(value: object) -> str:
    """At most 120 printable characters."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "".join(c for c in value[:120] if c.isprintable()).strip() if isinstance(value, str) else ""


def _luma_sum(quality: int) -> int:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(255, max(1, (step * scale + 50) // 100)) for step in _LUMA)


#: ITU-T T.81, table K.1: the luma table that most writers scale.
# fmt: off
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)
# fmt: on
