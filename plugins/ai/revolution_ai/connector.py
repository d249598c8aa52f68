"""The table of contents: what the entry point loads."""

from revolution_ai.actions.mails import generate_follow_up
from revolution_ai.actions.qualification import qualify_lead
from revolution_ai.check import check_key
from revolution_ai.declaration import ai
from revolution_sdk import Connector, hookimpl

__all__ = ["ai", "check_key", "generate_follow_up", "qualify_lead", "revolution_plugins"]


@hookimpl
def revolution_plugins() -> list[Connector]:
    """Offer the AI connector."""
    return [ai]
