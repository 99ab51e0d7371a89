"""Our WeChat Pay: the protocol with real signatures, books with money in them, faults on a script, and the truth on another port.

WeChat Pay offers no test environment, so this is ours. It runs on loopback only, with keys of its own, and belongs to development:
nothing that is deployed may import it.

In a test::

    with Sandbox() as sandbox:
        channel = build(sandbox.settings(notify_url))
        sandbox.pay("4200000000202611200000000001", 9950)
        sandbox.fault(Fault(At.CREATE, Kind.HANG))
        ...
        assert sandbox.truth()["total"]["executed"] == 1990

As a process: ``python -m infra.local.sandbox --port 0 --truth-port 0 --data DIR``; its first line on stdout is a JSON object with
``base_url``, ``truth_url``, ``mchid`` and the folder of the ``keys``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from infra.local.sandbox.book import Book
from infra.local.sandbox.fault import At, Fault, Kind, Script
from infra.local.sandbox.keys import Keys, LooksReal
from infra.local.sandbox.notify import Notifier
from infra.local.sandbox.server import Server
from infra.local.sandbox.truth import TruthPort, truth_of
from infra.local.sandbox.wechatpay import Reply, WechatPay

__all__ = ["At", "Fault", "Keys", "Kind", "LooksReal", "Sandbox"]


class Sandbox:
    """The provider, in this process. ``start`` and ``stop`` it, or use it as a context manager.

    ``data_dir`` keeps keys and books across restarts; without it both are gone at the end. ``delay_s``: how long a refund is in
    processing (0: it is done when it is accepted). ``gap_s``: the least time between two refunds of one payment, for which
    WeChat Pay asks for 60. ``retry_scale``: a factor on the schedule of notices. Raises LooksReal for keys, hosts or surroundings
    that could be production.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        truth_port: int = 0,
        keys: Keys | None = None,
        delay_s: float = 0.0,
        gap_s: float = 60.0,
        retry_scale: float = 1.0,
    ) -> None:
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            raise LooksReal("the sandbox does not run in the cloud")
        # The ports first: a host that is refused, or a port that is taken, leaves nothing behind.
        self._api = Server("sandbox-api", host, port, self._answer)
        self._truth = Server("sandbox-truth", host, truth_port, TruthPort(self).answer)
        self.keys = keys or (Keys.at(data_dir / "keys") if data_dir is not None else Keys.fresh())
        self.keys.check()
        self.offset_s = 0.0
        self.book = Book(data_dir / "book.sqlite" if data_dir is not None else None, self.now, delay_s, gap_s)
        self.offset_s = self.book.setting("clock_offset_s") or 0.0
        self.script = Script()
        self.notifier = Notifier(self.book, self.keys, self.script, retry_scale)
        self.provider = WechatPay(self.book, self.keys, self.script, self.notifier)

    # --- life -------------------------------------------------------------------------------------------------------------
    def start(self) -> Self:
        """Answer on both ports and deliver notices."""
        self._api.start()
        self._truth.start()
        self.notifier.start()
        return self

    def stop(self) -> None:
        """End both ports and the notices, and close the books."""
        self._api.stop()
        self._truth.stop()
        self.notifier.stop()
        self.book.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        return self.provider.answer(method, path, headers, body)

    @property
    def base_url(self) -> str:
        """Where WeChat Pay's API is."""
        return self._api.url

    @property
    def truth_url(self) -> str:
        """Where the truth and the levers are."""
        return self._truth.url

    def settings(self, notify_url: str = "") -> dict[str, Any]:
        """Settings for ``plugins.wechatpay_refund.build``."""
        return {**self.keys.settings(), "base_url": self.base_url, "notify_url": notify_url}

    # --- levers -----------------------------------------------------------------------------------------------------------
    def now(self) -> float:
        """The sandbox's own time: seconds since 1970, moved by :meth:`set_clock`. Signatures use the real time."""
        return time.time() + self.offset_s

    def set_clock(self, offset_s: float) -> None:
        """Let the sandbox's time run this far ahead of the real one; what falls due by it happens now."""
        self.book.set("clock_offset_s", float(offset_s))
        self.offset_s = float(offset_s)
        self.notifier.wake()

    def pay(
        self,
        transaction_id: str,
        total: int,
        paid_at: datetime | str | None = None,
        out_trade_no: str = "",
        payer_total: int | None = None,
    ) -> None:
        """A buyer has paid ``total`` fen, of them ``payer_total`` with money and the rest with coupons. ``paid_at``: now, if None.

        The same payment again changes nothing. Raises ValueError for another payment under a known number.
        """
        at = datetime.fromisoformat(paid_at) if isinstance(paid_at, str) else paid_at
        payer = total if payer_total is None else payer_total
        self.book.pay(transaction_id, total, out_trade_no or f"T{transaction_id}", payer, at.timestamp() if at else self.now())

    def fault(self, *faults: Fault) -> None:
        """Append to the script of what goes wrong."""
        self.script.add(*faults)

    def top_up(self, minor: int) -> None:
        """Put money on the merchant's account."""
        self.book.fund((self.book.setting("balance") or 0) + minor)

    def adjust(self, delay_s: float | None = None, gap_s: float | None = None) -> None:
        """Change how long refunds take and how far apart they must be, for the refunds to come."""
        self.book.delay_s = self.book.delay_s if delay_s is None else float(delay_s)
        self.book.gap_s = self.book.gap_s if gap_s is None else float(gap_s)

    def notice_of(self, out_refund_no: str, minor: int | None = None, fault: Kind | None = None) -> tuple[dict[str, str], bytes]:
        """Headers (lower-case, as a web server hands them on) and body of a genuine notice, not delivered to anyone."""
        refund = self.book.find(out_refund_no)
        if refund is None:
            raise ValueError(f"there is no refund {out_refund_no}")
        headers, body = self.notifier.made(refund, minor, fault)
        return {name.lower(): value for name, value in headers.items()}, body

    def resend(self, out_refund_no: str) -> None:
        """Deliver the notices about a refund once more, now, acknowledged or not."""
        for notice in self.book.rows("select * from notice where out_refund_no = ?", out_refund_no):
            self.book.put_notice({**notice, "state": "pending", "next_at": self.now()})
        self.notifier.wake()

    def truth(self) -> dict[str, Any]:
        """What really was paid; see :func:`infra.local.sandbox.truth.truth_of`."""
        return truth_of(self)
