"""Run: one execution while a worker drives it. Not a value: it holds what is not committed yet."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from revolution_hub.engine.addresses import callback_address, callbacks_in
from revolution_hub.engine.lane import Lane
from revolution_hub.engine.plan import remaining
from revolution_hub.engine.scope import add_record, begin_scope, inherit_scope
from revolution_hub.hub import Hub
from revolution_hub.model.approval import Use
from revolution_hub.model.change import Applied, Fenced, Intake, Move, Outcome, Progress, Stale, Take
from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.status import ENDED, StepStatus
from revolution_hub.model.workflow import Step, Steps, Workflow
from revolution_hub.store.submit import Waiting, submit, submit_soon
from revolution_sdk.types import Json, JsonObject

MOST_NOTED = 32
"""So many steps are noted at most while nobody waits for their commit."""
REMEMBERED_S = 1.0
"""How long a connection that was switched off meanwhile is still used."""

T = TypeVar("T")


def _forget(outcome: Outcome | BaseException) -> None:
    """Leave what came of it to the next commit, which hands in the same again."""


class FencedError(Exception):
    """Raised inside a drive when somebody else holds the execution now; the drive just stops."""


class VoidError(Exception):
    """Raised inside a drive when the approval that was to be used up does not count any more."""


class _Question:
    """A wish for further items under way to the database, and what was handed in with it."""

    def __init__(self, handed_in: Progress) -> None:
        self.handed_in = handed_in
        self._told: Future[Outcome] = Future()

    def told(self, outcome: Outcome | BaseException) -> None:
        if isinstance(outcome, BaseException):
            self._told.set_exception(outcome)
        else:
            self._told.set_result(outcome)

    def outcome(self) -> Outcome:
        return self._told.result()


@dataclass(slots=True, kw_only=True)
class Run:
    """What a drive knows. `record` notes a fact, `flush` commits all noted facts in one change.

    `connection_id` is the connection of the step under way, or the one the execution needs a turn of.
    `inherited` is what a child's templates see of its parent. `lane` goes through the items of a `for_each`;
    then `steps` and `attempts` are those of the item under way.
    """

    hub: Hub
    execution: Execution
    workflow: Workflow
    steps: dict[str, StepExecution]
    attempts: dict[str, list[Attempt]]
    connection_id: str | None = None
    inherited: JsonObject | None = None
    lane: Lane | None = None
    position: int = 0
    _callbacks: tuple[str, ...] | None = None
    _remembered: dict[object, tuple[float, Any]] = field(default_factory=dict)
    _shown: dict[str, StepExecution] = field(default_factory=dict)
    _showing: tuple[Waiting, Progress] | None = None
    _scope: JsonObject | None = None
    _walk: Iterator[Step] | None = None
    _noted_steps: dict[str, StepExecution] = field(default_factory=dict)
    _noted_attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    _starts: list[Execution] = field(default_factory=list)
    _emitted: list[Intake] = field(default_factory=list)
    _joins: JsonObject | None = None
    _ends_children: str | None = None
    _response: JsonObject | None = None
    _question: "_Question | None" = None

    @property
    def now(self) -> datetime:
        """The present moment, by the hub's clock."""
        return self.hub.now()

    @property
    def body(self) -> Steps:
        """The steps this execution is to go through."""
        block = self.execution.block
        return self.workflow.steps if block is None else self.workflow.blocks[block]

    def next_step(self) -> Step | None:
        """Return the step to go on with, None if every one has its result."""
        if self._walk is None:
            self._walk = remaining(self.body, self.record_of)
        return next(self._walk, None)

    def key(self, step: Step) -> str:
        """Return what a step is recorded as: its id, and in an item of a `for_each` the item's index."""
        return f"{step.id}#{self.lane.index}" if self.lane else step.id

    def record_of(self, step: Step) -> StepExecution | None:
        """Return what is recorded of a step, or None."""
        return self.steps.get(self.key(step))

    def scope(self) -> JsonObject:
        """Return what templates see at this point. Belongs to the run: it grows with the next record."""
        if self._scope is None:
            self._scope = self._begin_scope()
            for one in sorted(self.steps.values(), key=lambda one: one.position):
                add_record(self._scope, self.workflow, one)
        return self._scope

    def _begin_scope(self) -> JsonObject:
        if self.inherited is None:
            scope = begin_scope(self.workflow, self.execution)
        else:
            scope = inherit_scope(self.inherited, self.execution, self.lane.seen() if self.lane else {})
        return scope | {"callbacks": self._addresses()}

    def _addresses(self) -> JsonObject:
        if self._callbacks is None:
            self._callbacks = callbacks_in(self.body) if self.workflow.has_callbacks else ()
        suffix = f"#{self.lane.index}" if self.lane else ""
        return {one: callback_address(self.hub, self.execution, one + suffix) for one in self._callbacks}

    def attempts_of(self, record: StepExecution) -> list[Attempt]:
        """Return every attempt of a step, oldest first."""
        return self.attempts.get(record.step_id, [])

    def last_attempt(self, key: str) -> Attempt | None:
        """Return the newest attempt of what is recorded under this key, or None."""
        tried = self.attempts.get(key)
        return tried[-1] if tried else None

    def fresh(
        self, step: Step, status: StepStatus = StepStatus.RUNNING, *, now: datetime | None = None, **more: Any
    ) -> StepExecution:
        """Return a new record for a step that is reached now; `more` are further fields of it."""
        return StepExecution(
            execution_id=self.execution.id,
            tenant_id=self.execution.tenant_id,
            step_id=self.key(step),
            position=self.position,
            kind=str(step.kind),
            status=status,
            started_at=now or self.now,
            uses=step.uses,
            **more,
        )

    def record(self, step: StepExecution, attempt: Attempt | None = None) -> None:
        """Note a step, and the attempt that goes with it, for the next commit."""
        if step.step_id not in self.steps:
            self.position = max(self.position, step.position) + 1
        self.steps[step.step_id] = self._noted_steps[step.step_id] = step
        if self._scope is not None:
            add_record(self._scope, self.workflow, step)
        if attempt is not None:
            tried = self.attempts.setdefault(step.step_id, [])
            tried[:] = [one for one in tried if one.number != attempt.number] + [attempt]
            self._noted_attempts[step.step_id, attempt.number] = attempt

    def succeed(self, step: StepExecution, output: Json) -> None:
        """Note that a step has its result."""
        self.record(
            replace(
                step,
                status=StepStatus.SUCCEEDED,
                output=output,
                error=None,
                wake_at=None,
                finished_at=self.now,
            )
        )

    def remembered(self, what: object, find: Callable[[], T]) -> T:
        """Return what `find` finds, or what it found for the same a moment ago."""
        known = self._remembered.get(what)
        if known is None or time.monotonic() - known[0] > REMEMBERED_S:
            known = self._remembered[what] = (time.monotonic(), find())
        found: T = known[1]
        return found

    def respond(self, response: JsonObject) -> None:
        """Note the answer a waiting webhook caller is to get."""
        self._response = response

    def start(self, executions: list[Execution], joins: JsonObject | None = None) -> None:
        """Note executions that begin with the next commit; with `joins` they are children to wait for."""
        self._starts += executions
        self._joins = joins or self._joins

    def emit(self, intake: Intake) -> None:
        """Note an event that is kept, with what it starts, by the next commit."""
        self._emitted.append(intake)

    def end_children(self, reason: str) -> None:
        """Note that every child that has not ended is to be cancelled."""
        self._ends_children = reason

    def enter(self, index: int) -> None:
        """Go on with another item of the `for_each`; the records of the last one are let go."""
        if self.lane is None:
            raise ValueError("only a lane has items")
        self.lane.enter(index)
        self.steps, self.attempts = {}, {}
        self._scope = self._walk = None

    @property
    def noted(self) -> bool:
        """Whether a step is noted and not committed."""
        return bool(self._noted_steps)

    @property
    def owes_answer(self) -> bool:
        """Whether an answer is noted and not committed."""
        return self._response is not None

    def pending(self, move: Move | None = None, take: Take | None = None, use: Use | None = None) -> Progress:
        """Return everything noted, and the move if there is one, as one change."""
        return Progress(
            tenant_id=self.execution.tenant_id,
            execution_id=self.execution.id,
            fence=self.execution.fence,
            steps=tuple(self._noted_steps.values()),
            attempts=tuple(self._noted_attempts.values()),
            response=self._response,
            connection_id=None if move and move.status in ENDED else self.connection_id,
            parent_id=self.execution.parent_id,
            starts=tuple(self._starts),
            emitted=tuple(self._emitted),
            joins=self._joins,
            ends_children=self._ends_children,
            take=take,
            use=use,
            move=move,
        )

    def show(self) -> None:
        """Hand in what has changed without waiting. It stays noted: the next commit holds it for certain.

        Once much is noted it is committed, so that a crash does not undo more.
        """
        if len(self._noted_steps) >= MOST_NOTED:
            self.flush()
            return
        if self._showing is not None:
            waiting, last = self._showing
            changed = self._changed()
            if waiting.replace(changed):
                self._showing = waiting, changed
                return
            self._shown |= {one.step_id: one for one in last.steps}
        changed = self._changed()
        self._showing = submit_soon(self.hub.store, changed, _forget), changed

    def _changed(self) -> Progress:
        """Return what is noted and was not shown as it is now."""
        steps = {key: one for key, one in self._noted_steps.items() if self._shown.get(key) is not one}
        attempts = tuple(one for one in self._noted_attempts.values() if one.step_id in steps)
        return replace(self.pending(), steps=tuple(steps.values()), attempts=attempts)

    def call_off_showing(self) -> None:
        """Spare the database what was only to be shown, as everything noted is about to be committed."""
        if self._showing is not None:
            self._showing[0].call_off()

    @property
    def asked(self) -> bool:
        """Whether items were asked for ahead, and the answer was not looked at."""
        return self._question is not None

    def ask(self, take: Take) -> None:
        """Hand in everything noted and ask for further items, without waiting for either."""
        self._question = question = _Question(self.pending(None, take))
        submit_soon(self.hub.store, question.handed_in, question.told)

    def answer(self) -> Applied:
        """Wait for what came of `ask`. Raises FencedError if we lost the claim."""
        question, self._question = self._question, None
        if question is None:
            raise ValueError("nothing was asked for")
        applied = _applied(self, question.outcome())
        self._let_go(question.handed_in)
        return applied

    def _let_go(self, committed: Progress) -> None:
        """Forget what is committed; what was noted anew since is still to be."""
        for step in committed.steps:
            if self._noted_steps.get(step.step_id) is step:
                del self._noted_steps[step.step_id]
        for attempt in committed.attempts:
            if self._noted_attempts.get((attempt.step_id, attempt.number)) is attempt:
                del self._noted_attempts[attempt.step_id, attempt.number]
        self._starts = [one for one in self._starts if one not in committed.starts]
        self._emitted = [one for one in self._emitted if one not in committed.emitted]

    def take_back(self, record: StepExecution, attempt: Attempt) -> None:
        """Note a step as it was before this attempt, which was never made."""
        self._noted_attempts.pop((attempt.step_id, attempt.number), None)
        tried = self.attempts.get(attempt.step_id, [])
        tried[:] = [one for one in tried if one.number != attempt.number]
        self.record(record)

    def flush(self, move: Move | None = None, take: Take | None = None, use: Use | None = None) -> Applied:
        """Commit everything noted, the move if there is one, and that an approval is used up.

        Raises FencedError if we lost the claim, VoidError if the approval is none any more; then nothing is
        committed.
        """
        self.call_off_showing()
        applied = _applied(self, submit(self.hub.store, self.pending(move, take, use)))
        self._noted_steps.clear()
        self._noted_attempts.clear()
        self._shown.clear()
        self._showing = None
        self._starts.clear()
        self._emitted.clear()
        self._response = self._joins = self._ends_children = None
        return applied


def _applied(run: Run, outcome: Outcome) -> Applied:
    if isinstance(outcome, Fenced):
        raise FencedError(run.execution.id)
    if isinstance(outcome, Stale):
        raise VoidError(run.execution.id)
    if not isinstance(outcome, Applied):
        raise TypeError(f"progress cannot be {type(outcome).__name__}")
    if outcome.woke:
        run.hub.wake()
    return outcome
