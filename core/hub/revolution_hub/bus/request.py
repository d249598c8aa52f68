"""request: what templates see of a request beside its body, and by what a delivery that comes again is known.

Pure. A request that says nothing but a JSON body has nothing worth keeping: `engine/scope.py` knows how it
looks.
"""

import hashlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from revolution_hub.bus.body import media_type
from revolution_hub.bus.fields import fields_of
from revolution_hub.engine.scope import PLAIN_REQUEST
from revolution_hub.model.ids import new_key
from revolution_hub.model.strict_json import canonical_json
from revolution_hub.model.webhook import Dedup, DedupBy, Webhook
from revolution_sdk import Delivery
from revolution_sdk.types import Json, JsonObject

KEPT: Final = ("content-type", "user-agent", "x-request-id", "webhook-id", "webhook-timestamp")
"""Headers that are kept with a delivery: neither signatures nor credentials."""

MOST_PARAMETERS: Final = 200
LONGEST_VALUE: Final = 2000

TELLING: Final = frozenset(
    {
        *("x-github-event", "x-github-delivery", "x-gitlab-event", "x-event-key", "x-gitea-event"),
        *("x-shopify-topic", "x-shopify-shop-domain", "x-wc-webhook-topic", "x-goog-resource-state"),
    }
)
"""Headers in which providers say what has happened. Templates see them, and those the trigger names."""


def kept_headers(headers: Mapping[str, str]) -> JsonObject:
    """Return the headers worth keeping; signatures and credentials are not among them."""
    return {name: headers[name][:500] for name in KEPT if name in headers}


def request_of(webhook: Webhook, delivery: Delivery) -> JsonObject | None:
    """Return what templates read as `trigger.request`, None if there is nothing remarkable about it."""
    headers = delivery.headers
    query = delivery.url.partition("?")[2] if "?" in delivery.url else ""
    kind = media_type(delivery)
    seen: JsonObject = {}
    if webhook.headers or not TELLING.isdisjoint(headers):
        wanted = TELLING.union(webhook.headers)
        seen = {name: _kept(text) for name, text in headers.items() if name in wanted}
    if not query and not seen and delivery.method == "POST" and kind == PLAIN_REQUEST["content_type"]:
        return None
    parameters = fields_of((name, value) for name, value in parameters_of(query))
    return {
        "method": delivery.method,
        "query": parameters,
        "headers": seen,
        "content_type": _kept(kind),
    }


def parameters_of(query: str) -> list[tuple[str, str]]:
    """Return the first parameters of a query, in their order."""
    # One more split than is kept: the rest stays in one piece, which is dropped.
    parts = query.split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]
    pairs = parse_qsl("&".join(parts), keep_blank_values=True, errors="replace")
    return [(_kept(name), _kept(value)) for name, value in pairs]


def dedup_key(webhook: Webhook, delivery: Delivery, proven: str | None, data: Json) -> str:
    """Return the key by which this delivery is known when it comes again.

    The declared key comes first; then what the sender has signed as the delivery's name. Without either an
    Idempotency-Key may be offered, and without that every delivery is a new one.
    """
    declared = _declared(webhook.key, delivery, data) if webhook.key is not None else None
    if declared is not None:
        return _hashed(declared)
    if proven is not None:
        # The signed id may be of any length; its hash is of one, and as unique.
        return _hashed(proven)
    given = delivery.headers.get("idempotency-key")
    return _hashed(given) if given else new_key()


def _declared(key: Dedup, delivery: Delivery, data: Json) -> str | None:
    match key.by:
        case DedupBy.HEADER:
            found: Json = delivery.headers.get(key.name)
        case DedupBy.QUERY:
            pairs = parameters_of(delivery.url.partition("?")[2])
            found = next((value for name, value in pairs if name == key.name), None)
        case DedupBy.BODY:
            found = _at(data, key.name)
    if found is None or found == "":
        return None
    # Keys of different kinds never meet.
    return f"{key.by}:{key.name}={found if isinstance(found, str) else canonical_json(found)}"


def _at(data: Json, path: str) -> Json:
    for part in path.split("."):
        if isinstance(data, list) and part.isascii() and part.isdigit():
            data = data[int(part)] if int(part) < len(data) else None
        elif isinstance(data, dict):
            data = data.get(part)
        else:
            return None
    return data


def _kept(text: str) -> str:
    return text.replace("\0", "\ufffd")[:LONGEST_VALUE]


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
