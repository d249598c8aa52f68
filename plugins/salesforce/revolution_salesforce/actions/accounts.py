"""The actions on accounts."""

from revolution_salesforce import records
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import ACCOUNT, RECORD_ID, api_fields, changing, creating
from revolution_sdk import ActionContext, Found, JsonObject
from revolution_sdk.schema import string

_SOBJECT = "Account"


def was_created(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    """Look for the account by the hub's own key, if a field is set up for it."""
    return records.find_created(ctx, _SOBJECT)


@salesforce.action(
    input=creating(ACCOUNT, required=("name",)),
    output=records.CREATED,
    effect="once",
    scopes=(API,),
    confirm=was_created,
    confirm_after_s=records.CONFIRM_AFTER_S,
)
def create_account(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Create an account. An account is a company.

    Calling it twice creates two, unless a rule of the org refuses duplicates. Where the tenant has set up a
    reference field, the hub finds out by itself whether an account was created when no answer came back.
    """
    return records.create(ctx, _SOBJECT, api_fields(ACCOUNT, value))


@salesforce.action(
    input=changing(ACCOUNT, id=string(pattern=RECORD_ID, describe="The account's id")),
    output=records.UPDATED,
    effect="repeatable",
    scopes=(API,),
)
def update_account(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Set fields of an account; the others stay, and null empties one.

    A repeat sets the same values again, over what others may have entered in between.
    """
    return records.update(ctx, _SOBJECT, value["id"], api_fields(ACCOUNT, value))


@salesforce.action(
    input=changing(ACCOUNT, **records.EXTERNAL_ID),
    output=records.UPSERTED,
    effect="repeatable",
    scopes=(API,),
)
def upsert_account(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Update the account with this external id, or create it if there is none.

    A new one needs the name. The external id is a field of your org, marked
    as such. A repeat finds the same account again, so this is the safest way to write.
    """
    return records.upsert(ctx, _SOBJECT, value, api_fields(ACCOUNT, value))
