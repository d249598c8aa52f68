"""Deliveries in, executions out: verified first, kept, each happening once, each tenant its own."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.access.rbac import permissions_of
from revolution_hub.bus.receive import receive_app_delivery
from revolution_hub.errors import NotFoundError, PluginError
from revolution_hub.services import apps
from revolution_hub.services.apps import NewApp
from revolution_hub.store import connections as stored
from revolution_hub.store import tables as t
from revolution_sdk import AppWebhook, Connector, Delivery, DeliveryError, Emitted, Secret
from revolution_sdk.schema import object_

SEE = {"id": "see", "set": {"data": "{{ trigger.data }}", "type": "{{ trigger.type }}"}}


@dataclass
class Reader:
    """How the shop's deliveries are read; a test may put anything in its place."""

    parse: Any = None

    def verify(self, delivery: Delivery, secret: Secret) -> None:
        if delivery.headers.get("x-secret") != secret.reveal():
            raise DeliveryError("the signature does not match")

    def read(self, delivery: Delivery) -> list[Emitted]:
        if self.parse is not None:
            return self.parse(delivery)  # type: ignore[no-any-return]
        return [Emitted(**one) for one in json.loads(delivery.body)]


@pytest.fixture
def reader() -> Reader:
    """The shop's reader."""
    return Reader()


@pytest.fixture
def shop(bench: Any, reader: Reader) -> Any:
    """A provider app of a shop whose deliveries carry events of many accounts."""
    connector = Connector("shop", title="Shop", webhook=AppWebhook(verify=reader.verify, parse=reader.read))
    for name, canonical in (("order.paid", "crm.deal.created"), ("order.sent", "crm.deal.updated")):
        connector.event(name, title=name, data=object_(open_=True), canonical=canonical)
    bench.hub.catalog.add(connector)
    host = replace(bench.principal, role="host", permissions=permissions_of("host"))
    wanted = NewApp(client_id="c", client_secret="app-secret", shared=True)
    return apps.create_app(bench.hub, host, "shop", wanted).app


def connect(
    bench: Any, make: Any, shop: Any, account: str, *, tenant: str = "ten_a", name: str = "main"
) -> str:
    with bench.hub.store.begin(tenant) as tx:
        one = make.connection(tenant_id=tenant, connector="shop", name=name, account=account, app_id=shop.id)
        stored.add(tx, one)
    return str(one.id)


def event(account: str = "acc_1", key: str = "1", **more: Any) -> dict[str, Any]:
    return {"type": "order.paid", "account": account, "dedup_key": key, "data": {"id": 7}, **more}


def delivery(bench: Any, *events: Any, secret: str = "app-secret", body: bytes | None = None) -> Delivery:
    return Delivery(
        method="POST",
        url="https://hub.test/hooks/apps/shop/key",
        headers={"x-secret": secret, "content-type": "application/json", "authorization": "canary"},
        body=json.dumps(events).encode() if body is None else body,
        received_at=bench.clock.now,
    )


def receive(bench: Any, shop: Any, *events: Any, **more: Any) -> Any:
    return receive_app_delivery(bench.hub, "shop", shop.app_key, delivery(bench, *events, **more))


def test_an_event_starts_what_listens_for_it_by_either_name(bench: Any, make: Any, shop: Any) -> None:
    connection_id = connect(bench, make, shop, "acc_1")
    bench.publish(SEE, on=[{"event": "shop.order.paid"}])
    bench.publish(SEE, on=[{"event": "crm.deal.created"}])
    bench.publish(SEE, on=[{"event": "shop.order.sent"}])
    received = receive(bench, shop, event())
    bench.work()
    assert (received.events, received.new, len(received.execution_ids)) == (1, 1, 2)
    for one in received.execution_ids:
        seen = bench.look(one)
        assert seen.steps["see"].output == {"data": {"id": 7}, "type": "shop.order.paid"}
        assert seen.execution.trigger["connection_id"] == connection_id


def test_every_event_of_a_delivery_reaches_the_tenants_of_its_account_only(
    bench: Any, make: Any, shop: Any
) -> None:
    connect(bench, make, shop, "acc_1")
    connect(bench, make, shop, "acc_2", tenant="ten_b")
    foreign = replace(bench, principal=replace(bench.principal, tenant_id="ten_b"))
    bench.publish(SEE, on=[{"event": "shop.order.paid"}])
    foreign.publish(SEE, on=[{"event": "shop.order.paid"}])
    received = receive(bench, shop, event("acc_1"), event("acc_2"), event("acc_3"))
    assert (received.events, len(received.execution_ids)) == (2, 2)
    with bench.hub.store.read_across() as tx:
        rows = tx.conn.execute(
            sa.select(t.executions.c.tenant_id, t.events.c.account).join_from(
                t.executions, t.events, t.executions.c.event_id == t.events.c.id
            )
        ).all()
    assert sorted(map(tuple, rows)) == [("ten_a", "acc_1"), ("ten_b", "acc_2")]


def test_two_tenants_of_one_account_each_get_their_own_event(bench: Any, make: Any, shop: Any) -> None:
    for tenant in ("ten_a", "ten_b"):
        connect(bench, make, shop, "acc_1", tenant=tenant)
    assert receive(bench, shop, event()).new == 2
    assert bench.counts() == [1, 0, 2, 0]


def test_a_tenant_with_two_connections_to_one_account_gets_an_event_once(
    bench: Any, make: Any, shop: Any
) -> None:
    first = connect(bench, make, shop, "acc_1", name="b")
    second = connect(bench, make, shop, "acc_1", name="a")
    bench.publish(SEE, on=[{"event": "shop.order.paid"}])
    received = receive(bench, shop, event())
    assert len(received.execution_ids) == 1
    trigger = bench.look(received.execution_ids[0]).execution.trigger
    assert trigger["connection_id"] == min(first, second)


@pytest.mark.parametrize("named", ["main", "other"])
def test_a_trigger_may_ask_for_the_events_of_one_connection(
    named: str, bench: Any, make: Any, shop: Any
) -> None:
    connect(bench, make, shop, "acc_1", name="main")
    connect(bench, make, shop, "acc_2", name="other")
    bench.publish(SEE, on=[{"event": "shop.order.paid", "connection": named}])
    started = receive(
        bench, shop, event("acc_1", data={"of": "main"}), event("acc_2", "2", data={"of": "other"})
    )
    bench.work()
    (only,) = started.execution_ids
    assert bench.look(only).steps["see"].output["data"] == {"of": named}


def test_a_connection_of_the_same_name_at_another_connector_is_not_confused_with_it(
    bench: Any, make: Any, shop: Any
) -> None:
    connect(bench, make, shop, "acc_1", name="main")
    bench.connect("main")
    bench.publish(SEE, on=[{"event": "shop.order.paid", "connection": "main"}])
    assert len(receive(bench, shop, event()).execution_ids) == 1


def test_a_neutral_trigger_takes_the_named_connection_of_every_connector(
    bench: Any, make: Any, shop: Any
) -> None:
    twin = Connector("twin", title="Twin")
    twin.event("order.paid", title="Paid", data=object_(open_=True), canonical="crm.deal.created")
    bench.hub.catalog.add(twin)
    mine = connect(bench, make, shop, "acc_1", name="main")
    with bench.hub.store.begin("ten_a") as tx:
        stored.add(tx, make.connection(id="con_twin", connector="twin", name="main"))
    workflow = bench.publish(SEE, on=[{"event": "crm.deal.created", "connection": "main"}]).workflow
    with bench.hub.store.read("ten_a") as tx:
        rows = tx.conn.execute(
            sa.select(t.listeners).where(t.listeners.c.workflow_id == workflow.id)
        ).mappings()
        assert {row["connection_id"] for row in rows} == {mine, "con_twin"}
    assert len(receive(bench, shop, event()).execution_ids) == 1


def test_a_delivery_is_kept_raw_without_its_secrets(bench: Any, make: Any, shop: Any) -> None:
    connect(bench, make, shop, "acc_1")
    raw = b'[ {"type":"order.paid","account":"acc_1", "dedup_key":"1","data":{}} ]'
    receive(bench, shop, body=raw)
    with bench.hub.store.read_across() as tx:
        row = tx.conn.execute(sa.select(t.app_deliveries)).mappings().one()
    assert row["body"] == raw
    assert row["headers"] == {"content-type": "application/json"}


def test_the_same_happening_reported_again_starts_nothing_new(bench: Any, make: Any, shop: Any) -> None:
    connect(bench, make, shop, "acc_1")
    bench.publish(SEE, on=[{"event": "shop.order.paid"}])
    receive(bench, shop, event(), event())
    again = receive(bench, shop, event(), event(key="2"))
    assert (again.events, again.new) == (2, 1)
    assert bench.counts()[2:] == [2, 2]


def test_fifty_posts_of_one_delivery_at_once_start_one_execution(bench: Any, make: Any, shop: Any) -> None:
    connect(bench, make, shop, "acc_1")
    bench.publish(SEE, on=[{"event": "shop.order.paid"}])
    barrier = Barrier(10)

    def post(_: int) -> int:
        barrier.wait(10)
        return sum(receive(bench, shop, event()).new for _ in range(5))

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(post, range(10))) == 1
    # Every one of them is there to be seen, and all but one report what is known.
    assert bench.counts() == [50, 0, 1, 1]
    with bench.hub.store.read_across() as tx:
        marks = tx.conn.execute(sa.select(t.app_deliveries.c.mark)).scalars().all()
        assert sorted(map(str, marks)) == ["None", *["duplicate"] * 49]
        assert len(tx.conn.execute(sa.select(t.duplicates)).all()) == 49


def test_a_delivery_that_is_not_genuine_leaves_nothing(bench: Any, make: Any, shop: Any) -> None:
    connect(bench, make, shop, "acc_1")
    with pytest.raises(DeliveryError):
        receive(bench, shop, event(), secret="guess")
    assert bench.counts() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("connector", "key"), [("shop", "guess"), ("lab", None), ("none", None), ("", None), ("shop", "")]
)
def test_an_unknown_address_is_not_there(connector: str, key: str | None, bench: Any, shop: Any) -> None:
    with pytest.raises(NotFoundError):
        receive_app_delivery(bench.hub, connector, shop.app_key if key is None else key, delivery(bench))


def raising(error: BaseException) -> Any:
    def parse(_: Delivery) -> Any:
        raise error

    return parse


BROKEN = {
    "error": raising(KeyError("x")),
    "exit": raising(SystemExit(1)),
    "interrupt": raising(KeyboardInterrupt()),
    "none": lambda _: None,
    "odd members": lambda _: [7],
    "not JSON": lambda _: [Emitted(type="order.paid", account="acc_1", dedup_key="1", data={"a": object()})],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_connector_that_cannot_read_a_delivery_lets_nothing_through(
    name: str, bench: Any, make: Any, shop: Any, reader: Reader
) -> None:
    connect(bench, make, shop, "acc_1")
    reader.parse = BROKEN[name]
    with pytest.raises(PluginError):
        receive(bench, shop, event())
    assert bench.counts() == [0, 0, 0, 0]


def assert_kept_unread(bench: Any) -> None:
    assert bench.counts() == [1, 0, 0, 0]
    with bench.hub.store.read_across() as tx:
        row = tx.conn.execute(sa.select(t.app_deliveries)).mappings().one()
    assert (row["mark"], row["problem"]) == ("unparseable", "the delivery holds what JSON cannot")


@pytest.mark.parametrize("data", [{"a": float("nan")}, {"a": "\ud800"}, {"a": "\0"}, {"a": 2**70}])
def test_what_json_cannot_hold_is_unreadable(data: Any, bench: Any, make: Any, shop: Any) -> None:
    connect(bench, make, shop, "acc_1")
    assert receive(bench, shop, event(data=data)).events == 0
    assert_kept_unread(bench)


@pytest.mark.parametrize("odd", ["a\0b", "\ud800"])
@pytest.mark.parametrize("member", ["account", "dedup_key"])
def test_a_key_that_no_database_can_hold_is_unreadable(
    member: str, odd: str, bench: Any, make: Any, shop: Any
) -> None:
    connect(bench, make, shop, "acc_1")
    assert receive(bench, shop, event() | {member: odd}).events == 0
    assert_kept_unread(bench)


def test_a_genuine_delivery_nobody_waits_for_is_kept_all_the_same(bench: Any, shop: Any) -> None:
    received = receive(bench, shop, event("acc_unknown"))
    assert (received.events, received.execution_ids) == (0, ())
    assert bench.counts() == [1, 0, 0, 0]


def test_kinds_the_connector_does_not_report_are_left_out(bench: Any, make: Any, shop: Any) -> None:
    connect(bench, make, shop, "acc_1")
    assert receive(bench, shop, event(type="order.eaten"), event()).events == 1
