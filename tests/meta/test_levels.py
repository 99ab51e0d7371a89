"""Every trade and plugin that comes with the system is what its manifest claims."""

import pytest

from aftersales import offered
from aftersales.audit.subject import find
from aftersales.audit.verdict import judged
from aftersales.kits import KITS
from aftersales.manifest import Level

OURS = [*offered.ours("verticals"), *offered.ours("plugins")]


@pytest.mark.parametrize("one", OURS, ids=lambda one: one.name)
def test_what_is_claimed_is_reached(one):
    """`aftersales check` finds nothing that stands against the level in the manifest, and there is a level."""
    [subject] = find(str(one.folder))
    verdict = judged(subject)
    assert verdict.claimed is not Level.NONE
    assert [f"{p.code} {p.where}: {p.what}" for p in verdict.wrong] == []


def test_every_trade_of_ours_is_silver_at_least():
    """What integrators read as examples keeps what is asked of a good one."""
    claims = {one.name: one.manifest.level for one in offered.ours("verticals") if one.manifest}
    assert {name: level for name, level in claims.items() if level.rank < Level.SILVER.rank} == {}


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.port)
def test_every_port_has_its_protocol_and_its_kit(kit):
    """What `new-plugin` and the kits' page name is there to be inherited."""
    from importlib import import_module

    from aftersales import ports

    assert hasattr(ports, kit.protocol)
    module = import_module(kit.module)
    assert all(hasattr(module, name) for name in (*kit.contract, *([kit.bench] if kit.bench else [])))
