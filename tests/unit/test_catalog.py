"""The catalog: plugins fail one by one, in every way there is, and the good ones are there all the same."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from revolution_hub.catalog import Catalog, Plugin, load_catalog
from revolution_hub.errors import PluginError
from revolution_hub.model.hub_events import HUB_EVENTS
from revolution_sdk import ActionContext, Connector, JsonObject, hookimpl
from revolution_sdk.canonical import CANONICAL
from revolution_sdk.schema import array, integer, object_, string

KNOWN = (*CANONICAL, *HUB_EVENTS)
"""The types of event there are without any plugin."""

Offer = Callable[[], Any]
CONTACT = object_(
    id=integer(minimum=1),
    mail=string(format="email"),
    kind=string(enum=["a", "b"]),
    tags=array(string(max_length=3)),
    optional=("kind", "tags"),
)


def connector(name: str, *, input: Any = None, output: Any = None) -> Connector:
    made = Connector(name, title=name.title())

    @made.action(input=input or CONTACT, output=output or object_(open_=True), effect="read")
    def get_thing(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Get a thing."""
        return value

    made.event("contact.created", title="A contact", data=object_(), canonical="crm.contact.created")
    return made


class Point(EntryPoint):
    """An entry point whose loading is a function of the test."""

    def load(self) -> Any:
        return LOADERS[self.name]()


LOADERS: dict[str, Offer] = {}


@pytest.fixture
def load() -> Iterator[Callable[..., Catalog]]:
    """Load a catalog from plugins by name, each a function that stands for importing it."""

    def loading(**loaders: Offer) -> Catalog:
        LOADERS.update(loaders)
        return load_catalog([Point(name, f"{name}:plugin", "revolution.plugins") for name in loaders])

    yield loading
    LOADERS.clear()


def plugin_of(offer: Offer) -> Offer:
    """Return the import of a module that offers what the function returns."""

    def importing() -> ModuleType:
        module = ModuleType("some_plugin")
        module.revolution_plugins = hookimpl(offer)  # type: ignore[attr-defined]
        return module

    importing.__name__ = "importing"
    return importing


def offering(*connectors: Connector) -> Offer:
    def revolution_plugins() -> list[Connector]:
        return list(connectors)

    return plugin_of(revolution_plugins)


def returning(answer: Any) -> Offer:
    def revolution_plugins() -> Any:
        return answer

    return plugin_of(revolution_plugins)


def raising(error: BaseException) -> Offer:
    def importing() -> Any:
        raise error

    return importing


class Silent(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise SystemExit("not even this")

    def __repr__(self) -> str:
        return "Silent()"


class OutOfTheTree(BaseException):
    """No Exception at all."""


BROKEN: dict[str, tuple[Offer, str]] = {
    "missing dependency": (raising(ModuleNotFoundError("No module named 'acme'")), "ModuleNotFoundError: No"),
    "syntax": (raising(SyntaxError("invalid syntax")), "SyntaxError: invalid syntax"),
    "exit": (raising(SystemExit(3)), "SystemExit: 3"),
    "own base exception": (raising(OutOfTheTree("x")), "OutOfTheTree: x"),
    "generator exit": (raising(GeneratorExit()), "GeneratorExit"),
    "error without text": (raising(Silent()), "Silent: (its message cannot be shown)"),
    "endless text": (raising(RuntimeError("x" * 10_000_000)), "RuntimeError: xxx"),
    "no hook": (lambda: ModuleType("empty"), "PluginError: the plugin offers no connector"),
    "no connectors": (returning([]), "PluginError: the plugin offers no connector"),
    "none": (returning(None), "PluginError: revolution_plugins() must return a list of Connector"),
    "one connector, no list": (returning(connector("lone")), "PluginError: revolution_plugins() must return"),
    "strings": (returning(["acme"]), "PluginError: revolution_plugins() must return a list of Connector"),
    "a class": (returning([Connector]), "PluginError: revolution_plugins() must return a list of Connector"),
    "hook that raises": (plugin_of(lambda: 1 / 0), "ZeroDivisionError: division by zero"),
    "schema of unknown type": (offering(connector("odd", input={"type": "objekt"})), "is not JSON Schema"),
    "schema with a bad pattern": (offering(connector("odd", output={"pattern": "("})), "is not JSON Schema"),
    "schema that is a number": (offering(connector("odd", input=7)), "is not JSON Schema"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_listed_with_its_reason_and_the_others_load(
    name: str, load: Callable[..., Catalog]
) -> None:
    broken, reason = BROKEN[name]
    catalog = load(aaa=broken, good=offering(connector("good")), zzz=broken)
    first, good, last = catalog.plugins
    assert (first.connectors, last.connectors) == ((), ())
    for one in (first, last):
        assert reason in str(one.failure)
        assert len(str(one.failure)) <= 500
    assert (good.connectors, good.failure) == (("good",), None)
    assert catalog.action_names() == ["good.get_thing"]
    assert list(catalog.connectors) == ["good"]


def test_the_operators_own_interrupt_still_stops_the_start(load: Callable[..., Catalog]) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(slow=raising(KeyboardInterrupt()))


def test_a_name_that_is_taken_fails_the_second_plugin_only(load: Callable[..., Catalog]) -> None:
    catalog = load(second=offering(connector("acme")), first=offering(connector("acme")))
    assert [one.name for one in catalog.plugins] == ["first", "second"]
    assert [one.connectors for one in catalog.plugins] == [("acme",), ()]
    assert "the connector name 'acme' is already taken" in str(catalog.plugins[1].failure)


def test_a_plugin_offers_all_of_its_connectors_or_none(load: Callable[..., Catalog]) -> None:
    half = offering(connector("fine"), connector("odd", input={"type": 5}))
    twice = offering(connector("one"), connector("one"))
    catalog = load(half=half, twice=twice)
    assert all(one.failure and one.connectors == () for one in catalog.plugins)
    assert (catalog.connectors, catalog.action_names(), catalog.event_names()) == ({}, [], sorted(KNOWN))


def test_a_plugin_of_two_connectors_offers_both(load: Callable[..., Catalog]) -> None:
    catalog = load(both=offering(connector("one"), connector("two")))
    assert catalog.plugins == [
        Plugin(name="both", distribution="unknown", version="unknown", connectors=("one", "two"))
    ]
    assert catalog.action_names() == ["one.get_thing", "two.get_thing"]


def test_events_are_found_by_qualified_name_and_listed_by_canonical_name_too(
    load: Callable[..., Catalog],
) -> None:
    catalog = load(both=offering(connector("one"), connector("two")))
    assert catalog.event_names() == sorted([*KNOWN, "one.contact.created", "two.contact.created"])
    found = catalog.find_event("two.contact.created")
    assert found is not None
    assert (found[0].name, found[1].name) == ("two", "contact.created")
    assert catalog.find_event("crm.contact.created") is None


def test_what_is_not_there_is_none_or_an_error_with_a_code() -> None:
    catalog = Catalog()
    assert (catalog.find_connector("x"), catalog.find_action("x.y")) == (None, None)
    with pytest.raises(PluginError, match=r"no installed plugin offers 'x\.y'") as caught:
        catalog.get_action("x.y")
    assert caught.value.code == "action_missing"


SECRET = "canary-value"

INPUTS: dict[str, tuple[Any, list[tuple[str, str, str]]]] = {
    "fine": ({"id": 1, "mail": "a@b.c"}, []),
    "missing": ({"id": 1}, [("", "required", "'mail' is a required property")]),
    "unknown": (
        {"id": 1, "mail": "a@b.c", "x": SECRET},
        [("", "additionalProperties", "Additional properties are not allowed ('x' was unexpected)")],
    ),
    "type": ({"id": SECRET, "mail": "a@b.c"}, [("id", "type", "must be integer")]),
    "format": ({"id": 1, "mail": SECRET}, [("mail", "format", "must be a valid email")]),
    "enum": ({"id": 1, "mail": "a@b.c", "kind": SECRET}, [("kind", "enum", "must be one of a, b")]),
    "rule": ({"id": 0, "mail": "a@b.c"}, [("id", "minimum", "breaks the rule minimum = 1")]),
    "deep": (
        {"id": 1, "mail": "a@b.c", "tags": ["ok", SECRET]},
        [("tags[1]", "maxLength", "breaks the rule maxLength = 3")],
    ),
    "not an object": ([SECRET], [("", "type", "must be object")]),
}


@pytest.mark.parametrize("name", INPUTS)
def test_input_is_judged_by_the_schema_and_its_values_are_never_quoted(name: str) -> None:
    catalog = Catalog()
    catalog.add(connector("acme"))
    value, expected = INPUTS[name]
    found = catalog.check_input("acme.get_thing", value)
    assert [(one.path, one.code, one.message) for one in found] == expected
    assert SECRET not in str(found)


def test_only_the_first_fifty_problems_of_a_value_are_told() -> None:
    catalog = Catalog()
    catalog.add(connector("acme"))
    value = {"id": 1, "mail": "a@b.c", "tags": [7] * 10_000}
    assert len(catalog.check_input("acme.get_thing", value)) == 50


def test_output_has_a_schema_of_its_own() -> None:
    catalog = Catalog()
    catalog.add(connector("acme", output=object_(n=integer())))
    assert catalog.check_output("acme.get_thing", {"n": 1}) == []
    assert [one.path for one in catalog.check_output("acme.get_thing", {"n": "1"})] == ["n"]


def test_installed_plugins_are_found_by_their_entry_point(load: Callable[..., Catalog]) -> None:
    module = ModuleType("revolution_test_plugin")
    module.revolution_plugins = hookimpl(lambda: [connector("acme")])  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    try:
        catalog = load_catalog([EntryPoint("real", module.__name__, "revolution.plugins")])
    finally:
        del sys.modules[module.__name__]
    assert catalog.plugins[0].connectors == ("acme",)
