"""A process of its own for readers of files that may end it: started with little, bound before it looks at anything.

Nothing of the parent but the bytes to read goes in, nothing but an answer comes out; whatever becomes of it, the parent goes on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def ask(module: str, numbers: Iterable[int], data: bytes, time_s: int) -> subprocess.CompletedProcess[bytes]:
    """What the module made of ``data``, given ``numbers`` as arguments. Raises subprocess.TimeoutExpired, the child being ended."""
    command = [sys.executable, "-m", module, *(str(n) for n in numbers)]
    return subprocess.run(  # noqa: S603  # our own module, and numbers
        command, input=data, capture_output=True, timeout=time_s, cwd=ROOT, env=_surroundings(), check=False
    )


def bind(time_s: int, memory_mb: int) -> None:
    """Bind the process this runs in: seconds of work, MB of address space, no file written, no core left behind."""
    try:
        import resource
    except ImportError:  # not on Windows: there the parent's time limit alone holds
        return
    for what, limit in (
        (resource.RLIMIT_AS, memory_mb * 1_000_000),
        (resource.RLIMIT_CPU, time_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def _surroundings() -> dict[str, str]:
    """What the child may know: where Python and our code lie. No credentials, and no protocol but the bytes it is given."""
    names = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
    paths = [str(ROOT), *(path for path in sys.path if path and path != str(ROOT))]
    return {
        **{name: os.environ[name] for name in names if name in os.environ},
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENCV_LOG_LEVEL": "SILENT",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
        "OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;none",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
