from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from aftersales.evidence import EvidenceKind
from functions.upload import most_bytes
from plugins.vision.header import NoPhoto
from plugins.vision.intake import MAX_BYTES
from plugins.vision.video import Limits, frames, limits_of

RATE = 10


def scenes(*colours: int, blurred: bool = False, size: tuple[int, int] = (320, 240)) -> Iterator[NDArray[np.uint8]]:
    """A second of each scene: a lattice of another width on ground of another shade."""
    for n, shade in enumerate(colours):
        picture = np.full((size[1], size[0], 3), shade, dtype=np.uint8)
        for left in range(0, size[0], 16 + 8 * n):
            picture[left : left + 3] = picture[:, left : left + 3] = 255 - shade
        for at in range(RATE):
            soft = blurred and at != RATE // 2
            yield np.asarray(cv2.GaussianBlur(picture, (0, 0), 9) if soft else picture, dtype=np.uint8)


def video(folder: Path, pictures: Iterator[NDArray[np.uint8]], code: str = "mp4v", rate: float = RATE) -> bytes:
    """A video file of these pictures."""
    path = folder / ("video.avi" if code == "MJPG" else "video.webm" if code == "VP80" else "video.mp4")
    first = next(pictures)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate, first.shape[1::-1])
    assert writer.isOpened()
    writer.write(first)
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path.read_bytes()


def reason(data: bytes, limits: Limits | None = None) -> str:
    """Why the video is turned away."""
    with pytest.raises(NoPhoto) as caught:
        frames(data, limits=limits)
    return caught.value.reason


@pytest.mark.parametrize("code", ["mp4v", "MJPG", "VP80"])
def test_each_scene_gives_a_frame(tmp_path: Path, code: str) -> None:
    """A video of four scenes gives four frames in their order, whatever its container."""
    found = frames(video(tmp_path, scenes(20, 90, 160, 230), code))
    assert [round(float(np.median(f.picture.rgb)), -1) for f in found] == [20, 90, 160, 230]
    assert [f.second for f in found] == sorted(f.second for f in found)
    assert found[0].picture.rgb.shape == (240, 320, 3)


def test_what_stands_still_is_one_frame(tmp_path: Path) -> None:
    """A video of one scene gives one frame: the same picture is not judged eight times."""
    assert len(frames(video(tmp_path, scenes(90)))) == 1


def test_the_sharp_moment_is_taken(tmp_path: Path) -> None:
    """Of frames that are blurred but for one in the middle, the sharp one is taken."""
    found = frames(video(tmp_path, scenes(90, blurred=True), "MJPG"), most=1)
    assert len(found) == 1
    assert int(found[0].picture.rgb.max()) - int(found[0].picture.rgb.min()) > 60


def test_colours_are_red_green_blue(tmp_path: Path) -> None:
    """A red scene comes out red."""
    red = np.zeros((240, 320, 3), dtype=np.uint8)
    red[:, ::2, 2] = 220
    r, _, b = frames(video(tmp_path, iter([red] * 5), "MJPG"))[0].picture.rgb.mean(axis=(0, 1))
    assert r > b + 50


def test_large_frames_are_made_small(tmp_path: Path) -> None:
    """A frame is no larger than a photo is looked at, and its own size is told."""
    picture = frames(video(tmp_path, scenes(90, size=(1920, 1080)), "MJPG"))[0].picture
    assert (picture.width, picture.height, max(picture.rgb.shape)) == (1920, 1080, 1024)


def test_limits_turn_away(tmp_path: Path) -> None:
    """Too many bytes, seconds or pixels are turned away with a reason of their own."""
    data = video(tmp_path, scenes(20, 90, 160, 230))
    assert reason(data, Limits(max_bytes=len(data) - 1)) == "vision.video_too_large"
    assert reason(data, Limits(max_pixels=320 * 240 - 1)) == "vision.video_too_large"
    assert reason(data, Limits(max_seconds=2)) == "vision.video_too_long"
    assert frames(data, limits=Limits(max_bytes=len(data), max_pixels=320 * 240, max_seconds=4))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "vision.empty"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "vision.not_a_video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "vision.not_a_video"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "vision.not_a_video"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "vision.not_a_video"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(1000), "vision.broken_video"),
        (b"\x1a\x45\xdf\xa3" + b"\xff" * 1000, "vision.broken_video"),
    ],
    ids=["no_bytes", "play_list", "list_of_files", "photo", "heic", "mp4_of_nothing", "webm_of_nothing"],
)
def test_what_is_no_video_has_a_reason(data: bytes, expected: str) -> None:
    """A file that is no video, names other files or is broken is turned away for a reason that a text explains."""
    assert reason(data) == expected


def test_mutilated_videos_always_get_an_answer(tmp_path: Path) -> None:
    """A video cut short or with bytes changed gives frames or a reason."""
    whole = video(tmp_path, scenes(20, 90), "MJPG")
    chance, answers = np.random.default_rng(4), set()
    for n in range(6):
        data = bytearray(whole if n else whole[: len(whole) // 2])
        for at in chance.integers(0, len(data), 40 * n):
            data[at] = int(chance.integers(256))
        try:
            found = frames(bytes(data))
        except NoPhoto as no:
            answers.add(no.reason)
        else:
            answers.add("frames" if 1 <= len(found) <= 8 else "none")
    assert answers <= {"frames", "vision.broken_video", "vision.not_a_video", "vision.video_too_long", "vision.video_too_large"}


def test_a_child_without_room_is_an_answer(tmp_path: Path) -> None:
    """A video that needs more memory than it may have is a broken video, not the end of the worker."""
    data = video(tmp_path, scenes(90, size=(1920, 1080)), "MJPG")
    assert reason(data, Limits(memory_mb=150)) == "vision.broken_video"


def test_what_may_be_handed_in_is_looked_at() -> None:
    """No photo or video that the API takes is too large for who looks at it."""
    assert most_bytes(EvidenceKind.VIDEO) <= Limits().max_bytes
    assert most_bytes(EvidenceKind.PHOTO) <= MAX_BYTES


def test_limits_are_settings() -> None:
    """The merchant's operator sets how large and long a video may be."""
    assert limits_of({"video_max_seconds": 20}).max_seconds == 20
    assert limits_of({}) == Limits()
