"""A connection at its cap: nobody waits in a thread, nothing is counted, and the turn comes back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.recover import RING_AGAIN_S, sweep
from revolution_hub.engine.watch import Watch
from revolution_sdk import RetryableError

INVITE = {"id": "it", "uses": "club.invite_member"}


@pytest.fixture
def narrow(bench: Any) -> Any:
    """A hub that lets one execution at a time through a connection."""
    hub = replace(bench.hub, settings=replace(bench.hub.settings, connection_running=1))
    return replace(bench, hub=hub, watch=Watch(hub, hub.process))


@contextmanager
def inviting(bench: Any, script: Any) -> Iterator[Callable[[], None]]:
    """Keep a call through the connection under way; call what comes back to end it."""
    began, let_go = threading.Event(), threading.Event()

    def play(ctx: Any, value: Any) -> Any:
        began.set()
        assert let_go.wait(20)
        return {}

    script.next("invite_member", play)
    thread = threading.Thread(target=bench.drive, args=(bench.claim(),))
    thread.start()
    assert began.wait(20)

    def end() -> None:
        let_go.set()
        thread.join(20)
        assert not thread.is_alive()

    try:
        yield end
    finally:
        end()


def test_beyond_the_cap_an_execution_is_handed_back_and_comes_when_there_is_room(
    narrow: Any, script: Any
) -> None:
    connection_id = narrow.connect()
    first, second = narrow.start(INVITE), narrow.start({"id": "before", "set": {}}, INVITE)
    with inviting(narrow, script) as end:
        assert narrow.look(first).execution.connection_id == connection_id
        narrow.drive(narrow.claim())
        seen = narrow.look(second)
        assert (seen.status, seen.execution.connection_id, seen.execution.crashes) == (
            "queued",
            connection_id,
            0,
        )
        assert (seen.attempts, seen.order) == ([], ["before"])
        assert narrow.claim() is None
        end()
    narrow.work()
    seen = narrow.look(second)
    assert (seen.status, seen.tried("it"), seen.execution.connection_id) == ("succeeded", ["succeeded"], None)
    assert narrow.look(first).execution.connection_id is None


def test_others_of_the_tenant_go_on_meanwhile(narrow: Any, script: Any) -> None:
    narrow.connect("first")
    narrow.connect("second")
    named = {**INVITE, "connection": "first"}
    other = {**INVITE, "connection": "second"}
    narrow.start(named)
    with inviting(narrow, script):
        handed_back = narrow.start(named)
        narrow.work()
        free = [narrow.start(other), narrow.start({"id": "it", "uses": "lab.read_page"})]
        narrow.work()
        assert [narrow.look(one).status for one in (handed_back, *free)] == [
            "queued",
            "succeeded",
            "succeeded",
        ]
    narrow.work()
    assert narrow.look(handed_back).status == "succeeded"


def test_what_other_processes_use_leaves_less_room_but_always_for_one(narrow: Any) -> None:
    watch = narrow.watch
    watch.elsewhere = {"con_1": 5}
    with watch.using("con_1") as first, watch.using("con_1") as second, watch.using(None) as none:
        assert (first, second, none) == (True, False, True)
    with watch.using("con_1") as again:
        assert again


def test_a_claim_tells_the_watch_what_others_use(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    bench.start(INVITE)
    other = bench.as_("wrk_2")
    with inviting(bench, script):
        Claimer(hub=other.hub, owner="wrk_2", watch=other.watch).take(1)
        assert other.watch.elsewhere == {connection_id: 1}
        Claimer(hub=bench.hub, owner="wrk_1", watch=bench.watch).take(1)
        assert bench.watch.elsewhere == {}


def test_a_lost_wake_up_is_made_good_by_the_sweep(bench: Any) -> None:
    bench.start(INVITE)
    bench.clock.advance(RING_AGAIN_S + 0.001)
    bench.wakes.clear()
    assert sweep(bench.hub) == 0
    assert bench.wakes == ["wake"]
    bench.claim()
    assert sweep(bench.hub) == 0
    assert bench.wakes == ["wake"]


def test_what_was_just_queued_is_not_rung_for_again(bench: Any) -> None:
    bench.start(INVITE)
    bench.wakes.clear()
    sweep(bench.hub)
    assert bench.wakes == []


def test_a_step_without_connection_lets_go_of_the_one_before(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    script.next("invite_member", RetryableError("busy"))
    waiting = bench.run({**INVITE, "retry": {"attempts": 2}}, {"id": "page", "uses": "lab.read_page"})
    assert (waiting.waits_for, waiting.execution.connection_id) == ("retry", connection_id)
    used: list[str | None] = []

    def read(ctx: Any, value: Any) -> Any:
        used.append(bench.look(waiting.execution.id).execution.connection_id)
        return {}

    script.next("read_page", read)
    bench.pass_time(1000)
    assert bench.look(waiting.execution.id).status == "succeeded"
    assert used == [None]


def test_what_is_handed_back_unbegun_still_waits_for_its_turn(bench: Any, script: Any) -> None:
    connection_id = bench.connect()
    script.next("invite_member", RetryableError("busy"))
    execution_id = bench.run({**INVITE, "retry": {"attempts": 2}}).execution.id
    bench.clock.advance(1000)
    sweep(bench.hub)
    bench.watch.stopping = True
    bench.drive(bench.claim())
    seen = bench.look(execution_id)
    assert (seen.status, seen.execution.connection_id) == ("queued", connection_id)
