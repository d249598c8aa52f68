"""What tests of schedules share: workflows that are due, what is kept of them, and what they started."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from revolution_hub.bus.schedule import look_at
from revolution_hub.model.change import Fire
from revolution_hub.model.execution import Execution
from revolution_hub.model.fire import StoredFire
from revolution_hub.model.time import rfc3339
from revolution_hub.services import executions, versions, workflows
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_hub.store.schedules import StoredSchedule, list_due

EACH_MINUTE = {"schedule": {"every": 60}}
DAILY = {"schedule": {"cron": "0 8 * * *", "timezone": "Europe/Berlin"}}
HOURLY = {"schedule": {"cron": "@hourly"}}
DONE = {"set": {}}


def minutely(bench: Any, *steps: Any, **document: Any) -> str:
    """Publish a workflow that is due each minute and return its id."""
    given = {"on": [EACH_MINUTE], **document}
    return str(bench.publish(*(steps or (DONE,)), **given).workflow.id)


def change(bench: Any, workflow_id: str, **document: Any) -> None:
    """Change parts of a workflow's draft and publish it."""
    draft = workflows.get_workflow(bench.hub, bench.principal, workflow_id)
    given = {**draft.document, **document}
    workflows.replace_workflow(bench.hub, bench.principal, workflow_id, given, draft.revision)
    versions.publish_workflow(bench.hub, bench.principal, workflow_id)


def kept(bench: Any) -> list[StoredSchedule]:
    """Every schedule, in the order of their places."""
    with bench.hub.store.read_across() as tx:
        rows = tx.conn.execute(sa.select(t.schedules).order_by(t.schedules.c.position)).mappings().all()
    return [StoredSchedule(**row) for row in rows]


def started(bench: Any) -> list[Execution]:
    """The executions, the oldest first."""
    page = Page(newest_first=False, limit=200)
    found = executions.list_executions(bench.hub, bench.principal, page)[0]
    return [bench.look(one.id).execution for one in found]


def due_times(bench: Any) -> list[str]:
    """The instants the executions were started for."""
    return [one.trigger["data"]["due_at"] for one in started(bench)]


def after(seconds: float, *, of: datetime) -> str:
    """The moment so many seconds after another, as it is written."""
    return rfc3339(of + timedelta(seconds=seconds))


def fire_of(bench: Any, now: datetime) -> Fire:
    """What a clock would hand in that has just read the one schedule that is due."""
    (due,) = list_due(bench.hub.store, now, 10)
    return look_at(due, now)


def fires(bench: Any) -> list[StoredFire]:
    """What became of every instant, in the order of the instants."""
    with bench.hub.store.read_across() as tx:
        query = sa.select(t.fires).order_by(t.fires.c.instant, t.fires.c.round, t.fires.c.schedule_id)
        rows = tx.conn.execute(query).mappings().all()
    return [StoredFire(**row) for row in rows]
