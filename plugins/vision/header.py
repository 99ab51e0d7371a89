"""What a file says it is, read from its first bytes without decoding anything: kind, size, number of passes.

Standard library only. Nothing here allocates more than the file itself, whatever the header claims.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Brands of an ISO media file (``ftyp`` box): a HEIC still, and what is akin to it but read by nobody here (sequences, AVIF).
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
_AKIN = frozenset({b"hevc", b"hevx", b"msf1", b"avif", b"avis"})
#: ``ispe``: the size of an item of a HEIC; the whole picture has one as well as each of its tiles.
_ISPE = re.compile(rb"ispe\x00\x00\x00\x00(.{4})(.{4})", re.DOTALL)
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # ITU-T T.81 table B.1: start of frame, without DHT, JPG, DAC
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length: TEM, RST0-7, SOI
_FILL = re.compile(rb"\xff+")
_SCAN = re.compile(rb"\xff[\xda\xd9]")  # start of scan, end of image; in coded data 0xff is followed by 0x00 or RST

#: Segments of a JPEG before its pixels (phones write about 20), chunks of a PNG (32 MB in pieces of 4 kB are 8,000), and bytes
#: between JPEG segments that belong to none. Pillow walks over all of these in Python: millions of them would take minutes.
MAX_SEGMENTS, MAX_CHUNKS, MAX_STRAY = 500, 16_000, 4_096


class NoPhoto(Exception):
    """The file is not one we open; ``reason`` is the finding's reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Header:
    """``kind`` is ``JPEG``, ``PNG``, ``WEBP`` or ``HEIC``; sizes are in pixels as stored, before any EXIF turn.

    ``passes`` is how often the decoder goes over the whole picture (scans of a JPEG); above 1 it keeps all coefficients in memory.
    """

    kind: str
    width: int
    height: int
    passes: int = 1

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


def look(data: bytes) -> Header:
    """The header of a still JPEG, PNG, WebP or HEIC. Raises NoPhoto for everything else, with the reason."""
    if not data:
        raise NoPhoto("vision.empty")
    if data[:3] == b"\xff\xd8\xff":
        found = _jpeg(data)
    elif data[:8] == b"\x89PNG\r\n\x1a\n":
        found = _png(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = _webp(data)
    elif data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        found = _heic(data)
    elif data[4:8] == b"ftyp" and data[8:12] in _AKIN:
        raise NoPhoto("vision.heic")
    else:
        raise NoPhoto("vision.not_a_photo")
    if not found.pixels:
        raise NoPhoto("vision.broken")
    return found


def _jpeg(data: bytes) -> Header:
    """Walk the marker segments up to the first scan (ITU-T T.81, annex B), then count the scans of the first picture."""
    at, size, progressive, stray = 2, (0, 0), False, 0
    for _ in range(MAX_SEGMENTS):
        fill = _FILL.search(data, at)
        if fill is None or fill.end() + 3 > len(data):
            raise NoPhoto("vision.truncated")
        stray += fill.end() - at - 1
        at = fill.end()
        marker = data[at]
        if marker in _BARE:
            at += 1
            continue
        if marker in _SOF:
            if size != (0, 0) or at + 8 > len(data):  # two frames in one picture contradict each other
                raise NoPhoto("vision.broken")
            size, progressive = (_big(data, at + 6), _big(data, at + 4)), marker % 4 == 2
        if marker in (0xDA, 0xD9) and stray <= MAX_STRAY:
            return Header("JPEG", *size, max(2 if progressive else 1, _scans(data, at)))
        at += 1 + max(2, _big(data, at + 1))
    raise NoPhoto("vision.broken")


def _scans(data: bytes, at: int) -> int:
    """The number of scans of the first picture in the file; ``at`` lies on the marker of its first scan."""
    scans = 1
    for found in _SCAN.finditer(data, at):
        if found.group() == b"\xff\xd9":
            break
        scans += 1
    return scans


def _png(data: bytes) -> Header:
    """IHDR comes first (PNG specification 5.6); an acTL chunk makes it an animation."""
    if len(data) < 33:
        raise NoPhoto("vision.truncated")
    if data[12:16] != b"IHDR":
        raise NoPhoto("vision.broken")
    at = 8
    for _ in range(MAX_CHUNKS):
        name = data[at + 4 : at + 8]
        if name == b"acTL":
            raise NoPhoto("vision.not_a_photo")
        if name in (b"IEND", b""):
            break
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    else:
        raise NoPhoto("vision.broken")
    return Header("PNG", int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))


def _webp(data: bytes) -> Header:
    """The first chunk holds the size (WebP container specification): ``VP8X`` canvas, ``VP8 `` lossy or ``VP8L`` lossless."""
    if len(data) < 30 or len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise NoPhoto("vision.truncated")
    first = data[12:16]
    if first == b"VP8X":
        if data[20] & 0b10:  # the animation flag
            raise NoPhoto("vision.not_a_photo")
        return Header("WEBP", 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"))
    if first == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return Header("WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if first == b"VP8 ":
        return Header("WEBP", _little(data, 26) & 0x3FFF, _little(data, 28) & 0x3FFF)
    raise NoPhoto("vision.broken")


def _heic(data: bytes) -> Header:
    """The largest item, whether or not it is the main one (ISO/IEC 23008-12, 6.5.3): its reader decides what it decodes."""
    if b"avif" in data[16:64]:
        raise NoPhoto("vision.heic")
    sizes = [(int.from_bytes(found[1], "big"), int.from_bytes(found[2], "big")) for found in _ISPE.finditer(data, 0, 2_000_000)]
    if not sizes:
        raise NoPhoto("vision.truncated" if len(data) < 200 else "vision.broken")
    return Header("HEIC", *max(sizes, key=lambda size: size[0] * size[1]))


def _big(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _little(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
