"""poll: one look of a connection's poll, and everything that may come of it, as one change.

The events, what they start, and the cursor the next look goes on from are committed together. Whoever dies
before has changed nothing, so the same is looked for again; whoever dies after has left nothing undone.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from revolution_hub.bus.polled import Found, read_polled
from revolution_hub.bus.quota import count_anyway, require_quota
from revolution_hub.crashpoint import reach
from revolution_hub.engine import settle
from revolution_hub.engine.call import NotHere, PluginBug, guarded, open_context, require_scopes
from revolution_hub.engine.emitted import reported_event
from revolution_hub.engine.enabled import settings_for
from revolution_hub.engine.match import listening_to
from revolution_hub.engine.react import react
from revolution_hub.engine.refused import mark_refused
from revolution_hub.errors import ConflictError, HubError, LimitError, PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.change import Applied, Finding, Intake
from revolution_hub.model.connection import Connection
from revolution_hub.model.event import EventSource, Listener
from revolution_hub.model.event_names import names_above
from revolution_hub.model.ids import new_id
from revolution_hub.model.masking import masked, masked_json
from revolution_hub.model.poll import StoredPoll
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.store import connections, integrations, polls, workflows
from revolution_hub.store.errors import StoreError
from revolution_hub.store.submit import submit
from revolution_hub.store.tx import Tx
from revolution_sdk import Connector, Cursor, NoAuth, Poll
from revolution_sdk.errors import ConnectorError, CredentialError, RetryableError
from revolution_sdk.types import JsonObject

SLACK_S = 15.0
"""How much longer than its look a lease lasts: for what comes before and behind it."""
LONGEST_BACK_OFF = timedelta(hours=1)
CONNECTION_AGAIN = timedelta(minutes=5)
"""How soon a poll looks whether its connection works again; who authorizes it anew need not wait for that."""

_log = logging.getLogger("revolution.bus")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look that is to be made."""

    stored: StoredPoll
    connector: Connector
    poll: Poll
    connection: Connection | None
    listeners: tuple[Listener, ...]
    deadline: datetime
    config: JsonObject = field(default_factory=dict)


def claim(hub: Hub, limit: int) -> list[StoredPoll]:
    """Take polls that are due, until the longest look of all would have ended."""
    longest_s = max((poll.timeout_s for _, poll in hub.catalog.polls()), default=0.0)
    if not longest_s:
        return []
    return polls.claim_due(hub.store, hub.process, hub.now(), timedelta(seconds=longest_s + SLACK_S), limit)


def look(hub: Hub, stored: StoredPoll) -> bool:
    """Look once for what a claimed poll is to find, and commit what came of it; True if that was kept.

    Raises StoreError if the database is away; then the same is looked for again when the lease has ended.
    """
    ready = prepare(hub, stored)
    finding = ready if isinstance(ready, Finding) else finding_of(hub, ready)
    return keep(hub, finding)


def keep(hub: Hub, finding: Finding) -> bool:
    """Commit what came of a look, and wake workers; False if somebody else looks by now."""
    reach("poll.after_answer")
    outcome = submit(hub.store, finding)
    reach("poll.after_commit")
    if isinstance(outcome, Applied) and outcome.execution_ids:
        hub.wake()
    return isinstance(outcome, Applied)


def prepare(hub: Hub, stored: StoredPoll) -> Look | Finding:
    """Return the look that is to be made, or what comes of it at once: no connection, nobody who listens."""
    now = hub.now()
    offered = declared(hub, stored.name)
    if offered is None:
        error = PluginError(f"no installed plugin offers the poll {stored.name!r}", code="poll_missing")
        return failed(stored, error, now, every=CONNECTION_AGAIN)
    connector, poll = offered
    with hub.store.read(stored.tenant_id) as tx:
        listeners = tuple(_listeners(tx, connector, poll, stored.connection_id))
        connection = connections.get(tx, stored.connection_id) if stored.connection_id else None
        # Read anew, as whoever enables it again wants the very next look.
        integration = integrations.find(tx, connector.name)
    if not listeners or not integration.enabled:
        return _idle(stored, now)
    try:
        config = settings_for(connector, integration)
    except ConflictError as error:
        return failed(stored, error, now, every=CONNECTION_AGAIN)
    if connection is not None and connection.status is not ConnectionStatus.CONNECTED:
        message = f"the connection {connection.name!r} is {connection.status}"
        return _later(stored, CredentialError(message, code=f"connection_{connection.status}"), now)
    return Look(
        stored=stored,
        connector=connector,
        poll=poll,
        connection=connection,
        listeners=listeners,
        deadline=now + timedelta(seconds=poll.timeout_s),
        config=config,
    )


def failed(stored: StoredPoll, error: BaseException, now: datetime, *, every: timedelta) -> Finding:
    """Return the finding of a look that has failed: the cursor stays, and the next one comes later each time.

    A provider that says when to come again is obeyed.
    """
    failures = stored.failures + 1
    wait = min(every * 2 ** min(failures - 1, 20), max(every, LONGEST_BACK_OFF))
    asked_s = error.retry_after_s if isinstance(error, RetryableError) else None
    wait = max(wait * random.uniform(1.0, 1.25), timedelta(seconds=asked_s or 0.0))
    return Finding(
        tenant_id=stored.tenant_id,
        poll_id=stored.id,
        fence=stored.fence,
        at=now,
        next_at=now + wait,
        error=settle.describe(error),
        failures=failures,
    )


def arrange(hub: Hub, tx: Tx) -> None:
    """Let every poll of the tenant be looked at that somebody listens to; joins a publishing transaction.

    Those nobody listens to any more notice that themselves, when they are due.
    """
    now, wanted = hub.now(), list[StoredPoll]()
    resting = {name for name, one in integrations.find_all(tx).items() if not one.enabled}
    for connector, poll in hub.catalog.polls():
        if connector.name in resting:
            continue
        for connection_id in _connection_ids(tx, connector):
            if _listeners(tx, connector, poll, connection_id):
                name = f"{connector.name}.{poll.name}"
                wanted.append(_first(tx.tenant_id, connection_id, name, now))
    polls.want(tx, wanted, now)


def arrange_everywhere(hub: Hub) -> None:
    """Let every poll of every tenant be looked at that somebody listens to: a plugin may have new ones."""
    names = {name for connector, poll in hub.catalog.polls() for name in _names(connector, poll)}
    for tenant_id in polls.tenants_listening(hub.store, names) if names else ():
        with hub.store.begin(tenant_id) as tx:
            arrange(hub, tx)


def _connection_ids(tx: Tx, connector: Connector) -> list[str]:
    """Return the ids of the connections a connector looks through; a single empty one if it needs none."""
    if isinstance(connector.auth, NoAuth):
        return [""]
    return connections.ids_of(tx, connector.name)


def _first(tenant_id: str, connection_id: str, name: str, now: datetime) -> StoredPoll:
    return StoredPoll(
        id=new_id("pol"),
        tenant_id=tenant_id,
        connection_id=connection_id,
        name=name,
        next_at=now,
        counted_from=now,
        created_at=now,
    )


def finding_of(hub: Hub, look: Look) -> Finding:
    """Look once, and return what came of it. Raises StoreError if the database is away."""
    try:
        found = _found(hub, look)
    except StoreError:
        raise
    except CredentialError as error:
        _mark_refused(hub, look.connection, error)
        return _later(look.stored, error, hub.now())
    except (ConnectorError, HubError, PluginBug) as error:
        cause = error.error if isinstance(error, PluginBug) else error
        _log.info("the poll %s of %s failed: %s", look.stored.name, look.stored.connection_id, cause)
        return failed(look.stored, cause, hub.now(), every=look.poll.every)
    now = hub.now()
    intakes = _intakes(hub, look, found, now)
    try:
        _require_quota(hub, look.stored.tenant_id, sum(len(one.executions) for one in intakes))
    except LimitError as error:
        # The cursor stays, so the same is found again when there is room for it.
        return failed(look.stored, error, now, every=look.poll.every)
    return Finding(
        tenant_id=look.stored.tenant_id,
        poll_id=look.stored.id,
        fence=look.stored.fence,
        at=now,
        next_at=now if found.more else now + look.poll.every,
        cursor=found.cursor,
        found=intakes,
    )


def _require_quota(hub: Hub, tenant_id: str, begun: int) -> None:
    # What is found in one look is taken as a whole; else a limit below it would never let anything through.
    if begun:
        require_quota(hub, tenant_id)
    for _ in range(begun - 1):
        count_anyway(hub, tenant_id)


def _found(hub: Hub, look: Look) -> Found:
    cursor = Cursor(value=look.stored.cursor, overlap=look.poll.overlap)
    key = f"{look.stored.id}.{look.stored.fence}"
    nothing = NotHere("a poll only looks, and returns what it finds")
    require_scopes(look.connection, look.poll.scopes)
    with open_context(hub, look, key, look.deadline, nothing) as context:
        answer = guarded(lambda: look.poll(context, cursor))
        return _masked(read_polled(hub, look.connector, look.poll, answer))


def _masked(found: Found) -> Found:
    items = tuple(replace(one, data=masked(one.data)) for one in found.items)
    return replace(found, items=items, cursor=masked_json(found.cursor))


def _intakes(hub: Hub, look: Look, found: Found, now: datetime) -> tuple[Intake, ...]:
    event = look.connector.events[look.poll.event]
    events = (
        reported_event(
            look.stored.tenant_id,
            look.connector,
            event,
            look.connection,
            one.data,
            now,
            source=EventSource.POLL,
            key=one.key,
            occurred_at=one.occurred_at,
        )
        for one in found.items
    )
    return tuple(react(hub.catalog, one, look.listeners) for one in events)


def declared(hub: Hub, name: str) -> tuple[Connector, Poll] | None:
    """Return connector and poll behind `connector.poll`, None if no installed plugin offers it."""
    connector = hub.catalog.find_connector(name.partition(".")[0])
    poll = connector.polls.get(name.partition(".")[2]) if connector else None
    return (connector, poll) if connector and poll else None


def _listeners(tx: Tx, connector: Connector, poll: Poll, connection_id: str) -> Sequence[Listener]:
    return listening_to(workflows.list_listeners(tx, _names(connector, poll)), connection_id)


def _names(connector: Connector, poll: Poll) -> list[str]:
    """Return every name under which somebody may listen to what a poll finds."""
    event = connector.events[poll.event]
    canonical = names_above(event.canonical) if event.canonical else []
    return [*names_above(f"{connector.name}.{event.name}"), *canonical]


def _idle(stored: StoredPoll, now: datetime) -> Finding:
    # Whoever listens again later wants what happens from then on, so the place is not kept.
    return Finding(
        tenant_id=stored.tenant_id, poll_id=stored.id, fence=stored.fence, at=now, next_at=None, idle=True
    )


def _later(stored: StoredPoll, error: CredentialError, now: datetime) -> Finding:
    return Finding(
        tenant_id=stored.tenant_id,
        poll_id=stored.id,
        fence=stored.fence,
        at=now,
        next_at=now + CONNECTION_AGAIN,
        error=settle.describe(error),
        failures=stored.failures,
    )


def _mark_refused(hub: Hub, connection: Connection | None, error: CredentialError) -> None:
    if connection is not None:
        mark_refused(hub, connection, str(settle.describe(error)["message"]))
