"""A day's trade bill: asked for, fetched while its address lives, and held against its checksum.

Source: WeChat Pay APIv3 documentation, bills (2024-12): a bill is made from nine in the morning of the next day and is there at
ten; the address lives five minutes and wants a signed request; the file comes unsigned, its SHA-1 is of the unpacked text.
"""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from aftersales.errors import Invalid, Unknown
from plugins.wechatpay_refund.bill import sha1_of_text
from plugins.wechatpay_refund.setting import is_safe
from plugins.wechatpay_refund.wire import Wire

log = logging.getLogger(__name__)

BILL = "/v3/bill/tradebill"

#: A bill of some millions of rows, packed.
LARGEST = 1 << 30


def download(wire: Wire, day: date, into: Path) -> Path | None:
    """The packed bill of the day's refunds in the folder ``into``; None when there were none.

    Raises Unknown while it is not ready, and for a file that cannot be had or does not fit its checksum; nothing is left then.
    """
    query = {"bill_date": day.isoformat(), "bill_type": "REFUND", "tar_type": "GZIP"}
    answer = wire.call("GET", f"{BILL}?{urlencode(query)}")
    if (answer.status, answer.code) == (400, "NO_STATEMENT_EXIST"):
        return None
    if answer.status >= 300:
        log.warning("the bill of %s is not to be had: %s %s (%s)", day, answer.status, answer.code, answer.request_id)
        raise _not_had(day, f"WeChat Pay answers {answer.status} {answer.code}", channel_code=answer.code)
    url, checksum = answer.said.get("download_url"), answer.said.get("hash_value")
    if answer.said.get("hash_type") != "SHA1" or not isinstance(checksum, str) or not isinstance(url, str) or not is_safe(url):
        raise _not_had(day, "WeChat Pay's answer names no address and checksum that can be used")
    path = into / f"wechatpay-refund-{day.isoformat()}.csv.gz"
    draft = path.with_suffix(".part")
    try:
        wire.download(url, draft, LARGEST)
        _check(draft, checksum, day)
        return draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check(file: Path, checksum: str, day: date) -> None:
    try:
        found = sha1_of_text(file)
    except Invalid as error:
        raise _not_had(day, "the file is cut or damaged") from error
    if found != checksum.lower():
        log.error("the bill of %s does not fit its checksum", day)
        raise _not_had(day, "the file does not fit its checksum", expected=checksum[:40], found=found)


def _not_had(day: date, why: str, **details: object) -> Unknown:
    return Unknown(f"The bill of {day.isoformat()} cannot be had: {why}.", todo="Try again later.", day=day.isoformat(), **details)
