"""Stock: does the picture carry a picture agency's watermark, as far as the words on it can be read.

Agencies write their names over their previews; the reader (:mod:`plugins.vision.reading`) gives the lines. A mark without words is
not seen, and a plain white ground is no watermark: catalogues and buyers both use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from aftersales.decision import Finding, Source, Verdict

#: Names of agencies, and words that only previews carry; spaces are left out and case is ignored. The first character may be lost.
_NAMES = re.compile(
    r"hutterstock|lamystock|alamy\.com|^alamy$|reamstime|istockphoto|^istock|ettyimages|epositphotos|123rf\.?com|^123rf$|dobestock"
    r"|igstockphoto|reepik|ngtree|ecteezy|anstockphoto|tocksy|vcg\.com|vcg_|视觉中国|图虫创意|tuchong|千图网|58pic|包图网|ibaotu|摄图网|699pic"
    r"|昵图网|nipic|全景网|quanjing|站酷海洛|海洛创意|hellorf|淘图网|我图网|千库网|588ku|觅元素|汇图网|huitu\.com|素材公社|版权图片|样图勿用",
    re.IGNORECASE,
)
#: A package may name anything; a preview's mark is short, or the name is most of it.
_LONGEST = 40


def look(lines: Iterable[str]) -> Finding:
    """``vision.stock``: ``watermark`` (UNSURE) or ``no_watermark``. ``lines`` is the text read from the picture, () when none was.

    ``data`` has ``lines``, how many were looked at: passing without any says nothing.
    """
    read = ["".join(line.split()) for line in lines]
    data = (("lines", len(read)),)
    if any(len(line) <= _LONGEST and _NAMES.search(line) for line in read):
        return Finding("vision.stock", Verdict.UNSURE, "vision.watermark", Source.MODEL, 0.9, data)
    return Finding("vision.stock", Verdict.PASS, "vision.no_watermark", Source.MODEL, 0.6 if read else 0.5, data)
