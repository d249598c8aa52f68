"""Connector, Action, EventType: what a connector declares. Checked completely when it is declared.

A declaration that is wrong raises ValueError naming the connector, the place and the repair, so an
author sees it at import and not at a customer.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TypeAlias
from urllib.parse import urlsplit

from revolution_sdk.auth import Auth, NoAuth
from revolution_sdk.context import ActionContext, Delivery, Emitted
from revolution_sdk.schema import object_
from revolution_sdk.secret import Secret
from revolution_sdk.types import JsonObject

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
EVENT_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")

DEFAULT_TIMEOUT_S = 60.0
LONGEST_TIMEOUT_S = 600.0


class Effect(StrEnum):
    """What calling an action does to the world, and therefore what the hub may repeat."""

    PURE = "pure"
    """Computes from its input alone; recomputed at will."""
    READ = "read"
    """Asks the provider and changes nothing; may be repeated."""
    REPEATABLE = "repeatable"
    """Writes, but a repeat with the same idempotency key changes nothing more."""
    ONCE = "once"
    """Writes and must not be repeated unless it is certain that nothing was done."""


class Found(Enum):
    """What `confirm` answers when it has no result to give."""

    ABSENT = "absent"
    """The provider has certainly not done it."""
    UNKNOWN = "unknown"
    """The provider cannot tell, or may not be asked."""


ActionFunction: TypeAlias = Callable[[ActionContext, JsonObject], JsonObject]
ConfirmFunction: TypeAlias = Callable[[ActionContext, JsonObject], "JsonObject | Found"]
VerifyFunction: TypeAlias = Callable[[Delivery, Secret], None]
ParseFunction: TypeAlias = Callable[[Delivery], list[Emitted]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing a connector can do. Still callable, so a test calls it like the function it is.

    `description` is the function's docstring and is shown to people and to AI models. `confirm` is asked
    with the same input and idempotency key when an outcome is unknown; its answer "absent" counts only
    `confirm_after_s` seconds after the attempt began, for providers whose search lags behind writes.
    """

    name: str
    title: str
    description: str
    input: JsonObject
    output: JsonObject
    effect: Effect
    function: ActionFunction
    scopes: tuple[str, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S
    confirm: ConfirmFunction | None = None
    confirm_after_s: float = 0.0

    def __call__(self, ctx: ActionContext, value: JsonObject) -> JsonObject:
        return self.function(ctx, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One kind of happening a connector reports, with the provider-neutral name it also goes by."""

    name: str
    title: str
    data: JsonObject
    canonical: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppWebhook:
    """How deliveries to a provider app's one URL are checked and read. Both functions do no I/O.

    `verify` raises DeliveryError unless the raw bytes were signed with the app's secret just now. `parse`
    is called only after it and returns the events; kinds the connector does not report are left out.
    """

    verify: VerifyFunction
    parse: ParseFunction


@dataclass(slots=True, kw_only=True)
class _Declared:
    actions: dict[str, Action] = field(default_factory=dict)
    events: dict[str, EventType] = field(default_factory=dict)


class Connector:
    """A named set of actions and events behind one auth scheme.

    `base_url` is what relative paths of `ctx.http` are resolved against; `hosts` are all hosts the
    connector may reach, that of `base_url` included without being named. A connection that names another
    base URL replaces both, so connector code always speaks of the provider's real addresses.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        description: str = "",
        auth: Auth | None = None,
        base_url: str = "",
        hosts: tuple[str, ...] = (),
        settings: JsonObject | None = None,
        webhook: AppWebhook | None = None,
    ) -> None:
        if not NAME.match(name):
            raise ValueError(f"connector {name!r}: a name is lower case words joined by underscores")
        if base_url and urlsplit(base_url).scheme != "https":
            raise ValueError(f"connector {name}: base_url must begin with https://")
        self.name = name
        self.title = title
        self.description = description
        self.auth: Auth = auth or NoAuth()
        self.base_url = base_url.rstrip("/")
        self.hosts = tuple(dict.fromkeys([*_hosts(base_url), *hosts]))
        self.settings = settings or object_()
        self.webhook = webhook
        self._declared = _Declared()

    @property
    def actions(self) -> dict[str, Action]:
        """The declared actions by name, in order of declaration."""
        return dict(self._declared.actions)

    @property
    def events(self) -> dict[str, EventType]:
        """The declared event types by local name (`contact.created`), in order of declaration."""
        return dict(self._declared.events)

    def action(
        self,
        *,
        input: JsonObject,
        output: JsonObject,
        effect: Effect | str,
        title: str = "",
        scopes: tuple[str, ...] = (),
        timeout_s: float = DEFAULT_TIMEOUT_S,
        confirm: ConfirmFunction | None = None,
        confirm_after_s: float = 0.0,
    ) -> Callable[[ActionFunction], Action]:
        """Declare the decorated function as an action named after it, described by its docstring.

        `timeout_s` is how long one attempt may take in all, at most 600 seconds.
        """

        def declare(function: ActionFunction) -> Action:
            place = f"action {self.name}.{function.__name__}"
            description = inspect.cleandoc(function.__doc__ or "").strip()
            if not NAME.match(function.__name__) or "_" not in function.__name__:
                raise ValueError(f"{place}: a name is verb_noun, lower case")
            if not description:
                raise ValueError(f"{place}: add a docstring; it is the description users read")
            if function.__name__ in self._declared.actions:
                raise ValueError(f"{place}: declared twice")
            if not 0 < timeout_s <= LONGEST_TIMEOUT_S:
                raise ValueError(f"{place}: timeout_s must be above 0 and at most {LONGEST_TIMEOUT_S:g}")
            declared = Action(
                name=function.__name__,
                title=title or function.__name__.replace("_", " ").capitalize(),
                description=description,
                input=input,
                output=output,
                effect=Effect(effect),
                function=function,
                scopes=scopes,
                timeout_s=timeout_s,
                confirm=confirm,
                confirm_after_s=confirm_after_s,
            )
            self._declared.actions[declared.name] = declared
            return declared

        return declare

    def event(self, name: str, *, title: str, data: JsonObject, canonical: str | None = None) -> EventType:
        """Declare an event type by its local name; workflows listen to `<connector>.<name>`."""
        for label in [name, *([canonical] if canonical else [])]:
            if not EVENT_NAME.match(label):
                raise ValueError(f"event {self.name}.{label}: a name is lower case words joined by dots")
        if name in self._declared.events:
            raise ValueError(f"event {self.name}.{name}: declared twice")
        declared = EventType(name=name, title=title, data=data, canonical=canonical)
        self._declared.events[name] = declared
        return declared

    def __repr__(self) -> str:
        return f"Connector({self.name!r}, {len(self.actions)} actions, {len(self.events)} events)"


def _hosts(base_url: str) -> list[str]:
    host = urlsplit(base_url).hostname
    return [host] if host else []
