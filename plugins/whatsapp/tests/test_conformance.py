"""The rules every connector is held to."""

from typing import Any, ClassVar

from revolution_sdk.testing import Conformance
from revolution_whatsapp.connector import whatsapp

WHERE = {"phone_number_id": "1", "business_account_id": "2", "display_phone_number": "15550783881"}
RECEIVED = {
    "id": "wamid.A",
    **WHERE,
    "sender": "16505551234",
    "sender_number": "16505551234",
    "sender_user_id": None,
    "sender_name": "Sheena Nelson",
    "sender_username": None,
    "type": "text",
    "text": "Hello",
    "reply_to": None,
    "choice": None,
    "media": None,
    "reaction": None,
    "location": None,
    "group_id": None,
    "occurred_at": "2026-11-22T08:00:00Z",
    "message": {},
}
STATUS = {
    "id": "wamid.A",
    **WHERE,
    "status": "played",
    "recipient": "16505551234",
    "recipient_user_id": None,
    "reference": "exe_1.tell",
    "category": "utility",
    "billable": True,
    "error": None,
    "occurred_at": "2026-11-22T08:00:00Z",
}


class TestConformance(Conformance):
    connector = whatsapp
    samples: ClassVar[Any] = {"message.received": RECEIVED, "message.status": STATUS}
