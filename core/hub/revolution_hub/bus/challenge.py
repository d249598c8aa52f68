"""challenge: a provider asks whether an address is ours before it delivers to it.

Whoever asks is told back a text of his own, so it is told only to who has shown the token or the signature,
and never as anything a browser would run. Pure.
"""

import hmac
from typing import Final

from revolution_hub.bus.request import parameters_of
from revolution_hub.model.webhook import Webhook
from revolution_sdk import Delivery, DeliveryError, Secret
from revolution_sdk.types import Json

LONGEST: Final = 1000


def is_question(webhook: Webhook, delivery: Delivery) -> bool:
    """Tell whether a request asks as Meta does: by GET, before anything is signed."""
    return webhook.challenge == "meta" and delivery.method == "GET" and "hub.mode=" in delivery.url


def answer_to_token(delivery: Delivery, token: Secret | None) -> str:
    """Return the answer to who has shown the token; raises DeliveryError for everybody else."""
    asked = dict(parameters_of(delivery.url.partition("?")[2]))
    given = asked.get("hub.verify_token", "")
    shown = token is not None and hmac.compare_digest(given.encode(), token.reveal().encode())
    if asked.get("hub.mode") != "subscribe" or not given or not shown:
        raise DeliveryError("the verify token does not match")
    return _told(asked.get("hub.challenge"))


def answer_to_signed(webhook: Webhook, data: Json) -> str | None:
    """Return the answer to a signed question as Slack asks it, None if the delivery is none."""
    if webhook.challenge != "slack" or not isinstance(data, dict) or data.get("type") != "url_verification":
        return None
    return _told(data.get("challenge"))


def _told(challenge: Json) -> str:
    if not isinstance(challenge, str) or not 0 < len(challenge) <= LONGEST or not challenge.isprintable():
        raise DeliveryError("there is no challenge to answer", code="unreadable")
    return challenge
