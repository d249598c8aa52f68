"""The last commit of a drive may be under way while its thread is at other work; the lease is kept."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from revolution_hub.engine.drive import drive
from revolution_hub.engine.recover import replace_worker
from revolution_hub.model.change import Start
from revolution_hub.store import executions
from revolution_hub.store.errors import StoreError
from revolution_hub.store.submit import submit, submit_soon
from revolution_hub.store.tx import Store

LIMIT_S = 20
SET = {"id": "see", "set": {"n": 1}}


@contextmanager
def busy_committer(store: Store, make: Any) -> Iterator[None]:
    """Keep the committer busy with somebody who takes long to be told the outcome."""
    began, go_on = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        began.set()
        assert go_on.wait(LIMIT_S)

    submit_soon(store, Start(execution=make.execution()), slow)
    assert began.wait(LIMIT_S)
    try:
        yield
    finally:
        go_on.set()


def let_go(bench: Any) -> None:
    """Wait until nothing is held any more."""
    tick, rounds = threading.Event(), LIMIT_S * 200
    while bench.watch.held() and rounds:
        tick.wait(0.005)
        rounds -= 1
    assert bench.watch.held() == []


def test_it_is_held_until_the_commit_is_done_and_its_lease_is_prolonged(
    bench: Any, store: Store, make: Any
) -> None:
    execution_id = bench.start(SET)
    execution = bench.claim()
    with busy_committer(store, make):
        drive(bench.hub, bench.watch, execution, later=True)
        assert bench.watch.held() == [execution_id]
        bench.clock.advance(20)
        bench.watch.keep(bench.clock.now)
        assert bench.look(execution_id).status == "running"
        assert bench.look(execution_id).execution.lease_until == bench.clock.now + timedelta(seconds=30)
    let_go(bench)
    assert bench.look(execution_id).status == "succeeded"


def test_an_end_that_comes_too_late_lets_go_and_writes_nothing(bench: Any) -> None:
    execution_id = bench.start(SET)
    execution = bench.claim()
    assert replace_worker(bench.hub, bench.hub.process) == 1
    drive(bench.hub, bench.watch, execution, later=True)
    let_go(bench)
    assert bench.look(execution_id).status == "queued"
    assert bench.look(execution_id).order == []


def test_an_end_that_cannot_even_be_handed_in_lets_go_and_is_raised(bench: Any) -> None:
    bench.start(SET)
    execution = bench.claim()
    bench.hub.store.close()
    with pytest.raises(StoreError):
        drive(bench.hub, bench.watch, execution, later=True)
    assert bench.watch.held() == []


def test_who_is_told_later_cannot_end_the_committer_with_a_fault(bench: Any, store: Store, make: Any) -> None:
    def fault(_: object) -> None:
        raise RuntimeError("a listener's own fault")

    submit_soon(store, Start(execution=make.execution()), fault)
    assert bench.run(SET).status == "succeeded"


def test_what_waits_for_its_commit_may_be_replaced_or_called_off_until_it_is_taken(
    store: Store, make: Any
) -> None:
    first, instead, never = (Start(execution=make.execution()) for _ in range(3))
    told: list[str] = []
    with busy_committer(store, make):
        replaced = submit_soon(store, first, lambda _: told.append("replaced"))
        called_off = submit_soon(store, never, lambda _: told.append("called off"))
        assert replaced.replace(instead)
        assert called_off.call_off()
    # Behind both of them: what was called off ends nothing.
    submit(store, Start(execution=make.execution()))
    assert told == ["replaced"]
    assert not replaced.replace(first)
    assert not replaced.call_off()
    with store.read(first.execution.tenant_id) as tx:
        found = [
            executions.find_workflow_id(tx, one.execution.id) is not None for one in (first, instead, never)
        ]
    assert found == [False, True, False]


def test_the_store_closes_when_all_that_waited_was_called_off(store: Store, make: Any) -> None:
    with busy_committer(store, make):
        assert submit_soon(store, Start(execution=make.execution()), lambda _: None).call_off()
    store.close()
    with pytest.raises(StoreError):
        submit(store, Start(execution=make.execution()))


def test_reads_that_follow_one_another_while_the_database_is_busy_are_all_recorded(
    bench: Any, store: Store, make: Any
) -> None:
    steps = [{"id": f"read_{number}", "uses": "lab.read_page"} for number in range(6)]
    execution_id = bench.start(*steps)
    execution = bench.claim()
    with busy_committer(store, make):
        drive(bench.hub, bench.watch, execution, later=True)
    let_go(bench)
    seen = bench.look(execution_id)
    assert (seen.status, seen.order) == ("succeeded", [one["id"] for one in steps])
