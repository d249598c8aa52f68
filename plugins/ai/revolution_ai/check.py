"""Whether a model's server takes the key: asks for its models, which costs nothing."""

from revolution_ai.client import BASE_URL, error_for
from revolution_ai.declaration import ai
from revolution_sdk import ActionContext, JsonObject

_REACHED = frozenset({403, 404, 405})
"""A key may lack the right to list models, and a server may have no such list; both took the key."""


@ai.check
def check_key(ctx: ActionContext) -> JsonObject:
    """List the models. Nothing is asked of any."""
    response = ctx.http.get(f"{BASE_URL}/models")
    if response.status_code >= 400 and response.status_code not in _REACHED:
        raise error_for(response)
    return {}
