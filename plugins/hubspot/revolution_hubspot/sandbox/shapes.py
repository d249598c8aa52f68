"""The bodies HubSpot's errors come in."""

import uuid

from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import Answer

_SCOPES_PAGE = "https://developers.hubspot.com/scopes"


def refused(status: int, message: str, category: str, **more: Json) -> Answer:
    """Answer with HubSpot's error envelope.

    Source: HubSpot "Error handling", read 2026-11-22.
    """
    return Answer(status=status, body=_envelope(message, category, **more))


def missing_scopes(scope: str) -> Answer:
    """Answer as for a token without the scope. Source: HubSpot/hubspot-api-nodejs#268, read 2026-11-22."""
    context = {"requiredScopes": [scope]}
    return refused(
        403,
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {_SCOPES_PAGE}.",
        "MISSING_SCOPES",
        errors=[{"message": "One or more of the following scopes are required.", "context": context}],
        links={"scopes": _SCOPES_PAGE},
    )


def not_found(contact_id: str) -> Answer:
    """Answer as for an unknown id. Source: HubSpot/hubspot-api-nodejs#669, read 2026-11-22."""
    return refused(
        404,
        "Object not found.  objectId are usually numeric.",
        "OBJECT_NOT_FOUND",
        context={"id": [contact_id]},
    )


def rate_limited(policy: str) -> JsonObject:
    """Return the body of a 429, which is not the usual envelope.

    Source: HubSpot "Usage guidelines", read 2026-11-22.
    """
    return {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": policy,
    }


def token_refused(status: str, message: str) -> Answer:
    """Answer 400 like the token endpoint, which names the fault in `status`.

    Source: nango.dev "HubSpot OAuth bad refresh token", read 2026-11-22; the other names are unconfirmed.
    """
    return Answer(status=400, body={"status": status, "message": message})


def injected(status: int) -> Json:
    """Return the body of an error asked for by a test: the shape HubSpot uses for this status."""
    if status == 429:
        return rate_limited("TEN_SECONDLY_ROLLING")
    if status == 401:
        return _envelope("Authentication credentials not found.", "INVALID_AUTHENTICATION")
    return _envelope(
        "An error asked for by a test.", "INTERNAL_ERROR" if status >= 500 else "VALIDATION_ERROR"
    )


def _envelope(message: str, category: str, **more: Json) -> JsonObject:
    return {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        **more,
        "category": category,
    }
