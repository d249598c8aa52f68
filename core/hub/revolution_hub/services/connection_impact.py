"""Which workflows use a connection, and so what becomes of them without it, or under another name."""

from collections.abc import Iterator
from dataclasses import dataclass

from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_hub.model.principal import Principal
from revolution_hub.services.guard import require_on_connection
from revolution_hub.store import connections, executions, workflows
from revolution_hub.store.tx import Tx
from revolution_sdk.types import Json, JsonObject

MOST_NAMED = 20
"""So many workflows are named where something is refused because of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A workflow that uses a connection: by its name, or because it is its connector's default."""

    workflow_id: str
    name: str
    published: bool
    draft: bool
    named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Who uses a connection, and how many executions wait for it."""

    uses: list[Use]
    waiting: int


def get_impact(hub: Hub, principal: Principal, connector: str, connection_id: str) -> Impact:
    """Return what deleting a connection would mean. Calls that an action makes by itself are not seen."""
    require_on_connection(hub, principal, "connection:read", connection_id)
    with hub.store.read(principal.tenant_id) as tx:
        connection = connections.get(tx, connection_id)
        if connection.connector != connector:
            raise NotFoundError("there is no such connection")
        return Impact(uses=_uses(tx, connection), waiting=executions.count_waiting_on(tx, connection_id))


def require_unused(tx: Tx, connection: Connection, *, by_name: bool = False) -> None:
    """Raise ConflictError if workflows use a connection, with `by_name` if they do under its name."""
    uses = [one for one in _uses(tx, connection) if one.named or not by_name]
    if uses:
        names = ", ".join(repr(one.name) for one in uses[:MOST_NAMED])
        more = f" and {len(uses) - MOST_NAMED} more" if len(uses) > MOST_NAMED else ""
        raise ConflictError(
            f"the connection {connection.name!r} is used by {names}{more}; "
            "repeat it with force=true if that is wanted",
            code="in_use",
            details={
                "workflows": [{"id": one.workflow_id, "name": one.name} for one in uses[:MOST_NAMED]],
                "count": len(uses),
            },
        )


def _uses(tx: Tx, connection: Connection) -> list[Use]:
    found: list[Use] = []
    for one in workflows.mentioning(tx, f"{connection.connector}."):
        drafted, published = (_how(document, connection) for document in (one.draft, one.published))
        if drafted or published:
            named = "named" in (drafted | published)
            found.append(
                Use(
                    workflow_id=one.id,
                    name=one.name,
                    published=bool(published),
                    draft=bool(drafted),
                    named=named,
                )
            )
    return found


def _how(document: Json, connection: Connection) -> set[str]:
    """Return how a document uses a connection: `named`, by `default`, both or not at all."""
    how = set()
    for step in _mentions(document, connection.connector):
        wanted = step.get("connection")
        if wanted == connection.name:
            how.add("named")
        elif wanted is None and connection.is_default and "uses" in step:
            how.add("default")
    return how


def _mentions(value: Json, connector: str) -> Iterator[JsonObject]:
    """Yield every step that calls the connector, and every trigger that listens to it."""
    waiting: list[Json] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if any(str(one.get(word, "")).startswith(f"{connector}.") for word in ("uses", "event")):
                yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
