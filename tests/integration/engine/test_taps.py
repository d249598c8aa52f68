"""Taps: what comes in is shown once each and in order, while nothing that is executed changes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rig.asking import Asker
from rig.shop import PAID, SEE, Shop, open_shop, order

from revolution_hub.model.change import Intake, Keep
from revolution_hub.model.event import DeliveryMark
from revolution_hub.model.ids import first_id
from revolution_hub.model.time import utc_now
from revolution_hub.services import taps
from revolution_hub.services.taps import NewTap
from revolution_hub.store import hooks
from revolution_hub.store.submit import submit


@pytest.fixture
def shop(bench: Any, make: Any) -> Shop:
    """An app of the bench's tenant, and a connection through it."""
    # Ids are made by the machine's clock, and a tap shows what was made since.
    bench.clock.now = utc_now()
    made = open_shop(bench, make)
    made.connect()
    return made


def looked(owner: Asker, tap: Any, cursor: str = "") -> Any:
    return owner.ask("GET", f"/api/taps/{tap['id']}/events{f'?cursor={cursor}' if cursor else ''}")


def numbers(look: Any) -> list[int]:
    return [one["data"]["n"] for one in look["items"]]


def test_a_tap_shows_what_a_workflow_starts_on_and_changes_nothing(
    bench: Any, owner: Asker, shop: Shop
) -> None:
    workflow_id = bench.publish(SEE, on=PAID).workflow.id
    shop.deliver(order(key="before", data={"n": 0}))
    bench.clock.now = utc_now()
    tap = owner.ask("POST", "/api/taps", {"workflow_id": workflow_id})
    first = looked(owner, tap)
    started = shop.deliver(order(key="1", data={"n": 1}), order(key="2", type="order.sent"))
    second = looked(owner, tap, first["cursor"])
    assert (numbers(first), numbers(second)) == ([], [1])
    assert len(started.execution_ids) == 1
    # Looking again from the same place shows the same, and from the next one nothing more.
    assert numbers(looked(owner, tap, first["cursor"])) == [1]
    assert numbers(looked(owner, tap, second["cursor"])) == []


def test_a_draft_is_shown_what_it_would_start_on_and_is_tried_with_it(
    bench: Any, owner: Asker, shop: Shop
) -> None:
    draft = owner.create({"name": "draft", "on": [{"event": "crm.deal.*"}], "steps": [SEE]})
    tap = owner.ask("POST", "/api/taps", {"workflow_id": draft})
    shop.deliver(order(data={"n": 1}))
    (event,) = looked(owner, tap)["items"]
    assert bench.counts()[3] == 0
    body = {"workflow_id": draft, "version": "draft"}
    started = owner.ask("POST", f"/api/events/{event['id']}/replay", body)
    bench.work()
    assert bench.look(started["execution_id"]).steps["see"].output["data"] == {"n": 1}


def test_a_tap_of_a_webhook_shows_what_cannot_be_read_as_well(bench: Any, owner: Asker, make: Any) -> None:
    bench.clock.now = utc_now()
    published = bench.publish(SEE, on=[{"webhook": {"auth": "standard-webhooks"}}])
    with bench.hub.store.read("ten_a") as tx:
        hook_id = str(hooks.find(tx, published.workflow.id).id)
    tap = owner.ask("POST", "/api/taps", {"workflow_id": published.workflow.id})
    submit(bench.hub.store, Intake(event=make.event(source_id=hook_id, data={"n": 1}, dedup_key="1")))
    unread = make.delivery(source_id=hook_id, mark=DeliveryMark.UNPARSEABLE, problem="is no JSON")
    submit(bench.hub.store, Keep(delivery=unread))
    submit(
        bench.hub.store, Keep(delivery=make.delivery(source_id="hok_other", mark=DeliveryMark.UNPARSEABLE))
    )
    shown = looked(owner, tap)["items"]
    assert [(one["kind"], one["id"]) for one in shown][1:] == [("delivery", unread.id)]
    assert shown[0]["data"] == {"n": 1}


def test_a_tap_of_a_group_of_events_may_be_narrowed_to_a_connection(
    bench: Any, owner: Asker, shop: Shop
) -> None:
    other = shop.connect("acc_2", name="other")
    wide = owner.ask("POST", "/api/taps", {"event": "shop.*"})
    narrow = owner.ask("POST", "/api/taps", {"event": "shop.order.paid", "connection_id": other})
    shop.deliver(order("acc_1", "1", data={"n": 1}), order("acc_2", "2", data={"n": 2}))
    assert numbers(looked(owner, wide)) == [1, 2]
    assert numbers(looked(owner, narrow)) == [2]


def test_a_tap_is_over_when_its_time_is_or_somebody_removes_it(bench: Any, owner: Asker, shop: Shop) -> None:
    short, removed = (owner.ask("POST", "/api/taps", {"event": "shop.*", "ttl_s": 10}) for _ in range(2))
    owner.ask("DELETE", f"/api/taps/{removed['id']}")
    assert owner.refused("GET", f"/api/taps/{removed['id']}/events") == (404, "not_found")
    looked(owner, short)
    bench.clock.advance(11)
    assert owner.refused("GET", f"/api/taps/{short['id']}/events") == (404, "not_found")
    assert owner.refused("DELETE", f"/api/taps/{short['id']}") == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ""),
        ({"workflow_id": "wf_1", "event": "shop.*"}, ""),
        ({"event": "shop.order.eaten"}, "event"),
        ({"event": "shop.*", "ttl_s": 5}, "ttl_s"),
        ({"event": "shop.*", "ttl_s": 86_401}, "ttl_s"),
    ],
)
def test_a_wrong_tap_is_told_where_it_is_wrong(body: Any, path: str, owner: Asker, shop: Shop) -> None:
    answer = owner.call("POST", "/api/taps", body)
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["problems"]] == [path]


def test_a_tenant_has_only_so_many_taps(bench: Any, owner: Asker, shop: Shop) -> None:
    for _ in range(taps.MOST_LIVE):
        owner.ask("POST", "/api/taps", {"event": "shop.*"})
    assert owner.refused("POST", "/api/taps", {"event": "shop.*"}) == (429, "too_many_taps")
    bench.clock.advance(3601)
    owner.ask("POST", "/api/taps", {"event": "shop.*"})


def test_waiting_ends_as_soon_as_something_comes(owner: Asker, shop: Shop) -> None:
    tap = owner.ask("POST", "/api/taps", {"event": "shop.*"})
    assert owner.ask("GET", f"/api/taps/{tap['id']}/events?wait_s=1")["items"] == []
    shop.deliver(order(data={"n": 1}))
    assert numbers(owner.ask("GET", f"/api/taps/{tap['id']}/events?wait_s=25")) == [1]
    for wrong in ("wait_s=26", "cursor=eA=="):
        assert owner.refused("GET", f"/api/taps/{tap['id']}/events?{wrong}")[0] == 422


def test_events_that_are_committed_out_of_order_are_all_shown_and_none_twice(
    bench: Any, make: Any, shop: Shop
) -> None:
    tap = taps.create_tap(bench.hub, bench.principal, NewTap(event="shop.*"))
    ids = [first_id("evt", bench.clock.now + timedelta(seconds=at)) for at in (1, 2, 3)]
    made = [make.event(id=one, type="shop.order.paid", dedup_key=one) for one in ids]
    bench.clock.advance(4)
    cursor = None
    for event in (made[2], made[0], made[1]):
        submit(bench.hub.store, Intake(event=event))
        look = taps.look(bench.hub, bench.principal, tap.id, cursor)
        assert [one.id for one in look.came] == [event.id]
        cursor = look.cursor
    # Half a minute later nothing can turn up among them any more, and the cursor is a single place.
    bench.clock.advance(60)
    look = taps.look(bench.hub, bench.principal, tap.id, cursor)
    assert look.came == []
    assert len(look.cursor) < len(str(cursor))


@given(data=some.data())
def test_no_order_of_commits_and_looks_loses_or_doubles_an_event(data: some.DataObject) -> None:
    count = data.draw(some.integers(1, 40))
    made = [f"{number:026d}" for number in range(count)]
    # One made in second n is committed up to 29 seconds later; somebody looks in every second, or in some.
    lags = data.draw(some.lists(some.integers(0, 29), min_size=count, max_size=count))
    looks = data.draw(some.lists(some.booleans(), min_size=count + 60, max_size=count + 60))
    shown: list[str] = []
    place, seen = "", set[str]()
    for now, looked_at in enumerate([*looks, *[True] * count]):
        if looked_at:
            there = [one for at, one in enumerate(made) if at + lags[at] <= now and one > place]
            unseen = [one for one in there if one not in seen]
            settled = f"{now - 30:026d}" if now >= 30 else ""
            room = taps.room_for(unseen, len(seen), settled, at_once=3, most=8)
            shown += unseen[:room]
            place, seen = taps.moved(place, seen | set(unseen[:room]), unseen[room:], settled)
            assert len(seen) <= 8
    assert sorted(shown) == made
