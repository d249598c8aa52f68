"""Events that a workflow's step or an action reports: once, with the record, and to whoever listens."""

from typing import Any

import pytest
import sqlalchemy as sa

from revolution_hub.engine.drive import drive
from revolution_hub.store import tables as t

SEE = {"id": "see", "set": {"data": "{{ trigger.data }}", "type": "{{ trigger.type }}"}}


def tell(event: str = "custom.order.packed", **more: Any) -> dict[str, Any]:
    return {"id": "tell", "emit": {"event": event, **more}}


def events(bench: Any) -> list[Any]:
    with bench.hub.store.read_across() as tx:
        return list(tx.conn.execute(sa.select(t.events).order_by(t.events.c.id)).mappings())


def started_by(bench: Any, workflow_id: str) -> list[Any]:
    with bench.hub.store.read_across() as tx:
        query = sa.select(t.executions.c.id).where(t.executions.c.workflow_id == workflow_id)
        ids = list(tx.conn.execute(query.order_by(t.executions.c.id)).scalars())
    return [bench.look(one) for one in ids]


def test_a_step_starts_whatever_listens_to_what_it_reports(bench: Any) -> None:
    listening = bench.publish(SEE, on=[{"event": "custom.order.*"}]).workflow.id
    deaf = bench.publish(SEE, on=[{"event": "custom.other"}]).workflow.id
    seen = bench.run(tell(data={"n": "{{ trigger.data.n }}"}), {"set": {"after": 1}}, data={"n": 7})
    assert seen.status == "succeeded"
    (event,) = events(bench)
    assert seen.steps["tell"].output == {"event": "custom.order.packed", "event_id": event["id"]}
    assert (event["source"], event["outcome"], event["data"]) == ("step", "started", {"n": 7})
    (other,) = started_by(bench, listening)
    assert other.steps["see"].output == {"data": {"n": 7}, "type": "custom.order.packed"}
    assert (other.execution.event_id, other.execution.trigger["depth"]) == (event["id"], 1)
    assert started_by(bench, deaf) == []


def test_a_neutral_event_is_checked_when_it_is_reported(bench: Any) -> None:
    listening = bench.publish(SEE, on=[{"event": "crm.contact.*"}]).workflow.id
    good = bench.run(tell("crm.contact.created", data="{{ inputs.who }}"), data={"who": {"id": "7"}})
    wrong = bench.run(tell("crm.contact.created", data="{{ inputs.who }}"), data={"who": {"id": 7}})
    assert (good.status, wrong.status) == ("succeeded", "failed")
    assert wrong.execution.error["code"] == "input_invalid"
    assert wrong.execution.error["details"]["problems"][0]["path"] == "data.id"
    assert len(started_by(bench, listening)) == 1


def test_of_a_key_there_is_one_event_whoever_reports_it(bench: Any) -> None:
    listening = bench.publish(SEE, on=[{"event": "custom.order.packed"}]).workflow.id
    step = tell(key="{{ trigger.data.order }}")
    first, again = bench.run(step, data={"order": 1}), bench.run(step, data={"order": 1})
    other = bench.run(step, data={"order": "2"})
    ids = [one.steps["tell"].output["event_id"] for one in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert len(events(bench)) == len(started_by(bench, listening)) == 2


def test_each_item_reports_its_own(bench: Any) -> None:
    listening = bench.publish(SEE, on=[{"event": "custom.order.packed"}]).workflow.id
    loop = {"id": "all", "for_each": "{{ trigger.data.list }}", "concurrency": 3,
            "steps": [tell(data={"n": "{{ item }}"})]}  # fmt: skip
    assert bench.run(loop, data={"list": list(range(9))}).status == "succeeded"
    assert sorted(one["data"]["n"] for one in events(bench)) == list(range(9))
    assert len(started_by(bench, listening)) == 9


def test_workflows_that_start_each_other_come_to_an_end(bench: Any) -> None:
    small = bench.with_settings(emit_depth=3)
    ring = small.publish(tell("custom.ring"), on=["manual", {"event": "custom.ring"}]).workflow.id
    first = small.run(tell("custom.ring"))
    assert first.status == "succeeded"
    small.work()
    rounds = started_by(small, ring)
    assert [one.execution.trigger["depth"] for one in rounds] == [1, 2, 3]
    assert [one.status for one in rounds] == ["succeeded", "succeeded", "failed"]
    error = rounds[-1].execution.error
    assert error["code"] == "limit_exceeded"
    assert error["details"]["setting"] == "REVOLUTION_EMIT_DEPTH"


def test_a_chain_is_counted_through_called_workflows_and_through_failures(bench: Any) -> None:
    small = bench.with_settings(emit_depth=2)
    small.publish(tell("custom.ring"), name="teller")
    called = small.publish({"call": "teller"}, on=[{"event": "custom.ring"}]).workflow.id
    small.run(tell("custom.ring"))
    small.work()
    assert [one.status for one in started_by(small, called)] == ["succeeded", "failed"]
    failing = small.publish(
        {"finish": {"status": "failed"}},
        on=[{"event": "custom.bang"}],
        on_failure={"steps": [tell("custom.bang")]},
    ).workflow.id
    small.run(tell("custom.bang"))
    small.work()
    depths = [one.execution.trigger.get("depth") for one in started_by(small, failing)]
    assert depths == [1, 1, 2, 2]


@pytest.mark.parametrize("commits", [0, 1])
def test_a_worker_that_dies_around_the_commit_neither_loses_nor_doubles_an_event(
    commits: int, bench: Any
) -> None:
    listening = bench.publish(SEE, on=[{"event": "custom.order.packed"}]).workflow.id
    execution_id = bench.start(tell(), {"id": "still", "uses": "lab.put_page"}, {"set": {"x": 1}})
    # The put is committed before it is made, with the event; the worker dies during it, or before it.
    bench.script.next("put_page", bench.vanish())
    if commits:
        bench.work()
    else:
        taken = bench.claim()
        bench.die()
        drive(bench.hub, bench.watch, taken)
        bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert len(events(bench)) == len(started_by(bench, listening)) == 1


def report(*given: Any, **more: Any) -> Any:
    def play(ctx: Any, value: Any) -> Any:
        for type, data in given:
            ctx.emit(type, data, **more)
        return {"did": "it"}

    return play


@pytest.mark.parametrize("action", ["compute_sum", "read_page", "put_page", "send_letter"])
def test_an_action_of_any_effect_may_report_events_of_its_connector(action: str, bench: Any) -> None:
    listening = bench.publish(SEE, on=[{"event": "crm.deal.updated"}]).workflow.id
    bench.script.next(action, report(("page.changed", {"n": 1}), ("page.changed", {"n": 2})))
    assert bench.run({"uses": f"lab.{action}"}).status == "succeeded"
    found = events(bench)
    assert [(one["type"], one["canonical"], one["connector"]) for one in found] == [
        ("lab.page.changed", "crm.deal.updated", "lab")
    ] * 2
    assert [one["data"]["n"] for one in found] == [1, 2]
    assert len(started_by(bench, listening)) == 2


def test_what_an_action_reports_counts_only_if_it_succeeds(bench: Any) -> None:
    def fails(ctx: Any, value: Any) -> Any:
        ctx.emit("page.changed", {})
        raise KeyError("x")

    bench.script.next("read_page", fails)
    assert bench.run({"uses": "lab.read_page"}).status == "failed"
    assert events(bench) == []


def test_an_action_that_is_tried_again_reports_once_under_a_key(bench: Any) -> None:
    for _ in range(2):
        bench.script.next("read_page", report(("page.changed", {}), key="k"))
        bench.run({"uses": "lab.read_page"})
    assert len(events(bench)) == 1


@pytest.mark.parametrize(
    ("type", "data"), [("gone.away", {}), ("page.changed", [1]), ("page.changed", {"a": {1, 2}}), (7, {})]
)
def test_an_action_reports_nothing_else(type: Any, data: Any, bench: Any) -> None:
    bench.script.next("read_page", report((type, data)))
    seen = bench.run({"uses": "lab.read_page"})
    assert seen.status == "failed"
    assert events(bench) == []


def test_a_filter_is_looked_at_before_an_execution_is_made(bench: Any) -> None:
    big = bench.publish(
        SEE, on=[{"event": "custom.order.packed", "where": "{{ trigger.data.n > 5 }}"}]
    ).workflow.id
    for n in (3, 7):
        bench.run(tell(data={"n": n}))
    bench.run(tell(data={"n": "text"}))
    assert [one.execution.trigger["data"]["n"] for one in started_by(bench, big)] == [7]
    outcomes = [
        (one["outcome"], (one["passed_over"] or {}).get(big, {}).get("reason")) for one in events(bench)
    ]
    assert outcomes == [("filtered", "filtered"), ("started", None), ("filtered", "filter_failed")]
