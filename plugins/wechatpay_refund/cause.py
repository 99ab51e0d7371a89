"""What WeChat Pay's refusals mean. Source: WeChat Pay APIv3 documentation, refunds and abnormal refunds (2024-09 to 2025-03).

A message only chooses the cause that people read; whether money moved is never read from a message.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from aftersales.errors import Rejected, Unknown
from aftersales.refund import LATER, Cause
from plugins.wechatpay_refund.wire import Answer

log = logging.getLogger(__name__)

#: Codes that are a final no. Any other code is Unknown: a word we do not understand proves nothing.
CAUSES: dict[str, Cause] = {
    "PARAM_ERROR": Cause.CONFIGURATION,
    "SIGN_ERROR": Cause.CONFIGURATION,
    "NO_AUTH": Cause.CONFIGURATION,
    "MCH_NOT_EXISTS": Cause.CONFIGURATION,
    "NOT_ENOUGH": Cause.NOT_ENOUGH,
    "USER_ACCOUNT_ABNORMAL": Cause.ACCOUNT_ABNORMAL,
    "RESOURCE_NOT_EXISTS": Cause.NOT_FOUND,
    "REQUEST_BLOCKED": Cause.RISK_CONTROL,
}

#: What an INVALID_REQUEST is about, by its message, the first that fits; the documentation has no finer code.
_RISK = re.compile(r"风险|风控|冻结|争议|违规|处罚|受限|risk|frozen|dispute", re.IGNORECASE)
_TOO_SOON = re.compile(r"分钟|稍后|频率|minute|later", re.IGNORECASE)
_OVER = re.compile(r"超过|超出|大于|全额|一年|次数|exceed|over", re.IGNORECASE)
#: The number was used before with other parameters ("与之前请求不一致").
_USED = re.compile(r"之前|已存在|重复|earlier|previous", re.IGNORECASE)


def message_of(answer: Answer) -> str:
    """WeChat Pay's words, cut where they grow long."""
    return str(answer.said.get("message", ""))[:200]


def says_no(answer: Answer) -> bool:
    """Whether the status is that of a no; a 429 or a 5xx never is, whatever its code."""
    return 400 <= answer.status < 500 and answer.status != 429


def is_final(answer: Answer) -> bool:
    """Whether the answer is a no that we understand."""
    return says_no(answer) and answer.code in CAUSES


def was_used(answer: Answer) -> bool:
    """Whether an INVALID_REQUEST says that the number stands for something else."""
    return _USED.search(message_of(answer)) is not None


def cause_of(answer: Answer) -> Cause:
    """The cause of a refusal."""
    if answer.code != "INVALID_REQUEST":
        return CAUSES[answer.code]
    message = message_of(answer)
    if _RISK.search(message):
        return Cause.RISK_CONTROL
    if _TOO_SOON.search(message):
        return Cause.TOO_SOON
    return Cause.OVER_LIMIT if _OVER.search(message) else Cause.OTHER


def unknown(key: str, answer: Answer) -> Unknown:
    """No outcome."""
    log.warning("refund %s: WeChat Pay answers %s %s (%s)", key, answer.status, answer.code, answer.request_id)
    told: dict[str, Any] = {"status": answer.status, "channel_code": answer.code, "request_id": answer.request_id}
    return Unknown(f"WeChat Pay answers {answer.status} {answer.code}: that is no outcome.", key=key, **told)


def rejected(key: str, answer: Answer, cause: Cause, words: str = "") -> Rejected:
    """A final no, in WeChat Pay's words unless others are given."""
    log.warning("refund %s: refused with %s %s (%s)", key, answer.status, answer.code, answer.request_id)
    told: dict[str, Any] = {"channel_code": answer.code, "request_id": answer.request_id}
    said = words or message_of(answer) or answer.code
    return Rejected(f"WeChat Pay refuses the refund: {said}", cause=cause, later=cause in LATER, key=key, **told)
