"""Warnings that most of a limit is used: once per window, in the log and on the tenant's bus."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from rig.asking import Asker

from revolution_hub.bus.metering import count_usage
from revolution_hub.bus.quota import Quotas, require_quota
from revolution_hub.errors import LimitError
from revolution_hub.model.change import Start
from revolution_hub.model.hub_events import HUB_EVENTS, QUOTA_WARNING
from revolution_hub.model.ids import first_id
from revolution_hub.model.json_schema import judge
from revolution_hub.model.plan import Window, begin_of, end_of
from revolution_hub.model.time import rfc3339, utc_now
from revolution_hub.store import plans, usage
from revolution_hub.store.plans import TenantPlan
from revolution_hub.store.submit import submit

TELL = {"id": "tell", "set": {"told": "{{ trigger.data }}"}}


@pytest.fixture
def bench(bench: Any) -> Any:
    """Ids of executions say when they were made; here it is noon of some day that is no month's last."""
    bench.clock.now = utc_now().replace(day=15, hour=12)
    return bench


def limit(bench: Any, tenant: str = "ten_a", **limits: float) -> None:
    with bench.hub.store.begin(tenant) as tx:
        plans.put_tenant_plan(tx, TenantPlan(limits=limits), bench.clock.now)
    bench.hub.store.companion(Quotas).forget()


def earlier(bench: Any, make: Any, seconds: float, number: int) -> None:
    """Let so many executions have begun some seconds ago."""
    moment = bench.clock.now - timedelta(seconds=seconds)
    for one in range(number):
        execution = make.execution(id=f"{first_id('exe', moment)[:-4]}{one:04}", created_at=moment)
        submit(bench.hub.store, Start(execution=execution))


def count(bench: Any, make: Any, number: int = 0) -> int:
    """Let so many executions have begun, count them, and return how many warnings that brought."""
    earlier(bench, make, 0, number)
    bench.clock.advance(usage.LATE.total_seconds() + 5)
    return count_usage(bench.hub)


def told(owner: Asker) -> list[Any]:
    """What every warning on the bus says."""
    listed = owner.ask("GET", f"/api/events?type={QUOTA_WARNING}")["items"]
    return [owner.ask("GET", f"/api/events/{one['id']}")["data"] for one in listed]


def test_a_tenant_is_warned_once_when_most_of_a_limit_is_used(
    bench: Any, make: Any, owner: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    limit(bench, executions_per_month=10)

    def told() -> tuple[int, bool]:
        bench.clock.advance(10)
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="revolution.quota"):
            count_usage(bench.hub)
        measures = {one["limit"]: one for one in owner.ask("GET", "/api/usage")["tenant"]}
        return len(caplog.records), measures["executions_per_month"]["warning"]

    earlier(bench, make, 60, 7)
    assert told() == (0, False)
    earlier(bench, make, 15, 1)
    assert told() == (1, True)
    assert "ten_a has used 8 of 10 executions_per_month" in caplog.text
    earlier(bench, make, 15, 1)
    assert told() == (0, True)


def test_the_tenants_workflows_hear_of_it(
    bench: Any, make: Any, owner: Asker, asker_of: Callable[..., Asker]
) -> None:
    for tenant_id in ("ten_a", "ten_b"):
        limit(bench, tenant_id, executions_per_month=10)
    workflow_id = bench.publish(TELL, on=[{"event": QUOTA_WARNING}]).workflow.id
    wakes = bench.wakes.count("wake")
    assert (count(bench, make, 8), bench.wakes.count("wake")) == (1, wakes + 1)
    bench.work()
    (begun,) = owner.ask("GET", f"/api/workflow-executions?workflow_id={workflow_id}")["items"]
    said = bench.look(begun["id"]).steps["tell"].output["told"]
    resets_at = rfc3339(end_of(Window.MONTH, bench.clock.now))
    assert said == {"limit": "executions_per_month", "used": 8, "most": 10, "resets_at": resets_at}
    assert judge(HUB_EVENTS[QUOTA_WARNING].data, said, "") == []
    (event,) = owner.ask("GET", "/api/events?source=hub")["items"]
    assert (event["type"], event["outcome"]) == (QUOTA_WARNING, "started")
    assert told(asker_of("owner", "ten_b")) == []
    forged = owner.refused("POST", "/api/events", {"type": QUOTA_WARNING, "data": said})
    assert forged == (422, "input_invalid")


def test_what_a_warning_starts_counts_and_brings_no_other(bench: Any, make: Any, owner: Asker) -> None:
    limit(bench, executions_per_month=10)
    bench.publish(TELL, on=[{"event": "hub.quota.*"}])
    assert count(bench, make, 9) == 1
    # This process knows at once that what the warning has started was the last.
    with pytest.raises(LimitError):
        require_quota(bench.hub, "ten_a")
    for _ in range(3):
        bench.work()
        assert count(bench, make) == 0
    assert len(told(owner)) == 1
    used = {one["limit"]: one["used"] for one in owner.ask("GET", "/api/usage")["tenant"]}
    assert used["executions_per_month"] == 10


def test_each_limit_is_warned_of_and_each_window_anew(bench: Any, make: Any, owner: Asker) -> None:
    limit(bench, executions_per_day=10, executions_per_month=20)
    assert count(bench, make, 8) == 1
    bench.clock.advance(86_400)
    assert count(bench, make, 8) == 2
    assert sorted((one["limit"], one["used"]) for one in told(owner)) == [
        ("executions_per_day", 8),
        ("executions_per_day", 8),
        ("executions_per_month", 16),
    ]


@contextmanager
def without_events(database: str) -> Iterator[None]:
    """Let the database take no event for a while."""
    engine = sa.create_engine(database)
    full = "CREATE TRIGGER full_up BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no more'); END"
    with engine.begin() as conn:
        conn.exec_driver_sql(full)
    yield
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER full_up")
    engine.dispose()


def test_that_a_warning_was_given_and_its_event_are_kept_together(
    bench: Any, make: Any, owner: Asker, database: str, database_file: Any
) -> None:
    limit(bench, executions_per_month=10)
    earlier(bench, make, 60, 9)
    with without_events(database), pytest.raises(sa.exc.IntegrityError):
        count_usage(bench.hub)
    assert told(owner) == []
    with bench.hub.store.begin("ten_a") as tx:
        assert usage.first_warning(tx, "executions_per_month", begin_of(Window.MONTH, bench.clock.now))


@pytest.mark.parametrize("first", [True, False])
def test_of_two_clocks_one_gives_the_warning(bench: Any, make: Any, owner: Asker, first: bool) -> None:
    limit(bench, executions_per_month=10)
    with bench.hub.store.begin("ten_a") as tx:
        if not first:
            usage.first_warning(tx, "executions_per_month", begin_of(Window.MONTH, bench.clock.now))
    assert count(bench, make, 9) == int(first)
    assert len(told(owner)) == int(first)
