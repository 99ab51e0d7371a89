"""The sandbox as a company of providers: who answers what, what is said of one that is broken, and books that lose nothing."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from infra.local.sandbox import At, Fault, Keys, Kind, NoProvider, Sandbox
from infra.local.sandbox.database import Database
from infra.local.sandbox.provider import PROVIDERS, Env, Reply

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


class Corner:
    """A provider that takes a corner of WeChat Pay's paths for itself, and remembers what it was told."""

    prefixes: tuple[str, ...] = ("/v3/corner/", "/corner")

    def __init__(self, env: Env) -> None:
        self.env, self.name = env, env.name
        self.paid: dict[str, Any] = {}
        self.woken = 0
        self.levers = {"topup": lambda minor: {"now": minor}}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What was asked, said again."""
        fault = self.env.script.take(At.CREATE, "k")
        return Reply(200, json.dumps([method, path, headers.get("x-one"), body.decode(), fault is not None]).encode())

    def settings(self, base_url: str, notify_url: str = "") -> dict[str, Any]:
        """Where it is."""
        return {"base_url": base_url, "notify_url": notify_url}

    def pay(self, transaction_id: str, minor: int, **more: Any) -> None:
        """Remember it."""
        self.paid[transaction_id] = (minor, more)

    def truth(self) -> dict[str, Any]:
        """One refund in another currency."""
        one = {"transaction_id": "t", "minor": 7, "status": "ok", "executed": 7, "paid": 5, "currency": "JPY"}
        return {"payments": self.paid, "refunds": {"k": one}, "total": {"executed": 7, "paid": 5, "count": 1}, "calls": {}}

    def wake(self) -> None:
        """Count it."""
        self.woken += 1

    def close(self) -> None:
        """Nothing is open."""


build = Corner


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Keys take a moment to make."""
    return Keys.fresh()


@pytest.fixture
def sandbox(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """WeChat Pay, a provider of this file, one whose module is missing, and one that cannot be built; no others."""
    broken = {"missing": "infra.local.sandbox.no_such_provider", "broken": "infra.local.sandbox.database"}
    for name in set(PROVIDERS) - {"wechatpay"}:
        monkeypatch.delitem(PROVIDERS, name)
    for name, module in {"corner": __name__, **broken}.items():
        monkeypatch.setitem(PROVIDERS, name, module)
    with Sandbox(keys=keys) as sandbox:
        yield sandbox


def ask(url: str, said: Any = None, **headers: str) -> httpx.Response:
    """GET, or POST what is said."""
    method = "GET" if said is None else "POST"
    return httpx.request(method, url, json=said, headers=headers, trust_env=False, timeout=5)


def test_the_longest_prefix_answers(sandbox: Sandbox) -> None:
    """One port plays all providers; who knows more of a path gets it, as it came; nobody is imported before that is needed."""
    assert list(sandbox.playing) == ["wechatpay"]
    assert ask(f"{sandbox.base_url}/v3/certificates").json()["code"] == "SIGN_ERROR"
    assert list(sandbox.playing) == ["wechatpay"]
    assert ask(f"{sandbox.base_url}/corner?a=%20b", {"x": 1}, **{"X-One": "1"}).json()[:4] == [
        "POST",
        "/corner?a=%20b",
        "1",
        '{"x":1}',
    ]
    assert ask(f"{sandbox.base_url}/v3/corner/x").json()[:2] == ["GET", "/v3/corner/x"]


def test_a_path_nobody_knows_is_a_404_that_tells_what_is_broken(sandbox: Sandbox) -> None:
    """The answer names who plays and, for those who do not, the reason."""
    answer = ask(f"{sandbox.base_url}/gateway/nothing")
    assert answer.status_code == 404
    assert answer.json()["providers"] == ["corner", "wechatpay"]
    assert set(answer.json()["broken"]) == {"missing", "broken"}
    assert "no_such_provider" in answer.json()["broken"]["missing"]
    assert "build" in answer.json()["broken"]["broken"]


def test_a_broken_provider_is_reported_and_stops_no_other(sandbox: Sandbox) -> None:
    """Asked for by name it says why it cannot be had; the others play on, and the truth tells of it."""
    for name in ("missing", "broken", "unheard_of"):
        with pytest.raises(NoProvider, match=name):
            sandbox.provider(name)
        assert ask(f"{sandbox.truth_url}/truth/{name}").status_code == 404
    sandbox.pay("4200000001", 100)
    assert set(sandbox.truth()["broken"]) == {"missing", "broken", "unheard_of"}
    assert sandbox.truth()["payments"]["4200000001"]["total"] == 100


def test_each_provider_has_its_own_payments_faults_and_levers(sandbox: Sandbox) -> None:
    """What is done to one is not done to another; WeChat Pay is meant where none is named."""
    said = {"provider": "corner", "transaction_id": "t1", "minor": 500, "currency": "JPY", "paid_at": "2026-11-20T12:00:00+00:00"}
    assert ask(f"{sandbox.truth_url}/payments", said).status_code == 200
    assert sandbox.provider("corner").paid == {"t1": (500, {"currency": "JPY", "paid_at": 1795176000.0})}
    assert ask(f"{sandbox.truth_url}/faults", {"provider": "corner", "at": "create", "kind": "hang"}).status_code == 200
    assert (sandbox.script.left, sandbox.truth("corner")["faults_left"]) == (0, 1)
    assert ask(f"{sandbox.base_url}/corner").json()[-1] is True
    assert ask(f"{sandbox.truth_url}/topup", {"provider": "corner", "minor": 3}).json() == {"now": 3}
    assert ask(f"{sandbox.truth_url}/topup", {"minor": 3}).json() == {}
    assert sandbox.truth()["balance"] == 3
    assert ask(f"{sandbox.truth_url}/rotate", {"provider": "corner"}).status_code == 400
    sandbox.fault(Fault(At.QUERY, Kind.HANG), Fault(At.QUERY, Kind.HANG))
    sandbox.fault(Fault(At.QUERY, Kind.HANG), provider="corner")
    httpx.request("DELETE", f"{sandbox.truth_url}/faults", json={"provider": "corner"}, trust_env=False)
    assert (sandbox.script.left, sandbox.truth("corner")["faults_left"]) == (2, 0)


def test_the_truth_adds_up_all_providers_by_currency(sandbox: Sandbox) -> None:
    """The whole keeps WeChat Pay's shape, and beside it has each provider and the sums of all."""
    sandbox.provider("corner")
    sandbox.pay("4200000001", 100)
    sandbox.lever("outside", transaction_id="4200000001", minor=30)
    truth = ask(f"{sandbox.truth_url}/truth").json()
    assert truth["total"] == truth["providers"]["wechatpay"]["total"] == {"executed": 30, "paid": 30, "count": 1}
    assert truth["grand"] == {
        "CNY": {"executed": 30, "paid": 30, "count": 1},
        "JPY": {"executed": 7, "paid": 5, "count": 1},
    }
    assert ask(f"{sandbox.truth_url}/truth/corner").json()["total"] == truth["providers"]["corner"]["total"]


def test_one_clock_and_one_pace_for_all(sandbox: Sandbox) -> None:
    """Moving the clock wakes every provider; a pace is changed for all, for those who come later too, or for one."""
    sandbox.adjust(delay_s=5, limited=True)
    corner = sandbox.provider("corner")
    assert (corner.env.delay_s, corner.env.limited, corner.env.gap_s) == (5.0, True, None)
    sandbox.adjust("corner", delay_s=7, limited=False)
    assert (corner.env.delay_s, sandbox.envs["wechatpay"].delay_s, sandbox.envs["wechatpay"].limited) == (7.0, 5.0, True)
    sandbox.set_clock(3600)
    assert corner.woken == 1
    assert corner.env.now() - sandbox.now() < 1
    assert ask(f"{sandbox.truth_url}/settings", {"colour": 1}).status_code == 400


def test_a_web_page_pulls_no_lever(sandbox: Sandbox) -> None:
    """A request with an Origin is refused, whatever it asks."""
    assert ask(f"{sandbox.truth_url}/topup", {"minor": 3}, Origin="https://shop.example").status_code == 403
    assert sandbox.truth()["balance"] is None


# --- books ------------------------------------------------------------------------------------------------------------
TABLE = "create table if not exists entry (n integer primary key, who text);"


def test_a_change_that_fails_is_undone_alone(tmp_path: Path) -> None:
    """Threads share a commit, not each other's faults: what failed is gone, and everything else is there after a restart."""
    database = Database(tmp_path / "books.sqlite", TABLE)

    def write(who: int) -> None:
        for n in range(50):
            with suppress(ZeroDivisionError), database.writing() as db:
                db.execute("insert into entry (who) values (?)", (str(who),))
                assert 1 / (n % 5)

    threads = [Thread(target=write, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()
    again = Database(tmp_path / "books.sqlite", TABLE)
    assert [row["n"] for row in again.rows("select count(*) n from entry group by who")] == [40] * 8
    again.close()


def test_a_change_is_not_begun_inside_another() -> None:
    """It would be undone, or kept, with the outer one without a word."""
    database = Database(None, TABLE)
    with pytest.raises(RuntimeError), database.writing(), database.writing():
        pass
    database.set("a", [1, None])
    assert (database.setting("a"), database.setting("b")) == ([1, None], None)


def test_a_disk_that_does_not_take_it_is_told(tmp_path: Path) -> None:
    """A change that cannot be written raises, and the next one is tried anew."""
    database = Database(tmp_path / "books.sqlite", TABLE)
    other = sqlite3.connect(tmp_path / "books.sqlite", isolation_level=None)
    database._db.execute("pragma busy_timeout = 20")
    other.execute("begin immediate")
    with pytest.raises(sqlite3.OperationalError), database.writing() as db:
        db.execute("insert into entry (who) values ('a')")
    other.execute("rollback")
    other.close()
    with database.writing() as db:
        db.execute("insert into entry (who) values ('b')")
    assert [row["who"] for row in database.rows("select who from entry")] == ["b"]
    database.close()


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Eight threads write and say so; the process is killed in the middle; everything that was said is in the file."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom threading import Thread\n"
        "from infra.local.sandbox.database import Database\n"
        f"database = Database(Path(sys.argv[1]), {TABLE!r})\n"
        "def write(who):\n"
        "    while True:\n"
        "        with database.writing() as db:\n"
        "            n = db.execute('insert into entry (who) values (?)', (who,)).lastrowid\n"
        "        sys.stdout.write(f'{n}\\n'); sys.stdout.flush()\n"
        "for who in range(8):\n"
        "    Thread(target=write, args=(str(who),)).start()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "books.sqlite")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = {int(child.stdout.readline()) for _ in range(300)}
        child.kill()
        said |= {int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")}
    database = Database(tmp_path / "books.sqlite", TABLE)
    assert said <= {row["n"] for row in database.rows("select n from entry")}
    database.close()
