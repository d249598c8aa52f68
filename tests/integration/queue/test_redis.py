"""Redis is disposable: away, frozen, emptied, or full of what others put there, it only makes rings late."""

import json
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from rig.redis import Redis

from revolution_hub.queue.redis_wake import ENOUGH, LOOK, QUEUE, RedisSender
from revolution_hub.settings import Settings

LIST = f"revolution:{QUEUE}"
BODIES = f"{LIST}.msgs"
MESSAGE = {
    "queue_name": QUEUE,
    "actor_name": LOOK,
    "args": [],
    "kwargs": {},
    "options": {"redis_message_id": "forged"},
    "message_id": "m1",
    "message_timestamp": 1,
}

FORGED: dict[str, Any] = {
    "no json": b"{",
    "empty": b"",
    "not text": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "null": b"null",
    "deep": b"[" * 3000,
    "huge": json.dumps({**MESSAGE, "kwargs": {"a": "x" * 20_000_000}}).encode(),
    "unknown actor": json.dumps({**MESSAGE, "actor_name": "os.system"}).encode(),
    "arguments": json.dumps({**MESSAGE, "args": ["exe_1"]}).encode(),
    "another queue": json.dumps({**MESSAGE, "queue_name": "default"}).encode(),
    "delayed for years": json.dumps(
        {**MESSAGE, "options": {"redis_message_id": "forged", "eta": 10**15}}
    ).encode(),
    "no id": json.dumps({**MESSAGE, "options": {}}).encode(),
    "odd ids": json.dumps({**MESSAGE, "message_id": ["m"], "options": {"redis_message_id": {}}}).encode(),
    "options of no kind": json.dumps({**MESSAGE, "options": 7}).encode(),
    "unknown field": json.dumps({**MESSAGE, "command": "rm"}).encode(),
}


def _told(caplog: pytest.LogCaptureFixture, part: str) -> list[str]:
    return [one.getMessage() for one in caplog.records if part in one.getMessage()]


def _threads() -> set[str]:
    return {one.name for one in threading.enumerate()}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_message_is_dropped_and_rings_arrive_after_it(
    name: str, redis_server: Redis, over_redis: Any, caplog: pytest.LogCaptureFixture, eventually: Any
) -> None:
    over_redis.settle()
    with redis_server.client() as client:
        client.hset(BODIES, "forged", FORGED[name])
        client.rpush(LIST, "forged")
        eventually(lambda: not client.exists(LIST, BODIES), "the queue is emptied")
    assert len(_told(caplog, "was emptied")) == 1
    # What was dropped may have stood in the place of a ring.
    assert over_redis.ear.wait(30.0)
    over_redis.settle()
    over_redis.waker.ring()
    assert over_redis.ear.wait(30.0)


def test_ids_without_messages_are_dropped_whole(
    redis_server: Redis, over_redis: Any, eventually: Any
) -> None:
    over_redis.settle()
    with redis_server.client() as client:
        client.rpush(LIST, *[f"id-{number}" for number in range(20_000)])
        eventually(lambda: not client.exists(LIST), "the queue is emptied")
    over_redis.settle()


@pytest.mark.parametrize("key", [LIST, BODIES, "revolution:__heartbeats__"])
def test_a_key_of_another_kind_in_the_queues_place_is_removed(
    key: str, redis_server: Redis, over_redis: Any, eventually: Any
) -> None:
    over_redis.settle()
    with redis_server.client() as client:
        client.delete(key)
        client.set(key, "not a queue")
        over_redis.waker.ring()
        eventually(lambda: client.type(key) != b"string", "the key is ours again")
    over_redis.settle()


def test_everything_flushed_at_any_time_costs_nothing_but_that_ring(
    redis_server: Redis, over_redis: Any
) -> None:
    over_redis.settle()
    with redis_server.client() as client:
        for _ in range(20):
            over_redis.waker.ring()
            client.flushall()
            client.script_flush()
    over_redis.settle()
    over_redis.waker.ring()
    assert over_redis.ear.wait(30.0)


def test_a_redis_that_is_gone_stops_nobody_and_carries_rings_again_when_it_is_back(
    redis_server: Redis, over_redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    over_redis.settle()
    threads = _threads()
    redis_server.kill()
    for _ in range(1000):
        over_redis.waker.ring()
    assert not over_redis.waker.flush(1.0)
    assert not over_redis.ear.wait(0.1)
    assert len(_told(caplog, "Redis does not carry rings")) == 1
    redis_server.start()
    assert over_redis.waker.flush(30.0)
    assert over_redis.ear.wait(30.0)
    # Threads that earlier tests left to themselves may end meanwhile; none may have come.
    assert _threads() <= threads
    over_redis.settle()
    # Both ends told the outage once, and its end once.
    assert len(_told(caplog, "workers find their work by looking")) == 2
    assert len(_told(caplog, "it works again")) == 2
    assert not any(one.exc_info for one in caplog.records)


def test_a_redis_that_is_frozen_stops_nobody(redis_server: Redis, over_redis: Any) -> None:
    over_redis.settle()
    redis_server.signal(signal.SIGSTOP)
    for _ in range(1000):
        over_redis.waker.ring()
    assert not over_redis.waker.flush(1.0)
    redis_server.signal(signal.SIGCONT)
    assert over_redis.waker.flush(30.0)
    assert over_redis.ear.wait(30.0)


def test_a_redis_without_memory_is_an_outage_like_any_other(
    redis_server: Redis, over_redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    over_redis.settle()
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        over_redis.waker.ring()
        assert not over_redis.waker.flush(1.0)
        client.config_set("maxmemory", "0")
    assert over_redis.waker.flush(30.0)
    over_redis.settle()
    assert len(_told(caplog, "Redis does not carry rings")) >= 1


def test_without_workers_redis_does_not_fill_up(redis_server: Redis) -> None:
    sender = RedisSender(redis_server.url)
    for _ in range(ENOUGH + 50):
        sender.send()
    with redis_server.client() as client:
        assert client.llen(LIST) == ENOUGH
        assert client.hlen(BODIES) == ENOUGH


def test_a_worker_that_comes_late_hears_what_was_rung_and_leaves_nothing(
    redis_server: Redis, open_way: Callable[..., Any], eventually: Any
) -> None:
    sender = RedisSender(redis_server.url)
    for _ in range(20):
        sender.send()
    way = open_way(Settings(broker_url=redis_server.url))
    assert way.ear.wait(30.0)
    with redis_server.client() as client:
        eventually(lambda: not client.exists(LIST, BODIES), "the queue is empty")
        eventually(lambda: not client.keys("revolution:__acks__*"), "nothing is unacknowledged")


def test_every_ring_goes_to_one_of_several_workers_and_each_of_them_listens(
    redis_server: Redis, open_way: Callable[..., Any]
) -> None:
    first, second = (open_way(Settings(broker_url=redis_server.url)) for _ in range(2))
    first.settle()
    heard = {"first": 0, "second": 0}
    for _ in range(200):
        first.waker.ring()
        assert first.waker.flush(30.0)
        heard["first"] += first.ear.wait(0.05)
        heard["second"] += second.ear.wait(0.05)
        if all(heard.values()):
            return
    raise AssertionError(heard)


def test_an_ear_stops_at_once_while_redis_is_away(redis_server: Redis, over_redis: Any) -> None:
    over_redis.settle()
    redis_server.kill()
    over_redis.ear.close()
    assert not over_redis.ear.wait(0.05)
