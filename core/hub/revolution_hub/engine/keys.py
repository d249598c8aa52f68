"""keys: what an execution shares with others of its workflow: its turn, and its being started once."""

import hashlib
from dataclasses import replace

from revolution_hub.engine.scope import shown_trigger
from revolution_hub.errors import TemplateError
from revolution_hub.model.execution import Execution, error_json
from revolution_hub.model.status import ExecutionStatus, WaitReason
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.workflow import Concurrency, Workflow
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

_LONGEST = 255
OWN_KEY = "§"
"""What the hub's own idempotency keys begin with, and no other: headers are ASCII, templates' are hashed."""


def keyed(execution: Execution, concurrency: Concurrency | None, idempotency: str | None) -> Execution:
    """Return a new execution with its keys, which templates make of its trigger.

    With a concurrency key it begins by waiting for its turn; whoever stores it says whether it is. One whose
    key cannot be computed is failed from the start, so that what was accepted is there to be seen.
    """
    if concurrency is None and idempotency is None:
        return execution
    scope: JsonObject = {"trigger": shown_trigger(execution.trigger)}
    try:
        if idempotency is not None:
            execution = replace(
                execution, idempotency_key=_key(idempotency, scope, execution) or execution.idempotency_key
            )
        if concurrency is not None:
            execution = _in_line(execution, concurrency, _key(concurrency.key, scope, execution))
    except TemplateError as error:
        described = error_json(error.code, error.pointed())
        return replace(
            execution, status=ExecutionStatus.FAILED, error=described, finished_at=execution.created_at
        )
    return execution


def keys_json(workflow: Workflow) -> JsonObject:
    """Return of a workflow what `keyed_by` needs, as it is kept beside what listens for its triggers."""
    found: JsonObject = {}
    if workflow.concurrency is not None:
        one = workflow.concurrency
        found["concurrency"] = {"key": one.key, "limit": one.limit, "skip": one.skip}
    if workflow.idempotency is not None:
        found["idempotency"] = workflow.idempotency
    return found


def keyed_by(execution: Execution, settings: JsonObject) -> Execution:
    """Return a new execution with the keys that `keys_json` kept among these settings."""
    kept = settings.get("concurrency")
    return keyed(execution, Concurrency(**kept) if kept else None, settings.get("idempotency"))


def _in_line(execution: Execution, concurrency: Concurrency, key: str) -> Execution:
    return replace(
        execution,
        status=ExecutionStatus.WAITING,
        wait_reason=WaitReason.TURN,
        turn_key=f"{execution.workflow_id}:{key}",
        turn_limit=concurrency.limit,
        turn_skip=concurrency.skip,
    )


def _key(template: str, scope: JsonObject, execution: Execution) -> str:
    value = compile_template(template).render(scope, now=execution.created_at)
    text = _text(value)
    plain = len(text) <= _LONGEST and not text.startswith(OWN_KEY)
    return text if plain else hashlib.sha256(text.encode()).hexdigest()


def _text(value: Json) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else canonical_json(value)
