"""Videos: a few sharp frames of one, each upright and as a picture. Decoded in a process of its own, with bounded time and memory.

Containers of video are the most hostile files there are. The child (:mod:`plugins.vision.decode`) gets the bytes on its standard
input and names no file; whatever becomes of it, the parent goes on.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from aftersales.errors import BadSettings
from plugins.vision import child
from plugins.vision.header import NoPhoto
from plugins.vision.intake import Picture

#: How a video file begins: ISO media (mp4, mov, 3gp), Matroska and WebM, AVI. Play lists, which name other files, do not.
_KINDS = ((4, b"ftyp"), (4, b"moov"), (4, b"wide"), (0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "))
_STILL = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")  # ISO media as well, but pictures
#: Exit statuses of the child that say why; the rest is a broken video.
REASONS = {11: "vision.video_too_long", 12: "vision.video_too_large", 13: "vision.broken_video"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What is let in and what it may cost. Phones record a minute of 1080p in about 60 to 130 MB, messengers in 5 to 25 MB."""

    max_bytes: int = 50 * 1024 * 1024  # as many as are let in by the API
    max_seconds: int = 60
    max_pixels: int = 9_000_000  # of one frame: 4K is 8.3 million
    time_s: int = 30  # of work, after which the child is ended
    memory_mb: int = 1_500  # of address space; what is really held is about a third


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame and its place in the video, in seconds from the start."""

    second: float
    picture: Picture


def frames(video: bytes, most: int = 8, limits: Limits | None = None) -> tuple[Frame, ...]:
    """At most ``most`` frames in their order, the sharpest of their part of the video, none nearly like another.

    Raises NoPhoto: ``vision.empty``, ``vision.not_a_video``, ``vision.video_too_large``, ``vision.video_too_long`` or
    ``vision.broken_video``; never anything else, whatever the bytes are.
    """
    limits = limits or Limits()
    if not video:
        raise NoPhoto("vision.empty")
    if not is_video(video):
        raise NoPhoto("vision.not_a_video")
    if len(video) > limits.max_bytes:
        raise NoPhoto("vision.video_too_large")
    asked = (most, limits.max_seconds, limits.max_pixels, limits.time_s, limits.memory_mb)
    try:
        done = child.ask("plugins.vision.decode", asked, video, limits.time_s + 5)
    except subprocess.TimeoutExpired:
        raise NoPhoto("vision.video_too_long") from None
    if done.returncode != 0:
        raise NoPhoto(REASONS.get(done.returncode, "vision.broken_video"))
    return _read(done.stdout)


def is_video(data: bytes) -> bool:
    """Whether the file begins as a video does."""
    return any(data[at : at + len(mark)] == mark for at, mark in _KINDS) and data[8:12] not in _STILL


def limits_of(settings: Mapping[str, object]) -> Limits:
    """The limits with ``video_max_bytes``, ``video_max_seconds`` of these settings. Raises BadSettings unless they are above 0."""
    given = {name: settings.get(f"video_{name}", getattr(Limits(), name)) for name in ("max_bytes", "max_seconds")}
    for name, value in given.items():
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise BadSettings(f"video_{name} of vision must be a whole number above 0.", found=value)
    return Limits(**{name: value for name, value in given.items() if isinstance(value, int)})


def _read(out: bytes) -> tuple[Frame, ...]:
    """The child's answer: a line of JSON, (second, height, width, height and width in the file) per frame, then their pixels."""
    import numpy as np

    line, _, rest = out.partition(b"\n")
    found, at = [], 0
    for second, height, width, full_height, full_width in json.loads(line):
        size = height * width * 3
        rgb = np.frombuffer(rest, np.uint8, size, at).reshape(height, width, 3).copy()
        found.append(Frame(second, Picture(rgb, full_width, full_height, "VIDEO")))
        at += size
    return tuple(found)
