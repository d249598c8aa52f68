"""The sandbox, put together from its operations and controls."""

from revolution_salesforce.sandbox.controls import add_controls
from revolution_salesforce.sandbox.grants import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from revolution_salesforce.sandbox.oauth import add_oauth
from revolution_salesforce.sandbox.operations import add_operations
from revolution_salesforce.sandbox.provider import Provider
from revolution_salesforce.sandbox.shapes import injected
from revolution_sdk.sandbox import Sandbox

PORT = 9105


def sandbox() -> Sandbox:
    """Return a new Salesforce sandbox with a state of its own."""
    box = Sandbox(
        "salesforce",
        port=PORT,
        error_shape=injected,
        connection={"refresh_token": REFRESH_TOKEN},
        app={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    )
    provider = Provider()
    add_oauth(box, provider)
    add_operations(box, provider)
    add_controls(box, provider)
    return box
