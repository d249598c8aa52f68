"""The actions on contacts."""

import re

from revolution_hubspot.auth import READ_CONTACTS
from revolution_hubspot.client import read_contact
from revolution_hubspot.declaration import hubspot
from revolution_sdk import ActionContext, Json, JsonObject
from revolution_sdk.schema import array, nullable, object_, string

DEFAULT_PROPERTIES = (
    "email",
    "firstname",
    "lastname",
    "company",
    "jobtitle",
    "phone",
    "website",
    "lifecyclestage",
    "hs_language",
    "hs_lead_status",
    "message",
    "city",
    "country",
)

CONTACT = object_(
    id=string(describe="HubSpot's id of the contact"),
    email=nullable(string(describe="E-mail address")),
    first_name=nullable(string(describe="First name")),
    last_name=nullable(string(describe="Last name")),
    company=nullable(string(describe="Company name, as written on the contact")),
    job_title=nullable(string(describe="Job title")),
    phone=nullable(string(describe="Phone number, as written")),
    website=nullable(string(describe="Website, as written")),
    language=nullable(string(describe="Preferred language, two letters: de")),
    message=nullable(string(describe="What the contact wrote in a form")),
    properties=object_(open_=True, describe="All properties read, under HubSpot's own names"),
    created_at=string(format="date-time", describe="When HubSpot created the contact"),
    updated_at=string(format="date-time", describe="When the contact last changed"),
)

_LANGUAGE = re.compile(r"([a-z]{2})([-_].*)?", re.IGNORECASE | re.ASCII | re.DOTALL)


@hubspot.action(
    input=object_(
        id=string(pattern="^[0-9]{1,20}$", describe="The contact's id, as HubSpot's events name it"),
        properties=array(
            string(pattern="^[a-z0-9_]{1,100}$"),
            max_items=50,
            describe="Further properties to read, by HubSpot's internal names",
        ),
        optional=["properties"],
    ),
    output=CONTACT,
    effect="read",
    scopes=(READ_CONTACTS,),
)
def get_contact(ctx: ActionContext, value: JsonObject) -> JsonObject:
    """Read one contact by its id, for instance after a `contact.created` event, which carries only the id.

    Changes nothing and may be called as often as needed. Properties that are empty in HubSpot are null.
    """
    wanted = dict.fromkeys([*DEFAULT_PROPERTIES, *value.get("properties", [])])
    record = read_contact(ctx.http, value["id"], list(wanted))
    properties = record["properties"]
    return {
        "id": record["id"],
        "email": _text(properties.get("email")),
        "first_name": _text(properties.get("firstname")),
        "last_name": _text(properties.get("lastname")),
        "company": _text(properties.get("company")),
        "job_title": _text(properties.get("jobtitle")),
        "phone": _text(properties.get("phone")),
        "website": _text(properties.get("website")),
        "language": _language(_text(properties.get("hs_language"))),
        "message": _text(properties.get("message")),
        "properties": properties,
        "created_at": record["createdAt"],
        "updated_at": record["updatedAt"],
    }


def _text(value: Json) -> str | None:
    """Read a property as text without blanks around it; what is empty or missing is None."""
    text = str(value) if isinstance(value, str | int | float) else ""
    return text.strip() or None


def _language(tag: str | None) -> str | None:
    """Return the two-letter language of a tag like `de-at`; None for anything that does not begin so."""
    found = _LANGUAGE.fullmatch(tag or "")
    return found.group(1).lower() if found else None
