"""Fire: what became of one instant of a schedule, or of several that follow one another."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FireStatus(StrEnum):
    """Whether an instant has started an execution."""

    FIRED = "fired"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why an instant has started none."""

    MISSED = "missed"
    TOO_LATE = "too_late"
    OVER_CAP = "over_cap"
    PAUSED = "paused"
    OVERLAP = "overlap"
    DUPLICATE = "duplicate"
    QUOTA = "quota"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFire:
    """One instant of a schedule and the execution it has started, or why it has started none.

    What was skipped for the same reason in one go is a single record, of the instants from `instant` to
    `until`. `fired_at` is when that was decided. A `round` above 0 comes after another record of the
    same instant; `backfilled_by` says who asked for it, None if a clock came to it.
    `execution_id` of a duplicate is the execution that was there before.
    """

    id: str
    tenant_id: str
    schedule_id: str
    workflow_id: str
    version: int
    instant: datetime
    until: datetime
    count: int
    round: int
    status: FireStatus
    fired_at: datetime
    reason: Reason | None = None
    execution_id: str | None = None
    backfilled_by: str | None = None
