"""check: what the templates of each control word may read, and what they can never find."""

from typing import Any

import pytest

from revolution_hub.catalog import Catalog
from revolution_hub.engine.check import check
from revolution_hub.errors import Problem
from revolution_hub.model.parse_workflow import parse
from revolution_sdk import ActionContext, Connector, JsonObject
from revolution_sdk.schema import object_, string

ACT = {"uses": "acme.find_one", "with": {"name": "x"}}


def catalog() -> Catalog:
    made, connector = Catalog(), Connector("acme", title="Acme")

    @connector.action(input=object_(name=string()), output=object_(id=string()), effect="read")
    def find_one(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Find something."""
        return {"id": "1"}

    made.add(connector)
    return made


CATALOG = catalog()


def found(*steps: Any, **more: Any) -> list[tuple[str, str]]:
    """The paths and codes of the problems; the workflow `other` may be called with anything."""
    return [(one.path, one.code) for one in _problems(*steps, **more)]


def _problems(*steps: Any, **more: Any) -> list[Problem]:
    workflow = parse({"name": "x", "steps": list(steps), **more})
    other = parse({"name": "other", "steps": [ACT]})
    return check(workflow, CATALOG, lambda *_: True, lambda name: other if name == "other" else None)


def reads(expression: str, **more: Any) -> dict[str, Any]:
    return {"set": {"v": "{{ " + expression + " }}"}, **more}


def at(path: str, code: str) -> list[tuple[str, str]]:
    return [(path, code)]


SPREAD = {
    "id": "both",
    "parallel": {
        "left": [{"id": "a", **ACT}, {"if": "{{ true }}", "then": [{"id": "deep", **ACT}]}],
        "right": [{"id": "b", "set": {"n": 1}}],
        "short": [{"finish": {"output": {"any": 1}}}],
    },
}
LOOP = {"id": "all", "for_each": [1, 2], "steps": [{"id": "one", **ACT}]}

BEHIND = [
    (SPREAD, "steps.both.left.a.id", None),
    (SPREAD, "steps.both.left.deep.id", None),
    (SPREAD, "steps.both.right.b.n", None),
    (SPREAD, "steps.both.short.any", None),
    (SPREAD, "steps.both.left.a.idd", "unknown_path"),
    (SPREAD, "steps.both.left.b", "unknown_path"),
    (SPREAD, "steps.both.middle", "unknown_path"),
    (SPREAD, "steps.a.id", "unknown_step"),
    (SPREAD, "vars.n", "unknown_path"),
    (LOOP, "steps.all.items[0].whatever", None),
    (LOOP, "steps.all.succeeded + steps.all.failed", None),
    (LOOP, "steps.all.errors[0].index", None),
    (LOOP, "steps.all.errors[0].error.message", None),
    (LOOP, "steps.all.results", "unknown_path"),
    (LOOP, "steps.all.items.id", "unknown_path"),
    (LOOP, "steps.one.id", "unknown_step"),
    (LOOP, "item", "unknown_name"),
    ({"id": "way", "switch": "{{ 1 }}", "cases": {"1": [{"id": "a", **ACT}]}}, "steps.way.case", None),
    ({"id": "way", "switch": "{{ 1 }}", "cases": {"1": [{"id": "a", **ACT}]}}, "steps.a.id", None),
    ({"id": "way", "switch": "{{ 1 }}", "cases": {"1": [ACT]}}, "steps.way.branch", "unknown_path"),
    ({"id": "done", "call": "other"}, "steps.done.whatever.it.gives", None),
    ({"id": "ok", "wait": {"callback": {}}}, "steps.ok.body.answer", None),
    ({"id": "ok", "wait": {"callback": {}}}, "steps.ok.received_at", None),
    ({"id": "ok", "wait": {"callback": {}}}, "steps.ok.data", "unknown_path"),
    ({"id": "ok", "wait": {"callback": {}}}, "callbacks.ok", None),
    ({"id": "ok", "wait": {"callback": {}}}, "callbacks.no", "unknown_step"),
    ({"id": "ok", "wait": {"callback": {}}}, "callbacks.ok.url", "unknown_path"),
    ({"id": "ok", "wait": {"for": 5}}, "callbacks.ok", "unknown_step"),
    ({"id": "a", **ACT, "on_error": "continue"}, "steps.a.anything", None),
    ({"id": "a", **ACT, "on_error": {"continue": {"id": None}}}, "steps.a.id", None),
    ({"id": "a", **ACT, "on_error": {"steps": [{"id": "b", **ACT}]}}, "steps.a.x ?? steps.b.id", None),
    ({"id": "a", **ACT, "on_error": {"steps": [{"id": "b", **ACT}]}}, "steps.b.idd", "unknown_path"),
    ({"id": "a", **ACT, "on_error": "continue"}, "error.code", "unknown_name"),
    ({"set": {"n": 1}, "on_error": "continue"}, "vars.n", None),
]


@pytest.mark.parametrize(("step", "expression", "code"), BEHIND)
def test_behind_a_step_its_output_is_read_as_it_will_be(step: Any, expression: str, code: str | None) -> None:
    assert found(step, reads(expression)) == ([] if code is None else at("steps[1].set.v", code))


WITHIN = [
    ("parallel.left", lambda step: {"parallel": {"left": [{"id": "a", **ACT}, step], "right": [ACT]}}),
    ("steps", lambda step: {"for_each": [1], "steps": [{"id": "a", **ACT}, step]}),
    ("then", lambda step: {"if": "{{ true }}", "then": [{"id": "a", **ACT}, step]}),
    ("cases.x", lambda step: {"switch": "{{ 1 }}", "cases": {"x": [{"id": "a", **ACT}, step]}}),
    (
        "default",
        lambda step: {"switch": "{{ 1 }}", "cases": {"x": []}, "default": [{"id": "a", **ACT}, step]},
    ),
    ("on_error.steps", lambda step: {**ACT, "on_error": {"steps": [{"id": "a", **ACT}, step]}}),
]


@pytest.mark.parametrize(("place", "around"), WITHIN, ids=[place for place, _ in WITHIN])
def test_steps_within_see_what_came_before_and_their_own_siblings(place: str, around: Any) -> None:
    first = {"id": "first", "set": {"known": 1}}
    path = f"steps[1].{place}[1].set.v"
    for expression in ("steps.first.known", "vars.known", "steps.a.id", "inputs.x", "execution.id"):
        assert found(first, around(reads(expression))) == []
    assert found(first, around(reads("steps.a.idd"))) == at(path, "unknown_path")
    assert found(first, around(reads("steps.later")), {"id": "later", **ACT}) == at(path, "unknown_step")


def test_a_branch_sees_nothing_of_its_siblings() -> None:
    sides = {"left": [{"id": "a", **ACT}], "right": [reads("steps.a.id")]}
    assert found({"parallel": sides}) == at("steps[0].parallel.right[0].set.v", "unknown_step")
    ways = {"then": [{"id": "a", **ACT}], "else": [reads("steps.a.id")]}
    assert found({"if": "{{ true }}", **ways}) == at("steps[0].else[0].set.v", "unknown_step")


def test_what_an_item_is_called_is_read_in_the_body_and_in_its_result_alone() -> None:
    def loop(step: Any, **more: Any) -> dict[str, Any]:
        return {"for_each": "{{ inputs.rows }}", "steps": [step], **more}

    assert found(loop(reads("item.name"), result="{{ index }} {{ vars.v }}")) == []
    assert found(loop(reads("row.name"), **{"as": "row"})) == []
    assert found(loop(reads("item.name"), **{"as": "row"})) == at("steps[0].steps[0].set.v", "unknown_name")
    assert found(loop(loop(reads("outer + item"))), inputs={"type": "object"}) == at(
        "steps[0].steps[0].steps[0].set.v", "unknown_name"
    )
    assert found(loop(loop(reads("outer + item")), **{"as": "outer"})) == []
    assert found({**loop(ACT), "for_each": "{{ item }}"}) == at("steps[0].for_each", "unknown_name")
    assert found(loop(ACT, result="{{ steps.no }}")) == at("steps[0].result", "unknown_step")


def test_the_list_of_a_loop_is_one_expression_and_nothing_else() -> None:
    loop = {"for_each": "{{ inputs.a }} {{ inputs.b }}", "steps": [ACT]}
    assert found(loop) == at("steps[0].for_each", "template_invalid")
    assert found({**loop, "for_each": "{{ inputs. }}"}) == at("steps[0].for_each", "template_invalid")
    assert found({**loop, "for_each": [1, "{{ steps.no }}"]}) == at("steps[0].for_each[1]", "unknown_step")


def test_an_error_is_read_where_it_is_dealt_with() -> None:
    value = {"text": "{{ error.code }}: {{ error.message }}"}
    assert found({**ACT, "on_error": {"continue": value}}) == []
    assert found({**ACT, "on_error": {"steps": [reads("error.message")]}}) == []
    assert found({**ACT, "on_error": {"continue": "{{ error.text }}"}}) == at(
        "steps[0].on_error.continue", "unknown_path"
    )
    assert found(reads("error.code")) == at("steps[0].set.v", "unknown_name")
    itself = {"id": "a", **ACT, "on_error": {"steps": [reads("steps.a")]}}
    assert found(itself) == at("steps[0].on_error.steps[0].set.v", "unknown_step")


def test_the_address_of_a_callback_is_known_throughout_its_execution_and_not_in_others() -> None:
    ask = {"id": "answer", "wait": {"callback": {}}, "timeout": "1d"}
    inner = {"if": "{{ true }}", "then": [ask]}
    told = reads("callbacks.answer")
    assert found(told, ask, told) == []
    assert found(told, inner) == []
    assert found({"if": "{{ true }}", "then": [told]}, ask) == []
    assert found({**ACT, "on_error": {"steps": [told, ask]}}) == []
    assert found({"for_each": [1], "steps": [told, inner]}) == []
    assert found({"for_each": [1], "steps": [told]}, ask) == at("steps[0].steps[0].set.v", "unknown_step")
    assert found({"for_each": [1], "steps": [ask]}, told) == at("steps[1].set.v", "unknown_step")
    sides = {"left": [ask], "right": [told]}
    assert found({"parallel": sides}) == at("steps[0].parallel.right[0].set.v", "unknown_step")
    assert found(ask, on_failure={"steps": [told]}) == at("on_failure.steps[0].set.v", "unknown_step")


def test_inputs_are_what_their_schema_says() -> None:
    schema = object_(city=string(), optional=["city"])
    assert found(reads("inputs.city"), inputs=schema) == []
    assert found(reads("inputs.town"), inputs=schema) == at("steps[0].set.v", "unknown_path")
    assert found(reads("inputs.town"), inputs={"type": "object"}) == []
    assert found(reads("inputs.town")) == []


def test_keys_are_made_of_the_trigger_alone() -> None:
    concurrency = {"key": "{{ trigger.data.account }}"}
    assert found(ACT, concurrency=concurrency, idempotency={"key": "{{ trigger.data.id }}"}) == []
    for name in ("vars.a", "inputs.a", "steps.a", "execution.id"):
        for word in ("concurrency", "idempotency"):
            key = {"key": "{{ " + name + " }}"}
            assert found(ACT, vars={"a": 1}, **{word: key}) == at(f"{word}.key", "unknown_name")
    assert found(ACT, concurrency={"key": "{{ trigger. }}"}) == at("concurrency.key", "template_invalid")


def test_after_a_failure_the_trigger_is_the_failure() -> None:
    def after(expression: str) -> list[tuple[str, str]]:
        return found({"id": "a", **ACT}, vars={"to": "x"}, on_failure={"steps": [reads(expression)]})

    for name in ("kind", "data.execution_id", "data.workflow", "data.error.message", "data.trigger.data.x"):
        assert after(f"trigger.{name}") == []
    assert after("vars.to") == []
    for name in ("trigger.data.errors", "trigger.event_id", "trigger.data.trigger.x"):
        assert after(name) == at("on_failure.steps[0].set.v", "unknown_path")
    assert after("steps.a.id") == at("on_failure.steps[0].set.v", "unknown_step")


def test_the_bodies_of_the_other_words_are_looked_at() -> None:
    assert found({"switch": "{{ steps.no }}", "cases": {"a": []}}) == at("steps[0].switch", "unknown_step")
    assert found({"wait": {"until": "{{ vars.no }}"}}) == at("steps[0].wait.until", "unknown_path")
    assert found({"wait": {"for": "{{ steps.no }}m"}}) == at("steps[0].wait.for", "unknown_step")
    assert found({"call": "other", "with": {"a": "{{ no }}"}}) == at("steps[0].with.a", "unknown_name")


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin"),
        ("berlin", "did you mean Europe/Berlin"),
        ("new york", "did you mean America/New_York"),
        ("x/y", "write the name of a time zone such as Europe/Berlin"),
        ("Z" * 200, f"there is no time zone '{'Z' * 80}'"),
    ],
)
def test_of_a_time_zone_that_is_not_there_the_near_ones_are_told(zone: str, near: str) -> None:
    (told,) = _problems(ACT, on=[{"schedule": {"cron": "0 8 * * *", "timezone": zone}}])
    assert near in told.message


def test_two_schedules_that_are_due_alike_are_one_too_many() -> None:
    daily = {"schedule": {"cron": "0 8 * * *", "timezone": "Europe/Berlin"}}
    same = {"schedule": {"cron": " 0 8  * * * ", "timezone": "Europe/Berlin", "missed": "all", "jitter": 60}}
    other = {"schedule": {"cron": "0 8 * * *", "timezone": "Europe/Paris"}}
    moments = [{"schedule": {"at": ["2027-01-01T08:00Z", "2027-02-01T08:00Z"]}}]
    moments += [{"schedule": {"at": ["2027-02-01T08:00Z", "2027-01-01T08:00Z"]}}]
    on = [daily, {"schedule": {"every": 60}}, same, other, {"schedule": {"every": "1m"}}, *moments]
    assert found(ACT, on=on) == [
        ("on[2].schedule", "same_schedule"),
        ("on[4].schedule", "same_schedule"),
        ("on[6].schedule", "same_schedule"),
    ]


def test_overlap_and_concurrency_are_not_said_together() -> None:
    on = [{"schedule": {"every": 60, "overlap": "skip"}}, {"schedule": {"every": 90, "overlap": "allow"}}]
    assert found(ACT, on=on) == []
    assert found(ACT, on=on, concurrency={}) == at("on[0].schedule.overlap", "overlap_and_concurrency")


def test_a_time_zone_must_be_there() -> None:
    on = [
        {"schedule": {"cron": "0 8 * * *", "timezone": zone}} for zone in ("Europe/Berlin", "Europe", "x/y")
    ]
    assert found(ACT, on=on) == [
        ("on[1].schedule.timezone", "unknown_timezone"),
        ("on[2].schedule.timezone", "unknown_timezone"),
    ]
