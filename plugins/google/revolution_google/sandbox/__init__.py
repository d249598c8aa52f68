"""A local stand-in for Gmail, Calendar and Google's token endpoint, put together from its parts.

It keeps mailboxes and calendars in memory, one account per refresh token that begins with `sandbox-`.
"""

from revolution_google.sandbox.calendar import add_calendar
from revolution_google.sandbox.controls import add_controls
from revolution_google.sandbox.gmail import add_gmail
from revolution_google.sandbox.state import CLIENT_ID, CLIENT_SECRET, DEFAULT_ACCOUNT, World
from revolution_google.sandbox.token import add_token_endpoint
from revolution_google.sandbox.wire import error_body
from revolution_sdk.sandbox import Sandbox

PORT = 9102


def sandbox() -> Sandbox:
    """Return a new Google sandbox with empty mailboxes and calendars of its own.

    Operations for faults and the log: token, users.getProfile, messages.send, messages.list, messages.get,
    freebusy.query, events.insert, events.get.
    """
    world = World()
    box = Sandbox(
        "google",
        port=PORT,
        error_shape=error_body,
        connection={"refresh_token": DEFAULT_ACCOUNT},
        app={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    )
    add_token_endpoint(box, world)
    add_gmail(box, world)
    add_calendar(box, world)
    add_controls(box, world)
    return box
