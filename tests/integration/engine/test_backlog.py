"""Who has too much waiting is told so before anything is accepted; everybody else goes on."""

from dataclasses import replace
from typing import Any

import pytest

from revolution_hub.bus.backlog import LOOK_S, Backlog
from revolution_hub.bus.hook import receive_hook
from revolution_hub.errors import LimitError
from revolution_hub.services import starts
from revolution_hub.store.tx import Store
from revolution_sdk import Delivery

CALL = {"id": "call", "uses": "lab.read_page"}
MOST = 3


@pytest.fixture
def narrow(bench: Any) -> Any:
    """Let tenants have no more than a few executions waiting."""
    bench.hub = replace(bench.hub, settings=replace(bench.hub.settings, tenant_backlog=MOST))
    return bench


def plain(bench: Any) -> Delivery:
    return Delivery(method="POST", url="/", headers={}, body=b"{}", received_at=bench.clock.now)


def queued(bench: Any) -> int:
    with bench.hub.store.read("ten_a") as tx:
        return int(
            tx.conn.exec_driver_sql("SELECT count(*) FROM executions WHERE status = 'queued'").scalar()
        )


def test_what_is_beyond_the_limit_is_refused_and_leaves_nothing(narrow: Any) -> None:
    published = narrow.publish(CALL, on=[{"webhook": {"auth": "none"}}])
    key = published.hook.removeprefix("/hooks/")
    for _ in range(MOST):
        receive_hook(narrow.hub, key, plain(narrow))
    with pytest.raises(LimitError) as refused:
        receive_hook(narrow.hub, key, plain(narrow))
    assert refused.value.code == "backlog_full"
    assert refused.value.retry_after_s is not None
    assert refused.value.details["setting"] == "REVOLUTION_TENANT_BACKLOG"
    assert queued(narrow) == MOST


def test_a_start_by_hand_is_refused_alike(narrow: Any) -> None:
    published = narrow.publish(CALL, on=["manual"])
    for _ in range(MOST):
        starts.execute_workflow(narrow.hub, narrow.principal, published.workflow.id, {}, None)
    with pytest.raises(LimitError, match="wait already"):
        starts.execute_workflow(narrow.hub, narrow.principal, published.workflow.id, {}, None)
    assert queued(narrow) == MOST


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def test_there_is_room_again_once_some_are_done(bench: Any, store: Store) -> None:
    clock = Hands()
    book = Backlog(store, clock)
    for _ in range(MOST):
        bench.start(CALL)
    assert not book.take("ten_a", MOST)
    bench.work()
    assert not book.take("ten_a", MOST)
    clock.at_s += LOOK_S
    assert [book.take("ten_a", MOST) for _ in range(MOST + 1)] == [True] * MOST + [False]


def test_another_tenant_has_room_of_its_own(bench: Any, store: Store) -> None:
    book = Backlog(store)
    for _ in range(MOST):
        bench.start(CALL)
    assert not book.take("ten_a", MOST)
    assert book.take("ten_b", MOST)


def test_far_below_the_limit_nobody_looks_again(bench: Any, store: Store) -> None:
    clock = Hands()
    book = Backlog(store, clock)
    assert book.take("ten_a", 1000)
    for _ in range(5):
        bench.start(CALL)
    clock.at_s += LOOK_S * 10
    assert book.take("ten_a", 1000)
    store.close()
    assert book.take("ten_a", 1000)
