"""``aftersales trace``: the check list over a file, honest and forged, and files that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local import cli

AFTERSALES = str(Path(sys.executable).parent / "aftersales")
EXAMPLE = Path(cli.__file__).parent / "examples" / "trace.json"


def example(**changes: Any) -> dict[str, Any]:
    """The example file, with changes; ``...`` leaves a field out."""
    whole = json.loads(EXAMPLE.read_text(encoding="utf-8")) | changes
    return {name: value for name, value in whole.items() if value is not ...}


def first(**changes: Any) -> list[dict[str, Any]]:
    """The example's scans, the first one changed."""
    scans = example()["scans"]
    return [scans[0] | changes, *scans[1:]]


def judged(folder: Path, capsys: pytest.CaptureFixture[str], file: Any, *more: str) -> tuple[int, dict[str, Any], str]:
    """Status, what is printed as JSON, and what is said beside it."""
    path = folder / "trace.json"
    path.write_text(file if isinstance(file, str) else json.dumps(file), encoding="utf-8")
    status = cli.main(["trace", str(path), "--json", *more])
    out, err = capsys.readouterr()
    return status, json.loads(out), err


def failed(said: dict[str, Any]) -> list[str]:
    """The lines that speak against the parcel."""
    return [line["check"] for line in said["checks"] if line["verdict"] == "fail"]


def test_the_example_is_judged_by_the_installed_command() -> None:
    """A parcel from a neighbouring city passes; every line has a sentence, for programs and for people, in both languages."""
    told = subprocess.run([AFTERSALES, "trace", str(EXAMPLE), "--json"], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    said = json.loads(told.stdout)
    assert set(said) == {"checks", "overall"}
    assert all(set(line) == {"check", "verdict", "reason"} and line["reason"] for line in said["checks"])
    assert said["overall"] == {"verdict": "pass", "reason": "All that has to be known of the return parcel fits."}
    ran = subprocess.run(
        [AFTERSALES, "trace", str(EXAMPLE), "--locale", "zh-CN"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout.count("\n") == len(said["checks"]) + 1
    assert "退货物流核验通过" in ran.stdout


FORGED: dict[str, tuple[str, dict[str, Any]]] = {
    "check_digit": ("parcel.format", {"carrier": "ems", "number": "EA123456784CN"}),
    "garbage": ("parcel.format", {"number": "no idea"}),
    "nothing": ("parcel.format", {"number": ""}),
    "outbound": ("parcel.outbound", {"outbound": {"carrier": "SF", "number": "sf 1234567890123"}}),
    "outbound_by_another_name": ("parcel.outbound", {"outbound": {"carrier": "sf", "tracking_number": "SF1234567890123"}}),
    "seen_elsewhere": ("parcel.unique", {"seen_elsewhere": True}),
    "invented": ("parcel.exists", {"scans": [{"at": "2026-11-12T10:00:00", "state": "NOT_FOUND"}]}),
    "invented_by_word": ("parcel.exists", {"scans": [], "found": "never"}),
    "cancelled_label": (
        "parcel.exists",
        {"scans": [{"at": "2026-11-11T10:00", "state": "REGISTERED"}, {"at": "2026-11-11T12:00", "state": "CANCELLED"}]},
    ),
    "label_only": ("parcel.picked_up", {"ship_by": ..., "scans": [{"at": "2026-11-11T10:00", "state": "REGISTERED"}]}),
    "before_approval": ("parcel.began", {"scans": first(at="2026-11-08T09:10:00")}),
    "too_late": ("parcel.in_time", {"ship_by": "2026-11-08T00:00:00+08:00", "approved_at": "2026-11-01T00:00:00+08:00"}),
    "too_late_by_default": ("parcel.in_time", {"ship_by": ..., "approved_at": "2026-10-20T00:00:00+08:00"}),
    "other_city": ("parcel.origin", {"scans": first(city="广州市")}),
    "other_destination": ("parcel.destination", {"merchant": {"city": "成都市", "phone_tail": "4321"}}),
    "strangers": ("parcel.parties", {"denied": ["buyer", "merchant"]}),
    "empty_box": ("parcel.weight", {"scans": first(weight_g=130)}),
    "turned_back": (
        "parcel.course",
        {"scans": [*example()["scans"][:2], {"at": "2026-11-12T09:00", "state": "RETURNING", "city": "杭州市"}]},
    ),
    "expired": ("parcel.course", {"scans": [*example()["scans"][:2], {"at": "2027-01-15T09:00", "state": "EXPIRED"}]}),
}  # fmt: skip


@pytest.mark.parametrize(("check", "changes"), FORGED.values(), ids=FORGED.keys())
def test_a_forged_file_fails_at_the_line_that_is_there_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], check: str, changes: dict[str, Any]
) -> None:
    """Only that line fails, its sentence is the reason of the whole, and the status is still that of a file that was read."""
    status, said, err = judged(tmp_path, capsys, example(**changes))
    assert (status, err) == (0, "")
    assert failed(said) == [check]
    assert said["overall"]["verdict"] == "fail"
    reason = next(line["reason"] for line in said["checks"] if line["check"] == check)
    assert reason in said["overall"]["reason"]


HONEST: dict[str, tuple[str, dict[str, Any]]] = {
    "states_in_small_letters": ("pass", {"scans": [s | {"state": s["state"].lower()} for s in example()["scans"]]}),
    "states_in_words": ("pass", {"scans": [s | {"state": s["state"].replace("_", " ").title()} for s in example()["scans"]]}),
    "late_first_scan": ("pass", {"scans": first(at="2026-11-11 15:30:00"), "ship_by": "2026-11-11T08:00:00+08:00"}),
    "no_pickup_scan": ("pass", {"scans": example()["scans"][1:]}),
    "clock_skew": ("pass", {"approved_at": "2026-11-11T09:40:00+08:00"}),
    "zone_told": ("pass", {"scans": first(at="2026-11-11T02:10:00Z"), "approved_at": "2026-11-11T02:00:00Z"}),
    "cities_in_english": ("pass", {"buyer": {"city": "Hangzhou"}, "merchant": {"city": "Yantai"}}),
    "shops_own_neighbours": ("pass", {"scans": first(city="南京市"), "neighbours": {"杭州": ["南京"]}}),
    "merged": ("pass", {"seen_elsewhere": True, "declared": True}),
    "corrected": ("pass", {"carrier": "yto", "corrected": "shunfeng"}),
    "no_outbound": ("pass", {"outbound": None}),
    "weights_left_out": ("pass", {"expected_weight_g": None}),
    "weight_with_a_fraction": ("pass", {"expected_weight_g": 2000.5}),
    "on_its_way": ("unsure", {"scans": example()["scans"][:2]}),
    "not_looked_up": ("unsure", {"seen_elsewhere": ...}),
    "no_addresses": ("unsure", {"buyer": None, "merchant": ...}),
    "no_scans": ("unsure", {"scans": ...}),
    "no_approval": ("unsure", {"approved_at": None, "ship_by": ...}),
    "no_approval_no_scans": ("unsure", {"approved_at": ..., "ship_by": ..., "scans": []}),
}


@pytest.mark.parametrize(("verdict", "changes"), HONEST.values(), ids=HONEST.keys())
def test_an_honest_file_is_never_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verdict: str, changes: dict[str, Any]
) -> None:
    """However its carrier tells of it, whatever is left out, no line fails."""
    status, said, err = judged(tmp_path, capsys, example(**changes))
    assert (status, err, failed(said), said["overall"]["verdict"]) == (0, "", [], verdict)


def test_one_field_is_enough_and_nothing_follows_from_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a parcel of which only the number is known, everything is open."""
    status, said, _ = judged(tmp_path, capsys, {"number": "SF1234567890123"})
    assert (status, said["overall"]["verdict"]) == (0, "unsure")
    assert {line["verdict"] for line in said["checks"]} == {"unsure"}


def test_an_old_file_is_judged_at_its_own_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A label that was ordered yesterday is open when the file says what time it is; without, the file is the whole story."""
    file = example(scans=[{"at": "2026-11-11T10:00", "state": "REGISTERED"}])
    assert judged(tmp_path, capsys, file)[1]["overall"]["verdict"] == "fail"
    assert judged(tmp_path, capsys, file | {"now": "2026-11-12T10:00"})[1]["overall"]["verdict"] == "unsure"


def test_a_field_nobody_knows_is_left_aside_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer is the same, and a misspelt name is noticed."""
    status, said, err = judged(tmp_path, capsys, example(seen_elswhere=True))
    assert (status, said["overall"]["verdict"]) == (0, "pass")
    assert "seen_elswhere" in err


BROKEN: dict[str, tuple[Any, str]] = {
    "no_json": ("{", "no JSON"),
    "no_object": ([], "the document"),
    "null": (None, "the document"),
    "too_deep": ("[" * 100_000, "no JSON"),
    "no_number": (example(number=...), "number"),
    "approval_in_words": (example(approved_at="yesterday"), "approved_at"),
    "approval_as_a_number": (example(approved_at=1), "approved_at"),
    "year_9999": (example(approved_at="9999-12-31T23:59:59-12:00"), "approved_at"),
    "year_1": (example(ship_by="0001-01-01"), "ship_by"),
    "city_a_list": (example(buyer={"city": ["杭州市"]}), "buyer.city"),
    "buyer_a_text": (example(buyer="杭州市"), "buyer"),
    "outbound_a_text": (example(outbound="SF1"), "outbound"),
    "outbound_number": (example(outbound={"number": 5}), "outbound.number"),
    "scans_an_object": (example(scans={}), "scans"),
    "a_scan_null": (example(scans=[None]), "scans[0]"),
    "a_scan_without_time": (example(scans=first(at=None)), "scans[0].at"),
    "a_state_of_nobody": (example(scans=first(state="TELEPORTED")), "scans[0].state"),
    "no_state": (example(scans=[{"at": "2026-11-11"}]), "scans[0].state"),
    "weight_a_text": (example(scans=first(weight_g="2 kg")), "scans[0].weight_g"),
    "weight_true": (example(expected_weight_g=True), "expected_weight_g"),
    "weight_negative": (example(expected_weight_g=-1), "expected_weight_g"),
    "weight_nan": ('{"approved_at": "2026-11-10", "number": "1", "expected_weight_g": NaN}', "no JSON"),
    "weight_infinite": ('{"approved_at": "2026-11-10", "number": "1", "expected_weight_g": 1e999}', "expected_weight_g"),
    "weight_huge": (example(expected_weight_g=10**400), "expected_weight_g"),
    "weight_of_digits": ('{"approved_at": "2026-11-10", "number": "1", "expected_weight_g": ' + "9" * 5_000 + "}", "no JSON"),
    "elsewhere_a_text": (example(seen_elsewhere="no"), "seen_elsewhere"),
    "found_a_guess": (example(found="maybe"), "found"),
    "parties_unknown": (example(denied=["courier"]), "denied"),
    "neighbours_a_list": (example(neighbours=["绍兴"]), "neighbours"),
    "neighbours_numbers": (example(neighbours={"杭州": [1]}), "neighbours.杭州"),
    "too_many_scans": (example(scans=example()["scans"] * 500), "scans"),
    "too_long_a_text": (example(scans=first(text="x" * 5_000)), "scans[0].text"),
    "too_long_a_file": (" " * 2_000_001, "too long"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_of_the_form_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: Any, words: str
) -> None:
    """Status 2, one line that names the place, the same as a problem for programs, and nothing long in either."""
    status, said, err = judged(tmp_path, capsys, file if isinstance(file, str) else json.dumps(file))
    assert (status, said["code"]) == (2, "invalid")
    assert words in err
    assert len(err) < 700


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No stack trace for a wrong path, a folder, or bytes that are no text."""
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{")
    for path in (tmp_path / "nothing.json", tmp_path, tmp_path / "bytes.json"):
        assert cli.main(["trace", str(path)]) == 2
        assert capsys.readouterr().err.startswith("aftersales trace: ")


def test_half_a_character_does_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON can write half of a pair of code units; it is judged and printed like any other."""
    status, said, _ = judged(tmp_path, capsys, example(scans=first(city="\ud800", text="\udfff"), buyer={"city": "\ud800"}))
    assert status == 0
    assert said["overall"]["verdict"] in ("pass", "unsure")
