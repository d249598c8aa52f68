"""schedule: every due instant starts one execution, however many clocks look at it.

What is due stands in a table and is read anew each time, so no chain of timers can break. Of the instants
that passed while no clock ran, the latest starts one execution that says how many it stands for.
"""

from datetime import datetime

from revolution_hub.bus.instants import Due, catch_up, timing_of
from revolution_hub.engine.keys import OWN_KEY, keyed_by
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Change, Fire
from revolution_hub.model.execution import Execution
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.time import rfc3339
from revolution_hub.store.schedules import StoredSchedule, list_due
from revolution_hub.store.submit import submit_all

BATCH = 100
MOST_BATCHES = 20
"""So many batches are fired in one go; what is left over is found by the next call."""


def fire_due(hub: Hub) -> int:
    """Start an execution for every schedule that is due, and wake workers; returns how many were started.

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
    changes: list[Change] = []
    for schedule in due:
        try:
            changes.append(_change(schedule, now))
        except Exception as error:
            error.add_note(f"the schedule {schedule.id} of the workflow {schedule.workflow_id}")
            errors.append(error)
    outcomes = submit_all(hub.store, changes)
    errors += [one for one in outcomes if isinstance(one, BaseException)]
    return sum(isinstance(one, Applied) for one in outcomes)


def _change(schedule: StoredSchedule, now: datetime) -> Fire:
    due = catch_up(timing_of(schedule.settings), schedule.next_at, now)
    return Fire(
        execution=_execution(schedule, due, now),
        schedule_id=schedule.id,
        basis=schedule.next_at,
        due_at=due.at,
        next_at=due.next_at,
    )


def _execution(schedule: StoredSchedule, due: Due, now: datetime) -> Execution:
    at, fired_at = rfc3339(due.at), rfc3339(now)
    execution = Execution(
        id=new_id("exe"),
        tenant_id=schedule.tenant_id,
        workflow_id=schedule.workflow_id,
        version=schedule.version,
        status=ExecutionStatus.QUEUED,
        trigger={
            "kind": "schedule",
            "received_at": fired_at,
            "data": {"due_at": at, "fired_at": fired_at, "missed": due.missed},
        },
        idempotency_key=f"{OWN_KEY}schedule:{schedule.id}:{at}",
        created_at=now,
    )
    return keyed_by(execution, schedule.settings)
