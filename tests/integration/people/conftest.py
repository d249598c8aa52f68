"""A hub in this process, two tenants, people in them, and browsers over https."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rig.asking import Asker, asker
from rig.browser import ORIGIN, PASSWORD, Browser
from rig.bureau import Bureau, way_out
from rig.oauth import OAuthServer, start_oauth_server
from starlette.types import ASGIApp

from revolution_hub.api.app import make_api
from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.hub import Hub
from revolution_hub.settings import Settings
from revolution_hub.store import tables as t
from revolution_hub.store import tenants
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault

CHEAP = {"password_memory_kib": 8_192, "password_rounds": 1}
OFTEN = {"logins_per_minute": 100_000, "entries_per_minute": 100_000, "requests_per_minute": 1_000_000}


@dataclass(slots=True, kw_only=True)
class Town:
    """A hub, its API, and what tests do to both."""

    hub: Hub
    api: ASGIApp
    opened: list[TestClient]

    def browser(self) -> Browser:
        """Return a new browser without any cookie."""
        client = TestClient(self.api, base_url=ORIGIN, raise_server_exceptions=False)
        self.opened.append(client)
        return Browser(client=client)

    def host(self, tenant_id: str = "ten_a", role: str = "host") -> Asker:
        """Return the API asked with a key of the tenant's own."""
        client = TestClient(self.api, base_url=ORIGIN, raise_server_exceptions=False)
        self.opened.append(client)
        return asker(self.hub, client, role, tenant_id)

    def person(self, email: str, role: str = "owner", tenant_id: str = "ten_a") -> Browser:
        """Invite somebody who is new, and return the browser in which the invitation was accepted."""
        made = self.host(tenant_id).ask("POST", "/api/invitations", {"email": email, "role": role})
        browser = self.browser()
        body = {"token": made["token"], "name": email.partition("@")[0], "password": PASSWORD}
        browser.ask("POST", "/api/invitations/accept", body)
        return browser

    def id_of(self, browser: Browser) -> str:
        """Return who is signed in in a browser."""
        return str(browser.ask("GET", "/api/session")["user"]["id"])

    def actions(self, tenant_id: str = "ten_a") -> list[str]:
        """Return what the tenant's audit log says was done, the oldest first."""
        table = t.audit_entries
        with self.hub.store.read(tenant_id) as tx:
            query = table.select().where(table.c.tenant_id == tenant_id).order_by(table.c.number)
            return [row["action"] for row in tx.conn.execute(query).mappings()]

    def with_settings(self, **settings: Any) -> "Town":
        """Return the same hub with other settings, as another API process."""
        hub = replace(self.hub, settings=replace(self.hub.settings, **settings))
        return Town(hub=hub, api=make_api(hub), opened=self.opened)


@pytest.fixture
def town(store: Store, clock: Callable[..., Any]) -> Iterator[Town]:
    """A hub with the tenants A and B, and nobody in them."""
    with store.begin_across() as tx:
        for tenant_id in ("ten_a", "ten_b"):
            tenants.add_tenant(tx, tenant_id, f"Team {tenant_id[-1].upper()}", clock())
    with SharedPool(Guard(), tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as pool:
        hub = Hub(
            settings=Settings(public_url=ORIGIN, **CHEAP, **OFTEN),
            store=store,
            vault=Vault(MasterKey(bytes(range(100, 132))), store, clock),
            catalog=Catalog(),
            egress=Egress(pool),
            wake=lambda: None,
            now=clock,
            process="api_1",
        )
        made = Town(hub=hub, api=make_api(hub), opened=[])
        yield made
        for client in made.opened:
            client.close()


@pytest.fixture(scope="session")
def oauth_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OAuthServer, OAuthServer]]:
    """Two providers' OAuth 2 servers."""
    folder = tmp_path_factory.mktemp("oauth")
    first, second = start_oauth_server(folder), start_oauth_server(folder)
    yield first, second
    for one in (first, second):
        one.stop()


@pytest.fixture
def bureau(town: Town, oauth_servers: tuple[OAuthServer, OAuthServer]) -> Iterator[Bureau]:
    """A hub at which accounts of two providers can be connected."""
    out = way_out(*oauth_servers, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    hub = replace(town.hub, egress=out)
    made = Bureau(
        town=Town(hub=hub, api=make_api(hub), opened=town.opened),
        acme=oauth_servers[0],
        zeta=oauth_servers[1],
    )
    made.open()
    yield made
    out.close()
