"""Parcels: the truth about every one of them, which each carrier of the sandbox shows in its own protocol.

It is one book for all carriers, in ``parcels.sqlite``: what happened (:mod:`.journey` has the scripts), who asked how often, which
limit was broken, what was told by itself and whether anybody answered. Time is the sandbox's: what a script brings tomorrow is
shown tomorrow, or after the clock was moved. As a provider, ``parcels`` has levers and a truth, and answers nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aftersales.company import company_of
from aftersales.tracking import Passage, Scan
from infra.local.sandbox.database import Database
from infra.local.sandbox.journey import JOURNEYS, TEXTS, End, instant, scans_of
from infra.local.sandbox.provider import Env, Reply

SCHEMA = """
create table if not exists parcel (number text primary key, carrier text not null, said text not null, script text not null,
  begins real not null, weight_g integer not null, from_city text not null, from_tail text not null,
  to_city text not null, to_tail text not null);
create table if not exists scan (id integer primary key, number text not null, shown_at real not null, at real not null,
  state text not null, code text not null, city text not null, text text not null, weight_g integer);
create index if not exists scan_number on scan (number, shown_at);
create table if not exists asked (by text not null, number text not null, count integer not null, refused integer not null,
  at real not null, primary key (by, number));
create table if not exists broken (id integer primary key, by text not null, number text not null, what text not null,
  at real not null);
create table if not exists told (id integer primary key, by text not null, key text not null, number text not null,
  what text not null, at real not null, status integer not null, answered integer not null);
"""

#: Who drives in truth where a script says that the buyer named another company.
_REALLY = {"sto": "yto"}

#: Phones on the labels of strangers.
_STRANGERS = ("7070", "8080")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel in truth. ``said`` is the carrier that its buyer names, ``carrier`` the one that drives (codes of ours)."""

    number: str
    carrier: str
    said: str
    script: str
    begins: datetime
    weight_g: int
    sender: End
    receiver: End

    def belongs_to(self, tail: str) -> bool:
        """Whether this is the end of one party's phone."""
        return tail[-4:] in (self.sender.tail[-4:], self.receiver.tail[-4:])


class Parcels(Database):
    """The book. Safe from any thread; ``now`` is the sandbox's time in seconds since 1970.

    Whoever is in ``watching`` hears that something changed, who is in ``following`` also which number.
    """

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        super().__init__(path, SCHEMA)
        self.now = now
        self.watching: list[Callable[[], None]] = []
        self.following: list[Callable[[str], None]] = []

    # --- what happens -----------------------------------------------------------------------------------------------------
    def send(
        self,
        number: str,
        carrier: str,
        sender: End,
        receiver: End,
        *,
        script: str = "normal",
        weight_g: int = 1_000,
        at: float | None = None,
    ) -> Parcel:
        """Send one by a script, handed over at ``at`` (None: now). The same number again begins anew. Raises ValueError."""
        journey = JOURNEYS.get(script)
        if journey is None:
            raise ValueError(f"there is no script {script}; there are {', '.join(JOURNEYS)}")
        begins = instant(int(self.now() if at is None else at)) + timedelta(hours=journey.begins_h)
        ends = (receiver, sender) if journey.outbound else (sender, receiver)
        if journey.strangers:
            ends = (End(ends[0].city, _STRANGERS[0]), End(ends[1].city, _STRANGERS[1]))
        said = _carrier(carrier)
        really = _REALLY.get(said, "sto") if journey.misnamed else said
        weight = round(weight_g * journey.weighs)
        parcel = Parcel(number, really, said, script, begins, weight, *ends)
        self._put(parcel, list(scans_of(journey, *ends, weight, begins)))
        return parcel

    def happen(self, number: str, carrier: str, sender: End, receiver: End, scans: Sequence[Scan]) -> Parcel:
        """Exactly these scans happened, each shown from its own instant on. What was known of the number is forgotten."""
        begins = min((scan.at for scan in scans), default=instant(self.now()))
        weight = next((scan.weight_g for scan in scans if scan.weight_g is not None), 1_000)
        said = _carrier(carrier)
        parcel = Parcel(number, said, said, "told", begins, weight, sender, receiver)
        self._put(parcel, [(scan.at, scan) for scan in scans])
        return parcel

    def scan(
        self, number: str, state: Passage, city: str, *, at: float | None = None, text: str = "", code: str = ""
    ) -> dict[str, Any]:
        """One scan more, at ``at`` (None: now). ``code``: the raw code with which its carrier tells it. Raises ValueError."""
        parcel = self.parcel(number)
        if parcel is None:
            raise ValueError(f"there is no parcel {number}")
        made = instant(int(self.now() if at is None else at))
        words = text or TEXTS[state].format(city=city, kg=f"{parcel.weight_g / 1000:.2f}")
        with self.writing() as db:
            _insert(db, number, made, Scan(made, state, code, words, city))
        self._changed(number)
        return {"done": True}

    # --- what carriers show -----------------------------------------------------------------------------------------------
    def parcel(self, number: str) -> Parcel | None:
        """The parcel; None where nobody ever sent it."""
        found = self.rows("select * from parcel where number = ?", number)
        return _parcel(found[0]) if found and JOURNEYS.get(found[0]["script"], JOURNEYS["normal"]).known else None

    def shown(self, number: str, now: float | None = None) -> tuple[Scan, ...]:
        """The scans that its carrier shows by now, in the order of the instants that it wrote down. ``code`` is mostly "".

        ``now``: an instant read before, so that what is shown by it and what comes after it (:meth:`next_at`) leave no gap.
        """
        by = self.now() if now is None else now
        found = self.rows("select * from scan where number = ? and shown_at <= ? order by at, id", number, by)
        return tuple(_scan(row) for row in found)

    def next_at(self, number: str, now: float | None = None) -> float | None:
        """When its carrier shows more, in seconds since 1970; None where nothing more comes."""
        by = self.now() if now is None else now
        found: float | None = self.rows("select min(shown_at) as at from scan where number = ? and shown_at > ?", number, by)[0][
            "at"
        ]
        return found

    # --- what is noted ----------------------------------------------------------------------------------------------------
    def ask(self, by: str, number: str, gap_s: float = 0) -> bool:
        """Note that ``by`` was asked about the number; False, and a broken limit, where that is within ``gap_s`` of the last time.

        Only an answered question counts as the last one.
        """
        now = self.now()
        with self.writing() as db:
            known = self.rows("select at from asked where by = ? and number = ?", by, number)
            soon = bool(known) and 0 <= now - known[0]["at"] < gap_s
            if soon:
                db.execute("update asked set refused = refused + 1 where by = ? and number = ?", (by, number))
                _break(db, by, number, "gap", now)
                return False
            db.execute(
                "insert into asked values (?, ?, 1, 0, ?)"
                " on conflict (by, number) do update set count = count + 1, at = excluded.at",
                (by, number, now),
            )
        return True

    def broke(self, by: str, number: str, what: str) -> None:
        """Note that a limit of ``by`` was broken."""
        with self.writing() as db:
            _break(db, by, number, what, self.now())

    def told(self, by: str, key: str, number: str, what: str, status: int, *, answered: bool) -> None:
        """Note that ``by`` told about the number under ``key``, with what status (0: no answer), and whether it was thanked for."""
        with self.writing() as db:
            row = (by, key, number, what, self.now(), status, int(answered))
            db.execute("insert into told (by, key, number, what, at, status, answered) values (?, ?, ?, ?, ?, ?, ?)", row)

    def truth(self) -> dict[str, Any]:
        """Every parcel as it is by now, who asked how often, limits that were broken, and what was told."""
        now = self.now()
        asked: dict[str, dict[str, dict[str, int]]] = {}
        for row in self.rows("select * from asked order by number, by"):
            asked.setdefault(row["number"], {})[row["by"]] = {"count": row["count"], "refused": row["refused"]}
        parcels: dict[str, Any] = {}
        for row in self.rows("select * from parcel order by number"):
            journey = JOURNEYS.get(row["script"])
            said = {**row, "forged": bool(journey and journey.catches), "catches": journey.catches if journey else ""}
            parcels[row["number"]] = {**said, "scans": []}
        for row in self.rows("select * from scan order by number, at, id"):
            if row["number"] in parcels:
                scan = {name: row[name] for name in ("at", "state", "city", "text", "weight_g")}
                parcels[row["number"]]["scans"].append({**scan, "shown": row["shown_at"] <= now})
        broken, told = self.rows("select * from broken order by id"), self.rows("select * from told order by id")
        return {"parcels": parcels, "asked": asked, "broken": broken, "told": told}

    # --- inside -----------------------------------------------------------------------------------------------------------
    def _put(self, parcel: Parcel, scans: Sequence[tuple[datetime, Scan]]) -> None:
        ends = (parcel.sender.city, parcel.sender.tail, parcel.receiver.city, parcel.receiver.tail)
        row = (parcel.number, parcel.carrier, parcel.said, parcel.script, parcel.begins.timestamp(), parcel.weight_g, *ends)
        with self.writing() as db:
            db.execute("delete from scan where number = ?", (parcel.number,))
            db.execute("insert or replace into parcel values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            for shown_at, scan in scans:
                _insert(db, parcel.number, shown_at, scan)
        self._changed(parcel.number)

    def _changed(self, number: str) -> None:
        for follow in list(self.following):
            follow(number)
        for hear in list(self.watching):
            hear()


def _carrier(named: str) -> str:
    """Our code of a company, however it is named. Raises ValueError for one that nobody knows."""
    company = company_of(named)
    if company is None:
        raise ValueError(f"there is no carrier {named}")
    return company.code


def _insert(db: Any, number: str, shown_at: datetime, scan: Scan) -> None:
    row = (number, shown_at.timestamp(), scan.at.timestamp(), str(scan.state), scan.code, scan.city, scan.text, scan.weight_g)
    db.execute("insert into scan (number, shown_at, at, state, code, city, text, weight_g) values (?, ?, ?, ?, ?, ?, ?, ?)", row)


def _break(db: Any, by: str, number: str, what: str, at: float) -> None:
    db.execute("insert into broken (by, number, what, at) values (?, ?, ?, ?)", (by, number, what, at))


def _parcel(row: Mapping[str, Any]) -> Parcel:
    ends = (End(row["from_city"], row["from_tail"]), End(row["to_city"], row["to_tail"]))
    return Parcel(row["number"], row["carrier"], row["said"], row["script"], instant(row["begins"]), row["weight_g"], *ends)


def _scan(row: Mapping[str, Any]) -> Scan:
    return Scan(instant(row["at"]), Passage(row["state"]), row["code"], row["text"], row["city"], row["weight_g"])


# --- the levers, and the truth as the truth port tells it -----------------------------------------------------------------
class Told:
    """See :class:`~infra.local.sandbox.provider.Provider`: nobody pays here, and nobody answers."""

    name = "parcels"
    prefixes: tuple[str, ...] = ()

    def __init__(self, parcels: Parcels) -> None:
        self.parcels = parcels
        self.levers: Mapping[str, Callable[..., Any]] = {"parcel": self.send, "scan": self.scan}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:  # noqa: ARG002 (part of a provider)
        """Nothing is asked of it."""
        return Reply(404)

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:  # noqa: ARG002 (part of a provider)
        """It has no clients."""
        return {}

    def pay(self, transaction_id: str, minor: int, **_: Any) -> None:
        """Nobody pays here. Raises ValueError."""
        raise ValueError(f"parcels take no payments ({transaction_id}, {minor})")

    def truth(self) -> dict[str, Any]:
        """See :meth:`Parcels.truth`."""
        nothing: dict[str, Any] = {"payments": {}, "refunds": {}, "total": {"executed": 0, "paid": 0, "count": 0}, "balance": None}
        return {**nothing, **self.parcels.truth(), "calls": {}}

    def wake(self) -> None:
        """What is shown follows the clock by itself."""

    def close(self) -> None:
        """The book belongs to the sandbox."""

    def send(self, number: str, carrier: str, sender: dict[str, str], receiver: dict[str, str], **more: Any) -> dict[str, Any]:
        """``POST /parcel``: see :meth:`Parcels.send`; the parties are ``{"city", "tail"}``, ``at`` an instant in ISO 8601."""
        if "at" in more:
            more["at"] = datetime.fromisoformat(more["at"]).timestamp()
        sent = self.parcels.send(number, carrier, End(**sender), End(**receiver), **more)
        return {**asdict(sent), "begins": sent.begins.isoformat()}

    def scan(self, number: str, state: str, city: str, **more: Any) -> dict[str, Any]:
        """``POST /scan``: see :meth:`Parcels.scan`; ``state`` is a word of ours."""
        if "at" in more:
            more["at"] = datetime.fromisoformat(more["at"]).timestamp()
        return self.parcels.scan(number, Passage(state), city, **more)


def build(env: Env) -> Told:
    """The provider."""
    return Told(env.parcels or Parcels(env.file("sqlite"), env.now))
