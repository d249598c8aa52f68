"""How a Google account is authorized: OAuth 2 with a refresh token that Google hands out only once."""

from revolution_sdk import OAuth2

SCOPE_PREFIX = "https://www.googleapis.com/auth/"

GMAIL_SEND = SCOPE_PREFIX + "gmail.send"
GMAIL_READONLY = SCOPE_PREFIX + "gmail.readonly"
CALENDAR_EVENTS = SCOPE_PREFIX + "calendar.events"
CALENDAR_FREEBUSY = SCOPE_PREFIX + "calendar.freebusy"

IDENTITY_URL = "https://openidconnect.googleapis.com/v1/userinfo"

auth = OAuth2(
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address, no password
    revoke_url="https://oauth2.googleapis.com/revoke",
    # What actions and polls need comes on top, as far as they are enabled.
    scopes=("openid",),
    identity_url=IDENTITY_URL,
    # Without `consent` a reconnect brings no refresh token: Google sends it at the first consent only.
    authorize_params={"access_type": "offline", "prompt": "consent"},
)
"""Access tokens live 3,599 seconds; a refresh answers without a refresh token, so the old one stays.

Source: Google "Using OAuth 2.0 for Web Server Applications", read 2026-11-22.
"""
