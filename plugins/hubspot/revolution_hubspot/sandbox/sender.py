"""Sends deliveries as HubSpot does: a JSON batch of ids, signed with the app's client secret."""

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx2

from revolution_hubspot.sandbox.contacts import Contact
from revolution_hubspot.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from revolution_sdk import Json, JsonObject, Secret

ANSWER_LIMIT_S = 5.0
"""How long HubSpot waits for an answer. Source: HubSpot "Webhooks", read 2026-11-22."""

MOST_TIMES = 100
APP_ID = 1160452
SUBSCRIPTION_ID = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Makes events and posts them. A delivery that fails is reported, not repeated."""

    _event_ids: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def creation_of(self, contact: Contact) -> JsonObject:
        """Return the event HubSpot reports for a new contact: ids only."""
        return {
            "eventId": next(self._event_ids),
            "subscriptionId": SUBSCRIPTION_ID,
            "portalId": int(contact.portal_id),
            "appId": APP_ID,
            "occurredAt": int(contact.created_at.timestamp() * 1000),
            "subscriptionType": "contact.creation",
            "attemptNumber": 0,
            "objectId": int(contact.id),
            "changeFlag": "CREATED",
            "changeSource": "CRM_UI",
            "sourceId": "userId:12345",
        }

    def deliver(
        self, url: str, secret: str, events: Json, *, times: int = 1, age_s: float = 0.0
    ) -> list[JsonObject]:
        """Post the same batch `times` times at once, signed `age_s` seconds ago; return what came back.

        `url` is what is signed and what is posted to. Each result is `{status, body}`; status is null when
        no answer came within five seconds.
        """
        body = json.dumps(events, ensure_ascii=False).encode("utf-8", "surrogatepass")
        timestamp = str(int((time.time() - age_s) * 1000))
        headers = {
            "content-type": "application/json",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(Secret(secret), "POST", url, body, timestamp),
        }
        with (
            httpx2.Client(timeout=ANSWER_LIMIT_S, trust_env=False) as http,
            ThreadPoolExecutor(max_workers=times) as threads,
        ):
            waiting = [threads.submit(_post, http, url, body, headers) for _ in range(times)]
            return [one.result() for one in waiting]


def _post(http: httpx2.Client, url: str, body: bytes, headers: dict[str, str]) -> JsonObject:
    try:
        response = http.post(url, content=body, headers=headers)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return {"status": None, "body": f"not delivered: {type(error).__name__}"}
    try:
        found: Json = response.json()
    except ValueError:
        found = response.text
    return {"status": response.status_code, "body": found}
