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
from revolution_hub.engine.aftermath import aftermath
from revolution_hub.engine.items import end_for
from revolution_hub.engine.mend import mend
from revolution_hub.engine.parts import ask_first
from revolution_hub.engine.refuse import refuse
from revolution_hub.engine.run import Run
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Fenced, Move, Outcome, Progress, Take
from revolution_hub.model.execution import Attempt, StepExecution
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.workflow import Step
from revolution_hub.store import across
from revolution_hub.store.errors import StoreError
from revolution_hub.store.submit import submit, submit_soon
from revolution_sdk.connector import Action
from revolution_sdk.errors import UnknownOutcomeError

GRACE_S = 5.0
"""How far past its deadline a call must be before it is taken over."""

_log = logging.getLogger("revolution.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an action that is under way. `pending` is what its drive has noted and not committed.

    `looking_up` marks a call of the action's `confirm` for an attempt that was made before. `outer` is the
    call this one is a sub-step of: it has no more time than what is left of that until `ends_at`.
    """

    run: Run
    pending: Progress
    step: Step
    action: Action
    record: StepExecution
    attempt: Attempt
    timeout_s: float
    ends_at: datetime
    overdue_at: datetime
    looking_up: bool = False
    outer: "Call | None" = None

    def uses(self, connection_id: str) -> bool:
        """Whether it, or a call it is a sub-step of, goes through this connection."""
        within = self.outer is not None and self.outer.uses(connection_id)
        return within or self.record.connection_id == connection_id


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
        self._refused: list[tuple[Run, HubError]] = []
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
    def calling(self, call: Call) -> Iterator[Call]:
        """Mind the call's deadline until the block ends; then that of its outer call again, if it has one."""
        execution_id = call.run.execution.id
        with self._lock:
            self._held[execution_id] = call
        try:
            yield call
        finally:
            with self._lock:
                if execution_id in self._held:
                    self._held[execution_id] = call.outer

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

    def settle(self, run: Run, move: Move, take: Take | None = None) -> None:
        """Hand in what a drive has noted last, with its move, and keep the lease until it is committed.

        If the database is away then, the lease is let go and brings the execution back.
        """
        execution_id = run.execution.id
        with self._lock:
            self._settling.add(execution_id)
        run.call_off_showing()
        try:
            submit_soon(self.hub.store, run.pending(move, take), partial(self._settled, run))
        except BaseException:
            self._settled(run, None)
            raise

    def _settled(self, run: Run, outcome: Outcome | BaseException | None) -> None:
        execution_id = run.execution.id
        with self._lock:
            if isinstance(outcome, HubError) and not isinstance(outcome, StoreError):
                # The committer's thread tells this and must not wait for itself: the keeper ends it.
                self._refused.append((run, outcome))
                return
            self._settling.discard(execution_id)
        if isinstance(outcome, Applied) and outcome.woke:
            self.hub.wake()
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
        self._end_refused()
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

    def _end_refused(self) -> None:
        """Fail the executions whose end could not be written for a reason of their own, such as its size."""
        with self._lock:
            refused, self._refused = self._refused, []
        for run, error in refused:
            refuse(self.hub, run.execution, error, run)
            with self._lock:
                self._settling.discard(run.execution.id)

    def _take_over(self, call: Call, now: datetime) -> None:
        execution = call.run.execution
        noted = _settle(call, now)
        items, move = end_for(call.run, noted[-1].move or Move(status=ExecutionStatus.QUEUED, at=now))
        started, move = aftermath(call.run, move)
        steps = {one.step_id: one for one in call.pending.steps}
        attempts = {(one.step_id, one.number): one for one in call.pending.attempts}
        for one in noted:
            steps[one.step.step_id] = one.step
            attempts[one.attempt.step_id, one.attempt.number] = one.attempt
        change = replace(
            call.pending,
            steps=(*steps.values(), *items),
            attempts=tuple(attempts.values()),
            starts=(*call.pending.starts, *started),
            move=move,
        )
        outcome = submit(self.hub.store, change)
        _log.error(
            "step %s of %s hangs in %s; %s",
            call.step.id,
            execution.id,
            call.step.uses,
            "somebody else holds it" if isinstance(outcome, Fenced) else "it was taken over",
        )


def _settle(call: Call, now: datetime) -> list[settle.Settled]:
    """Return what to note of a call that hangs, and of those it is a sub-step of, the outermost last."""
    last = _overdue(call, now)
    noted = list(ask_first(call.run, last) or ()) if last.step.recorded else []
    if not noted:
        record, left = mend(call.run, call.step, last.step, last.move)
        noted = [replace(last, step=record, move=left)]
    while call.outer is not None:
        inner, call = noted[-1], call.outer
        noted.append(settle.suspended(call.record, call.attempt, inner.move, inner.step.error, now))
    return noted


def _overdue(call: Call, now: datetime) -> settle.Settled:
    error = UnknownOutcomeError(f"the action did not return within {call.timeout_s:g} s", code="timeout")
    described = settle.describe(error)
    if call.looking_up:
        # Asking again would hang again; whether it was done is now a person's to say.
        return settle.uncertain(call.record, call.attempt, described, now)
    tries = settle.tries_of(call.run.attempts_of(call.record)) - call.record.forgiven
    decision = retry.after_failure(error, call.action.effect, tries, call.step.retry, jitter=0.5)
    return settle.failed_attempt(
        decision, call.record, call.attempt, described, now, can_confirm=call.action.confirm is not None
    )
