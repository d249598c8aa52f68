"""call: hand an action its context and run it. Whatever it raises comes back sorted."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from revolution_hub.errors import HubError, InputError, PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_hub.store import across
from revolution_hub.vault.tokens import TokenSource
from revolution_sdk import Action, ActionContext, Connector, NoAuth
from revolution_sdk.errors import ConnectorError, CredentialError
from revolution_sdk.types import JsonObject

LARGEST_OUTPUT = 1_048_576

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which action is called, through which connection (None if the connector needs none)."""

    connector: Connector
    action: Action
    connection: Connection | None

    @property
    def name(self) -> str:
        """`connector.action`."""
        return f"{self.connector.name}.{self.action.name}"


class PluginBug(Exception):
    """Wraps whatever a connector raised that is no ConnectorError, SystemExit and the like included."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(type(error).__name__)
        self.error = error


def call_action(hub: Hub, target: Target, value: JsonObject, key: str) -> JsonObject:
    """Run the action once and return its checked result.

    Raises ConnectorError as the action does, PluginBug for anything else it raises, PluginError
    `output_invalid` if the result breaks the action's own schema.
    """
    deadline = hub.now() + timedelta(seconds=target.action.timeout_s)
    with open_context(hub, target, key, deadline) as context:
        output = _guarded(lambda: target.action(context, deepcopy(value)))
    return checked_output(hub, target, output)


@contextmanager
def open_context(hub: Hub, target: Target, key: str, deadline: datetime) -> Iterator[ActionContext]:
    """Make the context of one call; its HTTP client is closed at the end of the block."""
    tokens = _token_source(hub, target)
    base_url = target.connection.base_url if target.connection else ""
    with hub.egress.client(target.connector, base_url, tokens, deadline, hub.now) as http:
        yield ActionContext(
            http=http,
            idempotency_key=key,
            deadline=deadline,
            now=hub.now,
            log=logging.getLogger(f"revolution.connector.{target.connector.name}"),
        )


def guarded_confirm(hub: Hub, target: Target, value: JsonObject, key: str) -> object:
    """Ask the action's `confirm`; an error it raises is returned, not raised, because it decides nothing."""
    confirm = target.action.confirm
    if confirm is None:
        raise ValueError(f"{target.name} has no confirm")
    deadline = hub.now() + timedelta(seconds=target.action.timeout_s)
    try:
        with open_context(hub, target, key, deadline) as context:
            return _guarded(lambda: confirm(context, deepcopy(value)))
    except (ConnectorError, HubError, PluginBug) as error:
        return error


def _token_source(hub: Hub, target: Target) -> TokenSource | None:
    connector, connection = target.connector, target.connection
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
    )


def _guarded(function: Callable[[], T]) -> T:
    try:
        return function()
    except (ConnectorError, HubError):
        raise
    # A worker thread receives no signals, so a KeyboardInterrupt or SystemExit here is the connector's own.
    except BaseException as error:
        raise PluginBug(error) from error


def checked_output(hub: Hub, target: Target, output: object) -> JsonObject:
    """Return a copy of what a connector returned, as plain JSON; raise PluginError `output_invalid`.

    A copy, because the connector may still hold what it returned and change it.
    """
    if not isinstance(output, dict):
        raise PluginError(f"{target.name} returned no object", code="output_invalid")
    try:
        # What comes back must be storable as it is, so it passes the same gate as a request body.
        result: JsonObject = strict_json(dump_json(output).encode(), max_bytes=LARGEST_OUTPUT)
    except (TypeError, ValueError, RecursionError, InputError) as error:
        raise PluginError(
            f"{target.name} returned something JSON cannot hold, or more than {LARGEST_OUTPUT} bytes",
            code="output_invalid",
        ) from error
    problems = hub.catalog.check_output(target.name, result)
    if problems:
        raise PluginError(
            f"{target.name} returned something its own schema refuses",
            code="output_invalid",
            details={"problems": [one.as_json() for one in problems[:10]]},
        )
    return result
