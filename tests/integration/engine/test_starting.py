"""Starting by hand: a workflow or one action, once per key, by those who may."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from revolution_hub.access.rbac import permissions_of
from revolution_hub.errors import AccessError, ConflictError, DefinitionError, InputError, NotFoundError
from revolution_hub.services import executions, integrations, starts, versions, workflows
from revolution_hub.store.paging import Page
from revolution_sdk import UnknownOutcomeError

ECHO = {"id": "echo", "set": {"data": "{{ inputs }}"}}


@pytest.fixture
def workflow_id(bench: Any) -> str:
    """A published workflow that repeats what it was started with."""
    return str(bench.publish(ECHO).workflow.id)


def execute(bench: Any, workflow_id: str, data: Any = None, key: str | None = None) -> tuple[str, bool]:
    return starts.execute_workflow(bench.hub, bench.principal, workflow_id, data, key)


@pytest.mark.parametrize(
    "data", [None, {}, [], 0, False, "", "{{ trigger }}", {"a": "{{ vars }}"}, {"": [1.5]}]
)
def test_data_arrives_as_it_was_given_and_is_never_read_as_a_template(
    data: Any, bench: Any, workflow_id: str
) -> None:
    execution_id, new = execute(bench, workflow_id, data)
    bench.work()
    seen = bench.look(execution_id)
    assert (new, seen.status) == (True, "succeeded")
    assert seen.steps["echo"].output == {"data": data}
    assert seen.execution.started_by == "key_owner"


def test_a_key_starts_once_and_another_request_under_it_is_refused(bench: Any, workflow_id: str) -> None:
    first, new = execute(bench, workflow_id, {"a": 1, "b": 2}, "k")
    assert (execute(bench, workflow_id, {"b": 2, "a": 1}, "k"), new) == ((first, False), True)
    with pytest.raises(ConflictError) as caught:
        execute(bench, workflow_id, {"a": 2}, "k")
    assert caught.value.code == "idempotency_key_reused"
    assert bench.counts()[-1] == 1


def test_a_key_still_answers_after_the_execution_has_ended(bench: Any, workflow_id: str) -> None:
    first, _ = execute(bench, workflow_id, {}, "k")
    bench.work()
    assert execute(bench, workflow_id, {}, "k") == (first, False)


def test_twenty_threads_with_one_key_start_one_execution(bench: Any, workflow_id: str) -> None:
    barrier = Barrier(20)

    def start(_: int) -> tuple[str, bool]:
        barrier.wait(10)
        return execute(bench, workflow_id, {"a": 1}, "k")

    with ThreadPoolExecutor(20) as pool:
        started = list(pool.map(start, range(20)))
    assert len({one for one, _ in started}) == 1
    assert sum(new for _, new in started) == 1


def test_a_draft_that_was_never_published_cannot_be_started(bench: Any) -> None:
    draft = workflows.create_workflow(bench.hub, bench.principal, {"name": "x", "steps": [ECHO]})
    with pytest.raises(ConflictError) as caught:
        execute(bench, draft.id)
    assert caught.value.code == "not_published"


def test_another_tenants_workflow_and_execution_are_not_there(bench: Any, workflow_id: str) -> None:
    execution_id, _ = execute(bench, workflow_id)
    foreign = replace(bench, principal=replace(bench.principal, tenant_id="ten_b"))
    for act in (
        lambda: execute(foreign, workflow_id),
        lambda: foreign.look(execution_id),
        lambda: executions.cancel_execution(bench.hub, foreign.principal, execution_id),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert executions.list_executions(bench.hub, foreign.principal, Page()) == ([], None)


def test_a_viewer_looks_and_starts_nothing(bench: Any, workflow_id: str) -> None:
    execution_id, _ = execute(bench, workflow_id)
    viewer = replace(
        bench, principal=replace(bench.principal, role="viewer", permissions=permissions_of("viewer"))
    )
    assert viewer.look(execution_id).status == "queued"
    for act in (
        lambda: execute(viewer, workflow_id),
        lambda: executions.cancel_execution(bench.hub, viewer.principal, execution_id),
        lambda: run_action(viewer, "lab.read_page", {}),
        lambda: viewer.publish(ECHO),
    ):
        with pytest.raises(AccessError):
            act()
    assert bench.counts()[-1] == 1


def test_a_definition_that_names_what_is_not_there_is_never_kept(bench: Any) -> None:
    wrong = {"name": "x", "steps": [{"uses": "lab.read_pages"}, {"set": {"a": "{{ steps.none }}"}}]}
    with pytest.raises(DefinitionError) as caught:
        workflows.create_workflow(bench.hub, bench.principal, wrong)
    assert [one.path for one in caught.value.problems] == ["steps[0].uses", "steps[1].set.a"]
    assert workflows.list_workflows(bench.hub, bench.principal, Page()) == ([], None)


def test_a_definition_is_checked_again_when_it_is_published(bench: Any) -> None:
    draft = workflows.create_workflow(
        bench.hub, bench.principal, {"name": "x", "steps": [{"uses": "lab.read_page"}]}
    )
    later = bench.without("read_page")
    with pytest.raises(DefinitionError):
        versions.publish_workflow(later.hub, bench.principal, draft.id)
    assert workflows.get_workflow(bench.hub, bench.principal, draft.id).published_version is None


def test_a_change_made_from_a_stale_draft_is_refused(bench: Any, workflow_id: str) -> None:
    present = workflows.get_workflow(bench.hub, bench.principal, workflow_id)
    other = {"name": "other", "steps": [ECHO]}
    with pytest.raises(ConflictError) as caught:
        workflows.replace_workflow(bench.hub, bench.principal, workflow_id, other, present.revision - 1)
    assert caught.value.code == "stale_revision"
    assert workflows.get_workflow(bench.hub, bench.principal, workflow_id) == present


def run_action(bench: Any, uses: str, value: Any, **more: Any) -> str:
    defaults = {"connection": None, "idempotency_key": None}
    return integrations.run_action(bench.hub, bench.principal, uses, value, **{**defaults, **more})


ODD = {
    "plain": 1,
    "": "empty",
    "a.b": "dot",
    'quo"te': "quote",
    "back\\slash": "slash",
    "{{ trigger }}": "{{ trigger }}",
    "new\nline": "line",
    "ü\U0001f511": None,
    "__class__": [True, {"x": "{{ vars }}"}],
    "'": "single",
    "a}}b{{": "braces",
    "bell\x07": "control",
    "\u2028": "separator",
}


def test_one_action_is_run_as_a_durable_execution_of_one_step(bench: Any, script: Any) -> None:
    execution_id = run_action(bench, "lab.send_letter", {"to": "x"})
    bench.work()
    seen = bench.look(execution_id)
    assert (seen.status, seen.order, seen.steps["action"].output) == (
        "succeeded",
        ["action"],
        {"did": "send_letter"},
    )
    assert script.calls == [("send_letter", {"to": "x"}, f"{execution_id}.action")]


@pytest.mark.parametrize("name", ODD)
def test_an_actions_input_arrives_unchanged_whatever_its_keys_and_texts(
    name: str, bench: Any, script: Any
) -> None:
    execution_id = run_action(bench, "lab.read_page", {name: ODD[name], "other": 1})
    bench.work()
    assert bench.look(execution_id).status == "succeeded"
    assert script.calls[0][1] == {name: ODD[name], "other": 1}


def test_an_uncertain_action_waits_for_a_person_like_any_step(bench: Any, script: Any) -> None:
    script.next("send_letter", UnknownOutcomeError("lost"))
    execution_id = run_action(bench, "lab.send_letter", {})
    bench.work()
    assert bench.look(execution_id).waits_for == "uncertain"


def test_an_action_is_run_through_the_connection_it_names(bench: Any) -> None:
    bench.connect("first")
    second = bench.connect("second")
    execution_id = run_action(bench, "club.invite_member", {"who": "Ada"}, connection="second")
    bench.work()
    assert bench.look(execution_id).steps["action"].connection_id == second


def test_a_wrong_input_or_action_starts_nothing(bench: Any) -> None:
    with pytest.raises(InputError) as caught:
        run_action(bench, "club.invite_member", {"who": 7, "x": 1})
    assert sorted(one.path for one in caught.value.problems) == ["input", "input.who"]
    with pytest.raises(NotFoundError):
        run_action(bench, "club.invite", {})
    assert bench.counts()[-1] == 0


def test_one_key_runs_an_action_once(bench: Any, script: Any) -> None:
    ids = {run_action(bench, "lab.send_letter", {"a": 1}, idempotency_key="k") for _ in range(3)}
    bench.work()
    assert len(ids) == script.count("send_letter") == 1
    with pytest.raises(ConflictError):
        run_action(bench, "lab.send_letter", {"a": 2}, idempotency_key="k")
