"""The table of contents: what the entry point loads."""

from revolution_sdk import Connector, hookimpl
from revolution_whatsapp.actions.interactive import send_buttons, send_list
from revolution_whatsapp.actions.media import download_media, send_media, upload_media
from revolution_whatsapp.actions.messages import mark_read, send_message, send_reaction
from revolution_whatsapp.actions.numbers import get_phone_number, subscribe_app
from revolution_whatsapp.actions.templates import list_templates, send_template
from revolution_whatsapp.declaration import whatsapp

__all__ = [
    "download_media",
    "get_phone_number",
    "list_templates",
    "mark_read",
    "revolution_plugins",
    "send_buttons",
    "send_list",
    "send_media",
    "send_message",
    "send_reaction",
    "send_template",
    "subscribe_app",
    "upload_media",
    "whatsapp",
]


@hookimpl
def revolution_plugins() -> list[Connector]:
    """Offer the WhatsApp connector."""
    return [whatsapp]
