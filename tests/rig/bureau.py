"""A bureau: two providers with real OAuth 2 servers, their connectors, and people who connect accounts."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2

from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection
from revolution_hub.store import connections
from revolution_sdk import ActionContext, ClientCredentials, Connector, JsonObject, JwtBearer, OAuth2
from revolution_sdk.schema import object_
from rig.browser import ORIGIN, Browser
from rig.oauth import CLIENT_ID, CLIENT_SECRET, OAuthServer

HTML = {"accept": "text/html"}


def connector(name: str, **oauth: Any) -> Connector:
    """Return the connector of a provider; its real address is nowhere, connections name a base URL."""
    host = f"https://{name}.test"
    declared = {"identity_url": f"{host}/userinfo", "revoke_url": f"{host}/revoke", **oauth}
    made = Connector(
        name,
        title=name.capitalize(),
        base_url=host,
        auth=(
            OAuth2(
                authorize_url=f"{host}/authorize",
                token_url=f"{host}/token",
                scopes=("offline",),
                **declared,
            ),
            ClientCredentials(token_url=f"{host}/token", scopes=("read",), account_field="account"),
            JwtBearer(token_url=f"{host}/token", scopes=("read",), account_field="account"),
        ),
    )

    @made.action(input=object_(), output=object_(open_=True), effect="read", scopes=("read",))
    def list_contacts(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """List the contacts."""
        found: JsonObject = ctx.http.get("/contacts").raise_for_status().json()
        return found

    @made.action(input=object_(), output=object_(open_=True), effect="repeatable", scopes=("write",))
    def change_contacts(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Change the contacts."""
        return list_contacts(ctx, value)

    return made


@dataclass(slots=True, kw_only=True)
class Bureau:
    """A town's hub with the connectors `acme` and `zeta`, each at its own server, and apps of tenant A."""

    town: Any
    acme: OAuthServer
    zeta: OAuthServer

    @property
    def hub(self) -> Hub:
        hub: Hub = self.town.hub
        return hub

    def open(self) -> None:
        """Install the connectors and register the apps."""
        owner = self.town.host(role="owner")
        for name, server in (("acme", self.acme), ("zeta", self.zeta)):
            self.hub.catalog.add(connector(name, issuer=f"https://{name}.test" if name == "zeta" else None))
            server.reset()
            server.know_redirect(f"{ORIGIN}/api/integrations/{name}/callback")
            body = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
            owner.ask("POST", f"/api/integrations/{name}/apps", body)

    def begin(self, browser: Browser, at: str = "acme", **query: Any) -> str:
        """Begin to connect an account, and return where the browser is sent."""
        base = {"base_url": self.server(at).url} if "connection" not in query else {}
        answer = self.ask(browser, f"/api/integrations/{at}/authorize?{urlencode({**base, **query})}")
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def server(self, name: str) -> OAuthServer:
        """Return a provider's server."""
        found: OAuthServer = getattr(self, name)
        return found

    def back(self, browser: Browser, location: httpx2.URL, **headers: str) -> Any:
        """Let a browser follow the provider back to the hub; the answer is not followed any further."""
        path = f"{location.path}?{location.query.decode()}"
        return self.ask(browser, path, **headers)

    def ask(self, browser: Browser, path: str, **headers: str) -> Any:
        """Get something as a browser does that is sent somewhere."""
        given = {**HTML, **{name.replace("_", "-"): text for name, text in headers.items()}}
        return browser.client.get(path, headers=given, follow_redirects=False)

    def connect(self, browser: Browser, at: str = "acme", account: str = "ada", **query: Any) -> Connection:
        """Connect an account, and return the connection."""
        location = self.server(at).agree(self.begin(browser, at, **query), account)
        answer = self.back(browser, location)
        assert answer.status_code == 303, answer.text
        return self.connection(answer.headers["location"].rpartition("/")[2])

    def connection(self, connection_id: str) -> Connection:
        """Return a connection of tenant A."""
        with self.hub.store.read("ten_a") as tx:
            return connections.get(tx, connection_id)

    def all(self) -> list[Connection]:
        """Return every connection of tenant A."""
        with self.hub.store.read("ten_a") as tx:
            ids = [one for name in ("acme", "zeta") for one in connections.ids_of(tx, name)]
            return [connections.get(tx, one) for one in ids]

    def document(self, connection: Connection) -> dict[str, Any]:
        """Return a connection's credential, opened."""
        return dict(self.hub.vault.open(connection.tenant_id, connection.id, connection.credential))


def way_out(*servers: OAuthServer, tls: Any) -> Egress:
    """Return a way out that leads to these servers."""
    allowed = frozenset(("127.0.0.1", one.port) for one in servers)
    return Egress(SharedPool(Guard(allow=allowed), tls=tls))
