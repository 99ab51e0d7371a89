import sys
from dataclasses import replace

import pytest

from aftersales import __version__, offered
from aftersales.absent import absent, is_absent
from aftersales.case import Kind
from aftersales.decision import Verdict
from aftersales.errors import BadPlugin, BadSettings
from aftersales.registry import Registry
from aftersales.testing.builders import NOW, a_case, a_line, an_order, facts
from aftersales.text import text
from aftersales.vertical import Vertical
from tests.installed import install

TOYS = "from dataclasses import replace\nfrom verticals.general import VERTICAL as G\nVERTICAL = replace(G, name='toys')\n"
CALM = "class Calm:\n    def ask(self, subject, now):\n        return None\n\ndef build(settings):\n    return Calm()\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Install a package that offers ``toys``, or whatever is named, for one test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def shop(
        code: str = TOYS, *, name: str = "toys", package: str = "toyland", requires: str | None = None, group: str = "verticals"
    ):
        value = f"{package}:VERTICAL" if group == "verticals" else package
        files = {f"{package}/__init__.py": code}
        install(tmp_path, f"aftersales-{package}", files, {f"aftersales.{group}": {name: value}}, requires)

    yield shop
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith(("toyland", "gem")):
            del sys.modules[name]


def a_stage(*active: str, **tables: object) -> Registry:
    """A registry with these trades active."""
    return Registry({"verticals": {"active": list(active), **tables.pop("verticals", {})}, **tables})


BREAKS = [
    pytest.param({"code": "1 / 0"}, "ZeroDivisionError", id="breaks when imported"),
    pytest.param({"code": "raise SystemExit('enough')"}, "SystemExit", id="ends the process"),
    pytest.param({"code": "VERTICAL: int"}, "VERTICAL", id="offers none"),
    pytest.param({"code": "VERTICAL = 'toys'"}, "offers no VERTICAL", id="offers something else"),
    pytest.param({"code": TOYS.replace("'toys'", "'games'")}, "'games'", id="offers another name"),
    pytest.param({"code": TOYS.replace("'toys'", "'toys', offers=()")}, "no offers", id="offers nothing"),
    pytest.param({"requires": "aftersales>=99,<100"}, f">=99,<100.*{__version__}", id="made for another version"),
]


@pytest.mark.parametrize(("broken", "says"), BREAKS)
def test_a_broken_package_is_left_out_by_name_with_why(shop, broken, says):
    """However a stranger's trade breaks, the rest works, and the operator reads which it is and what is wrong."""
    shop(**broken)
    registry = a_stage("general", "toys")
    registry.check()
    assert registry.vertical("general").name == "general"
    assert is_absent(registry.vertical("toys"))
    assert list(registry.left_out) == ["vertical:toys"]
    with pytest.raises(BadPlugin, match=says):
        raise BadPlugin(registry.left_out["vertical:toys"])


@pytest.mark.parametrize(("broken", "says"), BREAKS)
def test_a_broken_package_that_is_required_stops_the_start(shop, broken, says):
    """Where the stage file says that the trade has to work, nothing starts without it."""
    shop(**broken)
    with pytest.raises(BadPlugin, match=says):
        a_stage("general", "toys", verticals={"required": ["toys"]}).check_trades()


def test_what_comes_with_the_system_is_required_unless_the_stage_file_says_otherwise(monkeypatch):
    """A broken trade of ours is a broken deployment; a stage file that names what it requires names all of it."""
    from verticals import general

    monkeypatch.setattr(general, "VERTICAL", replace(general.VERTICAL, name="odd"))
    with pytest.raises(BadPlugin, match="odd"):
        a_stage("general").check_trades()
    registry = a_stage("general", verticals={"required": []})
    registry.check_trades()
    assert list(registry.left_out) == ["vertical:general"]


def test_a_required_name_that_is_not_switched_on_is_a_mistake(shop):
    """A misspelt name in ``required`` would otherwise require nothing."""
    shop()
    for tables in ({"verticals": {"required": ["toyz"]}}, {"plugins": {"required": ["toyz"]}}):
        with pytest.raises(BadSettings, match="toyz"):
            a_stage("toys", **tables).check_trades()


def test_a_package_for_this_version_works(shop):
    """What says ``aftersales>=0.1,<0.2`` is loaded by 0.1, and is active only by name."""
    shop(requires="aftersales>=0.1,<0.2")
    registry = a_stage("toys")
    assert registry.vertical("toys").name == "toys"
    assert not registry.left_out
    assert "toys" in {one.name for one in offered.offered("verticals")}


def test_two_packages_with_one_trade_are_both_refused(shop):
    """Which of them judges must not depend on the order of an installation."""
    shop()
    shop(package="toyland_two")
    with pytest.raises(BadPlugin, match=r"aftersales-toyland 1\.0, aftersales-toyland_two 1\.0"):
        offered.vertical("toys")


def test_ours_comes_before_a_package_of_its_name(shop):
    """Nobody replaces a trade of the system by installing something."""
    shop("1 / 0", name="general")
    assert offered.vertical("general").package == "verticals.general"


def test_a_source_that_breaks_is_left_out_unless_it_is_required(shop):
    """A source of a stranger's package hurts only who asks it; one that is required stops the start."""
    shop("def build(settings):\n    return settings['key']\n", name="gem_book", package="gem", group="plugins")
    tables = {"sources": {"gem": "gem_book"}}
    registry = a_stage(**tables)
    registry.check()
    assert "gem_book" in registry.left_out["source:gem"]
    with pytest.raises(BadPlugin, match="gem_book"):
        a_stage(**tables, plugins={"required": ["gem_book"]}).check()


def test_a_source_of_a_package_is_built_from_its_settings(shop):
    """A plugin's entry point names its module, whose ``build`` gives the port."""
    shop(CALM, name="gem_book", package="gem_calm", group="plugins")
    registry = a_stage(sources={"gem": "gem_book"})
    assert registry.source("gem").ask(None, None) is None
    assert not registry.left_out


def test_a_left_out_trade_offers_nothing_and_asks_a_person():
    """What begins is refused with a reason in both languages; what was handed in before goes to a person."""
    trade = absent("toys")
    order = an_order(lines=(a_line(vertical="toys"),))
    for kind in Kind:
        offer = trade.offer(kind)
        assert offer is not None
        before = offer.when[0](facts(order, kind=kind))
        after = offer.when[0](facts(order, kind=kind, case=a_case(submitted_at=NOW)))
        assert (before.verdict, after.verdict) == (Verdict.FAIL, Verdict.UNSURE)
        for key in (before.reason, after.reason, f"rules.{kind}", offer.amount(facts(order, kind=kind)).text):
            assert text(trade.package, key, "zh-CN") != text(trade.package, key, "en") != key


def test_a_trade_around_or_inside_a_left_out_one_is_left_out_too(shop):
    """Nothing is judged by half a trade."""
    shop("1 / 0")
    registry = a_stage("general", "toys")
    around: Vertical = replace(registry.vertical("general"), name="wrapped", around=lambda inner: inner)
    registry.put("vertical:wrapped", around)
    assert is_absent(registry.vertical("wrapped:toys"))
    assert not is_absent(registry.vertical("wrapped:general"))
