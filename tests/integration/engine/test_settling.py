"""The last commit of a drive may be under way while its thread is at other work; the lease is kept."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from revolution_hub.engine.drive import drive
from revolution_hub.engine.recover import replace_worker
from revolution_hub.model.change import Start
from revolution_hub.store.submit import submit_soon
from revolution_hub.store.tx import Store, StoreError

LIMIT_S = 20
SET = {"id": "see", "set": {"n": 1}}


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
    began, go_on = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        began.set()
        assert go_on.wait(LIMIT_S)

    # The committer is kept busy by somebody who takes long to be told the outcome.
    submit_soon(store, Start(execution=make.execution()), slow)
    assert began.wait(LIMIT_S)
    drive(bench.hub, bench.watch, execution, later=True)
    assert bench.watch.held() == [execution_id]
    bench.clock.advance(20)
    bench.watch.keep(bench.clock.now)
    assert bench.look(execution_id).status == "running"
    assert bench.look(execution_id).execution.lease_until == bench.clock.now + timedelta(seconds=30)
    go_on.set()
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
