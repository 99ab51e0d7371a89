"""The local system over real HTTP: processes, files and money of one machine."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.client import plain_http, until
from infra.local.home import ROOT, Home
from infra.local.mall import LAMP, STRAWBERRIES, Shop
from infra.local.photos import drawn
from infra.local.system import PARTS, AlreadyRunning, System

pytestmark = pytest.mark.e2e

CLAIM = {"kind": "claim", "reason": "spoiled", "items": [{"line_id": "l1", "pieces": 1}]}
AFTERSALES = str(Path(sys.executable).parent / "aftersales")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One running system for this module."""
    with System(tmp_path_factory.mktemp("local") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def shop(system: System) -> Shop:
    """The backend of shop m1."""
    return Shop(system, "m1")


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    """Plain HTTP to the server, without a token."""
    with plain_http(base_url=system.home.url) as client:
        yield client


def listening(pid: int) -> set[str]:
    """The addresses a process listens on, as ``127.0.0.1`` or the kernel's hex of another one."""
    inodes = {str(f.readlink()) for f in Path(f"/proc/{pid}/fd").iterdir() if f.exists()}
    rows = [r.split() for kind in ("tcp", "tcp6") for r in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]]
    found = {r[1].partition(":")[0] for r in rows if r[3] == "0A" and f"socket:[{r[9]}]" in inodes}
    return {"127.0.0.1" if address == "0100007F" else address for address in found}


def claimed(system: System, order_id: str, photo: bytes) -> dict[str, Any]:
    """A claim of buyer b1 with this photo, once it rests."""
    with system.client("buyer", "b1") as buyer:
        case = buyer.claim(photo, order_id=order_id, **CLAIM)
        return buyer.case_in(case["case_id"], "closed", "reviewing", "awaiting_evidence")


def test_a_claim_goes_its_whole_way(system: System, shop: Shop) -> None:
    """A photo handed in over HTTP is verified, approved and paid back, and the provider's books say the same as ours."""
    order = shop.sell("t-claim", STRAWBERRIES, "b1", signed=2)

    case = claimed(system, "t-claim", drawn(11))

    assert (case["state"], case["ending"], case["decision"]["rule"]) == ("closed", "refunded", "merchant.small_amount")
    paid = system.truth()["payments"][order["payments"][0]["transaction_id"]]
    assert paid["paid"] == paid["executed"] == case["refunds"][0]["amount_minor"] == 1990
    with system.client("buyer", "b1") as buyer:
        assert buyer.get(f"/cases/{case['case_id']}/timeline")["intact"]
        (photo,) = (e for e in case["evidence"] if e["role"] is None)  # the shop's own picture lies beside it
        shown = httpx.get(photo["overlay_url"], trust_env=False)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_the_api_loads_no_vision_library(system: System, shop: Shop) -> None:
    """The worker has seen photos with OpenCV; the API process has mapped neither that nor numpy."""
    shop.sell("t-libraries", STRAWBERRIES, "b1", signed=2)
    claimed(system, "t-libraries", drawn(12))

    api, worker = (Path(f"/proc/{system.pid(part)}/maps").read_text() for part in ("server", "worker"))

    assert "cv2" in worker
    assert not [name for name in ("cv2", "numpy", "onnxruntime", "PIL") if f"/{name}" in api]


def test_silence_approves(system: System, shop: Shop) -> None:
    """A late claim waits for a person for 48 hours of the local clock; then the sweep approves it and the money goes back."""
    shop.sell("t-silent", STRAWBERRIES, "b1", signed=30)
    case = claimed(system, "t-silent", drawn(13))
    assert case["state"] == "reviewing"

    early = system.tick(47)
    moved = system.tick(1.1)

    assert "t-silent" not in [m.order_id for m in early]
    assert [(m.before, m.after) for m in moved if m.order_id == "t-silent"] == [("reviewing", "closed (refunded)")]


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_comes_back(system: System, shop: Shop, part: str) -> None:
    """After kill -9 of any part and its restart the addresses are the same, nothing stored is lost, and a claim goes through."""
    address, order_id, who = system.home.url, f"t-kill-{part}", f"b-kill-{part}"  # many claims of one buyer go to a person
    shop.sell(order_id, STRAWBERRIES, who, signed=2)
    with system.client("buyer", who) as buyer:
        case_id = buyer.post("/cases", {"order_id": order_id, **CLAIM})["case_id"]
        buyer.upload(case_id, drawn(100 + PARTS.index(part)))

    system.kill(part)
    assert part in system.ended()
    system.restart(part)

    with system.client("buyer", who) as buyer:
        buyer.post(f"/cases/{case_id}/submit")
        case = buyer.case_in(case_id, "closed")
    assert (case["ending"], system.home.url, system.ended()) == ("refunded", address, [])


def test_what_was_committed_is_followed_after_a_crash(system: System, shop: Shop) -> None:
    """A refund that was reserved before the server died is sent once it is back, and sent once."""
    order = shop.sell("t-crash", LAMP, "b2")
    with system.client("buyer", "b2") as buyer:
        body = {"order_id": "t-crash", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
        case = buyer.post("/cases", {**body, "submit": True})
    system.kill("server")
    system.restart("server")

    with system.client("buyer", "b2") as buyer:
        case = buyer.case_in(case["case_id"], "closed")

    paid = system.truth()["payments"][order["payments"][0]["transaction_id"]]
    assert (paid["count"], paid["executed"], case["ending"]) == (1, 6000, "refunded")


def test_a_batch_outlives_its_worker(system: System, shop: Shop) -> None:
    """Its worker killed in the midst of it and started again, a batch comes to its end, and every order is paid back once."""
    orders = {}
    for n in range(12):
        orders[f"t-batch-{n}"] = shop.sell(f"t-batch-{n}", LAMP, "b3", shipped=80)["payments"][0]["transaction_id"]
    body = {"kind": "refund_only", "reason": "not_received", "items": [{"line_id": "l1", "pieces": 1}], "submit": True}
    with system.client("buyer", "b3") as buyer:
        cases = [buyer.post("/cases", {"order_id": order_id, **body})["case_id"] for order_id in orders]
        begun = system.home.folder / "batches-job.json"
        with system.client("approver", "li") as approver:
            asked = {"action": "approve", "reason": "The parcels are lost.", "ids": cases}
            batch_id = approver.post("/merchant/batches", asked)["batch_id"]
            until(begun.exists, lambda: "no batch is begun", 30)
            system.kill("batches")
            system.restart("batches")
            until(lambda: approver.get(f"/merchant/batches/{batch_id}")["state"] == "done", lambda: "the batch is not done", 60)
            (total,) = approver.get(f"/merchant/batches/{batch_id}")["totals"]
        assert (total["result"], total["cases"], total["minor"]) == ("done", 12, 72_000)
        for case_id in cases:
            buyer.case_in(case_id, "closed")
    paid = system.truth()["payments"]
    assert {(paid[number]["count"], paid[number]["executed"]) for number in orders.values()} == {(1, 6000)}


def test_every_part_listens_on_loopback_only(system: System) -> None:
    """No port of the system can be reached from another machine."""
    heard = {part: listening(system.pid(part) or 0) for part in PARTS}

    assert heard == {"engine": {"127.0.0.1"}, "sandbox": {"127.0.0.1"}, "server": {"127.0.0.1"}, "worker": set(), "batches": set()}


def test_secrets_are_the_owners(system: System) -> None:
    """What the home keeps secret can be read by its owner only, and stands in no process's environment."""
    home = system.home.folder
    kept = {file.name: file.read_text() for file in system.home.secrets.iterdir()}
    keys = json.loads(kept.pop("wechatpay"))

    assert set(kept) >= {"token", "phone_key", "files_key"}
    assert set(keys) == {"serial_no", "private_key", "apiv3_key"}
    for path in (home, system.home.secrets, *system.home.secrets.iterdir()):
        assert path.stat().st_mode & 0o077 == 0
    for part in PARTS:
        environment = Path(f"/proc/{system.pid(part)}/environ").read_bytes().decode()
        assert "SECRETS_FOLDER" in environment or part == "engine"
        assert not any(secret in environment for secret in (*kept.values(), *keys.values()))


def test_a_home_of_before_keeps_its_secrets(tmp_path: Path) -> None:
    """Secrets that were kept in one file go on in files of their own, and that one is gone: what is stored depends on them."""
    home = tmp_path / "home"
    home.mkdir()
    before = {"TOKEN_SECRET": "t" * 48, "PHONE_KEY": "p" * 48, "FILES_KEY": "f" * 48, "TABLE": "aftersales-old"}
    (home / "secrets.json").write_text(json.dumps(before))
    for _ in range(2):
        made = Home.made(home)
        assert (made.secret("token"), made.secret("phone_key"), made.table) == ("t" * 48, "p" * 48, "aftersales-old")
        assert not (home / "secrets.json").exists()
    assert Home.made(tmp_path / "other").secret("token") != Home.made(tmp_path / "third").secret("token")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("DELETE", "/v1/cases", 405, "method_not_allowed"),
        ("BREW", "/v1/cases", 405, "method_not_allowed"),
        ("GET", "/files/upload", 405, "method_not_allowed"),
        ("GET", "/files/nothing", 404, "not_found"),
        ("GET", "/files/download?key=evidence/m1/x&expires=1&signature=0", 401, "bad_signature"),
    ],
)
def test_what_is_not_there_is_a_problem(http: httpx.Client, method: str, path: str, status: int, code: str) -> None:
    """Unknown addresses and methods answer in the API's own shape."""
    answer = http.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code


def test_a_request_has_a_limit(http: httpx.Client) -> None:
    """A body above API Gateway's 10 MB is refused, whatever it says, and the sender hears why."""
    answer = http.post("/v1/cases", content=b" " * (10 * 1024 * 1024 + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


def test_an_upload_is_what_was_signed(system: System, shop: Shop, http: httpx.Client) -> None:
    """A file larger than announced, a changed field and an unsigned form are refused; connections stay usable."""
    shop.sell("t-upload", STRAWBERRIES, "b1", signed=2)
    with system.client("buyer", "b1") as buyer:
        case_id = buyer.post("/cases", {"order_id": "t-upload", **CLAIM})["case_id"]
        place = buyer.post(f"/cases/{case_id}/evidence", {"bytes": 10})
    fields = place["fields"]

    def sent(form: dict[str, str], content: bytes) -> int:
        return http.post(place["url"], data=form, files={"file": ("a.jpg", content)}).status_code

    assert sent(fields, b"x" * 11) == 400
    assert sent({**fields, "key": fields["key"] + "x"}, b"x") == 401
    assert sent({}, b"x") == 401
    assert http.post(place["url"], content=b"x").status_code == 400
    assert sent(fields, b"--boundary\r\n\r\n"[:10]) == 204
    assert (system.home.folder / "files" / fields["key"]).read_bytes() == b"--boundary\r\n\r\n"[:10]


def test_one_system_at_a_time(system: System) -> None:
    """A second system on the same folder is refused, and the first goes on."""
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        System(system.home.folder).start()

    assert system.ended() == []


def test_parts_end_with_their_parent(tmp_path: Path) -> None:
    """When the process that started a system is killed, none of its parts stays behind."""
    program = (
        "import sys, time; from pathlib import Path; from infra.local.system import PARTS, System\n"
        "s = System(Path(sys.argv[1])).start(); print(*[s.pid(p) for p in PARTS], flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "home")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)

    assert len(pids) == len(PARTS)
    until(lambda: not [p for p in pids if alive(p)], lambda: f"still there: {[p for p in pids if alive(p)]}")


def alive(pid: int) -> bool:
    """Whether the process still runs; one that nobody has waited for is dead."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def ran(*words: str) -> str:
    """What the command prints; it ends well."""
    done = subprocess.run([AFTERSALES, *words], cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


def test_the_demo_is_true(tmp_path: Path) -> None:
    """The demo ends well, and does so again over what it left: every sentence it tells was checked."""
    for _ in range(2):
        assert "\nOK: " in ran("demo", "--home", str(tmp_path / "demo"))


def test_the_walk_through_works_as_it_is_printed(tmp_path: Path) -> None:
    """A fresh home is seeded and the printed commands take a claim to its refund; a second run finds the mall as it was."""
    home = tmp_path / "home"

    first, again = ran("run", "--once", "--home", str(home)), ran("run", "--once", "--home", str(home))

    assert first.endswith("OK\n")
    assert "building the mall" in first
    assert again.endswith("OK\n")
    assert "building the mall" not in again
    assert ran("token", "--role", "clerk", "--home", str(home)).count(".") == 2
    assert Home.there(home).table.startswith("aftersales-")
