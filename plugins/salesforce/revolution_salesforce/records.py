"""What all actions on records have in common: writing, and finding out whether something was written."""

import hashlib
from difflib import get_close_matches

from revolution_salesforce import client
from revolution_salesforce.fields import API_NAME, checked
from revolution_salesforce.soql import quoted
from revolution_sdk import ActionContext, ConnectorError, Found, JsonObject, RejectedError
from revolution_sdk.schema import boolean, nullable, object_, string

CREATED = object_(
    id=string(describe="Salesforce's id of the record"),
    object=string(describe="The object's API name"),
)
UPDATED = CREATED
UPSERTED = object_(
    id=nullable(string(describe="Salesforce's id of the record; null where Salesforce does not say it")),
    object=string(describe="The object's API name"),
    created=boolean(describe="Whether there was none before"),
)
EXTERNAL_ID: dict[str, JsonObject] = {
    "external_id_field": string(
        pattern=API_NAME, describe="API name of a field marked as external id, such as Customer_Number__c"
    ),
    "external_id": string(min_length=1, max_length=255, describe="The value of that field"),
}
CONFIRM_AFTER_S = 30.0
"""A request that was cut off may still be at work at Salesforce; after this long it is done or undone."""

_UNKNOWN_FIELD = "invalid_field"


def create(ctx: ActionContext, sobject: str, fields: JsonObject) -> JsonObject:
    """Create a record, with the hub's own key in it where a field for it is set up."""
    field = ctx.config.get("reference_field")
    sent = {**checked(fields), **({str(field): reference(ctx)} if field else {})}
    try:
        return {"id": client.create(ctx, sobject, sent), "object": sobject}
    except RejectedError as error:
        raise _explained(ctx, sobject, sent, error) from error


def find_created(ctx: ActionContext, sobject: str) -> JsonObject | Found:
    """Look for the record this very step has created. Nothing but the hub's key in it tells for certain."""
    field = ctx.config.get("reference_field")
    if not field:
        return Found.UNKNOWN
    # Both names follow the pattern of API names, by the schemas of inputs and settings.
    soql = f"SELECT Id FROM {sobject} WHERE {field} = {quoted(reference(ctx))} LIMIT 1"  # noqa: S608
    found = client.query(ctx, soql).records
    return {"id": str(found[0]["Id"]), "object": sobject} if found else Found.ABSENT


def update(ctx: ActionContext, sobject: str, record_id: str, fields: JsonObject) -> JsonObject:
    """Set fields of a record."""
    try:
        client.update(ctx, sobject, record_id, checked(fields))
    except RejectedError as error:
        raise _explained(ctx, sobject, fields, error) from error
    return {"id": record_id, "object": sobject}


def upsert(ctx: ActionContext, sobject: str, value: JsonObject, fields: JsonObject) -> JsonObject:
    """Update the record with the external id that `value` names, or create it."""
    try:
        done = client.upsert(ctx, sobject, value["external_id_field"], value["external_id"], checked(fields))
    except RejectedError as error:
        raise _explained(ctx, sobject, fields, error) from error
    return {"id": done.id, "object": sobject, "created": done.created}


def reference(ctx: ActionContext) -> str:
    """Return the hub's key of this step, the same for each attempt."""
    return hashlib.sha256(ctx.idempotency_key.encode()).hexdigest()


def _explained(ctx: ActionContext, sobject: str, fields: JsonObject, error: RejectedError) -> RejectedError:
    """Return a refusal with the names near those Salesforce does not know, any other as it is."""
    if error.code != _UNKNOWN_FIELD:
        return error
    try:
        known = {str(one.get("name", "")) for one in client.describe(ctx, sobject)["fields"]}
    except ConnectorError:
        # What Salesforce said first is what matters; without the names there is nothing to add to it.
        return error
    lower = {name.lower(): name for name in known}
    near: JsonObject = {}
    for name in fields:
        if name.lower() not in lower:
            near[name] = [lower[one] for one in get_close_matches(name.lower(), lower, n=3)]
    if not near:
        return error
    told = "; ".join(
        f"{name} is no field of {sobject}" + (f", did you mean {' or '.join(names)}?" if names else "")
        for name, names in near.items()
    )
    return RejectedError(told, code=error.code, details={**error.details, "did_you_mean": near})
