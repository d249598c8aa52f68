"""The poller of a worker process: looks for what is due, several at a time, and gives up what hangs."""

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from rig.site import wait_until

from revolution_hub.bus.poll import arrange
from revolution_hub.catalog import Catalog
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.hub import Hub
from revolution_hub.model.event import Listener
from revolution_hub.model.time import utc_now
from revolution_hub.queue.poller import Poller
from revolution_hub.settings import Settings
from revolution_hub.store import polls, workflows
from revolution_hub.store.paging import Page
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault
from revolution_sdk import ActionContext, Connector, Cursor, Polled
from revolution_sdk.schema import integer, object_


@dataclass(slots=True)
class World:
    """A hub with a connector that needs no connection, and what its poll does."""

    hub: Hub
    looked: list[Any] = field(default_factory=list)
    hangs: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)
    replaced: threading.Event = field(default_factory=threading.Event)

    def poll(self) -> Any:
        with self.hub.store.read("ten_a") as tx:
            ((one,), _) = polls.list_page(tx, Page(), None)
        return one

    def run(self, **options: Any) -> Poller:
        made = Poller(self.hub, self.replaced.set, tick_s=0.02, **options)
        made.start()
        return made


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    catalog = Catalog()
    with SharedPool(Guard(), tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as pool:
        hub = Hub(
            settings=Settings(),
            store=store,
            vault=Vault(MasterKey(bytes(range(32))), store, utc_now),
            catalog=catalog,
            egress=Egress(pool),
            wake=lambda: None,
            now=utc_now,
            process="wrk_1",
        )
        made = World(hub=hub)
        tick = Connector("tick", title="Tick")
        event = tick.event("tick.heard", title="Heard", data=object_(open_=True))

        @tick.poll(event, every=timedelta(minutes=1), id="n", cursor=integer(), timeout_s=0.05)
        def poll_ticks(ctx: ActionContext, cursor: Cursor) -> Polled:
            """Look for ticks."""
            made.looked.append(cursor.value)
            if made.hangs.is_set():
                made.free.wait(30)
            return Polled(cursor=len(made.looked))

        catalog.add(tick)
        with store.begin("ten_a") as tx:
            listener = Listener(
                tenant_id="ten_a", workflow_id="wf_1", version=1, kind="event", event_type="tick.tick.heard"
            )
            workflows.listen(tx, "wf_1", [listener])
            arrange(hub, tx)
        try:
            yield made
        finally:
            made.free.set()


def test_what_is_due_is_looked_for_and_then_rests(world: World) -> None:
    poller = world.run()
    wait_until(lambda: world.poll().polled_at, "the look is done", 10.0)
    poller.stop(5.0)
    assert (world.looked, world.poll().cursor, world.poll().lease_owner) == ([None], 1, None)
    assert world.poll().next_at > utc_now() + timedelta(seconds=50)
    assert not world.replaced.is_set()


def test_a_poll_that_is_new_in_a_plugin_is_looked_at_from_the_start(world: World) -> None:
    with world.hub.store.begin("ten_a") as tx:
        polls.remove(tx, "")
    poller = world.run()
    wait_until(lambda: world.looked, "the look is made", 10.0)
    poller.stop(5.0)
    assert world.poll().cursor == 1


def test_a_look_that_hangs_is_given_up_and_its_process_replaced(world: World) -> None:
    world.hangs.set()
    poller = world.run(grace_s=0.1)
    assert world.replaced.wait(10)
    poll = world.poll()
    assert (poll.failures, poll.error["code"], poll.cursor) == (1, "timeout", None)
    # What it returns in the end comes too late.
    world.free.set()
    poller.stop(5.0)
    assert (world.poll().failures, world.poll().cursor) == (1, None)


def test_a_poller_that_stops_waits_for_the_look_under_way(world: World) -> None:
    world.hangs.set()
    poller = world.run(grace_s=30.0)
    wait_until(lambda: world.looked, "the look has begun", 10.0)
    threading.Timer(0.2, world.free.set).start()
    poller.stop(10.0)
    assert world.poll().cursor == 1
