"""Intake: the queue between the door that many deliveries come through and the threads that take them in.

The event loop only reads requests. A few threads take whatever has arrived in one batch, so that under load
a look-up and a commit serve many. Who cannot be served in time is told so before anything is accepted.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from revolution_hub.bus.hook import Arrived, Received, Taken, receive_hooks
from revolution_hub.errors import LimitError
from revolution_hub.hub import Hub
from revolution_sdk import Delivery

THREADS = 2
LARGEST_BATCH = 64
LEAST_BESIDE = 24
"""How many must wait for a second thread to help: small batches cost more than they save."""

MOST_WAITING = 2048
PATIENCE_S = 10.0
RETRY_AFTER_S = 1.0


class _Waiting(NamedTuple):
    arrived: Arrived
    since_s: float
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Taken]"


class Intake:
    """Takes in deliveries for one API process. Threads start with the first delivery."""

    def __init__(self, hub: Hub, *, most_waiting: int = MOST_WAITING, patience_s: float = PATIENCE_S) -> None:
        self._hub = hub
        self._most_waiting = most_waiting
        self._patience_s = patience_s
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._started = False
        self._busy = 0

    async def receive(self, key: str, delivery: Delivery, client: str = "") -> Taken:
        """Take in one delivery and return what came of it, after the commit.

        Raises what `receive_hook` raises, and LimitError `overloaded` if too many are waiting.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Taken] = loop.create_future()
        arrived = Arrived(key=key, delivery=delivery, client=client)
        with self._changed:
            if len(self._queue) >= self._most_waiting:
                raise _overloaded()
            self._start()
            self._queue.append(_Waiting(arrived, time.monotonic(), loop, future))
            if not self._busy or len(self._queue) == LEAST_BESIDE:
                self._changed.notify()
        return await future

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        for number in range(THREADS):
            threading.Thread(target=self._run, name=f"intake-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            batch = self._take()
            answers = self._received(batch)
            batch[0].loop.call_soon_threadsafe(_answer, batch, answers)
            self._leave()

    def _take(self) -> list[_Waiting]:
        with self._changed:
            while len(self._queue) < (LEAST_BESIDE if self._busy else 1):
                self._changed.wait()
            self._busy += 1
            return [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST_BATCH))]

    def _leave(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify()

    def _received(self, batch: Sequence[_Waiting]) -> list[Received]:
        late_s = time.monotonic() - self._patience_s
        timely = [one for one in batch if one.since_s > late_s]
        try:
            answers = iter(receive_hooks(self._hub, [one.arrived for one in timely]))
        except Exception as error:
            # The database is away, or the hub is at fault: nothing was accepted, and every sender is told.
            return [error] * len(batch)
        return [next(answers) if one.since_s > late_s else _overloaded() for one in batch]


def _overloaded() -> LimitError:
    return LimitError(
        "too many deliveries are waiting; nothing was accepted, send it again",
        code="overloaded",
        retry_after_s=RETRY_AFTER_S,
    )


def _answer(batch: Sequence[_Waiting], answers: Sequence[Received]) -> None:
    for one, answer in zip(batch, answers, strict=True):
        if one.future.done():
            # The sender has gone; what was accepted stays accepted.
            continue
        if isinstance(answer, BaseException):
            one.future.set_exception(answer)
        else:
            one.future.set_result(answer)
