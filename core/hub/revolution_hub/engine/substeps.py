"""substeps: what `ctx.call` and `ctx.record` do during one pass through an action.

What has its result is never done again: entered anew, the action gets what is recorded. What has to wait
unwinds the action and suspends its step, so that no thread waits.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from typing import NoReturn, TypeAlias

from revolution_hub.engine.call import storable
from revolution_hub.engine.emits import Emits
from revolution_hub.engine.limits import require_depth, require_steps
from revolution_hub.engine.parts import CALL, RECORD, part_key
from revolution_hub.engine.run import Run
from revolution_hub.engine.watch import Call, Watch
from revolution_hub.errors import InputError, LimitError, PluginError
from revolution_hub.model.change import Move
from revolution_hub.model.execution import StepExecution
from revolution_hub.model.status import ExecutionStatus, StepStatus
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.workflow import Step, StepKind
from revolution_sdk.connector import Effect
from revolution_sdk.errors import ConnectorError, RejectedError, RetryableError, Suspended
from revolution_sdk.types import Json, JsonObject

Perform: TypeAlias = Callable[[Run, Watch, Step, StepExecution, Call], Move | None]
"""Brings a sub-step one attempt further, as a step is; it belongs to the call that is given last."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
LONGEST_KEY = 200


class Substeps:
    """The sub-steps of one action for one pass. Made for the thread that runs the action, and for no other.

    `left` says why the action has to be left whatever it returns or raises: a move that suspends its step, or
    an error that ends the drive. `error` is that of the sub-step it waits for.
    """

    def __init__(self, watch: Watch, within: Call, perform: Perform, emits: Emits) -> None:
        self.left: Move | BaseException | None = None
        self.error: JsonObject | None = None
        self._run = within.run
        self._watch = watch
        self._within = within
        self._perform = perform
        self._emits = emits
        self._thread = threading.get_ident()
        self._busy = False
        self._over = False
        self._taken: set[str] = set()
        self._counted: Counter[str] = Counter()

    def close(self) -> None:
        """Refuse whatever comes after the action has returned."""
        self._over = True

    def call(self, action: str, value: JsonObject, *, name: str = "", connection: str = "") -> Json:
        """Run another action, or return what it has returned before.

        Raises RejectedError if it has failed for good, Suspended if it has to wait.
        """
        self._require_turn("call")
        uses = str(action)
        if not NAME.match(uses):
            raise _unknown(uses)
        self._counted[uses] += 1
        key = self._take(name or f"{uses}.{self._counted[uses]}")
        given = storable(self._run.hub, value, f"the input of {uses}", "input_invalid")
        record = self._known(key, CALL, uses, given) or self._new_call(key, uses, given)
        step = Step(id=key, path="", kind=StepKind.ACTION, uses=uses, connection=connection or None)
        with self._working():
            done = record if record.recorded else self._carry_out(step, record)
        if done.status is StepStatus.FAILED:
            raise _refusal(done)
        return deepcopy(done.output)

    def record(self, name: str, make: Callable[[], Json]) -> Json:
        """Run the function and record what it returns, or return what is recorded. Its errors are not."""
        self._require_turn("record")
        key = self._take(name)
        known = self._known(key, RECORD, None, None)
        if known is not None:
            return deepcopy(known.output)
        self._require_room(key)
        begun = self._run.now
        self._busy = True
        try:
            made = make()
        finally:
            self._busy = False
        output = storable(self._run.hub, made, f"what is recorded as {name!r}", "output_invalid")
        with self._working():
            self._run.record(self._fresh(key, RECORD, begun, output=output, status=StepStatus.SUCCEEDED))
            self._run.flush()
        return deepcopy(output)

    def emit(self, type: str, data: JsonObject, *, key: str = "") -> None:
        """Report an event, which is kept with the action's result."""
        self._require_thread("emit")
        self._emits.add(type, data, key=key)

    def _require_turn(self, word: str) -> None:
        self._require_thread(word)
        effect = self._within.action.effect
        if effect in (Effect.ONCE, Effect.PURE):
            raise PluginError(
                f"ctx.{word} needs an action that may be entered again: declare {self._within.step.uses} "
                f"repeatable or read, it is {effect}; what must happen once belongs in an action of its own, "
                "called with ctx.call",
                code="not_reentrant",
            )

    def _require_thread(self, word: str) -> None:
        if self.left is not None:
            raise Suspended("the step waits already; let Suspended pass")
        if self._over or self._busy or threading.get_ident() != self._thread:
            raise PluginError(
                f"ctx.{word} is for the action itself, one at a time: use it in the thread that runs the "
                "action, before it returns, and not within another sub-step",
                code="one_at_a_time",
            )

    def _take(self, name: str) -> str:
        key = part_key(self._within.record, name)
        if not isinstance(name, str) or not NAME.match(name) or len(key) > LONGEST_KEY:
            raise PluginError(
                f"a sub-step's name is letters, digits, _, - and ., with its step's at most {LONGEST_KEY} "
                f"characters; this one is {str(name)[:100]!r}",
                code="name_invalid",
            )
        if name in self._taken:
            raise PluginError(
                f"the sub-step {name!r} is there twice; give each a name of its own", code="name_taken"
            )
        self._taken.add(name)
        return key

    def _known(self, key: str, kind: str, uses: str | None, given: Json) -> StepExecution | None:
        known = self._run.steps.get(key)
        if known is None or ((known.kind, known.uses) == (kind, uses) and _same(known.input, given)):
            return known
        raise PluginError(
            f"the sub-step {key} was {_told(known.kind, known.uses)} and is now {_told(kind, uses)}, or its "
            "input is another one; an action entered again must do the same as before: take what may change "
            "from its input or from ctx.record",
            code="not_deterministic",
        )

    def _new_call(self, key: str, uses: str, given: Json) -> StepExecution:
        catalog = self._run.hub.catalog
        if catalog.find_action(uses) is None:
            raise _unknown(uses)
        problems = catalog.check_input(uses, given)
        if problems:
            error = InputError(f"the input of {uses} is not valid", problems)
            error.details["problems"] = [one.as_json() for one in problems[:20]]
            raise error
        self._require_room(key)
        return self._fresh(key, CALL, self._run.now, uses=uses, input=given)

    def _require_room(self, key: str) -> None:
        run = self._run
        try:
            require_depth(run.hub.settings, run.execution.depth + key.count("/"))
            require_steps(run.hub.settings, len(run.steps) + 1)
        except LimitError as error:
            # Unlike other limits, trying again later would only meet it again.
            raise PluginError(error.message, code=error.code, details=error.details) from error

    def _fresh(
        self,
        key: str,
        kind: str,
        begun: datetime,
        *,
        status: StepStatus = StepStatus.RUNNING,
        uses: str | None = None,
        input: Json = None,
        output: Json = None,
    ) -> StepExecution:
        outer = self._within.record
        return StepExecution(
            execution_id=outer.execution_id,
            tenant_id=outer.tenant_id,
            step_id=key,
            position=self._run.position,
            kind=kind,
            status=status,
            started_at=begun,
            uses=uses,
            input=input,
            output=output,
            finished_at=self._run.now if status is StepStatus.SUCCEEDED else None,
        )

    def _carry_out(self, step: Step, record: StepExecution) -> StepExecution:
        """Attempt it until it has its result; raises Suspended when that has to wait."""
        run, before = self._run, self._run.connection_id
        while True:
            if self._watch.stopping:
                self._leave(Move(status=ExecutionStatus.QUEUED, at=run.now), record)
            if run.now >= self._within.ends_at:
                raise RetryableError(f"there is no time left for {step.uses}", code="timeout")
            move = self._perform(run, self._watch, step, record, self._within)
            record = run.steps.get(record.step_id, record)
            # The action may do anything with what it learns now, so what is known is committed before; after
            # a crash even what could be computed again, for else the next one would be counted on top.
            if run.noted and (run.execution.crashes or not self._recomputed(record)):
                run.flush()
            if record.recorded:
                run.connection_id = before
                return record
            if move is not None:
                self._leave(move, record)

    def _recomputed(self, record: StepExecution) -> bool:
        action = self._run.hub.catalog.find_action(record.uses or "")
        return record.recorded and action is not None and action.effect is Effect.PURE

    def _leave(self, move: Move, record: StepExecution) -> NoReturn:
        self.left, self.error = move, record.error
        raise Suspended(f"{record.step_id} has to wait")

    @contextmanager
    def _working(self) -> Iterator[None]:
        self._busy = True
        try:
            yield
        except (ConnectorError, Suspended):
            raise
        # A lost claim, a commit that failed, a fault of the hub's own: none is the connector's to handle.
        except BaseException as error:
            self.left = error
            raise Suspended("the drive ends") from error
        finally:
            self._busy = False


def _unknown(uses: str) -> PluginError:
    return PluginError(f"no installed plugin offers {uses[:100]!r}", code="unknown_action")


def _same(one: Json, other: Json) -> bool:
    return canonical_json(one) == canonical_json(other)


def _told(kind: str, uses: str | None) -> str:
    return f"a call of {uses}" if kind == CALL else "a record"


def _refusal(record: StepExecution) -> RejectedError:
    error = record.error or {}
    return RejectedError(
        str(error.get("message", "")), code=error.get("code"), details=deepcopy(error.get("details"))
    )
