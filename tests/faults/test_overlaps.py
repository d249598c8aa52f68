"""F29: a schedule whose executions take longer than its interval."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from rig.judge import judge
from rig.site import DATABASES, Site, wait_until

from revolution_hub.model.time import rfc3339
from revolution_hub.store import tables as t

pytestmark = pytest.mark.faults
on_each_database = pytest.mark.parametrize("stack", DATABASES)

INSTANTS = 3
APART_S = 0.5
TAKES_S = 6
POLICIES: dict[str, Any] = {
    "overlap": {},
    "queue": {"concurrency": {"key": "all", "when_full": "queue"}},
    "skip": {"concurrency": {"key": "all", "when_full": "skip"}},
    "schedule queues": {"overlap": "queue"},
    "schedule skips": {"overlap": "skip"},
    "schedule cancels": {"overlap": "cancel_previous"},
}
ENDED = {
    "overlap": ["succeeded"] * INSTANTS,
    "queue": ["succeeded"] * INSTANTS,
    "skip": ["succeeded", "cancelled", "cancelled"],
    "schedule queues": ["succeeded"] * 2,
    "schedule skips": ["succeeded"],
    "schedule cancels": ["cancelled", "cancelled", "succeeded"],
}
"""What becomes of the executions; a schedule that is due a third time finds one that waits already."""


def scheduled(policy: str) -> dict[str, Any]:
    says = dict(POLICIES[policy])
    overlap = {"overlap": says.pop("overlap")} if "overlap" in says else {}
    steps = [{"id": "act", "uses": "ledger.sit_still", "with": {"seconds": TAKES_S}}]
    return {"name": policy, "on": [{"schedule": {"every": "1m", **overlap}}], "steps": steps, **says}


def fire_now(site: Site) -> None:
    """Let every schedule be due now: a minute is the shortest interval, which no test waits for."""
    engine, now = site.engine(), datetime.now(UTC)
    anchor = rfc3339(now - timedelta(seconds=60))
    with engine.connect().execution_options(revolution_tenants="*") as conn, conn.begin():
        for row in conn.execute(sa.select(t.schedules.c.id, t.schedules.c.settings)).all():
            moved = {"next_at": now, "wake_at": now, "settings": {**row.settings, "anchor": anchor}}
            conn.execute(sa.update(t.schedules).where(t.schedules.c.id == row.id).values(moved))
    engine.dispose()


def started(site: Site, workflow_id: str) -> list[dict[str, Any]]:
    table = t.executions
    return site.rows(sa.select(table).where(table.c.workflow_id == workflow_id).order_by(table.c.id))


def instants(site: Site, workflow_id: str) -> list[dict[str, Any]]:
    table = t.fires
    return site.rows(sa.select(table).where(table.c.workflow_id == workflow_id).order_by(table.c.id))


def overlaps(rows: list[dict[str, Any]]) -> int:
    return sum(one["finished_at"] > after["started_at"] for one, after in pairwise(rows))


@on_each_database
def test_f29_executions_longer_than_the_interval_overlap_queue_or_are_skipped_as_the_workflow_says(
    site: Site, figure: Callable[[str, float], None]
) -> None:
    # Given schedules of which each says something else of executions that meet
    site.start()
    team = site.owners[0].team
    workflows = {policy: team.publish(scheduled(policy))["id"] for policy in POLICIES}
    # When they are due again before the last execution has ended
    for number in range(INSTANTS):
        fire_now(site)
        wait_until(
            lambda number=number: all(len(instants(site, one)) == number + 1 for one in workflows.values()),
            f"instant {number} is fired",
            20.0,
            site.hub.log,
        )
        time.sleep(APART_S)
    figure("judged after", judge(site))
    # Then each instant has started one execution, and they have met as the workflow says
    found = {policy: started(site, one) for policy, one in workflows.items()}
    assert {policy: [one["status"] for one in rows] for policy, rows in found.items()} == ENDED
    assert overlaps(found["overlap"]) > 0
    assert [overlaps(found[one]) for one in ("queue", "schedule queues", "schedule cancels")] == [0, 0, 0]
    # And what was skipped says why, to everybody who looks
    reasons = {one["reason"] for one in team.executions() if one["status"] == "cancelled"}
    assert reasons == {
        "skipped: others with the same concurrency key are under way",
        "the schedule has come to its next instant",
    }
    told = {
        policy: [one["reason"] or one["status"] for one in instants(site, one_id)]
        for policy, one_id in workflows.items()
    }
    assert told["schedule queues"] == ["fired", "fired", "overlap"]
    assert told["schedule skips"] == ["fired", "overlap", "overlap"]
    assert told["schedule cancels"] == told["overlap"] == ["fired"] * INSTANTS
