"""Every way to a step that calls no action, and has an approval, stops at the gate."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from rig.approvals import Desk, enroll

from revolution_hub.services import replays, retries, starts
from revolution_hub.services import workflows as drafts
from revolution_hub.services.emitting import NewEvent, emit_event
from revolution_hub.services.pins import Wanted
from revolution_hub.services.replays import Wish
from revolution_hub.services.starts import Trial
from revolution_hub.store import tables as t
from revolution_sdk.errors import RejectedError


@pytest.fixture(autouse=True)
def desk(bench: Any) -> Desk:
    """Two who may decide, and a workflow to call."""
    enroll(bench.hub, ada="owner", bea="owner")
    bench.publish({"uses": "lab.read_page"}, name="inner")
    return Desk(bench.hub)


def events(bench: Any) -> int:
    with bench.hub.store.read("ten_a") as tx:
        query = sa.select(sa.func.count()).where(t.events.c.type == "custom.told")
        return int(tx.conn.execute(query).scalar_one())


STEP = {"id": "it", "emit": {"event": "custom.told", "data": {"n": 1}}, "approval": {}}


def by_hand(bench: Any, desk: Desk) -> None:
    bench.start(STEP)


def by_event(bench: Any, desk: Desk) -> None:
    bench.publish(STEP, on=[{"event": "custom.due"}])
    emit_event(bench.hub, bench.principal, NewEvent(type="custom.due", data={}))


def by_sub_workflow(bench: Any, desk: Desk) -> None:
    bench.publish(STEP, name="outer", on=[{"manual": {}}])
    bench.start({"id": "go", "call": "outer"})


def in_a_branch(bench: Any, desk: Desk) -> None:
    bench.start({"id": "go", "parallel": {"one": [STEP]}})


def in_an_item(bench: Any, desk: Desk) -> None:
    bench.start({"id": "go", "for_each": [1], "steps": [STEP]})


def within_blocks(bench: Any, desk: Desk) -> None:
    chosen = {"id": "choose", "switch": "{{ 'a' }}", "cases": {"a": [STEP]}}
    bench.start({"id": "go", "if": "{{ true }}", "then": [chosen]})


def behind_an_error(bench: Any, desk: Desk) -> None:
    bench.script.next("put_page", RejectedError("no"))
    bench.start({"id": "go", "uses": "lab.put_page", "on_error": {"steps": [STEP]}})


def after_a_failure(bench: Any, desk: Desk) -> None:
    bench.script.next("put_page", RejectedError("no"))
    bench.start({"id": "go", "uses": "lab.put_page"}, on_failure={"steps": [STEP]})


def as_a_draft(bench: Any, desk: Desk) -> None:
    draft = drafts.create_workflow(bench.hub, bench.principal, {"name": "draft", "steps": [STEP]})
    starts.execute_workflow(bench.hub, bench.principal, draft.id, {}, None, Trial(draft=True))


def done(bench: Any, desk: Desk) -> str:
    """An execution in which it was agreed to and done."""
    execution_id = bench.start(STEP)
    bench.work()
    desk.approve()
    bench.work()
    return str(execution_id)


def by_replay(bench: Any, desk: Desk) -> None:
    replays.replay_execution(bench.hub, bench.principal, done(bench, desk), Wish())


def by_replay_from_the_step(bench: Any, desk: Desk) -> None:
    replays.replay_execution(bench.hub, bench.principal, done(bench, desk), Wish(from_step="it"))


def by_retry_of_a_no(bench: Any, desk: Desk) -> None:
    execution_id = bench.start(STEP)
    bench.work()
    desk.reject()
    bench.work()
    retries.retry_execution(bench.hub, bench.principal, execution_id)


WAYS: list[Callable[[Any, Desk], None]] = [
    by_hand,
    by_event,
    by_sub_workflow,
    in_a_branch,
    in_an_item,
    within_blocks,
    behind_an_error,
    after_a_failure,
    as_a_draft,
    by_replay,
    by_replay_from_the_step,
    by_retry_of_a_no,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda one: one.__name__)
def test_no_way_leads_around_the_gate(bench: Any, desk: Desk, way: Callable[[Any, Desk], None]) -> None:
    way(bench, desk)
    before = events(bench)
    bench.work()
    bench.pass_time(60)
    assert events(bench) == before
    desk.approve()
    bench.work()
    assert (events(bench), desk.all(status="pending")) == (before + 1, [])


def test_what_a_pinned_result_stands_for_asks_nobody(bench: Any, desk: Desk) -> None:
    document = {"name": "pinned", "steps": [{"id": "it", "call": "inner", "approval": {}}]}
    draft = drafts.create_workflow(bench.hub, bench.principal, document)
    trial = Trial(draft=True, wanted=Wanted(pins={"it": {"got": "pinned"}}))
    execution_id, _ = starts.execute_workflow(bench.hub, bench.principal, draft.id, {}, None, trial)
    bench.work()
    assert (bench.look(execution_id).status, desk.all()) == ("succeeded", [])
