"""Rules of a merchant's own at the running system: tried on past cases from the command line, written, and judged by."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from aftersales.testing.tables import jdm
from infra.local import cli
from infra.local.mall import LAMP, Shop
from infra.local.system import System
from tests.e2e import local

pytestmark = pytest.mark.e2e

system = local.system

NEVER = {"kind": '"refund_only"', "outcome": '"reject"', "reason": '"Not this week."', "rule": '"shop.week"'}


def sold_and_asked_back(system: System) -> str:
    """A lamp that was not shipped, asked back at once; its case's id once it is judged."""
    order_id = f"o-{uuid4().hex[:8]}"
    Shop(system, "m1").sell(order_id, LAMP, "b1")
    with system.client("buyer", "b1") as buyer:
        case = buyer.post("/cases", {"order_id": order_id, **local.ALL})
        return str(buyer.case_in(case["case_id"], "settling", "closed", "rejected", "approved")["case_id"])


def test_a_draft_is_tried_then_written_and_decides(system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command names the past case that would have been refused; once written the rules refuse the next one, and no past one.

    The refusal is made again from what is stored of it.
    """
    paid = sold_and_asked_back(system)
    file = tmp_path / "draft.json"
    file.write_text(jdm(["kind"], [NEVER, {"outcome": '"person"'}]), encoding="utf-8")
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    asked = ["rules", "trial", str(file), "--since", since, "--home", str(system.home.folder), "--json"]
    assert cli.main(asked) == 0
    said = json.loads(capsys.readouterr().out)
    (changed,) = [c for c in said["changed"] if c["case_id"] == paid]
    assert (changed["was"], changed["would"], changed["would_minor"]) == ("approve", "reject", 0)
    assert cli.main([*asked[:-1]]) == 0
    assert f"{paid}: approve → reject (row 1) Not this week." in capsys.readouterr().out
    with system.client("admin") as admin:
        admin.put("/merchant/rules", {"table": json.loads(file.read_text(encoding="utf-8")), "note": "a hard week"})
    refused = sold_and_asked_back(system)
    with system.client("clerk") as clerk:
        assert clerk.get(f"/cases/{refused}")["decision"]["rule"] == "shop.week"
        assert clerk.get(f"/cases/{paid}")["decision"]["rules_version"] == "built-in-1"
    assert cli.main(["rules", "replay", refused, "--home", str(system.home.folder), "--json"]) == 0
    (made,) = json.loads(capsys.readouterr().out)["decisions"]
    assert (made["rules_version"], made["row"], made["seen"], made["replay"]) == ("rules-1", 1, {"kind": "refund_only"}, "same")
    assert cli.main(["rules", "replay", "nobody", "--home", str(system.home.folder)]) == 2
    file.write_text("{}", encoding="utf-8")
    assert cli.main(asked) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "bad_table"
