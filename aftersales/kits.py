"""Kits: every port, what it is called in a stage file, and the contract that its plugins pass (``docs/kits.md``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aftersales import ports


@dataclass(frozen=True, slots=True)
class Kit:
    """``port`` is what a manifest and ``new-plugin --port`` say, ``protocol`` its name in :mod:`aftersales.ports`.

    ``contract`` are the classes to inherit in tests, the first one for every plugin of the port; ``gives`` is the fixture that they
    ask for, ``bench`` the protocol of that fixture where it is more than the port itself. ``table`` and ``key`` are where the stage
    file switches it on; a ``key`` of "" is a name of the operator's own.
    """

    port: str
    protocol: str
    module: str
    contract: tuple[str, ...]
    gives: str
    table: str
    key: str = ""
    bench: str = ""
    also: tuple[str, ...] = ()


KITS: tuple[Kit, ...] = (
    Kit("source", "Source", "aftersales.testing.asking", ("SourceContract",), "bench", "sources", bench="SourceBench"),
    Kit(
        "holding",
        "Holding",
        "aftersales.testing.source",
        ("HoldingContract",),
        "bench",
        "sources",
        bench="HoldingBench",
        also=("Source",),
    ),
    Kit(
        "telling",
        "Telling",
        "aftersales.testing.asking",
        ("TellingContract",),
        "bench",
        "sources",
        bench="TellingBench",
        also=("Source",),
    ),
    Kit(
        "refund-channel",
        "RefundChannel",
        "aftersales.testing.channel",
        ("RefundChannelContract",),
        "bench",
        "channels",
        bench="ChannelBench",
    ),
    Kit(
        "carrier",
        "Carrier",
        "aftersales.testing.carrier",
        ("CarrierContract",),
        "bench",
        "carriers",
        bench="CarrierBench",
        also=("Telltale",),
    ),
    Kit(
        "tracer",
        "Tracer",
        "aftersales.testing.tracer",
        ("TracerContract",),
        "bench",
        "tracers",
        bench="TracerBench",
        also=("Pushing",),
    ),
    Kit("store", "Store", "aftersales.testing.store_contract", ("StoreContract",), "store", "ports", "store"),
    Kit("files", "Files", "aftersales.testing.files", ("FilesContract",), "files", "ports", "files"),
    Kit("queue", "JobQueue", "aftersales.testing.queue", ("QueueContract",), "queue", "ports", "queue"),
    Kit("photos", "PhotoVerifier", "aftersales.testing.photos", ("PhotoVerifierContract",), "photos", "ports", "photos"),
    Kit("reasons", "ReasonReader", "aftersales.testing.reasons", ("ReasonReaderContract",), "reasons", "ports", "reasons"),
    Kit("secrets", "Secrets", "aftersales.testing.secrets", ("SecretsContract",), "secrets", "ports", "secrets"),
    Kit("gate", "Gate", "aftersales.testing.gate", ("GateContract",), "gate", "ports", "gate"),
    Kit("workdays", "Workdays", "aftersales.testing.workdays", ("WorkdaysContract",), "workdays", "ports", "workdays"),
    Kit("tables", "TableEngine", "aftersales.testing.tables", ("TableEngineContract",), "tables", "ports", "tables"),
    Kit("points", "Points", "aftersales.testing.points", ("PointsContract",), "bench", "ports", "points", bench="PointsBench"),
    Kit("clock", "Clock", "aftersales.testing.clock", ("ClockContract",), "clock", "ports", "clock"),
)


def kit_of(port: str) -> Kit | None:
    """The kit of that port, None for a port nobody knows."""
    return next((kit for kit in KITS if kit.port == port), None)


def methods_of(kit: Kit) -> tuple[str, ...]:
    """What a plugin of the port has to have."""
    kinds: list[type[Any]] = [getattr(ports, name) for name in (kit.protocol, *kit.also)]
    return tuple(sorted({name for kind in kinds for name in (*vars(kind), *kind.__annotations__) if not name.startswith("_")}))
