"""What AfterShip tells by itself, and who is believed; its settings."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftersales.errors import BadSettings, BadSignature
from aftersales.testing.builders import NOW
from aftersales.tracking import Found
from plugins.aftership_carrier import build
from plugins.aftership_carrier.said import FIELD
from plugins.aftership_carrier.sign import check, signature

TRACER = build({"base_url": "https://aftership.example", "key": "KEY", "webhook_secret": "SECRET"})
AT = {"checkpoint_time": "2026-11-20T08:00:00+08:00", "subtag": "Delivered_001", "tag": "Delivered"}


def told(said: Any) -> tuple[dict[str, str], dict[str, str], bytes]:
    """A message that AfterShip signed."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return {"aftership-hmac-sha256": signature(body, "SECRET")}, {}, body


def test_the_signature_is_the_platforms() -> None:
    """HMAC-SHA256 over the body in base64 (computed with openssl)."""
    assert signature(b'{"event":"tracking_update"}', "SECRET") == "DA0yOmOIkQL22bYjdPYfcctaoyCcdLH+6hKT1N5FFfY="


@pytest.mark.parametrize("given", ["", "AAAA", "é", "\x00"])
def test_another_signature_is_refused(given: str) -> None:
    """None, another one and nonsense are BadSignature, and nothing else."""
    with pytest.raises(BadSignature):
        check(b"{}", "SECRET", given)


MINE = {"custom_fields": {FIELD: "c1-parcel-1"}, "tag": "Delivered", "checkpoints": [AT]}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        {"ts": "now"},
        {"event": "tracking_update", "msg": 5},
        {"event": "tracking_update", "msg": MINE},
    ],
)
def test_a_message_of_another_form_is_refused(said: Any) -> None:
    """What is signed and still no message is refused like one that is not signed."""
    with pytest.raises(BadSignature):
        TRACER.pushed(*told(said), NOW)


#: Anything that JSON can say, and among it what is looked for.
NAMES = st.sampled_from(["custom_fields", FIELD, "tag", "slug", "checkpoints", "subtag", "tracked_count"])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=20)


@given(ANYTHING)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_whatever_is_signed_is_read_or_refused(said: Any) -> None:
    """A message of any form says something, nothing, or is refused for its form; it breaks nothing."""
    try:
        assert len(TRACER.pushed(*told({"ts": time.time(), "event": "tracking_update", "msg": said}), NOW).traces) <= 1
    except BadSignature as error:
        why = error.message
    else:
        why = ""
    assert why in ("", "The message is not of its form.")


@pytest.mark.parametrize(("age_s", "believed"), [(0, True), (245_730, True), (-200, True), (5 * 86_400, False), (-400, False)])
def test_a_message_of_another_time_is_refused(age_s: int, *, believed: bool) -> None:
    """The last of fourteen tries is believed; what is older than any, or of the future, somebody has kept."""
    push = told({"ts": time.time() - age_s, "event": "tracking_update", "msg": MINE})
    if not believed:
        with pytest.raises(BadSignature):
            TRACER.pushed(*push, NOW)
        return
    (trace,) = TRACER.pushed(*push, NOW).traces
    assert (trace.key, trace.found, trace.over) == ("c1-parcel-1", Found.KNOWN, True)


@pytest.mark.parametrize(
    "said", [{"event": "edd_revise", "msg": MINE}, {"event": "tracking_update", "msg": {"tag": "Delivered"}}, {}]
)
def test_a_message_about_nothing_of_ours_is_thanked_for(said: Any) -> None:
    """Another event, or a number that somebody follows by hand, changes nothing."""
    assert TRACER.pushed(*told({**said, "ts": time.time()}), NOW).traces == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": ""},
        {"base_url": "http://aftership.example"},
        {"key": ""},
        {"webhook_secret": ""},
        {"key": "two words"},
        {"total_s": 0},
        {"read_s": "x"},
    ],
)
def test_a_wrong_setting_is_named_and_never_shown(wrong: dict[str, Any]) -> None:
    """Settings that cannot work are refused when the plugin is built; no secret is in the message."""
    right = {
        "base_url": "https://aftership.example/tracking/2026-07",
        "key": "asat_0123456789",
        "webhook_secret": "ABCDEF0123456789",
    }
    with pytest.raises(BadSettings) as error:
        build({**right, **wrong})
    assert next(iter(wrong)) in error.value.message
    assert not any(secret in error.value.message for secret in ("asat_0123456789", "ABCDEF0123456789", "two words"))
