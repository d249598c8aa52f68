"""An execution that has failed goes on from the step that failed: what was done is not done again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from revolution_hub.access.rbac import permissions_of
from revolution_hub.errors import AccessError, ConflictError, InputError, NotFoundError
from revolution_hub.services import connections, starts, workflows
from revolution_hub.services.executions import cancel_execution
from revolution_hub.services.retries import retry_execution, retry_executions
from revolution_hub.services.selection import Selection
from revolution_hub.store import family
from revolution_hub.store.listing import Filter
from revolution_hub.store.paging import Page
from revolution_sdk.errors import RejectedError, RetryableError

FIRST = {"id": "first", "uses": "lab.send_letter", "with": {"to": "Ada"}}
PAGE = {"id": "page", "uses": "lab.read_page"}
AFTER = {"id": "after", "uses": "lab.put_page", "with": {"n": "{{ steps.page.n }}"}}


def retry(bench: Any, execution_id: str, **more: Any) -> Any:
    """Retry it, work, and look."""
    retry_execution(bench.hub, bench.principal, execution_id, **more)
    bench.work()
    return bench.look(execution_id)


def children(bench: Any, execution_id: str) -> list[Any]:
    with bench.hub.store.read("ten_a") as tx:
        return family.list_children(tx, execution_id)


def refused(bench: Any, execution_id: str, **more: Any) -> str:
    """Retry what cannot be, see that nothing has changed, and return the error's code."""
    before = bench.look(execution_id)
    with pytest.raises(ConflictError) as caught:
        retry_execution(bench.hub, bench.principal, execution_id, **more)
    assert bench.look(execution_id) == before
    return caught.value.code


def test_it_goes_on_from_the_action_that_failed_under_the_same_key(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no", code="no_such_page"), {"n": 4})
    failed = bench.run(FIRST, PAGE, AFTER)
    assert (failed.status, failed.order) == ("failed", ["first", "page"])
    bench.clock.advance(100)
    seen = retry(bench, failed.execution.id)
    assert (seen.status, seen.execution.error, seen.execution.reason) == ("succeeded", None, None)
    assert seen.tried("page") == ["failed:no_such_page", "succeeded"]
    assert script.names() == ["send_letter", "read_page", "read_page", "put_page"]
    assert len(script.keys("read_page")) == 1
    assert script.calls[-1][1] == {"n": 4}


def test_the_attempts_of_its_policy_begin_anew_and_so_does_its_time(bench: Any, script: Any) -> None:
    page = {**PAGE, "retry": {"attempts": 2, "delay": 1, "jitter": 0}, "timeout": "1h"}
    script.next("read_page", *[RetryableError("busy")] * 4, {"n": 1})
    failed = bench.run(page)
    bench.pass_time(2)
    assert bench.look(failed.execution.id).status == "failed"
    bench.clock.advance(7_200)
    assert retry(bench, failed.execution.id).waits_for == "retry"
    bench.pass_time(2)
    seen = bench.look(failed.execution.id)
    assert (seen.status, len(seen.attempts)) == ("failed", 4)
    assert retry(bench, failed.execution.id).status == "succeeded"


def test_another_input_replaces_the_one_that_failed(bench: Any, script: Any) -> None:
    script.next("put_page", RejectedError("no"), {})
    failed = bench.run({"id": "page", "set": {"n": 1}}, AFTER)
    seen = retry(bench, failed.execution.id, input_={"n": 2})
    assert (seen.status, seen.steps["after"].input) == ("succeeded", {"n": 2})
    assert [given for _, given, _ in script.calls] == [{"n": 1}, {"n": 2}]


def test_another_input_must_fit_and_only_an_action_takes_one(bench: Any, script: Any) -> None:
    bench.connect()
    script.next("invite_member", RejectedError("no"))
    execution_id = bench.run({"id": "it", "uses": "club.invite_member"}).execution.id
    with pytest.raises(InputError) as caught:
        retry_execution(bench.hub, bench.principal, execution_id, {"who": 1})
    assert [(one.path, one.code) for one in caught.value.problems] == [("input.who", "type")]
    computed = bench.run({"id": "it", "set": {"n": "{{ inputs.gone }}"}}).execution.id
    with pytest.raises(InputError) as caught:
        retry_execution(bench.hub, bench.principal, computed, {})
    assert [(one.path, one.code) for one in caught.value.problems] == [("input", "no_action")]
    assert bench.look(computed).status == "failed"


def test_a_control_word_is_computed_again(bench: Any, script: Any) -> None:
    failed = bench.run(FIRST, {"id": "it", "set": {"n": "{{ inputs.gone }}"}})
    assert failed.step("it") == "failed"
    seen = retry(bench, failed.execution.id)
    assert (seen.status, seen.execution.error["step"], script.count("send_letter")) == ("failed", "it", 1)


def test_a_callback_that_came_too_late_is_waited_for_anew(bench: Any) -> None:
    failed = bench.run({"id": "it", "wait": {"callback": {}}, "timeout": "1h"})
    bench.pass_time(4_000)
    assert bench.look(failed.execution.id).execution.error["code"] == "timeout"
    seen = retry(bench, failed.execution.id)
    assert (seen.waits_for, seen.execution.wake_at) == ("callback", bench.clock.now + timedelta(hours=1))


FAN = {
    "id": "fan",
    "parallel": {
        "good": [{"id": "letter", "uses": "lab.send_letter"}],
        "bad": [{"id": "note", "set": {"x": 1}}, PAGE, {"id": "put", "uses": "lab.put_page"}],
    },
}


def test_of_parallel_branches_only_those_go_on_that_failed(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"), {"n": 7})
    failed = bench.run(FAN, {"id": "end", "set": {"n": "{{ steps.fan.bad.page.n }}"}})
    assert (failed.status, script.count("send_letter")) == ("failed", 1)
    seen = retry(bench, failed.execution.id)
    assert (seen.status, seen.steps["end"].output) == ("succeeded", {"n": 7})
    assert (script.count("send_letter"), script.count("read_page"), script.count("put_page")) == (1, 2, 1)
    assert len(script.keys("read_page")) == 1
    assert len(children(bench, failed.execution.id)) == 2


def test_it_may_fail_and_be_retried_again(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"), RejectedError("still no", code="still"), {"n": 7})
    failed = bench.run(FAN)
    again = retry(bench, failed.execution.id)
    assert (again.status, again.execution.error["code"]) == ("failed", "still")
    assert retry(bench, failed.execution.id).status == "succeeded"


def test_what_failed_before_and_was_provided_for_stays_as_it_is(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("never mind"))
    script.next("put_page", RejectedError("no"), {})
    provided = {**PAGE, "on_error": {"steps": [{"id": "mend", "uses": "lab.put_page"}]}}
    failed = bench.run(provided)
    assert (failed.status, failed.step("page"), failed.step("mend")) == ("failed", "failed", "failed")
    seen = retry(bench, failed.execution.id)
    assert (seen.status, seen.step("page"), seen.step("mend")) == ("succeeded", "failed", "succeeded")
    assert script.count("read_page") == 1


def each(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"id": "each", "for_each": "{{ inputs.list }}", "steps": list(steps), **more}


ITEM = {"id": "put", "uses": "lab.put_page", "with": {"item": "{{ item }}"}}


@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_a_for_each_goes_on_at_the_item_it_stopped_at(concurrency: int, bench: Any, script: Any) -> None:
    broken = {"on": True}

    def play(ctx: Any, value: Any) -> Any:
        if value["item"] == 3 and broken["on"]:
            raise RejectedError("no three")
        return {"n": value["item"]}

    script.plays["put_page"] = [play] * 100
    steps = ({"id": "before", "uses": "lab.send_letter"}, ITEM)
    failed = bench.run(
        each(*steps, concurrency=concurrency, result="{{ steps.put.n }}"), data={"list": list(range(7))}
    )
    assert (failed.status, failed.execution.error["details"]["index"]) == ("failed", 3)
    broken["on"] = False
    seen = retry(bench, failed.execution.id)
    assert seen.status == "succeeded"
    assert seen.steps["each"].output == {
        "items": list(range(7)),
        "succeeded": 7,
        "failed": 0,
        "errors": [],
    }
    done = [given["item"] for name, given, _ in script.calls if name == "put_page"]
    assert sorted(done) == [0, 1, 2, 3, 3, 4, 5, 6]
    assert script.count("send_letter") == 7


def test_an_item_whose_result_could_not_be_read_is_only_read_again(bench: Any, script: Any) -> None:
    failed = bench.run(each(ITEM, result="{{ steps.put.gone }}"), data={"list": [1]})
    assert failed.status == "failed"
    assert retry(bench, failed.execution.id).status == "failed"
    assert script.count("put_page") == 1


def test_steps_with_children_within_items_go_on_where_they_stood(bench: Any, script: Any) -> None:
    inner = {
        "id": "inner",
        "parallel": {"a": [{"id": "letter", "uses": "lab.send_letter"}], "b": [PAGE]},
    }
    script.next("read_page", {"n": 0}, RejectedError("no"), {"n": 1}, {"n": 2})
    failed = bench.run(each(inner, result="{{ steps.inner.b.page.n }}"), data={"list": ["a", "b", "c"]})
    assert (failed.status, script.count("send_letter")) == ("failed", 2)
    seen = retry(bench, failed.execution.id)
    assert (seen.status, seen.steps["each"].output["items"]) == ("succeeded", [0, 1, 2])
    assert (script.count("send_letter"), script.count("read_page")) == (3, 4)


def test_a_called_workflow_goes_on_with_what_was_called(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"), {"n": 5})
    bench.publish(FIRST, PAGE, {"finish": {"output": "{{ steps.page.n }}"}}, name="inner")
    failed = bench.run({"id": "called", "call": "inner"}, {"id": "end", "set": {"n": "{{ steps.called }}"}})
    assert failed.status == "failed"
    seen = retry(bench, failed.execution.id)
    assert (seen.status, seen.steps["end"].output) == ("succeeded", {"n": 5})
    assert (script.count("send_letter"), len(children(bench, failed.execution.id))) == (1, 1)


def test_a_called_workflow_that_was_cancelled_goes_on_too(bench: Any, script: Any) -> None:
    bench.publish(FIRST, {"id": "nap", "wait": {"for": "1h"}}, FAN, name="inner")
    execution_id = bench.run({"id": "called", "call": "inner"}).execution.id
    (child,) = children(bench, execution_id)
    cancel_execution(bench.hub, bench.principal, child.id)
    bench.work()
    failed = bench.look(execution_id)
    assert (failed.status, failed.execution.error["code"]) == ("failed", "cancelled")
    assert retry(bench, execution_id).waits_for == "children"
    bench.pass_time(3_700)
    assert bench.look(execution_id).status == "succeeded"
    assert script.count("send_letter") == 2


def test_what_a_timeout_has_stopped_goes_on_with_the_time_begun_anew(bench: Any, script: Any) -> None:
    fan = {**FAN, "timeout": "1h"}
    fan["parallel"] = {"slow": [FIRST, {"id": "nap", "wait": {"for": "90m"}}], "quick": [PAGE]}
    execution_id = bench.run(fan).execution.id
    bench.pass_time(3_601)
    assert bench.look(execution_id).execution.error["code"] == "timeout"
    bench.clock.advance(60)
    assert retry(bench, execution_id).waits_for == "children"
    bench.pass_time(1_800)
    assert bench.look(execution_id).status == "succeeded"
    assert (script.count("send_letter"), script.count("read_page")) == (1, 1)


def test_a_call_that_found_nothing_to_call_is_tried_again(bench: Any) -> None:
    bench.publish({"finish": {"output": 1}}, name="inner")
    failed = bench.start({"id": "called", "call": "inner"})
    listed, _ = workflows.list_workflows(bench.hub, bench.principal, Page(), None)
    inner = next(one for one in listed if one.name == "inner")
    workflows.delete_workflow(bench.hub, bench.principal, inner.id)
    bench.work()
    assert bench.look(failed).execution.error["code"] == "unknown_workflow"
    bench.publish({"finish": {"output": 2}}, name="inner")
    seen = retry(bench, failed)
    assert (seen.status, seen.steps["called"].output) == ("succeeded", 2)


def test_a_limit_that_was_raised_lets_it_go_on(bench: Any, script: Any) -> None:
    narrow = bench.with_settings(execution_steps=2)
    execution_id = narrow.run(FIRST, PAGE, {"id": "third", "uses": "lab.put_page"}).execution.id
    assert narrow.look(execution_id).execution.error["code"] == "limit_exceeded"
    assert retry(bench, execution_id).status == "succeeded"
    assert script.count("send_letter") == 1


def test_what_the_workflow_decided_cannot_be_retried(bench: Any) -> None:
    finish = {"finish": {"status": "failed", "reason": "not today"}}
    assert refused(bench, bench.run(finish).execution.id) == "nothing_to_retry"
    bench.publish(finish, name="inner")
    assert refused(bench, bench.run({"id": "c", "call": "inner"}).execution.id) == "nothing_to_retry"
    item = each(finish)
    assert refused(bench, bench.run(item, data={"list": [1]}).execution.id) == "nothing_to_retry"


@pytest.mark.parametrize(
    ("steps", "status"), [([], "succeeded"), ([{"id": "it", "wait": {"for": 60}}], "waiting")]
)
def test_only_what_has_failed_can_be_retried(steps: Any, status: str, bench: Any) -> None:
    seen = bench.run({"set": {}}, *steps)
    assert seen.status == status
    assert refused(bench, seen.execution.id) == "not_failed"
    if status == "waiting":
        cancel_execution(bench.hub, bench.principal, seen.execution.id)
        assert refused(bench, seen.execution.id) == "not_failed"


def test_a_part_of_another_is_retried_with_the_whole(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"))
    execution_id = bench.run(FAN).execution.id
    child = next(one for one in children(bench, execution_id) if str(one.status) == "failed")
    with pytest.raises(ConflictError) as caught:
        retry_execution(bench.hub, bench.principal, child.id)
    assert (caught.value.code, caught.value.details) == ("part_of_another", {"execution_id": execution_id})


TURNS = {"concurrency": {"key": "one", "limit": 1}}


def test_it_takes_its_place_in_line_again(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"), {"n": 1})
    workflow_id = bench.publish(PAGE, {"id": "nap", "wait": {"for": 60}}, **TURNS).workflow.id
    first = starts.execute_workflow(bench.hub, bench.principal, workflow_id, {}, None)[0]
    bench.work()
    second = starts.execute_workflow(bench.hub, bench.principal, workflow_id, {}, None)[0]
    bench.work()
    assert (bench.look(first).status, bench.look(second).waits_for) == ("failed", "timer")
    assert retry(bench, first).waits_for == "turn"
    bench.pass_time(61)
    assert (bench.look(second).status, bench.look(first).waits_for) == ("succeeded", "timer")
    bench.pass_time(61)
    assert bench.look(first).status == "succeeded"


@pytest.mark.parametrize("when_full", ["queue", "skip"])
def test_without_a_turn_children_do_not_begin(when_full: str, bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"), {"n": 1}, {"n": 2})
    turns = {"concurrency": {**TURNS["concurrency"], "when_full": when_full}}
    workflow_id = bench.publish(FAN, {"id": "nap", "wait": {"for": 60}}, **turns).workflow.id
    first = starts.execute_workflow(bench.hub, bench.principal, workflow_id, {}, None)[0]
    bench.work()
    starts.execute_workflow(bench.hub, bench.principal, workflow_id, {}, None)
    bench.work()
    assert refused(bench, first) == "turn_taken"
    bench.pass_time(61)
    assert retry(bench, first).waits_for == "timer"


def test_a_deleted_connection_is_looked_for_again_by_its_name(bench: Any, script: Any) -> None:
    old = bench.connect()
    script.next("invite_member", RejectedError("no"), {})
    execution_id = bench.run({"id": "it", "uses": "club.invite_member"}).execution.id
    connections.delete_connection(bench.hub, bench.principal, "club", old, force=True)
    new = bench.connect()
    seen = retry(bench, execution_id)
    assert (seen.status, seen.steps["it"].connection_id) == ("succeeded", new)


def test_who_may_not_start_may_not_retry(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"))
    execution_id = bench.run(PAGE).execution.id
    for change in ({"role": role, "permissions": permissions_of(role)} for role in ("viewer", "guest")):
        with pytest.raises(AccessError):
            retry_execution(bench.hub, replace(bench.principal, **change), execution_id)
    with pytest.raises(NotFoundError):
        retry_execution(bench.hub, replace(bench.principal, tenant_id="ten_b"), execution_id)
    assert bench.look(execution_id).status == "failed"


def test_of_two_that_retry_at_once_one_does(bench: Any, script: Any) -> None:
    script.next("read_page", RejectedError("no"))
    execution_id = bench.run(FAN).execution.id
    gate = threading.Barrier(2)

    def act(_: int) -> str:
        gate.wait(20)
        try:
            return str(retry_execution(bench.hub, bench.principal, execution_id).wait_reason)
        except ConflictError as error:
            return error.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, range(2))) == ["children", "not_failed"]
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.count("read_page") == 2


def test_many_are_retried_each_with_an_outcome_of_its_own(bench: Any, script: Any) -> None:
    script.next("read_page", *[RejectedError("no")] * 3)
    failed = [bench.run(PAGE).execution.id for _ in range(3)]
    fine = bench.run({"set": {}}).execution.id
    made = retry_executions(bench.hub, bench.principal, Selection(ids=(failed[0], fine, "exe_none")))
    assert [(one.id, one.done, one.error and one.error.code) for one in made.items] == [
        (failed[0], "queued", None),
        (fine, None, "not_failed"),
        ("exe_none", None, "not_found"),
    ]
    bench.work()
    rest = retry_executions(bench.hub, bench.principal, Selection(wanted=Filter()))
    assert ([one.id for one in rest.items], rest.more) == (failed[1:], False)
    bench.work()
    assert {bench.look(one).status for one in failed} == {"succeeded"}


def test_a_sub_step_that_failed_is_tried_again_and_those_before_it_are_not(bench: Any, script: Any) -> None:
    def play(ctx: Any, value: Any) -> Any:
        first = ctx.call("lab.send_letter", {"to": "Ada"})
        second = ctx.call("lab.read_page", {"n": 1})
        return {"n": first["n"] + second["n"]}

    script.next("put_page", play, play)
    script.next("send_letter", {"n": 1})
    script.next("read_page", RejectedError("no", code="no_page"), {"n": 2})
    failed = bench.run({"id": "it", "uses": "lab.put_page"})
    assert (failed.status, failed.step("it/lab.read_page.1")) == ("failed", "failed")
    seen = retry(bench, failed.execution.id)
    assert (seen.status, seen.steps["it"].output) == ("succeeded", {"n": 3})
    assert (script.count("send_letter"), script.count("read_page")) == (1, 2)
    assert len(script.keys("read_page")) == 1
