"""A database that does not answer for a while costs time, and never an execution or an honest record."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from revolution_hub.engine.watch import Watch
from revolution_hub.store import tables as t
from revolution_hub.store.errors import StoreError
from revolution_hub.store.tx import Store

Link = sqlite3.Connection | psycopg.Connection[Any]
STEP = {"id": "it", "uses": "lab.send_letter"}


@pytest.fixture
def lock(database: str) -> Iterator[Callable[[], Link]]:
    """Lock the database against writers, as another program would."""
    held: list[Link] = []

    def locking() -> Link:
        if database.startswith("sqlite"):
            path = database.removeprefix("sqlite:///")
            link: Link = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            link.execute("BEGIN IMMEDIATE")
        else:
            link = psycopg.connect(database)
            link.execute("LOCK TABLE executions, connections IN EXCLUSIVE MODE")
        held.append(link)
        return link

    yield locking
    for link in held:
        link.close()


@pytest.fixture
def hasty(bench: Any, open_store: Callable[..., Store]) -> Any:
    """The bench with a store that waits 50 ms for a lock instead of 20 s."""
    hub = replace(bench.hub, store=open_store(patient=False))
    return replace(bench, hub=hub, watch=Watch(hub, hub.process))


@pytest.mark.parametrize(("action", "calls"), [("read_page", 2), ("put_page", 2), ("compute_sum", 2)])
def test_a_result_that_could_not_be_written_is_made_again(
    action: str, calls: int, hasty: Any, script: Any, lock: Any
) -> None:
    execution_id = hasty.start({"id": "it", "uses": f"lab.{action}"})
    execution = hasty.claim()
    links: list[Link] = []
    script.next(action, lambda ctx, value: links.append(lock()) or {})
    with pytest.raises(StoreError):
        hasty.drive(execution)
    links[0].close()
    assert hasty.look(execution_id).status == "running"
    assert hasty.watch.held() == []
    assert hasty.pass_time(31) == 1
    assert hasty.look(execution_id).status == "succeeded"
    assert script.count(action) == calls


def test_a_once_result_that_could_not_be_written_is_never_made_again(
    hasty: Any, script: Any, lock: Any
) -> None:
    execution_id = hasty.start(STEP)
    execution = hasty.claim()
    links: list[Link] = []
    script.next("send_letter", lambda ctx, value: links.append(lock()) or {})
    with pytest.raises(StoreError):
        hasty.drive(execution)
    links[0].close()
    hasty.pass_time(31)
    seen = hasty.look(execution_id)
    assert (seen.waits_for, seen.tried("it")) == ("uncertain", ["unknown:worker_vanished"])
    assert script.count("send_letter") == 1


@pytest.mark.parametrize("action", ["put_page", "compute_sum"])
def test_a_database_that_is_back_at_once_holds_nothing_against_the_execution(
    action: str, hasty: Any, script: Any, lock: Any
) -> None:
    execution_id = hasty.start({"id": "it", "uses": f"lab.{action}"})
    execution = hasty.claim()
    links: list[Link] = []
    script.next(action, lambda ctx, value: links.append(lock()) or {})
    sa.event.listen(hasty.hub.store.engine, "handle_error", lambda _: links[0].close())
    with pytest.raises(StoreError):
        hasty.drive(execution)
    assert hasty.look(execution_id).status == "running"
    hasty.pass_time(31)
    assert hasty.look(execution_id).status == "succeeded"


def test_nothing_leaves_while_its_attempt_cannot_be_written(hasty: Any, script: Any, lock: Any) -> None:
    execution_id = hasty.start(STEP)
    execution = hasty.claim()
    link = lock()
    with pytest.raises(StoreError):
        hasty.drive(execution)
    assert script.calls == []
    link.close()
    hasty.pass_time(31)
    assert hasty.look(execution_id).status == "succeeded"
    assert script.count("send_letter") == 1


def test_a_look_up_that_meets_it_is_made_again_and_asks_no_person(hasty: Any, script: Any, lock: Any) -> None:
    execution_id = hasty.start({"id": "it", "uses": "lab.post_letter"})
    script.next("post_letter", hasty.vanish())
    hasty.drive(hasty.claim())

    def look_up(ctx: Any, value: Any) -> Any:
        link = lock()
        try:
            with hasty.hub.store.begin("ten_a") as tx:
                tx.conn.execute(sa.delete(t.connections))
            raise AssertionError("the lock does not hold")
        finally:
            link.close()

    script.next("confirm", look_up, {"n": 1})
    hasty.work()
    assert hasty.look(execution_id).waits_for == "retry"
    hasty.pass_time(5)
    assert hasty.look(execution_id).status == "succeeded"


def test_a_database_that_goes_away_within_an_action_ends_its_drive_and_not_its_step(
    hasty: Any, script: Any, lock: Any
) -> None:
    links: list[Link] = []
    caught: list[Exception] = []

    def draw() -> int:
        if not links:
            links.append(lock())
        return 1

    def play(ctx: Any, value: Any) -> Any:
        try:
            return {"n": ctx.record("drawn", draw)}
        except Exception as error:
            caught.append(error)
            return {}

    execution_id = hasty.start({"id": "it", "uses": "lab.put_page"})
    script.next("put_page", play, play)
    with pytest.raises(StoreError):
        hasty.drive(hasty.claim())
    links[0].close()
    seen = hasty.look(execution_id)
    assert (caught, seen.status, seen.tried("it"), seen.order) == ([], "running", ["started"], ["it"])
    hasty.pass_time(31)
    assert hasty.look(execution_id).steps["it"].output == {"n": 1}
