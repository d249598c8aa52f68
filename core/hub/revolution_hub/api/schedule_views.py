"""What schedules and their instants look like going out."""

from datetime import datetime

from revolution_hub.bus.describe import describe
from revolution_hub.model.fire import StoredFire
from revolution_hub.model.time import rfc3339
from revolution_hub.services.schedules import Listed
from revolution_sdk.types import JsonObject


def schedule_json(listed: Listed) -> JsonObject:
    """A schedule: when it is due and was, what it says, and whether it is paused, over or late."""
    stored, schedule = listed.stored, listed.timing.schedule
    due = stored.wake_at is not None
    return {
        "id": stored.id,
        "workflow_id": stored.workflow_id,
        "workflow": listed.workflow,
        "version": stored.version,
        "position": stored.position,
        "cron": schedule.cron,
        "timezone": schedule.timezone if schedule.every_s is None else None,
        "every_s": schedule.every_s,
        "at": list(schedule.at) or None,
        "description": schedule.description,
        "in_words": describe(schedule),
        "missed": str(schedule.missed),
        "catch_up_s": schedule.catch_up_s,
        "most": schedule.most,
        "overlap": str(schedule.overlap),
        "jitter_s": schedule.jitter_s,
        "next_at": rfc3339(stored.next_at) if due else None,
        "wake_at": _moment(stored.wake_at),
        "last_at": _moment(stored.last_at),
        "last_fired_at": _moment(stored.last_fired_at),
        "lag_s": _lag_s(stored.last_at, stored.last_fired_at),
        "paused": stored.paused_at is not None,
        "paused_at": _moment(stored.paused_at),
        "ended": listed.ended,
        "overdue": listed.overdue,
    }


def fire_json(fire: StoredFire) -> JsonObject:
    """What became of an instant, or of `count` instants up to `until` that follow one another."""
    return {
        "id": fire.id,
        "schedule_id": fire.schedule_id,
        "workflow_id": fire.workflow_id,
        "version": fire.version,
        "due_at": rfc3339(fire.instant),
        "until": rfc3339(fire.until),
        "count": fire.count,
        "status": str(fire.status),
        "reason": str(fire.reason) if fire.reason else None,
        "execution_id": fire.execution_id,
        "fired_at": rfc3339(fire.fired_at),
        "backfilled_by": fire.backfilled_by,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _lag_s(due_at: datetime | None, fired_at: datetime | None) -> float | None:
    return None if due_at is None or fired_at is None else (fired_at - due_at).total_seconds()
