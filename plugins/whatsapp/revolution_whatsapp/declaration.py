"""The connector object itself; the actions declare themselves on it."""

from revolution_sdk import AppWebhook, Connector
from revolution_sdk.webhooks import meta_challenge
from revolution_whatsapp.auth import AUTH
from revolution_whatsapp.client import API_URL, MEDIA_HOST
from revolution_whatsapp.events import (
    MESSAGE_RECEIVED,
    MESSAGE_RECEIVED_DATA,
    MESSAGE_STATUS,
    MESSAGE_STATUS_DATA,
    canonical_message,
    canonical_status,
    parse,
)
from revolution_whatsapp.signature import verify

whatsapp = Connector(
    "whatsapp",
    title="WhatsApp Business",
    description="Sends and receives WhatsApp messages of a business's numbers, by the Cloud API.",
    auth=AUTH,
    base_url=API_URL,
    hosts=(MEDIA_HOST,),
    webhook=AppWebhook(verify=verify, parse=parse, challenge=meta_challenge),
)

whatsapp.event(
    MESSAGE_RECEIVED,
    title="Message received",
    data=MESSAGE_RECEIVED_DATA,
    canonical="message.received",
    map=canonical_message,
)
whatsapp.event(
    MESSAGE_STATUS,
    title="Message sent, delivered, read or failed",
    data=MESSAGE_STATUS_DATA,
    canonical="message.status",
    map=canonical_status,
)
