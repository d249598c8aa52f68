"""The catalog: plugins loaded one by one, their declarations checked, actions and events looked up.

A plugin that cannot be loaded is listed with the reason and never stops the others or the hub.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from revolution_hub.errors import NotFoundError, PluginError, Problem
from revolution_hub.model.event_names import falls_under
from revolution_hub.model.hub_events import HUB_EVENTS
from revolution_hub.model.json_schema import problems_of, validator_of
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_sdk import Action, Connector, EventType, Poll, hooks
from revolution_sdk.canonical import CANONICAL
from revolution_sdk.hooks import PROJECT
from revolution_sdk.types import Json, JsonObject

GROUP = "revolution.plugins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """An installed distribution with the entry point. `failure` says why it offers nothing, if so."""

    name: str
    distribution: str
    version: str
    connectors: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class _Offered:
    action: Action
    connector: Connector
    check_input: Draft202012Validator
    check_output: Draft202012Validator


@dataclass(slots=True)
class Catalog:
    """What is installed. Filled once at start and only read afterwards."""

    plugins: list[Plugin] = field(default_factory=list)
    connectors: dict[str, Connector] = field(default_factory=dict)
    _actions: dict[str, _Offered] = field(default_factory=dict)
    _settings: dict[str, Draft202012Validator] = field(default_factory=dict)
    _events: dict[str, tuple[Connector, EventType]] = field(default_factory=dict)

    def find_connector(self, name: str) -> Connector | None:
        """Return the connector of that name, or None."""
        return self.connectors.get(name)

    def get_connector(self, name: str) -> Connector:
        """Return the connector of that name or raise NotFoundError."""
        found = self.find_connector(name)
        if found is None:
            raise NotFoundError(f"there is no connector {name[:80]!r}")
        return found

    def plugin_of(self, connector: str) -> Plugin | None:
        """Return the installed distribution that offers a connector, None if it came otherwise."""
        return next((one for one in self.plugins if connector in one.connectors), None)

    def find_action(self, uses: str) -> Action | None:
        """Return the action behind `connector.action`, or None."""
        offered = self._actions.get(uses)
        return offered.action if offered else None

    def get_action(self, uses: str) -> tuple[Connector, Action]:
        """Return connector and action behind `connector.action`; raise PluginError if not installed."""
        offered = self._actions.get(uses)
        if offered is None:
            raise PluginError(f"no installed plugin offers {uses!r}", code="action_missing")
        return offered.connector, offered.action

    def find_event(self, name: str) -> tuple[Connector, EventType] | None:
        """Return connector and event type behind a qualified name (`hubspot.contact.created`), or None."""
        return self._events.get(name)

    def event_names(self) -> list[str]:
        """Return every name a workflow can listen to, qualified and canonical."""
        return sorted({*self._events, *CANONICAL, *HUB_EVENTS})

    def event_types(self) -> list[tuple[Connector, EventType]]:
        """Return every event type a connector declares, in the order of their names."""
        return [self._events[name] for name in sorted(self._events)]

    def events_under(self, asked: str) -> list[tuple[Connector, EventType]]:
        """Return the event types that a name or a wildcard asks for, by their own names or canonical ones."""
        return [
            (connector, event)
            for name, (connector, event) in self._events.items()
            if falls_under(name, asked) or (event.canonical and falls_under(event.canonical, asked))
        ]

    def polls(self) -> list[tuple[Connector, Poll]]:
        """Return every declared poll."""
        return [(one, poll) for one in self.connectors.values() for poll in one.polls.values()]

    def canonical_form(self, name: str, data: JsonObject) -> JsonObject:
        """Return an event's data with the members of its canonical event; as they are without a `map`.

        Raises PluginError `map_failed` if the connector cannot make them of the data.
        """
        found = self._events.get(name)
        if found is None or found[1].map is None:
            return data
        return {**data, **_mapped(name, found[1], data)}

    def canonical_schema(self, event: EventType) -> JsonObject:
        """Return the schema of the data that whoever listens to the canonical name is handed."""
        if event.map is None or event.canonical is None:
            return event.data
        members = CANONICAL[event.canonical].data["properties"]
        return {**event.data, "properties": {**event.data.get("properties", {}), **members}}

    def action_names(self) -> list[str]:
        """Return every `connector.action`."""
        return sorted(self._actions)

    def check_input(self, uses: str, value: Json) -> list[Problem]:
        """Return what is wrong with an action's input; empty when it follows the schema."""
        return problems_of(self._actions[uses].check_input, value)

    def check_output(self, uses: str, value: Json) -> list[Problem]:
        """Return what is wrong with an action's result; empty when it follows the schema."""
        return problems_of(self._actions[uses].check_output, value)

    def check_settings(self, connector: str, value: Json) -> list[Problem]:
        """Return what is wrong with a connector's settings; empty when they follow its schema."""
        return problems_of(self._settings[connector], value, "settings")

    def version_of(self, connector: str) -> str:
        """Return the installed version of the plugin that offers a connector; empty if none says so."""
        return next((one.version for one in self.plugins if connector in one.connectors), "")

    def add(self, connector: Connector) -> None:
        """Offer a connector; raises PluginError if its name is taken or a schema is not JSON Schema."""
        if connector.name in self.connectors:
            raise PluginError(f"the connector name {connector.name!r} is already taken", code="name_taken")
        offered = {
            f"{connector.name}.{action.name}": _Offered(
                action=action,
                connector=connector,
                check_input=_validator(f"{connector.name}.{action.name} input", action.input),
                check_output=_validator(f"{connector.name}.{action.name} output", action.output),
            )
            for action in connector.actions.values()
        }
        settings = _validator(f"{connector.name} settings", connector.settings)
        for poll in connector.polls.values():
            _validator(f"{connector.name}.{poll.name} cursor", poll.cursor)
        self.connectors[connector.name] = connector
        self._settings[connector.name] = settings
        self._actions |= offered
        for event in connector.events.values():
            self._events[f"{connector.name}.{event.name}"] = (connector, event)


def load_catalog(found: Iterable[EntryPoint] | None = None) -> Catalog:
    """Load every plugin of the entry-point group, in order of name; failures are listed, never raised."""
    catalog = Catalog()
    points = entry_points(group=GROUP) if found is None else found
    for point in sorted(points, key=lambda one: one.name):
        catalog.plugins.append(_load(catalog, point))
    return catalog


def _load(catalog: Catalog, point: EntryPoint) -> Plugin:
    distribution = point.dist.name if point.dist else "unknown"
    version = point.dist.version if point.dist else "unknown"
    found = Plugin(name=point.name, distribution=distribution, version=version)
    try:
        connectors = _offered_by(point.load())
        # All of them or none: half a plugin would be listed as failed and work nevertheless.
        trial = Catalog(connectors=dict(catalog.connectors))
        for connector in connectors:
            trial.add(connector)
    except KeyboardInterrupt:
        raise
    # A plugin may fail in any way at all while it is imported; none of them may stop the hub.
    except BaseException as error:
        reason = f"{type(error).__name__}: {_text_of(error)}"[:500]
        return replace(found, failure=reason)
    for connector in connectors:
        catalog.add(connector)
    return replace(found, connectors=tuple(one.name for one in connectors))


def _offered_by(module: Any) -> list[Connector]:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(module)
    manager.check_pending()
    connectors: list[Connector] = []
    for implementation in manager.hook.revolution_plugins.get_hookimpls():
        answer = implementation.function()
        if not isinstance(answer, list) or not all(isinstance(one, Connector) for one in answer):
            raise PluginError("revolution_plugins() must return a list of Connector")
        connectors += answer
    if not connectors:
        raise PluginError("the plugin offers no connector: mark revolution_plugins() with @hookimpl")
    return connectors


def _mapped(name: str, event: EventType, data: JsonObject) -> JsonObject:
    try:
        made = event.map(deepcopy(data)) if event.map is not None else {}
        # It is kept with what it starts, so it passes the same gate as a request body.
        raw = dump_json(made).encode()
        found: Json = strict_json(raw, max_bytes=len(raw))
    # It is the connector's own code and may fail in any way; nobody waits for a signal here.
    except BaseException as error:
        raise PluginError(f"{name}: the data have no canonical form", code="map_failed") from error
    problems = problems_of(_CANONICAL[str(event.canonical)], found)
    if problems:
        raise PluginError(
            f"{name}: the canonical form breaks the schema of {event.canonical} at {problems[0].path!r}",
            code="map_failed",
            details={"problems": [one.as_json() for one in problems[:10]]},
        )
    return dict(found)


_CANONICAL = {name: validator_of(one.data) for name, one in CANONICAL.items()}


def canonical_problems(name: str, data: Json) -> list[Problem]:
    """Return what is wrong with data that somebody reports under a canonical name."""
    return problems_of(_CANONICAL[name], data)


def _validator(place: str, schema: JsonObject) -> Draft202012Validator:
    try:
        return validator_of(schema)
    except SchemaError as error:
        raise PluginError(f"{place} is not JSON Schema: {error.message}", code="schema_invalid") from error


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except (Exception, SystemExit):  # the text itself may be the plugin's bug
        return "(its message cannot be shown)"
