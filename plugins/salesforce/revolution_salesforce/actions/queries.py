"""Asking: SOQL with bound values, what an object looks like, and how many requests are left."""

from revolution_salesforce import client
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import OBJECT
from revolution_salesforce.soql import LONGEST_SOQL, SoqlError, bind
from revolution_sdk import ActionContext, Json, JsonObject, RejectedError
from revolution_sdk.schema import array, boolean, integer, nullable, object_, string

MOST_PAGES = 10
_PAGES = integer(minimum=1, maximum=MOST_PAGES, default=1, describe="How many pages to read at most")
_RECORDS = object_(
    records=array(object_(open_=True), describe="The rows, with fields by their API names"),
    total=integer(minimum=0, describe="How many rows the query has in all"),
    cursor=nullable(string(describe="Leads to the rows after these, with continue_query; null at the end")),
)


@salesforce.action(
    input=object_(
        soql=string(
            min_length=8,
            max_length=LONGEST_SOQL,
            describe="The query, with :name for each value: SELECT Id FROM Lead WHERE Email = :email",
        ),
        params=object_(
            open_=True,
            describe="The values by name: texts, numbers, true, false, null, lists of them, or"
            ' {"date": "2026-11-23"}, {"datetime": …}, {"contains": …}, {"starts_with": …} for LIKE',
        ),
        page_size=integer(minimum=200, maximum=2000, describe="Rows per page, which Salesforce may ignore"),
        max_pages=_PAGES,
        optional=["params", "page_size", "max_pages"],
    ),
    output=_RECORDS,
    effect="read",
    scopes=(API,),
)
def query_records(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Ask Salesforce with SOQL. Values never stand in the query itself but in `params`, and are escaped.

    Write a place `:name` without quotation marks; texts in the query are refused. Changes nothing. Each page
    counts as one request of the org's day.
    """
    try:
        soql = bind(value["soql"], value.get("params", {}))
    except SoqlError as error:
        raise RejectedError(error.message, code="soql_invalid", details={"path": error.at}) from error
    return _read(ctx, client.query(ctx, soql, value.get("page_size")), value.get("max_pages", 1))


@salesforce.action(
    input=object_(
        cursor=string(
            pattern="^[A-Za-z0-9-]{1,200}$", describe="The cursor of query_records, good for two days"
        ),
        max_pages=_PAGES,
        optional=["max_pages"],
    ),
    output=_RECORDS,
    effect="read",
    scopes=(API,),
)
def continue_query(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Read the rows after those query_records has returned, by its cursor. Changes nothing."""
    return _read(ctx, client.query_more(ctx, value["cursor"]), value.get("max_pages", 1))


@salesforce.action(
    input=object_(object=OBJECT),
    output=object_(
        object=string(describe="The object's API name"),
        label=string(describe="What people call it"),
        fields=array(
            object_(
                name=string(describe="The field's API name"),
                label=string(describe="What people call it"),
                type=string(describe="Salesforce's type: string, picklist, reference, double …"),
                required=boolean(describe="Whether a new record needs it"),
                createable=boolean(describe="Whether it can be set when a record is created"),
                updateable=boolean(describe="Whether it can be changed afterwards"),
                external_id=boolean(describe="Whether records can be upserted by it"),
                max_length=integer(minimum=0, describe="Of a text; 0 for other types"),
                options=array(
                    object_(value=string(), label=string()), describe="What may be chosen, if it is a list"
                ),
                refers_to=array(string(), describe="The objects whose ids it holds"),
            ),
            describe="The fields the connected user may see",
        ),
    ),
    effect="read",
    scopes=(API,),
)
def describe_object(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Say which fields an object has in this org, which are needed, and what may be chosen. Changes nothing.

    Use it to fill forms, and before writing to an object you do not know.
    """
    found = client.describe(ctx, value["object"])
    name = _text(found.get("name")) or value["object"]
    fields = [_field(one) for one in found["fields"] if isinstance(one, dict) and _text(one.get("name"))]
    return {"object": name, "label": _text(found.get("label")) or name, "fields": fields}


@salesforce.action(
    input=object_(),
    output=object_(
        requests_max=nullable(integer(describe="Requests the org has in 24 hours")),
        requests_left=nullable(integer(describe="How many of them are left")),
        limits=object_(
            open_=True, describe="All limits, each with Max and Remaining, as Salesforce names them"
        ),
    ),
    effect="read",
    scopes=(API,),
)
def get_limits(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Say how many requests the org has left today, and its other limits. Changes nothing."""
    found = client.limits(ctx)
    daily = found.get("DailyApiRequests")
    daily = daily if isinstance(daily, dict) else {}
    return {
        "requests_max": _count(daily.get("Max")),
        "requests_left": _count(daily.get("Remaining")),
        "limits": found,
    }


def _read(ctx: ActionContext, page: client.Page, most: int) -> JsonObject:
    rows = list(page.records)
    for _ in range(most - 1):
        if page.cursor is None:
            break
        page = client.query_more(ctx, page.cursor)
        rows += page.records
    return {"records": rows, "total": page.total, "cursor": page.cursor}


def _field(one: JsonObject) -> JsonObject:
    createable, optional = one.get("createable") is True, one.get("nillable") is True
    picked = one.get("picklistValues")
    chosen = [pick for pick in picked if isinstance(pick, dict)] if isinstance(picked, list) else []
    refers_to = one.get("referenceTo")
    return {
        "name": _text(one.get("name")),
        "label": _text(one.get("label")) or _text(one.get("name")),
        "type": _text(one.get("type")),
        "required": createable and not optional and one.get("defaultedOnCreate") is not True,
        "createable": createable,
        "updateable": one.get("updateable") is True,
        "external_id": one.get("externalId") is True,
        "max_length": _count(one.get("length")) or 0,
        "options": [
            {"value": _text(pick.get("value")), "label": _text(pick.get("label")) or _text(pick.get("value"))}
            for pick in chosen
            if pick.get("active") is not False and _text(pick.get("value"))
        ],
        "refers_to": [_text(name) for name in refers_to] if isinstance(refers_to, list) else [],
    }


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
