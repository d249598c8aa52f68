"""emits: what `ctx.emit` reports during one attempt of an action. It counts if the action succeeds."""

from revolution_hub.engine.call import Target, storable
from revolution_hub.engine.emit import depth_of, note
from revolution_hub.engine.emitted import LONGEST_KEY, reported_event
from revolution_hub.engine.limits import require_emits
from revolution_hub.engine.run import Run
from revolution_hub.errors import LimitError, PluginError
from revolution_hub.model.event import Event, EventSource
from revolution_hub.model.execution import StepExecution
from revolution_sdk.types import JsonObject

MOST = 1_000
"""So many events one attempt may report; what finds more is a poll."""


class Emits:
    """Collects events until their action has returned. `close` notes them for the commit of its result."""

    def __init__(self, run: Run, target: Target, record: StepExecution) -> None:
        self._run = run
        self._target = target
        self._record = record
        self._events: list[Event] = []

    def add(self, type: str, data: JsonObject, *, key: str = "") -> None:
        """Take in an event of a type the action's connector declares.

        Raises PluginError if there is no such type, if the data cannot be kept, or if there are too many.
        """
        connector = self._target.connector
        declared = connector.events.get(str(type))
        if declared is None:
            raise PluginError(f"{connector.name} declares no event {str(type)[:100]!r}", code="unknown_event")
        kept = storable(self._run.hub, data, f"the data of {type}", "input_invalid")
        if not isinstance(kept, dict) or not isinstance(key, str) or len(key) > LONGEST_KEY:
            what = f"an event has an object as its data, and a key of at most {LONGEST_KEY} characters"
            raise PluginError(what, code="input_invalid")
        self._require_room()
        once = f"{self._record.execution_id}.{self._record.step_id}:{len(self._events)}"
        event = reported_event(
            self._run.execution.tenant_id,
            connector,
            declared,
            self._target.connection,
            kept,
            self._run.now,
            source=EventSource.STEP,
            key=key or once,
        )
        self._events.append(event)

    def note(self) -> None:
        """Note every event: the action has succeeded."""
        for event in self._events:
            note(self._run, event)

    def _require_room(self) -> None:
        if len(self._events) >= MOST:
            raise PluginError(f"one call of an action emits at most {MOST:,} events", code="limit_exceeded")
        try:
            require_emits(self._run.hub.settings, depth_of(self._run) + 1)
        except LimitError as error:
            # Unlike other limits, trying again later would only meet it again.
            raise PluginError(error.message, code=error.code, details=error.details) from error
