"""Run: one execution while a worker drives it. Not a value: it holds what is not committed yet."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from revolution_hub.engine.scope import build_scope
from revolution_hub.hub import Hub
from revolution_hub.model.change import Fenced, Move, Progress
from revolution_hub.model.execution import Attempt, Execution, StepExecution
from revolution_hub.model.status import ENDED, StepStatus
from revolution_hub.model.workflow import Step, Workflow
from revolution_hub.store.submit import submit
from revolution_sdk.types import JsonObject


class FencedError(Exception):
    """Raised inside a drive when somebody else holds the execution now; the drive just stops."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What a drive knows. `record` notes a fact, `flush` commits all noted facts in one change.

    `connection_id` is the connection of the step under way, or the one the execution needs a turn of.
    """

    hub: Hub
    execution: Execution
    workflow: Workflow
    steps: dict[str, StepExecution]
    attempts: dict[str, list[Attempt]]
    connection_id: str | None = None
    _noted_steps: dict[str, StepExecution] = field(default_factory=dict)
    _noted_attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    _response: JsonObject | None = None

    @property
    def now(self) -> datetime:
        """The present moment, by the hub's clock."""
        return self.hub.now()

    def scope(self) -> JsonObject:
        """Return what templates see at this point."""
        return build_scope(self.workflow, self.execution, self.steps.values())

    def last_attempt(self, step_id: str) -> Attempt | None:
        """Return the newest attempt of a step, or None."""
        tried = self.attempts.get(step_id)
        return tried[-1] if tried else None

    def fresh(self, step: Step, status: StepStatus = StepStatus.RUNNING, **more: Any) -> StepExecution:
        """Return a new record for a step that is reached now; `more` are further fields of it."""
        return StepExecution(
            execution_id=self.execution.id,
            tenant_id=self.execution.tenant_id,
            step_id=step.id,
            position=len(self.steps),
            kind=str(step.kind),
            status=status,
            started_at=self.now,
            uses=step.uses,
            **more,
        )

    def record(self, step: StepExecution, attempt: Attempt | None = None) -> None:
        """Note a step, and the attempt that goes with it, for the next commit."""
        self.steps[step.step_id] = self._noted_steps[step.step_id] = step
        if attempt is not None:
            tried = self.attempts.setdefault(step.step_id, [])
            tried[:] = [one for one in tried if one.number != attempt.number] + [attempt]
            self._noted_attempts[step.step_id, attempt.number] = attempt

    def respond(self, response: JsonObject) -> None:
        """Note the answer a waiting webhook caller is to get."""
        self._response = response

    @property
    def owes_answer(self) -> bool:
        """Whether an answer is noted and not committed."""
        return self._response is not None

    def pending(self, move: Move | None = None) -> Progress:
        """Return everything noted, and the move if there is one, as one change."""
        return Progress(
            tenant_id=self.execution.tenant_id,
            execution_id=self.execution.id,
            fence=self.execution.fence,
            steps=tuple(self._noted_steps.values()),
            attempts=tuple(self._noted_attempts.values()),
            response=self._response,
            connection_id=None if move and move.status in ENDED else self.connection_id,
            move=move,
        )

    def flush(self, move: Move | None = None) -> None:
        """Commit everything noted, and the move if there is one. Raises FencedError if we lost the claim."""
        if isinstance(submit(self.hub.store, self.pending(move)), Fenced):
            raise FencedError(self.execution.id)
        self._noted_steps.clear()
        self._noted_attempts.clear()
        self._response = None
