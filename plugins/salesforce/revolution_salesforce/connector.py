"""The table of contents: what the entry point loads."""

from revolution_salesforce.actions.accounts import create_account, update_account, upsert_account
from revolution_salesforce.actions.composite import run_composite
from revolution_salesforce.actions.contacts import create_contact, update_contact, upsert_contact
from revolution_salesforce.actions.convert import convert_lead
from revolution_salesforce.actions.leads import create_lead, update_lead, upsert_lead
from revolution_salesforce.actions.objects import (
    create_record,
    delete_record,
    get_record,
    update_record,
    upsert_record,
)
from revolution_salesforce.actions.opportunities import (
    create_opportunity,
    update_opportunity,
    upsert_opportunity,
)
from revolution_salesforce.actions.queries import continue_query, describe_object, get_limits, query_records
from revolution_salesforce.declaration import salesforce
from revolution_salesforce.events import WATCHED
from revolution_salesforce.polls import EVERY
from revolution_sdk import Connector, hookimpl

__all__ = [
    "EVERY",
    "WATCHED",
    "continue_query",
    "convert_lead",
    "create_account",
    "create_contact",
    "create_lead",
    "create_opportunity",
    "create_record",
    "delete_record",
    "describe_object",
    "get_limits",
    "get_record",
    "query_records",
    "revolution_plugins",
    "run_composite",
    "salesforce",
    "update_account",
    "update_contact",
    "update_lead",
    "update_opportunity",
    "update_record",
    "upsert_account",
    "upsert_contact",
    "upsert_lead",
    "upsert_opportunity",
    "upsert_record",
]


@hookimpl
def revolution_plugins() -> list[Connector]:
    """Offer the Salesforce connector."""
    return [salesforce]
