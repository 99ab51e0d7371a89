"""Generated requests against the served OpenAPI document: whatever is sent, the answer is a documented one."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import app
from functions import openapi
from infra.local.client import plain_http
from infra.local.mall import BAG, LAMP, STRAWBERRIES, Shop
from infra.local.system import System
from infra.local.token import token

pytestmark = pytest.mark.e2e
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "20"))
#: Of every ten requests, how many name things that exist, so that they get past the 404.
KNOWN = 8


class Target:
    """A running system with things to ask about, and a token of every role."""

    def __init__(self, system: System) -> None:
        self.url = system.home.url
        shop = Shop(system, "m1")
        shop.sell("st-fresh", STRAWBERRIES, "b1", signed=2)
        shop.sell("st-lamp", LAMP, "b1")
        shop.sell("st-bag", BAG, "b1", signed=5)
        with system.client("buyer", "b1", "m1") as buyer:
            one = [{"line_id": "l1", "pieces": 1}]
            asked: list[dict[str, Any]] = [
                {"order_id": "st-fresh", "kind": "claim", "reason": "spoiled", "items": one},
                {"order_id": "st-lamp", "kind": "refund_only", "reason": "changed_mind", "items": one},
                {"order_id": "st-bag", "kind": "return_refund", "reason": "no_reason", "items": one, "submit": True},
            ]
            self.cases = [buyer.post("/cases", body)["case_id"] for body in asked]
        self.orders = ["st-fresh", "st-lamp", "st-bag"]
        roles = ("buyer", "clerk", "approver", "admin", "platform", "integrator")
        self.tokens = {role: token(system.home, role, "m1", "b1" if role == "buyer" else role) for role in roles}
        self.sent = 0
        self.statuses: Counter[int] = Counter()

    def aim(self, case: schemathesis.Case) -> dict[str, str]:
        """Point a generated request at something that exists, most of the time, and give its headers."""
        self.sent += 1
        if self.sent % 10 < KNOWN:
            known = {"case_id": self.cases, "order_id": self.orders, "number": ["1"]}
            for name in case.path_parameters or {}:
                if name in known:
                    case.path_parameters[name] = known[name][self.sent % len(known[name])]
        roles = sorted(case.operation.definition.raw.get("x-roles", []))
        return {"Authorization": f"Bearer {self.tokens[roles[self.sent % len(roles)]]}"} if roles else {}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One system for this module."""
    with System(tmp_path_factory.mktemp("schemathesis") / "home") as system:
        yield Target(system)


DOCUMENT = json.loads(msgspec.json.encode(openapi.document(app.ROUTES)))
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]


def test_the_document_is_served(target: Target) -> None:
    """What is served is the document these tests are generated from, and each of its operations is asked."""
    with plain_http() as client:
        assert client.get(f"{target.url}/v1/openapi.json").json() == DOCUMENT
    assert len(OPERATIONS) == len(app.ROUTES)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation", [pytest.param(o, id=o.label) for o in OPERATIONS])
def test_every_answer_is_a_documented_one(operation: Any, mode: GenerationMode, target: Target) -> None:
    """No request gets a 5xx, an undocumented status or type, or a body that is not as described."""

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        response = case.call(base_url=target.url, headers=target.aim(case))
        case.validate_response(response, checks=CHECKS)
        target.statuses[response.status_code] += 1
        if response.status_code >= 400:
            assert json.loads(response.content)["code"], "a problem has a stable code"

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "a valid request can be made for every operation"


def test_requests_got_past_the_door(target: Target) -> None:
    """The requests above were no mere rejections: many were carried out, and many met the state of things."""
    carried_out = sum(number for status, number in target.statuses.items() if status < 300)
    assert carried_out > 50, target.statuses
    assert target.statuses[409] > 50, target.statuses
