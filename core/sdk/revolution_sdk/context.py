"""Everything a connector is handed. A capability is added only together with a plugin that needs it."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx2

from revolution_sdk.secret import Secret
from revolution_sdk.types import Json, JsonObject
from revolution_sdk.usage import Usage


def call_nothing(action: str, value: JsonObject, *, name: str = "", connection: str = "") -> Json:
    """Refuse to call another action; it is what `ctx.call` does where there is none to be called."""
    raise LookupError(f"there is nothing to call {action} with; give a test context its `calls`")


def record_nowhere(name: str, make: Callable[[], Json]) -> Json:
    """Return what `make` returns, as JSON; it is what `ctx.record` does where nothing is recorded."""
    return as_json(make(), f"what is recorded as {name!r}")


def emit_nowhere(type: str, data: JsonObject, *, key: str = "") -> None:
    """Check that the data are JSON; it is what `ctx.emit` does where nobody listens."""
    as_json(data, f"the data of {type}")


def no_secret(field: str) -> Secret:
    """Refuse to give a secret out; it is what `ctx.secret` does where none is declared."""
    raise LookupError(f"no secret {field!r} is declared; name it in the connector's `secrets`")


def no_address(host: str, port: int) -> str:
    """Refuse to look a host up; it is what `ctx.address` does where that is not declared."""
    raise LookupError("the connector does not say `addresses=True`, so it reaches what `ctx.http` reaches")


def as_json(value: Json, what: str) -> Json:
    """Return a value as it comes back from JSON; raise ValueError if it cannot be kept so."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} is nothing JSON can hold: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """What one call of an action may use.

    `http` already reaches the connection's account: the hub adds the authentication, allows only the
    declared hosts, and raises `RetryableError`, `UnknownOutcomeError` or `CredentialError` where the
    answer leaves no doubt about which it is. Status 4xx is handed through for the connector to read.

    `idempotency_key` is the same for every attempt of one step: build the provider's own key from it
    (a Message-ID, an event id). `deadline` is when the hub gives up waiting, an aware UTC time.

    `call("acme.create_contact", {…})` runs another action and `record("plan", make)` a function, once each:
    entered again after a crash or a wait, the action gets the recorded result. `call` takes a `name` for the
    sub-step and the name of a `connection`. Both are for actions that are `read` or `repeatable`, for one
    thread, and may raise `Suspended`.

    `emit("contact.created", {…})` reports an event of a type the connector declares, by its local name. It
    counts if the action succeeds, and once: with a `key`, once for everything reported under that key.

    `usage.add("tokens", 1200)` takes down what the call has used of something that is paid for.

    `secret("password")` and `address("db.example.com", 5432)` are for what does not speak HTTP, where the
    connector declares them. The address is checked: connect there, and nowhere else.

    `account` are the ids of the connection's account that its credential names, where the connector declares
    some (`Bearer(account=…)`). There is no secret among them.
    """

    http: httpx2.Client
    idempotency_key: str
    deadline: datetime
    now: Callable[[], datetime]
    config: JsonObject = field(default_factory=dict)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("revolution.connector"))
    call: Callable[..., Json] = call_nothing
    record: Callable[[str, Callable[[], Json]], Json] = record_nowhere
    emit: Callable[..., None] = emit_nowhere
    usage: Usage = field(default_factory=Usage)
    secret: Callable[[str], Secret] = no_secret
    address: Callable[[str, int], str] = no_address
    account: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One HTTP request from a provider, exactly as it came.

    `url` is the hub's public address of the door it came to, query included, with the scheme and host of
    the configured public URL and never those of the request. Header names are lower case. `body` is raw.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """One event found in a delivery.

    `type` is the event type's local name (`contact.created`), `account` the provider's id of the account
    it belongs to, `dedup_key` equal for two reports of the same happening and different otherwise.
    """

    type: str
    account: str
    dedup_key: str
    data: JsonObject
    occurred_at: datetime | None = None
