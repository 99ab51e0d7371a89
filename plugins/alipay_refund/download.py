"""A day's trade bill: asked for, fetched within the half minute its address lasts, and unpacked once to see that it is whole.

Source: Alipay open platform, ``alipay.data.dataservice.bill.downloadurl.query`` (read 2026-11): the bill of a day is made by nine
in the morning of the next, sometimes later; the address is valid for 30 seconds; the file has no checksum but those in the ZIP.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import BadZipFile, ZipFile

from aftersales.errors import Unknown
from aftersales.refund import BEIJING
from plugins.alipay_refund.code import NO_BILL
from plugins.alipay_refund.setting import Setting, is_loopback
from plugins.alipay_refund.wire import Answer, Wire, text_of

log = logging.getLogger(__name__)

BILL = "alipay.data.dataservice.bill.downloadurl.query"

#: A bill of some millions of rows.
LARGEST = 1 << 30

#: From this hour of the next day on, "there is no bill" is believed to mean that nothing was traded.
FINAL_HOUR = 12


def download(wire: Wire, setting: Setting, day: date, into: Path, now: Callable[[], float]) -> Path | None:
    """The ZIP of the day in the folder ``into``; None when nothing was traded. Raises Unknown while it cannot be had."""
    answer = wire.call(BILL, {"bill_type": "trade", "bill_date": day.isoformat()})
    url = answer.said.get("bill_download_url")
    if answer.is_ok and isinstance(url, str):
        return _fetched(wire, setting, _safe(url, setting), into / f"alipay-trade-{day.isoformat()}.zip")
    if answer.sub_code in NO_BILL and _is_final(day, answer, now):
        return None
    log.warning("the bill of %s is not to be had: %s %s", day, answer.code, answer.sub_code)
    raise Unknown(f"Alipay has no bill of {day.isoformat()} yet: {answer.code} {answer.sub_code}.", day=day.isoformat())


def _is_final(day: date, answer: Answer, now: Callable[[], float]) -> bool:
    """Whether a bill that is not there by now is none: Alipay has one word for "not yet" and "nothing traded".

    The clock of its answer decides, which in the sandbox is one that can be moved.
    """
    at = answer.at if answer.at is not None else now()
    ready = datetime(day.year, day.month, day.day, FINAL_HOUR, tzinfo=BEIJING) + timedelta(days=1)
    return at >= ready.timestamp()


def _safe(url: str, setting: Setting) -> str:
    """The address, by HTTPS: Alipay gives plain HTTP ones out too. Only a sandbox on this machine is asked as it says."""
    to = urlsplit(url)
    if is_loopback(setting.base_url) and is_loopback(url):
        return url
    if to.scheme not in ("http", "https") or not to.hostname:
        raise Unknown("Alipay's address of the bill is none.")
    return to._replace(scheme="https").geturl()


def _fetched(wire: Wire, setting: Setting, url: str, path: Path) -> Path:
    """The whole file, or none at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    try:
        _write(wire, url, draft, time.monotonic() + setting.download_s)
        with ZipFile(draft) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise Unknown("Alipay's bill is damaged.")
        draft.replace(path)
    except (BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise Unknown(f"What came in place of Alipay's bill is no sound ZIP: {text_of({'e': str(error)}, 'e')}") from error
    finally:
        draft.unlink(missing_ok=True)
    return path


def _write(wire: Wire, url: str, draft: Path, until: float) -> None:
    import httpx

    size = 0
    with wire.get(url) as response, draft.open("wb") as file:
        try:
            for part in response.iter_raw():
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("Alipay's bill does not end.")
                file.write(part)
        except httpx.TransportError as error:
            raise Unknown(f"Alipay's bill broke off: {type(error).__name__}.") from error
