"""What a demo or a test may do to the sandbox from outside: `/_sandbox/…`, no part of HubSpot's protocol."""

import re
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from revolution_hubspot.sandbox.contacts import ContactExistsError
from revolution_hubspot.sandbox.operations import properties_fault
from revolution_hubspot.sandbox.provider import CLIENT_SECRET, Provider
from revolution_hubspot.sandbox.sender import MOST_TIMES
from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import Answer, Call, Sandbox

_PORTAL_ID = re.compile(r"[1-9][0-9]{0,14}\Z")
_POLICIES = ("TEN_SECONDLY_ROLLING", "DAILY")

Control: TypeAlias = Callable[[Provider, JsonObject], Answer]


class ControlError(Exception):
    """Raised when a control's body does not fit; the text says what it must be."""


def add_controls(box: Sandbox, provider: Provider) -> None:
    """Serve the controls under `/_sandbox/`."""
    box.control("GET", "contacts")(partial(list_contacts, provider))
    for path, control in {
        "leads": create_lead,
        "deliver": deliver_events,
        "tokens/expire": expire_tokens,
        "tokens/rotation": set_rotation,
        "scopes": set_scopes,
        "limits": set_limits,
    }.items():
        box.control("POST", path)(partial(_with_body, provider, control))


def list_contacts(provider: Provider, call: Call) -> Answer:
    """Answer `[{portal_id, id, properties, …}]`, of one account with `?portal_id=`, oldest first."""
    asked = call.query.get("portal_id", "")
    found = [one for one in provider.contacts.list() if asked in ("", one.portal_id)]
    return Answer(body=[{"portal_id": one.portal_id, **one.record()} for one in found])


def create_lead(provider: Provider, value: JsonObject) -> Answer:
    """Create a contact and, with `deliver_to`, report it there.

    Takes `{portal_id, properties, deliver_to?, secret?, times?}` and answers `{id, delivery, deliveries}`:
    `delivery` is the first of the `times` results, null if nothing was sent. 409 where the e-mail address
    is taken.
    """
    portal_id, properties = _portal_id(value), value.get("properties")
    fault = properties_fault(properties)
    if fault or not isinstance(properties, dict):
        raise ControlError(fault)
    url, times = _url(value, "deliver_to") if "deliver_to" in value else "", _times(value)
    secret = _secret(value)
    try:
        contact = provider.contacts.create(portal_id, properties)
    except ContactExistsError as error:
        return Answer(status=409, body={"error": "the contact exists", "id": error.contact_id})
    events = [provider.sender.creation_of(contact)]
    results = provider.sender.deliver(url, secret, events, times=times) if url else []
    return Answer(body={"id": contact.id, **_delivered(results)})


def deliver_events(provider: Provider, value: JsonObject) -> Answer:
    """Sign and post a batch as given. Takes `{url, secret?, events, times?, age_s?}`."""
    age_s = value.get("age_s", 0)
    if not isinstance(age_s, int | float) or isinstance(age_s, bool) or not -1e9 < age_s < 1e9:
        raise ControlError("age_s must be a number of seconds")
    if "events" not in value:
        raise ControlError("events must be given")
    results = provider.sender.deliver(
        _url(value, "url"), _secret(value), value["events"], times=_times(value), age_s=age_s
    )
    return Answer(body=_delivered(results))


def expire_tokens(provider: Provider, value: JsonObject) -> Answer:
    """Let all access tokens expire now."""
    provider.grants.expire_all()
    return Answer(status=204)


def set_rotation(provider: Provider, value: JsonObject) -> Answer:
    """Give out a new refresh token with each refresh, or no longer. Takes `{on}`."""
    if not isinstance(value.get("on"), bool):
        raise ControlError("on must be true or false")
    provider.grants.rotating = value["on"]
    return Answer(status=204)


def set_scopes(provider: Provider, value: JsonObject) -> Answer:
    """Replace the scopes all tokens carry. Takes `{scopes: [...]}`."""
    scopes = value.get("scopes")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise ControlError("scopes must be a list of texts")
    provider.grants.scopes = tuple(scopes)
    return Answer(status=204)


def set_limits(provider: Provider, value: JsonObject) -> Answer:
    """Set how many calls an account has in ten seconds, and what the limit is called: `{most, policy?}`."""
    most, policy = value.get("most"), value.get("policy", _POLICIES[0])
    if not isinstance(most, int) or isinstance(most, bool) or most < 0:
        raise ControlError("most must be a whole number")
    if policy not in _POLICIES:
        raise ControlError(f"policy must be one of {', '.join(_POLICIES)}")
    provider.limit.most, provider.limit.policy = most, policy
    return Answer(status=204)


def _with_body(provider: Provider, control: Control, call: Call) -> Answer:
    value = call.json() if call.body else {}
    if not isinstance(value, dict):
        return Answer(status=422, body={"error": "the body must be a JSON object"})
    try:
        return control(provider, value)
    except ControlError as error:
        return Answer(status=422, body={"error": str(error)})


def _portal_id(value: JsonObject) -> str:
    text = str(value.get("portal_id"))
    if not _PORTAL_ID.match(text):
        raise ControlError("portal_id must be a HubSpot account id, digits only")
    return text


def _url(value: JsonObject, field: str) -> str:
    url: Json = value.get(field)
    if not isinstance(url, str) or not url.startswith(("http://", "https://")) or not url.isascii():
        raise ControlError(f"{field} must be an http or https URL")
    return url


def _secret(value: JsonObject) -> str:
    secret: Json = value.get("secret", CLIENT_SECRET)
    if not isinstance(secret, str) or not secret:
        raise ControlError("secret must be the app's client secret")
    return secret


def _times(value: JsonObject) -> int:
    times: Json = value.get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= MOST_TIMES:
        raise ControlError(f"times must be a whole number from 1 to {MOST_TIMES}")
    return times


def _delivered(results: list[JsonObject]) -> JsonObject:
    return {"delivery": results[0] if results else None, "deliveries": results}
