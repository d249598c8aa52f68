"""Every kind of step, not actions alone, waits for people and is then done with what they agreed to."""

from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from rig.approvals import Desk, enroll, person

from revolution_hub.bus.callback import receive_callback
from revolution_hub.bus.hook import receive_hook
from revolution_hub.services import approval_policies, dry_run, retries, versions
from revolution_hub.services import workflows as drafts
from revolution_hub.services.approval_policies import NewPolicy
from revolution_hub.services.dry_run import Rehearsal
from revolution_hub.store import tables as t
from revolution_sdk import Delivery

DATA = {"n": 1, "way": "a", "list": [1, 2]}


def read(name: str) -> list[dict[str, Any]]:
    """A step whose call can be counted."""
    return [{"id": name, "uses": "lab.read_page", "with": {"was": name}}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A step of one kind: what is agreed to, what it gives, and how often the lab is called behind the yes.

    `other` is an input that nobody has agreed to.
    """

    step: dict[str, Any]
    agreed: Any
    output: Any
    other: Any
    calls: int = 0


KINDS: dict[str, Kind] = {
    "set": Kind(step={"set": {"n": "{{ inputs.n + 1 }}"}}, agreed={"n": 2}, output={"n": 2}, other={"n": 9}),
    "emit": Kind(
        step={"emit": {"event": "custom.told", "data": {"n": "{{ inputs.n }}"}}},
        agreed={"data": {"n": 1}},
        output={"event": "custom.told"},
        other={"data": {"n": 9}},
        calls=1,
    ),
    "call": Kind(
        step={"call": "inner", "with": {"n": "{{ inputs.n }}"}},
        agreed={"n": 1},
        output={"got": 1},
        other={"n": 9},
        calls=1,
    ),
    "wait": Kind(
        step={"wait": {"for": "{{ inputs.n * 2 }}h"}}, agreed={"for": "2h"}, output=None, other={"for": "9h"}
    ),
    "respond": Kind(
        step={"respond": {"status": 201, "body": {"n": "{{ inputs.n }}"}}},
        agreed={"status": 201, "body": {"n": 1}},
        output={"status": 201, "body": {"n": 1}},
        other={"status": 201, "body": {"n": 9}},
    ),
    "finish": Kind(
        step={"finish": {"output": {"n": "{{ inputs.n }}"}}},
        agreed={"output": {"n": 1}},
        output={"output": {"n": 1}},
        other={"output": {"n": 9}},
    ),
    "if": Kind(
        step={"if": "{{ inputs.n == 1 }}", "then": read("yes"), "else": []},
        agreed={"holds": True},
        output={"branch": "then"},
        other={"holds": False},
        calls=1,
    ),
    "switch": Kind(
        step={"switch": "{{ inputs.way }}", "cases": {"a": read("first"), "b": []}},
        agreed={"value": "a"},
        output={"case": "a"},
        other={"value": "b"},
        calls=1,
    ),
    "parallel": Kind(
        step={"parallel": {"one": read("left"), "two": read("right")}},
        agreed={},
        output=None,
        other={"one": 9},
        calls=2,
    ),
    "for_each": Kind(
        step={"for_each": "{{ inputs.list }}", "steps": read("item")},
        agreed={"items": [1, 2]},
        output=None,
        other={"items": [9]},
        calls=2,
    ),
}


@pytest.fixture(autouse=True)
def desk(bench: Any) -> Desk:
    """Two who may decide, a workflow to call, and one that listens."""
    enroll(bench.hub, ada="owner", bea="owner")
    publish_inner(bench)
    bench.publish({"uses": "lab.read_page"}, name="listener", on=[{"event": "custom.told"}])
    return Desk(bench.hub)


def publish_inner(bench: Any) -> str:
    steps = [*read("inner"), {"finish": {"output": {"got": "{{ inputs.n }}"}}}]
    return str(bench.publish(*steps, name="inner", inputs={"type": "object"}).workflow.id)


def begun(bench: Any, name: str, data: Any = None, **rule: Any) -> str:
    """An execution that has come to a step of this kind."""
    execution_id = bench.start({"id": "it", **KINDS[name].step, "approval": rule}, data=data or DATA)
    bench.work()
    return str(execution_id)


def all_begun(bench: Any, **rule: Any) -> dict[str, str]:
    """An execution at a step of each kind, by the name of the kind."""
    return {name: begun(bench, name, **rule) for name in KINDS}


def finished(bench: Any, execution_id: str) -> Any:
    """Work, let an hour or two pass where it waits for them, and look."""
    bench.work()
    bench.pass_time(7_200)
    return bench.look(execution_id)


def audited(bench: Any, action: str) -> int:
    with bench.hub.store.read("ten_a") as tx:
        query = sa.select(sa.func.count()).where(t.audit_entries.c.action == action)
        return int(tx.conn.execute(query).scalar_one())


def events(bench: Any) -> int:
    with bench.hub.store.read("ten_a") as tx:
        query = sa.select(sa.func.count()).where(t.events.c.type == "custom.told")
        return int(tx.conn.execute(query).scalar_one())


# From the question to the end.


@pytest.mark.parametrize("name", KINDS)
def test_it_waits_as_a_row_and_is_done_once_with_exactly_what_was_approved(
    bench: Any, script: Any, desk: Desk, name: str
) -> None:
    kind = KINDS[name]
    execution_id = begun(bench, name, message="Do it, {{ inputs.n }}?")
    seen, asked = bench.look(execution_id), desk.one()
    assert (seen.status, seen.waits_for, seen.execution.wait_on) == ("waiting", "approval", asked.id)
    assert (asked.uses, asked.content["kind"], asked.content["input"]) == (name, name, kind.agreed)
    assert asked.content["event"] == ("custom.told" if name == "emit" else None)
    assert (asked.message, seen.steps["it"].input, script.calls, events(bench)) == (
        "Do it, 1?",
        kind.agreed,
        [],
        0,
    )
    desk.approve()
    seen = finished(bench, execution_id)
    assert seen.status == "succeeded"
    assert (script.count("read_page"), events(bench)) == (kind.calls, int(name == "emit"))
    assert [(one.status, one.used_attempt) for one in desk.all()] == [("used", 1)]
    if kind.output is not None:
        assert seen.steps["it"].output.items() >= kind.output.items()
    assert len({one.position for one in seen.steps.values()}) == len(seen.steps)
    bench.pass_time(60)
    assert (script.count("read_page"), len(desk.all())) == (kind.calls, 1)


def test_a_no_fails_it_and_nothing_of_it_is_done(bench: Any, script: Any, desk: Desk) -> None:
    started = all_begun(bench)
    for asked in desk.all():
        desk.reject("bea", asked, comment="not today")
    bench.work()
    for name, execution_id in started.items():
        seen = bench.look(execution_id)
        assert (seen.status, seen.execution.error["code"]) == ("failed", "approval_rejected"), name
        assert "not today" in seen.steps["it"].error["message"], name
        assert (seen.execution.response, seen.order) == (None, ["it"]), name
    assert (script.calls, events(bench)) == ([], 0)


def test_a_deadline_without_an_answer_is_a_no(bench: Any, script: Any, desk: Desk) -> None:
    started = all_begun(bench, deadline="1h")
    bench.pass_time(3_601)
    for name, execution_id in started.items():
        seen = bench.look(execution_id)
        assert (seen.status, seen.execution.error["code"]) == ("failed", "approval_expired"), name
    assert (script.calls, audited(bench, "approval.expire")) == ([], len(KINDS))


def test_a_yes_that_is_not_used_in_time_is_void(bench: Any, script: Any, desk: Desk) -> None:
    started = all_begun(bench, deadline="1h")
    for asked in desk.all():
        desk.approve("bea", asked)
    bench.clock.advance(3 * 3_600)
    bench.work()
    for name, execution_id in started.items():
        assert bench.look(execution_id).execution.error["code"] == "approval_expired", name
    assert script.calls == []


def test_a_deadline_that_escalates_asks_others(bench: Any, desk: Desk) -> None:
    started = all_begun(bench, deadline="4h", assignees=["usr_ada"], escalate_to=["usr_bea"])
    bench.pass_time(4 * 3_600 + 1)
    for asked in desk.all():
        desk.approve("bea", asked)
    bench.work()
    bench.pass_time(7_200)
    for name, execution_id in started.items():
        assert bench.look(execution_id).status == "succeeded", name


def test_what_its_values_are_changed_to_needs_a_new_yes(bench: Any, script: Any, desk: Desk) -> None:
    started = all_begun(bench)
    for name, execution_id in started.items():
        first = desk.approve("bea", desk.one(execution_id))
        change_step(bench, execution_id, input=KINDS[name].other)
        bench.work()
        second = desk.one(execution_id)
        assert (second.generation, second.content["input"]) == (2, KINDS[name].other), name
        assert first.digest != second.digest, name
        assert bench.look(execution_id).waits_for == "approval", name
        desk.reject("bea", second)
        bench.work()
        assert bench.look(execution_id).status == "failed", name
    assert script.calls == []


def change_step(bench: Any, execution_id: str, step_id: str = "it", **values: Any) -> None:
    with bench.hub.store.begin("ten_a") as tx:
        table = t.step_executions
        query = sa.update(table).where(table.c.execution_id == execution_id, table.c.step_id == step_id)
        query = query.values(values)
        assert tx.conn.execute(query).rowcount == 1


def test_what_a_template_would_give_by_then_is_not_what_was_agreed_to(bench: Any, desk: Desk) -> None:
    steps = [{"id": "before", "set": {"x": 1}}, {"id": "it", "set": {"y": "{{ vars.x }}"}, "approval": {}}]
    execution_id = bench.start(*steps)
    bench.work()
    change_step(bench, execution_id, "before", output={"x": 9})
    desk.approve()
    assert finished(bench, execution_id).steps["it"].output == {"y": 1}


def test_what_its_condition_says_no_to_asks_nobody(bench: Any, desk: Desk) -> None:
    seen = bench.run({"id": "it", "if": "{{ false }}", "set": {"n": 1}, "approval": {}})
    assert (seen.status, seen.step("it"), desk.all()) == ("succeeded", "skipped", [])


def test_a_workflow_may_provide_for_a_no(bench: Any, desk: Desk) -> None:
    step = {"id": "it", "set": {"n": 1}, "approval": {}, "on_error": {"continue": "{{ error.code }}"}}
    execution_id = bench.start(step, {"finish": {"output": "{{ steps.it }}"}})
    bench.work()
    desk.reject()
    assert finished(bench, execution_id).execution.output == "approval_rejected"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"emit": {"event": "crm.contact.created", "data": "{{ inputs }}"}}, "input_invalid"),
        ({"respond": {"headers": {"Cache-Control": "{{ inputs.list }}"}}}, "template_invalid"),
        ({"for_each": "{{ inputs.n }}", "steps": [{"set": {"a": 1}}]}, "not_a_list"),
        ({"set": {"n": "{{ inputs.n.more.more }}"}}, "template_invalid"),
        ({"set": {"n": 2**60}}, "not_canonical"),
    ],
)
def test_nobody_is_asked_for_what_would_be_refused(bench: Any, desk: Desk, step: Any, code: str) -> None:
    execution_id = bench.start({"id": "it", **step, "approval": {}}, data=DATA)
    bench.work()
    assert (bench.look(execution_id).execution.error["code"], desk.all()) == (code, [])


# What only some kinds have.


def test_a_call_is_bound_to_the_version_that_was_shown(bench: Any, script: Any, desk: Desk) -> None:
    execution_id = begun(bench, "call")
    first = desk.approve()
    stored = drafts.get_workflow(bench.hub, bench.principal, first.content["called"]["id"])
    document = {**stored.document, "description": "another"}
    drafts.replace_workflow(bench.hub, bench.principal, stored.id, document, stored.revision)
    versions.publish_workflow(bench.hub, bench.principal, stored.id)
    bench.work()
    second = desk.one()
    assert (first.content["called"]["version"], second.content["called"]["version"]) == (1, 2)
    assert (second.generation, script.calls) == (2, [])
    desk.approve("bea", second)
    assert finished(bench, execution_id).status == "succeeded"


def test_a_call_of_what_is_not_published_any_more_is_not_made(bench: Any, script: Any, desk: Desk) -> None:
    execution_id = begun(bench, "call")
    versions.unpublish_workflow(bench.hub, bench.principal, desk.approve().content["called"]["id"])
    assert finished(bench, execution_id).execution.error["code"] == "not_published"
    assert script.calls == []


def test_time_begins_with_the_yes(bench: Any, desk: Desk) -> None:
    execution_id = begun(bench, "wait")
    bench.pass_time(3_600)
    desk.approve()
    bench.work()
    assert bench.look(execution_id).waits_for == "timer"
    bench.pass_time(7_199)
    assert bench.look(execution_id).waits_for == "timer"
    bench.pass_time(2)
    assert (bench.look(execution_id).status, len(desk.all())) == ("succeeded", 1)


def test_a_callback_that_comes_before_the_yes_is_kept_and_decides_nothing(bench: Any, desk: Desk) -> None:
    step = {"id": "it", "wait": {"callback": {}}, "timeout": "1h", "approval": {}}
    execution_id = bench.start({"set": {"to": "{{ callbacks.it }}"}}, step)
    bench.work()
    address = next(iter(bench.look(execution_id).steps.values())).output["to"]
    receive_callback(bench.hub, *address.rpartition("/hooks/callbacks/")[2].split("/"), {"yes": True})
    bench.pass_time(2 * 3_600)
    assert bench.look(execution_id).waits_for == "approval"
    desk.approve()
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.steps["it"].output["body"]) == ("succeeded", {"yes": True})


def test_an_answer_is_given_by_a_worker_and_not_before_the_yes(bench: Any, desk: Desk) -> None:
    steps = [{"id": "first", "set": {"n": 1}}, {"id": "it", "respond": {"body": "ok"}, "approval": {}}]
    hook = bench.publish(*steps, on=[{"webhook": {"auth": "none", "answer": "result"}}]).hook
    delivery = Delivery(method="POST", url="/", headers={}, body=b"{}", received_at=bench.clock.now)
    started = receive_hook(bench.hub, str(hook).removeprefix("/hooks/"), delivery)
    seen = bench.look(started.execution_id)
    assert (seen.status, seen.order, seen.execution.response) == ("queued", ["first"], None)
    bench.work()
    assert bench.look(started.execution_id).waits_for == "approval"
    desk.approve()
    bench.work()
    assert bench.look(started.execution_id).execution.response == {"status": 200, "body": "ok"}


def test_every_item_asks_for_itself(bench: Any, desk: Desk) -> None:
    step = {"id": "it", "set": {"n": "{{ item }}"}, "approval": {}, "on_error": "continue"}
    loop = {"id": "loop", "for_each": [1, 2, 3], "concurrency": 3, "result": "{{ steps.it }}"}
    execution_id = bench.start({**loop, "steps": [step]})
    bench.work()
    asked = {one.content["input"]["n"]: one for one in desk.all(status="pending")}
    assert [asked[n].step_id for n in (1, 2, 3)] == ["it#0", "it#1", "it#2"]
    desk.approve("bea", asked[1])
    desk.reject("bea", asked[2])
    desk.approve("bea", asked[3])
    bench.work()
    output = bench.look(execution_id).steps["loop"].output
    assert output["items"] == [{"n": 1}, None, {"n": 3}]


def test_policies_name_actions_and_nothing_else(bench: Any, desk: Desk) -> None:
    approval_policies.create_policy(bench.hub, bench.principal, NewPolicy(pattern="*", rule={"quorum": 2}))
    assert bench.run({"id": "free", "set": {"n": 1}}).status == "succeeded"
    begun(bench, "set")
    assert [one.source for one in desk.one().demands] == ["step"]


def test_a_dry_run_says_which_steps_would_ask(bench: Any, desk: Desk) -> None:
    steps = [
        {"id": f"s{index}", **kind.step, "approval": {}}
        for index, (name, kind) in enumerate(KINDS.items())
        if name not in ("finish", "respond")
    ]
    workflow_id = bench.publish(*steps, {"id": "free", "set": {"m": 1}}).workflow.id
    told = dry_run.dry_run(bench.hub, bench.principal, workflow_id, Rehearsal(data=DATA))
    asking = [one.step.id for one in told.steps if one.approval == ["step"]]
    assert (asking, desk.all()) == ([one["id"] for one in steps], [])


def test_who_tries_it_again_after_a_no_asks_anew(bench: Any, desk: Desk) -> None:
    started = all_begun(bench)
    for asked in desk.all():
        desk.reject("bea", asked)
    bench.work()
    for execution_id in started.values():
        retries.retry_execution(bench.hub, person("ada"), execution_id)
    bench.work()
    for asked in desk.all(status="pending"):
        assert (asked.generation, "usr_ada" in asked.requesters) == (2, True), asked.uses
        desk.approve("bea", asked)
    bench.work()
    bench.pass_time(7_200)
    assert {name: bench.look(one).status for name, one in started.items()} == dict.fromkeys(
        KINDS, "succeeded"
    )
