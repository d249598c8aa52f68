"""F29: what an instant meets: decided in the commit that fires it, whatever else goes on at the time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from rig.schedules import change, due_times, fires, kept, minutely, started

from revolution_hub.bus.schedule import fire_due
from revolution_hub.model.status import ENDED
from revolution_hub.model.time import rfc3339
from revolution_hub.services import executions, retries
from revolution_hub.store import tables as t
from revolution_hub.store.tx import Store

PAUSE = {"id": "pause", "wait": {"for": "150s"}}


def on(overlap: str, **more: Any) -> list[Any]:
    return [{"schedule": {"every": 60, "overlap": overlap, **more}}]


def minute(bench: Any) -> int:
    bench.pass_time(60)
    count = fire_due(bench.hub)
    bench.pass_time(0)
    return count


def told(bench: Any) -> list[str]:
    return [str(one.reason or one.status) for one in fires(bench)]


def states(bench: Any) -> list[str]:
    return [str(one.status) for one in started(bench)]


CASES = [
    ("allow", [1, 1, 1, 1, 1], ["fired"] * 5, ["succeeded", "succeeded", "waiting", "waiting", "waiting"]),
    ("skip", [1, 0, 0, 1, 0], ["fired", "overlap", "overlap", "fired", "overlap"], ["succeeded", "waiting"]),
    (
        "queue",
        [1, 1, 0, 1, 0],
        ["fired", "fired", "overlap", "fired", "overlap"],
        ["succeeded", "waiting", "waiting"],
    ),
    ("cancel_previous", [1] * 5, ["fired"] * 5, ["cancelled"] * 4 + ["waiting"]),
]


@pytest.mark.parametrize(("overlap", "counts", "records", "ended"), CASES)
def test_f29_runs_longer_than_the_interval_meet_as_the_schedule_says(
    overlap: str, counts: list[int], records: list[str], ended: list[str], bench: Any
) -> None:
    # Each takes 150 seconds, and one is due each minute.
    minutely(bench, PAUSE, on=on(overlap))
    assert [minute(bench) for _ in counts] == counts
    assert told(bench) == records
    assert states(bench) == ended


def test_one_that_waits_comes_in_when_the_other_has_ended(bench: Any) -> None:
    minutely(bench, PAUSE, on=on("queue"))
    minute(bench)
    minute(bench)
    first, second = started(bench)
    assert (str(second.status), str(second.wait_reason)) == ("waiting", "turn")
    executions.cancel_execution(bench.hub, bench.principal, first.id)
    bench.work()
    assert str(started(bench)[1].wait_reason) == "timer"


def test_what_is_cancelled_says_why_and_what_it_did_is_fenced_off(bench: Any) -> None:
    minutely(bench, {"id": "act", "uses": "lab.read_page"}, on=on("cancel_previous"))
    bench.clock.advance(60)
    assert fire_due(bench.hub) == 1
    held = bench.claim()
    bench.clock.advance(60)
    assert fire_due(bench.hub) == 1
    # The first one is under way in a worker all the while, whose result comes too late.
    bench.drive(held)
    first, second = started(bench)
    assert (str(first.status), first.reason) == ("cancelled", "the schedule has come to its next instant")
    assert str(second.status) == "queued"
    bench.work()
    assert states(bench) == ["cancelled", "succeeded"]


def test_children_end_with_what_is_cancelled(bench: Any) -> None:
    minutely(
        bench,
        {"id": "fan", "parallel": {"a": [PAUSE], "b": [{**PAUSE, "id": "other"}]}},
        on=on("cancel_previous"),
    )
    minute(bench)
    minute(bench)
    with bench.hub.store.read_across() as tx:
        query = sa.select(t.executions.c.status).where(t.executions.c.parent_id.is_not(None))
        children = list(tx.conn.execute(query.order_by(t.executions.c.id)).scalars())
    assert children == ["cancelled", "cancelled", "waiting", "waiting"]


MISSED = [("skip", 1), ("queue", 2), ("cancel_previous", 1)]


@pytest.mark.parametrize(("overlap", "count"), MISSED)
def test_missed_instants_that_are_made_up_for_meet_each_other_too(
    overlap: str, count: int, bench: Any
) -> None:
    minutely(bench, PAUSE, on=on(overlap, missed="all", most=4))
    bench.clock.advance(10 * 60)
    assert fire_due(bench.hub) == count
    assert sorted(told(bench)) == sorted(["over_cap", *["overlap"] * (4 - count), *["fired"] * count])
    first, last = due_times(bench)[0], due_times(bench)[-1]
    instants = [rfc3339(one.instant) for one in fires(bench) if one.count == 1]
    # Of those that are let in, some come first, and who takes the place of all others comes last.
    assert (last == instants[-1]) if overlap == "cancel_previous" else (first == instants[0])


def test_one_that_failed_and_is_retried_is_in_the_way_again(bench: Any) -> None:
    bench.script.next("read_page", ValueError("no"), ValueError("no"), ValueError("no"))
    act = {"id": "act", "uses": "lab.read_page", "retry": {"attempts": 1}}
    minutely(bench, act, PAUSE, on=on("skip"))
    minute(bench)
    (first,) = started(bench)
    assert str(first.status) == "failed"
    bench.script.plays.clear()
    retries.retry_execution(bench.hub, bench.principal, first.id)
    bench.work()
    assert minute(bench) == 0
    assert told(bench) == ["fired", "overlap"]


def test_what_was_started_by_hand_is_in_nobodys_way(bench: Any, owner: Any) -> None:
    workflow_id = minutely(bench, PAUSE, on=[*on("skip"), "manual"])
    owner.ask("POST", f"/api/workflows/{workflow_id}/execute", {})
    bench.work()
    assert minute(bench) == 1


def test_the_policy_counts_that_is_published_now(bench: Any) -> None:
    workflow_id = minutely(bench, PAUSE, on=on("skip"))
    (before,) = kept(bench)
    assert [minute(bench), minute(bench)] == [1, 0]
    change(bench, workflow_id, on=on("cancel_previous"))
    assert kept(bench)[0].id == before.id
    assert minute(bench) == 1
    assert states(bench) == ["cancelled", "waiting"]


@pytest.mark.parametrize("overlap", ["skip", "queue", "cancel_previous"])
def test_however_many_clocks_and_workers_there_are_no_two_of_a_schedule_are_under_way(
    overlap: str, bench: Any, clock: Any, open_store: Callable[..., Store]
) -> None:
    minutely(bench, {"set": {}}, on=on(overlap))
    hubs = [replace(bench.hub, store=open_store()) for _ in range(3)]
    workers = [replace(bench, hub=replace(bench.hub, store=open_store())).as_(f"wrk_{n}") for n in range(2)]
    together, alive = Barrier(len(hubs) + len(workers)), []

    def look(hub: Any) -> None:
        together.wait(30)
        fire_due(hub)

    def work(one: Any) -> None:
        together.wait(30)
        taken = one.claim()
        if taken is not None:
            one.drive(taken)

    with ThreadPoolExecutor(len(hubs) + len(workers)) as pool:
        for _ in range(12):
            clock.advance(60)
            tasks = [pool.submit(look, one) for one in hubs] + [pool.submit(work, one) for one in workers]
            for task in tasks:
                task.result(30)
            alive.append(
                sum(one.status not in ENDED and str(one.wait_reason) != "turn" for one in started(bench))
            )
    assert max(alive) == 1
    assert len(fires(bench)) == 12
    assert {one.execution_id for one in fires(bench) if one.execution_id} == {
        one.id for one in started(bench)
    }
