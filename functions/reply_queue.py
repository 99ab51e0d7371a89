"""Replies about a shop's queue: how much waits, and with whom."""

from __future__ import annotations

from functions.reply_base import View


class BucketView(View):
    """The open cases of one state: in all, and by what they are counted by."""

    total: int
    late: int
    kind: dict[str, int]
    vertical: dict[str, int]
    evidence: dict[str, int]
    lane: dict[str, int]
    clerk: dict[str, int]


class CountsView(View):
    """How many cases there are in each state that a shop looks after, a moment ago: counting follows what is stored."""

    states: dict[str, BucketView]


class LoadView(View):
    """The cases that one clerk has claimed and not given back, by state."""

    clerk: str
    open: int
    states: dict[str, int]


class WorkloadView(View):
    """Who has how much, most first; ``unclaimed`` wait for a person, and nobody took them."""

    clerks: list[LoadView]
    unclaimed: int
