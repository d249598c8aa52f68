"""Connector, Action, EventType: what a connector declares. Checked completely when it is declared.

A declaration that is wrong raises ValueError naming the connector, the place and the repair, so an
author sees it at import and not at a customer.
"""

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from enum import Enum, StrEnum
from typing import TypeAlias
from urllib.parse import urlsplit

from revolution_sdk.auth import Auth, auths_of
from revolution_sdk.canonical import CANONICAL, RESERVED
from revolution_sdk.context import ActionContext, Delivery, Emitted
from revolution_sdk.polls import SHORTEST_EVERY, IdFunction, Poll, PollFunction, member
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
ChallengeFunction: TypeAlias = Callable[[Delivery, Secret], str | None]
MapFunction: TypeAlias = Callable[[JsonObject], JsonObject]
CheckFunction: TypeAlias = Callable[[ActionContext], JsonObject | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing a connector can do. Still callable, so a test calls it like the function it is.

    `description` is the function's docstring and is shown to people and to AI models. `confirm` is asked
    with the same input and idempotency key when an outcome is unknown; its answer "absent" counts only
    `confirm_after_s` seconds after the attempt began, for providers whose search lags behind writes. One that
    is `critical` is never called before a person has agreed to that very call.
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
    critical: bool = False

    def __call__(self, ctx: ActionContext, value: JsonObject) -> JsonObject:
        return self.function(ctx, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One kind of happening a connector reports, with the canonical name it also goes by.

    `map` computes from the data the members that the canonical event has; whoever listens to the canonical
    name finds them beside the provider's own.
    """

    name: str
    title: str
    data: JsonObject
    canonical: str | None = None
    map: MapFunction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppWebhook:
    """How deliveries to a provider app's one URL are checked and read. None of the functions does I/O.

    `verify` raises DeliveryError unless the raw bytes were signed with the app's secret just now. `parse`
    is called only after it and returns the events; kinds the connector does not report are left out.
    `challenge` answers a provider that asks whether the URL is ours: it returns the text to answer with, or
    None for everything else. A GET reaches it unsigned, so it must compare the app's verify token, its
    second argument, and raise DeliveryError if that is not the one shown; a POST was verified before.
    """

    verify: VerifyFunction
    parse: ParseFunction
    challenge: ChallengeFunction | None = None


@dataclass(slots=True, kw_only=True)
class _Declared:
    actions: dict[str, Action] = field(default_factory=dict)
    events: dict[str, EventType] = field(default_factory=dict)
    polls: dict[str, Poll] = field(default_factory=dict)
    check: CheckFunction | None = None


class Connector:
    """A named set of actions and events, and the ways its accounts are authorized.

    `auths` are those ways, `auth` is the first, which is the usual one.

    `base_url` is what relative paths of `ctx.http` are resolved against; `hosts` are all hosts the
    connector may reach, that of `base_url` included without being named. A connection that names another
    base URL replaces both, so connector code always speaks of the provider's real addresses.

    `settings` is the JSON Schema of what a tenant may set of the connector and every action is handed as
    `ctx.config`; secrets are none of that, they belong in the credential.

    What does not speak HTTP says so: `secrets` are the members of the credential that `ctx.secret` gives out,
    and with `addresses` there is `ctx.address`, which looks a host up and says where it may be connected to.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        description: str = "",
        auth: Auth | tuple[Auth, ...] | None = None,
        base_url: str = "",
        hosts: tuple[str, ...] = (),
        settings: JsonObject | None = None,
        webhook: AppWebhook | None = None,
        secrets: tuple[str, ...] = (),
        addresses: bool = False,
    ) -> None:
        if not NAME.match(name):
            raise ValueError(f"connector {name!r}: a name is lower case words joined by underscores")
        if name in RESERVED:
            raise ValueError(f"connector {name}: the name is reserved, give it another one")
        if base_url and urlsplit(base_url).scheme != "https":
            raise ValueError(f"connector {name}: base_url must begin with https://")
        self.name = name
        self.title = title
        self.description = description
        self.auths = auths_of(name, auth)
        self.auth: Auth = self.auths[0]
        self.base_url = base_url.rstrip("/")
        self.hosts = tuple(dict.fromkeys([*_hosts(base_url), *hosts]))
        self.settings = _settings(name, settings or object_())
        self.webhook = webhook
        self.secrets = _secrets(name, self.auths, secrets)
        self.addresses = addresses
        self._declared = _Declared()

    def auth_of(self, kind: str | None) -> Auth:
        """Return the way to authorize of this kind, the first without one; LookupError if it has none."""
        for one in self.auths:
            if kind in (None, one.kind):
                return one
        raise LookupError(f"connector {self.name} does not authorize by {kind}")

    @property
    def actions(self) -> dict[str, Action]:
        """The declared actions by name, in order of declaration."""
        return dict(self._declared.actions)

    @property
    def events(self) -> dict[str, EventType]:
        """The declared event types by local name (`contact.created`), in order of declaration."""
        return dict(self._declared.events)

    @property
    def polls(self) -> dict[str, Poll]:
        """The declared polls by name, in order of declaration."""
        return dict(self._declared.polls)

    @property
    def checked_by(self) -> CheckFunction | None:
        """What `check` has declared."""
        return self._declared.check

    def check(self, function: CheckFunction) -> CheckFunction:
        """Declare the decorated function as the way to find out whether a connection works.

        It makes one harmless request that needs the authorization, and returns what people may be shown of
        the account. It raises CredentialError if the authorization does not hold.
        """
        if self._declared.check is not None:
            raise ValueError(f"connector {self.name}: it has a check already")
        self._declared.check = function
        return function

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
        critical: bool = False,
    ) -> Callable[[ActionFunction], Action]:
        """Declare the decorated function as an action named after it, described by its docstring.

        `timeout_s` is how long one attempt may take in all, at most 600 seconds. What is `critical`
        waits for a person's yes before each call: payments, deletions, letters to thousands.
        """

        def declare(function: ActionFunction) -> Action:
            place = f"action {self.name}.{function.__name__}"
            described = _described(place, function, timeout_s)
            if function.__name__ in self._declared.actions:
                raise ValueError(f"{place}: declared twice")
            declared = Action(
                name=function.__name__,
                title=title or described.title,
                description=described.description,
                input=input,
                output=output,
                effect=Effect(effect),
                function=function,
                scopes=scopes,
                timeout_s=timeout_s,
                confirm=confirm,
                confirm_after_s=confirm_after_s,
                critical=critical,
            )
            if critical and declared.effect is Effect.PURE:
                raise ValueError(f"{place}: a pure action touches nothing, so it cannot be critical")
            self._declared.actions[declared.name] = declared
            return declared

        return declare

    def event(
        self,
        name: str,
        *,
        title: str,
        data: JsonObject,
        canonical: str | None = None,
        map: MapFunction | None = None,
    ) -> EventType:
        """Declare an event type by its local name; workflows listen to `<connector>.<name>`.

        `canonical` is a name of `revolution_sdk.canonical`, and `map` makes the data's canonical members.
        """
        place = f"event {self.name}.{name}"
        if not EVENT_NAME.match(name):
            raise ValueError(f"{place}: a name is lower case words joined by dots")
        if canonical is not None and canonical not in CANONICAL:
            raise ValueError(
                f"{place}: there is no canonical event {canonical!r}{_near(canonical, CANONICAL)}"
            )
        if map is not None and canonical is None:
            raise ValueError(f"{place}: `map` makes a canonical form, so name it with `canonical`")
        if f"{self.name}.{name}" in CANONICAL:
            raise ValueError(f"{place}: this is the name of a canonical event, give it another one")
        if name in self._declared.events:
            raise ValueError(f"{place}: declared twice")
        declared = EventType(name=name, title=title, data=data, canonical=canonical, map=map)
        self._declared.events[name] = declared
        return declared

    def poll(
        self,
        event: EventType,
        *,
        every: timedelta,
        id: str | IdFunction,
        cursor: JsonObject,
        overlap: timedelta = timedelta(0),
        at: str = "",
        title: str = "",
        scopes: tuple[str, ...] = (),
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Callable[[PollFunction], Poll]:
        """Declare the decorated function as the way to look for events of this type, `every` so often.

        `id` is the name of the member of an item that tells it from every other, or a function that returns
        as much. `cursor` is the JSON Schema of the cursor, `at` the member that says when it happened.
        """

        def declare(function: PollFunction) -> Poll:
            place = f"poll {self.name}.{function.__name__}"
            described = _described(place, function, timeout_s)
            if self._declared.events.get(event.name) is not event:
                raise ValueError(f"{place}: declare the event type {event.name!r} on this connector first")
            if function.__name__ in self._declared.polls:
                raise ValueError(f"{place}: declared twice")
            if any(one.event == event.name for one in self._declared.polls.values()):
                raise ValueError(f"{place}: {event.name!r} has a poll already")
            if every < SHORTEST_EVERY or overlap < timedelta(0):
                raise ValueError(f"{place}: every is at least 10 seconds, and overlap is not below 0")
            declared = Poll(
                name=function.__name__,
                title=title or described.title,
                description=described.description,
                event=event.name,
                every=every,
                id_of=member(id) if isinstance(id, str) else id,
                cursor=cursor,
                function=function,
                overlap=overlap,
                at=at,
                scopes=scopes,
                timeout_s=timeout_s,
            )
            self._declared.polls[declared.name] = declared
            return declared

        return declare

    def __repr__(self) -> str:
        return f"Connector({self.name!r}, {len(self.actions)} actions, {len(self.events)} events)"


def _settings(name: str, schema: JsonObject) -> JsonObject:
    """Return the schema of a connector's settings; raises ValueError if it asks for a secret."""
    for setting, one in schema.get("properties", {}).items():
        if one.get("writeOnly") or one.get("format") == "password":
            raise ValueError(
                f"connector {name}: the setting {setting!r} is a secret, which belongs in the credential"
            )
    return schema


def _secrets(name: str, auths: tuple[Auth, ...], secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the members of a credential that are given out; raises ValueError if it has none such."""
    known = {member for one in auths for member in one.credential_schema.get("properties", {})}
    for one in secrets:
        if one not in known:
            raise ValueError(f"connector {name}: its credential has no {one!r}{_near(one, known)}")
    return secrets


def _hosts(base_url: str) -> list[str]:
    host = urlsplit(base_url).hostname
    return [host] if host else []


@dataclass(frozen=True, slots=True)
class _Described:
    title: str
    description: str


def _described(place: str, function: Callable[..., object], timeout_s: float) -> _Described:
    """Return what is read off a function that is declared; raises ValueError if something is missing."""
    name = function.__name__
    description = inspect.cleandoc(function.__doc__ or "").strip()
    if not NAME.match(name) or "_" not in name:
        raise ValueError(f"{place}: a name is verb_noun, lower case")
    if not description:
        raise ValueError(f"{place}: add a docstring; it is the description users read")
    if not 0 < timeout_s <= LONGEST_TIMEOUT_S:
        raise ValueError(f"{place}: timeout_s must be above 0 and at most {LONGEST_TIMEOUT_S:g}")
    return _Described(name.replace("_", " ").capitalize(), description)


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
