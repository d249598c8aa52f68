"""Provider apps: one address for all events of an app, whose they are, and whose they never become."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from rig.shop import PAID, SEE, Shop, open_shop, order

from revolution_hub.access.rbac import permissions_of
from revolution_hub.bus.receive import Answered
from revolution_hub.engine.recover import sweep
from revolution_hub.errors import AccessError, NotFoundError
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.services import apps, connections, events, versions
from revolution_hub.store import tables as t
from revolution_hub.store.events import EventFilter
from revolution_hub.store.paging import Page
from revolution_hub.vault.apps import app_token
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import INSTALLATION, Vault
from revolution_sdk import DeliveryError

NEEDS_REAUTH = ConnectionStatus.NEEDS_REAUTH


@pytest.fixture
def shop(bench: Any, make: Any) -> Shop:
    """An app of the bench's tenant."""
    return open_shop(bench, make)


def as_tenant(bench: Any, tenant: str, role: str = "owner") -> Any:
    principal = replace(bench.principal, tenant_id=tenant, role=role, permissions=permissions_of(role))
    return replace(bench, principal=principal)


def logged(bench: Any, **wanted: Any) -> list[Any]:
    found, _ = events.list_events(bench.hub, bench.principal, Page(), EventFilter(**wanted))
    return found


def statuses(bench: Any, tenant: str = "ten_a") -> list[tuple[str, str | None]]:
    table = t.executions
    query = sa.select(table.c.status, table.c.wait_reason).where(table.c.tenant_id == tenant)
    with bench.hub.store.read_across() as tx:
        return [(row[0], row[1]) for row in tx.conn.execute(query.order_by(table.c.id))]


def test_an_event_starts_every_workflow_that_listens_in_every_tenant_of_the_account(
    bench: Any, make: Any
) -> None:
    shop = open_shop(bench, make, shared=True)
    shop.connect("acc_1")
    shop.connect("acc_1", tenant="ten_b")
    for one in (bench, as_tenant(bench, "ten_b")):
        for _ in range(3):
            one.publish(SEE, on=PAID)
    assert len(shop.deliver(order()).execution_ids) == 6


def test_a_workflow_that_begins_or_stops_to_listen_takes_nothing_from_the_others(
    bench: Any, shop: Shop
) -> None:
    # Given two workflows that listen to the same events of the same account
    shop.connect()
    kept = bench.publish(SEE, on=PAID).workflow
    other = bench.publish(SEE, on=PAID).workflow
    assert len(shop.deliver(order(key="1")).execution_ids) == 2
    # When one of them stops, and a third one begins
    versions.unpublish_workflow(bench.hub, bench.principal, other.id)
    third = bench.publish(SEE, on=PAID).workflow
    # Then the first one is started as before
    (event, *_) = logged(bench) if shop.deliver(order(key="2")) else ()
    assert {one.workflow_id for one in event.started} == {kept.id, third.id}


def test_two_tenants_with_apps_of_their_own_never_get_each_others_events(bench: Any, make: Any) -> None:
    mine, theirs = open_shop(bench, make), open_shop(bench, make, tenant="ten_b")
    mine.connect("acc_1")
    theirs.connect("acc_1", tenant="ten_b")
    foreign = as_tenant(bench, "ten_b")
    for one in (bench, foreign):
        one.publish(SEE, on=PAID)
    mine.deliver(order())
    assert (len(logged(bench)), len(logged(foreign))) == (1, 0)
    assert (len(statuses(bench)), len(statuses(bench, "ten_b"))) == (1, 0)


def test_an_event_of_an_account_nobody_is_connected_to_is_kept_for_the_owner_of_the_app(
    bench: Any, shop: Shop
) -> None:
    bench.publish(SEE, on=PAID)
    received = shop.deliver(order("acc_unknown"))
    (one,) = logged(bench, outcome="no_connection")
    assert (one.event.account, one.event.connection_id, one.started) == ("acc_unknown", None, [])
    detail = events.get_delivery(bench.hub, bench.principal, received.delivery_id)
    assert detail.delivery.problem == "nobody is connected to these accounts: acc_unknown"
    foreign = as_tenant(bench, "ten_b")
    assert logged(foreign) == []
    with pytest.raises(NotFoundError):
        events.get_delivery(foreign.hub, foreign.principal, received.delivery_id)


def test_of_an_app_of_the_installation_only_who_runs_that_sees_deliveries_nobody_is_connected_for(
    bench: Any, make: Any
) -> None:
    shop = open_shop(bench, make, shared=True)
    shop.connect("acc_2", tenant="ten_b")
    received = shop.deliver(order("acc_unknown"), order("acc_2"))
    host = as_tenant(bench, "ten_a", "host")
    delivery = events.get_delivery(host.hub, host.principal, received.delivery_id).delivery
    assert delivery.problem == "nobody is connected to these accounts: acc_unknown"
    # Whoever got an event out of it is not shown what else came with it.
    foreign = as_tenant(bench, "ten_b")
    (one,) = logged(foreign)
    assert events.get_event(foreign.hub, foreign.principal, one.event.id).delivery is None
    for read in (events.get_delivery, events.read_body):
        with pytest.raises(NotFoundError):
            read(foreign.hub, foreign.principal, received.delivery_id)
    assert events.list_deliveries(foreign.hub, foreign.principal, Page())[0] == []
    assert logged(host) == []
    # Nor is what could not be read.
    shop.deliver(body=b"{")
    letters = [
        len(events.list_dead_letters(bench.hub, one.principal, Page())[0])
        for one in (host, as_tenant(bench, "ten_a"), foreign)
    ]
    assert letters == [1, 0, 0]


def test_a_delivery_in_which_there_is_nothing_for_anybody_is_kept_with_a_mark(bench: Any, shop: Shop) -> None:
    shop.connect()
    shop.deliver(order(type="order.eaten"))
    (kept,) = events.list_deliveries(bench.hub, bench.principal, Page())[0]
    assert (kept.delivery.mark, kept.delivery.problem) == (
        "no_event",
        "it reports nothing that the connector knows",
    )


def test_a_genuine_delivery_that_cannot_be_read_is_kept_as_it_came(bench: Any, shop: Shop) -> None:
    received = shop.deliver(body=b"\xff{")
    kept = events.get_delivery(bench.hub, bench.principal, received.delivery_id).delivery
    assert (kept.mark, kept.size, kept.content_type) == ("unparseable", 2, "application/json")
    assert events.read_body(bench.hub, bench.principal, received.delivery_id) == b"\xff{"
    assert "authorization" not in kept.headers


def test_for_a_while_deliveries_may_be_signed_with_the_old_secret_as_well(bench: Any, shop: Shop) -> None:
    shop.connect()
    day = timedelta(days=1)
    apps.replace_app_secret(bench.hub, bench.principal, "shop", shop.app.id, "new-secret", day)
    for number, secret in enumerate(("app-secret", "new-secret")):
        assert shop.deliver(order(key=str(number)), secret=secret).new == 1
    bench.clock.advance(day.total_seconds())
    with pytest.raises(DeliveryError):
        shop.deliver(order(key="9"), secret="app-secret")
    assert shop.deliver(order(key="9"), secret="new-secret").new == 1
    with pytest.raises(DeliveryError):
        shop.deliver(order(key="10"), secret="")


def test_a_secret_replaced_twice_leaves_only_the_one_before_it(bench: Any, shop: Shop) -> None:
    shop.connect()
    for secret in ("second", "third"):
        overlap = timedelta(hours=1)
        apps.replace_app_secret(bench.hub, bench.principal, "shop", shop.app.id, secret, overlap)
    with pytest.raises(DeliveryError):
        shop.deliver(order(), secret="app-secret")
    assert shop.deliver(order(), secret="second").new == 1
    assert shop.deliver(order(), secret="third").new == 0


@pytest.mark.parametrize(("tenant", "role"), [("ten_b", "owner"), ("ten_a", "viewer"), ("ten_a", "owner")])
def test_nobody_else_replaces_the_secret_of_an_app(tenant: str, role: str, bench: Any, make: Any) -> None:
    shared = tenant == "ten_a" and role == "owner"
    shop = open_shop(bench, make, shared=shared)
    other = as_tenant(bench, tenant, role)
    with pytest.raises((AccessError, NotFoundError)):
        apps.replace_app_secret(other.hub, other.principal, "shop", shop.app.id, "stolen", timedelta(0))
    shop.connect()
    assert shop.deliver(order()).new == 1


def test_apps_are_listed_for_whoever_may_connect_through_them(bench: Any, make: Any) -> None:
    shared, mine = open_shop(bench, make, shared=True), open_shop(bench, make)
    theirs = open_shop(bench, make, tenant="ten_b")

    def ids(tenant: str) -> set[str]:
        principal = replace(bench.principal, tenant_id=tenant)
        return {one.id for one in apps.list_apps(bench.hub, principal, "shop")}

    assert ids("ten_a") == {shared.app.id, mine.app.id}
    assert ids("ten_b") == {shared.app.id, theirs.app.id}


def question(token: str, challenge: str = "1158201444") -> str:
    return f"?hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={token}"


def test_a_question_is_answered_only_to_who_shows_the_token(bench: Any, shop: Shop) -> None:
    token = app_token(bench.hub.vault, shop.app).reveal()
    assert shop.deliver(method="GET", query=question(token)) == Answered(text="1158201444")
    for wrong in (
        "",
        "guess",
        token[:-1],
        app_token(bench.hub.vault, replace(shop.app, id="app_x")).reveal(),
    ):
        with pytest.raises(DeliveryError):
            shop.deliver(method="GET", query=question(wrong))
    assert bench.counts() == [0, 0, 0, 0]


def test_a_token_from_before_a_rotation_of_keys_is_still_good(bench: Any, shop: Shop) -> None:
    token, owner = app_token(bench.hub.vault, shop.app).reveal(), shop.app.owner_tenant_id
    with bench.hub.store.begin(owner or INSTALLATION) as tx:
        bench.hub.vault.add_data_key(tx)
    # A process that starts behind the rotation hands out another one, and takes both.
    vault = Vault(MasterKey(bytes(range(100, 132))), bench.hub.store, bench.clock)
    shop.bench = replace(bench, hub=replace(bench.hub, vault=vault))
    newer = app_token(vault, shop.app).reveal()
    assert newer != token
    for good in (token, newer):
        assert shop.deliver(method="GET", query=question(good)) == Answered(text="1158201444")
    with pytest.raises(DeliveryError):
        shop.deliver(method="GET", query=question(token[:-1]))


@pytest.mark.parametrize("challenge", ["", "%00", "%0d%0aset-cookie:x=1", "x" * 1001])
def test_an_odd_challenge_is_not_answered(challenge: str, bench: Any, shop: Shop) -> None:
    token = app_token(bench.hub.vault, shop.app).reveal()
    with pytest.raises(DeliveryError):
        shop.deliver(method="GET", query=question(token, challenge))


def test_what_a_broken_connection_brings_waits_and_goes_on_in_order(bench: Any, shop: Shop) -> None:
    # Given a connection the provider has refused
    connection_id = shop.connect()
    bench.publish(SEE, on=PAID)
    shop.set_status(connection_id, NEEDS_REAUTH)
    # When events come
    for number in range(5):
        shop.deliver(order(key=str(number), data={"number": number}))
    # Then each is kept with an execution that waits
    bench.pass_time(10)
    assert statuses(bench) == [("waiting", "connection")] * 5
    # And when the connection is healthy again they go on in the order they came
    shop.set_status(connection_id, ConnectionStatus.CONNECTED)
    bench.clock.advance(10)
    assert sweep(bench.hub) == 5
    numbers = []
    while (claimed := bench.claim()) is not None:
        numbers.append(claimed.trigger["data"]["number"])
        bench.drive(claimed)
    assert numbers == list(range(5))
    assert statuses(bench) == [("succeeded", None)] * 5


def test_without_its_connection_nothing_waits_any_more(bench: Any, shop: Shop) -> None:
    connection_id = shop.connect(status=NEEDS_REAUTH)
    bench.publish(SEE, on=PAID)
    shop.deliver(order())
    connections.delete_connection(bench.hub, bench.principal, "shop", connection_id)
    assert statuses(bench) == [("queued", None)]


def test_who_waits_for_its_turn_goes_on_waiting_for_that(bench: Any, shop: Shop) -> None:
    shop.connect(status=NEEDS_REAUTH)
    bench.publish(SEE, on=PAID, concurrency={"key": "{{ trigger.data.id }}"})
    for key in "12":
        shop.deliver(order(key=key))
    # The first one has its turn; what it needs the connection for, it waits for itself.
    assert statuses(bench) == [("queued", None), ("waiting", "turn")]


def test_an_address_that_is_not_there_is_the_same_404_whyever_it_is_not(
    bench: Any, make: Any, owner: Any
) -> None:
    mine = open_shop(bench, make)
    key, lab = mine.app.app_key, "lab"
    guesses = [
        ("POST", "shop", "x" * 43),
        ("POST", "shop", key[:-1]),
        ("POST", "shop", key.swapcase()),
        # The key of another connector's app, a connector without deliveries, and one nobody has installed.
        ("POST", lab, key),
        ("POST", "none", key),
        # Nothing is asked here, so there is nothing to answer.
        ("GET", "none", key),
        ("GET", "shop", "x" * 43),
    ]
    told = set()
    for method, connector, guess in guesses:
        answer = owner.client.request(method, f"/hooks/apps/{connector}/{guess}", content=b"[]")
        body = {name: text for name, text in answer.json().items() if name not in ("instance", "request_id")}
        told.add((answer.status_code, json.dumps(body, sort_keys=True)))
    assert len(told) == 1
    assert next(iter(told))[0] == 404
    assert bench.counts() == [0, 0, 0, 0]


def test_an_answered_question_is_nothing_a_browser_would_run(bench: Any, shop: Shop, owner: Any) -> None:
    token = app_token(bench.hub.vault, shop.app).reveal()
    path = f"/hooks/apps/shop/{shop.app.app_key}"
    script = "%3Cscript%3Ealert(1)%3C/script%3E"
    answer = owner.client.get(f"{path}{question(token, script)}")
    assert (answer.status_code, answer.text) == (200, "<script>alert(1)</script>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox"
    refused = owner.client.get(f"{path}{question('wrong', script)}")
    assert refused.status_code == 401
    assert "script" not in refused.text


def test_an_app_comes_with_what_the_provider_is_to_be_told_and_never_with_its_secret(
    bench: Any, shop: Shop, owner: Any
) -> None:
    path = "/api/integrations/shop/apps"
    made = owner.ask("POST", path, {"client_id": "c", "client_secret": "kept-secret"})
    assert made["verify_token"]
    assert made["delivery_url"].startswith("http")
    changed = owner.ask("PUT", f"{path}/{made['id']}/secret", {"client_secret": "kept-secret-2"})
    assert changed["verify_token"] == made["verify_token"]
    shown = owner.call("GET", path)
    assert [one["delivery_url"] is None for one in shown.json()["items"]] == [False, False]
    assert "kept-secret" not in shown.text + json.dumps(made) + json.dumps(changed)
    for wrong in ({}, {"client_secret": ""}, {"client_secret": "x", "overlap_s": -1}):
        assert owner.refused("PUT", f"{path}/{made['id']}/secret", wrong)[0] == 422
