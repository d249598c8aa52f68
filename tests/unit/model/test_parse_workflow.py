"""parse: what a definition may say, and every problem of a wrong one at once, each with its path."""

from dataclasses import dataclass
from typing import Any

import pytest

from revolution_hub.errors import DefinitionError
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow import RetryPolicy, StepKind, TriggerKind

WORK = {"uses": "acme.send_mail"}


def problems(document: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(DefinitionError) as caught:
        parse(document)
    assert caught.value.code == "definition_invalid"
    return [(one.path, one.code, one.message) for one in caught.value.problems]


def of_steps(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"name": "x", "steps": list(steps), **more}


def test_a_small_workflow_is_read_with_all_defaults() -> None:
    workflow = parse(of_steps(WORK))
    (step,) = workflow.steps
    assert workflow.name == "x"
    assert [one.kind for one in workflow.triggers] == [TriggerKind.MANUAL]
    assert (step.id, step.path, step.kind) == ("at_steps_0", "steps[0]", StepKind.ACTION)
    assert (step.connector, step.action, step.condition) == ("acme", "send_mail", True)
    assert step.retry == RetryPolicy(attempts=3, delay_s=2.0, longest_s=300.0)
    assert (workflow.vars, step.body, step.connection) == ({}, {}, None)


def test_every_word_finds_its_place() -> None:
    step = {
        "id": "send",
        "if": "{{ vars.on }}",
        "uses": "acme.send_mail",
        "connection": "main",
        "with": {"to": "a@b.c"},
        "retry": {"attempts": 5, "delay": 0.5, "longest": 9},
    }
    workflow = parse(of_steps(step, description="what for", vars={"on": True}))
    (read,) = workflow.steps
    assert (workflow.description, workflow.vars) == ("what for", {"on": True})
    assert (read.id, read.condition, read.connection) == ("send", "{{ vars.on }}", "main")
    assert read.body == {"to": "a@b.c"}
    assert read.retry == RetryPolicy(attempts=5, delay_s=0.5, longest_s=9)


def test_triggers_are_read_in_their_long_and_short_forms() -> None:
    on = [
        "manual",
        {"manual": {}},
        {"event": "crm.contact.created", "connection": "main"},
        {"webhook": {"auth": "none", "answer": "result"}},
    ]
    short, long, event, webhook = parse(of_steps(WORK, on=on)).triggers
    assert short.kind is long.kind is TriggerKind.MANUAL
    assert (event.event, event.connection, event.path) == ("crm.contact.created", "main", "on[2]")
    assert (webhook.webhook.auth.kind, webhook.webhook.answer) == ("none", "result")


def test_a_webhook_asks_for_signatures_unless_told_otherwise() -> None:
    for form in ("webhook", {"webhook": {}}, {"webhook": None}):
        (trigger,) = parse(of_steps(WORK, on=[form])).triggers
        assert (trigger.webhook.auth.kind, trigger.webhook.answer) == ("standard-webhooks", "accepted")


def test_branches_hold_steps_of_their_own_and_walk_in_written_order() -> None:
    branch = {"id": "b", "if": True, "then": [{"id": "t", **WORK}], "else": [{"id": "e", "set": {"a": 1}}]}
    workflow = parse(of_steps(branch, {"id": "last", "finish": {}}))
    assert [one.id for one in workflow.walk()] == ["b", "t", "e", "last"]
    assert [one.path for one in workflow.walk()][1:3] == ["steps[0].then[0]", "steps[0].else[0]"]
    assert workflow.steps[0].kind is StepKind.BRANCH


def test_control_words_keep_their_bodies() -> None:
    workflow = parse(
        of_steps(
            {"set": {"a": "{{ inputs.a }}"}},
            {"respond": {"status": 201, "body": {"ok": True}}},
            {"finish": {"status": "failed", "reason": "no", "output": [1]}},
        )
    )
    assert [one.kind for one in workflow.steps] == [StepKind.SET, StepKind.RESPOND, StepKind.FINISH]
    assert workflow.steps[1].body == {"status": 201, "body": {"ok": True}}
    assert workflow.steps[2].body["status"] == "failed"


def test_ids_made_by_the_hub_differ_for_every_place() -> None:
    nest = {"if": True, "then": [WORK, {"if": True, "then": [WORK], "else": [WORK]}], "else": [WORK]}
    ids = [one.id for one in parse(of_steps(nest, nest, WORK)).walk()]
    assert len(set(ids)) == len(ids) == 13


@dataclass(frozen=True)
class Case:
    name: str
    given: Any
    path: str
    says: str
    code: str = "invalid"


CASES = [
    Case("no name", {"steps": [WORK]}, "name", "a text is needed"),
    Case("a blank name", {"name": " \t", "steps": [WORK]}, "name", "a text is needed"),
    Case("a long name", {"name": "n" * 201, "steps": [WORK]}, "name", "at most 200"),
    Case("a long description", of_steps(WORK, description="d" * 4001), "description", "at most 4000"),
    Case("a description that is no text", of_steps(WORK, description=7), "description", "a text"),
    Case("an unknown word", of_steps(WORK, stepz=1), "stepz", "did you mean 'steps'?", "unknown_word"),
    Case("a strange word", of_steps(WORK, zzzz=1), "zzzz", "known here: name, descr", "unknown_word"),
    Case("no steps", {"name": "x"}, "steps", "a list is needed"),
    Case("empty steps", of_steps(), "steps", "at least one step"),
    Case("steps that are no list", {"name": "x", "steps": {"a": 1}}, "steps", "a list is needed"),
    Case("vars that are no object", of_steps(WORK, vars=[1]), "vars", "an object is needed"),
    Case("null vars", of_steps(WORK, vars=None), "vars", "an object is needed"),
    Case("on that is no list", of_steps(WORK, on="manual"), "on", "a list is needed"),
    Case("an unknown trigger", of_steps(WORK, on=["timer"]), "on[0]", "name exactly one", "unknown_word"),
    Case(
        "two kinds in one trigger",
        of_steps(WORK, on=[{"event": "a.b", "webhook": {}}]),
        "on[0]",
        "name exactly one kind",
        "unknown_word",
    ),
    Case(
        "a word of another trigger",
        of_steps(WORK, on=[{"webhook": {}, "connection": "m"}]),
        "on[0].connection",
        "not a known word",
        "unknown_word",
    ),
    Case("an event without a name", of_steps(WORK, on=[{"event": ""}]), "on[0].event", "a text"),
    Case("an event that is a number", of_steps(WORK, on=[{"event": 1}]), "on[0].event", "a text"),
    Case(
        "a connection that is no text",
        of_steps(WORK, on=[{"event": "a.b", "connection": []}]),
        "on[0].connection",
        "a text",
    ),
    Case(
        "manual with settings",
        of_steps(WORK, on=[{"manual": {"x": 1}}]),
        "on[0].manual.x",
        "not a known",
        "unknown_word",
    ),
    Case(
        "an unknown kind of signature",
        of_steps(WORK, on=[{"webhook": {"auth": "basic"}}]),
        "on[0].webhook.auth",
        "one of: standard-webhooks, none",
    ),
    Case(
        "an unknown answer",
        of_steps(WORK, on=[{"webhook": {"answer": ["result"]}}]),
        "on[0].webhook.answer",
        "one of: accepted, result",
    ),
    Case(
        "an unknown webhook setting",
        of_steps(WORK, on=[{"webhook": {"authh": "none"}}]),
        "on[0].webhook.authh",
        "did you mean 'auth'?",
        "unknown_word",
    ),
    Case("two webhooks", of_steps(WORK, on=["webhook", "webhook"]), "on[1]", "at most one webhook"),
    Case("a step without work", of_steps({"id": "a"}), "steps[0]", "name exactly one of", "unknown_word"),
    Case("only an if", of_steps({"if": True}), "steps[0]", "name exactly one of", "unknown_word"),
    Case(
        "two kinds of work",
        of_steps({"uses": "a.b", "set": {}}),
        "steps[0]",
        "name exactly one of: uses, switch, parallel, for_each, wait, call, emit, set, respond, finish",
        "unknown_word",
    ),
    Case("uses without a dot", of_steps({"uses": "send"}), "steps[0].uses", "connector.action"),
    Case("uses with two dots", of_steps({"uses": "a.b.c"}), "steps[0].uses", "connector.action"),
    Case("uses in capitals", of_steps({"uses": "Acme.send"}), "steps[0].uses", "connector.action"),
    Case("uses with a line end", of_steps({"uses": "a.b\n"}), "steps[0].uses", "connector.action"),
    Case("uses that is no text", of_steps({"uses": ["a.b"]}), "steps[0].uses", "a text is needed"),
    Case("with that is a list", of_steps({**WORK, "with": []}), "steps[0].with", "an object is needed"),
    Case("with that is empty text", of_steps({**WORK, "with": ""}), "steps[0].with", "an object is needed"),
    Case("with that is false", of_steps({**WORK, "with": False}), "steps[0].with", "an object is needed"),
    Case("finish with false", of_steps({"finish": False}), "steps[0].finish", "an object is needed"),
    Case("an id in capitals", of_steps({"id": "Send", **WORK}), "steps[0].id", "lower case letters"),
    Case("an id with a hyphen", of_steps({"id": "a-b", **WORK}), "steps[0].id", "lower case letters"),
    Case("an id of 65", of_steps({"id": "a" * 65, **WORK}), "steps[0].id", "at most 64"),
    Case("an id with a line end", of_steps({"id": "a\n", **WORK}), "steps[0].id", "lower case letters"),
    Case("an id that is a number", of_steps({"id": 5, **WORK}), "steps[0].id", "a text is needed"),
    Case("an id of the hub's own", of_steps({"id": "at_home", **WORK}), "steps[0].id", "made by the hub"),
    Case("if that is a number", of_steps({"if": 1, **WORK}), "steps[0].if", "a text is needed"),
    Case("if that is null", of_steps({"if": None, **WORK}), "steps[0].if", "a text is needed"),
    Case("if that is long", of_steps({"if": "{" * 4001, **WORK}), "steps[0].if", "at most 4000"),
    Case("then without if", of_steps({"then": [WORK]}), "steps[0]", "'then' needs an 'if'"),
    Case("else without if", of_steps({"else": [WORK]}), "steps[0]", "'else' needs an 'if'"),
    Case(
        "then beside work",
        of_steps({"if": True, "then": [WORK], **WORK}),
        "steps[0]",
        "'then' cannot have 'uses'",
    ),
    Case("then that is no list", of_steps({"if": True, "then": WORK}), "steps[0].then", "a list is needed"),
    Case("else that is null", of_steps({"if": True, "else": None}), "steps[0].else", "a list is needed"),
    Case(
        "with beside set", of_steps({"set": {}, "with": {}}), "steps[0].with", "belongs to a step with 'uses'"
    ),
    Case("retry beside finish", of_steps({"finish": {}, "retry": {}}), "steps[0].retry", "belongs to"),
    Case(
        "connection beside respond",
        of_steps({"respond": {}, "connection": "m"}),
        "steps[0].connection",
        "belongs",
    ),
    Case(
        "retry beside then", of_steps({"if": True, "then": [WORK], "retry": {}}), "steps[0].retry", "belongs"
    ),
    Case("a set name in capitals", of_steps({"set": {"Aa": 1}}), "steps[0].set.Aa", "a name is lower case"),
    Case(
        "a finish word",
        of_steps({"finish": {"state": 1}}),
        "steps[0].finish.state",
        "did you mean 'status'?",
        "unknown_word",
    ),
    Case(
        "a finish status",
        of_steps({"finish": {"status": "ok"}}),
        "steps[0].finish.status",
        "succeeded, failed",
    ),
    Case(
        "a cancelled finish",
        of_steps({"finish": {"status": "cancelled"}}),
        "steps[0].finish.status",
        "one of",
    ),
    Case(
        "a respond status below",
        of_steps({"respond": {"status": 199}}),
        "steps[0].respond.status",
        "200 to 599",
    ),
    Case(
        "a respond status above",
        of_steps({"respond": {"status": 600}}),
        "steps[0].respond.status",
        "200 to 599",
    ),
    Case(
        "a respond status as text",
        of_steps({"respond": {"status": "200"}}),
        "steps[0].respond.status",
        "a number",
    ),
    Case(
        "a respond status of true",
        of_steps({"respond": {"status": True}}),
        "steps[0].respond.status",
        "a number",
    ),
    Case(
        "a respond status that is half",
        of_steps({"respond": {"status": 200.5}}),
        "steps[0].respond.status",
        "whole",
    ),
    Case("no attempts", of_steps({**WORK, "retry": {"attempts": 0}}), "steps[0].retry.attempts", "1 to 100"),
    Case(
        "101 attempts", of_steps({**WORK, "retry": {"attempts": 101}}), "steps[0].retry.attempts", "1 to 100"
    ),
    Case(
        "half an attempt", of_steps({**WORK, "retry": {"attempts": 2.5}}), "steps[0].retry.attempts", "whole"
    ),
    Case(
        "a negative delay", of_steps({**WORK, "retry": {"delay": -1}}), "steps[0].retry.delay", "0 to 86400"
    ),
    Case(
        "a delay that is not a number",
        of_steps({**WORK, "retry": {"delay": float("nan")}}),
        "steps[0].retry.delay",
        "0 to",
    ),
    Case(
        "an endless delay",
        of_steps({**WORK, "retry": {"longest": float("inf")}}),
        "steps[0].retry.longest",
        "0 to 604800",
    ),
    Case(
        "an unknown retry word",
        of_steps({**WORK, "retry": {"tries": 3}}),
        "steps[0].retry.tries",
        "not a known",
        "unknown_word",
    ),
    Case("a retry that is a number", of_steps({**WORK, "retry": 3}), "steps[0].retry", "an object is needed"),
    Case(
        "a connection that is a number",
        of_steps({**WORK, "connection": 3}),
        "steps[0].connection",
        "a text is needed",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_named_with_its_exact_path(case: Case) -> None:
    assert [(path, code) for path, code, _ in problems(case.given)] == [(case.path, case.code)]
    assert case.says in problems(case.given)[0][2]


@pytest.mark.parametrize("odd", ["send", 7, None, [WORK], True])
def test_a_step_or_trigger_that_is_no_object_is_told_first(odd: Any) -> None:
    assert problems(of_steps(odd))[0] == ("steps[0]", "invalid", "an object is needed here")
    if not isinstance(odd, str):
        assert problems(of_steps(WORK, on=[odd]))[0] == ("on[0]", "invalid", "an object is needed here")


def test_a_misspelled_kind_of_work_is_told_with_the_near_word() -> None:
    misspelled, none = problems(of_steps({"use": "a.b"}))
    assert misspelled == ("steps[0].use", "unknown_word", "'use' is not a known word; did you mean 'uses'?")
    assert none[:2] == ("steps[0]", "unknown_word")


def test_an_id_used_twice_names_the_first_place() -> None:
    twice = of_steps({"id": "a", **WORK}, {"if": True, "then": [{"id": "a", **WORK}]})
    assert problems(twice) == [
        ("steps[1].then[0].id", "invalid", "the id 'a' is already used at steps[0]"),
    ]


def test_all_problems_come_at_once_in_the_order_of_the_document() -> None:
    document = {
        "nam": "x",
        "on": [{"event": 5}, "nothing"],
        "vars": 3,
        "steps": [
            {"id": "Bad", "use": "a.b"},
            {"if": True, "then": [{"uses": "nodot", "retry": {"attempts": 0}}]},
        ],
    }
    assert [path for path, _, _ in problems(document)] == [
        "nam",
        "name",
        "on[0].event",
        "on[1]",
        "vars",
        "steps[0].use",
        "steps[0]",
        "steps[0].id",
        "steps[1].then[0].uses",
        "steps[1].then[0].retry.attempts",
    ]


def test_missing_steps_are_told_beside_other_problems() -> None:
    assert [path for path, _, _ in problems({"name": "", "steps": []})] == ["name", "steps"]


def test_a_problem_is_written_as_json_for_the_api() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(of_steps("x"))
    assert caught.value.problems[0].as_json() == {
        "path": "steps[0]",
        "message": "an object is needed here",
        "code": "invalid",
    }
