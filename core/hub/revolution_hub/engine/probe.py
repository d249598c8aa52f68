"""probe: whether a connection works, found out without any execution.

A refusal marks the connection as it would during an execution. Whatever else goes wrong changes nothing but
what people are shown as the last problem.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from revolution_hub.engine import settle
from revolution_hub.engine.call import NotHere, PluginBug, guarded, open_context, storable, token_source
from revolution_hub.engine.refused import mark_refused
from revolution_hub.errors import HubError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_hub.model.integration import config_of
from revolution_hub.store import integrations
from revolution_hub.store.errors import StoreError
from revolution_hub.vault.grants import names_base_url, wire_headers
from revolution_sdk import Connector
from revolution_sdk.auth import Auth
from revolution_sdk.errors import ConnectorError, CredentialError
from revolution_sdk.types import JsonObject

LIMIT_S = 30.0
"""So long a probe takes at most, if the connector's code keeps to its deadline."""
LONGEST_PROBLEM = 500

_log = logging.getLogger("revolution.connections")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Through what a connector's check is run."""

    connector: Connector
    connection: Connection
    config: JsonObject = field(default_factory=dict)


class NotKept:
    """Puts a credential onto the wire that is tried before it is kept. There is nothing to renew yet."""

    def __init__(self, auth: Auth, document: JsonObject, base_url: str) -> None:
        self._auth = auth
        self._document = document
        self._base_url = base_url

    def base_url(self) -> str:
        """Return what stands in for the provider's address."""
        said = self._document.get("base_url") if names_base_url(self._auth) else None
        return str(said or self._base_url)

    def headers(self) -> Mapping[str, str]:
        """Return the headers that authenticate a request."""
        return wire_headers(self._auth, self._document)

    def refresh(self) -> bool:
        """Return that there is no other credential to try."""
        return False


def check(
    hub: Hub, connector: Connector, connection: Connection, *, authorize: NotKept | None = None
) -> JsonObject:
    """Make the connector's one harmless request, if it declares one, and return what it found.

    Raises whatever the request does; CredentialError if the provider refuses the credential.
    """
    function = connector.checked_by
    if function is None:
        return {}
    with hub.store.read(connection.tenant_id) as tx:
        state = integrations.find(tx, connector.name)
    config = config_of(connector.settings, state.settings)
    place = Checked(connector=connector, connection=connection, config=config)
    deadline = hub.now() + timedelta(seconds=LIMIT_S)
    nothing = NotHere("a check only looks")
    key = f"{connection.id}.check"
    with open_context(hub, place, key, deadline, nothing, authorize=authorize) as context:
        found = guarded(lambda: function(context))
    if found is None:
        return {}
    kept: JsonObject = storable(hub, found, f"what {connector.name} found", "output_invalid")
    return kept


def probe(hub: Hub, connector: Connector, connection: Connection) -> str | None:
    """Look whether a connection works, and return what went wrong although nobody refused anything.

    Without a check of the connector's own the authorization is renewed, which a revoked one is not.
    """
    try:
        if connector.checked_by is not None:
            check(hub, connector, connection)
        else:
            source = token_source(hub, connector, connection)
            if source is not None:
                source.refresh()
    except StoreError:
        raise
    except CredentialError as error:
        mark_refused(hub, connection, str(settle.describe(error)["message"]))
        return None
    except (ConnectorError, HubError, PluginBug) as error:
        cause = error.error if isinstance(error, PluginBug) else error
        _log.info("the connection %s could not be probed: %s", connection.id, type(cause).__name__)
        return str(settle.describe(cause)["message"])[:LONGEST_PROBLEM]
    return None
