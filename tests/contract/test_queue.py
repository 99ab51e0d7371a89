import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aftersales.errors import BadSettings
from aftersales.ports import JobQueue
from aftersales.testing.queue import FakeQueue, QueueContract
from plugins.local_queue import build as build_local
from plugins.local_queue.queue import LocalQueue
from plugins.sqs_queue import build as build_sqs
from plugins.sqs_queue.queue import SqsQueue


class TestFake(QueueContract):
    """The fake that use cases are tested with."""

    @pytest.fixture
    def queue(self) -> JobQueue:
        """Jobs in memory."""
        return FakeQueue()

    def expire(self, queue: Any) -> None:
        """By hand."""
        queue.expire()


class TestLocal(QueueContract):
    """Jobs in a SQLite file, as `make run` has them."""

    @pytest.fixture
    def queue(self, tmp_path: Path) -> LocalQueue:
        """A file that is not there yet."""
        return build_local({"file": str(tmp_path / "new" / "jobs.sqlite"), "visibility_s": "3600"})

    def expire(self, queue: Any) -> None:
        """Set every lease back by the visibility time."""
        with closing(sqlite3.connect(queue._file)) as db, db:
            db.execute("UPDATE jobs SET visible_at = visible_at - 3600")

    def test_jobs_outlive_the_process(self, queue: LocalQueue) -> None:
        """What another process sent and then died is received here."""
        script = (
            "import os, sys; from plugins.local_queue import build;"
            "build({'file': sys.argv[1]}).send('verify', {'n': '1'}); os.kill(os.getpid(), 9)"
        )
        assert subprocess.run([sys.executable, "-c", script, str(queue._file)], check=False).returncode == -9
        assert [j.body for j in queue.receive("verify")] == [{"n": "1"}]

    def test_several_processes_share_jobs_without_loss_or_double(self, queue: LocalQueue) -> None:
        """Three processes take fifty jobs while they are being sent: each job is done once."""
        script = (
            "import sys, time; from plugins.local_queue import build; q = build({'file': sys.argv[1], 'visibility_s': 3600})\n"
            "end = time.monotonic() + 20\n"
            "while time.monotonic() < end:\n"
            "    for job in q.receive('verify', 1):\n"
            "        if job.body['n'] == 'stop': sys.exit(q.done('verify', job))\n"
            "        print(job.body['n'], flush=True); q.done('verify', job)\n"
        )
        command = [sys.executable, "-c", script, str(queue._file)]
        workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: queue.send("verify", {"n": str(n)}), range(50)))
        for _ in workers:
            queue.send("verify", {"n": "stop"})
        done = [line for worker in workers for line in worker.communicate(timeout=30)[0].split()]
        left = [job.body["n"] for job in self.drained(queue, "verify")]
        assert sorted(n for n in done + left if n != "stop") == sorted(map(str, range(50)))

    def test_a_lease_ends_by_itself(self, tmp_path: Path) -> None:
        """After the visibility time the job is there again, without anybody's doing."""
        queue = build_local({"file": str(tmp_path / "jobs.sqlite"), "visibility_s": 0.05})
        queue.send("verify", {"n": "1"})
        assert len(queue.receive("verify")) == 1
        time.sleep(0.06)
        assert len(queue.receive("verify")) == 1

    def test_settings_are_checked_at_once(self) -> None:
        """Without a file nothing is built."""
        with pytest.raises(BadSettings):
            build_local({})


class TestSqs(QueueContract):
    """SQS, on moto."""

    @pytest.fixture
    def queue(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqsQueue]:
        """Two empty queues, as infrastructure makes them."""
        from moto import mock_aws

        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with mock_aws():
            queue = build_sqs({"prefix": "test-", "region": "us-east-1"})
            for name in ("verify", "refund"):
                queue.client.create_queue(QueueName=f"test-{name}", Attributes={"VisibilityTimeout": "3600"})
            self.seen: list[str] = []
            queue.client.meta.events.register("after-call.sqs.ReceiveMessage", self._note)
            yield queue

    def _note(self, parsed: dict[str, Any], **_: object) -> None:
        self.seen += [message["ReceiptHandle"] for message in parsed.get("Messages", [])]

    def expire(self, queue: Any) -> None:
        """Make every message that was received visible again."""
        for receipt in self.seen:
            try:
                queue.client.change_message_visibility(QueueUrl=queue._url("verify"), ReceiptHandle=receipt, VisibilityTimeout=0)
            except queue.client.exceptions.ClientError:
                continue  # it was finished
