"""Words on a picture, read by RapidOCR with the models that its wheel brings; nothing is ever downloaded.

The library is an extra (``requirements/ocr.in``): without it nothing can be read, and :func:`able` says so. One reader per process,
one thread, built by the first picture that needs it: about a second, and 250 MB of memory.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    RGB = NDArray[np.uint8]
    Corners = NDArray[np.float64]

#: The long side at which lines are looked for, and the one at which it is first looked whether there are any at all.
SIDE, GLANCE_SIDE = 736, 512
#: More lines than this are found but not read: the smallest ones.
MOST_LINES = 60
#: A line of text is no higher than this share of the picture's short side, and fills no more than that share of the picture. Where
#: there is no text, the finder likes to call the whole picture a line.
HIGHEST, LARGEST = 0.22, 0.25

_one_at_a_time = Lock()  # two pictures at once would need twice the memory


@cache
def able() -> bool:
    """Whether words can be read here: whether the library is installed."""
    return find_spec("rapidocr") is not None


def glance(rgb: RGB, fine: bool = False) -> bool:
    """Whether there is any line on an (H, W, 3) uint8 picture, by a fraction of the work of reading. ``fine``: small ones, too."""
    from plugins.vision.quality import fitted

    with _one_at_a_time:
        return bool(_found(fitted(rgb, SIDE if fine else GLANCE_SIDE))[1])


def lines(rgb: RGB) -> list[tuple[str, float, Corners]]:
    """The lines on an (H, W, 3) uint8 picture: text, confidence in [0, 1], and four corners in pixels, (4, 2) from top left.

    What is found but cannot be read, or is too much to be read, has the text "" and confidence 0.
    """
    with _one_at_a_time:
        crops, corners = _found(rgb)
        if not crops:
            return []
        order = sorted(range(len(crops)), key=lambda i: -crops[i].shape[0])
        reader = _reader()
        upright = reader.cls_and_rotate([crops[i] for i in order[:MOST_LINES]])[0]
        read = reader.recognize_txt(upright)
    words = {i: (str(text), float(sure)) for i, text, sure in zip(order, read.txts, read.scores, strict=False)}
    return [(*words.get(i, ("", 0.0)), corners[i]) for i in range(len(crops))]


def _found(rgb: RGB) -> tuple[list[RGB], list[Corners]]:
    """The lines cut out, turned level, and their corners."""
    import numpy as np
    from rapidocr.main import RapidOCRError

    height, width = rgb.shape[:2]
    if min(height, width) < 32:  # the finder works on whole fields of 32 px
        return [], []
    try:
        crops, found = _reader().detect_and_crop(np.ascontiguousarray(rgb[:, :, ::-1]), {})
    except RapidOCRError:  # its word for "nothing found"
        return [], []
    kept = [i for i, box in enumerate(found.boxes) if _is_line(box, height, width)]
    return [crops[i] for i in kept], [np.asarray(found.boxes[i], dtype=np.float64) for i in kept]


def _is_line(box: Any, height: int, width: int) -> bool:
    import numpy as np

    short, long = sorted((float(np.linalg.norm(box[0] - box[1])), float(np.linalg.norm(box[1] - box[2]))))
    return short <= HIGHEST * min(height, width) and short * long <= LARGEST * height * width


@cache
def _reader() -> Any:
    """The one reader. Its models are named by path: by their own names it would fetch what it does not find."""
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_vertical_padding": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_type": "max",
            "Det.limit_side_len": SIDE,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
            "Rec.rec_batch_num": 1,  # six long lines at once take twice the memory (1,125 MB on a dense page, not 616), and longer
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
        }
    )
