"""Provider apps: those of a tenant are its own, those of the installation are everybody's."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from revolution_hub.model.connection import ProviderApp, Sealed
from revolution_hub.store import across, apps, connections
from revolution_hub.store.tx import Store

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SEALED = Sealed(blob=b"canary-b", key_id="dek_b", version=1)


def app(owner: str | None) -> ProviderApp:
    return ProviderApp(
        id="app_b",
        connector="acme",
        app_key="app-key",
        client_id="c",
        secret=SEALED,
        created_at=NOW,
        owner_tenant_id=owner,
    )


def test_an_app_of_another_tenant_is_not_there_and_one_of_the_installation_is(store: Store) -> None:
    with store.begin("ten_b") as tx:
        apps.add(tx, app("ten_b"))
        apps.add(tx, replace(app(None), id="app_all", app_key="other-key"))
    assert across.get_app(store, "app_b", "ten_b") == app("ten_b")
    assert across.get_app(store, "app_b", "ten_a") is None
    assert across.get_app(store, "app_all", "ten_a") is not None


def test_an_app_of_one_tenant_reaches_only_its_own_connections(store: Store, make: Any) -> None:
    for tenant in ("ten_a", "ten_b"):
        with store.begin(tenant) as tx:
            connections.add(tx, make.connection(tenant_id=tenant, app_id="app_b", account="acc"))
    reached = across.connections_of_account(store, app("ten_b"), {"acc"})
    assert [one.tenant_id for one in reached] == ["ten_b"]
    assert len(across.connections_of_account(store, app(None), {"acc"})) == 2
    assert across.connections_of_account(store, app(None), {"other"}) == []
    assert across.connections_of_account(store, replace(app(None), id="app_c"), {"acc"}) == []


def test_an_app_is_found_by_its_key_under_its_own_connector_only(store: Store) -> None:
    with store.begin_across() as tx:
        apps.add(tx, app(None))
    assert across.find_app_by_key(store, "acme", "app-key") == app(None)
    assert across.find_app_by_key(store, "other", "app-key") is None
    assert across.find_app_by_key(store, "acme", "app-kex") is None
