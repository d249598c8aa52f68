"""A contract validator: an ASGI wrapper that holds every request and answer against an OpenAPI document.

A violation is answered with status 500 and remembered; `violations` must be empty at the end of a test.
"""

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.request.exceptions import SecurityValidationError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def contracts_folder() -> Path:
    """Return where the providers' specifications are: REVOLUTION_CONTRACTS or ../shared/contracts."""
    return Path(os.environ.get("REVOLUTION_CONTRACTS", "../shared/contracts"))


def load_contract(path: Path) -> OpenAPI:
    """Read an OpenAPI document from a JSON file. Takes 0.1 s to 1.5 s, so keep the result.

    OAuth 2 schemes are read as bearer tokens, which is what travels and what the validator can check.
    Discriminators without a mapping are left out: the validator would look for schemas of the values' names,
    and the `oneOf` beside them decides anyway.
    """
    document = _without_bare_discriminators(json.loads(path.read_text(encoding="utf-8")))
    for scheme in document.get("components", {}).get("securitySchemes", {}).values():
        if scheme.get("type") == "oauth2":
            scheme.clear()
            scheme.update(type="http", scheme="bearer")
    return OpenAPI.from_dict(document)


def _without_bare_discriminators(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_bare_discriminators(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_bare_discriminators(one)
        for key, one in value.items()
        if not (key == "discriminator" and isinstance(one, dict) and "mapping" not in one)
    }


class ContractValidator:
    """Wraps a sandbox's ASGI application. `origin` is the server the document declares for its paths."""

    def __init__(self, app: App, contract: OpenAPI, origin: str) -> None:
        self.app = app
        self.contract = contract
        self.origin = origin.rstrip("/")
        self.violations: list[str] = []
        self.operations: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the exchange on, and check both halves before the answer leaves."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        sent: list[MutableMapping[str, Any]] = []

        async def replay() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, replay, keep)
        problem = self.check(scope, body, sent)
        if problem:
            self.violations.append(problem)
            sent = _problem(problem)
        for message in sent:
            await send(message)

    def check(self, scope: Scope, body: bytes, sent: list[MutableMapping[str, Any]]) -> str:
        """Return what the exchange breaks, empty when nothing. Refusals (4xx) may answer a wrong request."""
        request = _request(scope, body, self.origin)
        response = _response(sent)
        place = f"{scope['method']} {scope['path']} -> {response.status_code}"
        self.operations.add(f"{scope['method']} {scope['path']}")
        if response.status_code < 400:
            try:
                self.contract.validate_request(request)
            except SecurityValidationError as error:
                return f"{place}: the request is not authorized: {_reason(error)}"
            except OpenAPIError as error:
                return f"{place}: request: {_reason(error)}"
        try:
            self.contract.validate_response(request, response)
        except OpenAPIError as error:
            return f"{place}: answer: {_reason(error)}"
        return ""

    def refuses(
        self, method: str, path: str, *, body: Any = None, query: str = "", content_type: str = ""
    ) -> bool:
        """Tell whether the contract refuses this request; tests ask it with a wrong request per operation."""
        kind = content_type or "application/json"
        scope = {
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"content-type", kind.encode()), (b"authorization", b"Bearer x")],
        }
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.contract.validate_request(_request(scope, content if body is not None else b"", self.origin))
        except OpenAPIError:
            return True
        return False


def _request(scope: Scope, body: bytes, origin: str) -> MockRequest:
    headers = {key.decode().lower(): value.decode("latin-1") for key, value in scope["headers"]}
    args: dict[str, list[str]] = {}
    for pair in scope["query_string"].decode().split("&"):
        if pair:
            key, _, value = pair.partition("=")
            args.setdefault(unquote_plus(key), []).append(unquote_plus(value))
    return MockRequest(
        origin,
        scope["method"].lower(),
        scope["path"],
        args=args,
        headers=headers,
        data=body or None,
        content_type=headers.get("content-type", "application/json").split(";")[0],
    )


def _response(sent: list[MutableMapping[str, Any]]) -> MockResponse:
    start = next(message for message in sent if message["type"] == "http.response.start")
    headers = {key.decode().lower(): value.decode("latin-1") for key, value in start.get("headers", [])}
    data = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    kind = headers.get("content-type", "application/json").split(";")[0]
    return MockResponse(data, status_code=start["status"], headers=headers, content_type=kind)


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _problem(text: str) -> list[MutableMapping[str, Any]]:
    body = json.dumps({"contract_violation": text}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return [
        {"type": "http.response.start", "status": 500, "headers": headers},
        {"type": "http.response.body", "body": body},
    ]


def _reason(error: BaseException) -> str:
    chain = [str(error)]
    while error.__cause__ is not None:
        error = error.__cause__
        chain.append(str(error))
    details = getattr(error, "schema_errors", None) or []
    return "; ".join([*chain, *[getattr(one, "message", str(one)) for one in details]])[:600]
