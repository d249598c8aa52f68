"""Polls as rows: taken by one at a time, the earliest first, and never another tenant's."""

import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.change import Fenced, Finding, Intake
from revolution_hub.model.poll import StoredPoll
from revolution_hub.store import emitted, polls
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store, Tx

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
LEASE = timedelta(seconds=30)
POLL = StoredPoll(
    id="pol_b",
    tenant_id="ten_b",
    connection_id="con_b",
    name="acme.poll_things",
    created_at=NOW,
    counted_from=NOW,
    next_at=NOW,
)


def keep(store: Store, *wanted: StoredPoll) -> None:
    for one in wanted:
        with store.begin(one.tenant_id) as tx:
            polls.want(tx, [one], NOW)


def row(store: Store, poll_id: str = "pol_b") -> Any:
    with store.read_across() as tx:
        return tx.conn.execute(sa.select(t.polls).where(t.polls.c.id == poll_id)).mappings().one()


Act = Callable[[Tx], Any]

FINDS_NOTHING: dict[str, Act] = {
    "polls.get": lambda tx: polls.get(tx, "pol_b"),
    "polls.list_page": lambda tx: polls.list_page(tx, Page(), None)[0],
    "emitted.find": lambda tx: emitted.find(tx, "app_b", "k-b"),
}
CHANGES_NOTHING: dict[str, Act] = {
    "polls.want": lambda tx: polls.want(tx, [replace(POLL, tenant_id="ten_a", id="pol_a")], LATER),
    "polls.wake": lambda tx: polls.wake(tx, "con_b", NOW - LEASE),
    "polls.remove": lambda tx: polls.remove(tx, "con_b"),
    "polls.pause": lambda tx: polls.pause(tx, "pol_b", LATER),
    "polls.due": lambda tx: polls.due(tx, "pol_b", LATER),
}


@pytest.mark.parametrize("name", FINDS_NOTHING)
def test_nothing_of_another_tenant_is_found(name: str, store: Store, make: Any) -> None:
    keep(store, POLL)
    event = make.event(tenant_id="ten_b", source_id="app_b", dedup_key="k-b")
    submit(store, Intake(event=event))
    with store.read("ten_a") as tx, suppress(NotFoundError):
        assert not FINDS_NOTHING[name](tx)


@pytest.mark.parametrize("name", CHANGES_NOTHING)
def test_nothing_of_another_tenant_is_changed(name: str, store: Store) -> None:
    keep(store, POLL)
    before = dict(row(store))
    with store.begin("ten_a") as tx:
        CHANGES_NOTHING[name](tx)
    assert dict(row(store)) == before


def test_every_function_is_tried_here() -> None:
    declared = {
        f"{noun.__name__.rpartition('.')[2]}.{name}"
        for noun in (polls, emitted)
        for name, function in inspect.getmembers(noun, inspect.isfunction)
        if function.__module__ == noun.__name__ and next(iter(inspect.signature(function).parameters)) == "tx"
        if not name.startswith("_")
    }
    assert declared == {*FINDS_NOTHING, *CHANGES_NOTHING}


def test_a_finding_in_the_name_of_another_tenant_does_not_count(store: Store) -> None:
    keep(store, POLL)
    (claimed,) = polls.claim_due(store, "wrk_1", NOW, LEASE, 10)
    finding = Finding(tenant_id="ten_a", poll_id="pol_b", fence=claimed.fence, at=NOW, next_at=None)
    assert isinstance(submit(store, finding), Fenced)
    assert row(store)["next_at"] == NOW + LEASE


def test_the_earliest_is_taken_first_and_what_is_taken_is_due_again_when_its_lease_ends(store: Store) -> None:
    due = [
        replace(POLL, id=f"pol_{at}", connection_id=f"con_{at}", next_at=NOW - timedelta(seconds=at))
        for at in (1, 3, 2)
    ]
    keep(store, *due, replace(POLL, id="pol_4", connection_id="con_4", next_at=LATER))
    first = polls.claim_due(store, "wrk_1", NOW, LEASE, 2)
    assert sorted(one.id for one in first) == ["pol_2", "pol_3"]
    assert [one.id for one in polls.claim_due(store, "wrk_2", NOW, LEASE, 10)] == ["pol_1"]
    assert polls.claim_due(store, "wrk_2", NOW, LEASE, 10) == []
    again = polls.claim_due(store, "wrk_2", NOW + LEASE, LEASE, 10)
    assert [(one.id, one.fence, one.lease_owner) for one in again] == [
        (f"pol_{at}", 2, "wrk_2") for at in (1, 2, 3)
    ]


def test_of_many_who_take_each_poll_goes_to_one(store: Store) -> None:
    count, takers = 20, 4
    keep(store, *(replace(POLL, id=f"pol_{at:02}", connection_id=f"con_{at}") for at in range(count)))
    barrier = Barrier(takers)

    def take(number: int) -> list[str]:
        barrier.wait(10)
        return [one.id for one in polls.claim_due(store, f"wrk_{number}", NOW, LEASE, count)]

    with ThreadPoolExecutor(takers) as pool:
        taken = [poll_id for some in pool.map(take, range(takers)) for poll_id in some]
    assert len(taken) == len(set(taken))


def test_only_what_the_dead_worker_held_is_due_at_once(store: Store) -> None:
    keep(store, POLL, replace(POLL, id="pol_2", connection_id="con_2"))
    polls.claim_due(store, "wrk_1", NOW, LEASE, 1)
    polls.claim_due(store, "wrk_2", NOW, LEASE, 1)
    assert polls.end_leases_of(store, "wrk_1", NOW) == 1
    (again,) = polls.claim_due(store, "wrk_3", NOW, LEASE, 10)
    assert again.fence == 2


def test_what_is_due_is_found_by_an_index(store: Store) -> None:
    query = sa.select(t.polls).where(t.polls.c.next_at <= NOW).order_by(t.polls.c.next_at).limit(8)
    if store.dialect != "sqlite":
        return
    with store.read_across() as tx:
        text = str(query.compile(tx.conn.engine, compile_kwargs={"literal_binds": False}))
        plan = tx.conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("2026-11-22", 8, 0)).all()
    assert "ix_polls_next_at" in str(plan)
