"""Declarations: a good one reads back as it was written, a bad one says what to repair."""

from collections.abc import Callable
from typing import Any

import pytest

from revolution_sdk import ActionContext, Connector, Effect, JsonObject, NoAuth
from revolution_sdk.schema import object_

EMPTY = object_()


def act(name: str, doc: str | None = "Do it.") -> Callable[[ActionContext, JsonObject], JsonObject]:
    def function(ctx: ActionContext, value: JsonObject) -> JsonObject:
        return {"done": value}

    function.__name__, function.__doc__ = name, doc
    return function


def declare(name: str = "do_it", doc: str | None = "Do it.", **options: Any) -> Connector:
    acme = Connector("acme", title="Acme")
    acme.action(**{"input": EMPTY, "output": EMPTY, "effect": "read", **options})(act(name, doc))
    return acme


def test_an_action_is_named_and_described_by_its_function() -> None:
    action = declare("list_contacts", "List contacts.\n\n    The newest first.").actions["list_contacts"]
    assert (action.name, action.title) == ("list_contacts", "List contacts")
    assert action.description == "List contacts.\n\nThe newest first."
    assert (action.effect, action.timeout_s, action.confirm) == (Effect.READ, 60.0, None)


def test_an_action_is_still_the_function_it_was() -> None:
    action = declare().actions["do_it"]
    assert action(None, {"a": 1}) == {"done": {"a": 1}}  # type: ignore[arg-type]


def test_actions_and_events_keep_the_order_of_declaration() -> None:
    acme = declare("second_one")
    acme.action(input=EMPTY, output=EMPTY, effect=Effect.PURE, title="Of its own")(act("first_one"))
    acme.event("b.happened", title="B", data=EMPTY)
    acme.event("a.happened", title="A", data=EMPTY, canonical="crm.deal.created")
    assert list(acme.actions) == ["second_one", "first_one"]
    assert acme.actions["first_one"].title == "Of its own"
    assert [one.canonical for one in acme.events.values()] == [None, "crm.deal.created"]
    assert repr(acme) == "Connector('acme', 2 actions, 2 events)"


def test_what_is_declared_cannot_be_changed_from_outside() -> None:
    acme = declare()
    acme.actions.clear()
    acme.events["x"] = None  # type: ignore[assignment]
    assert list(acme.actions) == ["do_it"]
    assert acme.events == {}
    with pytest.raises(AttributeError):
        acme.actions["do_it"].effect = Effect.ONCE  # type: ignore[misc]


def test_the_host_of_the_base_url_is_declared_with_it() -> None:
    acme = Connector(
        "acme", title="Acme", base_url="https://api.acme.com/v1/", hosts=("up.acme.com", "api.acme.com")
    )
    assert acme.base_url == "https://api.acme.com/v1"
    assert acme.hosts == ("api.acme.com", "up.acme.com")
    assert isinstance(acme.auth, NoAuth)


BAD = [
    ("Acme", {}, "a name is lower case words"),
    ("acme-crm", {}, "a name is lower case words"),
    ("acme_", {}, "a name is lower case words"),
    ("acme\n", {}, "a name is lower case words"),
    ("acme", {"base_url": "http://api.acme.com"}, "base_url must begin with https://"),
    ("acme", {"base_url": "api.acme.com"}, "base_url must begin with https://"),
]


@pytest.mark.parametrize(("name", "options", "message"), BAD)
def test_a_bad_connector_says_what_to_repair(name: str, options: JsonObject, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Connector(name, title="Acme", **options)


BAD_ACTIONS = [
    ({"name": "create"}, "action acme.create: a name is verb_noun"),
    ({"name": "createContact"}, "a name is verb_noun"),
    ({"doc": None}, "add a docstring; it is the description users read"),
    ({"doc": "  \n "}, "add a docstring"),
    ({"effect": "twice"}, "'twice' is not a valid Effect"),
    ({"timeout_s": 0}, "timeout_s must be above 0 and at most 600"),
    ({"timeout_s": 601.0}, "timeout_s must be above 0 and at most 600"),
    ({"critical": True, "effect": "pure"}, "a pure action touches nothing, so it cannot be critical"),
]


@pytest.mark.parametrize(("options", "message"), BAD_ACTIONS)
def test_a_bad_action_says_what_to_repair(options: JsonObject, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declare(**options)


@pytest.mark.parametrize("effect", ["read", "repeatable", "once"])
def test_an_action_is_critical_if_it_says_so(effect: str) -> None:
    assert declare(critical=True, effect=effect).actions["do_it"].critical
    assert not declare(effect=effect).actions["do_it"].critical


def test_the_longest_timeout_is_ten_minutes() -> None:
    assert declare(timeout_s=600).actions["do_it"].timeout_s == 600


def test_an_action_is_declared_once() -> None:
    acme = declare()
    with pytest.raises(ValueError, match=r"action acme\.do_it: declared twice"):
        acme.action(input=EMPTY, output=EMPTY, effect="read")(act("do_it"))


@pytest.mark.parametrize(
    "name", ["created", "Contact.created", "contact.", "contact..created", "contact created"]
)
def test_an_event_is_named_by_words_joined_with_dots(name: str) -> None:
    acme = Connector("acme", title="Acme")
    with pytest.raises(ValueError, match="words joined by dots"):
        acme.event(name, title="A", data=EMPTY)
    with pytest.raises(ValueError, match="there is no canonical event"):
        acme.event("contact.created", title="A", data=EMPTY, canonical=name)
    assert acme.events == {}


def test_an_event_is_declared_once() -> None:
    acme = Connector("acme", title="Acme")
    acme.event("contact.created", title="A", data=EMPTY)
    with pytest.raises(ValueError, match=r"event acme\.contact\.created: declared twice"):
        acme.event("contact.created", title="A", data=EMPTY)


def test_a_canonical_name_that_is_not_there_is_refused_with_near_ones() -> None:
    acme = Connector("acme", title="Acme")
    with pytest.raises(ValueError, match=r"did you mean 'crm\.contact\.created'"):
        acme.event("contact.created", title="A", data=EMPTY, canonical="crm.contact.creatd")


@pytest.mark.parametrize("name", ["custom", "webhook"])
def test_words_that_event_types_begin_with_are_no_names_of_connectors(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        Connector(name, title="A")


def test_a_map_makes_a_canonical_form_and_nothing_else() -> None:
    acme = Connector("acme", title="Acme")
    with pytest.raises(ValueError, match="name it with `canonical`"):
        acme.event("contact.created", title="A", data=EMPTY, map=dict)
    made = acme.event("a.b", title="A", data=EMPTY, canonical="crm.contact.created", map=dict)
    assert made.map is dict


def test_a_connectors_own_event_is_never_taken_for_a_canonical_one() -> None:
    with pytest.raises(ValueError, match="the name of a canonical event"):
        Connector("crm", title="A").event("contact.created", title="A", data=EMPTY)
