"""A worker process: claims executions in batches, hands them to its threads, and knows when to go.

It goes when it is told to, or when a step hangs: then it takes nothing new, finishes what it has within
the drain time, and its replacement is already at work.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack

import dramatiq

from revolution_hub.crashpoint import reach
from revolution_hub.engine.claim import Claimer
from revolution_hub.engine.drive import drive
from revolution_hub.engine.watch import Watch
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.queue.pace import Pace
from revolution_hub.queue.tasks import declare_drive_next, make_broker
from revolution_hub.queue.wake import Ear
from revolution_hub.store import across

POLL_S = 0.25
KEEP_S = 1.0
SUSPECTS_S = 5.0
IDLE_ISOLATED_S = 20.0
LATE_S = 1.0
OFFERS = 3
OFFER_S = 0.015
"""So often, and for so long, what one process leaves is offered to the others."""
FIRST_THREADS = 4

LAST_S = 0.5
"""How long the end waits for a helper that the database keeps waiting."""

IDLE_MS = 5000
"""How often an idle thread wakes up for nothing. Tasks do not wait for it, and neither does the end."""

_log = logging.getLogger("revolution.queue")


class Worker:
    """Drives executions on `threads` threads until stopped. `isolated` drives only suspects, one by one.

    `tell` is called with "alive" every second, with "suspects" while executions wait that only an isolated
    worker may drive, and with "draining" when this one will take nothing more.
    """

    def __init__(
        self,
        hub: Hub,
        ear: Ear,
        tell: Callable[[str], None],
        *,
        isolated: bool = False,
        poll_s: float = POLL_S,
    ) -> None:
        self._hub = hub
        self._poll_s = poll_s
        self._ear = ear
        self._tell = tell
        self._isolated = isolated
        self._threads = 1 if isolated else hub.settings.worker_threads
        self._watch = Watch(hub, hub.process)
        self._claimer = Claimer(hub=hub, owner=hub.process, isolated=isolated, watch=self._watch)
        self._claimed: deque[tuple[Execution, float]] = deque()
        self._busy = 0
        self._pace = Pace(time.monotonic())
        self._room = threading.Condition()
        self._left_behind = False
        self._flowing = False
        self._shared = False
        self._refill_below = self._threads
        self._stopping = False
        self._over = threading.Event()
        self._broker = make_broker()
        self._send = declare_drive_next(self._broker, self._drive_next)
        self._watch.before_action = self._pass_on

    def stop(self) -> None:
        """Ask the worker to take nothing more and to end soon. Safe to call from a signal handler."""
        # Flags only: a signal may come while this very thread holds a lock. Every wait looks at them.
        self._stopping = True
        self._watch.stopping = True

    def run(self) -> None:
        """Work until stopped; returns when everything is finished or handed back."""
        machine = dramatiq.Worker(self._broker, worker_threads=self._threads, worker_timeout=IDLE_MS)
        machine.start()
        helpers = [threading.Thread(target=work, daemon=True) for work in (self._pulse, self._keep)]
        for helper in helpers:
            helper.start()
        self._feed()
        self._tell("draining")
        self._ear.close()
        self._drain()
        machine.stop(timeout=0)
        self._over.set()
        for helper in helpers:
            helper.join(LAST_S)

    def _feed(self) -> None:
        idle_since_s = time.monotonic()
        was_idle = True
        while not self._stopping:
            free = self._wait_for_room()
            taken = self._take_safely(free) if free else 0
            for _ in range(min(taken, FIRST_THREADS)):
                self._send()
            if taken or self._busy:
                idle_since_s = time.monotonic()
            if self._isolated and time.monotonic() - idle_since_s > IDLE_ISOLATED_S:
                return
            if taken and taken == free and was_idle:
                # This process is full at once, so there may be more than it can take: the ring goes on.
                self._hub.wake()
            if self._shared:
                self._offer()
            was_idle = bool(free) and not taken
            if was_idle:
                self._ear.wait(self._poll_s)

    def _offer(self) -> None:
        """Ring until somebody else has taken what this process left, or nobody comes."""
        for _ in range(OFFERS):
            # A ring reaches one of those that listen, which may be this process itself.
            self._hub.wake()
            time.sleep(OFFER_S)
            if self._stopping or not self._some_are_left():
                break

    def _some_are_left(self) -> bool:
        try:
            return across.count_queued(self._hub.store, 1, isolated=False) > 0
        except HubError as error:
            _log.warning("no work could be looked for: %s", error.message)
            return False

    def _wait_for_room(self) -> int:
        """Wait until there is room, for a moment at most; returns how many more may be claimed now.

        There is room when a thread is free or when what lies ready is half used up.
        """
        with self._room:
            ahead = 0 if self._isolated else self._pace.ahead(time.monotonic())
            full = self._threads + ahead
            self._refill_below = max(self._threads, full - ahead // 2)
            self._room.wait_for(lambda: self._busy < self._refill_below, POLL_S)
            return max(0, full - self._busy)

    def _take_safely(self, free: int) -> int:
        try:
            return self._take(free)
        except HubError as error:
            _log.warning("no work could be taken: %s", error.message)
            return 0

    def _take(self, free: int) -> int:
        # Whatever was left to others and is still there, they had no room for.
        among = 1 if self._shared else self._hub.settings.worker_processes
        self._shared = False
        # Looking is cheaper than claiming for nothing; while claims bring something it is not needed.
        if not self._flowing and not across.count_queued(self._hub.store, 1, isolated=self._isolated):
            self._left_behind = False
            return 0
        # What a limit keeps from being claimed now may be claimed as soon as one of ours has ended.
        self._left_behind = True
        executions = self._claimer.take(free, among=among)
        self._shared = self._claimer.turns.left
        self._flowing = bool(executions)
        if executions:
            reach("worker.after_claim")
        since_s = time.monotonic()
        with self._room:
            self._claimed.extend((one, since_s) for one in executions)
            self._busy += len(executions)
        return len(executions)

    def _drive_next(self) -> None:
        # Where executions are quick, few threads do them all: the next one is cheaper than the next thread.
        # A thread that is about to wait for an action sends a task for another one first.
        while self._drive_one():
            pass

    def _pass_on(self) -> None:
        if self._claimed:
            self._send()

    def _drive_one(self) -> bool:
        with self._room, ExitStack() as stack:
            if not self._claimed:
                return False
            execution, _ = self._claimed.popleft()
            # Held from here on without a gap, so that a stopping worker knows that it is under way.
            stack.enter_context(self._watch.holding(execution.id))
            held = stack.pop_all()
        try:
            with held:
                drive(self._hub, self._watch, execution, later=True)
                reach("worker.before_ack")
        except Exception:
            # A fault of the hub itself, such as a database that is gone: the lease brings the execution back.
            _log.exception("driving %s failed", execution.id)
        finally:
            self._pace.ended()
            with self._room:
                self._busy -= 1
                if self._busy < self._refill_below:
                    self._room.notify()
            if self._left_behind:
                self._ear.nudge()
        return True

    def _pulse(self) -> None:
        # Only says that this process is not frozen. It must not wait for the database, which may be away.
        self._tell("alive")
        while not self._over.wait(KEEP_S):
            self._tell("alive")

    def _keep(self) -> None:
        look_at_s = time.monotonic()
        while not self._over.wait(KEEP_S):
            try:
                if self._watch.keep(self._hub.now()):
                    self.stop()
                self._return_late()
                if not self._isolated and time.monotonic() >= look_at_s:
                    look_at_s = time.monotonic() + SUSPECTS_S
                    self._look_for_suspects()
            except HubError as error:
                _log.warning("leases could not be kept and are kept in a second: %s", error.message)
            except Exception:
                # Without this thread every lease of this process would run out.
                _log.exception("keeping leases failed; they are tried again in a second")

    def _look_for_suspects(self) -> None:
        # They may come from another machine, whose workers died, and then nobody here knows of them.
        if across.count_queued(self._hub.store, 1, isolated=True):
            self._tell("suspects")

    def _return_late(self) -> None:
        # What was claimed ahead and got no thread in time may be somebody else's work.
        late_s = time.monotonic() - LATE_S
        self._hand_back(self._unclaim(lambda since_s: since_s < late_s))

    def _unclaim(self, which: Callable[[float], bool]) -> list[str]:
        with self._room:
            unstarted = [one.id for one, since_s in self._claimed if which(since_s)]
            kept = [(one, since_s) for one, since_s in self._claimed if not which(since_s)]
            self._claimed = deque(kept)
            self._busy -= len(unstarted)
        return unstarted

    def _drain(self) -> None:
        self._hand_back(self._unclaim(lambda _: True))
        give_up_s = time.monotonic() + self._hub.settings.drain_s
        while self._watch.held() and time.monotonic() < give_up_s:
            time.sleep(0.02)
        # What was handed back waits for the others.
        self._hub.wake()

    def _hand_back(self, unstarted: list[str]) -> None:
        if not unstarted:
            return
        try:
            across.hand_back(self._hub.store, self._hub.process, unstarted)
        except HubError as error:
            _log.warning("%d claimed executions wait for their leases: %s", len(unstarted), error.message)
        else:
            self._hub.wake()
