from dataclasses import astuple

import numpy as np
import pytest

from aftersales.decision import Finding, Verdict
from aftersales.photo import PhotoQuestion
from infra.local.drawn import strawberries
from plugins.vision import build
from plugins.vision.verifier import plain


def kinds(value: object) -> set[type]:
    """The types of everything inside."""
    return set().union(*map(kinds, value)) if isinstance(value, tuple) else {type(value)}


def test_numbers_of_numpy_become_pythons_own() -> None:
    """A finding can be stored whatever measured it, and says what it said."""
    region = ((np.float64(0.25), np.float32(0.5)), (1.0, 0.0))
    found = Finding("a.b", Verdict.PASS, "c", confidence=np.float32(0.5), data=(("n", np.int64(3)), ("s", "x")), regions=(region,))
    said = plain(found)
    assert said == Finding(
        "a.b", Verdict.PASS, "c", confidence=0.5, data=(("n", 3), ("s", "x")), regions=(((0.25, 0.5), (1.0, 0.0)),)
    )
    assert {one.__module__ for one in kinds(astuple(said)) - {Verdict, type(found.source)}} == {"builtins"}


@pytest.mark.parametrize("seed", range(3))
def test_what_is_said_of_a_photo_can_be_stored(seed: int) -> None:
    """No finding of a whole look holds a number that the record cannot."""
    report = build({}).inspect(strawberries(2, 6, seed=seed), PhotoQuestion("Strawberries", "strawberry", "fresh", "spoiled", 6))
    held = {one for finding in report.findings for one in kinds(astuple(finding))}
    assert {one.__module__ for one in held} <= {"builtins", "aftersales.decision"}
