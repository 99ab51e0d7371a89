"""The file of a clearing day: it comes inside a signed answer, packed twice, so that the signature covers every byte of it.

Source: UnionPay open platform, file transfer (txnType 76): base64 of a zlib stream of a ZIP. When it is made, and whether a day
without transactions has one, is not documented: from noon of the next day on, "no such file" means that there were none.
"""

from __future__ import annotations

import base64
import binascii
import logging
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from aftersales.errors import Unknown
from aftersales.refund import BEIJING
from plugins.unionpay_refund.receipt import DONE
from plugins.unionpay_refund.setting import Setting
from plugins.unionpay_refund.wire import Wire

log = logging.getLogger(__name__)

#: The answer to "no such file".
NO_FILE = "98"

#: From this hour of the next day on it means that nothing was cleared.
FINAL_HOUR = 12

#: The answer with its packed file, and the ZIP in it.
LARGEST = 1 << 26
LARGEST_ZIP = 1 << 28


def download(wire: Wire, setting: Setting, settled: date, into: Path, now: Callable[[], float]) -> Path | None:
    """The ZIP of a clearing day in the folder ``into``; None when nothing was cleared. Raises Unknown while it cannot be had."""
    said = wire.call("/", _fields(settled, now()), host=setting.file_url, largest=LARGEST)
    code = said.get("respCode", "")
    if code == NO_FILE and now() >= _final(settled):
        return None
    if code not in DONE:
        log.warning("the file of %s is not to be had: %s", settled, code)
        raise _not_had(settled, f"UnionPay answers {code}", channel_code=code)
    if said.get("merId") != setting.mer_id or said.get("settleDate", f"{settled:%m%d}") != f"{settled:%m%d}":
        raise _not_had(settled, "the answer is about another merchant or day")
    path = into / f"unionpay-{settled.isoformat()}.zip"
    draft = path.with_suffix(".part")
    try:
        draft.write_bytes(_unpacked(said.get("fileContent", ""), settled))
        _check(draft, settled)
        return draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _fields(settled: date, now_s: float) -> dict[str, str]:
    at = datetime.fromtimestamp(now_s, BEIJING).strftime("%Y%m%d%H%M%S")
    kind = {"txnType": "76", "txnSubType": "01", "bizType": "000000", "fileType": "00"}
    return {**kind, "settleDate": f"{settled:%m%d}", "txnTime": at}


def _final(settled: date) -> float:
    return (datetime(settled.year, settled.month, settled.day, FINAL_HOUR, tzinfo=BEIJING) + timedelta(days=1)).timestamp()


def _unpacked(content: str, settled: date) -> bytes:
    try:
        stream = zlib.decompressobj()
        found = stream.decompress(base64.b64decode(content, validate=True), LARGEST_ZIP)
    except (binascii.Error, zlib.error) as error:
        raise _not_had(settled, "the file is damaged") from error
    if not stream.eof:
        raise _not_had(settled, "the file is cut or too large")
    return found


def _check(file: Path, settled: date) -> None:
    try:
        with ZipFile(file) as packed:
            broken = packed.testzip()
    except (BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:  # the last: it is encrypted
        raise _not_had(settled, "the file is no ZIP") from error
    if broken is not None:
        raise _not_had(settled, "the ZIP is damaged")


def _not_had(settled: date, why: str, **details: object) -> Unknown:
    message = f"The file of {settled.isoformat()} cannot be had: {why}."
    return Unknown(message, todo="Try again later.", day=settled.isoformat(), **details)
