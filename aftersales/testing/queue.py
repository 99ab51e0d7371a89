"""FakeQueue, jobs in memory, and the kit every JobQueue passes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from threading import Lock

from aftersales.ports import Job, JobQueue


class FakeQueue:
    """Jobs of all queues in memory. A received job stays away until :meth:`expire`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._waiting: dict[str, dict[str, Job]] = {}
        self._leased: dict[str, dict[str, Job]] = {}

    def send(self, queue: str, body: Mapping[str, str]) -> None:
        """Hand in a job."""
        with self._lock:
            receipt = str(next(self._numbers))
            self._waiting.setdefault(queue, {})[receipt] = Job(dict(body), receipt)

    def receive(self, queue: str, limit: int = 10) -> tuple[Job, ...]:
        """The oldest jobs nobody else sees."""
        with self._lock:
            waiting = self._waiting.get(queue, {})
            taken = {receipt: waiting.pop(receipt) for receipt in list(waiting)[:limit]}
            self._leased.setdefault(queue, {}).update(taken)
        return tuple(taken.values())

    def done(self, queue: str, job: Job) -> None:
        """The job is finished and never comes back."""
        with self._lock:
            self._leased.get(queue, {}).pop(job.receipt, None)
            self._waiting.get(queue, {}).pop(job.receipt, None)

    def expire(self) -> None:
        """Let the visibility time of all received jobs pass: they come back."""
        with self._lock:
            for queue, leased in self._leased.items():
                self._waiting[queue] = {**leased, **self._waiting.get(queue, {})}
                leased.clear()


class QueueContract:
    """What every JobQueue keeps. A subclass gives the fixture ``queue``, empty, and :meth:`expire`."""

    def expire(self, queue: JobQueue) -> None:
        """Let the visibility time pass."""
        raise NotImplementedError

    def drained(self, queue: JobQueue, name: str, looks: int = 5) -> list[Job]:
        """All jobs that can be received now; a queue may hand them out in several goes."""
        return [job for _ in range(looks) for job in queue.receive(name)]

    def test_a_job_arrives_as_it_was_sent(self, queue: JobQueue) -> None:
        """What is received is what was handed in, Chinese included."""
        queue.send("verify", {"case_id": "c1", "note": "草莓坏了"})
        assert [j.body for j in self.drained(queue, "verify")] == [{"case_id": "c1", "note": "草莓坏了"}]

    def test_queues_are_apart(self, queue: JobQueue) -> None:
        """A job of one queue never shows in another."""
        queue.send("verify", {"case_id": "c1"})
        assert self.drained(queue, "refund") == []
        assert len(self.drained(queue, "verify")) == 1

    def test_a_received_job_is_hidden(self, queue: JobQueue) -> None:
        """During the visibility time nobody else gets the job."""
        queue.send("verify", {"case_id": "c1"})
        assert len(self.drained(queue, "verify")) == 1
        assert self.drained(queue, "verify") == []

    def test_an_unfinished_job_comes_back(self, queue: JobQueue) -> None:
        """A job that nobody finished is handed out again, with the same body."""
        queue.send("verify", {"case_id": "c1"})
        (first,) = self.drained(queue, "verify")
        self.expire(queue)
        (again,) = self.drained(queue, "verify")
        assert again.body == first.body

    def test_a_finished_job_never_comes_back(self, queue: JobQueue) -> None:
        """``done`` ends a job; the others come back."""
        queue.send("verify", {"case_id": "c1"})
        queue.send("verify", {"case_id": "c2"})
        for job in self.drained(queue, "verify"):
            if job.body["case_id"] == "c1":
                queue.done("verify", job)
        self.expire(queue)
        assert [j.body["case_id"] for j in self.drained(queue, "verify")] == ["c2"]

    def test_no_more_than_the_limit(self, queue: JobQueue) -> None:
        """One call never hands out more jobs than asked for, and none is lost."""
        for number in range(5):
            queue.send("verify", {"n": str(number)})
        assert len(queue.receive("verify", limit=2)) <= 2
        self.expire(queue)
        assert sorted(j.body["n"] for j in self.drained(queue, "verify")) == ["0", "1", "2", "3", "4"]
