"""Everything one sandbox remembers, and who its app is."""

from dataclasses import dataclass, field

from revolution_hubspot.sandbox.contacts import Contacts
from revolution_hubspot.sandbox.grants import Grants
from revolution_hubspot.sandbox.limits import RateLimit
from revolution_hubspot.sandbox.sender import Sender
from revolution_sdk.sandbox import Consent

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 — the sandbox's own, known to everybody
ACCOUNTS = ("62515", "62516")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The state behind the operations and the controls."""

    consent: Consent = field(default_factory=lambda: Consent(client_id=CLIENT_ID, accounts=ACCOUNTS))
    grants: Grants = field(default_factory=Grants)
    contacts: Contacts = field(default_factory=Contacts)
    limit: RateLimit = field(default_factory=RateLimit)
    sender: Sender = field(default_factory=Sender)
