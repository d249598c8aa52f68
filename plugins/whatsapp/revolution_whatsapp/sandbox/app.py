"""The sandbox, put together from its operations and controls."""

from revolution_sdk.sandbox import Sandbox
from revolution_whatsapp.sandbox.controls import add_controls
from revolution_whatsapp.sandbox.operations import add_operations
from revolution_whatsapp.sandbox.shapes import injected
from revolution_whatsapp.sandbox.state import APP_ID, APP_SECRET, BUSINESS_ID, NUMBER_ID, TOKEN, World

PORT = 9105


def sandbox() -> Sandbox:
    """Return a new WhatsApp sandbox with a state of its own."""
    box = Sandbox(
        "whatsapp",
        port=PORT,
        error_shape=injected,
        connection={"token": TOKEN, "phone_number_id": NUMBER_ID, "business_account_id": BUSINESS_ID},
        app={"client_id": APP_ID, "client_secret": APP_SECRET},
    )
    world = World()
    add_operations(box, world)
    add_controls(box, world)
    return box
