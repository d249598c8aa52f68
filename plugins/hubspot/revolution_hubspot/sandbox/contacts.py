"""The contacts of a sandbox's accounts."""

import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from revolution_sdk import JsonObject

FIRST_ID = 512
ALWAYS_ANSWERED = ("createdate", "hs_object_id", "lastmodifieddate")
ANSWERED_UNASKED = ("email", "firstname", "lastname")


class ContactExistsError(Exception):
    """Raised when the account has a contact with this e-mail address."""

    def __init__(self, contact_id: str) -> None:
        super().__init__(contact_id)
        self.contact_id = contact_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One contact of one account. `properties` hold what was set and what HubSpot itself keeps."""

    id: str
    portal_id: str
    properties: dict[str, str]
    created_at: datetime

    def record(self, wanted: Iterable[str] | None = None) -> JsonObject:
        """Return the contact as the API shows it; properties asked for but never set are null."""
        names = self.properties if wanted is None else {*wanted, *ALWAYS_ANSWERED}
        return {
            "id": self.id,
            "properties": {name: self.properties.get(name) for name in sorted(names)},
            "createdAt": self.properties["createdate"],
            "updatedAt": self.properties["lastmodifieddate"],
            "archived": False,
        }


@dataclass(slots=True, kw_only=True)
class Contacts:
    """Contacts by account and id. Ids are never given twice. Safe to use from several threads."""

    _contacts: dict[tuple[str, str], Contact] = field(default_factory=dict)
    _id_by_email: dict[tuple[str, str], str] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_ID))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, portal_id: str, properties: dict[str, str]) -> Contact:
        """Add a contact; e-mail addresses are kept in lower case. Raises ContactExistsError."""
        kept = {name: value.lower() if name == "email" else value for name, value in properties.items()}
        email = kept.get("email", "")
        with self._lock:
            if (portal_id, email) in self._id_by_email:
                raise ContactExistsError(self._id_by_email[portal_id, email])
            contact = _contact(portal_id, str(next(self._ids)), kept)
            self._contacts[portal_id, contact.id] = contact
            if email:
                self._id_by_email[portal_id, email] = contact.id
        return contact

    def find(self, portal_id: str, contact_id: str) -> Contact | None:
        """Return the account's contact; another account's is not found."""
        with self._lock:
            return self._contacts.get((portal_id, contact_id))

    def list(self) -> list[Contact]:
        """Return the contacts of all accounts, oldest first."""
        with self._lock:
            return [*self._contacts.values()]


def _contact(portal_id: str, contact_id: str, properties: dict[str, str]) -> Contact:
    now = datetime.now(UTC)
    moment = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    own = {"hs_object_id": contact_id, "createdate": moment, "lastmodifieddate": moment}
    return Contact(id=contact_id, portal_id=portal_id, properties={**properties, **own}, created_at=now)
