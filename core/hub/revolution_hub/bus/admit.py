"""admit: whether a request may come in at a hook at all, before anything of its body is looked at."""

import logging
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from revolution_hub.bus.challenge import answer_to_token, is_question
from revolution_hub.bus.known import Known
from revolution_hub.bus.proof import prove
from revolution_hub.bus.secrets import HookSecrets, open_secrets
from revolution_hub.errors import AccessError, LimitError, MethodError
from revolution_hub.hub import Hub
from revolution_hub.model.webhook import AuthKind
from revolution_sdk import Delivery, DeliveryError

_log = logging.getLogger("revolution.bus")


class Admitted(NamedTuple):
    """A request that may come in.

    `proven` is what its sender has signed as its name, `max_bytes` how large its body may be. With an
    `answer` it was a question, and that is all there is to it.
    """

    max_bytes: int
    proven: str | None = None
    answer: str | None = None


def admit(hub: Hub, known: Known, delivery: Delivery, client: str) -> Admitted:
    """Let a request in.

    Raises AccessError if the trigger takes nothing from this address, MethodError if nothing is asked in
    this way, LimitError if it is too large, and DeliveryError unless its sender has proved itself.
    """
    try:
        return _admitted(hub, known, delivery, client)
    except (AccessError, MethodError, DeliveryError) as error:
        # Never what was sent: it may be a secret, just not the right one.
        _log.info("%s from %s refused: %s", known.hook.workflow_id, client or "nowhere", error)
        raise


def _admitted(hub: Hub, known: Known, delivery: Delivery, client: str) -> Admitted:
    webhook = known.webhook
    if webhook.allow and not _is_from(known, client):
        raise AccessError("this address takes nothing from where you are", code="address_not_allowed")
    max_bytes = min(webhook.max_bytes or hub.settings.body_bytes, hub.settings.body_bytes)
    if is_question(webhook, delivery):
        return Admitted(max_bytes=max_bytes, answer=answer_to_token(delivery, _secrets(hub, known).token))
    if delivery.method not in webhook.methods:
        raise MethodError(webhook.methods)
    if len(delivery.body) > max_bytes:
        raise LimitError(f"a body has at most {max_bytes:,} bytes here", code="body_too_large")
    if webhook.auth.kind is AuthKind.NONE:
        return Admitted(max_bytes=max_bytes)
    if known.keys is None:
        # What was made for another way of signing proves nothing in this one.
        fits = known.hook.family == webhook.auth.family
        known.keys = _secrets(hub, known).keys if fits else ()
    return Admitted(max_bytes=max_bytes, proven=prove(webhook.auth, known.keys, delivery))


def _secrets(hub: Hub, known: Known) -> HookSecrets:
    if known.secrets is None:
        known.secrets = open_secrets(hub, known.hook)
    return known.secrets


def _is_from(known: Known, client: str) -> bool:
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address.version == one.version and address in one for one in known.networks)
