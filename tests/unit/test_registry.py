import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from threading import Barrier

import pytest

import plugins
import verticals
from aftersales.case import State
from aftersales.errors import BadPlugin, BadSettings, NotFound
from aftersales.parcel import ParcelState
from aftersales.registry import Registry
from aftersales.testing.clock import FakeClock

CLOCK = """
    class Clock:
        def now(self):
            return None

    def build(settings):
        return Clock()
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module of ``plugins`` or ``verticals`` that exists for one test."""
    for package in (plugins, verticals):
        folder = tmp_path / package.__name__
        folder.mkdir()
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    written: list[str] = []

    def write(package: str, name: str, code: str) -> None:
        Path(tmp_path, package, f"{name}.py").write_text(dedent(code), encoding="utf-8")
        written.append(f"{package}.{name}")

    yield write
    for name in written:
        sys.modules.pop(name, None)


def a_stage(**tables: object) -> Registry:
    """A registry of these tables."""
    return Registry(tables)


# --- plugins ----------------------------------------------------------------------------------------------------------
def test_a_plugin_is_built_from_its_settings(write, monkeypatch, tmp_path):
    """Settings come as written, from the environment with or without a default, or from a file; keys are handed in whole."""
    write("plugins", "told_clock", "def build(settings):\n    return type('Clock', (), {'now': lambda self: dict(settings)})()")
    monkeypatch.setenv("ZONE_OF_TEST", "UTC")
    (tmp_path / "secret").write_text("s3cret\n", encoding="utf-8")
    values = {"a": 1, "b": "env:ZONE_OF_TEST", "c": "env:NOT_SET_IN_TEST|left", "d": f"file:{tmp_path / 'secret'}"}
    registry = a_stage(ports={"clock": "told_clock"}, settings={"told_clock": values})
    assert registry.clock.now() == {"a": 1, "b": "UTC", "c": "left", "d": "s3cret"}
    assert registry.setting("told_clock", "d") == "s3cret"


def test_a_plugin_may_be_switched_on_twice(write):
    """``plugin:name`` is the same plugin with settings of its own: two channels, two objects, nothing shared."""
    methods = ", ".join(f"'{name}': dict(settings)" for name in ("limits", "refund", "find", "notice"))
    write("plugins", "told_channel", f"def build(settings):\n    return type('Channel', (), {{{methods}}})()")
    channels = {"balance": "told_channel", "gift_card": "told_channel:gift_card"}
    registry = a_stage(channels=channels, settings={"told_channel": {"kind": "a"}, "told_channel:gift_card": {"kind": "b"}})
    registry.check()
    assert (registry.channel("balance").limits, registry.channel("gift_card").limits) == ({"kind": "a"}, {"kind": "b"})
    assert registry.setting("told_clock", "e", "else") == "else"
    with pytest.raises(BadSettings, match=r"e of told_clock"):
        registry.setting("told_clock", "e")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param("x = 1", "build", id="no build"),
        pytest.param("def build(settings):\n    return object()", "now", id="a method is missing"),
        pytest.param("raise ValueError('no licence')", "no licence", id="breaks when imported"),
        pytest.param("import no_such_package_at_all", "no_such_package_at_all", id="needs what is not installed"),
        pytest.param("def build(settings):\n    return settings['key']", "key", id="breaks when built"),
        pytest.param("def build(settings:\n", "invalid syntax|never closed", id="is no Python"),
    ],
)
def test_a_broken_plugin_is_named(write, code, says):
    """Whatever is wrong with a plugin, the error names it and says what, when it is first used and at the check."""
    write("plugins", "broken_clock", code)
    registry = a_stage(ports={"clock": "broken_clock"})
    for use in (lambda: registry.clock, registry.check):
        with pytest.raises(BadPlugin, match=rf"broken_clock.*({says})"):
            use()


def test_wrong_settings_are_told_as_such(write):
    """A plugin that refuses its settings is not broken: what it says comes through."""
    code = "from aftersales.errors import BadSettings\ndef build(settings):\n    raise BadSettings('strict_clock has no key')"
    write("plugins", "strict_clock", code)
    with pytest.raises(BadSettings, match="strict_clock"):
        a_stage(ports={"clock": "strict_clock"}).check()


def test_an_unknown_plugin_is_named():
    """A name that neither we nor an installed package has is told."""
    with pytest.raises(BadPlugin, match="no_such_clock"):
        _ = a_stage(ports={"clock": "no_such_clock"}).clock


def test_what_is_not_switched_on_is_not_there():
    """A port without a plugin is a setting that is missing; a channel or trade that is not switched on is not found."""
    registry = a_stage(channels={"wechatpay": "x"}, verticals={"active": ["fresh"]})
    with pytest.raises(BadSettings, match="store"):
        _ = registry.store
    with pytest.raises(NotFound, match="paypal") as refusal:
        registry.channel("paypal")
    assert refusal.value.details["expected"] == ["wechatpay"]
    with pytest.raises(NotFound, match="general"):
        registry.vertical("general")


def test_everything_is_built_once(write):
    """However many threads ask first, one object is built and kept."""
    write("plugins", "slow_clock", CLOCK.replace("return Clock()", "import time; time.sleep(0.05); return Clock()"))
    registry, together = a_stage(ports={"clock": "slow_clock"}), Barrier(8)

    def ask(_: int) -> object:
        together.wait()
        return registry.clock

    with ThreadPoolExecutor(8) as pool:
        assert len({id(clock) for clock in pool.map(ask, range(8))}) == 1


def test_what_is_put_in_is_used():
    """Tests hand in fakes under the same names, also for channels nobody switched on."""
    registry, clock = a_stage(), FakeClock()
    registry.put("clock", clock)
    registry.put("channel:cash", clock)
    assert registry.clock is clock
    assert registry.channel("cash") is clock
    assert registry.channels == ("cash",)


# --- trades -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("VERTICALS = 1", id="offers none"),
        pytest.param("VERTICAL = 'odd'", id="offers something else"),
        pytest.param("from verticals.fresh import VERTICAL", id="offers another's"),
        pytest.param("1 / 0", id="breaks when imported"),
    ],
)
def test_a_broken_trade_is_named(write, code):
    """A trade has to offer a VERTICAL of its own name."""
    write("verticals", "odd", code)
    for use in (lambda r: r.vertical("odd"), lambda r: r.check()):
        with pytest.raises(BadPlugin, match="odd"):
            use(a_stage(verticals={"active": ["odd"]}))


def test_an_installed_trade_is_available_and_only_active_by_name(tmp_path, monkeypatch):
    """A third party's package offers an entry point; the stage file decides whether it is used."""
    (tmp_path / "toys.py").write_text(
        "from dataclasses import replace\nimport verticals.general as g\nVERTICAL = replace(g.VERTICAL, name='toys')\n",
        encoding="utf-8",
    )
    info = tmp_path / "toys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[aftersales.verticals]\ntoys = toys:VERTICAL\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert a_stage(verticals={"active": ["toys"]}).vertical("toys").name == "toys"
    with pytest.raises(NotFound):
        a_stage(verticals={"active": ["fresh"]}).vertical("toys")


# --- the stage file ---------------------------------------------------------------------------------------------------
def test_merchants_set_what_differs():
    """A merchant has the stage's defaults, with its own values over them."""
    merchants = {
        "default": {"small_minor": 1000, "zone": "Europe/Berlin"},
        "m2": {"small_minor": 2000, "timeout_hours": {"reviewing": 24}, "parcel_timeout_hours": {"delivered": 48}},
    }
    registry = a_stage(merchants=merchants)
    other, own = registry.merchant("m1"), registry.merchant("m2")
    assert (other.merchant, other.small_minor, own.small_minor, own.zone.key) == ("m1", 1000, 2000, "Europe/Berlin")
    assert own.timeouts == {State.REVIEWING: timedelta(hours=24)}
    assert own.parcel_timeouts == {ParcelState.DELIVERED: timedelta(hours=48)}
    assert a_stage().merchant("m3").two_persons_above_minor == 50_000


@pytest.mark.parametrize(
    "table",
    [
        pytest.param({"smal_minor": 1}, id="unknown setting"),
        pytest.param({"zone": "Asia/Nowhere"}, id="unknown zone"),
        pytest.param({"timeout_hours": {"resting": 1}}, id="unknown state"),
    ],
)
def test_a_merchants_wrong_setting_is_named(table):
    """A typing error in a merchant's table is found at the check, with the merchant's name."""
    for use in (lambda r: r.merchant("m1"), lambda r: r.check()):
        with pytest.raises(BadSettings, match="m1"):
            use(a_stage(merchants={"m1": table}))


@pytest.mark.parametrize("content", [None, "ports = ", b"\xff\xfe"], ids=["not there", "no TOML", "no text"])
def test_a_stage_file_that_cannot_be_read_is_named(tmp_path, content):
    """The file's name is in the error, with what is wrong in it."""
    path = tmp_path / "shop.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadSettings, match=r"shop\.toml"):
        Registry.from_file(path)


def test_a_port_nobody_knows_is_told():
    """A misspelt port in the stage file is found at the check, with the names there are."""
    with pytest.raises(BadSettings, match="stroe") as refusal:
        a_stage(ports={"stroe": "dynamodb_store"}).check()
    assert "store" in refusal.value.details["expected"]


def test_a_missing_secret_file_is_told(write):
    """A setting that names a file which is not there names setting and plugin."""
    write("plugins", "told_clock", CLOCK)
    registry = a_stage(ports={"clock": "told_clock"}, settings={"told_clock": {"key": "file:no/such/file"}})
    with pytest.raises(BadSettings, match=r"key of told_clock"):
        _ = registry.clock
