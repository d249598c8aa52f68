"""The connector object itself; the actions declare themselves on it."""

from revolution_hubspot.auth import AUTH
from revolution_hubspot.client import API_URL
from revolution_hubspot.events import CONTACT_CREATED, CONTACT_CREATED_DATA, canonical_contact, parse
from revolution_hubspot.signature import verify
from revolution_sdk import AppWebhook, Connector

hubspot = Connector(
    "hubspot",
    title="HubSpot",
    description="Reports new contacts of a HubSpot account and reads them.",
    auth=AUTH,
    base_url=API_URL,
    webhook=AppWebhook(verify=verify, parse=parse),
)

hubspot.event(
    CONTACT_CREATED,
    title="Contact created",
    data=CONTACT_CREATED_DATA,
    canonical="crm.contact.created",
    map=canonical_contact,
)
