"""What a workflow's webhook looks like going out: whether there is a secret, and never which."""

from revolution_hub.model.time import rfc3339
from revolution_hub.services.webhooks import ADDRESS, SECRET, Rotated, WebhookState
from revolution_sdk.types import JsonObject


def webhook_json(state: WebhookState, public_url: str) -> JsonObject:
    """How a webhook stands."""
    webhook, auth, hook = state.webhook, state.webhook.auth, state.hook
    url = f"{public_url}/hooks/{hook.key}" if hook is not None and state.shown else None
    return {
        "url": url,
        "url_hidden": hook is not None and not state.shown,
        "published": state.published,
        "auth": auth.shape or str(auth.kind),
        "unauthenticated": not auth.needs_secret,
        "secret": {
            "needed": auth.needs_secret,
            "made_by": None if not auth.needs_secret else "provider" if auth.given else "hub",
            "set": state.secret_set,
            "coming": state.coming,
        },
        "token": {"needed": webhook.challenge == "meta", "set": state.token_set},
        "methods": list(webhook.methods),
        "allow": list(webhook.allow),
        "answer": webhook.answer,
        "challenge": webhook.challenge,
        "overlaps": [
            *({"what": SECRET, "url": None, "until": rfc3339(until)} for until in state.old_secrets),
            *(
                {
                    "what": ADDRESS,
                    "url": f"{public_url}/hooks/{one.key}" if state.shown else None,
                    "until": rfc3339(one.until),
                }
                for one in state.old_addresses
            ),
        ],
    }


def rotated_json(rotated: Rotated, public_url: str) -> JsonObject:
    """A webhook of which something was made anew, with what is shown this once."""
    return {
        **webhook_json(rotated.state, public_url),
        "signing_secret": rotated.secret,
        "verify_token": rotated.token,
    }
