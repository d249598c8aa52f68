"""The rules every connector is held to, as one plain base class. A connector's own test is three lines:

class TestConformance(Conformance):
    connector = hubspot
"""

from typing import ClassVar

import pytest
from jsonschema import Draft202012Validator

from revolution_sdk.connector import Action, Connector, Effect
from revolution_sdk.types import Json, JsonObject

LONGEST_TITLE = 60


class Conformance:
    """Subclass it in a test module and name your connector; every rule then runs as a test of its own."""

    connector: ClassVar[Connector]

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

    def test_network_actions_declare_where_they_go(self) -> None:
        network = [action for action in self.connector.actions.values() if action.effect is not Effect.PURE]
        assert not network or self.connector.hosts, "declare base_url or hosts"

    def test_events_come_from_a_verified_door(self) -> None:
        assert not self.connector.events or self.connector.webhook, "events need an AppWebhook"

    def _of_effect(self, effect: Effect) -> list[Action]:
        return [action for action in self.connector.actions.values() if action.effect is effect]

    def _schemas(self) -> list[tuple[str, JsonObject]]:
        found = [("settings", self.connector.settings), ("credential", self.connector.auth.credential_schema)]
        for action in self.connector.actions.values():
            found += [(f"{action.name} input", action.input), (f"{action.name} output", action.output)]
        return found + [(f"event {event.name}", event.data) for event in self.connector.events.values()]


def _objects(schema: Json, path: str = "") -> list[tuple[str, JsonObject]]:
    if isinstance(schema, list):
        return [pair for item in schema for pair in _objects(item, path)]
    if not isinstance(schema, dict):
        return []
    own = [(path, schema)] if "object" in str(schema.get("type")) else []
    for name, field in schema.get("properties", {}).items():
        own += _objects(field, f"{path}.{name}")
    return own + _objects(schema.get("items"), f"{path}[]") + _objects(schema.get("anyOf"), path)
