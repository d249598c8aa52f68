"""Schedules fire each instant once: any number of clocks, crashes, clocks that jump, work that takes long."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from threading import Barrier
from typing import Any

import pytest
from rig.asking import Asker
from rig.firing import fire_in_process
from rig.schedules import EACH_MINUTE, after, due_times, fire_of, kept, minutely, started

from revolution_hub.bus.schedule import BATCH, fire_due
from revolution_hub.engine.keys import OWN_KEY
from revolution_hub.model.change import Applied, Fire, Stale
from revolution_hub.model.time import rfc3339
from revolution_hub.store import schedules
from revolution_hub.store.apply import apply
from revolution_hub.store.tx import Store

PAUSE = {"id": "pause", "wait": {"for": "150s"}}


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
        "data": {
            "due_at": after(60, of=begin),
            "fired_at": after(60.25, of=begin),
            "missed": 0,
            "backfill": False,
        },
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


def started_by(change: Fire) -> str:
    (firing,) = change.firings
    return firing.execution.id


def test_a_commit_of_which_no_answer_came_counts_once(bench: Any, clock: Any) -> None:
    minutely(bench)
    now = clock.advance(60)
    change, other = fire_of(bench, now), fire_of(bench, now)
    with bench.hub.store.begin_across(["ten_a"]) as tx:
        assert apply(tx.conn, [change]) == [Applied(execution_ids=(started_by(change),))]
    with bench.hub.store.begin_across(["ten_a"]) as tx:
        assert apply(tx.conn, [change], again=True) == [Applied(execution_ids=(started_by(change),))]
        assert apply(tx.conn, [other], again=True) == [Stale()]
    assert len(started(bench)) == 1


def test_two_tries_at_one_instant_in_one_commit_start_one_execution(bench: Any, clock: Any) -> None:
    minutely(bench)
    now = clock.advance(60)
    change, other = fire_of(bench, now), fire_of(bench, now)
    with bench.hub.store.begin_across(["ten_a"]) as tx:
        assert apply(tx.conn, [change, other]) == [Applied(execution_ids=(started_by(change),)), Stale()]
    assert len(started(bench)) == 1


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
    workflow_id = minutely(bench, idempotency={"key": "{{ trigger.data.key? }}"}, on=[EACH_MINUTE, "manual"])
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
