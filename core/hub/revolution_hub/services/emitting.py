"""Emitting: a person or a program reports an event of a tenant's own, or under a canonical name."""

from dataclasses import dataclass
from datetime import datetime

from revolution_hub.access.rbac import require
from revolution_hub.bus.backlog import require_room
from revolution_hub.engine.emitted import own_event
from revolution_hub.engine.limits import require_payload
from revolution_hub.engine.react import listeners_of, react
from revolution_hub.errors import ConflictError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Duplicate
from revolution_hub.model.event import EventSource
from revolution_hub.model.ids import new_key
from revolution_hub.model.principal import Principal
from revolution_hub.model.strict_json import canonical_json, dump_json
from revolution_hub.services.idempotency import Once
from revolution_hub.store import events
from revolution_hub.store.submit import submit
from revolution_sdk.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """What is reported. Of a type and a `key` there is one event."""

    type: str
    data: Json
    key: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """The event, whether it is `new`, and what it started, now or when it was reported first."""

    event_id: str
    new: bool
    execution_ids: tuple[str, ...]


def emit_event(hub: Hub, principal: Principal, given: NewEvent, once: Once | None = None) -> Emitted:
    """Keep an event and start what listens to its type.

    Raises InputError for a type that may not be reported so, or data that break its schema, and ConflictError
    if the Idempotency-Key was used for another request.
    """
    require(principal, "event:write")
    require_payload(hub.settings, len(dump_json(given.data)), "the data of the event")
    key = given.key
    event = own_event(
        principal.tenant_id,
        given.type,
        given.data,
        hub.now(),
        source=EventSource.API,
        once=f"{principal.id}:{once.key}" if once is not None else new_key(),
        key=key,
        occurred_at=given.occurred_at,
    )
    intake = react(hub.catalog, event, listeners_of(hub, event))
    for _ in intake.executions:
        require_room(hub, principal.tenant_id, principal.id)
    outcome = submit(hub.store, intake)
    if isinstance(outcome, Duplicate):
        if key is None:
            _require_same(hub, principal, outcome.of, given)
        return Emitted(event_id=outcome.of, new=False, execution_ids=outcome.execution_ids)
    started = outcome.execution_ids if isinstance(outcome, Applied) else ()
    if started:
        hub.wake()
    return Emitted(event_id=event.id, new=True, execution_ids=started)


def _require_same(hub: Hub, principal: Principal, event_id: str, given: NewEvent) -> None:
    with hub.store.read(principal.tenant_id) as tx:
        first = events.get(tx, event_id)
    same = (first.type, canonical_json(first.data)) == (given.type, canonical_json(given.data))
    if not same:
        raise ConflictError(
            "this Idempotency-Key was used with another request", code="idempotency_key_reused"
        )
