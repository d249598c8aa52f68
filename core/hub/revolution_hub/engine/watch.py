"""Watch: what one worker process holds. Keeps its leases alive, and takes over steps that hang.

A thread cannot be stopped from outside. A step that is far past its deadline is therefore settled in its
drive's place, which fences that drive off; the process then takes nothing new and is replaced.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from revolution_hub.engine import retry, settle
from revolution_hub.engine.run import Run
from revolution_hub.hub import Hub
from revolution_hub.model.change import Fenced, Move, Outcome, Progress
from revolution_hub.model.execution import Attempt, StepExecution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.workflow import Step
from revolution_hub.store import across
from revolution_hub.store.submit import submit, submit_soon
from revolution_sdk.connector import Action
from revolution_sdk.errors import UnknownOutcomeError

GRACE_S = 5.0
"""How far past its deadline a call must be before it is taken over."""

_log = logging.getLogger("revolution.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an action that is under way. `pending` is what its drive has noted and not committed.

    `looking_up` marks a call of the action's `confirm` for an attempt that was made before.
    """

    run: Run
    pending: Progress
    step: Step
    action: Action
    record: StepExecution
    attempt: Attempt
    overdue_at: datetime
    looking_up: bool = False


def _nothing() -> None:
    """Do nothing."""


class Watch:
    """Safe to share between threads: drives report here, one keeper thread calls `keep` every second.

    Once `stopping` is set, drives hand their executions back after the step they are at. `elsewhere` is what
    other processes use, per connection, as the last claim saw it.
    """

    def __init__(self, hub: Hub, owner: str) -> None:
        self.hub = hub
        self.owner = owner
        self.stopping = False
        self.before_action: Callable[[], None] = _nothing
        self.elsewhere: Mapping[str, int] = {}
        self._held: dict[str, Call | None] = {}
        self._settling: set[str] = set()
        self._uses: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def holding(self, execution_id: str) -> Iterator[None]:
        """Keep the execution's lease alive until the block ends."""
        with self._lock:
            self._held[execution_id] = None
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(execution_id, None)

    @contextmanager
    def calling(self, call: Call) -> Iterator[None]:
        """Mind the call's deadline until the block ends."""
        with self._lock:
            self._held[call.run.execution.id] = call
        try:
            yield
        finally:
            with self._lock:
                if call.run.execution.id in self._held:
                    self._held[call.run.execution.id] = None

    @contextmanager
    def using(self, connection_id: str | None) -> Iterator[bool]:
        """Count a use of the connection until the block ends; yields False if there is no room for one.

        This process has room for what the cap leaves it: all but what `elsewhere` says other processes had in
        use at its last claim, and always for one. What several of them begin between two claims may together
        exceed the cap, by at most the threads of all but one of them; each learns of it at its next claim.
        """
        admitted = connection_id is None or self._admit(connection_id)
        try:
            yield admitted
        finally:
            if admitted and connection_id is not None:
                with self._lock:
                    self._uses[connection_id] -= 1

    def _admit(self, connection_id: str) -> bool:
        cap = self.hub.settings.connection_running
        with self._lock:
            if self._uses[connection_id] >= max(1, cap - self.elsewhere.get(connection_id, 0)):
                return False
            self._uses[connection_id] += 1
            return True

    def settle(self, run: Run, move: Move) -> None:
        """Hand in what a drive has noted last, with its move, and keep the lease until it is committed.

        If that fails, the lease is let go and brings the execution back.
        """
        execution_id = run.execution.id
        with self._lock:
            self._settling.add(execution_id)
        try:
            submit_soon(self.hub.store, run.pending(move), partial(self._settled, execution_id))
        except BaseException:
            self._settled(execution_id, None)
            raise

    def _settled(self, execution_id: str, outcome: Outcome | BaseException | None) -> None:
        with self._lock:
            self._settling.discard(execution_id)
        if isinstance(outcome, Fenced):
            _log.info("execution %s belongs to somebody else now", execution_id)
        elif isinstance(outcome, BaseException):
            _log.warning("the end of execution %s could not be written: %s", execution_id, outcome)

    def held(self) -> list[str]:
        """Return the ids of the executions held now, those whose last commit is under way included."""
        with self._lock:
            return [*self._held, *self._settling]

    def keep(self, now: datetime) -> int:
        """Prolong every lease and settle overdue calls; returns how many calls hang."""
        with self._lock:
            overdue = [call for call in self._held.values() if call and now > call.overdue_at]
            for call in overdue:
                self._held.pop(call.run.execution.id)
            kept = [*self._held, *self._settling]
        if kept:
            until = now + timedelta(seconds=self.hub.settings.lease_s)
            across.renew(self.hub.store, self.owner, kept, until)
        for call in overdue:
            self._take_over(call, now)
        return len(overdue)

    def _take_over(self, call: Call, now: datetime) -> None:
        execution = call.run.execution
        settled = _overdue(call, now)
        tried = settled.attempt

        def same(one: Attempt) -> bool:
            return (one.step_id, one.number) == (tried.step_id, tried.number)

        change = replace(
            call.pending,
            steps=(*(one for one in call.pending.steps if one.step_id != settled.step.step_id), settled.step),
            attempts=(*(one for one in call.pending.attempts if not same(one)), settled.attempt),
            move=settled.move or Move(status=ExecutionStatus.QUEUED, at=now),
        )
        outcome = submit(self.hub.store, change)
        _log.error(
            "step %s of %s hangs in %s; %s",
            call.step.id,
            execution.id,
            call.step.uses,
            "somebody else holds it" if isinstance(outcome, Fenced) else "it was taken over",
        )


def _overdue(call: Call, now: datetime) -> settle.Settled:
    error = UnknownOutcomeError(
        f"the action did not return within {call.action.timeout_s:g} s", code="timeout"
    )
    described = settle.describe(error)
    if call.looking_up:
        # Asking again would hang again; whether it was done is now a person's to say.
        return settle.uncertain(call.record, call.attempt, described, now)
    tries = settle.tries_of([*call.run.attempts.get(call.step.id, ())])
    decision = retry.after_failure(error, call.action.effect, tries, call.step.retry, jitter=0.5)
    return settle.failed_attempt(
        decision, call.record, call.attempt, described, now, can_confirm=call.action.confirm is not None
    )
