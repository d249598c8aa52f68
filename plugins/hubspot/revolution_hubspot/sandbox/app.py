"""The sandbox, put together from its operations and controls."""

from revolution_hubspot.sandbox.controls import add_controls
from revolution_hubspot.sandbox.operations import add_operations
from revolution_hubspot.sandbox.provider import CLIENT_ID, CLIENT_SECRET, Provider
from revolution_hubspot.sandbox.shapes import injected
from revolution_sdk.sandbox import Sandbox

PORT = 9101


def sandbox() -> Sandbox:
    """Return a new HubSpot sandbox with a state of its own."""
    box = Sandbox(
        "hubspot",
        port=PORT,
        error_shape=injected,
        connection={"refresh_token": "sandbox-62515"},
        app={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    )
    provider = Provider()
    add_operations(box, provider)
    add_controls(box, provider)
    return box
