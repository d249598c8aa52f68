"""What the connector reports: records of the four usual objects were created, changed or deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from revolution_salesforce.client import moment
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.fields import ACCOUNT, CONTACT, LEAD, OPPORTUNITY, Table, closed
from revolution_sdk import EventType, Json, JsonObject
from revolution_sdk.schema import nullable, number, object_, string

_NOT_READ: Final = frozenset({"description"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An object whose records are watched. `columns` are the members of an event beside id and moments."""

    sobject: str
    word: str
    columns: dict[str, str]
    created: EventType
    updated: EventType
    deleted: EventType

    def data(self, row: JsonObject) -> JsonObject:
        """Return the data of an event for a row of a query."""
        return {
            "id": str(row["Id"]),
            "created_at": written(row.get("CreatedDate")),
            "modified_at": written(row.get("SystemModstamp")),
            **{name: row.get(api) for name, api in self.columns.items()},
        }


def written(text: Json) -> str:
    """Return a moment of Salesforce's as RFC 3339 has it, in UTC."""
    return moment(text).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical_person(data: JsonObject) -> JsonObject:
    """Return a contact or a lead as `crm.contact.*` have it."""
    return {
        "id": data["id"],
        "email": data["email"],
        "first_name": data["first_name"],
        "last_name": data["last_name"],
        "phone": data["phone"],
        "company": data.get("company"),
        "occurred_at": data["modified_at"],
    }


def canonical_company(data: JsonObject) -> JsonObject:
    """Return an account as `crm.company.*` have it."""
    return {
        "id": data["id"],
        "name": data["name"],
        "domain": _domain(data["website"]),
        "phone": data["phone"],
        "occurred_at": data["modified_at"],
    }


def canonical_deal(data: JsonObject) -> JsonObject:
    """Return an opportunity as `crm.deal.*` have it."""
    return {
        "id": data["id"],
        "name": data["name"],
        "amount": data["amount"],
        "stage": data["stage"],
        "company_id": data["account_id"],
        "occurred_at": data["modified_at"],
    }


def canonical_deleted(data: JsonObject) -> JsonObject:
    """Return a deletion as `crm.*.deleted` have it."""
    return {"id": data["id"], "occurred_at": data["deleted_at"]}


def _domain(website: Json) -> str | None:
    """Return the host of a website as people write it, with or without a scheme; None if it is none."""
    text = website.strip() if isinstance(website, str) else ""
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host and "." in host else None


def _watch(
    sobject: str, canonical: str, table: Table, to_canonical: Callable[[JsonObject], JsonObject]
) -> Watched:
    word, columns = sobject.lower(), {name: api for name, (api, _) in table.items() if name not in _NOT_READ}
    kinds = {
        name: number() if schema.get("type") == "number" else string() for name, (_, schema) in table.items()
    }
    data = closed(
        {
            "id": string(describe="Salesforce's id of the record"),
            "created_at": string(format="date-time", describe="When it was created"),
            "modified_at": string(format="date-time", describe="When it was changed last, by whatever"),
            **{name: nullable(kinds[name]) for name in columns},
        }
    )

    def declare(happened: str) -> EventType:
        title = f"{sobject} {'changed' if happened == 'updated' else happened}"
        name = f"{canonical}.{happened}"
        return salesforce.event(
            f"{word}.{happened}", title=title, data=data, canonical=name, map=to_canonical
        )

    return Watched(
        sobject=sobject,
        word=word,
        columns=columns,
        created=declare("created"),
        updated=declare("updated"),
        deleted=salesforce.event(
            f"{word}.deleted",
            title=f"{sobject} deleted",
            data=object_(
                id=string(describe="Salesforce's id of the record"),
                deleted_at=string(format="date-time", describe="When it was deleted"),
            ),
            canonical=f"{canonical}.deleted",
            map=canonical_deleted,
        ),
    )


WATCHED = (
    _watch("Lead", "crm.contact", LEAD, canonical_person),
    _watch("Contact", "crm.contact", CONTACT, canonical_person),
    _watch("Account", "crm.company", ACCOUNT, canonical_company),
    _watch("Opportunity", "crm.deal", OPPORTUNITY, canonical_deal),
)
"""A lead is a person somebody may want to write to, so it goes by the same canonical names as a contact."""
