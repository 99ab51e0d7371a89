"""What is read of codes, where print is noticed, and which labels and waybills are seen, on photos that nothing was chosen on."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path
from statistics import median

from plugins.vision import letters, ocr, reading
from plugins.vision.measure.photos import Photo, held_out, listed, pixels, shown, some
from plugins.vision.product import Recogniser
from plugins.vision.sheet import look

_SAID = re.compile(r"code=(.*?);? zxing_decodes=(\w+)")


def report(data: Path, most: int) -> None:
    """Print what is read of all photos with codes, then print, labels and waybills per set on photos held out."""
    photos = listed(data)
    codes([photo for photo in photos if photo.set == "label_barcode"])
    print(f"\nreading: photos held out, at most {most} per set; words can {'' if ocr.able() else 'not '}be read here")
    chosen = held_out(photos)
    for name in sorted({photo.set for photo in chosen}):
        kinds = sorted({p.kind for p in chosen if p.set == name}) if name in ("label_barcode", "recapture") else [""]
        for kind in kinds:
            sheets([p for p in chosen if p.set == name and kind in ("", p.kind)], most)


def codes(photos: list[Photo]) -> None:
    """Print how many codes are read, by whether zxing-cpp is known to read the file as it is stored, and per kind of code."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    times = []
    for photo in shown(photos, "codes"):
        rgb = pixels(photo.path)
        start = time.process_time()
        found = reading.codes(rgb, enlarge=bool(letters.look(rgb).bars))
        times.append(1000 * (time.process_time() - start))
        said = _SAID.search(photo.detail)
        group = "no_barcode" if photo.kind == "no_barcode" or said is None else said.group(2)
        total[group] += 1
        if group == "no_barcode" or said is None:
            right[group] += not found
            continue
        hits = [code for code in found if _same(code.text, said.group(1))]
        right[group] += bool(hits)
        kinds.update({code.kind for code in hits})
        right[f"{group}, another code read"] += bool(found) and not hits
    print(f"codes: of all {len(photos)} photos of label_barcode; median {median(times):.0f} ms of CPU, finding bars included")
    for group, count in sorted(total.items()):
        wrong = right[f"{group}, another code read"]
        print(f"  zxing_decodes {group:12} right {right[group]:4} of {count:4}, another code {wrong}")
    print("  by kind: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))


def sheets(photos: list[Photo], most: int) -> None:
    """Print one line: print noticed, words read, labels and waybills seen, and what it costs."""
    noticed, read_words, label, waybill, by_scene = 0, 0, 0, 0, [0, 0]
    glances, times = [], []
    chosen = some(photos, most)
    for photo in shown(chosen, photos[0].set):
        rgb = pixels(photo.path)
        start = time.process_time()
        noticed += letters.look(rgb).seen
        glances.append(1000 * (time.process_time() - start))
        start = time.process_time()
        text = reading.read(rgb)
        times.append(1000 * (time.process_time() - start))
        seen, both = look(text), look(text, Recogniser().see(rgb).scenes)
        by_scene[0] += both.has_label
        by_scene[1] += both.has_waybill
        read_words, label, waybill = read_words + text.read, label + seen.has_label, waybill + seen.has_waybill
    name = photos[0].set + (f" {photos[0].kind}" if photos[0].set in ("label_barcode", "recapture") else "")
    figures = f"print {noticed:3}, read {read_words:3}, label {label:3}, waybill {waybill:3}"
    figures += f" (with scenes {by_scene[0]:3}, {by_scene[1]:3})"
    print(
        f"{name:30} {len(chosen):3} photos: {figures}; {median(glances):4.0f} ms of CPU to notice, {median(times):4.0f} ms in all"
    )


def _same(a: str, b: str) -> bool:
    first, second = (re.sub(r"\W", "", text).lower().lstrip("0") for text in (a, b))
    return first == second
