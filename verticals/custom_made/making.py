"""Making: what was agreed about a piece made to order, and how far it was made when the buyer applied."""

from __future__ import annotations

from enum import StrEnum

from aftersales.order import Line
from aftersales.vertical import Facts

#: Facts that the shop tells about a line.
STARTED, FINISHED = "production_started", "production_finished"


class Stage(StrEnum):
    """How far a line is made. One that was shipped is finished."""

    NOT_STARTED = "not_started"
    STARTED = "started"
    FINISHED = "finished"


def spec(line: Line) -> str:
    """What the buyer asked for, as confirmed when ordering; "" where nothing was agreed."""
    said = line.terms.get("custom_spec")
    return said.strip() if isinstance(said, str) else ""


def made_to_order(line: Line) -> bool:
    """Whether the line is made to the buyer's own wishes: a size from the list is not."""
    return bool(spec(line))


def kept_permille(line: Line) -> int | None:
    """The thousandths of the price that the shop keeps once making has begun, as agreed; None where nothing valid was."""
    share = line.terms.get("cancel_after_start_permille")
    return share if type(share) is int and 0 <= share <= 1000 else None


def stage_of(facts: Facts, line: Line) -> Stage:
    """How far the line was made before the buyer applied. What began at that very instant had not begun."""
    told = {f.name for f in facts.order.facts if f.line_id in (line.line_id, "") and f.at < facts.applied_at}
    if FINISHED in told or facts.order.is_shipped:
        return Stage.FINISHED
    return Stage.STARTED if STARTED in told else Stage.NOT_STARTED
