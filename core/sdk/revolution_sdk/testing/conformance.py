"""The rules every connector is held to, as one plain base class. A connector's own test is three lines:

class TestConformance(Conformance):
    connector = hubspot
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar

import pytest
from jsonschema import Draft202012Validator

from revolution_sdk.canonical import CANONICAL
from revolution_sdk.connector import Action, Connector, Effect
from revolution_sdk.context import Delivery
from revolution_sdk.errors import DeliveryError
from revolution_sdk.secret import Secret
from revolution_sdk.types import Json, JsonObject

LONGEST_TITLE = 60
FEWEST_WORDS = 4


class Conformance:
    """Subclass it in a test module and name your connector; every rule then runs as a test of its own.

    `samples` has data of the event types that have a `map`, by their local names. `emitted` names the event
    types that only actions report, with `ctx.emit`.
    """

    connector: ClassVar[Connector]
    samples: ClassVar[Mapping[str, JsonObject]] = MappingProxyType({})
    emitted: ClassVar[tuple[str, ...]] = ()

    def test_it_offers_something(self) -> None:
        assert self.connector.actions or self.connector.events, "declare at least one action or event"

    def test_title_and_description_are_for_people(self) -> None:
        assert 0 < len(self.connector.title) <= LONGEST_TITLE
        assert self.connector.description, "say in one sentence what the connector connects to"

    def test_every_schema_is_json_schema(self) -> None:
        for place, schema in self._schemas():
            try:
                Draft202012Validator.check_schema(schema)
            except Exception as error:  # the library raises several kinds; each means the schema is wrong
                pytest.fail(f"{place}: {error}")

    def test_action_inputs_and_outputs_are_objects(self) -> None:
        for action in self.connector.actions.values():
            assert action.input.get("type") == "object", f"{action.name}: the input must be an object"
            assert action.output.get("type") == "object", f"{action.name}: the output must be an object"

    def test_inputs_refuse_unknown_fields(self) -> None:
        for action in self.connector.actions.values():
            for path, schema in _objects(action.input):
                assert schema.get("additionalProperties") is False or not schema.get("properties"), (
                    f"{action.name} input{path}: close the object, so that a misspelt field is an error"
                )

    def test_every_input_field_is_described(self) -> None:
        for action in self.connector.actions.values():
            for name, field in action.input.get("properties", {}).items():
                assert field.get("description"), f"{action.name}: say what the input {name!r} is"

    def test_a_once_action_says_what_a_second_call_does(self) -> None:
        for action in self._of_effect(Effect.ONCE):
            assert action.confirm or "twice" in action.description.lower(), (
                f"{action.name}: give it a confirm, or say in the docstring what calling it twice does"
            )

    def test_only_once_actions_confirm(self) -> None:
        for action in self.connector.actions.values():
            assert action.confirm is None or action.effect is Effect.ONCE, (
                f"{action.name}: confirm is asked for `once` actions only"
            )

    def test_critical_actions_say_what_they_do(self) -> None:
        for action in self.connector.actions.values():
            assert not action.critical or len(action.description.split()) >= FEWEST_WORDS, (
                f"{action.name}: people are asked to agree to it, so say in the docstring what it does"
            )

    def test_network_actions_declare_where_they_go(self) -> None:
        network = [action for action in self.connector.actions.values() if action.effect is not Effect.PURE]
        assert not network or self.connector.hosts, "declare base_url or hosts"

    def test_events_come_from_a_verified_door(self) -> None:
        known = {one.event for one in self.connector.polls.values()} | set(self.emitted)
        for name in self.connector.events:
            assert self.connector.webhook or name in known, f"{name}: needs an AppWebhook or a poll"

    def test_a_map_makes_the_canonical_form(self) -> None:
        for event in self.connector.events.values():
            if event.map is None:
                continue
            assert event.name in self.samples, f"{event.name}: add a sample of its data to `samples`"
            sample = self.samples[event.name]
            problems = [*Draft202012Validator(event.data).iter_errors(sample)]
            schema = CANONICAL[str(event.canonical)].data
            problems += Draft202012Validator(schema).iter_errors(event.map(sample))
            assert not problems, f"{event.name}: {problems[0].message}"

    def test_nobody_is_answered_without_the_verify_token(self) -> None:
        challenge = self.connector.webhook.challenge if self.connector.webhook else None
        if challenge is None:
            return
        for shown in ("", "hub.verify_token=wrong", "hub.verify_token="):
            asked = f"hub.mode=subscribe&hub.challenge=%3Cscript%3E&challenge=%3Cscript%3E&{shown}"
            delivery = Delivery(
                method="GET",
                url=f"https://hub.example.com/hooks/apps/x/y?{asked}",
                headers={},
                body=b"",
                received_at=datetime.now(UTC),
            )
            try:
                answer = challenge(delivery, Secret("the app's verify token"))
            except DeliveryError:
                continue
            assert answer is None, f"a GET with {shown!r} was answered; compare the verify token first"

    def _of_effect(self, effect: Effect) -> list[Action]:
        return [action for action in self.connector.actions.values() if action.effect is effect]

    def _schemas(self) -> list[tuple[str, JsonObject]]:
        found = [("settings", self.connector.settings)]
        found += [(f"credential of {one.kind}", one.credential_schema) for one in self.connector.auths]
        for action in self.connector.actions.values():
            found += [(f"{action.name} input", action.input), (f"{action.name} output", action.output)]
        found += [(f"event {event.name}", event.data) for event in self.connector.events.values()]
        return found + [(f"{poll.name} cursor", poll.cursor) for poll in self.connector.polls.values()]


def _objects(schema: Json, path: str = "") -> list[tuple[str, JsonObject]]:
    if isinstance(schema, list):
        return [pair for item in schema for pair in _objects(item, path)]
    if not isinstance(schema, dict):
        return []
    own = [(path, schema)] if "object" in str(schema.get("type")) else []
    for name, field in schema.get("properties", {}).items():
        own += _objects(field, f"{path}.{name}")
    return own + _objects(schema.get("items"), f"{path}[]") + _objects(schema.get("anyOf"), path)
