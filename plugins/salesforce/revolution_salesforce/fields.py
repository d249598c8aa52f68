"""The fields of the four usual objects, by the names actions give them, and the schemas made of them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from revolution_sdk import JsonObject, RejectedError
from revolution_sdk.schema import nullable, number, object_, string

API_NAME = r"^[A-Za-z][A-Za-z0-9_]{0,79}$"
RECORD_ID = r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$"
_OURS: Final = frozenset({"id", "attributes"})

Table = Mapping[str, tuple[str, JsonObject]]


def _text(longest: int, describe: str) -> JsonObject:
    return string(max_length=longest, describe=describe)


def _id(describe: str) -> JsonObject:
    return string(pattern=RECORD_ID, describe=describe)


def _table(**rows: tuple[str, JsonObject]) -> Table:
    return MappingProxyType(rows)


_EMAIL = ("Email", _text(80, "E-mail address"))
_PHONE = ("Phone", _text(40, "Phone number"))
_WEBSITE = ("Website", _text(255, "Website"))
_DESCRIPTION = ("Description", _text(32_000, "Description, plain text"))
_OWNER = ("OwnerId", _id("The id of the user or queue it belongs to"))
_FIRST_NAME = ("FirstName", _text(40, "First name"))
_LAST_NAME = ("LastName", string(min_length=1, max_length=80, describe="Last name"))
_TITLE = ("Title", _text(128, "Job title"))
_INDUSTRY = ("Industry", _text(255, "Industry, one of the values describe_object lists"))
_ACCOUNT = ("AccountId", _id("The id of the account it belongs to"))

LEAD = _table(
    last_name=_LAST_NAME,
    company=("Company", string(min_length=1, max_length=255, describe="The company's name")),
    first_name=_FIRST_NAME,
    email=_EMAIL,
    phone=_PHONE,
    title=_TITLE,
    website=_WEBSITE,
    status=("Status", _text(255, "Status, one of the values describe_object lists")),
    source=("LeadSource", _text(255, "Where it comes from, one of the values describe_object lists")),
    industry=_INDUSTRY,
    description=_DESCRIPTION,
    owner_id=_OWNER,
)
CONTACT = _table(
    last_name=_LAST_NAME,
    first_name=_FIRST_NAME,
    email=_EMAIL,
    phone=_PHONE,
    title=_TITLE,
    account_id=_ACCOUNT,
    description=_DESCRIPTION,
    owner_id=_OWNER,
)
ACCOUNT = _table(
    name=("Name", string(min_length=1, max_length=255, describe="The company's name")),
    website=_WEBSITE,
    phone=_PHONE,
    industry=_INDUSTRY,
    type=("Type", _text(255, "Kind of account, one of the values describe_object lists")),
    description=_DESCRIPTION,
    owner_id=_OWNER,
)
OPPORTUNITY = _table(
    name=("Name", string(min_length=1, max_length=120, describe="Its name")),
    stage=(
        "StageName",
        string(min_length=1, max_length=255, describe="The stage, as describe_object lists it"),
    ),
    close_date=("CloseDate", string(format="date", describe="When it is expected to close")),
    amount=("Amount", number(describe="The amount, in the currency of the org or the record")),
    probability=("Probability", number(minimum=0, maximum=100, describe="Percent")),
    account_id=_ACCOUNT,
    description=_DESCRIPTION,
    owner_id=_OWNER,
)

FIELDS: JsonObject = {
    **object_(open_=True, describe="Fields by Salesforce's own API names, such as Rating or Region__c"),
    "maxProperties": 500,
}
OBJECT = string(pattern=API_NAME, describe="The object's API name, such as Case or Invoice__c")


def closed(properties: Mapping[str, JsonObject], optional: Iterable[str] = ()) -> JsonObject:
    """Return the schema of an object with exactly these properties, all but the optional ones needed."""
    required = [name for name in properties if name not in set(optional)]
    return {**object_(), "properties": dict(properties), "required": required}


def creating(table: Table, required: Iterable[str]) -> JsonObject:
    """Return the input of an action that creates: named fields, and others by their API names."""
    properties = {name: schema for name, (_, schema) in table.items()}
    optional = [*(name for name in table if name not in set(required)), "fields"]
    return closed({**properties, "fields": FIELDS}, optional)


def changing(table: Table, **first: JsonObject) -> JsonObject:
    """Return the input of an action that updates: any of the fields, where null empties one."""
    properties = {name: nullable(schema) for name, (_, schema) in table.items()}
    return closed({**first, **properties, "fields": FIELDS}, [*table, "fields"])


def api_fields(table: Table, value: JsonObject) -> JsonObject:
    """Return what was given, by API names; raises RejectedError if a field is given twice, or none is."""
    named = {api: value[name] for name, (api, _) in table.items() if name in value}
    more = checked(value.get("fields", {}))
    lower = {name.lower(): name for name in named}
    twice = next((name for name in more if name.lower() in lower), None)
    if twice is not None:
        raise RejectedError(
            f"the field {twice} is given twice", code="field_twice", details={"path": f"fields.{twice}"}
        )
    if not named and not more:
        raise RejectedError("there is no field to set", code="fields_missing", details={"path": "fields"})
    return {**named, **more}


def checked(fields: JsonObject) -> JsonObject:
    """Return fields by API names as they are; raises RejectedError for a name no field to set can have."""
    for name in fields:
        # Salesforce takes no id in the body, however it is written.
        if name.lower() in _OURS or not name.replace("_", "").isalnum() or not name.isascii():
            told = f"{name[:80]!r} is no field that can be set"
            raise RejectedError(told, code="field_unusable", details={"path": f"fields.{name[:80]}"})
    return fields
