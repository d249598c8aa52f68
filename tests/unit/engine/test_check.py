"""check: what a definition names must exist, and templates must be readable. All problems at once."""

from dataclasses import dataclass
from typing import Any

import pytest

from revolution_hub.catalog import Catalog
from revolution_hub.engine.check import check
from revolution_hub.errors import Problem
from revolution_hub.model.parse_workflow import MOST_PROBLEMS, parse
from revolution_sdk import ActionContext, Connector, JsonObject
from revolution_sdk.schema import array, object_, string

SEND = {"uses": "acme.send_mail", "with": {"to": "a@b.c"}}
CONNECTIONS = {("acme", "main"), ("other", "second")}


def catalog() -> Catalog:
    made = Catalog()
    for name in ("acme", "other"):
        connector = Connector(name, title=name)

        @connector.action(
            input=object_(to=string(), cc=string(), optional=["cc"]),
            output=object_(id=string(), parts=array(object_(kind=string())), optional=["parts"]),
            effect="once",
        )
        def send_mail(ctx: ActionContext, value: JsonObject) -> JsonObject:
            """Send a mail."""
            return {"id": "1"}

        @connector.action(input=object_(open_=True), output=object_(open_=True), effect="read")
        def find_anything(ctx: ActionContext, value: JsonObject) -> JsonObject:
            """Find anything."""
            return {}

        connector.event(
            "contact.created", title="New", data=object_(email=string()), canonical="crm.contact.created"
        )
        made.add(connector)
    return made


CATALOG = catalog()


def checked(document: dict[str, Any]) -> list[Problem]:
    return check(
        parse({"name": "x", **document}), CATALOG, lambda connector, name: (connector, name) in CONNECTIONS
    )


def reads(expression: str) -> dict[str, Any]:
    """A workflow whose third step reads something."""
    return {
        "on": [{"event": "acme.contact.created"}],
        "vars": {"name": "Eva"},
        "steps": [
            {"id": "mail", **SEND},
            {"id": "note", "set": {"title": "{{ trigger.data }}"}},
            {"set": {"a": "{{" + expression + "}}"}},
        ],
    }


def of_steps(*steps: Any) -> list[Problem]:
    return checked({"steps": list(steps)})


def test_a_workflow_whose_names_all_exist_has_no_problems() -> None:
    document = {
        "on": ["manual", "webhook", {"event": "acme.contact.created", "connection": "main"}],
        "vars": {"name": "{{ not a template here }}"},
        "steps": [
            {"id": "first", **SEND, "connection": "main"},
            {"id": "free", "uses": "acme.find_anything", "with": {"whatever": ["{{ steps.first.id }}"]}},
            {"if": "{{ steps.free.count > 1 }}", "then": [{"set": {"a": "{{ trigger.data.x }}"}}]},
            {"finish": {"output": "{{ vars.a }} {{ inputs.b }} {{ execution.id }}"}},
        ],
    }
    assert checked(document) == []


@dataclass(frozen=True)
class Case:
    name: str
    given: dict[str, Any]
    path: str
    code: str
    message: str


def step(**more: Any) -> dict[str, Any]:
    return {"steps": [{**SEND, **more}]}


def on(**trigger: Any) -> dict[str, Any]:
    return {"on": [trigger], "steps": [SEND]}


CASES = [
    Case(
        "an action with a near name",
        step(uses="acme.send_mails"),
        "steps[0].uses",
        "unknown_action",
        "there is no action 'acme.send_mails'; did you mean 'acme.send_mail'?",
    ),
    Case(
        "an action nothing resembles",
        step(uses="zzz.qqq"),
        "steps[0].uses",
        "unknown_action",
        "there is no action 'zzz.qqq'",
    ),
    Case(
        "an input with a near name",
        step(**{"with": {"to": "x", "ccc": "y"}}),
        "steps[0].with.ccc",
        "unknown_input",
        "there is no input 'ccc'; did you mean 'cc'?",
    ),
    Case(
        "a missing input",
        step(**{"with": {"cc": "y"}}),
        "steps[0].with",
        "missing_input",
        "the input 'to' is missing",
    ),
    Case(
        "a connection of another connector",
        step(connection="second"),
        "steps[0].connection",
        "unknown_connection",
        "there is no acme connection 'second'",
    ),
    Case(
        "an event with a near name",
        on(event="acme.contact.createdd"),
        "on[0].event",
        "unknown_event",
        "there is no event 'acme.contact.createdd'; did you mean 'acme.contact.created'?",
    ),
    Case(
        "an event through a connection of another connector",
        on(event="acme.contact.created", connection="second"),
        "on[0].connection",
        "unknown_connection",
        "there is no acme connection 'second'",
    ),
    Case(
        "a neutral event through no connection at all",
        on(event="crm.contact.created", connection="third"),
        "on[0].connection",
        "unknown_connection",
        "there is no acme or other connection 'third'",
    ),
    Case(
        "a step that comes later",
        {"steps": [{"set": {"a": "{{ steps.later.x }}"}}, {"id": "later", **SEND}]},
        "steps[0].set.a",
        "unknown_step",
        "there is no earlier step 'later' (line 1, column 4)",
    ),
    Case(
        "a step itself",
        {"steps": [{"id": "me", "set": {"a": "{{ steps.me.x }}"}}]},
        "steps[0].set.a",
        "unknown_step",
        "there is no earlier step 'me' (line 1, column 4)",
    ),
    Case(
        "a misspelled step",
        {"steps": [{"id": "contact", **SEND}, {"set": {"a": "x {{ steps.contakt.x }}"}}]},
        "steps[1].set.a",
        "unknown_step",
        "there is no earlier step 'contakt'; did you mean 'contact'? (line 1, column 6)",
    ),
    Case(
        "a misspelled root",
        {"steps": [{"set": {"a": "{{ triger.data }}"}}]},
        "steps[0].set.a",
        "unknown_name",
        "there is no name 'triger'; did you mean 'trigger'? (line 1, column 4)",
    ),
    Case(
        "a secret root",
        {"steps": [{"set": {"a": "{{ env.PATH }}"}}]},
        "steps[0].set.a",
        "unknown_name",
        "there is no name 'env' (line 1, column 4)",
    ),
    Case(
        "a step in a condition",
        {"steps": [{"if": "{{ steps.none.x }}", **SEND}]},
        "steps[0].if",
        "unknown_step",
        "there is no earlier step 'none' (line 1, column 4)",
    ),
]


READS = [
    Case(
        "a key of an output",
        reads("steps.mail.ide"),
        "",
        "unknown_path",
        "steps.mail.ide can never be there; did you mean id?",
    ),
    Case("a key below one", reads("steps.mail.parts[0].kin"), "", "unknown_path", "did you mean kind?"),
    Case(
        "a key of a text", reads("steps.mail.id.x"), "", "unknown_path", "steps.mail.id.x can never be there"
    ),
    Case(
        "an index of an object",
        reads("steps.mail[0]"),
        "",
        "unknown_path",
        "steps.mail[0] can never be there",
    ),
    Case(
        "a name in a list",
        reads("steps.mail.parts.kind"),
        "",
        "unknown_path",
        "steps.mail.parts.kind can never",
    ),
    Case("an optional one", reads("steps.mail.ide? | 'x'"), "", "unknown_path", "did you mean id?"),
    Case(
        "a variable", reads("vars.nam"), "", "unknown_path", "vars.nam can never be there; did you mean name?"
    ),
    Case("what a set step holds", reads("steps.note.titel"), "", "unknown_path", "did you mean title?"),
    Case("what an event brings", reads("trigger.data.mail"), "", "unknown_path", "did you mean email?"),
    Case("what a trigger has", reads("trigger.date"), "", "unknown_path", "did you mean data?"),
    Case("what an execution has", reads("execution.ident"), "", "unknown_path", "execution.ident can never"),
    Case(
        "within a loop",
        reads("#each steps.mail.parts}}{{ this.kin }}{{/each"),
        "",
        "unknown_path",
        "parts[0].kin",
    ),
]


@pytest.mark.parametrize("case", READS, ids=lambda case: case.name)
def test_a_path_that_can_never_be_there_is_told(case: Case) -> None:
    (found,) = checked(case.given)
    assert (found.path, found.code) == ("steps[2].set.a", case.code)
    assert case.message in found.message


POSSIBLE = [
    "steps.mail.id",
    "steps.mail.parts[-1].kind",
    "#each steps.mail.parts}}{{ this.kind }}{{/each",
    "steps.note.title.whatever",
    "vars.name",
    "vars.title",
    "vars.later ?? 1",
    "vars.later | 1",
    "trigger.data.email",
    "trigger.received_at",
    "inputs.whatever",
    "execution.version",
]


@pytest.mark.parametrize("expression", POSSIBLE)
def test_a_path_that_may_be_there_is_not(expression: str) -> None:
    assert checked(reads(expression)) == []


def test_what_a_neutral_event_or_a_person_brings_is_held_against_nothing_narrower() -> None:
    given = reads("trigger.data.email")
    assert checked({**given, "on": [{"event": "crm.contact.created"}]}) == []
    assert [
        one.code for one in checked({**reads("trigger.data.x"), "on": [{"event": "crm.contact.created"}]})
    ] == ["unknown_path"]
    assert checked({**reads("trigger.data.x"), "on": ["webhook", {"event": "crm.contact.created"}]}) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_does_not_exist_is_named_where_it_stands(case: Case) -> None:
    (found,) = checked(case.given)
    assert (found.path, found.code, found.message) == (case.path, case.code, case.message)


def test_a_template_that_cannot_be_read_is_shown_with_a_caret() -> None:
    (found,) = of_steps({**SEND, "with": {"to": "{{ trigger.data.mail | upperr }}"}})
    assert (found.path, found.code) == ("steps[0].with.to", "template_invalid")
    source, caret = found.message.splitlines()[1:]
    assert source[caret.index("^") :].startswith("upperr")


def test_a_condition_that_cannot_be_read_is_shown_with_a_caret() -> None:
    (found,) = of_steps({"if": "{{ trigger.data. }}", **SEND})
    assert (found.path, found.code) == ("steps[0].if", "template_invalid")
    assert found.message.endswith("^")


def test_a_condition_is_one_expression_and_nothing_else() -> None:
    (found,) = of_steps({"if": "yes {{ true }}", **SEND})
    assert "a condition is true, false or one {{ expression }}" in found.message


def test_templates_deep_in_a_body_are_found() -> None:
    body = {"to": "x", "cc": [{"deep": ["{{ nope }}", "{{ steps.gone }}"]}]}
    assert [(one.path, one.code) for one in of_steps({**SEND, "with": body})] == [
        ("steps[0].with.cc[0].deep[0]", "unknown_name"),
        ("steps[0].with.cc[0].deep[1]", "unknown_step"),
    ]


def test_a_branch_sees_the_steps_before_it_and_nothing_of_the_future() -> None:
    use_a, use_b = {"set": {"x": "{{ steps.a }}"}}, {"set": {"x": "{{ steps.b }}"}}
    steps = [{"id": "a", **SEND}, {"if": True, "then": [use_a, use_b]}, {"id": "b", **SEND}]
    assert [one.path for one in of_steps(*steps)] == ["steps[1].then[1].set.x"]


def test_everything_wrong_is_told_at_once_in_written_order() -> None:
    document = {
        "on": [{"event": "no.such"}, {"event": "crm.contact.created", "connection": "no"}],
        "steps": [
            {"uses": "no.action", "with": {"a": "{{ b }}"}},
            {"uses": "acme.send_mail", "connection": "no", "with": {"bad": 1}},
            {"if": "{{ x }}", "then": [{"finish": {"reason": "{{ y }}"}}]},
        ],
    }
    assert [(one.path, one.code) for one in checked(document)] == [
        ("on[0].event", "unknown_event"),
        ("on[1].connection", "unknown_connection"),
        ("steps[0].uses", "unknown_action"),
        ("steps[0].with.a", "unknown_name"),
        ("steps[1].with.bad", "unknown_input"),
        ("steps[1].with", "missing_input"),
        ("steps[1].connection", "unknown_connection"),
        ("steps[2].if", "unknown_name"),
        ("steps[2].then[0].finish.reason", "unknown_name"),
    ]


def test_only_the_first_problems_of_very_many_are_told() -> None:
    unknown_inputs = {**SEND, "with": {"to": "x", **{f"k{number}": 1 for number in range(5_000)}}}
    unknown_names = {"set": {"a": [f"{{{{ x{number} }}}}" for number in range(2_000)]}}
    for steps in ([unknown_inputs], [unknown_names], [unknown_inputs, unknown_names] * 20):
        assert len(of_steps(*steps)) == MOST_PROBLEMS


def test_a_long_name_is_shortened_in_the_message() -> None:
    (found,) = of_steps({"uses": "acme." + "x" * 150})
    assert len(found.message) < 120


def test_a_body_with_odd_keys_is_checked_like_any_other() -> None:
    found = of_steps({**SEND, "with": {"to": "x", "": 1, "__class__": 2, "k" * 500: 3}})
    assert [one.path for one in found] == [
        "steps[0].with.",
        "steps[0].with.__class__",
        f"steps[0].with.{'k' * 80}",
    ]
