"""The queue in the database: claims, leases, timers, and executions whose workers keep vanishing."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.change import Start
from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.store import across, endings, executions, sweep
from revolution_hub.store.claim import Caps, Turns
from revolution_hub.store.claim import claim as take
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
ROOMY = Caps(tenant=1000, connection=1000)
Open = Callable[..., Store]


def add(store: Store, make: Any, count: int = 1, **more: Any) -> list[Execution]:
    made = [make.execution(**more) for _ in range(count)]
    for one in made:
        submit(store, Start(execution=one))
    return sorted(made, key=lambda one: one.id)


def claim(store: Store, owner: str = "wrk_1", *, limit: int = 10, isolated: bool = False) -> list[Execution]:
    return take(store, owner, NOW, LATER, limit=limit, isolated=isolated, caps=ROOMY, turns=Turns())


def get(store: Store, execution: Execution) -> Execution:
    with store.read(execution.tenant_id) as tx:
        return executions.get(tx, execution.id)


def test_a_claim_takes_tenants_in_turn_with_a_lease_and_a_new_fence(store: Store, make: Any) -> None:
    of_a, of_b = add(store, make, 2), add(store, make, 2, tenant_id="ten_b")
    taken = claim(store, limit=3)
    assert [one.id for one in taken] == [of_a[0].id, of_b[0].id, of_a[1].id]
    assert all(one.status is ExecutionStatus.RUNNING and one.fence == 1 for one in taken)
    assert all((one.lease_owner, one.lease_until, one.started_at) == ("wrk_1", LATER, NOW) for one in taken)
    assert get(store, of_b[1]).status is ExecutionStatus.QUEUED
    assert get(store, taken[0]) == taken[0]


@pytest.mark.parametrize("status", [one for one in ExecutionStatus if one is not ExecutionStatus.QUEUED])
def test_only_what_is_queued_is_taken(status: ExecutionStatus, store: Store, make: Any) -> None:
    add(store, make, status=status)
    assert claim(store) == []
    assert across.count_queued(store, 10, isolated=False) == 0


def test_a_second_claim_keeps_when_it_was_first_started(store: Store, make: Any) -> None:
    add(store, make, started_at=NOW - timedelta(hours=1), fence=6)
    (taken,) = claim(store)
    assert (taken.started_at, taken.fence) == (NOW - timedelta(hours=1), 7)


def test_many_threads_of_two_processes_never_take_one_execution_twice(open_store: Open, make: Any) -> None:
    stores = [open_store(), open_store()]
    made = add(stores[0], make, 60)
    barrier = Barrier(8)

    def work(number: int) -> list[str]:
        taken: list[str] = []
        barrier.wait(10)
        while batch := claim(stores[number % 2], f"wrk_{number}", limit=3):
            taken += [one.id for one in batch]
        return taken

    with ThreadPoolExecutor(8) as pool:
        counted = Counter(one for taken in pool.map(work, range(8)) for one in taken)
    assert counted == Counter(one.id for one in made)


def test_counting_stops_at_the_limit_and_sees_every_tenant(store: Store, make: Any) -> None:
    add(store, make, 2)
    add(store, make, 2, tenant_id="ten_b")
    assert across.count_queued(store, 10, isolated=False) == 4
    assert across.count_queued(store, 3, isolated=False) == 3


def test_renewing_prolongs_only_what_is_still_held(store: Store, make: Any) -> None:
    mine, lost, others = add(store, make, 3)
    claim(store, "wrk_1", limit=2)
    claim(store, "wrk_2")
    with store.begin("ten_a") as tx:
        endings.cancel(tx, lost.id, NOW, "stop")
    much_later = LATER + timedelta(hours=1)
    across.renew(store, "wrk_1", [mine.id, lost.id, others.id], much_later)
    assert [get(store, one).lease_until for one in (mine, lost, others)] == [much_later, None, LATER]


def test_handing_back_queues_at_once_without_counting_a_crash(store: Store, make: Any) -> None:
    back, kept, others = add(store, make, 3)
    claim(store, "wrk_1", limit=2)
    claim(store, "wrk_2")
    assert across.hand_back(store, "wrk_1", [back.id, others.id]) == 1
    returned = get(store, back)
    assert (returned.status, returned.fence, returned.crashes) == (ExecutionStatus.QUEUED, 2, 0)
    assert (returned.lease_owner, returned.lease_until) == (None, None)
    assert {get(store, one).status for one in (kept, others)} == {ExecutionStatus.RUNNING}


def test_an_expired_lease_is_recovered_with_a_new_fence_and_counts_as_a_crash(
    store: Store, make: Any
) -> None:
    (one,) = add(store, make)
    claim(store)
    assert sweep.recover_expired(store, LATER) == 0
    assert sweep.recover_expired(store, LATER + timedelta(microseconds=1)) == 1
    recovered = get(store, one)
    assert (recovered.status, recovered.fence, recovered.crashes) == (ExecutionStatus.QUEUED, 2, 1)
    assert sweep.recover_expired(store, LATER + timedelta(hours=1)) == 0


def test_two_sweepers_at_once_count_one_crash(open_store: Open, make: Any) -> None:
    stores = [open_store(), open_store()]
    (one,) = add(stores[0], make)
    claim(stores[0])
    with ThreadPoolExecutor(8) as pool:
        moved = list(pool.map(lambda n: sweep.recover_expired(stores[n % 2], LATER + timedelta(1)), range(8)))
    assert sorted(moved) == [0] * 7 + [1]
    assert get(stores[0], one).crashes == 1


def test_what_a_dead_worker_held_is_queued_without_waiting_for_its_lease(store: Store, make: Any) -> None:
    dead, alive = add(store, make, 2)
    claim(store, "wrk_1", limit=1)
    claim(store, "wrk_2", limit=1)
    assert across.end_leases_of(store, "wrk_1") == 1
    assert (get(store, dead).status, get(store, dead).crashes) == (ExecutionStatus.QUEUED, 1)
    assert get(store, alive).lease_owner == "wrk_2"


@pytest.mark.parametrize("crashes", [0, 1, 2, 3, 4])
def test_after_two_crashes_only_the_isolated_worker_takes_it(crashes: int, store: Store, make: Any) -> None:
    add(store, make, crashes=crashes)
    suspect = crashes == 2
    assert across.count_queued(store, 10, isolated=True) == int(suspect)
    assert across.count_queued(store, 10, isolated=False) == int(not suspect)
    assert len(claim(store, "wrk_other", isolated=not suspect)) == 0
    assert len(claim(store, "wrk_right", isolated=suspect)) == 1


MAY_RING = {
    *(WaitReason.TIMER, WaitReason.RETRY, WaitReason.CALLBACK, WaitReason.CHILDREN, WaitReason.APPROVAL)
}
"""What an execution may wait for until a moment at most."""


@pytest.mark.parametrize("reason", list(WaitReason))
def test_what_may_have_a_moment_rings_then(reason: WaitReason, store: Store, make: Any) -> None:
    (one,) = add(store, make, status=ExecutionStatus.WAITING, wait_reason=reason, wake_at=NOW)
    assert sweep.wake_due(store, NOW - timedelta(microseconds=1)) == 0
    rings = reason in MAY_RING
    assert sweep.wake_due(store, NOW) == int(rings)
    woken = get(store, one)
    assert woken.status is (ExecutionStatus.QUEUED if rings else ExecutionStatus.WAITING)
    assert sweep.wake_due(store, NOW) == 0


def test_an_earlier_alarm_is_not_hidden_by_the_way_moments_are_written(store: Store, make: Any) -> None:
    whole = NOW.replace(microsecond=0)
    due = [whole, whole + timedelta(microseconds=1), whole + timedelta(milliseconds=999)]
    for at in due:
        add(store, make, status=ExecutionStatus.WAITING, wait_reason=WaitReason.TIMER, wake_at=at)
    assert [sweep.wake_due(store, at) for at in due] == [1, 1, 1]


def test_facts_of_the_installation_are_written_once(store: Store) -> None:
    assert across.read_fact(store, "mark") is None
    across.write_fact(store, "mark", b"\x00\xff")
    assert across.read_fact(store, "mark") == b"\x00\xff"
    with pytest.raises(sa.exc.IntegrityError):
        across.write_fact(store, "mark", b"other")
    assert across.read_fact(store, "mark") == b"\x00\xff"
