"""Whose turn it is: tenants in turn, caps, and many claimers at once."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.execution import Execution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import across
from revolution_hub.store import tables as t
from revolution_hub.store.claim import Caps, Turns, claim
from revolution_hub.store.rows import columns_of
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
ROOMY = Caps(tenant=100_000, connection=100_000)
RUNNING = {"status": ExecutionStatus.RUNNING, "lease_owner": "wrk_9", "lease_until": LATER}
Open = Callable[..., Store]


def add(store: Store, make: Any, count: int, tenant: str = "ten_a", **more: Any) -> list[Execution]:
    made = sorted((make.execution(tenant_id=tenant, **more) for _ in range(count)), key=lambda one: one.id)
    with store.begin_across() as tx:
        tx.conn.execute(sa.insert(t.executions), [columns_of(one) for one in made])
    return made


def take(store: Store, limit: int, owner: str = "wrk_1", **more: Any) -> list[Execution]:
    given = {"caps": ROOMY, "turns": Turns(), **more}
    return claim(store, owner, NOW, LATER, limit=limit, **given)


def tenants(taken: Iterable[Execution]) -> list[str]:
    return [one.tenant_id.removeprefix("ten_") for one in taken]


def ids(taken: Iterable[Execution]) -> list[str]:
    return [one.id for one in taken]


def test_one_execution_is_in_the_next_batch_however_many_another_tenant_has_queued(
    store: Store, make: Any
) -> None:
    many = add(store, make, 10_000)
    (one,) = add(store, make, 1, "ten_b")
    taken = take(store, 8)
    assert taken[1].id == one.id
    assert set(tenants(taken)) == {"a", "b"}
    assert ids(taken[:1] + taken[2:]) == ids(many[: len(taken) - 1])
    assert tenants(take(store, 8)) == ["a"] * 8


def test_nobody_gets_a_second_one_before_everybody_had_the_first(store: Store, make: Any) -> None:
    for name, count in (("a", 5), ("b", 1), ("c", 3)):
        add(store, make, count, f"ten_{name}")
    assert tenants(take(store, 9)) == ["a", "b", "c", "a", "c", "a", "c"]
    assert tenants(take(store, 9)) == ["a", "a"]


def test_with_more_tenants_than_room_everybody_has_a_turn(store: Store, make: Any) -> None:
    for number in range(10):
        add(store, make, 3, f"ten_{number}")
    turns = Turns()
    taken = [tenants(take(store, 4, turns=turns)) for _ in range(8)]
    assert taken[:5] == [list("0123"), list("4567"), list("8901"), list("2345"), list("6789")]
    assert Counter(one for batch in taken for one in batch) == {str(number): 3 for number in range(10)}
    assert take(store, 4, turns=turns) == []


@pytest.mark.parametrize(
    ("queued", "mine", "theirs", "among", "taken", "left"),
    [
        (50, 0, 0, 2, 25, True),
        (50, 25, 0, 2, 13, True),
        (50, 0, 30, 2, 40, True),
        (50, 0, 60, 2, 50, False),
        (50, 40, 0, 2, 8, True),
        (8, 40, 0, 2, 8, False),
        (50, 0, 0, 1, 50, False),
        (50, 0, 0, 4, 13, True),
    ],
)
def test_of_what_would_all_fit_a_process_takes_its_share_alone(
    store: Store, make: Any, queued: int, mine: int, theirs: int, among: int, taken: int, left: bool
) -> None:
    busy = {"status": ExecutionStatus.RUNNING, "lease_until": LATER}
    for owner, count in (("wrk_1", mine), ("wrk_2", theirs)):
        if count:
            add(store, make, count, "ten_b", lease_owner=owner, **busy)
    many, turns = add(store, make, queued), Turns()
    assert ids(take(store, 100, turns=turns, among=among)) == ids(many[:taken])
    assert turns.left is left
    rest = take(store, 100, turns=turns, among=1)
    assert (len(rest), turns.left) == (queued - taken, False)


def test_where_there_is_more_than_a_process_can_take_it_takes_as_much_as_it_can(
    store: Store, make: Any
) -> None:
    turns = Turns()
    many = add(store, make, 50)
    assert ids(take(store, 50, turns=turns, among=2)) == ids(many)
    assert turns.left is False


def test_more_processes_than_one_expected_are_counted(store: Store, make: Any) -> None:
    for number in range(3):
        add(store, make, 1, "ten_b", **{**RUNNING, "lease_owner": f"wrk_{number + 5}"})
    add(store, make, 45)
    assert len(take(store, 100, among=2)) == 12


def test_it_goes_on_behind_a_tenant_that_has_nothing_left(store: Store, make: Any) -> None:
    for name in "abd":
        add(store, make, 1, f"ten_{name}")
    turns = Turns()
    assert tenants(take(store, 2, turns=turns)) == ["a", "b"]
    add(store, make, 1, "ten_c")
    add(store, make, 1, "ten_a")
    assert tenants(take(store, 2, turns=turns)) == ["c", "d"]
    assert tenants(take(store, 2, turns=turns)) == ["a"]


def test_a_tenant_at_its_cap_is_passed_over_and_blocks_nobody(store: Store, make: Any) -> None:
    running = add(store, make, 3, **RUNNING)
    queued = add(store, make, 4)
    others = add(store, make, 9, "ten_b")
    caps = Caps(tenant=4, connection=100)
    turns = Turns()
    assert tenants(take(store, 9, caps=caps, turns=turns)) == ["a", "b", "b", "b", "b"]
    assert take(store, 9, caps=caps, turns=turns) == []
    across.hand_back(store, "wrk_9", ids(running[:2]))
    # What was handed back is older than what was never begun.
    assert ids(take(store, 9, caps=caps, turns=turns)) == ids(running[:2])
    assert len(others) == 9
    assert len(queued) == 4


def test_a_full_tenant_takes_no_place_of_the_others(store: Store, make: Any) -> None:
    for name in "abc":
        add(store, make, 1, f"ten_{name}", **RUNNING)
        add(store, make, 5, f"ten_{name}")
    add(store, make, 1, "ten_d")
    assert tenants(take(store, 1, caps=Caps(tenant=1, connection=9))) == ["d"]


def test_what_waits_for_a_full_connection_is_passed_over_and_the_rest_of_its_tenant_is_not(
    store: Store, make: Any
) -> None:
    running = add(store, make, 2, connection_id="con_1", **RUNNING)
    parked = add(store, make, 3_000, connection_id="con_1")
    other = add(store, make, 2, connection_id="con_2")
    free = add(store, make, 2)
    caps = Caps(tenant=1000, connection=2)
    assert ids(take(store, 10, caps=caps)) == ids(other + free)
    assert take(store, 10, caps=caps) == []
    across.end_leases_of(store, "wrk_9")
    # What ran is older than what waits, so it is its turn again.
    assert ids(take(store, 10, caps=caps)) == ids(running)
    assert {one.status for one in parked} == {ExecutionStatus.QUEUED}


def test_a_connection_has_no_more_than_its_cap_in_one_batch(store: Store, make: Any) -> None:
    parked = add(store, make, 10, connection_id="con_1")
    add(store, make, 1, connection_id="con_1", **RUNNING)
    caps = Caps(tenant=1000, connection=4)
    assert ids(take(store, 10, caps=caps)) == ids(parked[:3])
    assert take(store, 10, caps=caps) == []


def test_the_oldest_comes_first_whatever_connection_it_waits_for(store: Store, make: Any) -> None:
    made: list[Execution] = []
    for number, connection_id in enumerate(("con_2", None, "con_1", None, "con_2")):
        made += add(store, make, 1, connection_id=connection_id, id=f"exe_{number}")
    assert ids(take(store, 5)) == ids(made)


def test_a_claim_tells_what_other_processes_use(store: Store, make: Any) -> None:
    add(store, make, 2, connection_id="con_1", **RUNNING)
    add(store, make, 1, "ten_b", connection_id="con_2", **{**RUNNING, "lease_owner": "wrk_1"})
    add(store, make, 1, **RUNNING)
    turns = Turns()
    take(store, 1, turns=turns)
    assert turns.elsewhere == {"con_1": 2}


def test_suspects_have_turns_of_their_own(store: Store, make: Any) -> None:
    add(store, make, 3, crashes=2)
    add(store, make, 1, "ten_b", crashes=2, connection_id="con_1")
    add(store, make, 2, "ten_c")
    turns = Turns()
    alone = [take(store, 1, isolated=True, turns=turns) for _ in range(5)]
    assert [tenants(one) for one in alone] == [["a"], ["b"], ["a"], ["a"], []]
    assert tenants(take(store, 9)) == ["c", "c"]


@pytest.mark.parametrize("names", [("a",), tuple("abcdefgh")])
def test_eight_claimers_take_each_of_500_once(names: tuple[str, ...], open_store: Open, make: Any) -> None:
    stores = [open_store() for _ in range(4)]
    made = [
        one
        for number, name in enumerate(names)
        for one in add(stores[0], make, 500 // len(names) + (number < 500 % len(names)), f"ten_{name}")
    ]
    barrier = Barrier(8)

    def work(number: int) -> list[Execution]:
        taken: list[Execution] = []
        turns = Turns()
        barrier.wait(20)
        while across.count_queued(stores[number % 4], 1, isolated=False):
            taken += take(stores[number % 4], 7, f"wrk_{number}", turns=turns)
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [one for each in pool.map(work, range(8)) for one in each]
    assert Counter(ids(taken)) == Counter(ids(made))
    assert {one.fence for one in taken} == {1}
    assert len(taken) == 500


def test_claims_hand_backs_and_crashes_at_once_never_give_one_fence_twice(
    open_store: Open, make: Any
) -> None:
    stores = [open_store() for _ in range(4)]
    add(stores[0], make, 60)
    barrier = Barrier(8)

    def work(number: int) -> list[tuple[str, int]]:
        store, owner, held = stores[number % 4], f"wrk_{number}", []
        barrier.wait(20)
        for _ in range(6):
            taken = take(store, 5, owner)
            held += [(one.id, one.fence) for one in taken]
            across.hand_back(store, owner, ids(taken))
        return held

    with ThreadPoolExecutor(8) as pool:
        held = Counter(one for each in pool.map(work, range(8)) for one in each)
    assert held
    assert set(held.values()) == {1}
