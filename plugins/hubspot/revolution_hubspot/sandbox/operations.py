"""HubSpot's own paths: consent, the token endpoint, its end, reading a contact, creating one."""

import hmac
import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias
from urllib.parse import urlsplit

from revolution_hubspot.client import AUTHORIZE_URL, CONTACTS_PATH, REVOKE_PATH, TOKEN_PATH
from revolution_hubspot.sandbox import shapes
from revolution_hubspot.sandbox.contacts import ANSWERED_UNASKED, ContactExistsError
from revolution_hubspot.sandbox.provider import CLIENT_ID, CLIENT_SECRET, Provider
from revolution_sdk import Json
from revolution_sdk.sandbox import Answer, Call, Sandbox

AUTHORIZE_PATH = urlsplit(AUTHORIZE_URL).path
_READ = "crm.objects.contacts.read"
_WRITE = "crm.objects.contacts.write"
_FORM = "application/x-www-form-urlencoded"

AccountHandler: TypeAlias = Callable[[Provider, Call, str], Answer]


def add_operations(box: Sandbox, provider: Provider) -> None:
    """Serve the provider's paths. Their names are those of faults: `token`, `get_contact`, …"""
    box.operation("GET", AUTHORIZE_PATH, "authorize")(provider.consent.ask)
    box.operation("POST", AUTHORIZE_PATH, "consent")(provider.consent.decide)
    box.operation("POST", TOKEN_PATH, "token")(partial(give_token, provider))
    box.operation("POST", REVOKE_PATH, "revoke")(partial(revoke_token, provider))
    box.operation("GET", f"{CONTACTS_PATH}/{{contact_id}}", "get_contact")(
        partial(for_account, provider, _READ, get_contact)
    )
    box.operation("POST", CONTACTS_PATH, "create_contact")(
        partial(for_account, provider, _WRITE, create_contact)
    )


def give_token(provider: Provider, call: Call) -> Answer:
    """Exchange a code or a refresh token. The client's id and secret are part of the form."""
    refusal = _client_refused(call)
    if refusal is not None:
        return refusal
    form = call.form()
    if form.get("grant_type") == "authorization_code":
        found = provider.consent.redeem(form)
        if found is None or not _is_portal(found[0].account):
            return shapes.token_refused("BAD_AUTH_CODE", "missing or invalid auth code")
        return Answer(body=provider.grants.give(found[0].account, found[1], found[0].scopes))
    if form.get("grant_type") != "refresh_token":
        return shapes.token_refused("BAD_GRANT_TYPE", "missing or unknown grant type")
    refresh_token = form.get("refresh_token", "")
    renewed = provider.consent.refresh(refresh_token, rotate=provider.grants.rotating)
    if renewed is not None:
        return Answer(body=provider.grants.give(renewed[0].account, renewed[1], renewed[0].scopes))
    answer = provider.grants.refresh(refresh_token)
    if answer is None:
        return shapes.token_refused("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
    return Answer(body=answer)


def revoke_token(provider: Provider, call: Call) -> Answer:
    """End a refresh token. Access tokens made of it live on, as they do at HubSpot."""
    refusal = _client_refused(call)
    if refusal is not None:
        return refusal
    provider.consent.revoke(call.form().get("token", ""))
    return Answer(status=204)


def _client_refused(call: Call) -> Answer | None:
    if _kind(call) != _FORM:
        return shapes.token_refused("BAD_REQUEST", f"the body must be {_FORM}")
    form = call.form()
    if form.get("client_id") != CLIENT_ID:
        return shapes.token_refused("BAD_CLIENT_ID", "missing or invalid client id")
    if not hmac.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode()):
        return shapes.token_refused("BAD_CLIENT_SECRET", "missing or invalid client secret")
    return None


def _is_portal(account: str) -> bool:
    return account.isascii() and account.isdigit() and len(account) <= 15


def for_account(provider: Provider, scope: str, handler: AccountHandler, call: Call) -> Answer:
    """Find out whose token it is, then limit and serve the call, and say how many calls are left."""
    session = provider.grants.find_session(call.bearer())
    if session is None:
        return shapes.refused(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")
    if session.left_s <= 0:
        ago_s = math.ceil(-session.left_s)
        message = f"The OAuth token used to make this call expired {ago_s} second(s) ago."
        return shapes.refused(401, message, "EXPIRED_AUTHENTICATION")
    left = provider.limit.take(session.portal_id)
    if left is None:
        body = shapes.rate_limited(provider.limit.policy)
        return Answer(status=429, body=body, headers=provider.limit.headers(0))
    if scope not in provider.grants.scopes:
        return shapes.missing_scopes(scope)
    answer = handler(provider, call, session.portal_id)
    return Answer(status=answer.status, body=answer.body, headers=provider.limit.headers(left))


def get_contact(provider: Provider, call: Call, portal_id: str) -> Answer:
    """Answer with the properties asked for, separated by commas, or with HubSpot's few default ones."""
    contact_id = call.params["contact_id"]
    contact = provider.contacts.find(portal_id, contact_id)
    if contact is None:
        return shapes.not_found(contact_id)
    asked = [name for name in call.query.get("properties", "").split(",") if name]
    return Answer(body=contact.record(asked or ANSWERED_UNASKED))


def create_contact(provider: Provider, call: Call, portal_id: str) -> Answer:
    """Create a contact, or answer 409 where the account has one with the same e-mail address."""
    body = call.json()
    fault = contact_fault(body)
    if fault:
        return shapes.refused(400, fault, "VALIDATION_ERROR")
    try:
        contact = provider.contacts.create(portal_id, body["properties"])
    except ContactExistsError as error:
        message = f"Contact already exists. Existing ID: {error.contact_id}"
        return shapes.refused(409, message, "CONFLICT")
    return Answer(status=201, body=contact.record())


def contact_fault(body: Json) -> str:
    """Say what is wrong with a request to create a contact; empty if nothing is."""
    if not isinstance(body, dict):
        return "Invalid input JSON"
    if not isinstance(body.get("associations"), list):
        return "Invalid input JSON: associations must be a list"
    unknown = sorted(set(body) - {"associations", "properties"})
    if unknown:
        return f"Invalid input JSON: unknown field {unknown[0]}"
    return properties_fault(body.get("properties"))


def properties_fault(properties: Json) -> str:
    """Say what is wrong with a contact's properties; empty if nothing is."""
    if not isinstance(properties, dict):
        return "Invalid input JSON: properties must be an object"
    for name, value in properties.items():
        if not isinstance(value, str):
            return f"Property values were not valid: {name} must be a text"
    email = properties.get("email", "")
    if email and ("@" not in email.strip("@") or " " in email):
        return f"Property values were not valid: Email address {email} is invalid"
    return ""


def _kind(call: Call) -> str:
    return call.headers.get("content-type", "").partition(";")[0].strip().lower()
