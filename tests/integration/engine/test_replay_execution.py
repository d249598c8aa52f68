"""An execution is repeated as another one, from its beginning or from any step, as it was or changed."""

from dataclasses import replace
from typing import Any

import pytest

from revolution_hub.access.rbac import permissions_of
from revolution_hub.errors import AccessError, ConflictError, InputError, NotFoundError
from revolution_hub.services import shares, starts, versions, workflows
from revolution_hub.services.executions import cancel_execution
from revolution_hub.services.idempotency import Once
from revolution_hub.services.replays import Wish, replay_execution, replay_executions
from revolution_hub.services.selection import Selection
from revolution_hub.store import family, tenants
from revolution_hub.store.listing import Filter, list_page
from revolution_hub.store.paging import Page
from revolution_sdk.errors import RejectedError, UnknownOutcomeError

FIRST = {"id": "first", "uses": "lab.read_page", "with": {"to": "{{ trigger.data.to? }}"}}
SECOND = {"id": "second", "uses": "lab.send_letter", "with": {"n": "{{ steps.first.n }}"}}
LAST = {"id": "last", "set": {"n": "{{ steps.second.n ?? 0 }}", "first": "{{ steps.first.n }}"}}


def replay(bench: Any, execution_id: str, once: Once | None = None, **wish: Any) -> Any:
    """Replay it, work, and look at what came of it."""
    made, _ = replay_execution(bench.hub, bench.principal, execution_id, Wish(**wish), once)
    bench.work()
    return bench.look(made)


def problems(bench: Any, execution_id: str, **wish: Any) -> list[tuple[str, str]]:
    """Return path and code of everything for which a replay is refused."""
    before = bench.counts()
    with pytest.raises(InputError) as caught:
        replay_execution(bench.hub, bench.principal, execution_id, Wish(**wish))
    assert bench.counts() == before
    return [(one.path, one.code) for one in caught.value.problems]


@pytest.fixture
def done(bench: Any, script: Any) -> Any:
    """An execution that has come to its end."""
    script.next("read_page", {"n": 1})
    script.next("send_letter", {"n": 2})
    return bench.run(FIRST, SECOND, LAST, data={"to": "Ada"})


def test_from_the_beginning_everything_is_done_anew(bench: Any, script: Any, done: Any) -> None:
    script.next("read_page", {"n": 10})
    script.next("send_letter", {"n": 20})
    seen = replay(bench, done.execution.id)
    assert (seen.status, seen.steps["last"].output) == ("succeeded", {"n": 20, "first": 10})
    assert (seen.execution.replay_of, seen.execution.started_by) == (done.execution.id, bench.principal.id)
    assert seen.execution.trigger == done.execution.trigger
    assert len(script.keys("send_letter")) == 2


@pytest.mark.parametrize("step", ["second", "last"])
def test_from_a_step_on_what_is_before_it_is_taken_over(
    step: str, bench: Any, script: Any, done: Any
) -> None:
    seen = replay(bench, done.execution.id, from_step=step)
    assert seen.status == "succeeded"
    assert seen.order == ["first", "second", "last"]
    assert [one.position for one in seen.steps.values()] == [0, 1, 2]
    assert script.count("read_page") == 1
    assert script.count("send_letter") == (2 if step == "second" else 1)
    assert len(script.keys("send_letter")) == script.count("send_letter")
    assert (seen.steps["first"].attempts, seen.steps["first"].output) == (0, {"n": 1})
    assert seen.tried("first") == []
    assert bench.look(done.execution.id) == done


def test_the_step_begun_at_may_get_another_input(bench: Any, script: Any, done: Any) -> None:
    seen = replay(bench, done.execution.id, from_step="second", inputs={"second": {"n": 99}})
    assert (seen.status, seen.steps["second"].input) == ("succeeded", {"n": 99})
    assert script.calls[-1][1] == {"n": 99}
    assert seen.tried("second") == ["succeeded"]


def test_its_time_begins_when_it_is_tried(bench: Any, script: Any) -> None:
    second = {**SECOND, "timeout": "1m"}
    failed = bench.run(FIRST | {"with": {}}, {"id": "x", "set": {}}, {**second, "with": {}})
    made, _ = replay_execution(
        bench.hub, bench.principal, failed.execution.id, Wish(from_step="second", inputs={"second": {}})
    )
    bench.clock.advance(3_600)
    bench.work()
    assert bench.look(made).steps["second"].started_at == bench.clock.now


def test_the_data_of_the_trigger_may_be_another(bench: Any, script: Any, done: Any) -> None:
    script.next("read_page", {"n": 1})
    replay(bench, done.execution.id, data=({"to": "Grace"},))
    assert script.calls[-2][:2] == ("read_page", {"to": "Grace"})


def test_data_by_hand_must_follow_the_inputs(bench: Any) -> None:
    inputs = {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}}
    seen = bench.run({"id": "it", "set": {"n": "{{ inputs.n }}"}}, inputs=inputs)
    assert problems(bench, seen.execution.id, data=({"n": "four"},)) == [("data.n", "type")]
    assert replay(bench, seen.execution.id, data=({},)).steps["it"].output == {"n": 3}


def test_another_version_is_run_if_asked_for(bench: Any, script: Any) -> None:
    script.next("read_page", {"n": 1})
    published = bench.publish(FIRST, {"id": "end", "set": {"v": 1}})
    workflow_id = published.workflow.id
    old = starts.execute_workflow(bench.hub, bench.principal, workflow_id, {}, None)[0]
    bench.work()
    for number, way in ((2, "published"), (3, "draft")):
        document = {**published.workflow.document, "steps": [FIRST, {"id": "end", "set": {"v": number}}]}
        stored = workflows.get_workflow(bench.hub, bench.principal, workflow_id)
        workflows.replace_workflow(bench.hub, bench.principal, workflow_id, document, stored.revision)
        if way == "published":
            versions.publish_workflow(bench.hub, bench.principal, workflow_id)
    for version, expect in (("same", 1), (1, 1), ("published", 2), (2, 2), ("draft", 3)):
        seen = replay(bench, old, version=version, from_step="end")
        assert (seen.status, seen.steps["end"].output) == ("succeeded", {"v": expect})
    assert script.count("read_page") == 1
    with pytest.raises(NotFoundError):
        replay(bench, old, version=7)


NESTED = (
    {
        "id": "choice",
        "if": "{{ trigger.data.yes }}",
        "then": [{"id": "yes", "set": {}}, FIRST],
        "else": [{"id": "no", "set": {}}],
    },
    {"id": "fan", "parallel": {"a": [{"id": "in_branch", "set": {"x": 1}}]}},
    {"id": "each", "for_each": [1, 2], "steps": [{"id": "in_item", "set": {"y": "{{ item }}"}}]},
    {"id": "end", "set": {"x": "{{ steps.fan.a.in_branch.x }}", "y": "{{ steps.each.succeeded }}"}},
)


@pytest.fixture
def nested(bench: Any) -> str:
    """An execution with branches, items and children that has come to its end."""
    seen = bench.run(*NESTED, data={"yes": True})
    assert seen.status == "succeeded"
    return str(seen.execution.id)


@pytest.mark.parametrize("step", ["choice", "yes", "first", "fan", "each", "end"])
def test_every_step_of_its_own_can_be_begun_at(step: str, bench: Any, script: Any, nested: str) -> None:
    seen = replay(bench, nested, from_step=step)
    assert (seen.status, seen.steps["end"].output) == ("succeeded", {"x": 1, "y": 2})
    assert script.count("read_page") == (2 if step in ("choice", "yes", "first") else 1)
    with bench.hub.store.read("ten_a") as tx:
        begun = {one.parent_step for one in family.list_children(tx, seen.execution.id)}
    expect = {"each": {"each"}, "end": set()}
    assert begun == expect.get(step, {"fan", "each"})


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("in_branch", "not_at_this_level"),
        ("in_item", "not_at_this_level"),
        ("no", "branch_not_taken"),
        ("yess", "unknown_step"),
    ],
)
def test_a_step_that_cannot_be_begun_at_is_refused(step: str, code: str, bench: Any, nested: str) -> None:
    assert problems(bench, nested, from_step=step) == [("from_step", code)]


def test_what_is_before_the_step_must_be_done_in_the_same_way(bench: Any, script: Any) -> None:
    script.next("read_page", {"n": 1})
    published = bench.publish(FIRST, SECOND, LAST)
    workflow_id = published.workflow.id
    old = starts.execute_workflow(bench.hub, bench.principal, workflow_id, {}, None)[0]
    bench.work()
    steps = [
        {**FIRST, "uses": "lab.put_page"},
        {"id": "new", "set": {}},
        {"id": "second", "set": {"n": 1}},
        {"id": "choice", "if": True, "then": [{"id": "within", "set": {}}]},
        LAST,
    ]
    document = {**published.workflow.document, "steps": steps}
    workflows.replace_workflow(bench.hub, bench.principal, workflow_id, document, published.workflow.revision)
    assert problems(bench, old, version="draft", from_step="last") == [("from_step", "step_not_done")] * 4
    assert problems(bench, old, version="draft", from_step="within") == [("from_step", "step_not_done")] * 4
    assert replay(bench, old, version="draft", from_step="first").status == "failed"


def test_a_step_behind_one_without_result_is_refused(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"))
    failed = bench.run(FIRST, SECOND, LAST)
    assert problems(bench, failed.execution.id, from_step="second") == [("from_step", "step_not_done")]
    assert replay(bench, failed.execution.id, from_step="first").order[0] == "first"


def test_a_failure_that_was_provided_for_is_taken_over(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"))
    first = {**FIRST, "on_error": {"continue": {"n": 7}}}
    seen = bench.run(first, SECOND, LAST)
    again = replay(bench, seen.execution.id, from_step="last")
    assert (again.status, again.steps["last"].output["first"]) == ("succeeded", 7)
    assert again.step("first") == "failed"


def test_behind_the_end_nothing_can_be_begun(bench: Any) -> None:
    steps = ({"id": "end", "if": "{{ true }}", "finish": {}}, {"id": "never", "set": {}})
    execution_id = bench.run(*steps).execution.id
    assert problems(bench, execution_id, from_step="never") == [("from_step", "step_not_done")]


@pytest.mark.parametrize(
    ("inputs", "expect"),
    [
        ({"first": {}}, [("inputs.first", "not_begun_at")]),
        ({"none": {}}, [("inputs.none", "not_begun_at")]),
        ({"second": {"who": 1}}, [("inputs.second.who", "type")]),
    ],
)
def test_only_the_step_begun_at_takes_an_input_and_it_must_fit(inputs: Any, expect: Any, bench: Any) -> None:
    bench.connect()
    seen = bench.run({"id": "first", "uses": "lab.read_page"}, {"id": "second", "uses": "club.invite_member"})
    assert problems(bench, seen.execution.id, from_step="second", inputs=inputs) == expect


def test_only_an_action_takes_an_input(bench: Any, done: Any) -> None:
    found = problems(bench, done.execution.id, from_step="last", inputs={"last": {}})
    assert found == [("inputs.last", "no_action")]


def test_what_runs_or_is_uncertain_can_be_replayed_and_is_left_alone(bench: Any, script: Any) -> None:
    script.next("send_letter", UnknownOutcomeError("lost"))
    dark = bench.run({"id": "it", "uses": "lab.send_letter"})
    assert dark.waits_for == "uncertain"
    assert replay(bench, dark.execution.id).status == "succeeded"
    assert bench.look(dark.execution.id) == dark
    asleep = bench.run({"id": "it", "wait": {"for": 60}})
    assert replay(bench, asleep.execution.id).waits_for == "timer"


def test_a_branch_or_item_is_replayed_with_the_whole_and_a_called_workflow_by_itself(bench: Any) -> None:
    bench.publish({"id": "it", "set": {"n": "{{ inputs.n }}"}}, name="inner")
    seen = bench.run(
        {"id": "fan", "parallel": {"a": [{"set": {}}]}}, {"id": "c", "call": "inner", "with": {"n": 4}}
    )
    with bench.hub.store.read("ten_a") as tx:
        children = {one.parent_step: one.id for one in family.list_children(tx, seen.execution.id)}
    with pytest.raises(ConflictError) as caught:
        replay(bench, children["fan"])
    assert (caught.value.code, caught.value.details) == (
        "part_of_another",
        {"execution_id": seen.execution.id},
    )
    again = replay(bench, children["c"])
    assert (again.steps["it"].output, again.execution.parent_id) == ({"n": 4}, None)


def test_on_failure_steps_are_replayed_as_what_they_are(bench: Any, script: Any) -> None:
    after = {"steps": [{"id": "tell", "uses": "lab.put_page", "with": {"n": 1}}]}
    bench.run({"id": "it", "set": {"n": "{{ inputs.gone }}"}}, on_failure=after)
    with bench.hub.store.read("ten_a") as tx:
        from_failure = [one for one in _all(tx) if one.block is not None]
    again = replay(bench, from_failure[0].id)
    assert (again.status, again.order, script.count("put_page")) == ("succeeded", ["tell"], 2)


def _all(tx: Any) -> list[Any]:
    return list_page(tx, Page(), Filter())[0]


def test_the_workflows_concurrency_counts_and_its_idempotency_does_not(bench: Any, script: Any) -> None:
    keys = {"concurrency": {"key": "one"}, "idempotency": {"key": "{{ trigger.kind }}"}}
    seen = bench.run({"id": "nap", "wait": {"for": 60}}, **keys)
    again = replay(bench, seen.execution.id)
    assert (again.waits_for, again.execution.id != seen.execution.id) == ("turn", True)
    cancel_execution(bench.hub, bench.principal, seen.execution.id)
    bench.work()
    assert bench.look(again.execution.id).waits_for == "timer"


def test_pinned_results_stay_pinned(bench: Any, script: Any) -> None:
    workflow_id = bench.publish(SECOND | {"with": {}}).workflow.id
    pins = starts.Trial(wanted=starts.Wanted(pins={"second": {"n": 5}}))
    execution_id = starts.execute_workflow(bench.hub, bench.principal, workflow_id, {}, None, pins)[0]
    bench.work()
    seen = replay(bench, execution_id)
    assert (seen.steps["second"].output, script.count("send_letter")) == ({"n": 5}, 0)


def test_the_same_key_repeats_once_and_with_another_wish_it_is_refused(bench: Any, done: Any) -> None:
    once = Once(key="k", fingerprint="f")
    first = replay(bench, done.execution.id, once=once)
    assert replay(bench, done.execution.id, once=once).execution.id == first.execution.id
    with pytest.raises(ConflictError) as caught:
        replay(bench, done.execution.id, once=Once(key="k", fingerprint="g"))
    assert caught.value.code == "idempotency_key_reused"


def test_many_are_repeated_each_with_an_outcome_of_its_own(bench: Any, script: Any) -> None:
    script.next("read_page", *[RejectedError("no")] * 5)
    failed = [bench.run({"id": "first", "uses": "lab.read_page"}).execution.id for _ in range(2)]
    other = bench.run({"id": "other", "set": {}}).execution.id
    wish, once = Wish(from_step="first"), Once(key="many", fingerprint="f")
    which = Selection(ids=(*failed, other, "exe_none"))
    made = replay_executions(bench.hub, bench.principal, which, wish, once)
    codes = [one.error and one.error.code for one in made.items]
    assert codes == [None, None, "input_invalid", "not_found"]
    bench.work()
    assert [bench.look(one.done).execution.replay_of for one in made.items[:2]] == failed
    again = replay_executions(bench.hub, bench.principal, which, wish, once)
    assert [one.done for one in again.items] == [one.done for one in made.items]


def test_what_a_first_call_made_is_not_found_by_the_second(bench: Any, script: Any) -> None:
    script.next("read_page", *[RejectedError("no")] * 9)
    failed = [bench.run({"id": "first", "uses": "lab.read_page"}).execution.id for _ in range(2)]
    which, once = Selection(wanted=Filter(error_code="rejected")), Once(key="many", fingerprint="f")
    made = [replay_executions(bench.hub, bench.principal, which, Wish(), once) for _ in range(2)]
    bench.work()
    made.append(replay_executions(bench.hub, bench.principal, which, Wish(), once))
    assert [[one.id for one in each.items] for each in made] == [failed] * 3
    assert len({tuple(one.done for one in each.items) for each in made}) == 1
    assert script.count("read_page") == 4


def test_who_may_not_start_may_not_replay(bench: Any, done: Any) -> None:
    for change in ({"role": role, "permissions": permissions_of(role)} for role in ("viewer", "guest")):
        with pytest.raises(AccessError):
            replay_execution(bench.hub, replace(bench.principal, **change), done.execution.id, Wish())
    with pytest.raises(NotFoundError):
        replay_execution(bench.hub, replace(bench.principal, tenant_id="ten_b"), done.execution.id, Wish())


def test_a_share_to_run_is_enough_but_not_to_feed_it_by_hand(bench: Any, done: Any) -> None:
    guest = replace(bench.principal, id="key_guest", role="guest", permissions=permissions_of("guest"))
    with bench.hub.store.begin_across() as across:
        tenants.add_tenant(across, "ten_a", "ten_a", bench.hub.now())
        tenants.add_api_key(
            across.of("ten_a"), guest.id, name="g", key_hash="h", role="guest", now=bench.hub.now()
        )
    shares.put_share(bench.hub, bench.principal, done.execution.workflow_id, guest.id, "run")
    assert replay_execution(bench.hub, guest, done.execution.id, Wish(from_step="last"))[1]
    for wish in (Wish(data=({},)), Wish(version="draft"), Wish(from_step="second", inputs={"second": {}})):
        with pytest.raises(AccessError) as caught:
            replay_execution(bench.hub, guest, done.execution.id, wish)
        assert caught.value.details == {"permission": "connection:use"}
