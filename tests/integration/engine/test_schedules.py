"""Schedules fire each instant once: any number of clocks, crashes, clocks that jump, changes while due."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from rig.asking import Asker
from rig.firing import fire_in_process

from revolution_hub.bus.instants import timing_of
from revolution_hub.bus.schedule import BATCH, fire_due
from revolution_hub.engine.keys import OWN_KEY
from revolution_hub.model.change import Applied, Fire, Stale
from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.time import rfc3339
from revolution_hub.model.workflow import Schedule
from revolution_hub.services import executions, versions, workflows
from revolution_hub.store import schedules
from revolution_hub.store import tables as t
from revolution_hub.store.apply import apply
from revolution_hub.store.paging import Page
from revolution_hub.store.schedules import StoredSchedule, list_due
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EACH_MINUTE = {"schedule": {"every": 60}}
DAILY = {"schedule": {"cron": "0 8 * * *", "timezone": "Europe/Berlin"}}
DONE = {"set": {}}
PAUSE = {"id": "pause", "wait": {"for": "150s"}}


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
    return [one.trigger["data"]["due_at"] for one in started(bench)]


def after(seconds: float, *, of: datetime) -> str:
    return rfc3339(of + timedelta(seconds=seconds))


def test_an_instant_starts_one_execution_that_says_when_it_was_due(bench: Any, clock: Any) -> None:
    begin = clock.now
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 7}}}
    minutely(bench, {"id": "out", "finish": {"output": "{{ inputs.n }}"}}, inputs=schema)
    clock.advance(59.999)
    assert fire_due(bench.hub) == 0
    clock.advance(0.251)
    bench.wakes.clear()
    assert (fire_due(bench.hub), bench.wakes) == (1, ["wake"])
    assert (fire_due(bench.hub), bench.wakes) == (0, ["wake"])
    bench.work()
    (found,) = started(bench)
    assert found.trigger == {
        "kind": "schedule",
        "received_at": after(60.25, of=begin),
        "data": {"due_at": after(60, of=begin), "fired_at": after(60.25, of=begin), "missed": 0},
    }
    assert (str(found.status), found.output, found.version) == ("succeeded", 7, 1)
    (schedule,) = kept(bench)
    assert schedule.next_at == begin + timedelta(seconds=120)
    assert schedule.last_at == begin + timedelta(seconds=60)


def test_instants_do_not_drift_however_late_the_clock_looks(bench: Any, clock: Any) -> None:
    begin = clock.now
    minutely(bench)
    for _ in range(5):
        clock.advance(60.2)
        assert fire_due(bench.hub) == 1
    assert due_times(bench) == [after(60 * n, of=begin) for n in range(1, 6)]


def test_what_was_missed_is_caught_up_by_one_execution(bench: Any, clock: Any) -> None:
    begin = clock.now
    minutely(bench)
    clock.advance(7200 + 30)
    assert (fire_due(bench.hub), fire_due(bench.hub)) == (1, 0)
    (found,) = started(bench)
    assert found.trigger["data"]["due_at"] == after(7200, of=begin)
    assert found.trigger["data"]["missed"] == 119
    assert kept(bench)[0].next_at == begin + timedelta(seconds=7260)


def test_a_clock_that_jumps_neither_repeats_an_instant_nor_fires_a_burst(bench: Any, clock: Any) -> None:
    minutely(bench)
    clock.advance(61)
    assert fire_due(bench.hub) == 1
    clock.advance(-3600)
    assert [fire_due(bench.hub), clock.advance(61) and fire_due(bench.hub)] == [0, 0]
    clock.advance(3600)
    assert fire_due(bench.hub) == 1
    clock.advance(86_400)
    assert (fire_due(bench.hub), fire_due(bench.hub)) == (1, 0)
    clock.advance(-86_400)
    assert fire_due(bench.hub) == 0
    assert len(set(due_times(bench))) == 3


def test_however_many_clocks_look_an_instant_is_fired_once(
    bench: Any, clock: Any, open_store: Callable[..., Store]
) -> None:
    begin = clock.now
    for _ in range(3):
        minutely(bench)
    # The clocks do not agree, as those of machines never do.
    hubs = [
        replace(bench.hub, store=open_store(), now=lambda ahead=ahead: clock.now + timedelta(seconds=ahead))
        for ahead in (0, 0.05, 0.2, 1, 20)
    ]
    together = Barrier(len(hubs))

    def look(hub: Any) -> int:
        together.wait(30)
        return fire_due(hub)

    with ThreadPoolExecutor(len(hubs)) as pool:
        for _ in range(8):
            clock.advance(60)
            assert sum(pool.map(look, hubs)) == 3
    expected = [after(60 * n, of=begin) for n in range(1, 9) for _ in range(3)]
    assert sorted(due_times(bench)) == expected


@pytest.mark.parametrize(("point", "there"), [("committer.before_commit", 0), ("committer.after_commit", 1)])
def test_a_clock_that_dies_neither_loses_an_instant_nor_repeats_it(
    point: str, there: int, bench: Any, clock: Any, database: str, tmp_path: Path
) -> None:
    begin = clock.now
    minutely(bench)
    now = clock.advance(60.1)
    assert fire_in_process(database, tmp_path, now, point) == -SIGKILL
    assert len(started(bench)) == there
    assert fire_in_process(database, tmp_path, now) == 0
    assert due_times(bench) == [after(60, of=begin)]
    assert kept(bench)[0].next_at == begin + timedelta(seconds=120)


def test_a_commit_of_which_no_answer_came_counts_once(bench: Any, clock: Any) -> None:
    minutely(bench)
    change = fire_of(bench, clock.advance(60))
    with bench.hub.store.begin_across(["ten_a"]) as tx:
        assert apply(tx.conn, [change]) == [Applied(execution_ids=(change.execution.id,))]
    with bench.hub.store.begin_across(["ten_a"]) as tx:
        assert apply(tx.conn, [change], again=True) == [Applied(execution_ids=(change.execution.id,))]
        other = replace(change, execution=replace(change.execution, id="exe_other"))
        assert apply(tx.conn, [other], again=True) == [Stale()]
    assert len(started(bench)) == 1


def fire_of(bench: Any, now: datetime) -> Fire:
    """What a clock would hand in that has just read the one schedule that is due."""
    (due,) = list_due(bench.hub.store, now, 10)
    execution = Execution(
        id=f"exe_{'0' * 26}",
        tenant_id=due.tenant_id,
        workflow_id=due.workflow_id,
        version=due.version,
        status=ExecutionStatus.QUEUED,
        trigger={"kind": "schedule", "data": {"due_at": rfc3339(due.next_at)}},
        created_at=now,
    )
    return Fire(
        execution=execution,
        schedule_id=due.id,
        basis=due.next_at,
        due_at=due.next_at,
        next_at=due.next_at + timedelta(seconds=60),
    )


def test_two_tries_at_one_instant_in_one_commit_start_one_execution(bench: Any, clock: Any) -> None:
    minutely(bench)
    change = fire_of(bench, clock.advance(60))
    other = replace(change, execution=replace(change.execution, id="exe_other"))
    with bench.hub.store.begin_across(["ten_a"]) as tx:
        assert apply(tx.conn, [change, other]) == [Applied(execution_ids=(change.execution.id,)), Stale()]
    assert len(started(bench)) == 1


@pytest.mark.parametrize("meanwhile", ["publish", "unpublish", "delete"])
def test_a_workflow_that_changes_while_its_instant_is_being_fired_fires_as_it_is_now(
    meanwhile: str, bench: Any, clock: Any
) -> None:
    workflow_id = minutely(bench)
    change_read_before = fire_of(bench, clock.advance(60))
    if meanwhile == "publish":
        change(bench, workflow_id, steps=[{"finish": {}}])
    elif meanwhile == "unpublish":
        versions.unpublish_workflow(bench.hub, bench.principal, workflow_id)
    else:
        workflows.delete_workflow(bench.hub, bench.principal, workflow_id)
    assert submit(bench.hub.store, change_read_before) == Stale()
    assert fire_due(bench.hub) == (meanwhile == "publish")
    assert [one.version for one in started(bench)] == ([2] if meanwhile == "publish" else [])


def test_publishing_an_unchanged_schedule_neither_skips_nor_repeats_an_instant(
    bench: Any, clock: Any
) -> None:
    begin = clock.now
    workflow_id = minutely(bench)
    (first,) = kept(bench)
    clock.advance(40)
    change(bench, workflow_id, steps=[{"finish": {}}])
    assert kept(bench) == [replace(first, version=2)]
    clock.advance(30)
    # It is due, and published once more before any clock has looked.
    change(bench, workflow_id, description="another", concurrency={"limit": 3})
    assert fire_due(bench.hub) == 1
    versions.publish_workflow(bench.hub, bench.principal, workflow_id)
    clock.advance(1)
    assert fire_due(bench.hub) == 0
    (found,) = started(bench)
    assert (found.version, found.trigger["data"]["due_at"]) == (3, after(60, of=begin))
    assert found.turn_limit == 3


def test_a_schedule_that_moves_to_another_place_goes_on_where_it_stands(bench: Any, clock: Any) -> None:
    workflow_id = minutely(bench, on=[EACH_MINUTE, DAILY, DAILY])
    first, second, third = kept(bench)
    clock.advance(61)
    change(bench, workflow_id, on=[DAILY, "manual", EACH_MINUTE])
    swapped = kept(bench)
    assert [(one.id, one.position) for one in swapped] == [(second.id, 0), (first.id, 2)]
    assert [one.next_at for one in swapped] == [second.next_at, first.next_at]
    assert third.id not in {one.id for one in swapped}
    assert (fire_due(bench.hub), fire_due(bench.hub)) == (1, 0)


def test_a_changed_schedule_is_due_by_its_new_words_alone(bench: Any, clock: Any) -> None:
    workflow_id = minutely(bench)
    clock.advance(59)
    change(bench, workflow_id, on=[DAILY])
    (schedule,) = kept(bench)
    assert timing_of(schedule.settings).schedule == Schedule(cron="0 8 * * *", timezone="Europe/Berlin")
    assert schedule.next_at == datetime(2026, 11, 23, 7, tzinfo=UTC)
    clock.advance(10)
    assert fire_due(bench.hub) == 0
    versions.rollback_workflow(bench.hub, bench.principal, workflow_id, 1)
    assert kept(bench)[0].next_at == clock.now + timedelta(seconds=60)


def test_what_is_not_published_any_more_leaves_no_schedule_behind(bench: Any, clock: Any) -> None:
    gone = minutely(bench)
    stopped = minutely(bench)
    went_back = bench.publish(DONE, on=["manual"]).workflow.id
    change(bench, went_back, on=[EACH_MINUTE])
    assert {one.workflow_id for one in kept(bench)} == {gone, stopped, went_back}
    workflows.delete_workflow(bench.hub, bench.principal, gone)
    versions.unpublish_workflow(bench.hub, bench.principal, stopped)
    versions.rollback_workflow(bench.hub, bench.principal, went_back, 1)
    assert kept(bench) == []
    clock.advance(3600)
    assert fire_due(bench.hub) == 0


OVERLAPS = [
    (None, ["succeeded", "waiting", "waiting"], None),
    ({"when_full": "queue"}, ["succeeded", "waiting", "waiting"], "turn"),
    ({"when_full": "skip"}, ["succeeded", "cancelled", "cancelled", "waiting"], None),
]


@pytest.mark.parametrize(("concurrency", "states", "waits_for"), OVERLAPS)
def test_an_interval_shorter_than_the_run_queues_skips_or_overlaps_as_the_workflow_says(
    concurrency: Any, states: list[str], waits_for: str | None, bench: Any
) -> None:
    # Each takes 150 seconds, and one is due each minute.
    minutely(bench, PAUSE, **({} if concurrency is None else {"concurrency": concurrency}))

    def minute() -> None:
        bench.clock.advance(60)
        assert fire_due(bench.hub) == 1
        bench.pass_time(0)

    for _ in range(3):
        minute()
    bench.pass_time(35)
    if len(states) > 3:
        bench.clock.advance(-35)
        minute()
    found = started(bench)
    assert [str(one.status) for one in found] == states
    last = found[-1].wait_reason
    assert str(last) == (waits_for or "timer")
    if concurrency and concurrency["when_full"] == "skip":
        assert "same concurrency key" in str(found[1].reason)


def test_nothing_a_user_writes_can_take_the_key_of_an_instant(bench: Any, clock: Any, owner: Asker) -> None:
    begin = clock.now
    workflow_id = minutely(bench, idempotency={"key": "{{ trigger.data.key }}"}, on=[EACH_MINUTE, "manual"])
    taken = f"{OWN_KEY}schedule:{kept(bench)[0].id}:{after(60, of=begin)}"
    body = {"data": {"key": taken}}
    path = f"/api/workflows/{workflow_id}/execute"
    owner.ask("POST", path, body)
    headers = {"authorization": f"Bearer {owner.key}", "idempotency-key": taken.encode("latin-1")}
    refused = owner.client.post(path, json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "input_invalid")
    clock.advance(60)
    assert fire_due(bench.hub) == 1
    assert [one.trigger["kind"] for one in started(bench)] == ["manual", "schedule"]
    assert started(bench)[1].idempotency_key == taken


def test_a_workflows_own_idempotency_key_counts_for_its_schedule_too(bench: Any, clock: Any) -> None:
    begin = clock.now
    minutely(bench, idempotency={"key": "{{ trigger.kind }}"})
    for fires in (1, 0, 0):
        clock.advance(60)
        assert fire_due(bench.hub) == fires
    assert due_times(bench) == [after(60, of=begin)]
    assert kept(bench)[0].next_at == begin + timedelta(seconds=240)


def test_a_key_that_cannot_be_computed_is_seen_and_stops_no_later_instant(bench: Any, clock: Any) -> None:
    minutely(bench, concurrency={"key": "{{ trigger.data.missed + trigger.data.due_at }}"})
    for _ in range(2):
        clock.advance(60)
        assert fire_due(bench.hub) == 1
    assert [str(one.status) for one in started(bench)] == ["failed", "failed"]


def test_a_schedule_that_cannot_be_read_keeps_no_other_from_firing(bench: Any, clock: Any) -> None:
    minutely(bench)
    minutely(bench)
    first = min(kept(bench), key=lambda one: one.id)
    with bench.hub.store.begin("ten_a") as tx:
        broken = {"cron": "0 8 * * *", "timezone": "Middle/Earth", "anchor": rfc3339(clock.now)}
        schedules.replace(tx, first.workflow_id, [replace(first, settings=broken)])
    clock.advance(60)
    with pytest.raises(LookupError, match="no time zone 'Middle/Earth'") as raised:
        fire_due(bench.hub)
    assert raised.value.__notes__ == [f"the schedule {first.id} of the workflow {first.workflow_id}"]
    assert len(started(bench)) == 1
    assert bench.wakes[-1] == "wake"


def test_many_schedules_that_are_due_at_once_are_all_fired(bench: Any, clock: Any) -> None:
    minutely(bench)
    (one,) = kept(bench)
    count = 2 * BATCH + 5
    with bench.hub.store.begin("ten_a") as tx:
        for number in range(1, count):
            alike = replace(one, id=f"sch_{number:05}", workflow_id=f"wf_{number:05}")
            schedules.replace(tx, alike.workflow_id, [alike])
    clock.advance(60)
    assert (fire_due(bench.hub), fire_due(bench.hub)) == (count, 0)


def test_schedules_are_listed_with_when_they_are_due(bench: Any, clock: Any, owner: Asker) -> None:
    workflow_id = minutely(bench, on=["manual", EACH_MINUTE, DAILY])
    name = owner.ask("GET", f"/api/workflows/{workflow_id}")["name"]
    clock.advance(61)
    fire_due(bench.hub)
    items = owner.ask("GET", "/api/schedules?sort=created_at")["items"]
    common = {"workflow_id": workflow_id, "workflow": name, "version": 1, "overdue": False}
    begin = clock.now - timedelta(seconds=61)
    interval = {"cron": None, "timezone": None, "every_s": 60.0}
    daily = {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "every_s": None}
    first, second = kept(bench)
    assert items == [
        {
            **{"id": first.id, "position": 1, **common, **interval},
            **{"next_at": after(120, of=begin), "last_at": after(60, of=begin)},
        },
        {
            **{"id": second.id, "position": 2, **common, **daily},
            **{"next_at": "2026-11-23T07:00:00.000000Z", "last_at": None},
        },
    ]
    clock.advance(59 + 31)
    overdue = owner.ask("GET", f"/api/schedules?workflow_id={workflow_id}&sort=created_at")["items"]
    assert [one["overdue"] for one in overdue] == [True, False]
    assert owner.ask("GET", "/api/schedules?workflow_id=wf_other")["items"] == []
    page = owner.ask("GET", "/api/schedules?limit=1")
    assert [one["id"] for one in page["items"]] == [second.id]
    rest = owner.ask("GET", f"/api/schedules?limit=1&cursor={page['next_cursor']}")
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([first.id], None)


def test_only_who_may_see_the_workflow_sees_its_schedules(bench: Any, asker_of: Any) -> None:
    shown, _ = minutely(bench), minutely(bench)
    assert len(asker_of("viewer").ask("GET", "/api/schedules")["items"]) == 2
    assert asker_of("owner", "ten_b").ask("GET", "/api/schedules")["items"] == []
    guest = asker_of("guest")
    assert guest.ask("GET", "/api/schedules")["items"] == []
    share = f"/api/workflows/{shown}/shares/{guest.key_id}"
    asker_of("owner").ask("PUT", share, {"right": "view"})
    assert [one["workflow_id"] for one in guest.ask("GET", "/api/schedules")["items"]] == [shown]
