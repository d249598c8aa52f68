"""The rules every connector is held to."""

from typing import Any, ClassVar

from revolution_hubspot.connector import hubspot
from revolution_sdk.testing import Conformance


class TestConformance(Conformance):
    connector = hubspot
    samples: ClassVar[Any] = {
        "contact.created": {
            "object_id": "4711",
            "portal_id": "1",
            "occurred_at": "2026-11-22T08:00:00.000Z",
            "change_source": "CRM_UI",
            "source_id": None,
            "attempt": 0,
        }
    }
