"""A worker process: claims executions in batches, hands them to its threads, and knows when to go.

It goes when it is told to, or when a step hangs: then it takes nothing new, finishes what it has within
the drain time, and its replacement is already at work.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

import dramatiq

from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.drive import drive
from revolution_hub.engine.watch import Watch
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.queue.tasks import declare_drive_next, make_broker
from revolution_hub.queue.wake import Ear
from revolution_hub.store import across

POLL_S = 0.25
KEEP_S = 1.0
IDLE_ISOLATED_S = 20.0

_log = logging.getLogger("revolution.queue")


class Worker:
    """Drives executions on `threads` threads until stopped. `isolated` drives only suspects, one by one.

    `tell` is called with "alive" every second and with "draining" when it will take nothing more.
    """

    def __init__(self, hub: Hub, ear: Ear, tell: Callable[[str], None], *, isolated: bool = False) -> None:
        self._hub = hub
        self._ear = ear
        self._tell = tell
        self._isolated = isolated
        self._threads = 1 if isolated else hub.settings.worker_threads
        self._watch = Watch(hub, hub.process)
        self._claimer = Claimer(hub=hub, owner=hub.process, isolated=isolated)
        self._claimed: deque[Execution] = deque()
        self._busy = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._hangs = False

    def stop(self) -> None:
        """Ask the worker to take nothing more and to end soon. Safe to call from a signal handler."""
        self._stop.set()
        self._watch.stopping = True

    def run(self) -> None:
        """Work until stopped; returns when everything is finished or handed back."""
        broker = make_broker()
        send = declare_drive_next(broker, self._drive_next)
        machine = dramatiq.Worker(broker, worker_threads=self._threads, worker_timeout=100)
        machine.start()
        keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        keeper.start()
        self._feed(send)
        self._tell("draining")
        self._drain()
        if not self._hangs:
            machine.stop(timeout=1000)

    def _feed(self, send: Callable[[], None]) -> None:
        idle_since_s = time.monotonic()
        while not self._stop.is_set():
            taken = self._take_safely()
            for _ in range(taken):
                send()
            if taken or self._busy:
                idle_since_s = time.monotonic()
            if self._isolated and time.monotonic() - idle_since_s > IDLE_ISOLATED_S:
                return
            if not taken:
                self._ear.wait(POLL_S)

    def _take_safely(self) -> int:
        try:
            return self._take()
        except HubError as error:
            _log.warning("no work could be taken: %s", error.message)
            return 0

    def _take(self) -> int:
        free = self._threads - self._busy
        if free <= 0:
            return 0
        store = self._hub.store
        if not across.count_queued(store, 1, isolated=self._isolated):
            return 0
        executions = self._claimer.take(free)
        with self._lock:
            self._claimed.extend(executions)
            self._busy += len(executions)
        return len(executions)

    def _drive_next(self) -> None:
        with self._lock:
            execution = self._claimed.popleft() if self._claimed else None
        if execution is None:
            return
        try:
            drive(self._hub, self._watch, execution)
        except Exception:
            # A fault of the hub itself, such as a database that is gone: the lease brings the execution back.
            _log.exception("driving %s failed", execution.id)
        finally:
            with self._lock:
                self._busy -= 1
            self._hub.wake()

    def _keep(self) -> None:
        while True:
            try:
                if self._watch.keep(self._hub.now()):
                    self._hangs = True
                    self.stop()
                self._tell("alive")
            except Exception:
                _log.exception("keeping leases failed; they are tried again in a second")
            time.sleep(KEEP_S)

    def _drain(self) -> None:
        with self._lock:
            unstarted = [one.id for one in self._claimed]
            self._claimed.clear()
        if unstarted:
            across.hand_back(self._hub.store, self._hub.process, unstarted)
            self._hub.wake()
        give_up_s = time.monotonic() + self._hub.settings.drain_s
        while self._watch.held() and time.monotonic() < give_up_s:
            time.sleep(0.02)
