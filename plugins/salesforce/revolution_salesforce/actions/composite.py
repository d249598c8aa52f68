"""Several requests as one, of which later ones may use what earlier ones have made."""

import re
from urllib.parse import quote, urlencode

from revolution_salesforce import client
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import API_NAME, FIELDS, OBJECT, checked
from revolution_salesforce.soql import LONGEST_SOQL, SoqlError, bind
from revolution_sdk import ActionContext, Json, JsonObject, RejectedError, RetryableError
from revolution_sdk.schema import array, boolean, integer, object_, string

MOST_PARTS = 25
MOST_QUERIES = 5
_REFERENCE = "^[A-Za-z][A-Za-z0-9_]{0,79}$"
_USED = re.compile(r"@\{([A-Za-z][A-Za-z0-9_]*)[.\[]")
_WANTED = {
    "create": {"object", "fields"},
    "update": {"object", "id", "fields"},
    "upsert": {"object", "external_id_field", "external_id", "fields"},
    "get": {"object", "id"},
    "query": {"soql"},
}
_ALLOWED = {**_WANTED, "query": {"soql", "params"}}
_HALTED = "PROCESSING_HALTED"

_PART = object_(
    name=string(pattern=_REFERENCE, describe="Its name; later parts write @{name.id} for what it has made"),
    do=string(enum=list(_WANTED), describe="What to do"),
    object=OBJECT,
    id=string(
        pattern=r"^([A-Za-z0-9]{15}([A-Za-z0-9]{3})?|@\{[A-Za-z][A-Za-z0-9_.\[\]]*\})$",
        describe="The record's id, or @{name.id}; for update and get",
    ),
    external_id_field=string(pattern=API_NAME, describe="For upsert"),
    external_id=string(min_length=1, max_length=255, describe="For upsert"),
    fields=FIELDS,
    soql=string(max_length=LONGEST_SOQL, describe="For query, as in query_records"),
    params=object_(open_=True, describe="For query, as in query_records"),
    optional=["object", "id", "external_id_field", "external_id", "fields", "soql", "params"],
)


@salesforce.action(
    input=object_(
        parts=array(_PART, min_items=1, max_items=MOST_PARTS, describe="What to do, in this order"),
        all_or_none=boolean(default=True, describe="Undo everything if one part is refused"),
        optional=["all_or_none"],
    ),
    output=object_(
        ok=boolean(describe="Whether no part was refused"),
        parts=array(
            object_(
                name=string(),
                ok=boolean(),
                status=integer(),
                body=object_(open_=True, describe="What Salesforce has answered, without its own marks"),
                error=string(describe="Why it was refused; empty if it was not"),
                error_code=string(describe="Salesforce's code for it; empty if there is none"),
            )
        ),
    ),
    effect="once",
    scopes=(API,),
)
def run_composite(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Do up to 25 things in one request: create, update, upsert, get and query, at most 5 of them queries.

    A later part writes `@{account.id}` for the id of what the part `account` has made. With `all_or_none`, as
    usual, one refusal undoes all of it and the step fails; without it the result says what each part came to.
    Calling it twice does everything twice, so prefer upserts.
    """
    parts, all_or_none = value["parts"], value.get("all_or_none", True)
    _check(parts)
    answers = client.composite(
        ctx, [_request(one, at) for at, one in enumerate(parts)], all_or_none=all_or_none
    )
    results = [_result(one["name"], answer) for one, answer in zip(parts, answers, strict=True)]
    refused = [
        (one["name"], answer)
        for one, answer, result in zip(parts, answers, results, strict=True)
        if not result["ok"] and result["error_code"] != _HALTED
    ]
    if all_or_none and not all(one["ok"] for one in results):
        raise _undone(refused)
    return {"ok": not refused, "parts": results}


def _check(parts: list[JsonObject]) -> None:
    seen: set[str] = set()
    for at, part in enumerate(parts):
        given, do = set(part) - {"name", "do"}, part["do"]
        if missing := sorted(_WANTED[do] - given):
            raise _wrong(at, missing[0], f"{do} needs {missing[0]}")
        if surplus := sorted(given - _ALLOWED[do]):
            raise _wrong(at, surplus[0], f"{do} has no {surplus[0]}")
        if part["name"] in seen:
            raise _wrong(at, "name", "the name is there twice")
        if later := sorted(set(_USED.findall(repr(part))) - seen):
            raise _wrong(at, "name", f"it uses {later[0]}, which is no part before it")
        seen.add(part["name"])
    if sum(part["do"] == "query" for part in parts) > MOST_QUERIES:
        raise RejectedError(f"at most {MOST_QUERIES} parts may be queries", code="composite_invalid")


def _request(part: JsonObject, at: int) -> JsonObject:
    of = f"{client.DATA_PATH}/sobjects/{part.get('object')}"
    sent = {"body": checked(part["fields"])} if "fields" in part else {}
    match part["do"]:
        case "create":
            method, url = "POST", of
        case "update":
            method, url = "PATCH", f"{of}/{part['id']}"
        case "upsert":
            method, url = (
                "PATCH",
                f"{of}/{part['external_id_field']}/{client.external_id(part['external_id'])}",
            )
        case "get":
            method, url = "GET", f"{of}/{part['id']}"
        case _:
            method, url = "GET", _query_url(part, at)
    return {"method": method, "url": url, "referenceId": part["name"], **sent}


def _query_url(part: JsonObject, at: int) -> str:
    try:
        bound = bind(part["soql"], part.get("params", {}))
    except SoqlError as error:
        raise _wrong(at, error.at, error.message) from error
    return f"{client.DATA_PATH}/query?{urlencode({'q': bound}, quote_via=quote)}"


def _result(name: str, answer: JsonObject) -> JsonObject:
    status, body = answer["httpStatusCode"], answer.get("body")
    ok = status < 300
    error = None if ok else client.part_refused(status, body)
    return {
        "name": name,
        "ok": ok,
        "status": status,
        "body": _shown(body) if ok else {},
        "error": error.message if error else "",
        "error_code": str(error.details.get("error_code", "")) if error else "",
    }


def _shown(body: Json) -> JsonObject:
    return client.bare(body) if isinstance(body, dict) else {}


def _undone(refused: list[tuple[str, JsonObject]]) -> RejectedError | RetryableError:
    """Return why nothing was done: to be tried again only if every refusal was for the moment."""
    errors = [(name, client.part_refused(one["httpStatusCode"], one.get("body"))) for name, one in refused]
    waits = [one for _, one in errors if isinstance(one, RetryableError)]
    if errors and len(waits) == len(errors):
        return RetryableError(
            waits[0].message,
            retry_after_s=waits[0].retry_after_s,
            code=waits[0].code,
            details=waits[0].details,
        )
    told = "; ".join(f"{name}: {one.message}" for name, one in errors)[:1000]
    details: JsonObject = {"parts": {name: {"message": one.message, **one.details} for name, one in errors}}
    return RejectedError(f"nothing was done, {told}", code="composite_refused", details=details)


def _wrong(at: int, name: str, message: str) -> RejectedError:
    return RejectedError(message, code="composite_invalid", details={"path": f"parts[{at}].{name}"})
