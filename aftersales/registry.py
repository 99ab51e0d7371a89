"""Registry: names to objects, imported on first use. What is switched on is one explicit, ordered stage file.

::

    [ports]                      # port = plugin
    store = "dynamodb_store"
    [channels]                   # payment channel of an order = plugin
    wechatpay = "wechatpay_refund"
    gift_card = "balance_refund:gift_card"   # the same plugin once more, with the settings of that name
    [carriers]                   # who collects goods at a door = plugin
    kuaidi100 = "kuaidi100_carrier"
    [tracers]                    # who is asked where a parcel is, the first that follows its carrier = plugin
    kuaidi100 = "kuaidi100_carrier"
    [sources]                    # what a trade asks = plugin
    entitlements = "voucher_entitlements"
    [verticals]
    active = ["fresh", "general"]
    required = ["fresh"]         # these have to work; left out: those that come with the system. What else breaks is left out
    [plugins]
    required = []                # the same for the plugins of [sources]; those of ports and channels always have to work
    [settings.dynamodb_store]    # handed to its build(); "env:NAME", "file:PATH" and "secret:NAME" are read (aftersales.setting)
    table = "env:AFTERSALES_TABLE"
    [merchants.default]          # thresholds; [merchants.m1] overrides them for one merchant
    small_minor = 5000
    one_click_reasons = ["spoiled", "short_weight"]      # one click pays small amounts for these (none named: for all)
    one_click_day_minor = 500000 # and so much in all on one of the merchant's days; 0: nothing
    timeout_hours = { reviewing = 24 }                   # a case's waiting times, by state
    parcel_timeout_hours = { awaiting_shipment = 240 }   # and a parcel's
    originals_days = 90          # evidence files are erased so long after a case closed
    label_with_flaw = true       # label (or waybill) and flaw have to be in one picture
    holidays_move = false        # parcels' deadlines end in holidays, too (functions/holiday.py)
    pledge_hours = { diamond = 1, gold = 8, "" = 24 }    # an answer is promised within, by the buyer's tier; "": everybody else
    late_points = 20             # what a later answer costs, where the port points is switched on
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from pathlib import Path
from threading import RLock
from typing import Any, cast

from aftersales import offered, ports
from aftersales.absent import absent, is_absent
from aftersales.allowance import KnownSpends
from aftersales.errors import AftersalesError, BadPlugin, BadSettings, NotFound
from aftersales.kept import Kept
from aftersales.query import TemplatesOf
from aftersales.ruling.kept import KeptRules
from aftersales.secret import KeptSecrets
from aftersales.setting import Settings, merchant_of
from aftersales.template import Templates
from aftersales.vertical import Merchant, Vertical

log = logging.getLogger(__name__)

PORTS: dict[str, type[Any]] = {
    "store": ports.Store,
    "stream": ports.Stream,
    "files": ports.Files,
    "queue": ports.JobQueue,
    "photos": ports.PhotoVerifier,
    "reasons": ports.ReasonReader,
    "clock": ports.Clock,
    "secrets": ports.Secrets,
    "gate": ports.Gate,
    "workdays": ports.Workdays,
    "tables": ports.TableEngine,
    "points": ports.Points,
}


class Registry:
    """Everything switched on at one stage. Objects are built on first use and kept for the life of the process.

    A plugin whose secrets have changed is built anew. ``with_secrets=False`` is for a process that needs none: it reads none, and
    the settings that are secrets are not there.
    """

    def __init__(self, stage: Mapping[str, Any], *, with_secrets: bool = True) -> None:
        self._stage = stage
        self._built: dict[str, Any] = {}
        self._left_out: dict[str, str] = {}
        self._secrets_used: dict[str, dict[str, str]] = {}
        self._settings = Settings(stage.get("settings", {}), self._secret if with_secrets else None)
        self._lock = RLock()

    @classmethod
    def from_file(cls, path: Path, *, with_secrets: bool = True) -> Registry:
        """The registry of a stage file. Raises BadSettings when it cannot be read."""
        try:
            return cls(tomllib.loads(path.read_text(encoding="utf-8")), with_secrets=with_secrets)
        except (OSError, ValueError) as error:  # not there, not text, not TOML
            raise BadSettings(f"The stage file {path.name} cannot be read: {error}") from error

    def put(self, name: str, built: Any) -> None:
        """Use ``built`` for ``store``, ``channel:wechatpay``, ``vertical:fresh`` …; tests hand in fakes this way."""
        self._built[name] = built

    # --- ports --------------------------------------------------------------------------------------------------------
    @property
    def store(self) -> ports.Store:
        """Durable state."""
        return cast("ports.Store", self._port("store", ports.Store))

    @property
    def stream(self) -> ports.Stream:
        """What happened after a commit."""
        return cast("ports.Stream", self._port("stream", ports.Stream))

    @property
    def files(self) -> ports.Files:
        """Evidence files."""
        return cast("ports.Files", self._port("files", ports.Files))

    @property
    def queue(self) -> ports.JobQueue:
        """Jobs for functions of their own."""
        return cast("ports.JobQueue", self._port("queue", ports.JobQueue))

    @property
    def photos(self) -> ports.PhotoVerifier:
        """Photo verification; switched on in the vision unit only."""
        return cast("ports.PhotoVerifier", self._port("photos", ports.PhotoVerifier))

    @property
    def reasons(self) -> ports.ReasonReader | None:
        """What reads buyers' words; None where none is switched on, and then nobody's words are read but by people."""
        if "reasons" not in self._built and "reasons" not in self._stage.get("ports", {}):
            return None
        return cast("ports.ReasonReader", self._port("reasons", ports.ReasonReader))

    @property
    def clock(self) -> ports.Clock:
        """The time."""
        return cast("ports.Clock", self._port("clock", ports.Clock))

    @property
    def secrets(self) -> ports.Secrets:
        """Where secrets are kept; settings are the way to read them."""
        return cast("ports.Secrets", self._port("secrets", ports.Secrets))

    @property
    def gate(self) -> ports.Gate | None:
        """Who may call a channel now; None where none is switched on, and then channels are called as fast as work comes."""
        if "gate" not in self._built and "gate" not in self._stage.get("ports", {}):
            return None
        return cast("ports.Gate", self._port("gate", ports.Gate))

    @property
    def workdays(self) -> ports.Workdays | None:
        """Which days people work on; None where none is switched on, and then no holiday moves a deadline."""
        if "workdays" not in self._built and "workdays" not in self._stage.get("ports", {}):
            return None
        return cast("ports.Workdays", self._port("workdays", ports.Workdays))

    @property
    def tables(self) -> ports.TableEngine | None:
        """What runs merchants' tables; None where none is switched on, and then every case is judged by the built-in rules."""
        if "tables" not in self._built and "tables" not in self._stage.get("ports", {}):
            return None
        return cast("ports.TableEngine", self._port("tables", ports.TableEngine))

    @property
    def points(self) -> ports.Points | None:
        """Where buyers' points are kept; None where none is switched on, and then a late answer is told and costs nothing."""
        if "points" not in self._built and "points" not in self._stage.get("ports", {}):
            return None
        return cast("ports.Points", self._port("points", ports.Points))

    @property
    def rules(self) -> KeptRules:
        """The rules of merchants as this process knows them."""
        return cast("KeptRules", self._once("kept rules", lambda: KeptRules(lambda: self.store)))

    @property
    def replies(self) -> Kept[Templates | None]:
        """The answers that merchants wrote themselves, as this process knows them."""
        return cast("Kept[Templates | None]", self._once("kept replies", lambda: Kept(self._replies)))

    def _replies(self, merchant: str) -> Templates | None:
        return next(iter(self.store.find(TemplatesOf(merchant)).found), None)

    @property
    def spent(self) -> KnownSpends:
        """What this process knows to be spent of days' allowances."""
        return cast("KnownSpends", self._once("known spends", KnownSpends))

    def channel(self, name: str) -> ports.RefundChannel:
        """The refund channel for payments of this channel. Raises NotFound when it is not switched on."""
        return cast("ports.RefundChannel", self._named("channel", name, ports.RefundChannel))

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that are switched on."""
        return self._names("channel")

    def source(self, name: str) -> ports.Source:
        """The outside system of that name. Raises NotFound when it is not switched on."""
        return cast("ports.Source", self._named("source", name, ports.Source))

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the outside systems that are switched on."""
        return self._names("source")

    def carrier(self, name: str) -> ports.Carrier:
        """The carrier of that name. Raises NotFound when it is not switched on."""
        return cast("ports.Carrier", self._named("carrier", name, ports.Carrier))

    @property
    def carriers(self) -> tuple[str, ...]:
        """The names of the carriers that are switched on."""
        return self._names("carrier")

    def tracer(self, name: str) -> ports.Tracer:
        """Who knows where parcels are, under that name. Raises NotFound when it is not switched on."""
        return cast("ports.Tracer", self._named("tracer", name, ports.Tracer))

    @property
    def tracers(self) -> tuple[str, ...]:
        """Their names, in the order in which they are asked."""
        switched_on = tuple(self._stage.get("tracers", {}))
        return (*switched_on, *(name for name in self._names("tracer") if name not in switched_on))

    @property
    def verticals(self) -> tuple[str, ...]:
        """The names of the trades that are active, in order, those that are left out among them."""
        return tuple(self._stage.get("verticals", {}).get("active", []))

    @property
    def left_out(self) -> Mapping[str, str]:
        """What is switched on and does not work, with why: ``vertical:<name>`` and ``source:<name>``.

        A trade that is required is never among them: it raises BadPlugin wherever it is asked for.
        """
        self.check_trades()
        for name in self._stage.get("sources", {}):
            self._try(name)
        return dict(sorted(self._left_out.items()))

    # --- trades and merchants -----------------------------------------------------------------------------------------
    def vertical(self, name: str) -> Vertical:
        """The trade of that name; of ``outer:inner`` the one around the other. Raises NotFound when one is not active.

        One that is broken and not required is :func:`~aftersales.absent.absent`; a broken one that is required raises BadPlugin.
        """
        active = self._stage.get("verticals", {}).get("active", [])
        outer, _, inner = name.partition(":")
        if inner and f"vertical:{name}" not in self._built:
            if is_absent(self.vertical(outer)) or is_absent(self.vertical(inner)):
                return absent(name)
            around = self.vertical(outer).around
            if around is None:
                raise NotFound(f"The vertical {outer} is not made of others.", found=name, expected=list(active))
            return cast("Vertical", self._once(f"vertical:{name}", lambda: around(self.vertical(inner))))
        if f"vertical:{name}" not in self._built and name not in active:
            raise NotFound(f"No vertical {name} is active.", found=name, expected=list(active))
        return cast("Vertical", self._once(f"vertical:{name}", lambda: self._trade(name)))

    def merchant(self, name: str) -> Merchant:
        """What the merchant has set, over the stage's defaults."""
        return cast("Merchant", self._once(f"merchant:{name}", lambda: merchant_of(self._stage.get("merchants", {}), name)))

    def setting(self, plugin: str, name: str, default: str | None = None) -> str:
        """One resolved setting, for wiring code. Raises BadSettings when it is missing and has no default."""
        return self._settings.one(plugin, name, default)

    def check(self) -> None:
        """Build everything that is switched on; the first broken plugin raises BadPlugin by its name. Run at deploy and start.

        Raises BadSettings for a port nobody knows and for a merchant's wrong settings.
        """
        for name in self._stage.get("ports", {}):
            if name not in PORTS:
                raise BadSettings(f"There is no port {name}.", found=name, expected=sorted(PORTS))
            self._port(name, PORTS[name])
        for name in self._stage.get("channels", {}):
            self.channel(name)
        for name in self._stage.get("carriers", {}):
            self.carrier(name)
        for name in self._stage.get("tracers", {}):
            self.tracer(name)
        self.check_trades()
        for name, plugin in self._stage.get("sources", {}).items():
            error = self._try(name)
            if error and self.has_to_work(offered.PLUGINS, plugin.partition(":")[0]):
                raise error
        for name in self._stage.get("merchants", {}):
            self.merchant(name)

    def check_trades(self) -> None:
        """Load every trade. Raises BadPlugin for a broken one that is required, BadSettings where a required one is not active."""
        for group, switched_on in (
            ("verticals", set(self.verticals)),
            ("plugins", {plugin.partition(":")[0] for plugin in self.switched_on.values()}),
        ):
            for name in self._required(group) or ():
                if name not in switched_on:
                    known = sorted(switched_on)
                    raise BadSettings(f"{name} is required in [{group}] and not switched on.", found=name, expected=known)
        for name in self.verticals:
            self.vertical(name)

    # --- inside -------------------------------------------------------------------------------------------------------
    def _once(self, name: str, make: Any) -> Any:
        if name not in self._built:
            with self._lock:
                if name not in self._built:
                    self._built[name] = make()
        return self._built[name]

    def _trade(self, name: str) -> Vertical:
        try:
            return offered.vertical(name)
        except BadPlugin as error:
            if self.has_to_work(offered.VERTICALS, name):
                raise
            self._leave_out(f"vertical:{name}", error)
            return absent(name)

    def _try(self, source: str) -> AftersalesError | None:
        try:
            self.source(source)
        except (BadPlugin, BadSettings) as error:
            self._leave_out(f"source:{source}", error)
            return error
        self._left_out.pop(f"source:{source}", None)  # a secret came back
        return None

    def _leave_out(self, key: str, error: AftersalesError) -> None:
        if key not in self._left_out:
            log.error("%s is left out: %s", key, error.message)
        self._left_out[key] = error.message

    def has_to_work(self, group: str, name: str, place: str = "sources") -> bool:
        """Whether nothing starts without it: named in ``required``, ours where nothing is, and whatever is a port or channel."""
        required = self._required(group)
        return not place.startswith("sources") or (offered.is_ours(group, name) if required is None else name in required)

    @property
    def switched_on(self) -> Mapping[str, str]:
        """The plugins that are switched on, by place: ``ports.store``, ``channels.wechatpay``, ``sources.<name>`` …"""
        tables = ("ports", "channels", "carriers", "tracers", "sources")
        return {f"{table}.{name}": plugin for table in tables for name, plugin in self._stage.get(table, {}).items()}

    def _required(self, group: str) -> list[str] | None:
        """What the stage file marks; None where it leaves that to us."""
        return cast("list[str] | None", self._stage.get(group, {}).get("required"))

    def _port(self, name: str, kind: type[Any]) -> Any:
        plugin = self._stage.get("ports", {}).get(name)
        if plugin is None and name not in self._built:
            raise BadSettings(f"No plugin is switched on for {name}.")
        return self._plugin(name, plugin, kind)

    def _named(self, what: str, name: str, kind: type[Any]) -> Any:
        plugin = self._stage.get(f"{what}s", {}).get(name)
        if f"{what}:{name}" not in self._built and plugin is None:
            raise NotFound(f"No {what} {name} is switched on.", found=name, expected=list(self._names(what)))
        return self._plugin(f"{what}:{name}", plugin, kind)

    def _names(self, what: str) -> tuple[str, ...]:
        put = {key.partition(":")[2] for key in self._built if key.startswith(f"{what}:")}
        return tuple(sorted({*self._stage.get(f"{what}s", {}), *put}))

    def _plugin(self, key: str, plugin: str, kind: type[Any]) -> Any:
        """What ``plugin`` builds, kept as ``key``, and built anew once a secret among its settings has changed."""
        if not self._is_current(key, plugin):
            with self._lock:
                if not self._is_current(key, plugin):
                    self._renew(key, plugin, kind)
        return self._built[key]

    def _is_current(self, key: str, plugin: str) -> bool:
        if key not in self._built:
            return False
        used = self._secrets_used.get(key)
        return not used or used == self._settings.secrets_of(plugin)

    def _renew(self, key: str, plugin: str, kind: type[Any]) -> None:
        if kind is ports.Secrets and self._settings.has_secrets(plugin):
            raise BadSettings(f"The settings of {plugin} cannot be secrets: it is what reads them.")
        used = self._settings.secrets_of(plugin)
        try:
            built = offered.plugin(plugin, {**self._settings.of(plugin), **used}, kind)
        except AftersalesError as error:
            if key not in self._built:
                raise
            log.error("%s goes on with the secrets it had: %s", plugin, error.message)  # noqa: TRY400  # no trace wanted
            built = self._built[key]
        self._built[key] = built
        self._secrets_used[key] = used

    def _secret(self, address: str) -> str:
        kept = self._once("kept secrets", lambda: KeptSecrets(self.secrets))
        return cast("str", kept.value(address))
