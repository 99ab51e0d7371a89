"""Poison: one record or one plugin that breaks in a way nobody foresaw stops nothing else, and is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from aftersales.channel import RefundOrder, RefundReceipt
from aftersales.refund import Cause
from aftersales.testing.channel import FakeChannel, Outcome
from functions import follow, sweep
from tests.mall import Mall


class Broken(FakeChannel):
    """A channel with a defect: it raises what no port allows, until it is mended."""

    mended = False

    def refund(self, order: RefundOrder) -> RefundReceipt:
        """What the fake does, once mended."""
        if not self.mended:
            raise KeyError("refund_id")
        return super().refund(order)

    def find(self, order: RefundOrder) -> RefundReceipt | None:
        """The same."""
        if not self.mended:
            raise KeyError("refund_id")
        return super().find(order)


def broken(mall: Mall) -> tuple[Broken, str]:
    """A claim that is approved while the channel has a defect; the channel and the case's id."""
    channel = Broken()
    mall.registry.put("channel:wechatpay", channel)
    case = mall.claim()
    mall.pump()
    return channel, case["case_id"]


def test_a_channel_that_breaks_gave_no_answer(mall: Mall) -> None:
    """The money may have moved: the refund counts as sent, is looked after ever more rarely, and is paid once it works again."""
    channel, case_id = broken(mall)
    assert mall.case(case_id)["refunds"][0]["state"] == "sent"
    mall.wait(hours=1)
    channel.mended = True
    mall.wait(hours=6)
    assert mall.case(case_id)["ending"] == "refunded"
    assert channel.truth == {f"R{case_id}-1": 1990}


def test_a_channel_that_stays_broken_is_told_after_48_hours(mall: Mall) -> None:
    """A defect is not left to the log: the case says that its refund is overdue."""
    _, case_id = broken(mall)
    mall.wait(hours=49)
    assert mall.case(case_id)["refunds"][0]["overdue"]


def test_one_broken_record_does_not_hold_up_the_others_of_a_sweep(mall: Mall) -> None:
    """A case whose trade breaks stays due and is counted; every other due case is advanced in the same sweep."""
    first, second = mall.claim(submit=False), mall.claim(submit=False)

    class Halting:
        def __getattr__(self, name: str) -> Any:
            return getattr(mall.store, name)

        def case(self, case_id: str) -> Any:
            if case_id == first["case_id"]:
                raise ValueError("an item nobody can read")
            return mall.store.case(case_id)

    mall.registry.put("store", Halting())
    mall.clock.move(timedelta(days=31))
    tally = sweep.sweep(mall.registry)
    assert (tally.advanced, tally.failed) == (1, 1)
    assert mall.store.case(second["case_id"]).case.ending == "lapsed"


def test_one_broken_record_does_not_hold_up_the_others_of_a_stream(mall: Mall) -> None:
    """A record that cannot be read is sent again alone; the rest of its batch is worked off."""
    case = mall.claim()

    class Picky:
        def seen(self, record: Mapping[str, Any]) -> Any:
            if record["dynamodb"].get("SequenceNumber") == "bad":
                raise ValueError("an image nobody can read")
            return mall.store.seen(record)

    mall.registry.put("stream", Picky())
    bad = {"dynamodb": {"SequenceNumber": "bad", "NewImage": {}}}
    assert follow.follow(mall.registry, [bad, *mall.store.records]) == ["bad"]
    assert mall.queue.receive(follow.PHOTO_QUEUE), case["case_id"]


def test_a_channel_that_is_short_of_money_is_asked_ever_more_rarely(mall: Mall) -> None:
    """A merchant without money for a day is asked a few dozen times, not every minute, and paid out once there is some."""
    mall.channel.otherwise = Cause.NOT_ENOUGH
    case = mall.claim()
    mall.pump()
    for _ in range(24 * 60):
        mall.clock.move(timedelta(minutes=1))
        sweep.poll_refunds(mall.registry)
    mall.pump()
    assert len(mall.channel.calls) < 20
    mall.channel.otherwise = Outcome.SUCCESS
    mall.wait(hours=6)
    assert mall.case(case["case_id"])["ending"] == "refunded"


def test_a_schedule_that_left_something_fails_after_all_the_rest() -> None:
    """What could not be advanced fails the schedule, so that an alarm hears it; a clean sweep is no failure."""
    sweep.Tally(read=3, advanced=3).complete()
    with pytest.raises(sweep.SweepIncomplete) as told:
        sweep.Tally(read=3, advanced=2, failed=1).complete()
    assert told.value.details == {"failed": 1, "advanced": 2}
