"""Tenants never meet in the event log either: whatever A asks for with B's ids, B's rows are not seen."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.errors import NotFoundError
from revolution_hub.model.change import Intake, Start
from revolution_hub.model.connection import ProviderApp, Sealed
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.store import apps, connections, deliveries, event_replays, events, taps
from revolution_hub.store import tables as t
from revolution_hub.store.event_replays import EventReplay
from revolution_hub.store.events import EventFilter
from revolution_hub.store.paging import Page
from revolution_hub.store.submit import submit
from revolution_hub.store.taps import Tap, Wanted
from revolution_hub.store.tx import Store, Tx

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SEALED = Sealed(blob=b"canary-b", key_id="dek_b", version=1)
APP = ProviderApp(
    id="app_b",
    connector="acme",
    app_key="app-key",
    client_id="c",
    secret=SEALED,
    created_at=NOW,
    owner_tenant_id="ten_b",
)
TAP = Tap(
    id="tap_b",
    tenant_id="ten_b",
    workflow_id="wf_b",
    made_by="key_b",
    created_at=NOW,
    expires_at=NOW,
)
REPLAY = EventReplay(
    id="rpl_b",
    tenant_id="ten_b",
    workflow_id="wf_b",
    version=1,
    wanted={"ids": ["evt_b"]},
    made_by="key_b",
    created_at=NOW,
    until="evt_z",
)
PAGE = Page(limit=200)

Act = Callable[[Tx], Any]

FINDS_NOTHING: dict[str, Act] = {
    "events.get": lambda tx: events.get(tx, "evt_b"),
    "events.list_page": lambda tx: events.list_page(tx, PAGE, EventFilter())[0],
    "events.list_by_ids": lambda tx: events.list_by_ids(tx, ["evt_b"]),
    "events.list_started": lambda tx: events.list_started(tx, ["evt_b"]),
    "events.list_failed": lambda tx: events.list_failed(tx, PAGE, EventFilter())[0],
    "events.list_duplicates": lambda tx: events.list_duplicates(tx, "evt_b"),
    "events.first_of_delivery": lambda tx: events.first_of_delivery(tx, ["dlv_again"]),
    "deliveries.list_page": lambda tx: deliveries.list_page(tx, PAGE, [])[0],
    "deliveries.find": lambda tx: deliveries.find(tx, "dlv_b", []),
    "deliveries.find_body": lambda tx: deliveries.find_body(tx, "dlv_b", []),
    "apps.find": lambda tx: apps.find(tx, "app_b"),
    "apps.list_open": lambda tx: apps.list_open(tx, "acme"),
    "apps.connections_through": lambda tx: apps.connections_through(tx, "app_b"),
    "apps.list_owned": lambda tx: apps.list_owned(tx, shared=True),
    "taps.get": lambda tx: taps.get(tx, "tap_b", NOW),
    "taps.count_live": lambda tx: taps.count_live(tx, NOW),
    "taps.list_came": lambda tx: taps.list_came(tx, Wanted(names=["acme.*"]), "", 9)[0],
    "event_replays.get": lambda tx: event_replays.get(tx, "rpl_b"),
    "event_replays.list_page": lambda tx: event_replays.list_page(tx, PAGE)[0],
    "event_replays.count_running": event_replays.count_running,
}

CHANGES_NOTHING: dict[str, Act] = {
    "apps.replace_secret": lambda tx: apps.replace_secret(tx, APP, replace(SEALED, version=9)),
    "apps.remove": lambda tx: apps.remove(tx, "app_b"),
    "taps.remove": lambda tx: taps.remove(tx, "tap_b"),
    "event_replays.note": lambda tx: event_replays.note(tx, REPLAY, replace(REPLAY, position="evt_9")),
}

ADDS = {"apps.add", "taps.add", "event_replays.add"}


@pytest.fixture
def log_of_b(store: Store, make: Any) -> Store:
    """A store in which tenant B has one of everything."""
    make.tenant = "ten_b"
    event = make.event(id="evt_b")
    started = make.execution(event_id=event.id)
    submit(store, Intake(delivery=make.delivery(id="dlv_b"), event=event, executions=(started,)))
    submit(store, Intake(delivery=make.delivery(id="dlv_again"), event=make.event(id="evt_again")))
    failed = make.execution(workflow_id="wf_c", event_id="evt_b", status=ExecutionStatus.FAILED)
    submit(store, Start(execution=failed))
    with store.begin("ten_b") as tx:
        apps.add(tx, APP)
        connections.add(tx, make.connection(app_id="app_b"))
        taps.add(tx, TAP)
        event_replays.add(tx, REPLAY)
    return store


def everything(store: Store) -> list[Any]:
    with store.read_across() as tx:
        return [tx.conn.execute(sa.select(table)).all() for table in t.metadata.sorted_tables]


@pytest.mark.parametrize("name", FINDS_NOTHING)
def test_nothing_of_another_tenant_is_found(name: str, log_of_b: Store) -> None:
    with log_of_b.read("ten_b") as tx:
        assert FINDS_NOTHING[name](tx)
    with log_of_b.read("ten_a") as tx:
        try:
            found = FINDS_NOTHING[name](tx)
        except NotFoundError:
            found = None
    assert not found


@pytest.mark.parametrize("name", CHANGES_NOTHING)
def test_nothing_of_another_tenant_is_changed(name: str, log_of_b: Store) -> None:
    before = everything(log_of_b)
    with log_of_b.begin("ten_a") as tx:
        assert not CHANGES_NOTHING[name](tx)
    assert everything(log_of_b) == before


def test_every_function_of_the_log_is_tried_here() -> None:
    nouns: list[ModuleType] = [apps, events, deliveries, taps, event_replays]
    declared = {
        f"{noun.__name__.rpartition('.')[2]}.{name}"
        for noun in nouns
        for name, function in inspect.getmembers(noun, inspect.isfunction)
        if function.__module__ == noun.__name__ and next(iter(inspect.signature(function).parameters)) == "tx"
        if not name.startswith("_")
    }
    assert declared == set(FINDS_NOTHING) | set(CHANGES_NOTHING) | ADDS
