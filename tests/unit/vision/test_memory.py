from pathlib import Path

import numpy as np

from aftersales.photo import PhotoReport
from plugins.vision.features import features
from plugins.vision.fingerprint import fingerprint
from plugins.vision.measure.edits import EDITS
from plugins.vision.memory import Memory
from plugins.vision.words import words
from tests.unit.vision.test_reuse import HARD, Rgb, scene


def a_report(rgb: Rgb) -> PhotoReport:
    """What a verifier keeps of a picture."""
    mark, kept = fingerprint(rgb), features(rgb)
    return PhotoReport((), mark, features=kept, words=words(kept, mark))


def test_a_picture_of_an_earlier_claim_is_found(tmp_path: Path) -> None:
    """An edited copy is found with the claim that used the picture, by whoever opens the folder; a new picture is not."""
    for seed in range(6):
        Memory(tmp_path).add(f"claim-{seed}", 1, a_report(scene(seed)))
    for name, edit in EDITS.items():
        if name in HARD:
            continue
        found = Memory(tmp_path).find(a_report(edit(scene(3), np.random.default_rng(3))))
        assert found is not None, name
        assert found[0] == "claim-3"
        assert found[1].same
    assert Memory(tmp_path).find(a_report(scene(99))) is None


def test_a_claim_does_not_accuse_itself(tmp_path: Path) -> None:
    """What a claim remembers is passed over when the same claim is looked at again, and is not remembered twice."""
    memory, report = Memory(tmp_path), a_report(scene(1))
    for _ in range(2):
        memory.add("c1", 1, report)
    assert memory.find(report, but="c1") is None
    assert memory.find(report) is not None
    assert len((tmp_path / "pictures.jsonl").read_text().splitlines()) == 1


def test_one_picture_of_two_claims_is_remembered_for_both(tmp_path: Path) -> None:
    """A reused picture is kept for the second claim too: each of them is found by the other."""
    memory, report = Memory(tmp_path), a_report(scene(1))
    memory.add("c1", 1, report)
    memory.add("c2", 1, report)
    assert {memory.find(report, but=claim)[0] for claim in ("c1", "c2")} == {"c1", "c2"}  # type: ignore[index]  # both are found


def test_a_writer_that_was_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    """Half a line at the end is not read, and the next picture takes its place."""
    Memory(tmp_path).add("c1", 1, a_report(scene(1)))
    index = tmp_path / "pictures.jsonl"
    whole = index.read_bytes()
    index.write_bytes(whole + whole[: len(whole) // 2])
    assert Memory(tmp_path).find(a_report(scene(1))) is not None
    Memory(tmp_path).add("c2", 1, a_report(scene(2)))
    found = Memory(tmp_path).find(a_report(scene(2)))
    assert found is not None
    assert found[0] == "c2"
    assert len(index.read_text().splitlines()) == 2


def test_features_that_are_gone_are_no_match(tmp_path: Path) -> None:
    """Whoever deletes a picture's features has it forgotten."""
    memory, report = Memory(tmp_path), a_report(scene(1))
    memory.add("c1", 1, report)
    for file in (tmp_path / "features").iterdir():
        file.unlink()
    assert memory.find(report) is None


def test_what_was_added_by_another_process_is_found(tmp_path: Path) -> None:
    """An open memory reads on where the file has grown."""
    reader, writer = Memory(tmp_path), Memory(tmp_path)
    assert reader.find(a_report(scene(1))) is None
    writer.add("c1", 1, a_report(scene(1)))
    assert reader.find(a_report(scene(1))) is not None


def test_a_picture_of_nothing_is_not_remembered(tmp_path: Path) -> None:
    """A report without a fingerprint is like every other of its kind."""
    Memory(tmp_path).add("c1", 1, PhotoReport(()))
    assert Memory(tmp_path).find(PhotoReport(())) is None
