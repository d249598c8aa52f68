"""call: hand an action its context and run it. Whatever it raises comes back sorted."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from revolution_hub.egress.transport import Authorize
from revolution_hub.engine.limits import require_payload
from revolution_hub.engine.masked import Capabilities, Heard, Masked, hearing, masking
from revolution_hub.engine.metered import metering
from revolution_hub.engine.openly import give_address, give_secret
from revolution_hub.engine.refused import mark_refused
from revolution_hub.errors import HubError, InputError, LimitError, PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_hub.model.masking import masked
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_hub.store import across
from revolution_hub.store.uses import Uses
from revolution_hub.vault.grants import auth_for
from revolution_hub.vault.identity import ids_of
from revolution_hub.vault.tokens import TokenSource
from revolution_sdk import Action, ActionContext, Bearer, Connector, NoAuth
from revolution_sdk.errors import ConnectorError, CredentialError, RejectedError
from revolution_sdk.types import Json, JsonObject

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which action is called, through which connection (None if the connector needs none).

    `config` are the tenant's settings for the connector.
    """

    connector: Connector
    action: Action
    connection: Connection | None
    config: JsonObject = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`connector.action`."""
        return f"{self.connector.name}.{self.action.name}"

    @property
    def critical(self) -> bool:
        """Whether its connector says that somebody has to agree to every call."""
        return self.action.critical


class Place(Protocol):
    """Through what a connector's code is run, be it an action or a poll."""

    @property
    def connector(self) -> Connector:
        """The connector."""

    @property
    def connection(self) -> Connection | None:
        """The connection, None if the connector needs none."""

    @property
    def config(self) -> JsonObject:
        """The tenant's settings for the connector."""


class Placed(Authorize, Protocol):
    """What puts authentication on the wire, and knows where to."""

    def base_url(self) -> str:
        """Return what stands in for the provider's address, empty for that itself."""


class NotHere:
    """Refuses all: a look-up changes nothing, so it has no sub-steps and reports nothing itself."""

    def __init__(self, because: str) -> None:
        self._because = because

    def call(self, action: str, value: JsonObject, *, name: str = "", connection: str = "") -> Json:
        """Raise PluginError."""
        raise self._not_here("call")

    def record(self, name: str, make: Callable[[], Json]) -> Json:
        """Raise PluginError."""
        raise self._not_here("record")

    def emit(self, type: str, data: JsonObject, *, key: str = "") -> None:
        """Raise PluginError."""
        raise self._not_here("emit")

    def _not_here(self, word: str) -> PluginError:
        return PluginError(f"{self._because}: do without ctx.{word} in it", code="not_reentrant")


class PluginBug(Exception):
    """Wraps whatever a connector raised that is no ConnectorError, SystemExit and the like included."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(type(error).__name__)
        self.error = error


def call_action(
    hub: Hub, target: Target, value: JsonObject, key: str, timeout_s: float, *, capabilities: Capabilities
) -> JsonObject:
    """Run the action once, for at most so many seconds, and return its checked result.

    Raises ConnectorError as the action does, PluginBug for anything else it raises, PluginError
    `output_invalid` if the result breaks the action's own schema and `limit_exceeded` if it is too large.
    """
    require_scopes(target.connection, target.action.scopes)
    now = hub.now()
    if target.connection is not None:
        hub.store.companion(Uses).note_connection(target.connection, now)
    with open_context(hub, target, key, now + timedelta(seconds=timeout_s), capabilities) as context:
        output = guarded(lambda: target.action(context, deepcopy(value)))
        return masked(checked_output(hub, target, output))


def require_scopes(connection: Connection | None, scopes: Iterable[str]) -> None:
    """Raise RejectedError if the provider is known not to have granted what is needed.

    It says nothing against the connection, through which everything else goes on.
    """
    if connection is None or connection.scopes is None:
        return
    missing = sorted(set(scopes) - set(connection.scopes))
    if missing:
        told = (
            f"the connection {connection.name!r} was not granted {', '.join(missing)}: authorize it again, at"
            f" /api/integrations/{connection.connector}/authorize?connection={connection.id}"
        )
        raise RejectedError(told, code="scope_missing", details={"missing": list(missing)})


@contextmanager
def open_context(
    hub: Hub,
    place: Place,
    key: str,
    deadline: datetime,
    capabilities: Capabilities,
    *,
    authorize: Placed | None = None,
) -> Iterator[ActionContext]:
    """Make the context of one call; its HTTP client is closed at the end of the block.

    `authorize` is for a connection that is not kept yet, whose credential nobody else could put on the wire.

    What is kept of the call goes through `masked` within the block. Errors that leave it are masked already.
    """
    connector, connection = place.connector, place.connection
    tokens = authorize or token_source(hub, connector, connection)
    base_url = tokens.base_url() if tokens else ""
    with (
        masking() as masker,
        metering(hub, connection) as usage,
        hub.egress.client(
            connector, base_url, Heard(tokens, masker) if tokens else None, deadline, hub.now
        ) as http,
    ):
        kept = Masked(capabilities, masker)
        yield ActionContext(
            http=http,
            idempotency_key=key,
            deadline=deadline,
            now=hub.now,
            config=deepcopy(place.config),
            log=logging.getLogger(f"revolution.connector.{connector.name}"),
            call=kept.call,
            record=kept.record,
            emit=kept.emit,
            usage=usage,
            secret=hearing(masker, partial(give_secret, hub, connector, connection)),
            address=partial(give_address, hub, connector),
            account=_ids(hub, connector, connection),
        )


def _ids(hub: Hub, connector: Connector, connection: Connection | None) -> JsonObject:
    """Return the ids of the connection's account, where a credential of this connector names some."""
    if connection is None or not any(isinstance(one, Bearer) and one.account for one in connector.auths):
        return {}
    document = hub.vault.open(connection.tenant_id, connection.id, connection.credential)
    return ids_of(auth_for(connector, connection), document)


def guarded_confirm(hub: Hub, target: Target, value: JsonObject, key: str, timeout_s: float) -> object:
    """Ask the action's `confirm`; an error it raises is returned, not raised, because it decides nothing."""
    confirm = target.action.confirm
    if confirm is None:
        raise ValueError(f"{target.name} has no confirm")
    deadline = hub.now() + timedelta(seconds=timeout_s)
    try:
        with open_context(hub, target, key, deadline, NotHere("confirm only looks up")) as context:
            answer = guarded(lambda: confirm(context, deepcopy(value)))
            return masked(answer) if isinstance(answer, dict) else answer
    except (ConnectorError, HubError, PluginBug) as error:
        return error


def token_source(hub: Hub, connector: Connector, connection: Connection | None) -> TokenSource | None:
    """Return what authenticates requests through a connection; None if the connector needs none.

    Raises CredentialError if there is none, or none that works.
    """
    if connection is None:
        if not isinstance(connector.auth, NoAuth):
            raise CredentialError(f"no {connector.name} connection is set up", code="connection_missing")
        return None
    if connection.status is not ConnectionStatus.CONNECTED:
        raise CredentialError(
            f"the connection {connection.name!r} is {connection.status}",
            code=f"connection_{connection.status}",
        )
    app = across.get_app(hub.store, connection.app_id, connection.tenant_id) if connection.app_id else None
    return TokenSource(
        store=hub.store,
        vault=hub.vault,
        now=hub.now,
        connector=connector,
        connection=connection,
        app=app,
        open_client=lambda: hub.egress.token_client(connector, connection.base_url),
        refused=partial(mark_refused, hub, this_very=True),
    )


def guarded(function: Callable[[], T]) -> T:
    """Run a connector's code; an error of its own becomes a PluginBug."""
    try:
        return function()
    except (ConnectorError, HubError):
        raise
    # A worker thread receives no signals, so a KeyboardInterrupt or SystemExit here is the connector's own.
    except BaseException as error:
        raise PluginBug(error) from error


def checked_output(hub: Hub, target: Target, output: object) -> JsonObject:
    """Return a copy of what an action returned; raise PluginError if that is no result of it."""
    if not isinstance(output, dict):
        raise PluginError(f"{target.name} returned no object", code="output_invalid")
    result: JsonObject = storable(hub, output, f"the result of {target.name}", "output_invalid")
    problems = hub.catalog.check_output(target.name, result)
    if problems:
        raise PluginError(
            f"{target.name} returned something its own schema refuses",
            code="output_invalid",
            details={"problems": [one.as_json() for one in problems[:10]]},
        )
    return result


def storable(hub: Hub, value: object, what: str, code: str) -> Json:
    """Return a copy of what a connector hands over, as plain JSON; raise PluginError if it cannot be kept.

    A copy, because the connector may still hold it and change it.
    """
    try:
        # It must be storable as it is, so it passes the same gate as a request body.
        raw = dump_json(value).encode()
        require_payload(hub.settings, len(raw), what)
        return strict_json(raw, max_bytes=len(raw))
    except LimitError as error:
        # Unlike other limits it is met behind a call, so that a `once` action is looked up or asked about.
        raise PluginError(error.message, code=error.code, details=error.details) from error
    except (TypeError, ValueError, RecursionError, InputError) as error:
        raise PluginError(f"{what} is nothing JSON can hold", code=code) from error
