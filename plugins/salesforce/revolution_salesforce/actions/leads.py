"""The actions on leads."""

from revolution_salesforce import records
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import LEAD, RECORD_ID, api_fields, changing, creating
from revolution_sdk import ActionContext, Found, JsonObject
from revolution_sdk.schema import string

_SOBJECT = "Lead"


def was_created(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    """Look for the lead by the hub's own key, if a field is set up for it."""
    return records.find_created(ctx, _SOBJECT)


@salesforce.action(
    input=creating(LEAD, required=("last_name", "company")),
    output=records.CREATED,
    effect="once",
    scopes=(API,),
    confirm=was_created,
    confirm_after_s=records.CONFIRM_AFTER_S,
)
def create_lead(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Create a lead. Salesforce wants at least the last name and the company.

    Calling it twice creates two, unless a rule of the org refuses duplicates. Where the tenant has set up a
    reference field, the hub finds out by itself whether a lead was created when no answer came back.
    """
    return records.create(ctx, _SOBJECT, api_fields(LEAD, value))


@salesforce.action(
    input=changing(LEAD, id=string(pattern=RECORD_ID, describe="The lead's id")),
    output=records.UPDATED,
    effect="repeatable",
    scopes=(API,),
)
def update_lead(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Set fields of a lead; the others stay, and null empties one.

    A repeat sets the same values again, over what others may have entered in between.
    """
    return records.update(ctx, _SOBJECT, value["id"], api_fields(LEAD, value))


@salesforce.action(
    input=changing(LEAD, **records.EXTERNAL_ID),
    output=records.UPSERTED,
    effect="repeatable",
    scopes=(API,),
)
def upsert_lead(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Update the lead with this external id, or create it if there is none.

    A new one needs the last name and the company. The external id is a field of your org, marked
    as such. A repeat finds the same lead again, so this is the safest way to write.
    """
    return records.upsert(ctx, _SOBJECT, value, api_fields(LEAD, value))
