"""The actions on records of any object, custom ones included."""

from revolution_salesforce import client, records
from revolution_salesforce.auth import API
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import API_NAME, FIELDS, OBJECT, RECORD_ID, closed
from revolution_sdk import ActionContext, Found, JsonObject
from revolution_sdk.schema import array, boolean, object_, string

_RECORD = string(pattern=RECORD_ID, describe="The record's id")
_SET: JsonObject = {**FIELDS, "minProperties": 1}


def was_created(ctx: ActionContext, value: JsonObject) -> JsonObject | Found:
    """Look for the record by the hub's own key, if a field is set up for it."""
    return records.find_created(ctx, value["object"])


@salesforce.action(
    input=object_(object=OBJECT, fields=_SET),
    output=records.CREATED,
    effect="once",
    scopes=(API,),
    confirm=was_created,
    confirm_after_s=records.CONFIRM_AFTER_S,
)
def create_record(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Create a record of any object, standard or custom, with fields by their API names.

    Calling it twice creates two. Where the tenant has set up a reference field and the object has it, the hub
    finds out by itself whether the record was created when no answer came back.
    """
    return records.create(ctx, value["object"], value["fields"])


@salesforce.action(
    input=object_(object=OBJECT, id=_RECORD, fields=_SET),
    output=records.UPDATED,
    effect="repeatable",
    scopes=(API,),
)
def update_record(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Set fields of a record of any object; the others stay, and null empties one.

    A repeat sets the same values again, over what others may have entered in between.
    """
    return records.update(ctx, value["object"], value["id"], value["fields"])


@salesforce.action(
    input=closed({"object": OBJECT, **records.EXTERNAL_ID, "fields": _SET}),
    output=records.UPSERTED,
    effect="repeatable",
    scopes=(API,),
)
def upsert_record(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Update the record of any object with this external id, or create it if there is none.

    A repeat finds the same record again, so this is the safest way to write.
    """
    return records.upsert(ctx, value["object"], value, value["fields"])


@salesforce.action(
    input=object_(
        object=OBJECT,
        id=_RECORD,
        fields=array(
            string(pattern=API_NAME), max_items=200, describe="Which fields; all the user may see if left out"
        ),
        optional=["fields"],
    ),
    output=object_(
        id=string(describe="The record's id"),
        object=string(describe="The object's API name"),
        fields=object_(open_=True, describe="The fields by their API names; empty ones are null"),
    ),
    effect="read",
    scopes=(API,),
)
def get_record(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Read one record of any object by its id. Changes nothing."""
    found = client.read(ctx, value["object"], value["id"], list(dict.fromkeys(value.get("fields", []))))
    return {"id": value["id"], "object": value["object"], "fields": found}


@salesforce.action(
    input=object_(object=OBJECT, id=_RECORD),
    output=object_(
        id=string(describe="The record's id"),
        object=string(describe="The object's API name"),
        was_there=boolean(describe="False if it had been deleted before"),
    ),
    effect="repeatable",
    scopes=(API,),
    critical=True,
)
def delete_record(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Delete a record of any object: it goes to the recycle bin, and what hangs on it goes along.

    People can bring it back for 15 days. A repeat finds it deleted and changes nothing.
    """
    was_there = client.delete(ctx, value["object"], value["id"])
    return {"id": value["id"], "object": value["object"], "was_there": was_there}
