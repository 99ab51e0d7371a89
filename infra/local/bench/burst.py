"""A burst: many refunds at once through several processes, against the sandbox with WeChat Pay's limits in force.

``python -m infra.local.bench.burst`` is one worker: it reads its part as JSON from standard input, and prints what it did. The gate
is the real one on the real engine, and so are the clock and the channel; the provider's own counters say how fast it was called.
"""

from __future__ import annotations

import heapq
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import Any

from aftersales.errors import ChannelBusy, Rejected, Unknown
from aftersales.refund import Refund
from aftersales.registry import Registry
from functions import calls, gate
from infra.local.engine import dynamodb_client
from infra.local.sandbox import Sandbox
from plugins.dynamodb_store.schema import create

Say = Callable[[str], None]

TABLE, CHANNEL = "aftersales-burst", "wechatpay"
MINOR = 1990
#: A refund whose call has no answer is called again after this, under its number.
AGAIN_S = 1.0
LIMIT_S = 900


@dataclass(frozen=True, slots=True)
class BurstCost:
    """``held``: how often a refund was sent away; ``fullest``: the most calls and errors in any second, as the provider counts."""

    count: int
    workers: int
    executed: int
    twice: int
    over: int
    fullest: int
    fullest_errors: int
    held: int
    wall_s: float

    def plain(self) -> dict[str, Any]:
        """The figures."""
        return {**asdict(self), "per_s": self.count / self.wall_s}


def measure_burst(endpoint: str, count: int, say: Say, *, workers: int = 4, threads: int = 8, gated: bool = True) -> BurstCost:
    """Send ``count`` refunds, all due at the same instant, through ``workers`` processes; the provider's limits hold."""
    with closing(dynamodb_client(endpoint)) as client:
        create(client, TABLE)
    with Sandbox(limited=True, gap_s=0, retry_scale=1e6) as sandbox:
        say(f"paying {count} times …")
        for number in range(count):
            sandbox.pay(_payment(number), MINOR)
        settings = {"endpoint": endpoint, "table": TABLE, "channel": sandbox.settings(), "threads": threads, "gated": gated}
        say(f"refunding {count} through {workers} processes …")
        begun = time.monotonic()
        told = _run([{**settings, "numbers": list(range(part, count, workers))} for part in range(workers)])
        wall_s = time.monotonic() - begun
        truth = sandbox.truth()
    refunds, rate = truth["refunds"], truth["calls"]
    by_payment = Counter(refund["transaction_id"] for refund in refunds.values())
    return BurstCost(
        count,
        workers,
        executed=sum(refund["executed"] == MINOR for refund in refunds.values()),
        twice=sum(number > 1 for number in by_payment.values()),
        over=rate["over_limit"],
        fullest=rate["most_calls_per_s"],
        fullest_errors=rate["most_errors_per_s"],
        held=told["held"],
        wall_s=wall_s,
    )


def _run(parts: list[dict[str, Any]]) -> Counter[str]:
    """Let each part be worked off by a process of its own; gives what they did together."""
    command = [sys.executable, "-m", "infra.local.bench.burst"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in parts]
    try:
        for process, part in zip(running, parts, strict=True):
            assert process.stdin
            process.stdin.write(json.dumps(part))
            process.stdin.close()
        done: Counter[str] = Counter()
        for process in running:
            assert process.stdout
            done.update(json.loads(process.stdout.read()))
            if process.wait(LIMIT_S):
                raise RuntimeError(f"a worker ended with {process.returncode}")
        return done
    finally:
        for process in running:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


# --- one worker -------------------------------------------------------------------------------------------------------
class Worker:
    """A part of the refunds, by the instant each may be tried; threads take the first that is due."""

    def __init__(self, part: dict[str, Any]) -> None:
        ports = {"clock": "system_clock", **({"gate": "dynamodb_gate"} if part["gated"] else {})}
        own = {"dynamodb_gate": {"table": part["table"], "endpoint": part["endpoint"]}, "wechatpay_refund": part["channel"]}
        self.registry = Registry({"ports": ports, "channels": {CHANNEL: "wechatpay_refund"}, "settings": own})
        self.counts: Counter[str] = Counter()
        self._due: list[tuple[float, int]] = [(0.0, number) for number in part["numbers"]]
        self._left, self._lock = len(self._due), Lock()

    def work(self) -> None:
        """Call until every refund is accepted."""
        while self._left:
            number = self._next()
            if number is not None:
                self._done(number, *self._call(number))

    def _next(self) -> int | None:
        """The refund that is due first; None after a short wait while none is."""
        with self._lock:
            if self._due and self._due[0][0] <= time.time():
                return heapq.heappop(self._due)[1]
        time.sleep(0.005)
        return None

    def _call(self, number: int) -> tuple[str, float]:
        """What became of one try, and when to try again."""
        try:
            gate.enter(self.registry, CHANNEL)
            calls.send(self.registry, _leg(number))
        except ChannelBusy as busy:
            until = gate.until_of(busy)
            return "held", until.timestamp() if until else time.time() + AGAIN_S
        except (Unknown, Rejected):
            return "unanswered", time.time() + AGAIN_S
        return "accepted", 0.0

    def _done(self, number: int, how: str, again_at: float) -> None:
        with self._lock:
            self.counts[how] += 1
            if how == "accepted":
                self._left -= 1
            else:
                heapq.heappush(self._due, (again_at, number))


def _payment(number: int) -> str:
    return f"42{number:026}"


def _leg(number: int) -> Refund:
    from aftersales.testing.builders import a_refund

    made: Refund = a_refund(
        case_id=f"burst{number}",
        transaction_id=_payment(number),
        payment_minor=MINOR,
        goods_minor=MINOR,
        reserved_at=datetime.now(UTC),
    )
    return made


def main() -> int:
    """One worker, until its part is done."""
    logging.disable(logging.WARNING)  # without a gate, every refusal would be told
    part = json.loads(sys.stdin.read())
    worker = Worker(part)
    threads = [Thread(target=worker.work) for _ in range(part["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(worker.counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
