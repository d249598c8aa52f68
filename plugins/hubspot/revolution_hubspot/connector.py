"""The table of contents: what the entry point loads."""

from revolution_hubspot.actions.contacts import get_contact
from revolution_hubspot.check import check_account
from revolution_hubspot.declaration import hubspot
from revolution_sdk import Connector, hookimpl

__all__ = ["check_account", "get_contact", "hubspot", "revolution_plugins"]


@hookimpl
def revolution_plugins() -> list[Connector]:
    """Offer the HubSpot connector."""
    return [hubspot]
