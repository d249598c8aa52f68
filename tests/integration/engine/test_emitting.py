"""POST /api/events and GET /api/event-types: reporting an event, and what there is to listen to."""

from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.model.hub_events import HUB_EVENTS
from revolution_hub.store import tables as t
from revolution_sdk.canonical import CANONICAL

SEE = {"id": "see", "set": {"data": "{{ trigger.data }}"}}
EVENT = {"type": "custom.order.packed", "data": {"n": 1}}


def count(bench: Any) -> list[int]:
    return list(bench.counts()[2:])


def test_an_event_that_is_reported_starts_what_listens(bench: Any, owner: Any) -> None:
    bench.publish(SEE, on=[{"event": "custom.*"}])
    bench.publish(SEE, on=[{"event": "custom.order.packed", "where": "{{ trigger.data.n > 1 }}"}])
    made = owner.ask("POST", "/api/events", {**EVENT, "occurred_at": "2026-11-22T08:00:00+01:00"})
    assert (made["new"], len(made["execution_ids"])) == (True, 1)
    bench.work()
    assert bench.look(made["execution_ids"][0]).steps["see"].output == {"data": {"n": 1}}
    shown = owner.ask("GET", f"/api/events/{made['event_id']}")
    assert shown["occurred_at"] == "2026-11-22T07:00:00.000Z" or shown["occurred_at"].startswith(
        "2026-11-22T07"
    )


def test_of_a_type_and_a_key_there_is_one_event(bench: Any, owner: Any) -> None:
    bench.publish(SEE, on=[{"event": "custom.*"}])
    first, again = (owner.ask("POST", "/api/events", {**EVENT, "key": "o-1"}) for _ in range(2))
    assert (first["new"], again["new"]) == (True, False)
    assert first["event_id"] == again["event_id"]
    assert first["execution_ids"] == again["execution_ids"]
    other = owner.ask("POST", "/api/events", {**EVENT, "key": "o-1", "type": "custom.order.sent"})
    assert other["new"]
    assert count(bench) == [2, 2]


def test_the_key_is_the_same_for_a_workflow_and_for_a_person(bench: Any, owner: Any) -> None:
    bench.run({"emit": {"event": "custom.order.packed", "data": {"n": 1}, "key": "o-1"}})
    assert not owner.ask("POST", "/api/events", {**EVENT, "key": "o-1"})["new"]


def test_the_same_request_is_taken_once(bench: Any, owner: Any) -> None:
    bench.publish(SEE, on=[{"event": "custom.*"}])
    for new in (True, False):
        answer = owner.call("POST", "/api/events", EVENT, idempotency_key="k-1")
        assert answer.status_code == 202
        assert answer.json()["new"] is new
        assert (answer.headers.get("idempotent-replayed") == "true") is not new
    other = {**EVENT, "data": {"n": 2}}
    assert owner.refused("POST", "/api/events", other, idempotency_key="k-1") == (
        409,
        "idempotency_key_reused",
    )
    assert owner.call("POST", "/api/events", EVENT).json()["new"]
    assert count(bench) == [2, 2]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"type": "lab.page.changed"}, ["type"]),
        ({"type": "custom"}, ["type"]),
        ({"type": "custom.*"}, ["type"]),
        ({"type": "custom.Order"}, ["type"]),
        ({"type": "custom." + "a" * 195 + ".b"}, ["type"]),
        ({"type": "nobody.knows"}, ["type"]),
        ({"type": "crm.contact.created", "data": {}}, ["data"]),
        ({"type": "crm.contact.created", "data": {"id": 7}}, ["data.id"]),
        ({"type": "custom.a", "data": [1]}, ["data"]),
        ({"type": "custom.a", "key": ""}, ["key"]),
        ({"type": "custom.a", "occurred_at": "soon"}, ["occurred_at"]),
        ({"type": 7}, ["type"]),
        ({}, ["type"]),
    ],
)
def test_what_is_wrong_with_an_event_is_told(given: Any, paths: list[str], bench: Any, owner: Any) -> None:
    answer = owner.call("POST", "/api/events", given)
    assert answer.status_code == 422
    assert [one["path"] for one in answer.json()["problems"]] == paths
    assert count(bench) == [0, 0]


def test_only_whoever_may_reports_an_event(bench: Any, asker_of: Any) -> None:
    assert asker_of("viewer").refused("POST", "/api/events", EVENT) == (403, "forbidden")
    assert count(bench) == [0, 0]


def test_another_tenants_workflows_hear_nothing(bench: Any, owner: Any, asker_of: Any) -> None:
    bench.publish(SEE, on=[{"event": "custom.*"}])
    other = asker_of("owner", "ten_b")
    first = owner.ask("POST", "/api/events", {**EVENT, "key": "k"})
    second = other.ask("POST", "/api/events", {**EVENT, "key": "k"})
    assert (len(first["execution_ids"]), second["execution_ids"], second["new"]) == (1, [], True)
    with bench.hub.store.read_across() as tx:
        tenants = set(tx.conn.execute(sa.select(t.executions.c.tenant_id)).scalars())
    assert tenants == {"ten_a"}


def test_every_type_of_event_is_listed_with_its_schema(owner: Any) -> None:
    found = owner.ask("GET", "/api/event-types")["items"]
    types = [one["type"] for one in found]
    assert types == [*CANONICAL, *HUB_EVENTS, "club.page.changed", "lab.page.changed"]
    assert found[-1]["canonical"] == "crm.deal.updated"
    assert all(one["data"]["type"] == "object" and one["title"] for one in found)
