"""What a provider of the sandbox is, what it is given, and which there are.

A provider lives in a folder of its own, ``infra/local/sandbox/<name>/``, whose module offers ``build(env: Env) -> Provider``. Its
tables are in a file of their own (:meth:`Env.file`), its keys too, and it never imports another provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from infra.local.sandbox.fault import Kind, Script
from infra.local.sandbox.loopback import LooksReal

if TYPE_CHECKING:
    from infra.local.sandbox.parcels import Parcels

#: Name → module. Nothing is imported before it is asked for by its name, or by a path that no other provider knows.
PROVIDERS: dict[str, str] = {
    "wechatpay": "infra.local.sandbox.wechatpay",
    "alipay": "infra.local.sandbox.alipay",
    "stripe": "infra.local.sandbox.stripe",
    "unionpay": "infra.local.sandbox.unionpay",
    "customs": "infra.local.sandbox.customs",
    "voucher": "infra.local.sandbox.voucher",
    "stock": "infra.local.sandbox.stock",
    "points": "infra.local.sandbox.points",
    "installer": "infra.local.sandbox.installer",
    "parcels": "infra.local.sandbox.parcels",  # no company, but what carriers carry
    "kuaidi100": "infra.local.sandbox.kuaidi100",
    "sf": "infra.local.sandbox.sf",
    "track17": "infra.local.sandbox.track17",
    "aftership": "infra.local.sandbox.aftership",
}

#: The one that is meant where none is named.
DEFAULT = "wechatpay"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back. ``kind`` HANG, CUT and TRICKLE are for the socket to act out, with ``seconds``."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: Kind | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Env:
    """What a provider is given. ``delay_s``, ``gap_s`` and ``limited`` are levers: read them at every call, not once.

    ``now``: the sandbox's own time in seconds since 1970, which can be moved (:meth:`Provider.wake` says when); signatures use the
    real time. ``script``: this provider's faults. ``base_url``: where the sandbox answers, for addresses in answers (downloads).
    ``keys``: keys made before, of the provider's own type, so that a test need not make them each time; None: in the folder
    :meth:`file` ``("keys")``, or fresh. ``delay_s``: how long a refund is in processing (0: done when accepted). ``gap_s``: the
    least time between two refunds of one payment; None: as the provider has it. ``retry_scale``: a factor on its schedule of
    notices. ``limited``: whether calls above the provider's rate limits are refused; they are counted always. ``parcels``: what
    carriers carry, one book for all of them; None: a provider that shows parcels keeps a book of its own.
    """

    name: str
    now: Callable[[], float]
    script: Script
    base_url: str
    data_dir: Path | None = None
    keys: Any = None
    delay_s: float = 0.0
    gap_s: float | None = None
    retry_scale: float = 1.0
    limited: bool = False
    parcels: Parcels | None = None

    def file(self, ending: str) -> Path | None:
        """``<data_dir>/<name>.<ending>``, or the folder ``<data_dir>/<name>-keys`` for ``keys``; None: all is in memory."""
        if self.data_dir is None:
            return None
        return self.data_dir / (f"{self.name}-keys" if ending == "keys" else f"{self.name}.{ending}")


class Provider(Protocol):
    """One payment provider. Every method may be called from any thread.

    A provider may also have ``levers: Mapping[str, Callable[..., Any]]``, further things a test may do to it: the truth port calls
    ``levers["topup"](**body)`` for ``POST /topup {"provider": NAME, …}``. Names in use: ``balance`` and ``topup`` (``minor``),
    ``outside`` (money that moves without us), ``notices`` (deliver again), ``rotate`` (new signing keys).
    """

    name: str
    #: The paths it answers; the longest prefix of all providers wins.
    prefixes: tuple[str, ...]

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a request: path with query and body exactly as they came; ``headers`` is asked without regard to case."""

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """What ``plugins.<name>_refund.build`` needs to be its client."""

    @property
    def pay(self) -> Callable[..., None]:
        """``pay(transaction_id, minor, *, paid_at=None, currency="CNY", …)``: a method; each provider has its own further names.

        A buyer has paid, at ``paid_at`` in seconds since 1970 (None: now). The same payment again changes nothing. Raises
        ValueError for another payment under a known number.
        """

    def truth(self) -> dict[str, Any]:
        """What really was paid, minor units.

        ``payments`` (number → …), ``refunds`` (key → ``transaction_id, minor, status, executed, paid``, and ``currency`` where it
        is not CNY), ``total`` (``executed, paid, count``), ``balance`` and ``calls``. ``executed``: taken from the merchant and not
        given back; ``paid``: arrived at the buyer.
        """

    def wake(self) -> None:
        """The clock was moved, or time has passed: what falls due happens now."""

    def close(self) -> None:
        """End threads and release files."""


class NoProvider(Exception):
    """There is no provider of this name, or it cannot be had; the message says why."""


def build(env: Env) -> Provider:
    """The provider ``env.name``. Raises NoProvider for an unknown name and for one that is missing or broken, and LooksReal."""
    module = PROVIDERS.get(env.name)
    if module is None:
        raise NoProvider(f"there is no provider {env.name}; there are {', '.join(PROVIDERS)}")
    try:
        return cast("Provider", import_module(module).build(env))
    except LooksReal:
        raise
    except Exception as error:  # whatever is wrong with one provider stops no other one: it is reported
        raise NoProvider(f"the provider {env.name} cannot be had: {type(error).__name__}: {error}") from error
