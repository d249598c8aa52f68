"""A dry run: every control word evaluated, nothing called, bounded in time and size."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from revolution_hub.catalog import Catalog
from revolution_hub.engine.dry_run import Walk
from revolution_hub.engine.rehearsal import ITEMS_SHOWN, MOST_STEPS, Budget, Ended, Surroundings, pretended
from revolution_hub.engine.samples import DEEPEST, sample_of
from revolution_hub.errors import LimitError
from revolution_hub.model.parse_workflow import parse
from revolution_sdk import ActionContext, Connector, JsonObject
from revolution_sdk.schema import array, integer, object_, string

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def catalog() -> Catalog:
    made = Connector("mail", title="Mail")

    @made.action(
        input=object_(to=string(format="email")),
        output=object_(id=string(), tags=array(string()), n=integer(minimum=1)),
        effect="once",
    )
    def send_mail(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Send a mail."""
        raise AssertionError("a dry run has called an action")

    found = Catalog()
    found.add(made)
    return found


@dataclass(slots=True)
class Bench:
    """Walks through steps; `told` is what the last walk told."""

    others: dict[str, Any] = field(default_factory=dict)
    told: list[Any] = field(default_factory=list)

    def walk(self, *steps: Any, data: Any = None, pins: Any = None, past: Any = None) -> Ended:
        around = Surroundings(
            catalog=catalog(),
            connection_of=lambda connector, name: name or f"first {connector}",
            find_workflow=lambda name: parse(self.others[name]) if name in self.others else None,
            now=NOW,
        )
        workflow = parse({"name": "w", "steps": list(steps), "vars": {"v": 1}})
        budget = Budget()
        self.told = budget.told
        walk = Walk(workflow=workflow, around=around, pins=pins or {}, past=past or {}, budget=budget)
        return walk.run(pretended(NOW, "manual", data or {}))

    def sources(self) -> dict[str, str]:
        return {"/".join((*one.within, one.step.id)): str(one.source) for one in self.told}

    def output(self, step_id: str) -> Any:
        return next(one.output for one in self.told if one.step.id == step_id)


@pytest.fixture
def bench() -> Bench:
    """Something to walk with."""
    return Bench()


SEND = {"id": "send", "uses": "mail.send_mail", "with": {"to": "{{ inputs.to }}"}}
READ = {"id": "read", "set": {"n": "{{ steps.send.n }}"}}


@pytest.mark.parametrize(
    ("given", "source", "output"),
    [
        ({}, "sample", {"id": "text", "tags": ["text"], "n": 1}),
        ({"past": {"send": {"n": 5}}}, "past", {"n": 5}),
        ({"past": {"send": {"n": 5}}, "pins": {"send": {"n": 7}}}, "pinned", {"n": 7}),
    ],
)
def test_a_result_is_pinned_or_past_or_made_up(bench: Bench, given: Any, source: str, output: Any) -> None:
    ended = bench.walk(SEND, READ, data={"to": "ada@example.com"}, **given)
    assert str(ended.status) == "succeeded"
    assert bench.sources() == {"send": source, "read": "computed"}
    assert (bench.output("send"), bench.output("read")) == (output, {"n": output["n"]})
    first = bench.told[0]
    assert (first.input, first.effect, first.connection) == ({"to": "ada@example.com"}, "once", "first mail")
    assert first.problems == []


def test_what_an_action_would_refuse_is_told_and_the_walk_goes_on(bench: Bench) -> None:
    ended = bench.walk({**SEND, "connection": "second"}, READ, data={"to": 5})
    assert [one.path for one in bench.told[0].problems] == ["to"]
    assert (bench.told[0].connection, str(ended.status)) == ("second", "succeeded")


@pytest.mark.parametrize(
    ("steps", "data", "sources"),
    [
        (
            [
                {
                    "id": "if",
                    "if": "{{ inputs.x }}",
                    "then": [{"id": "a", "set": {}}],
                    "else": [{"id": "b", "set": {}}],
                }
            ],
            {"x": 0},
            {"if": "computed", "a": "not_reached", "b": "computed"},
        ),
        (
            [
                {
                    "id": "s",
                    "switch": "{{ inputs.x }}",
                    "cases": {"true": [{"id": "a", "set": {}}]},
                    "default": [{"id": "b", "set": {}}],
                }
            ],
            {"x": True},
            {"s": "computed", "a": "computed", "b": "not_reached"},
        ),
        (
            [
                {
                    "id": "s",
                    "switch": "{{ inputs.x }}",
                    "cases": {"5": [{"id": "a", "set": {}}]},
                    "default": [{"id": "b", "set": {}}],
                }
            ],
            {"x": None},
            {"s": "computed", "a": "not_reached", "b": "computed"},
        ),
        (
            [{"id": "a", "if": False, "set": {}}, {"id": "b", "set": {}}],
            {},
            {"a": "skipped", "b": "computed"},
        ),
        (
            [{"id": "a", "finish": {}}, {"id": "p", "parallel": {"l": [{"id": "x", "set": {}}]}}],
            {},
            {"a": "computed", "p": "not_reached", "x": "not_reached"},
        ),
        (
            [
                {
                    "id": "p",
                    "parallel": {
                        "l": [{"id": "x", "finish": {}}, {"id": "y", "set": {}}],
                        "r": [{"id": "z", "set": {}}],
                    },
                }
            ],
            {},
            {"p": "computed", "p.l/x": "computed", "p.l/y": "not_reached", "p.r/z": "computed"},
        ),
        (
            [{"id": "f", "for_each": [], "steps": [{"id": "x", "set": {}}]}],
            {},
            {"f": "computed", "x": "not_reached"},
        ),
        (
            [
                {
                    "id": "bad",
                    "set": {"n": "{{ inputs.gone }}"},
                    "on_error": {"steps": [{"id": "mend", "set": {}}]},
                }
            ],
            {},
            {"bad": "failed", "mend": "computed"},
        ),
        (
            [{"id": "good", "set": {}, "on_error": {"steps": [{"id": "mend", "set": {}}]}}],
            {},
            {"good": "computed", "mend": "not_reached"},
        ),
        (
            [{"id": "bad", "set": {"n": "{{ inputs.gone }}"}}, {"id": "after", "set": {}}],
            {},
            {"bad": "failed", "after": "not_reached"},
        ),
    ],
)
def test_every_way_is_told_the_taken_and_the_others(
    bench: Bench, steps: Any, data: Any, sources: Any
) -> None:
    bench.walk(*steps, data=data)
    assert bench.sources() == sources


def test_branches_see_what_was_before_and_not_each_other(bench: Bench) -> None:
    ended = bench.walk(
        {
            "id": "both",
            "parallel": {
                "left": [{"id": "l", "set": {"v": 2}}],
                "right": [{"id": "r", "set": {"seen": "{{ vars.v }}"}}],
            },
        },
        {"id": "end", "finish": {"output": ["{{ steps.both }}", "{{ vars.v }}"]}},
    )
    assert ended.output == [{"left": {"l": {"v": 2}}, "right": {"r": {"seen": 1}}}, 1]


def test_a_branch_that_fails_fails_its_step_and_names_itself(bench: Bench) -> None:
    ended = bench.walk(
        {"id": "p", "parallel": {"ok": [{"set": {}}], "bad": [{"finish": {"status": "failed"}}]}}
    )
    assert ended.error is not None
    assert (ended.error["code"], ended.error["details"]) == ("finished_failed", {"branch": "bad"})
    assert bench.sources()["p"] == "failed"


def test_the_first_items_of_a_loop_are_shown_and_all_are_counted(bench: Bench) -> None:
    ended = bench.walk(
        {
            "id": "loop",
            "for_each": "{{ inputs.list }}",
            "as": "one",
            "steps": [{"id": "x", "set": {"n": "{{ one * 10 + index }}"}}],
            "result": "{{ steps.x.n }}",
        },
        {"id": "end", "finish": {"output": "{{ steps.loop.items | length }}"}},
        data={"list": [1, 2, 3, 4, 5]},
    )
    loop = bench.told[0]
    assert (loop.items, loop.input, str(loop.source)) == (5, {"items": [1, 2, 3]}, "sample")
    assert loop.output == {"items": [10, 21, 32], "succeeded": 5, "failed": 0, "errors": []}
    assert [one.within for one in bench.told[1:4]] == [(f"loop[{at}]",) for at in range(ITEMS_SHOWN)]
    assert ended.output == 5


def test_an_item_that_fails_stops_the_loop_or_is_counted(bench: Bench) -> None:
    body = [{"id": "x", "set": {"n": "{{ 6 / item }}"}}]
    ended = bench.walk({"id": "loop", "for_each": [1, 0], "steps": body})
    assert str(ended.status) == "failed"
    ended = bench.walk({"id": "loop", "for_each": [1, 0], "on_item_error": "continue", "steps": body})
    assert str(ended.status) == "succeeded"
    assert [bench.output("loop")[name] for name in ("succeeded", "failed")] == [1, 1]


def test_a_called_workflow_is_walked_through_with_its_own_inputs(bench: Bench) -> None:
    inputs = {"type": "object", "properties": {"n": {"type": "integer"}, "m": {"default": 2}}}
    bench.others["sum"] = {
        "name": "sum",
        "inputs": inputs,
        "steps": [{"id": "end", "finish": {"output": "{{ inputs.n + inputs.m }}"}}],
    }
    ended = bench.walk({"id": "c", "call": "sum", "with": {"n": 1}}, {"finish": {"output": "{{ steps.c }}"}})
    assert (ended.output, bench.sources()["c/end"]) == (3, "computed")
    ended = bench.walk({"id": "c", "call": "sum", "with": {"n": "x"}})
    assert ended.error is not None
    assert ended.error["details"]["problems"][0]["path"] == "with.n"
    assert (
        bench.walk({"id": "c", "call": "sum"}, {"finish": {"output": "{{ steps.c }}"}}, pins={"c": 9}).output
        == 9
    )
    ended = bench.walk({"id": "c", "call": "gone"})
    assert ended.error is not None
    assert ended.error["code"] == "unknown_workflow"


def test_workflows_that_call_each_other_end(bench: Bench) -> None:
    bench.others["a"] = {"name": "a", "steps": [{"id": "c", "call": "a"}]}
    assert str(bench.walk({"id": "c", "call": "a"}).status) == "succeeded"


@pytest.mark.parametrize(
    ("wait", "output"),
    [
        ({"for": "2h"}, {"until": "2026-11-23T10:00:00.000000Z"}),
        ({"until": "{{ inputs.at }}"}, {"until": "2027-01-01T00:00:00.000000Z"}),
        ({"callback": {}}, {"body": {}, "received_at": "2026-11-23T08:00:00.000000Z"}),
    ],
)
def test_nothing_is_waited_for(bench: Bench, wait: Any, output: Any) -> None:
    url = {"set": {"url": "{{ callbacks.w }}"}} if "callback" in wait else {"set": {}}
    ended = bench.walk(url, {"id": "w", "wait": wait}, data={"at": "2027-01-01T01:00:00+01:00"})
    assert (str(ended.status), bench.output("w")) == ("succeeded", output)


def test_a_moment_nobody_can_read_fails_the_step(bench: Bench) -> None:
    ended = bench.walk({"id": "w", "wait": {"until": "{{ inputs.at }}"}}, data={"at": "soon"})
    assert str(ended.status) == "failed"


def test_on_error_gives_its_value_and_the_next_steps_read_it(bench: Bench) -> None:
    bad = {
        "id": "bad",
        "set": {"n": "{{ inputs.gone }}"},
        "on_error": {"continue": {"code": "{{ error.code }}"}},
    }
    ended = bench.walk(bad, {"finish": {"output": "{{ steps.bad.code }}"}})
    assert (ended.output, bench.sources()["bad"]) == ("template_invalid", "failed")


@pytest.mark.parametrize(
    "steps",
    [
        [{"set": {}} for _ in range(MOST_STEPS + 1)],
        [{"id": f"s{at}", "set": {"t": "{{ inputs.long }}"}} for at in range(10)],
        [
            {
                "for_each": "{{ inputs.list }}",
                "steps": [
                    {
                        "for_each": "{{ inputs.list }}",
                        "steps": [
                            {
                                "for_each": "{{ inputs.list }}",
                                "steps": [
                                    {
                                        "for_each": "{{ inputs.list }}",
                                        "steps": [
                                            {
                                                "for_each": "{{ inputs.list }}",
                                                "steps": [{"set": {}}, {"set": {}}],
                                            }
                                        ],
                                    }
                                ],
                            }
                        ],
                    }
                ],
            }
        ],
    ],
)
def test_what_takes_too_much_is_given_up(bench: Bench, steps: Any) -> None:
    with pytest.raises(LimitError) as caught:
        bench.walk(*steps, data={"long": "x" * 900_000, "list": [1, 2, 3]})
    assert caught.value.code == "dry_run_limit"


def test_a_budget_whose_time_is_up_gives_up(bench: Bench) -> None:
    with pytest.raises(LimitError) as caught:
        Budget(give_up_s=0.0).limits()
    assert caught.value.code == "dry_run_limit"


@pytest.mark.parametrize(
    ("schema", "sample"),
    [
        ({"default": 5, "type": "string"}, 5),
        ({"const": "x"}, "x"),
        ({"examples": ["a", "b"]}, "a"),
        ({"enum": ["b", "c"]}, "b"),
        ({"type": ["null", "boolean"]}, False),
        ({"type": "null"}, None),
        ({"anyOf": [{"type": "integer", "minimum": 3}]}, 3),
        ({"type": "string", "format": "email"}, "ada@example.com"),
        (True, {}),
    ],
)
def test_a_sample_is_what_the_schema_says(schema: Any, sample: Any) -> None:
    assert sample_of(schema) == sample


PLAIN = st.recursive(
    st.sampled_from([{"type": one} for one in ("string", "integer", "number", "boolean", "null")]),
    lambda below: (
        st.builds(lambda one: {"type": "array", "items": one}, below)
        | st.builds(lambda ones: object_(**ones), st.dictionaries(st.sampled_from("abc"), below, max_size=3))
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_a_sample_follows_a_plain_schema(schema: Any) -> None:
    depth = str(schema).count("items") + str(schema).count("properties")
    if depth < DEEPEST:
        Draft202012Validator(schema).validate(sample_of(schema))
