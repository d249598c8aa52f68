"""Children that end together: no join is lost, no item is handed out twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from revolution_hub.model.change import Applied, Move, Progress, Start, Take
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.store import executions
from revolution_hub.store.claim import Caps, Turns, claim
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
JOINS = 100
LANES = 8
ITEMS = 500


@pytest.fixture
def processes(database: str, store: Store) -> Any:
    """Two stores over one database, each with a committer of its own, like two processes."""
    others = [Store(database, pool_size=12) for _ in range(2)]
    yield others
    for one in others:
        one.close()


def family(make: Any, store: Store, joins: dict[str, Any], children: int) -> list[Any]:
    """Store a parent that waits for its children, and claim them; return the claimed children."""
    parent = make.execution()
    submit(store, Start(execution=parent))
    (held,) = take(store, 1)
    starts = tuple(
        replace(make.execution(), parent_id=parent.id, parent_step="fan", block="fan/b", place=place)
        for place in range(children)
    )
    waiting = Move(status=ExecutionStatus.WAITING, at=NOW, wait_reason=WaitReason.CHILDREN)
    change = Progress(
        tenant_id=held.tenant_id,
        execution_id=held.id,
        fence=held.fence,
        starts=starts,
        joins={"step": "fan", "left": children, **joins},
        move=waiting,
    )
    assert isinstance(submit(store, change), Applied)
    return take(store, children)


def take(store: Store, limit: int) -> list[Any]:
    caps = Caps(tenant=1000, connection=1000)
    until = NOW + timedelta(hours=1)
    taken: list[Any] = []
    while len(taken) < limit:
        more = claim(store, "wrk_1", NOW, until, limit=limit - len(taken), caps=caps, turns=Turns())
        assert more
        taken += more
    return taken


def ended(child: Any, **more: Any) -> Progress:
    return Progress(
        tenant_id=child.tenant_id,
        execution_id=child.id,
        fence=child.fence,
        parent_id=child.parent_id,
        move=Move(status=ExecutionStatus.SUCCEEDED, at=NOW),
        **more,
    )


def parent_of(store: Store, child: Any) -> Any:
    with store.read(child.tenant_id) as tx:
        return executions.get(tx, child.parent_id)


def test_of_branches_that_end_together_in_two_processes_one_wakes_the_parent(
    make: Any, store: Store, processes: list[Store]
) -> None:
    with ThreadPoolExecutor(2) as threads:
        for _ in range(JOINS):
            pair = family(make, store, {}, 2)
            gate = threading.Barrier(2)

            def end(process: Store, child: Any, gate: threading.Barrier = gate) -> Any:
                gate.wait(10)
                return submit(process, ended(child))

            outcomes = list(threads.map(end, processes, pair))
            assert sorted(one.woke for one in outcomes) == [False, True]
            parent = parent_of(store, pair[0])
            assert (str(parent.status), parent.wait_reason, parent.joins["left"]) == ("queued", None, 0)
            (again,) = take(store, 1)
            assert again.id == parent.id
            submit(store, replace(ended(again), parent_id=None))


def test_every_item_is_handed_out_once_to_lanes_of_two_processes(
    make: Any, store: Store, processes: list[Store]
) -> None:
    joins = {"next": 0, "total": ITEMS, "returned": [], "stop": False}
    lanes = family(make, store, joins, LANES)
    handed: list[list[int]] = [[] for _ in lanes]

    def go_through(place: int) -> None:
        process, lane, number = processes[place % 2], lanes[place], 0
        while True:
            outcome = submit(process, ended(lane, take=Take(round=number, most=16)))
            assert isinstance(outcome, Applied)
            if not outcome.allotted:
                return
            handed[place] += outcome.allotted
            number += 1

    with ThreadPoolExecutor(LANES) as threads:
        list(threads.map(go_through, range(LANES)))
    assert sorted(index for some in handed for index in some) == list(range(ITEMS))
    parent = parent_of(store, lanes[0])
    assert (str(parent.status), parent.joins["left"], parent.joins["next"]) == ("queued", 0, ITEMS)


def test_a_hand_out_whose_answer_was_lost_is_given_again_and_takes_nothing_more(
    make: Any, store: Store
) -> None:
    joins = {"next": 4, "total": ITEMS, "returned": [], "stop": False}
    (lane,) = family(make, store, joins, 1)
    first = submit(store, ended(lane, take=Take(round=0, most=16, kept=(3,))))
    again = submit(store, ended(lane, take=Take(round=0, most=16, kept=(3,))))
    assert first.allotted == again.allotted == tuple(range(4, 20))
    assert parent_of(store, lane).joins["next"] == 20


def test_items_given_back_go_to_whoever_asks_next(make: Any, store: Store) -> None:
    joins = {"next": ITEMS, "total": ITEMS, "returned": [], "stop": False}
    waiting, other = family(make, store, joins, 2)
    suspended = Move(status=ExecutionStatus.WAITING, at=NOW, wait_reason=WaitReason.RETRY, wake_at=NOW)
    given_back = replace(ended(waiting, take=Take(round=1, kept=(5,), given_back=(6, 7, 8))), move=suspended)
    assert isinstance(submit(store, given_back), Applied)
    with store.read(waiting.tenant_id) as tx:
        assert executions.get(tx, waiting.id).allotted == {"round": 2, "items": [5]}
    outcome = submit(store, ended(other, take=Take(round=1, most=16)))
    assert set(outcome.allotted) <= {6, 7, 8}
    assert outcome.allotted


def test_after_a_failure_that_stops_nothing_more_is_handed_out(make: Any, store: Store) -> None:
    joins = {"next": 2, "total": ITEMS, "returned": [], "stop": False}
    failing, other = family(make, store, joins, 2)
    failed = replace(ended(failing), move=Move(status=ExecutionStatus.FAILED, at=NOW))
    assert submit(store, failed).woke is False
    outcome = submit(store, ended(other, take=Take(round=1, most=16)))
    assert (outcome.allotted, outcome.woke) == ((), True)


def test_a_child_of_an_earlier_step_moves_nothing_any_more(make: Any, store: Store) -> None:
    child, _ = family(make, store, {"step": "another"}, 2)
    assert submit(store, ended(child)).woke is False
    assert parent_of(store, child).joins["left"] == 2
