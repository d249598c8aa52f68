"""The rules every connector is held to."""

from typing import Any, ClassVar

from revolution_salesforce.connector import WATCHED, salesforce
from revolution_sdk.testing import Conformance

_AT = "2026-11-23T09:00:00.000Z"
_TEXTS = {"website": "https://www.acme.example/shop", "amount": 10.0, "probability": 50.0}


class TestConformance(Conformance):
    connector = salesforce
    samples: ClassVar[Any] = {
        **{
            f"{one.word}.{happened}": {
                "id": "00QSB0000000001AAA",
                "created_at": _AT,
                "modified_at": _AT,
                **{name: _TEXTS.get(name, "x") for name in one.columns},
            }
            for one in WATCHED
            for happened in ("created", "updated")
        },
        **{f"{one.word}.deleted": {"id": "00QSB0000000001AAA", "deleted_at": _AT} for one in WATCHED},
    }
