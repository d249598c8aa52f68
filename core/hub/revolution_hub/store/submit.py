"""submit(change) → outcome: the one way the engine and the bus record facts.

One committer per process groups what many threads hand in into few transactions. Nobody is told the
outcome before the commit that holds the change.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from revolution_hub.crashpoint import reach
from revolution_hub.model.change import Change, Outcome
from revolution_hub.store.apply import apply, execution_of, tenant_of
from revolution_hub.store.connect import SQLITE
from revolution_hub.store.errors import AWAY, FilesError, StoreError
from revolution_hub.store.tx import Store

LARGEST_BATCH = 64
LONGEST_QUEUE = 4096
PATIENCE_S = 10.0
BREATH_S = 0.002
"""SQLite has one writer: between two commits the other processes get their turn."""

_AGAIN_AFTER_S = (0.02, 0.1, 0.4, 1.0, 2.0)

_log = logging.getLogger("revolution.store")


def submit(store: Store, change: Change) -> Outcome:
    """Commit the change and return what came of it. Nothing is recorded unless the outcome is Applied.

    Waits for the commit. Raises StoreError if the database is away; whether the change was kept is then
    known only if the database says so later, and handing in the same change again is harmless.
    """
    (outcome,) = submit_all(store, (change,))
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def submit_all(store: Store, changes: Sequence[Change]) -> list[Outcome | BaseException]:
    """Commit changes that belong to different callers; an error is the outcome of its own change only."""
    return store.companion(Committer).submit_all(changes)


def submit_soon(store: Store, change: Change, done: Callable[[Outcome | BaseException], None]) -> "Waiting":
    """Hand in a change without waiting for its commit; `done` is told the outcome by the committer's thread.

    `done` must be quick. Until the change is taken it may be replaced or called off; one that is called off
    has no outcome. Raises StoreError, and tells nothing, if the change could not even be queued.
    """
    committer = store.companion(Committer)
    waiting = Waiting(committer, change)
    committer.queue([_Ticket(waiting, _Told(done), 0)])
    return waiting


class Waiting:
    """A change that waits to be committed. Safe to use from any thread."""

    __slots__ = ("_change", "_committer", "_taken")

    def __init__(self, committer: "Committer", change: Change) -> None:
        self._committer = committer
        self._change: Change | None = change
        self._taken = False

    def replace(self, change: Change) -> bool:
        """Let another change of the same execution be committed in its place; False if it is too late."""
        return self._put(change)

    def call_off(self) -> bool:
        """Commit nothing in its place; False if it is too late."""
        return self._put(None)

    def look(self) -> Change | None:
        """Return the change, None if it was called off. For the committer alone."""
        return self._change

    def take(self) -> None:
        """Say that the change is about to be committed as it is now. For the committer alone."""
        self._taken = True

    def _put(self, change: Change | None) -> bool:
        with self._committer.lock:
            if self._taken:
                return False
            self._change = change
            return True


class _Told:
    """Somebody who goes on and is told later."""

    __slots__ = ("_done",)

    def __init__(self, done: Callable[[Outcome | BaseException], None]) -> None:
        self._done = done

    def settle(self, _: int, outcome: Outcome | BaseException) -> None:
        try:
            self._done(outcome)
        except Exception:
            # The committer serves the whole process and must not end for one listener's fault.
            _log.exception("the outcome of a change could not be told")


class _Group:
    """Changes somebody handed in together and waits for. Only the committer settles them."""

    __slots__ = ("_done", "_left", "outcomes")

    def __init__(self, size: int) -> None:
        self.outcomes: list[Outcome | BaseException | None] = [None] * size
        self._left = size
        self._done = threading.Lock()
        if size:
            self._done.acquire()

    def settle(self, at: int, outcome: Outcome | BaseException) -> None:
        self.outcomes[at] = outcome
        self._left -= 1
        if not self._left:
            self._done.release()

    def wait(self) -> list[Outcome | BaseException]:
        with self._done:
            return [outcome for outcome in self.outcomes if outcome is not None]


class _Ticket(NamedTuple):
    """One change on its way, and its place in what was handed in with it."""

    change: Change | Waiting
    group: "_Group | _Told"
    at: int

    def settle(self, outcome: Outcome | BaseException) -> None:
        self.group.settle(self.at, outcome)


_Taken = tuple[_Ticket, Change]


class Committer:
    """The thread that commits for a process. Made with its store, and closed with it."""

    def __init__(
        self, store: Store, *, longest_queue: int = LONGEST_QUEUE, patience_s: float = PATIENCE_S
    ) -> None:
        self._store = store
        self._longest_queue = longest_queue
        self._patience_s = patience_s
        self._queue: deque[_Ticket] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def submit_all(self, changes: Sequence[Change]) -> list[Outcome | BaseException]:
        """Queue the changes and wait for their outcomes. A full queue makes the caller wait, then refuses."""
        group = _Group(len(changes))
        self.queue([_Ticket(change, group, at) for at, change in enumerate(changes)])
        return group.wait()

    def queue(self, tickets: Sequence[_Ticket]) -> None:
        """Put changes behind those that wait; raises StoreError if that cannot be done in time."""
        with self._changed:
            if not self._changed.wait_for(self._has_room, self._patience_s):
                raise StoreError(AWAY, reason=f"{len(self._queue)} changes wait for the database")
            if self._closing:
                raise StoreError(AWAY, reason="the store is closed")
            self._queue.extend(tickets)
            self._changed.notify_all()

    def close(self) -> None:
        """Commit what is queued, then end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    @property
    def lock(self) -> threading.Condition:
        """What is held while the queue is looked at."""
        return self._changed

    def _has_room(self) -> bool:
        return self._closing or len(self._queue) < self._longest_queue

    def _run(self) -> None:
        while batch := self._take():
            self._settle(batch)
            if self._store.dialect == SQLITE and self._queue:
                time.sleep(BREATH_S)

    def _take(self) -> list[_Taken]:
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._queue or self._closing)
                batch = self._take_what_may_go_together()
                self._changed.notify_all()
                if batch or (self._closing and not self._queue):
                    return batch

    def _take_what_may_go_together(self) -> list[_Taken]:
        batch: list[_Taken] = []
        moved: set[str] = set()
        while self._queue and len(batch) < LARGEST_BATCH:
            ticket = self._queue[0]
            change = ticket.change.look() if isinstance(ticket.change, Waiting) else ticket.change
            if change is not None:
                # Two changes of one execution depend on each other: the second waits for the next batch.
                execution_id = execution_of(change)
                if execution_id in moved:
                    break
                if execution_id is not None:
                    moved.add(execution_id)
                if isinstance(ticket.change, Waiting):
                    ticket.change.take()
                batch.append((ticket, change))
            self._queue.popleft()
        return batch

    def _settle(self, batch: Sequence[_Taken]) -> None:
        try:
            outcomes = self._commit([change for _, change in batch])
        except BaseException as error:
            away = isinstance(error, StoreError) and not isinstance(error, FilesError)
            if away or len(batch) == 1:
                for ticket, _ in batch:
                    ticket.settle(error)
                return
            # One of them cannot be written. Halving finds it, and the others are kept.
            half = len(batch) // 2
            self._settle(batch[:half])
            self._settle(batch[half:])
        else:
            for (ticket, _), outcome in zip(batch, outcomes, strict=True):
                ticket.settle(outcome)

    def _commit(self, changes: Sequence[Change]) -> list[Outcome]:
        lost = False
        for pause_s in (*_AGAIN_AFTER_S, None):
            try:
                with self._store.begin_across(_tenants(changes)) as tx:
                    outcomes = apply(tx.conn, changes, again=lost)
                    reach("committer.before_commit")
            except StoreError as error:
                if pause_s is None or not (error.lost or error.clashed):
                    raise
                # After a lost connection nobody knows whether the commit was done; trying again finds out.
                lost = lost or error.lost
                _log.info("a batch of %d changes is tried again: %s", len(changes), error.reason)
            else:
                reach("committer.after_commit")
                return outcomes
            time.sleep(pause_s)
        raise AssertionError("the last try returns or raises")


def _tenants(changes: Iterable[Change]) -> set[str]:
    return {tenant for tenant in map(tenant_of, changes) if tenant is not None}
