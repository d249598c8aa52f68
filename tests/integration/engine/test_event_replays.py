"""Events are repeated to a workflow and version of choice: one, some, or all of a filter, each once."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from rig.asking import Asker
from rig.shop import PAID, SEE, Shop, open_shop, order

from revolution_hub.bus.replay import advance_replays
from revolution_hub.store import event_replays, events
from revolution_hub.store import tables as t
from revolution_sdk import RejectedError

ANOTHER = {"name": "another", "on": [{"manual": {}}], "steps": [SEE]}


@pytest.fixture
def shop(bench: Any, make: Any) -> Shop:
    """An app of the bench's tenant, and a connection through it."""
    made = open_shop(bench, make)
    made.connect()
    return made


@pytest.fixture
def goal(owner: Asker) -> str:
    """A workflow that listens to nothing."""
    return owner.publish(ANOTHER)


def deliver(shop: Shop, owner: Asker, count: int) -> list[str]:
    """Let so many events come in and return their ids in that order."""
    for number in range(count):
        shop.deliver(order(key=f"key-{number}", data={"n": number}))
    return [one["id"] for one in owner.ask("GET", "/api/events?limit=200&sort=created_at")["items"]]


def replays_of(bench: Any, workflow_id: str) -> list[str]:
    """Return the events a workflow was started with by replays, in the order they were started."""
    table = t.executions
    query = sa.select(table.c.replay_of).where(table.c.workflow_id == workflow_id).order_by(table.c.id)
    with bench.hub.store.read_across() as tx:
        return list(tx.conn.execute(query).scalars())


def finish(bench: Any, **options: int) -> None:
    for _ in range(50):
        with bench.hub.store.read("ten_a") as tx:
            if not event_replays.count_running(tx):
                return
        advance_replays(bench.hub, **options)
    raise AssertionError("the replay never ended")


def test_an_event_starts_another_workflow_once_more(bench: Any, owner: Asker, shop: Shop, goal: str) -> None:
    (event_id,) = deliver(shop, owner, 1)
    started = owner.ask("POST", f"/api/events/{event_id}/replay", {"workflow_id": goal})
    bench.work()
    seen = bench.look(started["execution_id"])
    assert seen.status == "succeeded"
    assert seen.steps["see"].output == {"data": {"n": 0}, "type": "shop.order.paid"}
    assert (seen.execution.trigger["kind"], seen.execution.trigger["event_id"]) == ("event", event_id)
    (execution,) = owner.ask("GET", f"/api/events/{event_id}")["executions"]
    assert (execution["id"], execution["replay"]) == (started["execution_id"], True)


def test_the_same_workflow_is_started_again_although_it_has_run(bench: Any, owner: Asker, shop: Shop) -> None:
    workflow_id = bench.publish(SEE, on=PAID, idempotency={"key": "{{ trigger.data.n }}"}).workflow.id
    (event_id,) = deliver(shop, owner, 1)
    for _ in range(2):
        owner.ask("POST", f"/api/events/{event_id}/replay", {"workflow_id": workflow_id})
    executions = owner.ask("GET", f"/api/events/{event_id}")["executions"]
    assert [one["replay"] for one in executions] == [False, True, True]


def test_the_same_key_starts_nothing_twice(bench: Any, owner: Asker, shop: Shop, goal: str) -> None:
    first, second = deliver(shop, owner, 2)
    body = {"workflow_id": goal}
    answers = [
        owner.call("POST", f"/api/events/{first}/replay", body, Idempotency_Key="once") for _ in range(3)
    ]
    assert len({one.json()["execution_id"] for one in answers}) == 1
    assert [one.headers.get("idempotent-replayed") for one in answers] == [None, "true", "true"]
    other = owner.refused("POST", f"/api/events/{second}/replay", body, Idempotency_Key="once")
    assert other == (409, "idempotency_key_reused")


def test_a_draft_is_tried_with_an_event(bench: Any, owner: Asker, shop: Shop) -> None:
    draft = owner.create({**ANOTHER, "steps": [{"id": "drafted", "set": {"n": "{{ trigger.data.n }}"}}]})
    (event_id,) = deliver(shop, owner, 1)
    refused = owner.refused("POST", f"/api/events/{event_id}/replay", {"workflow_id": draft})
    assert refused == (409, "not_published")
    body = {"workflow_id": draft, "version": "draft"}
    started = owner.ask("POST", f"/api/events/{event_id}/replay", body)
    bench.work()
    assert bench.look(started["execution_id"]).steps["drafted"].output == {"n": 0}


def test_a_version_of_choice_is_started(bench: Any, owner: Asker, shop: Shop, goal: str) -> None:
    owner.ask("POST", f"/api/workflows/{goal}/publish")
    (event_id,) = deliver(shop, owner, 1)
    started = owner.ask("POST", f"/api/events/{event_id}/replay", {"workflow_id": goal, "version": 1})
    assert bench.look(started["execution_id"]).execution.version == 1
    body = {"workflow_id": goal, "version": 77}
    assert owner.refused("POST", f"/api/events/{event_id}/replay", body) == (404, "not_found")


def test_who_listens_to_the_neutral_name_is_handed_the_neutral_form(
    bench: Any, owner: Asker, shop: Shop
) -> None:
    workflow_id = bench.publish(SEE, on=[{"event": "crm.deal.*"}]).workflow.id
    (event_id,) = deliver(shop, owner, 1)
    started = owner.ask("POST", f"/api/events/{event_id}/replay", {"workflow_id": workflow_id})
    first = owner.ask("GET", f"/api/events/{event_id}")["executions"][0]["id"]
    trigger, again = (bench.look(one).execution.trigger for one in (first, started["execution_id"]))
    assert again == trigger


def test_a_selection_is_repeated_in_the_background(bench: Any, owner: Asker, shop: Shop, goal: str) -> None:
    made = deliver(shop, owner, 5)
    replay = owner.ask(
        "POST", "/api/events/replay", {"workflow_id": goal, "ids": [made[3], made[1], made[3], "evt_none"]}
    )
    assert (replay["status"], replay["started"]) == ("running", 0)
    assert replays_of(bench, goal) == []
    finish(bench)
    assert replays_of(bench, goal) == [made[1], made[3]]
    done = owner.ask("GET", f"/api/event-replays/{replay['id']}")
    assert (done["status"], done["looked_at"], done["started"], done["problem"]) == ("done", 2, 2, None)


def test_all_that_a_filter_finds_is_repeated_from_the_oldest_on_batch_by_batch(
    bench: Any, owner: Asker, shop: Shop, goal: str
) -> None:
    made = deliver(shop, owner, 11)
    shop.deliver(order(key="sent", type="order.sent"))
    body = {"workflow_id": goal, "filter": {"type": "shop.order.paid"}}
    replay = owner.ask("POST", "/api/events/replay", body)
    # What comes in from now on is not looked at.
    shop.deliver(order(key="late"))
    assert advance_replays(bench.hub, batch=4) == 4
    half = owner.ask("GET", f"/api/event-replays/{replay['id']}")
    assert (half["status"], half["started"]) == ("running", 4)
    finish(bench, batch=4)
    assert replays_of(bench, goal) == made
    assert owner.ask("GET", f"/api/event-replays/{replay['id']}")["started"] == 11


def test_what_has_failed_is_repeated_and_what_fails_again_is_not_repeated_for_ever(
    bench: Any, owner: Asker, shop: Shop, script: Any
) -> None:
    workflow_id = bench.publish({"id": "send", "uses": "lab.send_letter", "with": {}}, on=PAID).workflow.id
    script.next("send_letter", *[RejectedError("no", code="not_found") for _ in range(4)])
    made = deliver(shop, owner, 3)
    bench.work()
    body = {"workflow_id": workflow_id, "filter": {"status": "failed"}}
    owner.ask("POST", "/api/events/replay", body)
    finish(bench)
    bench.work()
    finish(bench)
    repeated = [one for one in replays_of(bench, workflow_id) if one is not None]
    assert repeated == made
    letters = owner.ask("GET", "/api/dead-letters")["items"]
    # One has failed again: it is there twice, for both of its executions.
    assert sorted({one["id"] for one in letters}) == made
    assert len(letters) == 4


def test_the_same_request_begins_one_replay(bench: Any, owner: Asker, shop: Shop, goal: str) -> None:
    made = deliver(shop, owner, 3)
    body = {"workflow_id": goal, "filter": {"connector": "shop"}}
    answers = [owner.ask("POST", "/api/events/replay", body, Idempotency_Key="once") for _ in range(3)]
    assert len({one["id"] for one in answers}) == 1
    finish(bench)
    again = owner.ask("POST", "/api/events/replay", body, Idempotency_Key="once")
    assert (again["id"], again["status"]) == (answers[0]["id"], "done")
    finish(bench)
    assert replays_of(bench, goal) == made


def test_a_batch_that_was_started_and_not_noted_is_started_once(
    bench: Any, owner: Asker, shop: Shop, goal: str
) -> None:
    made = deliver(shop, owner, 4)
    body = {"workflow_id": goal, "filter": {"connector": "shop"}}
    replay = owner.ask("POST", "/api/events/replay", body)
    # Two clocks look at the same moment, and the first one dies before it can note how far it is.
    (known,) = event_replays.list_running(bench.hub.store, 9)
    finish(bench)
    with bench.hub.store.begin("ten_a") as tx:
        tx.conn.execute(
            sa.update(t.event_replays).values(
                status="running", position=known.position, looked_at=0, started=0
            )
        )
    finish(bench)
    assert replays_of(bench, goal) == made
    done = owner.ask("GET", f"/api/event-replays/{replay['id']}")
    assert (done["looked_at"], done["started"]) == (4, 4)


def test_a_clock_that_comes_late_counts_nothing_twice(
    bench: Any, owner: Asker, shop: Shop, goal: str
) -> None:
    deliver(shop, owner, 2)
    owner.ask("POST", "/api/events/replay", {"workflow_id": goal, "filter": {"connector": "shop"}})
    (known,) = event_replays.list_running(bench.hub.store, 9)
    finish(bench)
    with bench.hub.store.begin("ten_a") as tx:
        assert not event_replays.note(tx, known, replace(known, started=2, looked_at=2))


def test_a_replay_ends_when_somebody_ends_it_or_its_workflow_is_gone(
    bench: Any, owner: Asker, shop: Shop, goal: str
) -> None:
    deliver(shop, owner, 2)
    body = {"workflow_id": goal, "filter": {"connector": "shop"}}
    ended = owner.ask("POST", "/api/events/replay", body)
    cancelled = owner.ask("POST", f"/api/event-replays/{ended['id']}/cancel")
    assert cancelled["status"] == "cancelled"
    refused = owner.refused("POST", f"/api/event-replays/{ended['id']}/cancel")
    assert refused == (409, "already_ended")
    finish(bench)
    assert replays_of(bench, goal) == []


def test_only_so_many_replays_are_under_way_at_once(owner: Asker, shop: Shop, goal: str) -> None:
    body = {"workflow_id": goal, "filter": {}}
    for _ in range(10):
        owner.ask("POST", "/api/events/replay", body)
    assert owner.refused("POST", "/api/events/replay", body) == (429, "too_many_replays")
    listed = owner.ask("GET", "/api/event-replays?limit=3")
    assert (len(listed["items"]), listed["next_cursor"] is None) == (3, False)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"ids": ["evt_1"]}, "workflow_id"),
        ({"workflow_id": "wf_1"}, ""),
        ({"workflow_id": "wf_1", "ids": ["evt_1"], "filter": {}}, ""),
        ({"workflow_id": "wf_1", "ids": []}, "ids"),
        ({"workflow_id": "wf_1", "ids": ["x"] * 501}, "ids"),
        ({"workflow_id": "wf_1", "filter": {"status": "odd"}}, "filter.status"),
        ({"workflow_id": "wf_1", "filter": {"path": "$.a"}}, "filter.value"),
        ({"workflow_id": "wf_1", "filter": {}, "version": "newest"}, "version"),
        ({"workflow_id": "wf_1", "filter": {}, "version": 0}, "version"),
        ({"workflow_id": "wf_1", "filter": {}, "extra": 1}, "extra"),
    ],
)
def test_a_wrong_request_is_told_where_it_is_wrong(body: Any, path: str, owner: Asker) -> None:
    answer = owner.call("POST", "/api/events/replay", body)
    assert answer.status_code == 422
    assert any(one["path"].startswith(path) for one in answer.json()["problems"])


def test_a_filter_is_kept_as_it_was_given() -> None:
    given = events.EventFilter(
        type="a.*", source=None, outcome=None, path=("a", 0, "b c"), value="", failed=True
    )
    assert event_replays.filter_of(event_replays.filter_json(given)) == given
