"""A context for calling actions in a test, without a hub, against a sandbox or a mock transport.

It follows the hub's rules where they matter to a connector: relative paths resolve against the declared
base URL, other hosts are refused, trouble arrives as the errors of `revolution_sdk.errors`. Sub-steps are
called and recorded once each, under names that may not be used twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2

from revolution_sdk.auth import ApiKey, OAuth2
from revolution_sdk.connector import Connector
from revolution_sdk.context import ActionContext, as_json, call_nothing, emit_nowhere
from revolution_sdk.errors import CredentialError
from revolution_sdk.http import error_for_failure, error_for_status, rebase
from revolution_sdk.types import Json, JsonObject

Calls = Mapping[str, Callable[[JsonObject], Json]]
"""What stands in for other actions, by `connector.action`: functions of the input."""


class TestTransport(httpx2.BaseTransport):
    """Sends to the sandbox what is meant for the provider, with the access token put on."""

    __test__ = False

    def __init__(
        self,
        connector: Connector,
        base_url: str,
        authorization: str,
        inner: httpx2.BaseTransport | None = None,
    ) -> None:
        self._connector = connector
        self._base_url = base_url.rstrip("/")
        self._authorization = authorization
        self._inner = inner or httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Check the host, send, and turn trouble into the errors a connector sees in a hub."""
        url = rebase(str(request.url), self._connector, self._base_url)
        headers = dict(request.headers)
        headers.pop("host", None)
        if self._authorization:
            headers["authorization"] = self._authorization
        sent = httpx2.Request(
            request.method, url, headers=headers, content=request.read(), extensions=request.extensions
        )
        try:
            response = self._inner.handle_request(sent)
            response.read()
        except httpx2.HTTPError as error:
            raise error_for_failure(error, request.method) from error
        response.request = request
        if response.status_code == 401:
            raise CredentialError("the provider refused the credential")
        failure = error_for_status(response) if response.status_code >= 500 else None
        if failure is not None:
            raise failure
        return response

    def close(self) -> None:
        """Close the connections held open."""
        self._inner.close()


@dataclass(slots=True)
class _Substeps:
    calls: Calls
    counted: Counter[str] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)

    def call(self, action: str, value: JsonObject, *, name: str = "", connection: str = "") -> Json:
        self.counted[action] += 1
        self._take(name or f"{action}.{self.counted[action]}")
        given = as_json(value, f"the input of {action}")
        if action not in self.calls or not isinstance(given, dict):
            return call_nothing(action, value)
        return as_json(self.calls[action](given), f"the result of {action}")

    def record(self, name: str, make: Callable[[], Json]) -> Json:
        self._take(name)
        return as_json(make(), f"what is recorded as {name!r}")

    def _take(self, name: str) -> None:
        if name in self.taken:
            raise ValueError(f"the sub-step {name!r} is there twice; give each a name of its own")
        self.taken.add(name)


def connect(connector: Connector, base_url: str, *, refresh_token: str = "", api_key: str = "") -> str:
    """Return the `Authorization` value for a sandbox: the key itself, or a token fetched with the grant."""
    auth = connector.auth
    if isinstance(auth, ApiKey):
        return auth.prefix + api_key
    if not isinstance(auth, OAuth2):
        return ""
    answer = httpx2.post(
        rebase(auth.token_url, connector, base_url),
        data={
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": "sandbox-client",
            "client_secret": "sandbox-client-secret",
        },
    )
    answer.raise_for_status()
    return f"Bearer {answer.json()['access_token']}"


def make_context(
    connector: Connector,
    base_url: str = "",
    *,
    authorization: str = "",
    transport: httpx2.BaseTransport | None = None,
    idempotency_key: str = "exe_test.step",
    config: JsonObject | None = None,
    now: Callable[[], datetime] | None = None,
    timeout_s: float = 10.0,
    calls: Calls | None = None,
    emit: Callable[..., None] = emit_nowhere,
    account: JsonObject | None = None,
) -> ActionContext:
    """Make an ActionContext whose `http` reaches `base_url` in the provider's place.

    `ctx.call` finds what stands in for other actions in `calls`, functions of the input by
    `connector.action`; a name that is not there raises LookupError. `emit` is called in place of `ctx.emit`.
    `account` is what a connection's credential names of its account.

    Close `context.http` when done, or use it as a context manager.
    """
    clock = now or (lambda: datetime.now(UTC))
    client = httpx2.Client(
        base_url=connector.base_url,
        transport=TestTransport(connector, base_url, authorization, transport),
        timeout=timeout_s,
    )
    substeps = _Substeps(calls or {})
    return ActionContext(
        http=client,
        idempotency_key=idempotency_key,
        deadline=clock() + timedelta(seconds=timeout_s),
        now=clock,
        config=config or {},
        call=substeps.call,
        record=substeps.record,
        emit=emit,
        account=account or {},
    )
