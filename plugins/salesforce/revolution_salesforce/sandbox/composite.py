"""Composite requests: parts in order, each with the results of those before it."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from revolution_salesforce.client import DATA_PATH
from revolution_salesforce.sandbox.provider import Provider
from revolution_salesforce.sandbox.rest import Asked, serve
from revolution_salesforce.sandbox.shapes import RefusedError
from revolution_sdk import Json, JsonObject

MOST_PARTS = 25
MOST_QUERIES = 5
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_PLACE = re.compile(r"@\{([A-Za-z][A-Za-z0-9_]*)((?:\.[A-Za-z0-9_]+|\[[0-9]+\])+)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[([0-9]+)\]")
_HALTED: Json = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]


class _RolledBackError(Exception):
    """Raised to undo what a request with allOrNone has done."""


def serve_composite(provider: Provider, body: Json) -> JsonObject:
    """Do the parts and return their answers; raises RefusedError for a request that is none."""
    parts, all_or_none = _parts(body)
    answers: list[JsonObject] = []
    try:
        with provider.records.unit(undo=all_or_none):
            _serve_all(provider, parts, answers, all_or_none=all_or_none)
    except _RolledBackError:
        at, failed = len(answers) - 1, answers[-1]
        answers = [_answer(one["referenceId"], 400, _HALTED) for one in parts]
        answers[at] = failed
    return {"compositeResponse": answers}


def _serve_all(
    provider: Provider, parts: list[JsonObject], answers: list[JsonObject], *, all_or_none: bool
) -> None:
    made: dict[str, Json] = {}
    for part in parts:
        try:
            told = serve(provider, _asked(part, made))
            answer = _answer(part["referenceId"], told.status, told.body)
            made[part["referenceId"]] = told.body
        except RefusedError as error:
            answer = _answer(part["referenceId"], error.status, error.body)
        answers.append(answer)
        if all_or_none and answer["httpStatusCode"] >= 300:
            raise _RolledBackError


def _answer(name: str, status: int, body: Json) -> JsonObject:
    return {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": name}


def _parts(body: Json) -> tuple[list[JsonObject], bool]:
    parts = body.get("compositeRequest") if isinstance(body, dict) else None
    if not isinstance(parts, list) or not all(isinstance(one, dict) for one in parts) or not parts:
        raise RefusedError(400, "JSON_PARSER_ERROR", "compositeRequest must be a list of requests")
    queries = sum("/query" in str(one.get("url")) for one in parts)
    if len(parts) > MOST_PARTS or queries > MOST_QUERIES:
        raise RefusedError(
            400, "LIMIT_EXCEEDED", f"at most {MOST_PARTS} requests, {MOST_QUERIES} of them queries"
        )
    names = [str(one.get("referenceId", "")) for one in parts]
    for one, name in zip(parts, names, strict=True):
        starts = str(one.get("url", "")).startswith(f"{DATA_PATH}/")
        if one.get("method") not in _METHODS or not starts or not _NAME.match(name):
            raise RefusedError(400, "INVALID_FIELD", "a request has a method, a url and a referenceId")
    if len(set(names)) != len(names):
        raise RefusedError(400, "INVALID_FIELD", "referenceIds must be unique")
    return parts, isinstance(body, dict) and body.get("allOrNone") is True


def _asked(part: JsonObject, made: dict[str, Json]) -> Asked:
    url = urlsplit(str(_filled(str(part["url"]), made)).removeprefix(f"{DATA_PATH}/"))
    segments = tuple(unquote(one) for one in url.path.strip("/").split("/"))
    return Asked(
        method=str(part["method"]),
        segments=segments,
        query=dict(parse_qsl(url.query)),
        body=_filled(part.get("body"), made),
    )


def _filled(value: Json, made: dict[str, Json]) -> Json:
    if isinstance(value, dict):
        return {name: _filled(one, made) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, made) for one in value]
    return _PLACE.sub(lambda found: _found(found, made), value) if isinstance(value, str) else value


def _found(place: re.Match[str], made: dict[str, Json]) -> str:
    value = made.get(place.group(1))
    for name, index in _STEP.findall(place.group(2)):
        try:
            value = value[name] if name else value[int(index)]  # type: ignore[index]
        except (KeyError, IndexError, TypeError) as error:
            told = f"Invalid reference specified. No value for {place.group(0)} found"
            raise RefusedError(400, "INVALID_FIELD", told) from error
    return str(value)
