"""Rings reach the ears of other processes in each of the three ways, and an ear may be nudged."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from revolution_hub.queue.ringer import Ringer
from revolution_hub.queue.wake import Bell, SocketEar, channel
from revolution_hub.settings import Settings

WAYS = ("socket", "postgresql", "redis")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, open_way: Callable[[Settings], Any]) -> Any:
    """Each of the three ways."""
    if request.param == "socket":
        return open_way(Settings())
    return request.getfixturevalue({"postgresql": "over_postgres", "redis": "over_redis"}[request.param])


def test_a_ring_reaches_an_ear_in_another_process(way: Any) -> None:
    way.settle()
    way.waker.ring()
    assert way.ear.wait(30.0)


def test_an_ear_hears_nothing_when_nobody_rings(way: Any) -> None:
    way.settle()
    assert not way.ear.wait(0.3)


def test_a_nudge_ends_the_wait_of_its_own_process(way: Any) -> None:
    way.settle()
    way.ear.nudge()
    assert way.ear.wait(30.0)
    assert not way.ear.wait(0.1)


def test_a_thousand_rings_are_heard_and_used_up(way: Any) -> None:
    way.settle()
    for _ in range(1000):
        way.waker.ring()
    assert way.waker.flush(30.0)
    assert way.ear.wait(30.0)
    while way.ear.wait(0.3):
        pass
    way.waker.ring()
    assert way.ear.wait(30.0)


def test_a_ring_wakes_one_of_the_processes_that_share_a_socket() -> None:
    bell_end, end = channel()
    ears = [SocketEar(end), SocketEar(end)]
    Bell(bell_end).ring()
    assert sorted([ears[0].wait(0), ears[1].wait(0)]) == [False, True]
    for one in (*ears, bell_end, end):
        one.close()


def test_a_bell_without_any_ear_rings_for_nobody_and_never_waits() -> None:
    bell_end, end = channel()
    end.close()
    bell = Bell(bell_end)
    for _ in range(1000):
        bell.ring()
    assert bell.flush(0)
    bell_end.close()


def test_rings_that_come_while_one_is_sent_become_one_more() -> None:
    sending, go_on, sent = threading.Event(), threading.Event(), []

    def send() -> None:
        sending.set()
        assert go_on.wait(30)
        sent.append("ring")

    ringer = Ringer("nobody", send)
    ringer.ring()
    assert sending.wait(30)
    for _ in range(500):
        ringer.ring()
    assert not ringer.flush(0.05)
    go_on.set()
    assert ringer.flush(30)
    assert sent == ["ring", "ring"]


def test_an_outage_is_told_once_and_so_is_its_end(caplog: Any) -> None:
    failures = [ConnectionError("gone"), ConnectionError("gone"), TypeError("odd")]

    def send() -> None:
        if failures:
            raise failures.pop()

    ringer = Ringer("the post", send)
    ringer.ring()
    assert ringer.flush(30)
    told = [one.getMessage() for one in caplog.records]
    assert len(told) == 2
    assert told[0].startswith("the post: odd")
    assert told[1] == "the post: it works again"
