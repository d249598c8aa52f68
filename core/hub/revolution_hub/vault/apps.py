"""The secrets of provider apps: an OAuth client's, and what tells that a delivery is the provider's.

Who changes the secret at the provider cannot change it here in the same instant: for a while both are good.
"""

from datetime import datetime

from revolution_hub.errors import HubError
from revolution_hub.model.connection import ProviderApp, Sealed
from revolution_hub.vault.grants import OAuthClient
from revolution_hub.vault.vault import INSTALLATION, Vault
from revolution_sdk import Secret
from revolution_sdk.types import JsonObject

PURPOSE = "app challenge"


def seal_app(vault: Vault, owner_tenant_id: str | None, app_id: str, client_secret: str) -> Sealed:
    """Seal the secret of a new provider app."""
    return vault.seal(owner_tenant_id or INSTALLATION, app_id, {"client_secret": client_secret})


def reseal_app(vault: Vault, app: ProviderApp, client_secret: str, until: datetime) -> Sealed:
    """Seal a new secret for an app; deliveries may be signed with the present one until then."""
    document = {
        "client_secret": client_secret,
        "previous_secret": app_secret(vault, app),
        "previous_until": until.timestamp(),
    }
    return vault.seal(app.owner_tenant_id or INSTALLATION, app.id, document, version=app.secret.version + 1)


def app_secret(vault: Vault, app: ProviderApp) -> str:
    """Open a provider app's client secret; it also signs the app's deliveries."""
    return _secret(_opened(vault, app))


def client_of(vault: Vault, app: ProviderApp) -> OAuthClient:
    """Open a provider app as the OAuth client its token endpoint knows."""
    return OAuthClient(client_id=app.client_id, client_secret=app_secret(vault, app))


def app_secrets(vault: Vault, app: ProviderApp, now: datetime) -> list[Secret]:
    """Open the secrets with which an app's deliveries may be signed now, the newest first."""
    document = _opened(vault, app)
    found = [_secret(document)]
    if document.get("previous_secret") and document["previous_until"] > now.timestamp():
        found.append(str(document["previous_secret"]))
    return [Secret(one) for one in found]


def app_token(vault: Vault, app: ProviderApp) -> Secret:
    """Return the token a provider shows when it asks whether the app's address is ours."""
    return Secret(vault.stamp(app.owner_tenant_id or INSTALLATION, PURPOSE, app.id))


def earlier_tokens(vault: Vault, app: ProviderApp) -> list[Secret]:
    """Return every token that was ever handed out: those from before a rotation stay good."""
    return [Secret(one) for one in vault.stamps(app.owner_tenant_id or INSTALLATION, PURPOSE, app.id)]


def _opened(vault: Vault, app: ProviderApp) -> JsonObject:
    return vault.open(app.owner_tenant_id or INSTALLATION, app.id, app.secret)


def _secret(document: JsonObject) -> str:
    try:
        return str(document["client_secret"])
    except KeyError as error:
        raise HubError("the provider app has no client secret", code="app_broken") from error
