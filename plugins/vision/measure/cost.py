"""What a photo costs: time of each step on real photos, and time and memory of the largest files that intake lets in."""

from __future__ import annotations

import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from statistics import median

from aftersales.photo import PhotoQuestion
from plugins.vision import build, intake
from plugins.vision.header import NoPhoto
from plugins.vision.measure.photos import listed, pixels, shown, some

QUESTION = PhotoQuestion("Strawberries", "fruit", "fresh", "spoiled")


def timing(data: Path, most: int) -> None:
    """Print the median time of a photo, small as stored and as a phone would send it."""
    from PIL import Image

    verifier = build({})
    photos = some([p for p in listed(data) if p.set == "fruit_fresh_rotten_det"], most)
    stored: list[float] = []
    large: list[float] = []
    for photo in photos:
        out = BytesIO()
        Image.fromarray(pixels(photo.path)).resize((4000, 3000)).save(out, "JPEG", quality=90)
        for content, times in ((photo.path.read_bytes(), stored), (out.getvalue(), large)):
            start = time.perf_counter()
            verifier.inspect(content, QUESTION)
            times.append(1000 * (time.perf_counter() - start))
    print(f"all checks and overlay, median of {len(photos)}: {median(stored):.0f} ms at 640 px, {median(large):.0f} ms at 12 MP")


def limits(data: Path, most: int) -> None:  # noqa: ARG001  # the files are drawn, not read
    """Print time and peak memory of intake for large and for lying files, each in a process of its own."""
    print("intake of large files, each in a process of its own")
    for name in shown(list(_FILES), "files"):
        size, answer, seconds, peak = _taken_in(name)
        print(f"{name:36} {size / 1e6:5.1f} MB file  {answer:24} {seconds:5.2f} s  {peak:4} MB more memory at the peak")


_FILES: dict[str, tuple[str, str, tuple[int, int], dict[str, int]]] = {
    "JPEG 12 MP": ("JPEG", "RGB", (4000, 3000), {"quality": 90}),
    "JPEG 25 MP": ("JPEG", "RGB", (5000, 5000), {"quality": 90}),
    "JPEG 108 MP": ("JPEG", "RGB", (12000, 9000), {"quality": 80}),
    "JPEG 20 MP progressive, 4:4:4": ("JPEG", "RGB", (5200, 3800), {"quality": 80, "progressive": True, "subsampling": 0}),
    "PNG 29 MP": ("PNG", "RGB", (5400, 5400), {"compress_level": 1}),
    "PNG 29 MP with alpha": ("PNG", "RGBA", (5400, 5400), {"compress_level": 1}),
    "PNG 81 MP (refused)": ("PNG", "L", (9000, 9000), {"compress_level": 1}),
    "WebP 12 MP": ("WEBP", "RGB", (4080, 3060), {"method": 0}),
}


def _taken_in(name: str) -> tuple[int, str, float, int]:
    from PIL import Image

    kind, mode, size, options = _FILES[name]
    out = BytesIO()
    Image.effect_noise((size[0] // 50, size[1] // 50), 60).convert(mode).resize(size).save(out, kind, **options)
    code = "import sys; from plugins.vision.measure.cost import taken_in; taken_in(sys.stdin.buffer.read())"
    done = subprocess.run([sys.executable, "-c", code], input=out.getvalue(), capture_output=True, check=True)  # noqa: S603  # our own code
    answer, seconds, peak = done.stdout.decode().split("|")
    return len(out.getvalue()), answer, float(seconds), int(peak)


def taken_in(content: bytes) -> None:
    """Read ``content`` and print what became of it, the seconds, and the peak of memory in MB above what the libraries need."""
    intake.read(_tiny())
    before, start = _peak(), time.perf_counter()
    try:
        answer = "x".join(str(n) for n in intake.read(content).rgb.shape)
    except NoPhoto as no:
        answer = no.reason
    print(f"{answer}|{time.perf_counter() - start}|{_peak() - before}")


def _tiny() -> bytes:
    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    return out.getvalue()


def _peak() -> int:
    """The most memory this process has held, in MB; Linux only, 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
