"""schedule: every due instant starts one execution, however many clocks look at it.

What is due stands in a table and is read anew each time, so no chain of timers can break. What becomes of
the instants that passed while no clock ran, and of those that meet an earlier execution, the schedule says.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.bus.instants import Timing, timing_of
from revolution_hub.bus.missed import Stretch, wakes_at, what_is_due
from revolution_hub.bus.quota import count_anyway, require_quota
from revolution_hub.engine.keys import OWN_KEY, keyed_by
from revolution_hub.errors import LimitError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Fire, Firing
from revolution_hub.model.execution import Execution
from revolution_hub.model.fire import FireStatus, Reason, StoredFire
from revolution_hub.model.ids import new_id
from revolution_hub.model.schedule import Overlap
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.model.time import rfc3339
from revolution_hub.store.overlaps import line_of
from revolution_hub.store.schedules import StoredSchedule, list_due
from revolution_hub.store.submit import submit_all

BATCH = 100
MOST_BATCHES = 20
"""So many batches are fired in one go; what is left over is found by the next call."""


def fire_due(hub: Hub) -> int:
    """Start an execution for every instant that is due, and wake workers; returns how many were started.

    A schedule that cannot be fired keeps none of the others from it: its error is raised at the end.
    """
    now = hub.now()
    fired, errors = 0, list[BaseException]()
    behind: StoredSchedule | None = None
    for _ in range(MOST_BATCHES):
        due = list_due(hub.store, now, BATCH, behind)
        fired += _fire(hub, due, now, errors)
        if len(due) < BATCH:
            break
        behind = due[-1]
    if fired:
        hub.wake()
    if errors:
        raise errors[0]
    return fired


def _fire(hub: Hub, due: list[StoredSchedule], now: datetime, errors: list[BaseException]) -> int:
    changes: list[Fire] = []
    for schedule in due:
        try:
            changes.append(_within_quota(hub, schedule, look_at(schedule, now)))
        except Exception as error:
            error.add_note(f"the schedule {schedule.id} of the workflow {schedule.workflow_id}")
            errors.append(error)
    outcomes = submit_all(hub.store, changes)
    errors += [one for one in outcomes if isinstance(one, BaseException)]
    return sum(len(one.execution_ids) for one in outcomes if isinstance(one, Applied))


def _within_quota(hub: Hub, schedule: StoredSchedule, change: Fire) -> Fire:
    """Return what is done about a schedule: nothing is fired if its tenant has used up what it may begin."""
    if not change.firings:
        return change
    try:
        require_quota(hub, schedule.tenant_id)
    except LimitError:
        instants = [one.fire.instant for one in change.firings]
        first = instants[0] if change.passed is None else change.passed.instant
        count = len(instants) + (0 if change.passed is None else change.passed.count)
        passed = Stretch(first=first, last=instants[-1], count=count, reason=Reason.QUOTA)
        return replace(change, firings=(), passed=passed_of(schedule, passed, change.at))
    for _ in change.firings[1:]:
        count_anyway(hub, schedule.tenant_id)
    return change


def look_at(schedule: StoredSchedule, now: datetime) -> Fire:
    """Return what a clock that comes to a schedule at a moment does about it."""
    timing = timing_of(schedule.settings)
    due = what_is_due(timing, schedule.id, schedule.next_at, now, schedule.last_at)
    started = Started(now=now, missed=due.stands_for)
    last = due.fired[-1] if due.fired else due.passed.last if due.passed else schedule.next_at
    return Fire(
        tenant_id=schedule.tenant_id,
        schedule_id=schedule.id,
        version=schedule.version,
        basis=schedule.next_at,
        next_at=due.next_at or last,
        wake_at=None if due.next_at is None else wakes_at(timing, schedule.id, due.next_at),
        at=now,
        overlap=timing.schedule.overlap,
        firings=tuple(firing_of(schedule, timing, instant, started) for instant in due.fired),
        passed=None if due.passed is None else passed_of(schedule, due.passed, now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """How an instant is fired: when, for how many missed ones it stands, and by whose backfill, if any.

    `round` is 0 the first time an instant is fired, and `again` says that it was fired before.
    """

    now: datetime
    missed: int = 0
    backfilled_by: str | None = None
    round: int = 0
    again: bool = False


def firing_of(schedule: StoredSchedule, timing: Timing, instant: datetime, how: Started) -> Firing:
    """Return an instant with the execution it is to start."""
    fire = StoredFire(
        id=new_id("fir"),
        tenant_id=schedule.tenant_id,
        schedule_id=schedule.id,
        workflow_id=schedule.workflow_id,
        version=schedule.version,
        instant=instant,
        until=instant,
        count=1,
        round=how.round,
        status=FireStatus.FIRED,
        fired_at=how.now,
        execution_id=new_id("exe"),
        backfilled_by=how.backfilled_by,
    )
    return Firing(fire=fire, execution=_in_line(_execution(schedule, fire, how), schedule, timing))


def passed_of(schedule: StoredSchedule, passed: Stretch, now: datetime) -> StoredFire:
    """Return the record of instants that start nothing."""
    return StoredFire(
        id=new_id("fir"),
        tenant_id=schedule.tenant_id,
        schedule_id=schedule.id,
        workflow_id=schedule.workflow_id,
        version=schedule.version,
        instant=passed.first,
        until=passed.last,
        count=passed.count,
        round=0,
        status=FireStatus.SKIPPED,
        reason=passed.reason,
        fired_at=now,
    )


def _execution(schedule: StoredSchedule, fire: StoredFire, how: Started) -> Execution:
    at, fired_at = rfc3339(fire.instant), rfc3339(how.now)
    key = f"{OWN_KEY}schedule:{schedule.id}:{at}"
    execution = Execution(
        id=str(fire.execution_id),
        tenant_id=schedule.tenant_id,
        workflow_id=schedule.workflow_id,
        version=schedule.version,
        status=ExecutionStatus.QUEUED,
        trigger={
            "kind": "schedule",
            "received_at": fired_at,
            "data": {
                "due_at": at,
                "fired_at": fired_at,
                "missed": how.missed,
                "backfill": how.backfilled_by is not None,
            },
        },
        idempotency_key=f"{key}:{fire.id}" if how.again else key,
        started_by=how.backfilled_by,
        created_at=how.now,
    )
    return keyed_by(execution, schedule.settings)


def _in_line(execution: Execution, schedule: StoredSchedule, timing: Timing) -> Execution:
    """Return an execution of a schedule that says what happens when two of them meet: one comes in at a time.

    Which of them come at all is for whoever stores them to say.
    """
    if timing.schedule.overlap is Overlap.ALLOW or execution.ended or execution.turn_key is not None:
        return execution
    return replace(
        execution,
        status=ExecutionStatus.WAITING,
        wait_reason=WaitReason.TURN,
        turn_key=line_of(schedule.id),
        turn_limit=1,
        turn_skip=False,
    )
