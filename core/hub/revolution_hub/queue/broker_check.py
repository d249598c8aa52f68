"""The look at Redis before a process starts: whether it is there, may be used, and keeps what it is given."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from revolution_hub.queue.redis_wake import make_client
from revolution_hub.store.errors import one_line

START_LIMIT_S = 3.0
OLDEST = (6, 2)

_log = logging.getLogger("revolution.queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFault:
    """Why Redis cannot be used, in one line that holds no password. `passing` if it may end by itself."""

    line: str
    passing: bool = False


def find_broker_fault(url: str) -> BrokerFault | None:
    """Look at the Redis of REVOLUTION_BROKER_URL; None if it can be used, or if none is set."""
    if not url:
        return None
    try:
        client = make_client(url, START_LIMIT_S)
    except ValueError:
        # The reason would quote the address, and with it a password.
        return BrokerFault(line="REVOLUTION_BROKER_URL cannot be read; redis://host:6379/0 is needed")
    where = _where(client)
    try:
        with client:
            client.ping()
            return _fault(client, where)
    except redis.AuthenticationError:
        line = f"Redis at {where} refuses the user or password of REVOLUTION_BROKER_URL"
        return BrokerFault(line=line)
    except redis.RedisError as error:
        line = (
            f"Redis at {where} does not answer ({_reason(error)}); start it or correct REVOLUTION_BROKER_URL"
        )
        return BrokerFault(line=line, passing=True)


def _where(client: redis.Redis) -> str:
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(error, redis.TimeoutError):
        return f"nothing within {START_LIMIT_S:g} s"
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else one_line(error)


def _fault(client: redis.Redis, where: str) -> BrokerFault | None:
    told = _told(client)
    version = str(told.get("redis_version", ""))
    if _parts(version) < OLDEST:
        return BrokerFault(line=f"Redis at {where} is version {version}; 6.2 or newer is needed")
    if told.get("role") == "slave":
        return BrokerFault(line=f"Redis at {where} is a replica; name the primary in REVOLUTION_BROKER_URL")
    policy = told.get("maxmemory_policy")
    if policy is None:
        _log.warning("Redis at %s does not tell its maxmemory-policy; it must be noeviction", where)
    elif policy != "noeviction":
        return BrokerFault(
            line=f"Redis at {where} may drop what it holds (maxmemory-policy {policy}); "
            "set maxmemory-policy noeviction"
        )
    return None


def _told(client: redis.Redis) -> dict[str, Any]:
    # Managed servers often forbid CONFIG, a careful operator INFO: either tells the policy.
    told = _allowed(client.info)
    if "maxmemory_policy" not in told:
        told["maxmemory_policy"] = _allowed(client.config_get, "maxmemory-policy").get("maxmemory-policy")
    return told


def _allowed(ask: Callable[..., Any], *about: str) -> dict[str, Any]:
    try:
        return dict(ask(*about))
    except redis.ResponseError as error:
        _log.info("Redis does not tell everything: %s", one_line(error))
        return {}


def _parts(version: str) -> tuple[int, ...]:
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return parts or OLDEST
