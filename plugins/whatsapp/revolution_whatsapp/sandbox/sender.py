"""Sends deliveries as Meta does: entries with changes, escaped to ASCII, signed with the app's secret."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx2

from revolution_sdk import Json, JsonObject, Secret
from revolution_whatsapp.sandbox.shapes import status_error
from revolution_whatsapp.sandbox.state import APP_SECRET, Number, Sent
from revolution_whatsapp.signature import SIGNATURE_HEADER, sign

ANSWER_LIMIT_S = 10.0
MOST_TIMES = 100


def envelope(number: Number, **value: Json) -> JsonObject:
    """Return a delivery with one change of the number's messages."""
    metadata = {"display_phone_number": number.display, "phone_number_id": number.id}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    return {"object": "whatsapp_business_account", "entry": [{"id": number.business_id, "changes": [change]}]}


def incoming(number: Number, person: str, name: str, message: JsonObject) -> JsonObject:
    """Return the delivery of a message a person has written."""
    contact = {"profile": {"name": name}, "wa_id": person, "user_id": f"US.{person}"}
    return envelope(
        number, contacts=[contact], messages=[{"from": person, "from_user_id": f"US.{person}", **message}]
    )


def status_of(number: Number, sent: Sent, status: str, moment_s: float) -> JsonObject:
    """Return the delivery of a message's status."""
    found: JsonObject = {
        "id": sent.id,
        "status": status,
        "timestamp": str(int(moment_s)),
        "recipient_id": sent.to,
        "recipient_user_id": f"US.{sent.to}",
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"},
    }
    if "biz_opaque_callback_data" in sent.body:
        found["biz_opaque_callback_data"] = sent.body["biz_opaque_callback_data"]
    if status == "failed":
        found["errors"] = [status_error(sent.error or 131026)]
    return envelope(number, statuses=[found])


def deliver(url: str, body: Json, *, secret: str = APP_SECRET, times: int = 1) -> list[JsonObject]:
    """Post the same delivery `times` times at once; each result is `{status, body}`, null without answer."""
    raw = json.dumps(body).encode()
    headers = {"content-type": "application/json", SIGNATURE_HEADER: sign(Secret(secret), raw)}
    with (
        httpx2.Client(timeout=ANSWER_LIMIT_S, trust_env=False) as http,
        ThreadPoolExecutor(max_workers=times) as threads,
    ):
        waiting = [threads.submit(_post, http, url, raw, headers) for _ in range(times)]
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
