"""The committer: many changes in few transactions, each with an outcome of its own."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.change import Applied, Fenced, Intake, Move, Progress, Start
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.store import endings, executions
from revolution_hub.store.apply import apply
from revolution_hub.store.claim import Caps, Turns, claim
from revolution_hub.store.errors import StoreError
from revolution_hub.store.submit import Committer, submit, submit_all
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=30)
LIMIT_S = 20


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads that submit at the same time."""
    with ThreadPoolExecutor(40) as threads:
        yield threads


@pytest.fixture
def hold(database: str) -> Callable[[], Any]:
    """Keep every writer waiting for as long as the block lasts, as another process would."""

    @contextmanager
    def holding() -> Iterator[None]:
        if database.startswith("sqlite"):
            link: Any = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)
            link.execute("BEGIN IMMEDIATE")
        else:
            link = psycopg.connect(database)
            link.execute("LOCK TABLE executions, events IN EXCLUSIVE MODE")
        try:
            yield
        finally:
            link.close()

    return holding


def commits_of(store: Store) -> list[object]:
    seen: list[object] = []
    sa.event.listen(store.engine, "commit", seen.append)
    return seen


def begun(store: Store) -> threading.Event:
    """Tell when the committer has taken its batch and speaks to the database."""
    event = threading.Event()
    sa.event.listen(store.engine, "checkout", lambda *_: event.set())
    return event


def queued(store: Store) -> int:
    return len(store.companion(Committer)._queue)


def wait_until(true: Callable[[], bool]) -> None:
    tick, give_up = threading.Event(), LIMIT_S * 200
    while not true() and give_up:
        tick.wait(0.005)
        give_up -= 1
    assert true()


def started(store: Store, make: Any) -> Any:
    submit(store, Start(execution=make.execution()))
    (taken,) = claim(store, "wrk_1", NOW, UNTIL, limit=1, caps=Caps(tenant=9, connection=9), turns=Turns())
    return taken


def finish(execution: Any, **more: Any) -> Progress:
    move = Move(status=ExecutionStatus.SUCCEEDED, at=NOW)
    given = {"tenant_id": execution.tenant_id, "execution_id": execution.id, "fence": execution.fence}
    return Progress(**{**given, "move": move, **more})


def test_what_arrives_during_a_commit_is_committed_together(
    store: Store, make: Any, hold: Any, pool: ThreadPoolExecutor
) -> None:
    submit(store, Start(execution=make.execution()))
    with hold():
        busy = begun(store)
        first = pool.submit(submit, store, Start(execution=make.execution()))
        assert busy.wait(LIMIT_S)
        rest = [pool.submit(submit, store, Start(execution=make.execution())) for _ in range(30)]
        wait_until(lambda: queued(store) == 30)
        commits = commits_of(store)
    assert all(isinstance(one.result(LIMIT_S), Applied) for one in [first, *rest])
    assert len(commits) == 2


def test_one_change_that_cannot_be_written_costs_its_neighbors_nothing(store: Store, make: Any) -> None:
    good = [Start(execution=make.execution()) for _ in range(9)]
    bad = Start(execution=make.execution(trigger={"data": object()}))
    outcomes = submit_all(store, [*good[:4], bad, *good[4:]])
    assert [type(one).__name__ for one in outcomes].count("Applied") == 9
    assert isinstance(outcomes[4], Exception)
    with pytest.raises(type(outcomes[4])):
        submit(store, bad)
    with store.read("ten_a") as tx:
        assert {executions.get(tx, one.execution.id).id for one in good} == {one.execution.id for one in good}


def test_a_lost_claim_in_a_batch_is_told_to_its_submitter_alone(store: Store, make: Any) -> None:
    mine, theirs = started(store, make), started(store, make)
    outcomes = submit_all(store, [finish(mine), finish(theirs, fence=theirs.fence + 1)])
    assert outcomes == [Applied(execution_ids=(mine.id,)), Fenced()]


def test_two_changes_of_one_execution_are_applied_one_after_the_other(store: Store, make: Any) -> None:
    execution = started(store, make)
    assert submit_all(store, [finish(execution), finish(execution)]) == [
        Applied(execution_ids=(execution.id,)),
        Fenced(),
    ]


def test_steps_done_before_an_execution_was_stored_are_stored_with_it(store: Store, make: Any) -> None:
    event = make.event()
    execution = make.execution(event_id=event.id, status=ExecutionStatus.SUCCEEDED, finished_at=NOW)
    step = make.step(execution, status=StepStatus.SUCCEEDED, output={"n": 1}, finished_at=NOW)
    intake = Intake(delivery=make.delivery(), event=event, executions=(execution,), steps=(step,))
    submit(store, intake)
    with store.read("ten_a") as tx:
        assert executions.get(tx, execution.id) == execution
        assert executions.list_steps(tx, execution.id) == [step]


def test_a_change_whose_commit_got_no_answer_counts_once_when_it_is_tried_again(
    store: Store, make: Any
) -> None:
    execution, event = started(store, make), make.event()
    changes = [
        finish(execution),
        Start(execution=make.execution()),
        Intake(delivery=make.delivery(), event=event, executions=(make.execution(event_id=event.id),)),
    ]
    expected = submit_all(store, changes)
    with store.begin_across(["ten_a"]) as tx:
        assert apply(tx.conn, changes, again=True) == expected


def test_another_try_never_takes_somebody_elses_move_for_its_own(store: Store, make: Any) -> None:
    execution = started(store, make)
    with store.begin("ten_a") as tx:
        endings.cancel(tx, execution.id, NOW, "stop")
    with store.begin_across(["ten_a"]) as across:
        assert apply(across.conn, [finish(execution)], again=True) == [Fenced()]


def test_closing_commits_what_is_queued_and_takes_nothing_more(
    open_store: Callable[..., Store], make: Any, hold: Any, pool: ThreadPoolExecutor
) -> None:
    store, other = open_store(), open_store()
    changes = [Start(execution=make.execution()) for _ in range(10)]
    with hold():
        busy = begun(store)
        outcomes: list[Future[Any]] = [pool.submit(submit, store, changes[0])]
        assert busy.wait(LIMIT_S)
        outcomes += [pool.submit(submit, store, one) for one in changes[1:]]
        wait_until(lambda: queued(store) == 9)
        closing = pool.submit(store.close)
    assert all(isinstance(one.result(LIMIT_S), Applied) for one in outcomes)
    closing.result(LIMIT_S)
    with pytest.raises(StoreError):
        submit(store, Start(execution=make.execution()))
    with other.read("ten_a") as tx:
        assert [executions.get(tx, one.execution.id).status for one in changes] == ["queued"] * 10


def test_a_full_queue_makes_its_callers_wait_and_then_refuses_them(
    store: Store, make: Any, hold: Any, pool: ThreadPoolExecutor
) -> None:
    small = Committer(store, longest_queue=3, patience_s=0.05)
    refused = make.execution()
    with hold():
        busy = begun(store)
        first = pool.submit(small.submit_all, [Start(execution=make.execution())])
        assert busy.wait(LIMIT_S)
        waiting = [pool.submit(small.submit_all, [Start(execution=make.execution())]) for _ in range(3)]
        wait_until(lambda: len(small._queue) == 3)
        with pytest.raises(StoreError, match="does not answer"):
            small.submit_all([Start(execution=refused)])
    assert all(isinstance(one.result(LIMIT_S)[0], Applied) for one in [first, *waiting])
    small.close()
    with store.read("ten_a") as tx, pytest.raises(NotFoundError):
        executions.get(tx, refused.id)
