"""How a route is declared: its permission first, then its body. A route without either does not exist.

Bodies pass `strict_json`, query parameters that no route asked for are refused, and an API key is looked
at before a body is read.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect

from revolution_hub.access.rbac import PERMISSIONS, SHAREABLE
from revolution_hub.api.lean import LeanRoute
from revolution_hub.api.problems import problem_of
from revolution_hub.api.who import HubDep, PrincipalDep, confirming, principal_of, require_at_door
from revolution_hub.errors import ConflictError, InputError, LimitError, Problem
from revolution_hub.model.strict_json import canonical_json, strict_json
from revolution_hub.services.idempotency import Once
from revolution_hub.settings import Settings
from revolution_sdk.types import JsonObject

LONGEST_KEY = 255
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
_ANY_QUERY = "x-any-query"

Body = TypeVar("Body", bound="Model")
Function = TypeVar("Function", bound=Callable[..., Any])


class Model(BaseModel):
    """Base of every request body: unknown members are refused, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


def route(
    router: APIRouter,
    method: str,
    path: str,
    *,
    permission: str,
    shared: bool = False,
    status: int = 200,
    body: type[Model] | None = None,
    any_query: bool = False,
) -> Callable[[Function], Function]:
    """Serve `method path` to principals with the permission.

    Where it is `shared`, a share of the workflow can stand in for the permission; the service behind it says
    for which workflow. With `any_query` parameters nobody knows are ignored: somebody else makes the address.
    """
    if permission not in PERMISSIONS:
        raise ValueError(f"{method} {path}: {permission!r} is not a permission")
    if shared and permission not in SHAREABLE:
        raise ValueError(f"{method} {path}: no share can stand in for {permission!r}")

    async def permitted(principal: PrincipalDep) -> None:
        if not shared:
            await require_at_door(principal, permission)

    marks: JsonObject = {"x-permission": permission, **({"x-shared": True} if shared else {})}
    if any_query:
        marks[_ANY_QUERY] = True
    needed = None if shared else permission
    return _add(router, method, path, status, [Depends(permitted)], marks, body, permission=needed)


def public_route(
    router: APIRouter,
    method: str | Sequence[str],
    path: str,
    *,
    why: str,
    status: int = 200,
    lean: bool = False,
) -> Callable[[Function], Function]:
    """Serve `method path` to everybody; `why` says what protects it instead of a permission.

    The function of a `lean` route takes the request alone and looks at its query itself; that is for the hot
    door.
    """
    route_class = LeanRoute if lean else APIRoute
    return _add(router, method, path, status, [], {"x-public": why}, None, route_class=route_class)


def _add(
    router: APIRouter,
    method: str | Sequence[str],
    path: str,
    status: int,
    dependencies: Sequence[Any],
    marks: JsonObject,
    body: type[Model] | None = None,
    *,
    route_class: type[APIRoute] = APIRoute,
    permission: str | None = None,
) -> Callable[[Function], Function]:
    extra = dict(marks)
    if body is not None:
        schema = {"application/json": {"schema": body.model_json_schema()}}
        extra["requestBody"] = {"required": True, "content": schema}

    def add(function: Function) -> Function:
        router.add_api_route(
            path,
            confirming(function, permission),
            methods=[method] if isinstance(method, str) else list(method),
            status_code=status,
            # A lean route has none: it looks at its query itself.
            dependencies=[] if route_class is LeanRoute else [*dependencies, Depends(only_known_query)],
            openapi_extra=extra,
            response_model=None,
            route_class_override=route_class,
        )
        return function

    return add


async def only_known_query(request: Request) -> None:
    """Refuse query parameters the route does not have, so that a misspelt filter is not ignored."""
    if not request.scope.get("query_string"):
        return
    found = request.scope.get("route")
    if not isinstance(found, APIRoute) or (found.openapi_extra or {}).get(_ANY_QUERY):
        return
    known = _query_names(found.dependant)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        problems = [
            Problem(path=name[:80], message="is not a known query parameter", code="unknown_parameter")
            for name in unknown
        ]
        raise InputError("the request is not valid", problems)


def _query_names(dependant: Dependant) -> set[str]:
    names = {one.alias for one in dependant.query_params}
    return names.union(*(_query_names(one) for one in dependant.dependencies))


async def raw_body(request: Request, settings: Settings) -> bytes:
    """Read the body; raises LimitError `body_too_large` before reading more than may be there.

    Whoever takes too long to send it is told so: LimitError `slow_body`.
    """
    limit = settings.body_bytes
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    # Nearly always all of it is there, and then nothing needs to be watched.
    message = await request.receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts, size = [], 0
    try:
        async with asyncio.timeout(settings.body_s):
            while True:
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                size += len(message.get("body", b""))
                if size > limit:
                    raise _too_large(limit)
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    return b"".join(parts)
                message = await request.receive()
    except TimeoutError as error:
        told = f"a body is sent within {settings.body_s} seconds (REVOLUTION_BODY_S)"
        raise LimitError(told, code="slow_body") from error


def _too_large(limit: int) -> LimitError:
    return LimitError(f"a body has at most {limit:,} bytes (REVOLUTION_BODY_BYTES)", code="body_too_large")


def json_body(model: type[Body], *, behind: Callable[..., Any] = principal_of) -> Any:
    """Return the dependency that reads the body as this model; raises InputError with every problem."""

    # Who asks comes first, so that nobody unknown makes the hub parse anything.
    async def read(request: Request, hub: HubDep, _: Annotated[Any, Depends(behind)]) -> Body:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise InputError("the body must be application/json", code="content_type")
        raw = await raw_body(request, hub.settings)
        value = strict_json(raw, max_bytes=hub.settings.body_bytes)
        request.state.fingerprint = _fingerprint(request, value)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            problems = [
                problem_of(fault["loc"], fault["msg"], fault["type"])
                for fault in error.errors(include_input=False, include_url=False)
            ]
            raise InputError("the body is not valid", problems) from error

    return Depends(read)


def file_body() -> Any:
    """Return the dependency that reads a workflow's file: its bytes, and whether they are YAML."""

    async def read(request: Request, hub: HubDep, _: PrincipalDep) -> tuple[bytes, bool]:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json" and kind not in YAML_TYPES:
            raise InputError("the body must be application/yaml or application/json", code="content_type")
        raw = await raw_body(request, hub.settings)
        request.state.fingerprint = _fingerprint(request, hashlib.sha256(raw).hexdigest())
        return raw, kind in YAML_TYPES

    return Depends(read)


def idempotency_key(request: Request) -> str | None:
    """Return the `Idempotency-Key` header, None without one; raises InputError if it is not usable."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable() and key.isascii()):
        problem = Problem(path="Idempotency-Key", message=f"1 to {LONGEST_KEY} printable characters")
        raise InputError("the Idempotency-Key is not usable", [problem])
    return key


def once_of(request: Request) -> Once | None:
    """Return key and fingerprint of an idempotent write, None without the header."""
    key = idempotency_key(request)
    if key is None:
        return None
    # A route without a body has no fingerprint yet: its path is all there is to compare.
    return Once(key=key, fingerprint=getattr(request.state, "fingerprint", _fingerprint(request, None)))


def revision_of(request: Request) -> int:
    """Return the revision named by `If-Match`; raises ConflictError if there is none."""
    text = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ConflictError("send the ETag you read as If-Match", code="revision_required")
    return int(text)


def _fingerprint(request: Request, value: Any) -> str:
    text = f"{request.method} {request.url.path} {canonical_json(value)}"
    return hashlib.sha256(text.encode()).hexdigest()
