"""Errors as problem+json (RFC 9457): one table from errors to statuses, all faults of a request at once."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from revolution_hub.errors import (
    AccessError,
    ConflictError,
    DefinitionError,
    HubError,
    LimitError,
    MethodError,
    NotFoundError,
    PluginError,
    Problem,
    VaultError,
)
from revolution_hub.model.strict_json import dump_json
from revolution_sdk import DeliveryError
from revolution_sdk.types import JsonObject

_log = logging.getLogger("revolution.api")

_BY_CODE = {
    "unauthenticated": 401,
    "key_revoked": 401,
    "key_expired": 401,
    "session_over": 401,
    "login_failed": 401,
    "stale_revision": 412,
    "revision_required": 428,
    "rate_limited": 429,
    "backlog_full": 429,
    "quota_exceeded": 429,
    "too_many_replays": 429,
    "too_many_taps": 429,
    "database_unavailable": 503,
    "files_unavailable": 503,
    "overloaded": 503,
    "changing": 503,
    "slow_body": 408,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "content_type": 415,
    "unreadable": 422,
    "login_state": 400,
    "authorization_state": 400,
    "authorization_denied": 400,
    "authorization_failed": 400,
    "provider_away": 503,
}
_BY_KIND: Sequence[tuple[type[Exception], int]] = (
    (DefinitionError, 422),
    (AccessError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (LimitError, 413),
    (DeliveryError, 401),
    (PluginError, 502),
    (VaultError, 500),
    (HubError, 500),
)
_WITH_DETAILS = ("quota_exceeded", "in_use")
"""The codes whose details are members of the answer: whoever gets one is to act upon them."""
_UNREAD = (408, 413)
"""The statuses of those who may be in the middle of sending a body."""

_TITLES = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Content type not supported",
    422: "Not valid",
    428: "A revision is required",
    429: "Too many requests",
    500: "Internal error",
    502: "A plugin failed",
    503: "Not available right now",
}


def status_of(error: Exception) -> int:
    """Return the HTTP status for an error: by its code where one is listed, else by its kind."""
    by_code = _BY_CODE.get(getattr(error, "code", ""))
    if by_code is not None:
        return by_code
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), 500)


def problem_response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    problems: Sequence[Problem] = (),
    *,
    headers: Mapping[str, str] | None = None,
    members: JsonObject | None = None,
) -> Response:
    """Return a problem+json answer. `path` is that of the first problem, `problems` are all of them.

    A first problem that is within a template adds its `line`, `column` and `source_line`.
    """
    body: JsonObject = {
        "type": f"urn:revolution:problem:{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "path": problems[0].path if problems else None,
        **(problems[0].place() if problems else {}),
        "problems": [one.as_json() for one in problems],
        "request_id": getattr(request.state, "request_id", None),
        **(members or {}),
    }
    return Response(dump_json(body), status, dict(headers or {}), media_type="application/problem+json")


def add_handlers(app: FastAPI) -> None:
    """Let every error leave as problem+json."""
    for kind, handler in _HANDLERS:
        app.add_exception_handler(kind, handler)


async def answer_to(request: Request, error: Exception) -> Response:
    """Return the answer to an error; what nobody foresaw goes into the log."""
    handler = next(handler for kind, handler in _HANDLERS if isinstance(error, kind))
    return await handler(request, error)


async def _known(request: Request, error: Exception) -> Response:
    status = status_of(error)
    code = str(getattr(error, "code", "error"))
    headers: dict[str, str] = {}
    wait_s = getattr(error, "retry_after_s", None)
    if wait_s is not None:
        headers["Retry-After"] = str(max(1, int(wait_s + 0.999)))
    if isinstance(error, MethodError):
        headers["Allow"] = ", ".join(error.allowed)
    if status in _UNREAD:
        # What is left of the body is not worth reading to its end.
        headers["Connection"] = "close"
    if status == 401 and isinstance(error, AccessError):
        headers["WWW-Authenticate"] = "Bearer"
    if status >= 500:
        # What the database itself said is for the operator, not for the caller.
        reason = getattr(error, "reason", error)
        _log.error("%s %s failed: %s", request.method, request.url.path, reason)
    problems = error.problems if isinstance(error, DefinitionError) else []
    members = error.details if isinstance(error, HubError) and code in _WITH_DETAILS else None
    return problem_response(request, status, code, str(error), problems, headers=headers, members=members)


async def _query(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    problems = [problem_of(fault["loc"][1:], fault["msg"], fault["type"]) for fault in faults]
    return problem_response(request, 422, "input_invalid", "the request is not valid", problems)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "http_error")
    headers = error.headers if isinstance(error, HTTPException) else None
    detail = _TITLES.get(status, "the request failed").lower()
    return problem_response(request, status, code, detail, headers=headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    _log.exception("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(
        request, 500, "internal_error", "something went wrong; the operator's log says what"
    )


async def _gone(request: Request, _: Exception) -> Response:
    # Who asked hung up before the body was whole. Nobody reads this; it is for the access log.
    return problem_response(request, 400, "hung_up", "the request was not sent to its end")


_HANDLERS: Sequence[tuple[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]] = (
    (HubError, _known),
    (DeliveryError, _known),
    (RequestValidationError, _query),
    (HTTPException, _http),
    (ClientDisconnect, _gone),
    (Exception, _unforeseen),
)


def problem_of(location: Sequence[str | int], message: str, code: str) -> Problem:
    """Return a problem at a place given as keys and indexes."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return Problem(path=path, message=message, code=code)
