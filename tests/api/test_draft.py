from dataclasses import replace
from typing import Any

import pytest

from aftersales.case import State
from aftersales.complaint import Complaint, Handling, Reading
from aftersales.decision import Outcome, Source, Verdict
from aftersales.errors import BadPlugin
from aftersales.order import Buyer
from aftersales.template import PLACES, Use, check
from aftersales.testing.builders import a_finding, a_line, a_merchant, an_order
from aftersales.testing.reasons import FakeReasons
from aftersales.text import texts_of
from functions import draft
from functions.draft import BEST, suggested
from tests.mall import Mall
from verticals.fresh import VERTICAL as FRESH
from verticals.general import VERTICAL as GENERAL

ROTTEN = "草莓烂了，发霉了"
LATE = "I never received my parcel"


@pytest.fixture
def reasons(mall: Mall) -> FakeReasons:
    """A reader that knows plain words, switched on in the mall; photos show nothing, so that a person has the case."""
    mall.photos.findings = ()
    reader = FakeReasons()
    mall.registry.put("reasons", reader)
    return reader


def drafted(mall: Mall, case_id: str, **who: Any) -> Any:
    """The draft as a clerk gets it."""
    return mall.must("GET", f"/v1/merchant/cases/{case_id}/draft", role="clerk", **who)


def claimed(mall: Mall, **body: Any) -> str:
    """A claim that waits for a person; its id."""
    case_id = mall.claim(**body)["case_id"]
    mall.pump()
    assert mall.case(case_id)["state"] == State.REVIEWING
    return str(case_id)


# --- the finding ------------------------------------------------------------------------------------------------------
def test_the_buyers_words_become_a_finding_that_decides_nothing(mall: Mall, reasons: FakeReasons) -> None:
    """With and without words a case is decided the same; the reading stands beside, as a model's estimate that passes."""
    silent, told = (mall.claim(note=note)["case_id"] for note in ("", ROTTEN))
    mall.pump()
    without, read = mall.case(silent), mall.case(told)
    assert read["state"] == without["state"]
    assert (read["decision"]["outcome"], read["decision"]["rule"]) == (without["decision"]["outcome"], without["decision"]["rule"])
    assert not [f for f in without["decision"]["findings"] if f["check"] == "text.reason"]
    (finding,) = [f for f in read["decision"]["findings"] if f["check"] == "text.reason"]
    assert (finding["verdict"], finding["source"], finding["confidence"]) == (Verdict.PASS, Source.MODEL, 0.9)
    assert finding["data"] == {"reason": "spoiled_or_damaged_on_arrival", "sure": True}
    assert finding["text"] == "From the words: spoiled or damaged on arrival."


def test_words_that_contradict_the_choice_hurt_no_buyer(mall: Mall, reasons: FakeReasons) -> None:
    """Who chose "spoiled" and writes of a lost parcel is judged by the evidence; only the shop is told that they differ."""
    case_id = claimed(mall, note=LATE)
    assert mall.case(case_id)["decision"]["rule"] == mall.case(claimed(mall, note=ROTTEN))["decision"]["rule"]
    assert drafted(mall, case_id)["agrees"] is False
    assert all("differ" not in f["text"] and "agrees" not in f for f in mall.case(case_id)["decision"]["findings"])


def test_a_reader_that_breaks_stops_no_claim(mall: Mall, reasons: FakeReasons, caplog: pytest.LogCaptureFixture) -> None:
    """Weights that are missing cost the suggestion, never the claim; the log says so, and none of the buyer's words."""

    class Broken:
        def read(self, text: str, locale: str) -> Reading:
            raise BadPlugin("The weights are gone.")

    mall.registry.put("reasons", Broken())
    case_id = claimed(mall, note=ROTTEN)
    assert not [f for f in mall.case(case_id)["decision"]["findings"] if f["check"] == "text.reason"]
    draft = drafted(mall, case_id)
    assert (draft["sure"], draft["confidence"], draft["handling"]) == (False, 0.0, "refund_share")
    assert "The weights are gone." in caplog.text
    assert ROTTEN not in caplog.text


def test_a_mall_without_a_reader_drafts_from_the_chosen_reason(mall: Mall) -> None:
    """Nobody has to switch reading on: what the buyer chose is answered, and no finding speaks of words."""
    mall.photos.findings = ()
    case_id = claimed(mall, note=ROTTEN, reason="short_weight")
    assert not [f for f in mall.case(case_id)["decision"]["findings"] if f["check"] == "text.reason"]
    draft = drafted(mall, case_id)
    assert (draft["sure"], draft["agrees"], draft["handling"]) == (False, None, "refund_share")
    assert draft["reply"]


# --- the draft --------------------------------------------------------------------------------------------------------
def test_a_draft_says_what_was_read_what_to_do_and_what_to_answer(mall: Mall, reasons: FakeReasons) -> None:
    """The answer is in the buyer's language, with the goods, the amount and the deadline of the case, and nothing left open."""
    case_id = claimed(mall, note=ROTTEN)
    case, draft = mall.case(case_id), drafted(mall, case_id)
    assert (draft["reason"], draft["confidence"], draft["sure"], draft["agrees"]) == (Complaint.SPOILED, 0.9, True, True)
    assert (draft["handling"], draft["template_version"], draft["locale"]) == ("refund_share", 0, "zh-CN")
    assert f"CNY {case['amount_minor'] / 100:.2f}" in draft["reply"]
    assert an_order().lines[0].title in draft["reply"]
    assert "2026-" in draft["reply"]
    assert "{" not in draft["reply"]


def test_a_buyer_who_writes_english_is_answered_in_english(mall: Mall, reasons: FakeReasons) -> None:
    """The language of the words counts, not that of the account."""
    reasons.says("Rotten!", Reading(Complaint.SPOILED, 0.9, None, "en", sure=True))
    draft = drafted(mall, claimed(mall, note="Rotten!"))
    assert (draft["locale"], draft["reply"][:6]) == ("en", "Hello,")


def test_without_a_note_the_buyers_messages_are_read(mall: Mall, reasons: FakeReasons) -> None:
    """What the buyer wrote later counts; what the shop wrote does not."""
    case_id = claimed(mall)
    mall.must("POST", f"/v1/cases/{case_id}/messages", {"text": "发错货了，不是我买的"}, role="clerk")
    assert drafted(mall, case_id)["reason"] == Complaint.OTHER
    mall.must("POST", f"/v1/cases/{case_id}/messages", {"text": ROTTEN})
    assert drafted(mall, case_id)["reason"] == Complaint.SPOILED


def test_where_words_are_unclear_the_chosen_reason_leads(mall: Mall, reasons: FakeReasons) -> None:
    """No reading, or one that is not sure, suggests what the buyer chose; whether both agree is left open."""
    draft = drafted(mall, claimed(mall, note="唉"))
    assert (draft["sure"], draft["agrees"], draft["handling"]) == (False, None, "refund_share")


def test_a_draft_promises_no_time_that_is_not_the_shops(mall: Mall, reasons: FakeReasons) -> None:
    """While the buyer is asked for evidence the deadline is the buyer's: the sentence about an answer is left out."""
    case_id = claimed(mall, note=ROTTEN)
    asked = {"outcome": "ask_evidence", "reason": "a photo of the label"}
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", asked, role="clerk")
    assert mall.case(case_id)["deadline"]["due_at"]
    assert "2026-" not in drafted(mall, case_id)["reply"]


def test_a_draft_changes_nothing(mall: Mall, reasons: FakeReasons) -> None:
    """Asking for one leaves the case as it was."""
    case_id = claimed(mall, note=ROTTEN)
    before = mall.store.case(case_id)
    drafted(mall, case_id)
    assert mall.store.case(case_id) == before


def test_goods_that_are_named_like_a_place_stay_a_name(mall: Mall, reasons: FakeReasons) -> None:
    """A title in braces is filled in once and read no further."""
    mall.push(an_order(order_id="o7", lines=(a_line(title="{amount}{return_address}"),)))
    case_id = claimed(mall, order_id="o7", note=ROTTEN)
    assert "{amount}{return_address}" in drafted(mall, case_id)["reply"]


@pytest.mark.parametrize(
    ("vertical", "complaint", "photographed", "handling"),
    [
        pytest.param(FRESH, Complaint.SPOILED, False, Handling.ASK_PHOTOS, id="rot that nobody has seen"),
        pytest.param(FRESH, Complaint.SPOILED, True, Handling.REFUND_SHARE, id="rot"),
        pytest.param(FRESH, Complaint.SHORT, True, Handling.REFUND_SHARE, id="short weight"),
        pytest.param(FRESH, Complaint.FAKE, True, Handling.PLATFORM, id="fake"),
        pytest.param(FRESH, Complaint.LATE, False, Handling.TRACE, id="late: no photo shows that"),
        pytest.param(FRESH, Complaint.SERVICE, False, Handling.TALK, id="rude"),
        pytest.param(GENERAL, Complaint.DEFECT, True, Handling.RETURN, id="a fault, where nothing is repaired"),
        pytest.param(GENERAL, Complaint.DIFFERENT, True, Handling.RETURN, id="not as described"),
        pytest.param(GENERAL, Complaint.SHORT, True, Handling.REFUND_SHARE, id="pieces missing"),
        pytest.param(GENERAL, Complaint.OTHER, False, Handling.RETURN, id="changed mind"),
    ],
)
def test_what_is_suggested_follows_the_complaint_and_the_trade(
    vertical: Any, complaint: Complaint, photographed: bool, handling: Handling
) -> None:
    """Only what the trade offers for this complaint is suggested; what a photo could show is asked for first."""
    assert suggested(vertical, complaint, photographed=photographed) is handling


def test_every_complaint_has_a_suggestion_and_every_suggestion_an_answer() -> None:
    """In every trade, whatever was read, the shop gets something to do and something to say, in both languages."""
    for vertical in (FRESH, GENERAL):
        for complaint in Complaint:
            assert complaint in BEST
            for photographed in (True, False):
                assert suggested(vertical, complaint, photographed=photographed) in Handling
    for locale in ("zh-CN", "en"):
        table = texts_of("functions")[locale]
        for handling in Handling:
            check(table[f"draft.{handling}"])
            assert table[f"handling.{handling}"]
        assert all(table[f"text.{complaint}"] for complaint in Complaint)


# --- the shop's own answers -------------------------------------------------------------------------------------------
def put(mall: Mall, *replies: tuple[str, str, str], **asked: Any) -> Any:
    """Send these as the shop's own answers."""
    body = {"replies": [{"handling": h, "locale": locale, "text": text} for h, locale, text in replies]}
    return mall.send("PUT", "/v1/merchant/replies", body, **{"role": "clerk", **asked})


def test_the_shops_own_words_are_drafted_and_taken_back(mall: Mall, reasons: FakeReasons) -> None:
    """An own answer is filled like the default and names its version; without it the default is back."""
    case_id = claimed(mall, note=ROTTEN)
    kept = put(mall, ("refund_share", "zh-CN", "亲，{goods}的{amount}我们在看。"))
    assert (kept.status, kept.json["version"], kept.headers["ETag"]) == (200, 1, '"1"')
    draft = drafted(mall, case_id)
    assert draft["reply"].startswith("亲，")
    assert "CNY" in draft["reply"]
    assert draft["template_version"] == 1
    assert put(mall).json["version"] == 2
    assert drafted(mall, case_id)["template_version"] == 0


def test_all_answers_are_listed_own_and_default(mall: Mall) -> None:
    """Every handling and every other use has its text in both languages, and one's own are told; another shop sees none of them."""
    assert mall.must("GET", "/v1/merchant/replies", role="clerk")["version"] == 0
    put(mall, ("talk", "en", "Hi there."))
    listed = mall.must("GET", "/v1/merchant/replies", role="clerk")
    assert listed["places"] == [f"{{{place}}}" for place in PLACES]
    assert len(listed["replies"]) == 2 * (len(Handling) + len(Use) - 1)
    assert [(r["handling"], r["locale"], r["text"]) for r in listed["replies"] if r["own"]] == [("talk", "en", "Hi there.")]
    assert (listed["by"], listed["version"]) == ("clerk:clerk1", 1)
    other = mall.must("GET", "/v1/merchant/replies", role="clerk", merchant="m2")
    assert (other["version"], any(r["own"] for r in other["replies"])) == (0, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("我们退您 10 元。", "10 元", id="a sum"),
        pytest.param("给您全额退款。", "全额", id="the whole price"),
        pytest.param("You get $5 back.", "$5", id="dollars"),
        pytest.param("{amont} is yours.", "{amont}", id="an unknown place"),
        pytest.param("{goods.__class__}", "brace", id="a place that looks further"),
        pytest.param("{goods", "brace", id="an open brace"),
        pytest.param("   ", "characters", id="nothing"),
    ],
)
def test_an_answer_that_must_not_be_is_a_clear_problem(mall: Mall, text: str, said: str) -> None:
    """What is wrong and where is named, and nothing of the request is kept."""
    reply = put(mall, ("talk", "zh-CN", "您好。"), ("talk", "en", text))
    assert (reply.status, reply.json["code"]) == (400, "invalid")
    assert said in reply.json["detail"]
    assert reply.json["details"]["where"] == "$.replies[1].text"
    assert mall.must("GET", "/v1/merchant/replies", role="clerk")["version"] == 0


def test_an_answer_stands_once(mall: Mall) -> None:
    """Two for the same handling and language would leave open which one is sent; for another reason there may be another."""
    reply = put(mall, ("talk", "en", "One."), ("talk", "en", "Two."))
    assert (reply.status, reply.json["details"]["where"]) == (400, "$.replies[1]")
    assert own(mall, {"handling": "talk", "text": "One."}, {"handling": "talk", "text": "Two.", "reason": "spoiled"}).status == 200


def test_two_who_write_answers_lose_nothing(mall: Mall) -> None:
    """An edit of an old version is a conflict that names the current one."""
    put(mall, ("talk", "en", "First."))
    assert put(mall, ("talk", "en", "Second."), headers={"if-match": '"1"'}).status == 200
    late = put(mall, ("talk", "en", "Late."), headers={"if-match": '"1"'})
    assert (late.status, late.json["code"], late.json["details"]["version"]) == (409, "stale_version", 2)


# --- for a reason, and for other uses -----------------------------------------------------------------------------------
def own(mall: Mall, *replies: dict[str, Any]) -> Any:
    """Send these as the shop's own texts, in Chinese where nothing else is said."""
    return mall.send("PUT", "/v1/merchant/replies", {"replies": [{"locale": "zh-CN", **r} for r in replies]}, role="clerk")


#: All that would do for a spoiled claim about which a share of the money is suggested, the first of them first.
IN_TURN = (
    {"reason": "spoiled_or_damaged_on_arrival", "handling": "refund_share", "text": "一"},
    {"reason": "spoiled", "handling": "refund_share", "text": "二"},
    {"reason": "spoiled_or_damaged_on_arrival", "text": "三"},
    {"reason": "spoiled", "text": "四"},
    {"handling": "refund_share", "text": "五"},
    {"text": "六"},
)


@pytest.mark.parametrize("first", range(len(IN_TURN)))
def test_the_most_particular_of_the_shops_words_is_drafted(mall: Mall, reasons: FakeReasons, first: int) -> None:
    """Reason and handling, then the reason, then the handling, then anything; what the words say comes before what was chosen."""
    case_id = claimed(mall, note=ROTTEN)
    others = ({"reason": "short_weight", "text": "否"}, {"handling": "talk", "text": "否"}, {"text": "否", "locale": "en"})
    assert own(mall, *others, *IN_TURN[first:]).status == 200
    assert drafted(mall, case_id)["reply"] == IN_TURN[first]["text"]


@pytest.mark.parametrize(
    ("reply", "where"),
    [
        pytest.param({"text": "好", "reason": "spoilt"}, "reason", id="a reason nobody has"),
        pytest.param({"text": "好", "use": "rejection", "handling": "talk"}, "handling", id="a no for a handling"),
        pytest.param({"text": "{goods}的申请已收到。", "use": "acknowledgement"}, "text", id="goods nobody has read yet"),
        pytest.param({"text": "已收到，退您 10 元。", "use": "acknowledgement"}, "text", id="a sum promised at once"),
    ],
)
def test_what_could_never_be_said_is_refused_by_name(mall: Mall, reply: dict[str, Any], where: str) -> None:
    """A text that nothing would ever call for, or that nobody could fill, is told when it is written."""
    answer = own(mall, reply)
    assert (answer.status, answer.json["details"]["where"]) == (400, f"$.replies[0].{where}")


def test_places_tell_the_case_the_reason_and_when_an_answer_comes(mall: Mall, reasons: FakeReasons) -> None:
    """The case's number, why the buyer asks in words, and the instant that was promised, else the deadline."""
    case_id = claimed(mall, note=ROTTEN)
    own(mall, {"text": "{case_id}|{reason}|{answer_by}"})
    due = "2026-11-22 12:00"
    assert drafted(mall, case_id)["reply"] == f"{case_id}|腐烂、变质、发霉|{due}"


# --- what may be decided by it ------------------------------------------------------------------------------------------
def returned(mall: Mall, note: str = "") -> str:
    """A return of a lamp of CNY 60.00 without a reason, which nothing speaks against: a person has it; its id."""
    mall.push(an_order(order_id="o6", lines=(a_line(vertical="general", unit_price_minor=6_000, pieces=1),)))
    asked = {"order_id": "o6", "kind": "return_refund", "reason": "no_reason", "items": [{"line_id": "l1", "pieces": 1}]}
    return str(mall.must("POST", "/v1/cases", {**asked, "note": note, "submit": True})["case_id"])


@pytest.mark.parametrize(("note", "outcome", "state"), [("", "approve", "approved"), (ROTTEN, "ask_evidence", "awaiting_evidence")])
def test_a_draft_brings_the_decision_that_would_send_it(
    mall: Mall, reasons: FakeReasons, note: str, outcome: str, state: str
) -> None:
    """What is suggested can be sent as it is; before that nothing is decided, after it nothing is suggested any more."""
    case_id = returned(mall, note)
    draft = drafted(mall, case_id)
    assert draft["suggested_decision"] == {"outcome": outcome, "reason": draft["reply"]}
    assert mall.case(case_id)["state"] == State.REVIEWING
    mall.must("POST", f"/v1/merchant/cases/{case_id}/decision", draft["suggested_decision"], role="clerk")
    assert (mall.case(case_id)["state"], drafted(mall, case_id)["suggested_decision"]) == (state, None)


def test_what_has_to_be_weighed_is_nobodys_click(mall: Mall, reasons: FakeReasons) -> None:
    """Where a check is not sure, or what is suggested is another kind of case, no decision is ready."""
    unsure = claimed(mall, note=ROTTEN)
    assert any(f["verdict"] == "unsure" for f in mall.case(unsure)["decision"]["findings"])
    assert drafted(mall, unsure)["suggested_decision"] is None
    assert drafted(mall, returned(mall, LATE))["suggested_decision"] is None


@pytest.mark.parametrize(
    ("outcome", "use"), [(Outcome.APPROVE, "approval"), (Outcome.REJECT, "rejection"), (Outcome.ASK_EVIDENCE, "evidence")]
)
def test_a_decision_without_a_reason_has_the_shops_words_or_ours(mall: Mall, outcome: Outcome, use: str) -> None:
    """For why it is so, for why the buyer asks, for all, else what comes along: never without a reason, and never with a sum."""
    case = mall.store.case(returned(mall)).case
    for locale, said in (("zh-CN", "您好"), ("en", "Hello"), ("ja", "Hello")):
        assert draft.words_for(mall.registry, case, outcome, locale).startswith(said)
    check(draft.words_for(mall.registry, case, outcome, "zh-CN").replace("o6", ""))
    words = ({"use": use, "text": "各位好，{goods}。"}, {"use": use, "text": "退货{reason}", "reason": "no_reason"})
    assert own(mall, *words).status == 200
    assert draft.words_for(mall.registry, case, outcome, "zh-CN") == "退货七天无理由退货（未使用）"
    assert own(mall, words[0]).status == 200
    order = mall.store.order("m1", "o6").order
    assert draft.words_for(mall.registry, case, outcome, "zh-CN", order) == f"各位好，{order.lines[0].title}。"
    assert draft.words_for(mall.registry, case, outcome, "zh-CN").startswith("您好")  # nobody read what the goods are


def test_a_no_says_what_the_rules_found(mall: Mall) -> None:
    """The shop's words for a check that failed come before those for what the buyer chose."""
    case = mall.store.case(returned(mall)).case
    assert case.decision is not None
    failed = replace(case.decision, findings=(a_finding(Verdict.FAIL, "general.return_window", reason="window.over"),))
    own(
        mall,
        {"use": "rejection", "text": "过期", "reason": "window.over"},
        {"use": "rejection", "text": "否", "reason": "no_reason"},
    )
    assert draft.words_for(mall.registry, replace(case, decision=failed), Outcome.REJECT, "zh-CN") == "过期"
    assert draft.words_for(mall.registry, case, Outcome.REJECT, "zh-CN") == "否"


# --- the acknowledgement ------------------------------------------------------------------------------------------------
def told(mall: Mall) -> list[str]:
    """What the buyer was told, oldest first."""
    return [n["text"] for n in reversed(mall.must("GET", "/v1/notices")["notices"])]


WAITS = {
    "zh-CN": (
        "您好，您对订单 o6 的售后申请“七天无理由退货（未使用）”已收到，已转商家处理。"
        "商家最迟 2026-11-22 12:00 答复您。到 2026-11-22 12:00 仍未处理的，系统将自动同意。"
    ),
    "en": (
        "Hello, we have your claim on order o6 (“Seven-day return without a reason (unused)”), and it is with the shop. "
        "The shop answers by 2026-11-22 12:00 at the latest. If it has not by 2026-11-22 12:00, the claim is approved by itself."
    ),
}


@pytest.mark.parametrize("locale", WAITS)
def test_a_case_that_waits_is_acknowledged_at_once(mall: Mall, locale: str) -> None:
    """It is there, what comes next, until when, and what silence means: one notice, in the buyer's language, without a sum."""
    mall.push(
        an_order(
            order_id="o6", lines=(a_line(vertical="general", unit_price_minor=6_000, pieces=1),), buyer=Buyer("b1", locale=locale)
        )
    )
    asked = {"order_id": "o6", "kind": "return_refund", "reason": "no_reason", "items": [{"line_id": "l1", "pieces": 1}]}
    mall.must("POST", "/v1/cases", {**asked, "submit": True})
    assert told(mall) == [WAITS[locale]]


def test_what_two_have_to_agree_to_is_promised_to_nobody(mall: Mall) -> None:
    """Above the limit silence is no yes: neither the acknowledgement nor what is told after verification says so."""
    mall.registry.put("merchant:m1", a_merchant(two_persons_above_minor=1_000))
    returned(mall)
    assert told(mall)[-1].endswith("商家最迟 2026-11-22 12:00 答复您。")
    mall.claim()
    mall.pump()
    assert [t for t in told(mall) if "自动同意" in t] == [
        "订单 o1 的售后申请已转商家处理，最迟 2026-11-22 12:00；到期未处理的不会自动同意，会继续催办。"
    ]


def test_a_promised_answer_is_acknowledged_with_its_instant(mall: Mall) -> None:
    """While a claim is verified no shop has to answer yet, unless it promised when; then that instant is told."""
    mall.claim()
    assert told(mall)[-1].endswith("需要人工处理的会转给商家。")
    mall.registry.put("merchant:m1", a_merchant(pledge_hours={"": 2}))
    mall.push(an_order(order_id="o7"))
    mall.claim(order_id="o7")
    assert [t.endswith("我们会在 2026-11-20 14:00 前答复您。") for t in told(mall) if "o7" in t] == [True]


def test_the_shops_own_acknowledgement_takes_its_place(mall: Mall) -> None:
    """Its words are told as they are, for the buyer's reason where there are some; who wrote them goes by them at once."""
    returned(mall)
    words = (
        {"use": "acknowledgement", "text": "亲，{reason}收到。"},
        {"use": "acknowledgement", "text": "坏果收到。", "reason": "spoiled"},
    )
    assert own(mall, *words).status == 200
    mall.must("POST", f"/v1/cases/{mall.must('GET', '/v1/cases')['cases'][0]['case_id']}/withdraw")
    returned(mall)
    mall.claim()
    assert {"亲，七天无理由退货（未使用）收到。", "坏果收到。"} < set(told(mall))


def test_what_is_paid_at_once_needs_no_acknowledgement(mall: Mall) -> None:
    """Who is refunded at once is told that, and nothing is read or written for words."""
    mall.push(an_order(order_id="o6", status="paid", lines=(a_line(vertical="general"),)))
    asked = {"order_id": "o6", "kind": "refund_only", "reason": "changed_mind", "items": [{"line_id": "l1", "pieces": 1}]}
    mall.must("POST", "/v1/cases", {**asked, "submit": True})
    assert [text.startswith("订单 o6 的退款") for text in told(mall)] == [True]
