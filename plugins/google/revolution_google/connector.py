"""The table of contents of the Google connector: what it offers, and the hook that hands it to the hub."""

from revolution_google.actions.book_meeting import book_meeting
from revolution_google.actions.free_busy import get_free_busy
from revolution_google.actions.send_email import send_email
from revolution_google.check import check_account
from revolution_google.declaration import google
from revolution_google.mailbox import mail_received, poll_mails
from revolution_sdk import Connector, hookimpl

__all__ = [
    "book_meeting",
    "check_account",
    "get_free_busy",
    "google",
    "mail_received",
    "poll_mails",
    "revolution_plugins",
    "send_email",
]


@hookimpl
def revolution_plugins() -> list[Connector]:
    """Return the one connector of this distribution."""
    return [google]
