"""What 17TRACK tells by itself, and who is believed; its settings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftersales.errors import BadSettings, BadSignature
from aftersales.testing.builders import NOW
from aftersales.tracking import Found
from plugins.track17_carrier import build
from plugins.track17_carrier.sign import check, signature

NUMBER = "RR123456785CN"
TRACER = build({"base_url": "https://17track.example", "key": "SECRET"})


def told(said: Any) -> tuple[dict[str, str], dict[str, str], bytes]:
    """A message that 17TRACK signed."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return {"sign": signature(body, "SECRET")}, {}, body


def test_the_signature_is_the_platforms() -> None:
    """SHA-256 over body, slash and key (computed with sha256sum)."""
    body = b'{"event":"TRACKING_UPDATED"}'
    assert signature(body, "KEY") == "68a7ac99df71d5d85a5e8be3ecba4eb64834ac9b0e6d7fc89c1f45f982c8019a"
    check(body, "KEY", signature(body, "KEY").upper())


@pytest.mark.parametrize("given", ["", "0" * 64, "é", "\x00"])
def test_another_signature_is_refused(given: str) -> None:
    """None, another one and nonsense are BadSignature, and nothing else."""
    with pytest.raises(BadSignature):
        check(b"{}", "KEY", given)


@pytest.mark.parametrize("said", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, {"event": "TRACKING_UPDATED", "data": 5}])
def test_a_message_of_another_form_is_refused(said: Any) -> None:
    """What is signed and still no message is refused like one that is not signed."""
    with pytest.raises(BadSignature):
        TRACER.pushed(*told(said), NOW)


#: Anything that JSON can say, and among it what is looked for.
NAMES = st.sampled_from(["tag", "number", "carrier", "track_info", "latest_status", "status"])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=20)


@given(ANYTHING)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_is_signed_is_read_or_refused(said: Any) -> None:
    """A message of any form says something, nothing, or is refused for its form; it breaks nothing."""
    try:
        assert len(TRACER.pushed(*told({"event": "TRACKING_UPDATED", "data": said}), NOW).traces) <= 1
    except BadSignature as error:
        why = error.message
    else:
        why = ""
    assert why in ("", "The message is not of its form.")


@pytest.mark.parametrize(
    "said", [{"event": "QUOTA_LOW", "data": {"tag": "c1-parcel-1"}}, {"event": "TRACKING_UPDATED", "data": {"number": NUMBER}}, {}]
)
def test_a_message_about_nothing_of_ours_is_thanked_for(said: Any) -> None:
    """Another event, or a number that somebody registered by hand, changes nothing."""
    assert TRACER.pushed(*told(said), NOW).traces == ()


def test_one_that_it_stops_to_follow_is_over() -> None:
    """Stopped without ever being found it never existed; where something is known, that stays and no more comes."""
    stopped = {"event": "TRACKING_STOPPED", "data": {"number": NUMBER, "tag": "c1-parcel-1"}}
    (trace,) = TRACER.pushed(*told(stopped), NOW).traces
    assert (trace.key, trace.found, trace.over) == ("c1-parcel-1", Found.NEVER, True)
    event = {"time_utc": "2026-11-20T08:00:00Z", "sub_status": "InTransit_Other"}
    moved = {**stopped, "data": {"tag": "c1-parcel-1", "track_info": {"latest_event": event}}}
    (trace,) = TRACER.pushed(*told(moved), NOW).traces
    assert (trace.found, trace.over, len(trace.scans)) == (Found.KNOWN, True, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": ""},
        {"base_url": "http://17track.example"},
        {"base_url": "https://u@x.example"},
        {"key": ""},
        {"key": "two words"},
        {"key": "schlüssel"},
        {"total_s": 0},
        {"read_s": "x"},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    with pytest.raises(BadSettings) as error:
        build({"base_url": "https://17track.example/track/v2.2", "key": "0123456789ABCDEF", **wrong})
    assert next(iter(wrong)) in error.value.message
    assert "schlüssel" not in error.value.message
