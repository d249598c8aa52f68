"""A shop whose provider app delivers events of many accounts, and what arrives there."""

import json
from dataclasses import dataclass, replace
from typing import Any

from revolution_hub.access.rbac import permissions_of
from revolution_hub.bus.receive import receive_app_delivery
from revolution_hub.model.connection import ProviderApp
from revolution_hub.model.principal import Principal
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.services import apps
from revolution_hub.services.apps import NewApp
from revolution_hub.store import connections
from revolution_sdk import AppWebhook, Connector, Delivery, DeliveryError, Emitted, Secret
from revolution_sdk.schema import object_
from revolution_sdk.webhooks import meta_challenge

SECRET = "app-secret"
SEE = {"id": "see", "set": {"data": "{{ trigger.data }}", "type": "{{ trigger.type }}"}}
PAID = [{"event": "shop.order.paid"}]


def _verify(delivery: Delivery, secret: Secret) -> None:
    if delivery.headers.get("x-secret") != secret.reveal():
        raise DeliveryError("the signature does not match")


def _parse(delivery: Delivery) -> list[Emitted]:
    try:
        return [Emitted(**one) for one in json.loads(delivery.body)]
    except ValueError as error:
        raise DeliveryError("the delivery is not JSON", code="unreadable") from error


def shop_connector() -> Connector:
    """Return a shop's connector: two events, one of them with a neutral name."""
    webhook = AppWebhook(verify=_verify, parse=_parse, challenge=meta_challenge)
    made = Connector("shop", title="Shop", webhook=webhook)
    made.event("order.paid", title="Paid", data=object_(open_=True), canonical="crm.deal.created")
    made.event("order.sent", title="Sent", data=object_(open_=True))
    return made


def order(account: str = "acc_1", key: str = "1", **more: Any) -> dict[str, Any]:
    """Return an event as the shop reports it."""
    return {"type": "order.paid", "account": account, "dedup_key": key, "data": {"id": 7}, **more}


@dataclass(slots=True, kw_only=True)
class Shop:
    """A provider app of the shop, asked and delivered to in one bench."""

    bench: Any
    make: Any
    app: ProviderApp

    def connect(
        self,
        account: str = "acc_1",
        *,
        tenant: str = "ten_a",
        name: str = "main",
        status: ConnectionStatus = ConnectionStatus.CONNECTED,
    ) -> str:
        """Connect a tenant to an account; returns the connection's id."""
        made = self.make.connection(
            tenant_id=tenant,
            connector="shop",
            name=name,
            account=account,
            app_id=self.app.id,
            status=status,
        )
        with self.bench.hub.store.begin(tenant) as tx:
            connections.add(tx, made)
        return str(made.id)

    def set_status(self, connection_id: str, status: ConnectionStatus, tenant: str = "ten_a") -> None:
        """Say how a connection stands, as the hub does when a provider refuses it."""
        with self.bench.hub.store.begin(tenant) as tx:
            known = connections.get(tx, connection_id)
            assert connections.set_status(tx, known, status, "said so", self.bench.clock.now)

    def deliver(
        self,
        *events: Any,
        secret: str = SECRET,
        body: bytes | None = None,
        method: str = "POST",
        query: str = "",
    ) -> Any:
        """Let the shop deliver events, or ask; returns what the hub made of it."""
        delivery = Delivery(
            method=method,
            url=f"https://hub.test/hooks/apps/shop/{self.app.app_key}{query}",
            headers={"x-secret": secret, "content-type": "application/json", "authorization": "canary"},
            body=json.dumps(events).encode() if body is None else body,
            received_at=self.bench.clock.now,
        )
        return receive_app_delivery(self.bench.hub, "shop", self.app.app_key, delivery)


def open_shop(bench: Any, make: Any, *, shared: bool = False, tenant: str = "ten_a") -> Shop:
    """Install the shop if it is not there, and register an app of a tenant or of the installation."""
    if bench.hub.catalog.find_connector("shop") is None:
        bench.hub.catalog.add(shop_connector())
    role = "host" if shared else "owner"
    held = permissions_of(role)
    principal: Principal = replace(bench.principal, role=role, permissions=held, tenant_id=tenant)
    wanted = NewApp(client_id="c", client_secret=SECRET, shared=shared)
    return Shop(bench=bench, make=make, app=apps.create_app(bench.hub, principal, "shop", wanted).app)
