"""The org's API by its paths, with and without a slash at the end. Their names are those of faults."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from revolution_salesforce.client import API_VERSION, CONVERT_PATH, DATA_PATH
from revolution_salesforce.sandbox.composite import serve_composite
from revolution_salesforce.sandbox.converting import convert
from revolution_salesforce.sandbox.provider import Provider
from revolution_salesforce.sandbox.rest import Asked, serve
from revolution_salesforce.sandbox.shapes import RefusedError, session_expired
from revolution_sdk import Json
from revolution_sdk.sandbox import Answer, Call, Sandbox

LIMIT_HEADER = "Sforce-Limit-Info"
_SOBJECT = f"{DATA_PATH}/sobjects/{{sobject}}"
_ROUTES = (
    ("GET", f"{DATA_PATH}/limits", "limits"),
    ("GET", f"{DATA_PATH}/query", "query"),
    ("GET", f"{DATA_PATH}/query/{{locator}}", "query_more"),
    ("POST", _SOBJECT, "create"),
    ("GET", f"{_SOBJECT}/describe", "describe"),
    ("GET", f"{_SOBJECT}/updated", "updated"),
    ("GET", f"{_SOBJECT}/deleted", "deleted"),
    ("GET", f"{_SOBJECT}/{{id}}", "read"),
    ("PATCH", f"{_SOBJECT}/{{id}}", "update"),
    ("DELETE", f"{_SOBJECT}/{{id}}", "delete"),
    ("PATCH", f"{_SOBJECT}/{{field}}/{{value}}", "upsert"),
)

Served: TypeAlias = Callable[[Provider, Call], tuple[int, Json]]


def add_operations(box: Sandbox, provider: Provider) -> None:
    """Serve the API."""
    box.operation("GET", "/services/data", "versions")(tell_versions)
    for method, path, name in _ROUTES:
        handler = partial(for_session, provider, serve_path)
        box.operation(method, path, name)(handler)
        box.operation(method, f"{path}/", name)(handler)
    for path in (f"{DATA_PATH}/composite", f"{DATA_PATH}/composite/"):
        box.operation("POST", path, "composite")(partial(for_session, provider, serve_parts))
    box.operation("POST", CONVERT_PATH, "convert")(partial(for_session, provider, serve_convert))


def tell_versions(call: Call) -> Answer:
    """Say which versions there are; nobody need be signed in."""
    return Answer(body=[{"label": "Winter '27", "url": DATA_PATH, "version": API_VERSION}])


def for_session(provider: Provider, served: Served, call: Call) -> Answer:
    """Find out whether the session is good, count the request, and serve it."""
    if not provider.grants.good(call.bearer()):
        refusal = session_expired()
        return Answer(status=refusal.status, body=refusal.body)
    try:
        provider.count_request()
        status, body = served(provider, call)
    except RefusedError as error:
        status, body = error.status, error.body
    return Answer(status=status, body=body, headers={LIMIT_HEADER: provider.usage()})


def serve_path(provider: Provider, call: Call) -> tuple[int, Json]:
    """Serve what stands in the path."""
    segments = tuple(call.path.removeprefix(f"{DATA_PATH}/").rstrip("/").split("/"))
    asked = Asked(
        method=call.method, segments=segments, query=call.query, headers=call.headers, body=_body(call)
    )
    told = serve(provider, asked)
    return told.status, told.body


def serve_parts(provider: Provider, call: Call) -> tuple[int, Json]:
    """Serve a composite request."""
    return 200, serve_composite(provider, _body(call))


def serve_convert(provider: Provider, call: Call) -> tuple[int, Json]:
    """Serve what the class in the org does."""
    return 200, convert(provider, _body(call))


def _body(call: Call) -> Json:
    if not call.body:
        return None
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {kind} is not supported")
    found = call.json()
    if found is None:
        raise RefusedError(400, "JSON_PARSER_ERROR", "the body is no JSON")
    return found
