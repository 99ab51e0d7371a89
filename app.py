"""The Chalice app: every way into the system, and nothing else. Wiring only; the use cases are in ``functions``.

A claim's way: ``POST /v1/cases`` → ``functions.cases`` → (stream) ``functions.follow`` → (queue) ``functions.evidence.verify`` →
``functions.judgement`` → ``functions.payout`` → ``aftersales.ledger`` → (stream) ``functions.refunds`` → (callback) settled.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from chalice.app import Chalice, Rate, Response

from aftersales import __version__, redaction
from aftersales.caller import Role
from aftersales.registry import Registry
from functions import (
    appeal,
    batch,
    batches,
    body,
    body_batch,
    body_goods,
    body_queue,
    body_rules,
    body_together,
    cases,
    claims,
    compensation,
    delegations,
    desk,
    draft,
    evidence,
    expire,
    export,
    follow,
    goods,
    http,
    mend,
    openapi,
    orders,
    originals,
    outside,
    pickups,
    plans,
    proofs,
    reconcile,
    redirect,
    refusals,
    remedies,
    remedy,
    replayed,
    reply,
    reply_batch,
    reply_decision,
    reply_draft,
    reply_evidence,
    reply_money,
    reply_parcel,
    reply_queue,
    reply_rules,
    reply_together,
    rerun,
    review,
    ruleset,
    shipment,
    slot,
    sorting,
    statement,
    sweep,
    terms,
    thing,
    tickets,
    together,
    trace,
    trial,
    whole,
)
from functions.context import Context
from functions.http import Route

redaction.install()
app = Chalice(app_name="aftersales")
app.api.binary_types.append(export.XLSX_MEDIA)

BUYER = frozenset({Role.BUYER})
MALL = frozenset({Role.INTEGRATOR})
ASKS = BUYER | MALL  # a mall's backend may act for its buyers
STAFF = frozenset({Role.CLERK, Role.APPROVER, Role.ADMIN})
ADMIN = frozenset({Role.ADMIN})
SENIOR = frozenset({Role.APPROVER, Role.ADMIN})
READS = ASKS | STAFF | {Role.PLATFORM}
PUBLIC: frozenset[Role] = frozenset()


def health(ctx: Context) -> reply.Health:
    """That the service answers, and what of it does not work."""
    return reply.Health(status="ok", version=__version__, left_out=list(ctx.registry.left_out))


def described(_: Any) -> dict[str, Any]:
    """This document."""
    return openapi.document(ROUTES)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/health", health, None, reply.Health, PUBLIC),
    Route("GET", "/v1/openapi.json", described, None, dict, PUBLIC),
    # the mall pushes orders and facts
    Route("PUT", "/v1/orders/{order_id}", orders.put, body.OrderBody, reply.OrderView, MALL),
    Route("GET", "/v1/orders/{order_id}", orders.get, None, reply.OrderView, READS),
    Route("POST", "/v1/orders/{order_id}/facts", orders.add_fact, body.FactBody, reply.OrderView, MALL),
    Route("POST", "/v1/orders/{order_id}/outside", outside.told, remedy.OutsideBody, reply_money.OutsideView, MALL),
    Route("GET", "/v1/orders/{order_id}/options", orders.options, None, reply.OptionsView, READS),
    # the rules in force, and those a case was opened under
    Route("GET", "/v1/verticals/{vertical}/rules", terms.of_trade, None, terms.TradeRules, READS),
    Route("GET", "/v1/cases/{case_id}/rules", terms.of_case, None, terms.CaseRules, READS),
    # the merchant's own proofs, from before any claim
    Route("POST", "/v1/orders/{order_id}/proofs", proofs.add, body.ProofBody, reply.UploadView, MALL | STAFF, 201),
    Route("GET", "/v1/orders/{order_id}/proofs", proofs.listed, None, reply_evidence.ProofPage, MALL | STAFF),
    Route(
        "POST", "/v1/orders/{order_id}/proofs/{evidence_id}/hand-in", proofs.hand_in, None, reply_evidence.ProofView, MALL | STAFF
    ),
    # the buyer asks, and everybody concerned reads
    Route("POST", "/v1/cases", cases.open_case, body.CaseBody, reply.CaseView, ASKS, 201),
    Route("POST", "/v1/cases/together", together.open_together, body_together.TogetherBody, reply_together.TogetherView, ASKS),
    Route("GET", "/v1/orders/{order_id}/cases", whole.of_order, None, reply_together.WholeView, READS),
    Route("GET", "/v1/cases", cases.mine, None, reply.CasePage, BUYER),
    Route("GET", "/v1/cases/{case_id}", cases.get, None, reply.CaseView, READS),
    Route("PATCH", "/v1/cases/{case_id}", cases.edit, body.CasePatch, reply.CaseView, ASKS),
    Route("POST", "/v1/cases/{case_id}/evidence", evidence.add, body.EvidenceBody, reply.UploadView, ASKS | STAFF, 201),
    Route("POST", "/v1/cases/{case_id}/evidence/{evidence_id}/hand-in", proofs.hand_in_to_case, None, reply.CaseView, STAFF),
    Route(
        "POST",
        "/v1/cases/{case_id}/evidence/{evidence_id}/original",
        originals.open_original,
        body.OriginalBody,
        reply_evidence.OriginalView,
        ASKS | originals.OPENERS,
    ),
    Route("POST", "/v1/cases/{case_id}/submit", cases.submit, None, reply.CaseView, ASKS),
    Route("POST", "/v1/cases/{case_id}/withdraw", cases.withdraw, None, reply.CaseView, ASKS),
    Route("POST", "/v1/cases/{case_id}/appeal", appeal.appeal, appeal.AppealBody, reply.CaseView, ASKS),
    Route("POST", "/v1/cases/{case_id}/reopen", cases.reopen, None, reply.CaseView, ASKS),
    Route("POST", "/v1/cases/{case_id}/shipment", shipment.ship, body.ParcelBody, reply.CaseView, ASKS),
    Route("POST", "/v1/cases/{case_id}/pickup/price", pickups.price, slot.PickupBody, reply_parcel.PriceView, ASKS | STAFF),
    Route("POST", "/v1/cases/{case_id}/pickup", pickups.book, slot.PickupBody, reply.CaseView, ASKS | STAFF, 201),
    Route("PATCH", "/v1/cases/{case_id}/pickup", pickups.move, slot.PickupPatch, reply.CaseView, ASKS | STAFF),
    Route("DELETE", "/v1/cases/{case_id}/pickup", pickups.cancel, None, reply.CaseView, ASKS | STAFF),
    Route("POST", "/v1/cases/{case_id}/received", remedies.received, thing.ReceivedBody, reply.CaseView, ASKS),
    Route("POST", "/v1/cases/{case_id}/payment", remedies.paid, thing.ExtraBody, reply.CaseView, MALL),
    Route("POST", "/v1/cases/{case_id}/counter-answer", review.answer_counter, body.CounterAnswer, reply.CaseView, ASKS),
    Route("GET", "/v1/cases/{case_id}/refund-plan", plans.preview, None, reply_money.PlanView, READS),
    Route("POST", "/v1/cases/{case_id}/messages", review.say, body.MessageBody, reply.CaseView, ASKS | STAFF),
    # only the buyer agrees to another account: a mall's backend may not do it for them
    Route("POST", "/v1/cases/{case_id}/refunds/{number}/account", redirect.name_account, remedy.AccountBody, reply.CaseView, BUYER),
    Route("GET", "/v1/cases/{case_id}/timeline", cases.history, None, reply.TimelineView, READS),
    Route("GET", "/v1/notices", cases.told, None, reply.NoticePage, BUYER),
    # the shop decides
    Route("GET", "/v1/merchant/cases", desk.listed, None, reply.CasePage, STAFF),
    Route("GET", "/v1/merchant/counts", desk.counts, None, reply_queue.CountsView, STAFF),
    Route("GET", "/v1/merchant/workload", desk.workload, None, reply_queue.WorkloadView, SENIOR),
    Route("POST", "/v1/merchant/cases/{case_id}/claim", claims.claim, body_queue.ClaimBody, reply.CaseView, STAFF, versioned=True),
    Route("POST", "/v1/merchant/cases/{case_id}/release", claims.release, None, reply.CaseView, STAFF, versioned=True),
    Route(
        "POST", "/v1/merchant/cases/{case_id}/triage", sorting.sort, body_queue.TriageBody, reply.CaseView, STAFF, versioned=True
    ),
    Route("POST", "/v1/merchant/cases/{case_id}/decision", review.decide, body.DecisionBody, reply.CaseView, STAFF, watched=True),
    Route("GET", "/v1/merchant/cases/{case_id}/decisions", replayed.decisions, None, reply_decision.DecisionsView, STAFF),
    Route("POST", "/v1/merchant/cases/{case_id}/counter", review.counter, body.CounterBody, reply.CaseView, STAFF, watched=True),
    Route("POST", "/v1/merchant/cases/{case_id}/remedy", remedies.go_on, thing.RemedyBody, reply.CaseView, STAFF, watched=True),
    # where the shop is silent about goods that came back, the platform decides
    Route(
        "POST",
        "/v1/merchant/cases/{case_id}/inspection",
        goods.inspect,
        body_goods.InspectionBody,
        reply.CaseView,
        STAFF | {Role.PLATFORM},
        watched=True,
    ),
    Route(
        "POST",
        "/v1/merchant/cases/{case_id}/compensation",
        compensation.pay,
        body.CompensationBody,
        reply.CaseView,
        STAFF,
        watched=True,
    ),
    Route("GET", "/v1/merchant/cases/{case_id}/draft", draft.draft, None, reply_draft.DraftView, STAFF),
    Route("GET", "/v1/merchant/replies", draft.replies, None, reply_draft.RepliesView, STAFF),
    Route("PUT", "/v1/merchant/replies", draft.put_replies, body.RepliesBody, reply_draft.RepliesView, STAFF),
    Route(
        "POST",
        "/v1/merchant/cases/{case_id}/deadline",
        review.set_deadline,
        body.DeadlineBody,
        reply.CaseView,
        SENIOR,
        watched=True,
    ),
    # who says the second yes for somebody who is away, and who was refused what decides about money
    Route("GET", "/v1/merchant/delegations", delegations.listed, None, delegations.DelegationsView, STAFF),
    Route(
        "POST",
        "/v1/merchant/delegations",
        delegations.delegate,
        delegations.DelegationBody,
        delegations.DelegationsView,
        SENIOR,
        watched=True,
    ),
    Route(
        "DELETE",
        "/v1/merchant/delegations/{delegation_id}",
        delegations.end,
        None,
        delegations.DelegationsView,
        SENIOR,
        watched=True,
    ),
    Route("GET", "/v1/merchant/refusals", refusals.listed, None, refusals.RefusalPage, SENIOR),
    # one decision over many cases
    Route("POST", "/v1/merchant/batches", batch.open_batch, body_batch.BatchBody, reply_batch.BatchView, STAFF, 201, watched=True),
    Route("GET", "/v1/merchant/batches", batch.listed, None, reply_batch.BatchPage, STAFF),
    Route("GET", "/v1/merchant/batches/{batch_id}", batch.get, None, reply_batch.BatchView, STAFF),
    Route("GET", "/v1/merchant/batches/{batch_id}/items", batch.items, None, reply_batch.ItemPage, STAFF),
    Route("POST", "/v1/merchant/batches/{batch_id}/run", batch.run, None, reply_batch.BatchView, STAFF, watched=True),
    Route("POST", "/v1/merchant/batches/{batch_id}/stop", batch.stop, None, reply_batch.BatchView, STAFF, versioned=True),
    # the shop's own rules: versions that never change
    Route("GET", "/v1/merchant/rules", ruleset.get, None, reply_rules.RulesView, STAFF),
    Route("GET", "/v1/merchant/rules.xlsx", ruleset.as_workbook, None, reply_money.File, STAFF, media=export.XLSX_MEDIA),
    Route("PUT", "/v1/merchant/rules", ruleset.put, body_rules.RulesBody, reply_rules.RulesView, ADMIN, watched=True),
    Route("GET", "/v1/merchant/rules/versions", ruleset.versions, None, reply_rules.RulesPage, STAFF),
    Route("GET", "/v1/merchant/rules/compare", ruleset.compare, None, reply_rules.CompareView, STAFF),
    Route("GET", "/v1/merchant/rules/facts", ruleset.facts, None, reply_rules.FactsView, STAFF),
    Route(
        "POST", "/v1/merchant/rules/rollback", ruleset.rollback, body_rules.RollbackBody, reply_rules.RulesView, ADMIN, watched=True
    ),
    Route("POST", "/v1/merchant/rules/trial", trial.trial, body_rules.TrialBody, reply_rules.TrialView, STAFF),
    # the books
    Route("GET", "/v1/merchant/refunds", trace.listed, None, reply_money.RefundPage, STAFF),
    Route("GET", "/v1/merchant/refunds.csv", export.as_csv, None, reply_money.File, STAFF, media=export.CSV_MEDIA),
    Route("GET", "/v1/merchant/refunds.xlsx", export.as_xlsx, None, reply_money.File, STAFF, media=export.XLSX_MEDIA),
    Route("POST", "/v1/merchant/cases/{case_id}/refunds/{number}/retry", mend.retry, None, reply.CaseView, SENIOR, watched=True),
    Route(
        "POST",
        "/v1/merchant/cases/{case_id}/refunds/{number}/release",
        mend.release,
        remedy.ReleaseBody,
        reply.CaseView,
        SENIOR,
        watched=True,
    ),
    Route("GET", "/v1/merchant/reconciliation/{date}", statement.read, None, statement.StatementView, STAFF | {Role.PLATFORM}),
    # what somebody has to see to
    Route("GET", "/v1/platform/dead-letters", rerun.listed, None, reply_money.TicketPage, frozenset({Role.PLATFORM})),
    Route("POST", "/v1/platform/dead-letters/{ticket_id}/run", rerun.run, None, reply_money.TicketView, frozenset({Role.PLATFORM})),
    Route("GET", "/v1/merchant/tickets", tickets.listed, None, reply_money.TicketPage, STAFF | {Role.PLATFORM}),
    Route("GET", "/v1/merchant/tickets/{ticket_id}", tickets.get, None, reply_money.TicketView, STAFF | {Role.PLATFORM}),
    Route(
        "POST",
        "/v1/merchant/tickets/{ticket_id}/close",
        tickets.close,
        remedy.CloseBody,
        reply_money.TicketView,
        SENIOR | {Role.PLATFORM},
    ),
)


@cache
def registry() -> Registry:
    """What is switched on at this stage; read once per process, at the first event. A broken trade that is required ends it."""
    here = Path(__file__).resolve().parent
    packed = next((r for r in (here, here / "vendor") if (r / "infra" / "stages").is_dir()), here)
    found = Registry.from_file(Path(os.environ.get("AFTERSALES_STAGE", packed / "infra" / "stages" / "aws.toml")))
    found.check_trades()
    return found


@app.middleware("all")
def guard(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """An error that ends a function is printed by Lambda itself, past every log: nothing must be read in it either."""
    return redaction.guarded(lambda: get_response(event))


def _request() -> http.Request:
    asked = app.current_request
    assert asked is not None  # there always is one inside a view
    headers = {name.lower(): value for name, value in asked.headers.items()}
    raw = asked.raw_body if isinstance(asked.raw_body, bytes) else asked.raw_body.encode()
    path = asked.path.format_map(asked.uri_params or {})
    return http.Request(asked.method, path, headers, asked.query_params or {}, raw)


def _sent(response: http.Response) -> Response:
    return Response(body=response.body, status_code=response.status, headers=dict(response.headers))


def _serve(route: Route) -> None:
    def view(**places: str) -> Response:
        return _sent(http.respond(registry(), route, _request(), places))

    name = f"{route.method.lower()}{route.path}".translate(str.maketrans("/{}.-", "_____"))
    app.route(route.path, methods=[route.method], name=name, content_types=http.ANY_TYPE)(view)


for _route in ROUTES:
    _serve(_route)


@app.route("/v1/callbacks/{channel}", methods=["POST"], content_types=http.ANY_TYPE)
def told(channel: str) -> Response:
    """A channel's notice: raw body, signature first."""
    return _sent(http.callback(registry(), channel, _request()))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep_deadlines(_: Any) -> None:
    """Silence is an event."""
    sweep.sweep(registry()).complete()


@app.schedule(Rate(1, unit=Rate.MINUTES))
def poll_refunds(_: Any) -> None:
    """Refunds that wait are looked after."""
    sweep.poll_refunds(registry()).complete()


@app.schedule(Rate(5, unit=Rate.MINUTES))
def follow_parcels(_: Any) -> None:
    """Where the goods are that come back."""
    sweep.follow_parcels(registry()).complete()


@app.schedule(Rate(30, unit=Rate.MINUTES))
def reconcile_bills(_: Any) -> None:
    """Bills of days that are over are matched with our record."""
    reconcile.run(registry()).complete()


@app.schedule(Rate(1, unit=Rate.HOURS))
def expire_originals(_: Any) -> None:
    """Evidence files whose time of keeping has ended are erased."""
    expire.run(registry()).complete()


@app.on_sqs_message(queue="batches", batch_size=1)  # the queue is set by infra/package.py
def run_batches(event: Any) -> dict[str, Any]:
    """Batches are worked on while there is time; a job that breaks comes back."""
    failed = batches.run(registry(), event.to_dict()["Records"], event.context.get_remaining_time_in_millis)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


@app.on_dynamodb_record(stream_arn="arn:aws:dynamodb:region:account:table/aftersales/stream/latest")  # set by infra/package.py
def follow_stream(event: Any) -> dict[str, Any]:
    """What follows from a commit; a record that fails is sent again alone."""
    failed = follow.follow(registry(), event.to_dict()["Records"])
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
