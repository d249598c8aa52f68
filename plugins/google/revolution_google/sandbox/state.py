"""What the Google sandbox remembers: accounts with mails and calendars, and what they may do."""

import re
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage

from revolution_google.auth import (
    CALENDAR_EVENTS,
    CALENDAR_FREEBUSY,
    GMAIL_READONLY,
    GMAIL_SEND,
    SCOPE_PREFIX,
)
from revolution_google.sandbox.wire import Refused
from revolution_google.slots import Period
from revolution_sdk import JsonObject
from revolution_sdk.sandbox import Call, Consent, Tokens

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - opens nothing but the sandbox
DEFAULT_ACCOUNT = "sandbox-google"
SECOND_ACCOUNT = "sandbox-second"
ACCOUNT_PREFIX = "sandbox-"
LIFETIME_S = 3599.0

SCOPE_OF = {
    "users.getProfile": GMAIL_READONLY,
    "messages.send": GMAIL_SEND,
    "messages.list": GMAIL_READONLY,
    "messages.get": GMAIL_READONLY,
    "freebusy.query": CALENDAR_FREEBUSY,
    "events.insert": CALENDAR_EVENTS,
    "events.get": CALENDAR_EVENTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail as it lies in the mailbox. `given_id` is the Message-ID it was handed over with."""

    id: str
    thread_id: str
    message: EmailMessage
    given_id: str
    sent_ms: int
    label: str = "SENT"


@dataclass(slots=True, kw_only=True)
class CalendarBook:
    """One calendar: events by id, who was told of each (`sendUpdates`), and times seeded as busy."""

    events: dict[str, JsonObject] = field(default_factory=dict)
    send_updates: dict[str, str] = field(default_factory=dict)
    busy: list[Period] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Account:
    """One Google account. Mails are kept oldest first; `calendars` always has `primary`."""

    name: str
    mails: list[Mail] = field(default_factory=list)
    calendars: dict[str, CalendarBook] = field(default_factory=lambda: {"primary": CalendarBook()})

    @property
    def address(self) -> str:
        """The account's mail address."""
        return re.sub(r"[^a-z0-9-]+", "-", self.name.lower()) + "@sandbox.example"

    def calendar(self, name: str) -> CalendarBook | None:
        """Return a calendar by id; the account's own address means `primary`."""
        return self.calendars.get("primary" if name == self.address else name)


class World:
    """All accounts of one sandbox. Hold `lock` while reading or changing them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tokens = Tokens(lifetime_s=LIFETIME_S)
        self.accounts: dict[str, Account] = {}
        self.consent = Consent(client_id=CLIENT_ID, accounts=(DEFAULT_ACCOUNT, SECOND_ACCOUNT))
        self.missing: frozenset[str] = frozenset()
        self.keeps_message_ids = False

    def account(self, name: str) -> Account:
        """Return the account of a refresh token, made at its first use."""
        return self.accounts.setdefault(name, Account(name=name))

    def granted(self) -> list[str]:
        """Return the scopes the token answer names."""
        return sorted({scope for scope in SCOPE_OF.values() if scope not in self.missing})

    def caller(self, call: Call) -> Account:
        """Return the account behind a call, or refuse it as Google does: 401 first, then 403."""
        name = self.tokens.account_of(call.bearer())
        if name is None:
            raise Refused(401, location="Authorization", locationType="header")
        if call.operation in self.missing or SCOPE_OF[call.operation] in self.missing:
            raise Refused(403, "Request had insufficient authentication scopes.", "insufficientPermissions")
        return self.account(name)

    def withhold(self, names: list[str]) -> None:
        """Take away scopes (`gmail.readonly`) or operations (`messages.list`); an empty list ends it."""
        scopes = set(SCOPE_OF.values())
        unknown = [one for one in names if one not in SCOPE_OF and _scope(one) not in scopes]
        if unknown:
            raise ValueError(f"neither an operation nor a scope: {', '.join(unknown)}")
        self.missing = frozenset(one if one in SCOPE_OF else _scope(one) for one in names)


def _scope(name: str) -> str:
    return SCOPE_PREFIX + name.removeprefix(SCOPE_PREFIX)
