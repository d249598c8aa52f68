"""The actions on opportunities."""

from revolution_salesforce import records
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import OPPORTUNITY, RECORD_ID, api_fields, changing, creating
from revolution_sdk import ActionContext, Found, JsonObject
from revolution_sdk.schema import string

_SOBJECT = "Opportunity"


def was_created(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    """Look for the opportunity by the hub's own key, if a field is set up for it."""
    return records.find_created(ctx, _SOBJECT)


@salesforce.action(
    input=creating(OPPORTUNITY, required=("name", "stage", "close_date")),
    output=records.CREATED,
    effect="once",
    scopes=(API,),
    confirm=was_created,
    confirm_after_s=records.CONFIRM_AFTER_S,
)
def create_opportunity(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Create an opportunity. An opportunity is a deal.

    Calling it twice creates two, unless a rule of the org refuses duplicates. Where the tenant has set up a
    reference field, the hub finds out by itself whether an opportunity was created when no answer came back.
    """
    return records.create(ctx, _SOBJECT, api_fields(OPPORTUNITY, value))


@salesforce.action(
    input=changing(OPPORTUNITY, id=string(pattern=RECORD_ID, describe="The opportunity's id")),
    output=records.UPDATED,
    effect="repeatable",
    scopes=(API,),
)
def update_opportunity(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Set fields of an opportunity; the others stay, and null empties one.

    A repeat sets the same values again, over what others may have entered in between.
    """
    return records.update(ctx, _SOBJECT, value["id"], api_fields(OPPORTUNITY, value))


@salesforce.action(
    input=changing(OPPORTUNITY, **records.EXTERNAL_ID),
    output=records.UPSERTED,
    effect="repeatable",
    scopes=(API,),
)
def upsert_opportunity(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Update the opportunity with this external id, or create it if there is none.

    A new one needs name, stage and close date. The external id is a field of your org, marked
    as such. A repeat finds the same opportunity again, so this is the safest way to write.
    """
    return records.upsert(ctx, _SOBJECT, value, api_fields(OPPORTUNITY, value))
