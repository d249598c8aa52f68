"""openly: what is handed to a connector that does not speak HTTP, and only to one that declares it."""

from revolution_hub.errors import PluginError
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_sdk import Connector, CredentialError, RetryableError, Secret


def give_secret(hub: Hub, connector: Connector, connection: Connection | None, field: str) -> Secret:
    """Return a member of the connection's credential that the connector declares in its `secrets`."""
    if field not in connector.secrets:
        raise PluginError(
            f"the connector {connector.name} does not name {str(field)[:80]!r} among its `secrets`",
            code="secret_not_declared",
        )
    if connection is None:
        raise CredentialError(f"no {connector.name} connection is set up", code="connection_missing")
    document = hub.vault.open(connection.tenant_id, connection.id, connection.credential)
    if field not in document:
        raise CredentialError(f"the credential has no {field!r}", code="credential_incomplete")
    return Secret(str(document[field]))


def give_address(hub: Hub, connector: Connector, host: str, port: int) -> str:
    """Return the address to connect to for a host; raises RejectedError `address_blocked` as for HTTP."""
    if not connector.addresses:
        raise PluginError(
            f"the connector {connector.name} does not declare `addresses=True`", code="address_not_declared"
        )
    try:
        return hub.egress.guard.check(host, port)[0]
    except OSError as error:
        raise RetryableError("the host cannot be reached", code="unreachable") from error
