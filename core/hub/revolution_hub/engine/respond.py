"""respond: the answer of a `respond` step, as far as it was rendered. Pure."""

from revolution_hub.errors import TemplateError
from revolution_hub.model.answer import answered_headers
from revolution_sdk.types import JsonObject


def response_of(body: JsonObject) -> JsonObject:
    """Return what the caller of the webhook is told; raises TemplateError for headers that cannot be sent."""
    response: JsonObject = {"status": int(body.get("status") or 200), "body": body.get("body")}
    try:
        headers = answered_headers(body.get("headers"))
    except ValueError as error:
        raise TemplateError(f"the answer cannot be sent: {error}") from error
    return response | ({"headers": headers} if headers else {})
