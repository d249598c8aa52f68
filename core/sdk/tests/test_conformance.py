"""The conformance rules: a good connector passes all of them, and each catches its planted bad one."""

from collections.abc import Callable
from typing import Any

import pytest

from revolution_sdk import ActionContext, AppWebhook, Connector, Delivery, Found, JsonObject, Secret
from revolution_sdk.schema import array, object_, string
from revolution_sdk.testing import Conformance

RULES = sorted(name for name in vars(Conformance) if name.startswith("test_"))
TEXT = object_(text=string(describe="A text"))


def held(rule: str, connector: Connector) -> None:
    """Apply one rule to a connector; raises what pytest would report."""
    getattr(type("Held", (Conformance,), {"connector": connector})(), rule)()


def with_action(doc: str = "Say it. Calling twice says it twice.", **options: Any) -> Connector:
    acme = Connector(
        "acme", title="Acme", description="Says things.", base_url=options.pop("base_url", "https://a.com")
    )

    def say_it(ctx: ActionContext, value: JsonObject) -> JsonObject:
        return value

    say_it.__doc__ = doc
    acme.action(**{"input": TEXT, "output": TEXT, "effect": "read", **options})(say_it)
    return acme


def with_event(data: JsonObject) -> Connector:
    acme = with_action()
    acme.event("thing.said", title="Said", data=data)
    return acme


def with_map(make: Callable[[JsonObject], JsonObject]) -> Connector:
    acme = with_action()
    acme.event("thing.said", title="Said", data=TEXT, canonical="crm.contact.created", map=make)
    return acme


def with_challenge(answer: Callable[[Delivery, Secret], str | None]) -> Connector:
    webhook = AppWebhook(verify=lambda delivery, secret: None, parse=lambda delivery: [], challenge=answer)
    return Connector("acme", title="Acme", description="Says things.", webhook=webhook)


def no_result(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    return Found.UNKNOWN


OPEN = {"type": "object", "properties": {"text": string(describe="A text")}, "additionalProperties": True}
INNER = object_(list=array(OPEN, describe="Many"))
SILENT = {"type": "object", "properties": {"text": string(describe="A text")}}

PLANTED = [
    ("test_it_offers_something", Connector("acme", title="Acme", description="Nothing.")),
    ("test_title_and_description_are_for_people", Connector("acme", title="", description="Says things.")),
    ("test_title_and_description_are_for_people", Connector("acme", title="A" * 61, description="Says.")),
    ("test_title_and_description_are_for_people", Connector("acme", title="Acme")),
    ("test_every_schema_is_json_schema", with_action(output={"type": "objekt"})),
    ("test_every_schema_is_json_schema", with_action(input={"type": "object", "required": "text"})),
    ("test_every_schema_is_json_schema", with_event({"properties": []})),
    ("test_action_inputs_and_outputs_are_objects", with_action(input=string())),
    ("test_action_inputs_and_outputs_are_objects", with_action(output=array(string()))),
    ("test_inputs_refuse_unknown_fields", with_action(input=OPEN)),
    ("test_inputs_refuse_unknown_fields", with_action(input=INNER)),
    ("test_inputs_refuse_unknown_fields", with_action(input=SILENT)),
    ("test_every_input_field_is_described", with_action(input=object_(text=string()))),
    ("test_a_once_action_says_what_a_second_call_does", with_action("Say it.", effect="once")),
    ("test_only_once_actions_confirm", with_action(effect="read", confirm=no_result)),
    ("test_critical_actions_say_what_they_do", with_action("Say it.", critical=True)),
    ("test_network_actions_declare_where_they_go", with_action(base_url="")),
    ("test_events_come_from_a_verified_door", with_event(TEXT)),
    ("test_a_map_makes_the_canonical_form", with_map(lambda data: {"id": "1"})),
    ("test_nobody_is_answered_without_the_verify_token", with_challenge(lambda delivery, token: "hello")),
]


@pytest.mark.parametrize("rule", RULES)
def test_a_good_connector_keeps_every_rule(rule: str, declare: Callable[..., Connector]) -> None:
    held(rule, declare())


@pytest.mark.parametrize(("rule", "connector"), PLANTED)
def test_each_rule_catches_its_planted_fault(rule: str, connector: Connector) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        held(rule, connector)


def test_no_rule_is_without_a_planted_fault() -> None:
    assert {one[0] for one in PLANTED if isinstance(one[0], str)} == set(RULES)


def test_a_confirm_speaks_for_a_once_action() -> None:
    connector = with_action("Say it.", effect="once", confirm=no_result)
    held("test_a_once_action_says_what_a_second_call_does", connector)
    held("test_only_once_actions_confirm", connector)


def test_what_only_computes_needs_no_host() -> None:
    held("test_network_actions_declare_where_they_go", with_action(effect="pure", base_url=""))


class TestConformance(Conformance):
    """The three lines themselves, run by pytest like any connector's."""

    connector = with_action()


@pytest.mark.parametrize(
    ("make", "good"), [({"id": "1"}, True), ({"id": 1}, False), ({}, False), ({"id": "1", "x": 1}, False)]
)
def test_a_map_is_tried_on_its_sample(make: JsonObject, good: bool) -> None:
    given = {"connector": with_map(lambda data: make), "samples": {"thing.said": {"text": "a"}}}
    rule = type("Held", (Conformance,), given)().test_a_map_makes_the_canonical_form
    if good:
        rule()
        return
    with pytest.raises(AssertionError):
        rule()


def test_events_that_only_actions_report_are_named() -> None:
    given = {"connector": with_event(TEXT), "emitted": ("thing.said",)}
    type("Held", (Conformance,), given)().test_events_come_from_a_verified_door()
