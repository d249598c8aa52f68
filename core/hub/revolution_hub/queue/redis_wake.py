"""Waking through Redis, with Dramatiq: one queue of messages that say "look for work" and nothing else.

The messages are worth nothing: whatever Redis loses, repeats, or is handed by strangers, the database knows
what is to be done. So a queue that holds anything else than our messages is simply emptied.
"""

import logging
import time

import dramatiq
import redis
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DecodeError
from redis.backoff import NoBackoff
from redis.retry import Retry

from revolution_hub.queue.ringer import Outage
from revolution_hub.queue.wake import HeardEar

NAMESPACE = "revolution"
QUEUE = "revolution.wake"
LOOK = "look_for_work"

ENOUGH = 256
"""So many messages waiting say as much as more would: nobody takes them at the moment."""

SEND_LIMIT_S = 0.5
BLOCK_S = 1.0
ANSWER_LIMIT_S = 3.0
LARGEST_BYTES = 4096
CONNECTIONS = 4
"""More than the threads that share a client: its consumer, its worker thread, and who closes it."""

MAINTENANCE_CHANCE = 50_000
HEARTBEAT_TIMEOUT_MS = 60_000

_LIST = f"{NAMESPACE}:{QUEUE}"
_OURS = (_LIST, f"{_LIST}.msgs", f"{_LIST}.XQ", f"{_LIST}.XQ.msgs", f"{NAMESPACE}:__heartbeats__")

_log = logging.getLogger("revolution.queue")


def make_client(url: str, limit_s: float) -> redis.Redis:
    """Return a client that gives each command that many seconds and tries nothing twice."""
    return redis.Redis.from_url(
        url,
        socket_timeout=limit_s,
        socket_connect_timeout=min(limit_s, SEND_LIMIT_S * 2),
        max_connections=CONNECTIONS,
        retry=Retry(NoBackoff(), 0),
    )


class WakeBroker(RedisBroker):
    """Dramatiq's Redis broker without middleware and without a queue for delayed messages: there are none."""

    def __init__(self, url: str, limit_s: float) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=make_client(url, limit_s),
            middleware=[],
            namespace=NAMESPACE,
            maintenance_chance=MAINTENANCE_CHANCE,
            heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        )

    def declare_queue(self, queue_name: str) -> None:
        """Declare the queue alone."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Return the consumer that survives everything Redis may say."""
        return WakeConsumer(self)

    def empty(self) -> None:
        """Remove every message and what is in their place, whatever it is."""
        self.client.delete(*_OURS, f"{NAMESPACE}:__acks__.{self.broker_id}.{QUEUE}")


class WakeConsumer(Consumer):
    """Takes one message at a time, waits inside Redis for it, and never raises because of Redis."""

    def __init__(self, broker: WakeBroker) -> None:
        self._broker = broker
        self._outage = Outage("Redis does not wake this process")

    def __next__(self) -> MessageProxy | None:
        try:
            message = self._take()
        except redis.RedisError as error:
            if _of_another_kind(error):
                return self._start_over("holds something else than a queue")
            self._outage.begin(error)
            time.sleep(self._outage.pause_s)
            return None
        self._outage.end()
        return message

    def ack(self, message: MessageProxy) -> None:
        """Remove a message that was heard. If Redis is away it is heard once more, which does no harm."""
        try:
            self._broker.do_ack(QUEUE, message.options["redis_message_id"])
        except redis.RedisError as error:
            self._outage.begin(error)

    nack = ack

    def _take(self) -> MessageProxy | None:
        # Moving the first message to where it was waits for one without taking it.
        self._broker.client.blmove(_LIST, _LIST, BLOCK_S, "LEFT", "LEFT")  # type: ignore[arg-type]
        bodies = self._broker.do_fetch(QUEUE, 1)
        if not bodies:
            return None
        message = _read(bodies[0])
        return MessageProxy(message) if message else self._start_over("held messages that are not the hub's")

    def _start_over(self, found: str) -> MessageProxy | None:
        _log.warning("the wake-up queue in Redis %s and was emptied", found)
        try:
            self._broker.empty()
        except redis.RedisError as error:
            self._outage.begin(error)
            time.sleep(self._outage.pause_s)
            return None
        # A ring may have been among it.
        return MessageProxy(_message().copy(options={"redis_message_id": "none"}))


def _message() -> "dramatiq.Message[None]":
    return dramatiq.Message(queue_name=QUEUE, actor_name=LOOK, args=(), kwargs={}, options={})


def _read(body: bytes | None) -> "dramatiq.Message[None] | None":
    """Return a message of ours, None for anything else."""
    if body is None or len(body) > LARGEST_BYTES:
        return None
    try:
        message: dramatiq.Message[None] = dramatiq.Message.decode(body)
        ours = (message.queue_name, message.actor_name, message.args, message.kwargs) == (QUEUE, LOOK, (), {})
        named = all(isinstance(one, str) for one in (message.message_id, *message.options.values()))
        return message if ours and named and set(message.options) == {"redis_message_id"} else None
    except (DecodeError, AttributeError):
        return None


def _of_another_kind(error: redis.RedisError) -> bool:
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


class RedisSender:
    """Puts one message into the queue, unless there are more than enough. Belongs to one thread."""

    def __init__(self, url: str) -> None:
        self._broker = WakeBroker(url, SEND_LIMIT_S)

    def send(self) -> None:
        """Wake one worker process. Raises a RedisError if Redis is away or takes too long."""
        try:
            self._put()
        except redis.ResponseError as error:
            if not _of_another_kind(error):
                raise
            self._broker.empty()
            self._put()

    def _put(self) -> None:
        # Without workers nobody takes messages; Redis must not fill up meanwhile.
        if int(self._broker.client.llen(_LIST)) < ENOUGH:
            self._broker.enqueue(_message())


class RedisEar(HeardEar):
    """Hears the messages: a Dramatiq worker with one thread, whose one actor only says that it was called."""

    def __init__(self, url: str) -> None:
        super().__init__()
        broker = WakeBroker(url, ANSWER_LIMIT_S)
        dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name=LOOK)(self._look_for_work)
        self._machine = dramatiq.Worker(broker, worker_threads=1)
        self._machine.start()

    def close(self) -> None:
        """Stop listening; threads that still wait for Redis end by themselves."""
        self._machine.stop(timeout=0)

    def _look_for_work(self) -> None:
        self.heard.set()
