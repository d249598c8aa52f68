"""Polls: looked for while somebody listens, each happening once, and nothing lost whoever dies when."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from rig.polling import EVERY_S, Provider, later, listen, look, only, provider_of, seen

from revolution_hub.access.rbac import permissions_of
from revolution_hub.bus import poll as polling
from revolution_hub.bus.receive import receive_app_delivery
from revolution_hub.model.change import Finding
from revolution_hub.services import apps, connections, polls, versions
from revolution_hub.services.apps import NewApp
from revolution_hub.store import connections as stored_connections
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page
from revolution_sdk import (
    CredentialError,
    Delivery,
    Polled,
    RejectedError,
    RetryableError,
)


@pytest.fixture
def provider(bench: Any) -> Provider:
    """A provider that is polled."""
    return provider_of(bench)


def test_what_is_new_starts_what_listens_each_happening_once(bench: Any, provider: Provider) -> None:
    provider.items = [1, 2]
    connection_id = bench.connect("main", "feed")
    listen(bench)
    assert look(bench) == 1
    assert (provider.asked, seen(bench)) == ([None], [])
    provider.items += [3, 4]
    assert later(bench) == 1
    assert later(bench) == 1
    assert (provider.asked, seen(bench)) == ([None, 2, 4], [3, 4])
    with bench.hub.store.read_across() as tx:
        rows = tx.conn.execute(sa.select(t.events).order_by(t.events.c.id)).mappings().all()
    assert [(one["source"], one["connection_id"], one["type"], one["canonical"]) for one in rows] == [
        ("poll", connection_id, "feed.order.paid", "crm.deal.updated")
    ] * 2
    assert [one["occurred_at"].second for one in rows] == [3, 4]


def test_further_pages_follow_at_once(bench: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    listen(bench)
    look(bench)
    provider.items, provider.page = list(range(1, 8)), 3
    assert later(bench) == 3
    assert seen(bench) == list(range(1, 8))


def test_nothing_is_looked_for_before_its_time_or_that_nobody_listens_to(
    bench: Any, provider: Provider
) -> None:
    bench.connect("main", "feed")
    assert look(bench) == 0
    workflow_id = listen(bench)
    look(bench)
    assert later(bench, EVERY_S - 1) == 0
    versions.unpublish_workflow(bench.hub, bench.principal, workflow_id)
    assert (later(bench), later(bench)) == (1, 0)
    assert len(provider.asked) == 1
    assert only(bench).stored.next_at is None
    # Whoever listens again begins anew: what happened meanwhile was for nobody.
    provider.items = [1, 2]
    versions.publish_workflow(bench.hub, bench.principal, workflow_id)
    assert look(bench) == 1
    assert (provider.asked[-1], seen(bench)) == (None, [])


@pytest.mark.parametrize(
    "on",
    [{"event": "feed.order.paid"}, {"event": "feed.*"}, {"event": "crm.deal.updated"}, {"event": "crm.*"},
     {"event": "feed.order.*", "connection": "main"}],
)  # fmt: skip
def test_every_way_to_listen_is_listening(on: Any, bench: Any, provider: Provider) -> None:
    listen(bench, **on) if "connection" not in on else None
    bench.connect("main", "feed")
    if "connection" in on:
        listen(bench, **on)
    assert look(bench) == 1


def test_a_connection_nobody_asks_for_is_not_looked_through(bench: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    bench.connect("other", "feed")
    listen(bench, connection="other")
    assert look(bench) == 1
    assert only(bench).connection == "other"


def test_a_poll_that_fails_goes_on_from_where_it_was_and_comes_later_each_time(
    bench: Any, provider: Provider
) -> None:
    bench.connect("main", "feed")
    listen(bench)
    look(bench)
    provider.items = [5]
    waits = []
    provider.plays = [RetryableError("no"), KeyError("x"), RejectedError("no")]
    for failures in (1, 2, 3):
        later(bench, 10 * EVERY_S)
        poll = only(bench).stored
        assert (poll.failures, poll.cursor) == (failures, 0)
        waits.append((poll.next_at - bench.clock.now).total_seconds())
    assert [EVERY_S * 2**n <= wait <= EVERY_S * 2**n * 1.25 for n, wait in enumerate(waits)] == [True] * 3
    assert only(bench).stored.error["code"] == "rejected"
    later(bench, 10 * EVERY_S)
    assert (seen(bench), only(bench).stored.failures, only(bench).stored.error) == ([5], 0, None)


def test_a_provider_that_says_when_to_come_again_is_obeyed(bench: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    listen(bench)
    provider.plays = [RetryableError("slow down", retry_after_s=1_000)]
    look(bench)
    assert later(bench, 999) == 0
    assert later(bench, 1) == 1


def test_a_connection_that_is_refused_is_left_alone_until_it_is_authorized_anew(
    bench: Any, provider: Provider
) -> None:
    connection_id = bench.connect("main", "feed")
    listen(bench)
    provider.plays = [CredentialError("the provider refused the credential")]
    look(bench)
    found = connections.get_connection(bench.hub, bench.principal, "feed", connection_id)
    assert str(found.status) == "needs_reauth"
    for _ in range(5):
        later(bench, 600)
    assert len(provider.asked) == 1
    assert only(bench).stored.error["code"] == "connection_needs_reauth"
    connections.reauthorize(bench.hub, bench.principal, "feed", connection_id, {"api_key": "k-2"})
    assert look(bench) == 1
    assert (len(provider.asked), only(bench).stored.error) == (2, None)


BROKEN: dict[str, Any] = {
    "nothing": lambda *_: [],
    "no cursor": lambda *_: Polled(cursor=None),
    "a cursor of another form": lambda *_: Polled(cursor="x"),
    "an item without an id": lambda *_: Polled(items=[{"m": 1}], cursor=1),
    "an item that is none": lambda *_: Polled(items=[7], cursor=1),  # type: ignore[list-item]
    "what JSON cannot hold": lambda *_: Polled(items=[{"n": 1, "x": object()}], cursor=1),
    "too many": lambda *_: Polled(items=[{"n": n} for n in range(1_001)], cursor=1),
    "no moment": lambda *_: Polled(items=[{"n": 1, "at": "soon"}], cursor=1),
    "the end of the process": SystemExit(1),
    "an interrupt": KeyboardInterrupt(),
    "an event of its own": lambda ctx, _: ctx.emit("order.paid", {}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_poll_that_breaks_its_word_fails_and_keeps_its_place(
    name: str, bench: Any, provider: Provider
) -> None:
    bench.connect("main", "feed")
    listen(bench)
    look(bench)
    provider.plays = [BROKEN[name]]
    later(bench)
    poll = only(bench).stored
    assert (poll.failures, poll.cursor, seen(bench)) == (1, 0, [])


def test_what_the_webhook_missed_is_found_and_nothing_doubles(
    bench: Any, make: Any, provider: Provider
) -> None:
    host = replace(bench.principal, role="host", permissions=permissions_of("host"))
    wanted = NewApp(client_id="c", client_secret="s", shared=True)
    app = apps.create_app(bench.hub, host, "shop", wanted).app
    with bench.hub.store.begin("ten_a") as tx:
        one = make.connection(tenant_id="ten_a", connector="shop", account="acc_1", app_id=app.id)
        stored_connections.add(tx, one)
    listen(bench, "shop.order.paid")
    look(bench)
    provider.items = [1, 2, 3, 4]
    report(bench, app, 1, 3)
    later(bench)
    assert sorted(seen(bench)) == [1, 2, 3, 4]
    # The same is listed once more, because of an overlap, and reported late.
    provider.plays = [Polled(items=[{"n": 3}, {"n": 4}], cursor=4)]
    later(bench)
    report(bench, app, 2)
    assert sorted(seen(bench)) == [1, 2, 3, 4]
    poll = only(bench)
    ledger = poll.stored
    assert (ledger.polled, ledger.received, ledger.missed, ledger.doubled) == (4, 2, 2, 4)
    assert poll.webhook


def report(bench: Any, app: Any, *numbers: int) -> None:
    delivery = Delivery(
        method="POST", url="https://hub.test/", headers={}, body=bytes(numbers), received_at=bench.clock.now
    )
    receive_app_delivery(bench.hub, "shop", app.app_key, delivery)
    bench.work()


def test_a_poll_can_be_paused_resumed_and_made_now(bench: Any, owner: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    listen(bench)
    look(bench)
    (one,) = owner.ask("GET", "/api/polls")["items"]
    assert (one["poll"], one["event"], one["state"]) == ("feed.poll_orders", "feed.order.paid", "waiting")
    path = f"/api/polls/{one['id']}"
    assert owner.ask("POST", f"{path}/pause")["state"] == "paused"
    assert later(bench, 1_000) == 0
    assert owner.refused("POST", f"{path}/run") == (409, "poll_paused")
    provider.items = [1]
    assert owner.ask("POST", f"{path}/resume")["state"] == "waiting"
    assert look(bench) == 1
    assert seen(bench) == [1]
    provider.items = [1, 2]
    owner.ask("POST", f"{path}/run")
    assert look(bench) == 1
    shown = owner.ask("GET", path)
    assert (seen(bench), shown["ledger"]["polled"], shown["ledger"]["missed"]) == ([1, 2], 2, None)


def test_a_poll_that_is_paused_while_it_is_looked_at_stays_paused(bench: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    listen(bench)
    (claimed,) = polling.claim(bench.hub, 10)
    polls.pause_poll(bench.hub, bench.principal, claimed.id)
    assert polling.look(bench.hub, claimed)
    assert (later(bench, 1_000), only(bench).stored.next_at) == (0, None)
    polls.resume_poll(bench.hub, bench.principal, claimed.id)
    assert look(bench) == 1


def test_a_poll_goes_with_its_connection(bench: Any, provider: Provider) -> None:
    connection_id = bench.connect("main", "feed")
    listen(bench)
    look(bench)
    connections.delete_connection(bench.hub, bench.principal, "feed", connection_id)
    assert polls.list_polls(bench.hub, bench.principal, Page()) == ([], None)
    assert later(bench) == 0


def test_whoever_begins_to_listen_while_nobody_is_found_to_listen_is_heard(
    bench: Any, provider: Provider
) -> None:
    bench.connect("main", "feed")
    workflow_id = listen(bench)
    look(bench)
    versions.unpublish_workflow(bench.hub, bench.principal, workflow_id)
    bench.clock.advance(EVERY_S)
    (claimed,) = polling.claim(bench.hub, 10)
    idle = polling.prepare(bench.hub, claimed)
    assert isinstance(idle, Finding)
    assert idle.idle
    versions.publish_workflow(bench.hub, bench.principal, workflow_id)
    assert not polling.keep(bench.hub, idle)
    assert look(bench) == 1


def test_what_a_plugin_no_longer_offers_is_told(bench: Any, provider: Provider) -> None:
    bench.connect("main", "feed")
    listen(bench)
    del bench.hub.catalog.connectors["feed"]
    look(bench)
    assert only(bench).stored.error["code"] == "poll_missing"
