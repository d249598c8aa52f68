"""parse: every control word of the language finds its place."""

from typing import Any

import pytest

from revolution_hub.errors import DefinitionError
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.schedule import Missed, Overlap, Schedule
from revolution_hub.model.workflow import (
    Concurrency,
    Loop,
    OnError,
    RetryPolicy,
    Step,
    StepKind,
    TriggerKind,
    Workflow,
)

WORK = {"uses": "acme.send_mail"}


def of_steps(*steps: Any, **more: Any) -> Workflow:
    return parse({"name": "x", "steps": list(steps), **more})


def only(step: dict[str, Any]) -> Step:
    (read,) = of_steps(step).steps
    return read


def paths(workflow: Workflow) -> list[str]:
    return [one.path for one in workflow.walk()]


def test_a_switch_has_its_cases_in_written_order_and_its_default_last() -> None:
    step = only(
        {
            "id": "way",
            "switch": "{{ inputs.language }}",
            "default": [{"finish": {}}],
            "cases": {"de": [WORK], "en": [], "5": [WORK, WORK]},
        }
    )
    assert (step.kind, step.body) == (StepKind.SWITCH, {"value": "{{ inputs.language }}"})
    assert [one.name for one in step.blocks] == ["case:de", "case:en", "case:5", "default"]
    assert [one.path for one in step.block("case:de")] == ["steps[0].cases.de[0]"]
    assert [one.path for one in step.block("default")] == ["steps[0].default[0]"]


def test_a_case_of_odd_text_has_a_path_and_an_id_of_its_own() -> None:
    cases = {"a b": [WORK], "a-b": [WORK], "A b": [WORK], "": [WORK], "ü": [WORK]}
    workflow = of_steps({"switch": "{{ x }}", "cases": cases})
    assert paths(workflow)[1:] == [f'steps[0].cases["{text}"][0]' for text in cases]
    ids = [one.id for one in workflow.walk()]
    assert len(set(ids)) == 6
    assert all(one.startswith("at_steps_0") and one.isascii() for one in ids)


def test_ids_made_by_the_hub_stay_short_however_deep_the_place() -> None:
    step: dict[str, Any] = WORK
    for _ in range(11):
        step = {"parallel": {"b" * 64: [step, WORK]}}
    ids = [one.id for one in of_steps(step).walk()]
    assert len(set(ids)) == len(ids) == 23
    assert max(map(len, ids)) <= 100


def test_branches_of_a_parallel_have_their_names() -> None:
    step = only({"parallel": {"left": [WORK], "right": [WORK, WORK]}, "timeout": "10m"})
    assert (step.kind, step.body, step.timeout_s) == (StepKind.PARALLEL, {}, 600.0)
    assert [one.name for one in step.blocks] == ["left", "right"]
    assert [one.path for one in step.block("right")] == [
        "steps[0].parallel.right[0]",
        "steps[0].parallel.right[1]",
    ]


def test_a_loop_goes_through_a_list_one_by_one_and_stops_at_an_error() -> None:
    step = only({"for_each": "{{ inputs.rows }}", "steps": [WORK]})
    assert (step.kind, step.body) == (StepKind.FOR_EACH, {"items": "{{ inputs.rows }}"})
    assert step.loop == Loop(variable="item", concurrency=1, stop=True)
    assert [one.path for one in step.block("steps")] == ["steps[0].steps[0]"]


def test_a_loop_may_be_told_otherwise() -> None:
    step = only(
        {
            "for_each": [1, "{{ vars.n }}"],
            "as": "row",
            "concurrency": 50,
            "on_item_error": "continue",
            "steps": [WORK],
            "result": None,
        }
    )
    assert step.body == {"items": [1, "{{ vars.n }}"], "result": None}
    assert step.loop == Loop(variable="row", concurrency=50, stop=False)


def test_a_wait_is_for_a_time_until_a_moment_or_for_a_callback() -> None:
    assert only({"wait": {"for": "1h30m"}}).body == {"for": 5_400.0}
    assert only({"wait": {"for": 7}}).body == {"for": 7.0}
    assert only({"wait": {"for": "{{ vars.n }}m"}}).body == {"for": "{{ vars.n }}m"}
    assert only({"wait": {"until": "{{ vars.due }}"}}).body == {"until": "{{ vars.due }}"}
    assert only({"wait": {"until": "2027-01-31T08:00:00+01:00"}}).body["until"].startswith("2027")
    callback = only({"wait": {"callback": {}}, "timeout": 90})
    assert (callback.kind, callback.body, callback.timeout_s) == (StepKind.WAIT, {"callback": {}}, 90.0)
    assert only({"wait": {"callback": None}}).body == {"callback": {}}


def test_a_call_names_a_workflow_and_its_inputs() -> None:
    step = only({"call": "send invoice", "with": {"id": "{{ inputs.id }}"}, "timeout": "1d"})
    assert (step.kind, step.target, step.timeout_s) == (StepKind.CALL, "send invoice", 86_400.0)
    assert (step.body, step.uses) == ({"id": "{{ inputs.id }}"}, None)


def test_every_word_of_a_retry_is_read() -> None:
    retry = {"attempts": 5, "delay": "10s", "longest": "1h", "backoff": 3, "jitter": 0.5, "on": ["timeout"]}
    assert only({**WORK, "retry": retry}).retry == RetryPolicy(
        attempts=5, delay_s=10.0, longest_s=3_600.0, backoff=3, jitter=0.5, only=("timeout",)
    )


def test_what_follows_an_error_is_failing_a_value_or_steps() -> None:
    place = "steps[0].on_error"
    assert only(WORK).on_error is None
    assert only({**WORK, "on_error": "fail"}).on_error is None
    assert only({**WORK, "on_error": "continue"}).on_error == OnError(path=place)
    value = {"name": "{{ error.code }}"}
    assert only({**WORK, "on_error": {"continue": value}}).on_error == OnError(path=place, value=value)
    step = only({**WORK, "on_error": {"steps": [WORK]}})
    assert step.on_error is not None
    assert step.on_error.block is not None
    assert step.on_error.block.name == "on_error"
    assert [one.path for one in step.on_error.block.steps] == ["steps[0].on_error.steps[0]"]
    assert [one.name for one in step.all_blocks()] == ["on_error"]


def test_the_words_of_the_workflow_itself_are_read() -> None:
    workflow = of_steps(
        WORK,
        inputs={"type": "object"},
        concurrency={"key": "{{ trigger.data.a }}", "limit": 3, "when_full": "skip"},
        idempotency={"key": "{{ trigger.data.id }}"},
        on_failure={"steps": [WORK]},
    )
    assert workflow.inputs == {"type": "object"}
    assert workflow.concurrency == Concurrency(key="{{ trigger.data.a }}", limit=3, skip=True)
    assert workflow.idempotency == "{{ trigger.data.id }}"
    assert [one.path for one in workflow.blocks["on_failure"]] == ["on_failure.steps[0]"]
    assert paths(workflow) == ["steps[0]", "on_failure.steps[0]"]


def test_without_them_nothing_is_limited() -> None:
    workflow = of_steps(WORK)
    assert (workflow.inputs, workflow.concurrency, workflow.idempotency) == (None, None, None)
    assert workflow.on_failure is None
    assert of_steps(WORK, concurrency={}).concurrency == Concurrency(key="", limit=1, skip=False)


def test_another_workflow_may_be_started_after_a_failure() -> None:
    after = of_steps(WORK, on_failure={"workflow": "tell"}).on_failure
    assert after is not None
    assert (after.target, after.block) == ("tell", None)


def test_schedules_are_a_cron_expression_or_an_interval() -> None:
    on = [
        {"schedule": {"cron": "0 8 * * *", "timezone": "Europe/Berlin"}},
        {"schedule": {"cron": "0 8 * * MON"}},
        {"schedule": {"every": "15m"}},
        {"schedule": {"every": 60}},
        {"schedule": {"at": "2027-01-31T08:00:00Z"}},
        {"schedule": {"at": ["2027-01-31T08:00"], "timezone": "Europe/Berlin"}},
        {
            "schedule": {
                **{"cron": "@daily", "missed": "all", "catch_up": "2h", "most": 5, "jitter": 90},
                **{"overlap": "cancel_previous", "description": "each night"},
            }
        },
    ]
    triggers = of_steps(WORK, on=on).triggers
    assert {one.kind for one in triggers} == {TriggerKind.SCHEDULE}
    assert [one.schedule for one in triggers] == [
        Schedule(cron="0 8 * * *", timezone="Europe/Berlin"),
        Schedule(cron="0 8 * * MON", timezone="UTC"),
        Schedule(every_s=900.0),
        Schedule(every_s=60.0),
        Schedule(at=("2027-01-31T08:00:00Z",)),
        Schedule(at=("2027-01-31T08:00",), timezone="Europe/Berlin"),
        Schedule(
            cron="@daily",
            missed=Missed.ALL,
            catch_up_s=7200.0,
            most=5,
            jitter_s=90.0,
            overlap=Overlap.CANCEL_PREVIOUS,
            description="each night",
        ),
    ]


def test_blocks_within_blocks_are_counted_and_walked_in_written_order() -> None:
    inner = {"for_each": [1], "steps": [{**WORK, "on_error": {"steps": [WORK]}}]}
    workflow = of_steps({"switch": "{{ x }}", "cases": {"a": [{"parallel": {"b": [inner]}}]}}, WORK)
    assert paths(workflow) == [
        "steps[0]",
        "steps[0].cases.a[0]",
        "steps[0].cases.a[0].parallel.b[0]",
        "steps[0].cases.a[0].parallel.b[0].steps[0]",
        "steps[0].cases.a[0].parallel.b[0].steps[0].on_error.steps[0]",
        "steps[1]",
    ]


def test_a_faulty_document_keeps_what_could_be_read_of_its_steps() -> None:
    with pytest.raises(DefinitionError) as caught:
        of_steps({"for_eachh": [1], "steps": [{"uses": "nodot"}]})
    assert [one.path for one in caught.value.problems] == [
        "steps[0].for_eachh",
        "steps[0]",
        "steps[0].steps[0].uses",
    ]
