"""The actions on contacts."""

from revolution_salesforce import records
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import CONTACT, RECORD_ID, api_fields, changing, creating
from revolution_sdk import ActionContext, Found, JsonObject
from revolution_sdk.schema import string

_SOBJECT = "Contact"


def was_created(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    """Look for the contact by the hub's own key, if a field is set up for it."""
    return records.find_created(ctx, _SOBJECT)


@salesforce.action(
    input=creating(CONTACT, required=("last_name",)),
    output=records.CREATED,
    effect="once",
    scopes=(API,),
    confirm=was_created,
    confirm_after_s=records.CONFIRM_AFTER_S,
)
def create_contact(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Create a contact. Name the account it belongs to, or it is private.

    Calling it twice creates two, unless a rule of the org refuses duplicates. Where the tenant has set up a
    reference field, the hub finds out by itself whether a contact was created when no answer came back.
    """
    return records.create(ctx, _SOBJECT, api_fields(CONTACT, value))


@salesforce.action(
    input=changing(CONTACT, id=string(pattern=RECORD_ID, describe="The contact's id")),
    output=records.UPDATED,
    effect="repeatable",
    scopes=(API,),
)
def update_contact(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Set fields of a contact; the others stay, and null empties one.

    A repeat sets the same values again, over what others may have entered in between.
    """
    return records.update(ctx, _SOBJECT, value["id"], api_fields(CONTACT, value))


@salesforce.action(
    input=changing(CONTACT, **records.EXTERNAL_ID),
    output=records.UPSERTED,
    effect="repeatable",
    scopes=(API,),
)
def upsert_contact(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Update the contact with this external id, or create it if there is none.

    A new one needs the last name. The external id is a field of your org, marked
    as such. A repeat finds the same contact again, so this is the safest way to write.
    """
    return records.upsert(ctx, _SOBJECT, value, api_fields(CONTACT, value))
