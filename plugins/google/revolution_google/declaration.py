"""The connector itself, before its actions declare themselves on it; `connector.py` lists them."""

from revolution_google.auth import auth
from revolution_sdk import Connector

google = Connector(
    "google",
    title="Google",
    description="Sends mails with Gmail, reports those that arrive, and books meetings in Google Calendar.",
    auth=auth,
    base_url="https://www.googleapis.com",
    hosts=("gmail.googleapis.com", "oauth2.googleapis.com", "openidconnect.googleapis.com"),
)
