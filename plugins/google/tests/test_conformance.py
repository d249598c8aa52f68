"""The rules every connector is held to."""

from typing import Any, ClassVar

from revolution_google.connector import google
from revolution_sdk.testing import Conformance


class TestConformance(Conformance):
    connector = google
    samples: ClassVar[Any] = {
        "mail.received": {
            "id": "18c",
            "thread_id": "18c",
            "message_id": None,
            "sender": "Ada <ada@example.com>",
            "sender_address": "ada@example.com",
            "sender_name": "Ada",
            "to": ["me@example.com"],
            "cc": [],
            "subject": "Hello",
            "snippet": "How are you?",
            "received_at": "2026-11-22T08:00:00.000Z",
        }
    }
