"""Drawn strawberries as scenes: what the demo shows on machines without photos is known to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.drawn import strawberries
from models.spoilage.label import Grade
from models.spoilage.sample import KNOWS_BAD, KNOWS_FRUIT, KNOWS_HEAT, KNOWS_ROT, Piece, Scene, blank
from models.spoilage.scene import GRADES

if TYPE_CHECKING:
    import numpy as np


def drawing(chance: np.random.Generator) -> Scene:
    """Up to twelve drawn berries, any number of them rotten. Their outlines are read off the drawing by colour."""
    import cv2
    import numpy as np

    count = int(chance.integers(1, 13))
    spoiled = 0 if chance.random() < 0.4 else int(chance.integers(1, count + 1))
    raw = np.frombuffer(strawberries(spoiled, count, int(chance.integers(10**6, 10**9))), np.uint8)
    rgb = cv2.cvtColor(cv2.resize(cv2.imdecode(raw, cv2.IMREAD_COLOR), (320, 240), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    made = blank(np.asarray(rgb, dtype=np.uint8), KNOWS_FRUIT | KNOWS_ROT | KNOWS_BAD | KNOWS_HEAT)
    made.grades = GRADES[Grade.SPOILED if spoiled else Grade.SOUND]
    low, high = rgb.min(axis=2).astype(int), rgb.max(axis=2).astype(int)
    goods = ((high - low > 60) | (high < 135)).astype(np.uint8)
    goods = cv2.morphologyEx(goods, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    goods = cv2.morphologyEx(goods, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    parts, labels, stats, middles = cv2.connectedComponentsWithStats(goods)
    red = (rgb[..., 0].astype(int) - rgb[..., 1]) > 90
    for at in range(1, parts):
        inside = labels == at
        if stats[at][4] < 60:
            continue
        bad = bool(red[inside].mean() < 0.4)
        made.fruit[inside] = 255
        if bad:
            made.rot[inside], made.bad[inside] = 255, 255
        made.pieces.append(Piece(float(middles[at][0]), float(middles[at][1]), float(np.sqrt(stats[at][4] / np.pi)), bad))
    return made
