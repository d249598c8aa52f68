"""The event log: what came in is found again, with what it started and why not, and by nobody else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from rig.asking import Asker
from rig.shop import PAID, SEE, Shop, open_shop, order

from revolution_hub.bus.hook import receive_hook
from revolution_hub.model.change import Intake, Keep
from revolution_hub.model.event import DeliveryMark, EventSource
from revolution_hub.model.ids import first_id
from revolution_hub.model.status import ExecutionStatus
from revolution_hub.model.time import rfc3339
from revolution_hub.store.submit import submit
from revolution_sdk import Delivery, RejectedError

CANARY = "canary-of-ten-a"


@pytest.fixture
def shop(bench: Any, make: Any) -> Shop:
    """An app of the bench's tenant, and a connection through it."""
    made = open_shop(bench, make)
    made.connect()
    return made


def listed(asker: Asker, query: str = "", path: str = "/api/events") -> list[Any]:
    items: list[Any] = asker.ask("GET", f"{path}?{query}")["items"]
    return items


def ids(asker: Asker, query: str = "") -> list[str]:
    return [one["id"] for one in listed(asker, query)]


def test_an_event_is_found_with_what_it_started(bench: Any, owner: Asker, shop: Shop) -> None:
    workflow_id = bench.publish(SEE, on=PAID).workflow.id
    received = shop.deliver(order(data={"email": "ada@example.com"}))
    (one,) = listed(owner)
    assert (one["type"], one["canonical"], one["source"], one["outcome"]) == (
        "shop.order.paid",
        "crm.deal.created",
        "app",
        "started",
    )
    (started,) = one["executions"]
    assert (started["workflow_id"], started["status"], started["replay"]) == (workflow_id, "queued", False)
    detail = owner.ask("GET", f"/api/events/{one['id']}")
    assert detail["data"] == {"email": "ada@example.com"}
    assert detail["delivery"]["id"] == received.delivery_id
    assert detail["delivery"]["headers"] == {"content-type": "application/json"}
    assert (detail["delivery"]["bytes"], detail["duplicates"], detail["passed_over"]) == (100, [], [])


def test_an_event_says_why_it_started_nothing(bench: Any, owner: Asker, shop: Shop) -> None:
    shop.deliver(order(key="1"))
    filtered = bench.publish(SEE, on=[{"event": "shop.order.paid", "where": "{{ trigger.data.id > 10 }}"}])
    shop.deliver(order(key="2"))
    bench.publish(SEE, on=PAID)
    shop.deliver(order(key="3"))
    outcomes = [one["outcome"] for one in listed(owner, "sort=created_at")]
    assert outcomes == ["no_listener", "filtered", "started"]
    for event_id in ids(owner, "sort=created_at")[1:]:
        (passed,) = owner.ask("GET", f"/api/events/{event_id}")["passed_over"]
        assert (passed["workflow_id"], passed["reason"]) == (filtered.workflow.id, "filtered")


def test_an_event_that_is_reported_again_names_who_reported_it(owner: Asker, shop: Shop) -> None:
    shop.deliver(order())
    again = shop.deliver(order())
    (event_id,) = ids(owner)
    (duplicate,) = owner.ask("GET", f"/api/events/{event_id}")["duplicates"]
    assert duplicate["delivery_id"] == again.delivery_id
    (delivery,) = listed(owner, "mark=duplicate", "/api/deliveries")
    assert (delivery["id"], delivery["duplicate_of"]) == (again.delivery_id, [event_id])


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", "4321"),
        ("sort=created_at", "1234"),
        ("type=shop.order.paid", "421"),
        ("type=shop.order.*", "4321"),
        ("type=shop.*", "4321"),
        ("type=shop", ""),
        ("type=shop.order.p%25", ""),
        ("canonical=crm.deal.created", "421"),
        ("connector=shop", "4321"),
        ("connector=lab", ""),
        ("source=app", "4321"),
        ("source=webhook", ""),
        ("status=no_listener", "432"),
        ("status=started", "1"),
        ("status=failed", ""),
        ("path=$.who.email&value=ada@example.com", "2"),
        ("path=who.email&value=ada@example.com", "2"),
        ("path=$.tags[1]&value=new", "3"),
        ("path=$.n&value=4", "4"),
        ("path=$.flag&value=true", "4"),
        ("path=$.none&value=null", "4"),
        ("path=$.who&value=ada", ""),
        ("path=$.nowhere.at[3]&value=", ""),
        ("path=$['a b']&value=c", "1"),
    ],
)
def test_events_are_found_by_what_is_said_of_them(
    query: str, keys: str, bench: Any, owner: Asker, shop: Shop
) -> None:
    workflow = bench.publish(SEE, on=PAID).workflow
    shop.deliver(order(key="1", data={"a b": "c", "n": "4x"}))
    owner.ask("POST", f"/api/workflows/{workflow.id}/unpublish")
    shop.deliver(order(key="2", data={"who": {"email": "ada@example.com"}}))
    shop.deliver(order(key="3", type="order.sent", data={"tags": ["old", "new"]}))
    shop.deliver(order(key="4", data={"n": 4, "flag": True, "none": None}))
    in_order = ids(owner, "sort=created_at")
    found = [str(in_order.index(one) + 1) for one in ids(owner, quote(query, safe="=&%"))]
    assert "".join(found) == keys


def test_events_are_found_by_connection_endpoint_and_time(
    bench: Any, owner: Asker, shop: Shop, make: Any
) -> None:
    other = shop.connect("acc_2", name="other")
    shop.deliver(order("acc_1", key="1"))
    shop.deliver(order("acc_2", key="2"))
    newer, older = ids(owner)
    assert ids(owner, f"connection_id={other}") == [newer]
    assert ids(owner, f"source_id={shop.app.id}") == [newer, older]
    assert ids(owner, "source_id=hok_none") == []
    # Ids are made by the machine's clock, which a test does not move.
    early = make.event(id=first_id("evt", bench.clock.now - timedelta(days=1)), dedup_key="3")
    submit(bench.hub.store, Intake(event=early))
    moment = rfc3339(bench.clock.now - timedelta(hours=1))
    assert ids(owner, f"received_before={moment}") == [early.id]
    assert ids(owner, f"received_after={moment}") == [newer, older]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("status=maybe", "status"),
        ("source=owl", "source"),
        ("received_after=yesterday", "received_after"),
        ("path=$.a", "value"),
        ("value=1", "path"),
        ("path=$..&value=1", "path"),
        ("path=a[x]&value=1", "path"),
        ("path=$&value=1", "path"),
        ("cursor=%21%21", "cursor"),
        ("colour=red", "colour"),
    ],
)
def test_a_filter_that_is_none_is_a_problem_with_its_place(query: str, path: str, owner: Asker) -> None:
    answer = owner.call("GET", f"/api/events?{query}")
    assert answer.status_code == 422
    assert path in [one["path"] for one in answer.json()["problems"]]


def test_pages_show_every_event_once(bench: Any, owner: Asker, make: Any) -> None:
    made = []
    for number in range(25):
        event = make.event(dedup_key=str(number), type="acme.a.b" if number % 3 else "acme.c.d")
        submit(bench.hub.store, Intake(event=event))
        made.append(event)
    for query, wanted in (("", made), ("type=acme.a.b", [one for one in made if one.type == "acme.a.b"])):
        found, cursor = [], ""
        while cursor is not None:
            page = owner.ask("GET", f"/api/events?limit=4&{query}{f'&cursor={cursor}' if cursor else ''}")
            found += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert found == [one.id for one in reversed(wanted)]


def test_dead_letters_are_events_that_failed_and_deliveries_that_could_not_be_read(
    bench: Any, owner: Asker, shop: Shop, script: Any
) -> None:
    bench.publish({"id": "send", "uses": "lab.send_letter", "with": {}}, on=PAID)
    script.next("send_letter", RejectedError("no such letter", code="not_found"))
    shop.deliver(order(key="1"))
    shop.deliver(order(key="2"))
    unread = shop.deliver(body=b"{")
    bench.work()
    first, *_ = ids(owner, "sort=created_at")
    letters = listed(owner, path="/api/dead-letters")
    assert [(one["kind"], one["id"]) for one in letters] == [
        ("delivery", unread.delivery_id),
        ("event", first),
    ]
    assert [one["status"] for one in letters[1]["executions"]] == ["failed"]
    assert ids(owner, "status=failed") == [first]
    oldest = owner.ask("GET", "/api/dead-letters?limit=1&sort=created_at")
    assert [one["id"] for one in oldest["items"]] == [first]
    rest = owner.ask("GET", f"/api/dead-letters?sort=created_at&cursor={oldest['next_cursor']}")
    assert [one["id"] for one in rest["items"]] == [unread.delivery_id]


def test_dead_letters_come_page_by_page_in_the_order_of_time(bench: Any, owner: Asker, make: Any) -> None:
    made = []
    for number in range(12):
        if number % 3:
            event = make.event(dedup_key=str(number))
            failed = make.execution(
                event_id=event.id, workflow_id=f"wf_{number}", status=ExecutionStatus.FAILED
            )
            submit(bench.hub.store, Intake(event=event, executions=(failed,)))
            made.append(event.id)
        else:
            delivery = make.delivery(mark=DeliveryMark.UNPARSEABLE, problem="is no JSON")
            submit(bench.hub.store, Keep(delivery=delivery))
            made.append(delivery.id)
    for sort, wanted in (("created_at", made), ("-created_at", made[::-1])):
        found, cursor = [], ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = owner.ask("GET", f"/api/dead-letters?limit=5&sort={sort}{more}")
            found += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert found == wanted


def test_a_body_is_handed_out_so_that_no_browser_runs_it(owner: Asker, shop: Shop) -> None:
    hostile = b"<script>alert(1)</script>\x00\xff"
    received = shop.deliver(body=hostile)
    answer = owner.call("GET", f"/api/deliveries/{received.delivery_id}/body")
    assert (answer.status_code, answer.content) == (200, hostile)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f'attachment; filename="{received.delivery_id}.bin"'


def test_deliveries_of_hooks_and_apps_are_one_list(bench: Any, owner: Asker, shop: Shop) -> None:
    hook = bench.publish(SEE, on=[{"webhook": {"auth": "none"}}]).hook
    key = str(hook).rpartition("/")[2]
    sent = []
    for number in range(6):
        if number % 2:
            sent.append(shop.deliver(order(key=str(number))).delivery_id)
        else:
            delivery = Delivery(
                method="POST",
                url=f"https://hub.test/hooks/{key}",
                headers={"content-type": "application/json"},
                body=b"{}",
                received_at=bench.clock.now,
            )
            receive_hook(bench.hub, key, delivery)
            sent.append("")
    found, cursor = [], ""
    while cursor is not None:
        page = owner.ask("GET", f"/api/deliveries?limit=4{f'&cursor={cursor}' if cursor else ''}")
        found += page["items"]
        cursor = page["next_cursor"]
    assert [one["id"] if one["app_id"] else "" for one in found] == sent[::-1]
    assert [one["id"] for one in listed(owner, f"app_id={shop.app.id}", "/api/deliveries")] == sent[5::-2]


def test_a_foreign_tenant_finds_nothing_and_is_told_nothing(
    bench: Any, owner: Asker, shop: Shop, asker_of: Callable[..., Asker]
) -> None:
    workflow_id = bench.publish(SEE, on=PAID).workflow.id
    received = shop.deliver(
        order("acc_1", data={"secret": CANARY}), order("acc_unknown", data={"secret": CANARY})
    )
    shop.deliver(body=CANARY.encode())
    event_id = ids(owner)[0]
    replay = owner.ask("POST", "/api/events/replay", {"workflow_id": workflow_id, "ids": [event_id]})
    tap = owner.ask("POST", "/api/taps", {"workflow_id": workflow_id})
    foreign = asker_of(tenant_id="ten_b")
    for path in ("/api/events", "/api/deliveries", "/api/dead-letters", "/api/event-replays"):
        assert foreign.ask("GET", path) == {"items": [], "next_cursor": None}
    # A foreign id and one that never was are the same.
    known = (event_id, received.delivery_id, replay["id"], tap["id"])
    never = ("evt_0", "dlv_0", "rpl_0", "tap_0")
    for there, not_there in zip(known, never, strict=True):
        for method, path, body in (
            ("GET", "/api/events/{}", None),
            ("POST", "/api/events/{}/replay", {"workflow_id": workflow_id}),
            ("GET", "/api/deliveries/{}", None),
            ("GET", "/api/deliveries/{}/body", None),
            ("GET", "/api/event-replays/{}", None),
            ("POST", "/api/event-replays/{}/cancel", None),
            ("GET", "/api/taps/{}/events", None),
            ("DELETE", "/api/taps/{}", None),
        ):
            one, other = (foreign.call(method, path.format(name), body) for name in (there, not_there))
            assert one.status_code == other.status_code == 404
            assert _body(one) == _body(other)
            assert CANARY not in one.text
    refused = foreign.refused("POST", "/api/events/replay", {"workflow_id": workflow_id, "ids": [event_id]})
    assert refused == (404, "not_found")
    assert foreign.refused("POST", "/api/taps", {"workflow_id": workflow_id}) == (404, "not_found")
    assert foreign.refused(
        "PUT", f"/api/integrations/shop/apps/{shop.app.id}/secret", {"client_secret": "x"}
    ) == (404, "not_found")


def _body(answer: Any) -> Any:
    """Return a problem without what names the single request."""
    return {name: value for name, value in answer.json().items() if name not in ("instance", "request_id")}


@pytest.mark.parametrize("role", ["viewer", "guest"])
def test_who_may_only_read_replays_nothing(
    role: str, bench: Any, owner: Asker, shop: Shop, asker_of: Callable[..., Asker]
) -> None:
    workflow_id = bench.publish(SEE, on=PAID).workflow.id
    shop.deliver(order())
    (event_id,) = ids(owner)
    before = bench.counts()
    reader = asker_of(role)
    body = {"workflow_id": workflow_id}
    assert reader.refused("POST", f"/api/events/{event_id}/replay", body)[0] == 403
    assert reader.refused("POST", "/api/events/replay", {**body, "ids": [event_id]})[0] == 403
    assert reader.call("GET", "/api/events").status_code == (200 if role == "viewer" else 403)
    assert bench.counts() == before


def test_the_source_of_an_event_is_told(bench: Any, owner: Asker, make: Any) -> None:
    for source in EventSource:
        submit(bench.hub.store, Intake(event=make.event(dedup_key=source, source=source)))
    for source in EventSource:
        assert [one["source"] for one in listed(owner, f"source={source}")] == [source]
