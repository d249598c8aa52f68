"""People: users, the tenants they are members of, and what lets them in. Secrets appear here only as hashes.

A user is one person of the installation; a membership gives that person a role in one tenant. Nobody is
found by anything but an id, an e-mail address as `clean_email` writes it, or the subject at a provider.
"""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LONGEST_EMAIL = 254
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. Without `password_hash` only a provider or a reset link lets this person in."""

    id: str
    email: str
    name: str
    created_at: datetime
    password_hash: str | None = field(default=None, repr=False)
    password_at: datetime | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a user is in one tenant."""

    tenant_id: str
    user_id: str
    role: str
    created_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A membership together with whose it is."""

    membership: Membership
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A way into a tenant for one person, once. Without an `email` it is for whoever holds the link."""

    id: str
    tenant_id: str
    link_hash: str = field(repr=False)
    role: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    email: str | None = None
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    revoked_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be accepted."""
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser in which a user is signed in. It acts in one tenant at a time, or in none."""

    id: str
    cookie_hash: str = field(repr=False)
    user_id: str
    active_tenant_id: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    way: str
    address: str = ""
    agent: str = ""

    def is_over(self, now: datetime, idle: timedelta) -> bool:
        """Whether it ended by itself: too old, or unused for too long."""
        return now >= self.expires_at or now >= self.seen_at + idle


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a provider calls a user. Issuer and subject together are the only link between the two."""

    id: str
    user_id: str
    issuer: str
    subject: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """A link by which a user sets a new password, once. `made_in` is the tenant of whoever made it."""

    id: str
    link_hash: str = field(repr=False)
    user_id: str
    made_in: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A login that a provider was asked for. Who comes back must show both state and browser.

    `user_id` is who links the provider to an account, `invitation_hash` the invitation it is to accept.
    """

    id: str
    state_hash: str = field(repr=False)
    browser_hash: str = field(repr=False)
    provider: str
    created_at: datetime
    expires_at: datetime
    user_id: str | None = None
    invitation_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrincipal:
    """A principal that is no person: a deployment, a robot. It belongs to the tenant and holds API keys."""

    id: str
    tenant_id: str
    name: str
    role: str
    created_by: str
    created_at: datetime


def clean_email(text: str) -> str:
    """Return an e-mail address as it is stored and compared; raises ValueError for what is none.

    An address that Unicode would write differently is refused instead of converted: two addresses that only
    look alike must never become the same one.
    """
    local, at, host = text.rpartition("@")
    usable = local and at and host and "@" not in local and len(text) <= LONGEST_EMAIL
    if not usable or not text.isprintable() or " " in text or unicodedata.normalize("NFKC", text) != text:
        raise ValueError("an e-mail address such as ada@example.com is needed")
    return text.lower()
