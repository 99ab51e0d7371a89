"""Print every figure of the card, on fold 0: ``python -m models.spoilage.measure [part …]``.

``cross`` trains three networks, each without a group of sets, and measures them on what they have not seen; ``--only`` measures a
model on some sets alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from models.data import FRUIT, ROT, TEST, Photo, boxes, mask, of, options, photos, read
from models.spoilage.bank import Bank, erased, make
from models.spoilage.label import SETS, Grade
from models.spoilage.reading import Reading, made, readings
from plugins.vision import pieces, session, spoilage
from plugins.vision.sight import HALF, NAME, Sight, look

#: Photos per class at most (product_shop: four times as many).
MOST = 60


def main() -> int:
    """Print the parts that were named, all by default, and give the exit status."""
    parts: dict[str, Callable[[Path, Sequence[Photo], Bank], None]] = {
        "classes": classes, "masks": masks, "shares": shares, "pieces": counts, "erased": without, "boxes": recall,
    }  # fmt: skip
    parser = options(main.__doc__ or "")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(parts))
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder with spoilage/spoilage.onnx and its card.toml")
    parser.add_argument(
        "--only", nargs="*", default=[], help="sets to measure on, all their folds: for a model trained without them"
    )
    args = parser.parse_args()
    session.MODELS = args.models
    everything = photos(args.data)
    rows = [row for row in everything if row.set in args.only] if args.only else of(everything, TEST)
    bank = make(args.data, of(everything, TEST), args.cache, 1500, 12, 0.0)
    for name in args.parts or parts:
        parts[name](args.data, rows, bank)
        print(flush=True)
    return 0


def classes(data: Path, rows: Sequence[Photo], bank: Bank) -> None:
    """Per set and class: how often spoilage is seen, how often something is said at all; per set the area under the curve."""
    found = readings(data, [row for row in rows if row.set in SETS], MOST)
    limits = session.card(NAME)["decision"]
    print(f"{'set':23} {'class':22} photos groups  seen said   at most {MOST} photos per class")
    for name in dict.fromkeys(one.set for one in found):
        mine = [one for one in found if one.set == name]
        kinds = dict.fromkeys(("all sound" if name == "product_shop" else one.kind, one.grade) for one in mine)
        for kind, grade in kinds:
            some = [one for one in mine if (name == "product_shop" or one.kind == kind) and one.grade is grade]
            answers = [_answer(one) for one in some]
            seen, said = (sum(a[i] for a in answers) for i in (0, 1))
            mark = "-" if grade is None else grade.name.lower()
            print(f"{name:23} {kind:22} {len(some):6} {len({o.group for o in some}):6} {seen:5} {said:4}  {mark}")
        area = _area(mine, limits)
        if area is not None:
            print(f"{name:23} spoiled against sound: area under the curve {area:.3f}")
    sound, spoiled = ([_answer(o)[0] for o in found if o.grade is g] for g in (Grade.SOUND, Grade.SPOILED))
    print(f"sound goods called spoiled: {sum(sound)} of {len(sound)}; spoiled goods seen: {sum(spoiled)} of {len(spoiled)}")
    if sound and spoiled:
        commoner = max(len(sound), len(spoiled)) / (len(sound) + len(spoiled))
        print(f"always saying the commoner of the two would be right on {commoner:.0%}")
    _made_up(bank)


def _made_up(bank: Bank) -> None:
    found = made(bank, range(0, len(bank.grades), 3))
    for grade in Grade:
        answers = [_answer(one) for one in found if one.grade is grade]
        seen, said = (sum(a[i] for a in answers) for i in (0, 1))
        print(f"composites, {grade.name.lower()}: {len(answers)}, seen {seen}, said {said}")
    area = _area(found, session.card(NAME)["decision"])
    print(f"composites, spoiled against sound: area under the curve {area:.3f}")


def _answer(one: Reading) -> tuple[bool, bool]:
    """(seen, said something) as the runtime decides."""
    limits = session.card(NAME)["decision"]
    if one.figures.goods < spoilage.LEAST_GOODS:
        return False, False
    confidence = spoilage.chance(one.figures, limits)
    seen = confidence >= limits["seen_from"] and not one.figures.torn(limits)
    return seen, seen or confidence <= limits["sound_to"]


def _area(found: Sequence[Reading], limits: object) -> float | None:
    """The chance that a spoiled photo scores higher than a sound one; None without both."""
    assert isinstance(limits, dict)
    bad, good = ([spoilage.chance(o.figures, limits) for o in found if o.grade is g] for g in (Grade.SPOILED, Grade.SOUND))
    if not bad or not good:
        return None
    a, b = np.array(bad)[:, None], np.array(good)[None]
    return float(((a > b) + 0.5 * (a == b)).mean())


def masks(data: Path, rows: Sequence[Photo], bank: Bank) -> None:  # noqa: ARG001  # every part is called alike
    """Overlap (IoU) of rot and of fruit with the masks."""
    for name in ("fruit_rot_seg", "apple_rot_seg"):
        rot, goods = [], []
        for row in (row for row in rows if row.set == name):
            seen, given = look(read(data, row)), mask(data, row)
            assert given is not None
            rot.append(_overlap(_spread(seen, seen.rot * (seen.goods > HALF), given.shape), given == ROT))
            goods.append(_overlap(_spread(seen, seen.goods, given.shape), given >= FRUIT))
        if rot:
            told = f", of fruit {np.mean(goods):.2f}" if name == "fruit_rot_seg" else ""
            print(f"{name}: IoU of rot, mean of {len(rot)} photos {np.mean(rot):.2f}, median {np.median(rot):.2f}{told}")


def _spread(seen: Sight, plane: object, shape: tuple[int, ...]) -> object:
    """A map of the sight as a mask of the whole picture."""
    import cv2

    high, wide = shape[:2]
    left, top, right, bottom = seen.window
    box = (int(left * wide), int(top * high), int(right * wide + 0.999), int(bottom * high + 0.999))
    whole = np.zeros((high, wide), np.float32)
    size = (box[2] - box[0], box[3] - box[1])
    whole[box[1] : box[3], box[0] : box[2]] = cv2.resize(np.asarray(plane), size, interpolation=cv2.INTER_LINEAR)
    return whole > HALF


def _overlap(a: object, b: object) -> float:
    one, other = np.asarray(a), np.asarray(b)
    return float((one & other).sum() / max(1, (one | other).sum()))


def shares(data: Path, rows: Sequence[Photo], bank: Bank) -> None:
    """How far the share is off, against always saying the median, and how often the stated range holds."""
    real = [one for one in readings(data, [row for row in rows if row.set == "fruit_rot_seg"]) if one.share is not None]
    drawn = [one for one in made(bank, range(1, len(bank.grades), 3)) if one.share is not None and one.share > 0]
    for what, some in (("fruit_rot_seg", real), ("composites with rot", drawn)):
        for which, chosen in (("all", some), ("seen", [one for one in some if _answer(one)[0]])):
            if not chosen:
                continue
            true = np.array([one.share for one in chosen], dtype=float)
            spans = np.array([spoilage.span(one.figures, session.card(NAME)["share"]) for one in chosen])
            off, blind = np.median(np.abs(spans[:, 0] - true)), np.median(np.abs(np.median(true) - true))
            holds = np.mean((true >= spans[:, 1]) & (true <= spans[:, 2]))
            wide = np.median(spans[:, 2] - spans[:, 1])
            print(f"share, {what}, {which} {len(chosen)}: off by {off:.3f} in the median (always the median: {blind:.3f}); "
                  f"the range holds on {holds:.0%}, its median width {wide:.2f}")  # fmt: skip


def counts(data: Path, rows: Sequence[Photo], bank: Bank) -> None:
    """Counts right within what was counted by eye; composites exactly."""
    held = readings(data, [row for row in rows if row.set in {"apple_defect_det", "egg_tray"}], counted_only=True)
    drawn = [one for one in made(bank, range(len(bank.grades))) if one.pieces]
    for name in ("apple_defect_det", "egg_tray"):
        some = [one for one in held if one.set == name]
        _counted(f"{name}, {len({one.group for one in some})} groups", some)
        for one in some:
            found = pieces.counted(one.spots)
            bad = pieces.counted_bad(one.spots, found, seen=_answer(one)[0])
            print(f"   {one.file[-15:]} counted {one.pieces} bad {one.bad}; said {found} bad {bad}")
    _counted("composites", drawn)
    _counted("composites of one to four", [one for one in drawn if one.pieces and one.pieces[0] <= 4])


def _counted(what: str, some: Sequence[Reading]) -> None:
    said = [(one, pieces.counted(one.spots)) for one in some]
    told = [(one, count) for one, count in said if count is not None]
    right = sum(_meets(one.pieces, count) for one, count in told)
    judged = [(one, count) for one, count in told if one.bad is not None and _answer(one)[0]]
    graded = [(one, pieces.counted_bad(one.spots, count, seen=True)) for one, count in judged]
    bad = sum(_meets(one.bad, count) for one, count in graded if count is not None)
    exact = sum(
        one.pieces is not None
        and one.pieces[0] <= pieces.expected(one.spots, session.card(NAME)["pieces"]["counts"]) <= one.pieces[1]
        for one in some
    )
    print(f"pieces, {what}: {len(some)} photos, counted {len(told)}, range holds {right}, bad range holds {bad} of {len(graded)}, "
          f"middle of the range right on {exact}")  # fmt: skip


def _meets(right: tuple[int, int] | None, said: tuple[int, int] | None) -> bool:
    return right is not None and said is not None and said[0] <= right[1] and right[0] <= said[1]


def without(data: Path, rows: Sequence[Photo], bank: Bank) -> None:  # noqa: ARG001  # every part is called alike
    """The goods painted over by their surroundings: spoilage must no longer be seen."""
    from models.spoilage.cutout import cut

    marks, limits = boxes(data), session.card(NAME)["decision"]
    for name in ("fruit_fresh_rotten_det", "fresh_rotten_single", "fruit_rot_seg", "apple_rot_seg", "mango_grade_det"):
        before, after = [], []
        for row in [row for row in rows if row.set == name and "rotten" in row.kind and "slight" not in row.kind][:40]:
            one = cut(data, row, marks.get(row.file, ()))
            if one.goods is None:
                continue
            for rgb, found in ((one.rgb, before), (erased(one), after)):
                seen = spoilage.judged(look(rgb))
                found.append((spoilage.chance(spoilage.Figures.of(look(rgb)), limits), seen.seen))
        if before:
            told = [f"{np.median([c for c, _ in some]):.3f} seen {sum(s for _, s in some)}" for some in (before, after)]
            print(f"erased, {name}: {len(before)} rotten photos, median probability {told[0]}; goods painted over {told[1]}")


def recall(data: Path, rows: Sequence[Photo], bank: Bank) -> None:  # noqa: ARG001  # every part is called alike
    """How many of the boxes have their middle on goods, and how many boxes of defects hold a marked place."""
    marks = boxes(data)
    for name in ("mango_grade_det", "fruit_fresh_rotten_det", "fruit_sound_det", "apple_defect_det"):
        hit = total = 0
        for row in [row for row in rows if row.set == name][:120]:
            seen = look(read(data, row))
            plane = seen.goods if name != "apple_defect_det" else np.maximum(seen.rot, seen.bad)
            for box in marks.get(row.file, ()):
                whole = np.asarray(_spread(seen, plane, (200, 200)))
                top, left = int(box.top * 200), int(box.left * 200)
                inside = whole[top : top + max(1, int(box.height * 200)), left : left + max(1, int(box.width * 200))]
                total += 1
                hit += bool(inside.mean() > (0.4 if name != "apple_defect_det" else 0.05)) if inside.size else False
        if total:
            what = "marked somewhere" if name == "apple_defect_det" else "two fifths covered by goods"
            print(f"boxes, {name}: {hit} of {total} {what}")


if __name__ == "__main__":
    sys.exit(main())
