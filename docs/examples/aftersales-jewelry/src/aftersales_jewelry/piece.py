"""What is checked about the very piece: made to order, its tag, its appraisal, its certificate."""

from aftersales.decision import Finding, Verdict
from aftersales.evidence import EvidenceKind
from aftersales.quote import SELLERS
from aftersales.vertical import Facts

from aftersales_jewelry.rules import fault, found

#: Told before the return is offered, these make a piece somebody's own (Measures, art. 6).
OWN = ("engraved", "sized")


def made_to_order(facts: Facts) -> Finding:
    """Was it engraved or sized for this buyer, who confirmed that it cannot come back without a reason?"""
    own = [x for x in facts.lines if any(x.data.get(name) is True for name in OWN)]
    if not own:
        return found("made_to_order", Verdict.PASS, "order.from_stock")
    if not all(line.terms.get("no_return") is True for line in own):
        return found("made_to_order", Verdict.PASS, "order.not_confirmed")
    if not facts.reason or fault(facts) in SELLERS:
        return found("made_to_order", Verdict.PASS, "order.faults_only")
    return found("made_to_order", Verdict.FAIL, "order.made")


def tag_shown(facts: Facts) -> Finding:
    """Is there a photo of the piece with its tag, or of what is wrong with it?"""
    if any(e.usable and e.kind in (EvidenceKind.PHOTO, EvidenceKind.VIDEO) for e in facts.evidence):
        return found("tag_shown", Verdict.PASS, "photo.given")
    return found("tag_shown", Verdict.MISSING, "photo.missing" if fault(facts) in SELLERS else "photo.tag")


def appraised(facts: Facts) -> Finding:
    """What did the appraisal say, where there was one before the goods came back?"""
    told = [fact for line in facts.lines if (fact := facts.order.told("appraised", line.line_id))]
    if any(fact.get("genuine") is not True for fact in told):
        return found("appraised", Verdict.FAIL, "appraisal.other_stone")
    if any(fact.get("tag_intact") is not True for fact in told) and fault(facts) not in SELLERS:
        return found("appraised", Verdict.UNSURE, "appraisal.no_tag")
    return found("appraised", Verdict.PASS, "appraisal.sound" if told else "appraisal.to_come")


def certified(facts: Facts) -> Finding:
    """Does the laboratory know the certificate that was sold with it?"""
    named = [line for line in facts.lines if line.data.get("certificate")]
    if not named:
        return found("certified", Verdict.PASS, "certificate.none")
    answers = [facts.lookup("gem_certificate", line.line_id) for line in named]
    if all(answer is not None and answer.status == "valid" for answer in answers):
        return found("certified", Verdict.PASS, "certificate.valid")
    if all(answer is None for answer in answers):
        return found("certified", Verdict.UNSURE, "certificate.no_answer")
    return found("certified", Verdict.UNSURE, "certificate.doubtful")
