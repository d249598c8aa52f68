"""audit_chain: which of a tenant's entries is the first that does not fit behind the ones before it. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from revolution_hub.model.audit import FIRST, AuditEntry, link

_HEAD = re.compile(r"(?:([A-Za-z0-9_]{1,40}):)?([0-9]{1,15}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A tenant's last entry at some moment, kept elsewhere: nothing up to it can be changed unnoticed."""

    tenant_id: str
    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.tenant_id}:{self.number}:{self.hash}"


def parse_head(text: str, tenant_id: str = "") -> Head | None:
    """Return the head a text names as TENANT:NUMBER:HASH, or NUMBER:HASH of this tenant, else None."""
    found = _HEAD.fullmatch(text)
    if found is None or not (found[1] or tenant_id):
        return None
    return Head(tenant_id=found[1] or tenant_id, number=int(found[2]), hash=found[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The first entry of a tenant that is not as it was written, and what is wrong with it."""

    tenant_id: str
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.tenant_id}: entry {self.number} {self.what}"


@dataclass(slots=True)
class Checked:
    """What came of reading a chain: how many entries fit, the last of them, and what is wrong."""

    count: int = 0
    head: Head | None = None
    fault: Fault | None = None


def check_chain(
    tenant_id: str, entries: Iterable[AuditEntry], heads: Sequence[Head] = (), removed: Head | None = None
) -> Checked:
    """Read a tenant's entries in order and find the first that is wrong.

    `removed` is the last entry retention took away, as the newest checkpoint says. Each of `heads` must be
    there as it was, unless retention took it away.
    """
    chain = _Chain(tenant_id, heads, removed)
    try:
        for entry in entries:
            chain.take(entry)
            if chain.checked.fault is not None:
                return chain.checked
    except (ValueError, TypeError) as error:
        # Whoever writes into the file itself may leave what is no moment, or no JSON.
        chain.fail(chain.number + 1, f"cannot be read ({type(error).__name__})")
        return chain.checked
    chain.end()
    return chain.checked


class _Chain:
    def __init__(self, tenant_id: str, heads: Sequence[Head], removed: Head | None) -> None:
        self.checked = Checked()
        self._tenant_id = tenant_id
        self._heads = heads
        self._removed = removed
        self.number = removed.number if removed else 0
        self._hash = removed.hash if removed else FIRST
        for head in heads:
            if removed is not None and head.number == removed.number and head.hash != removed.hash:
                self.fail(head.number, "is not the one whose head was kept")

    def take(self, entry: AuditEntry) -> None:
        if self.checked.fault is not None:
            return
        if entry.number > self.number + 1:
            self.fail(self.number + 1, "is missing")
        elif entry.number <= self.number:
            self.fail(entry.number, "is there although a checkpoint says that it was removed")
        elif self._tenant_id != entry.tenant_id or link(entry, entry.number, self._hash).hash != entry.hash:
            self.fail(entry.number, "is not as it was written, or not the one that came next")
        elif any(head.number == entry.number and head.hash != entry.hash for head in self._heads):
            self.fail(entry.number, "is not the one whose head was kept")
        else:
            self.number, self._hash = entry.number, entry.hash
            self.checked.count += 1
            self.checked.head = Head(tenant_id=self._tenant_id, number=self.number, hash=self._hash)

    def end(self) -> None:
        beyond = [head.number for head in self._heads if head.number > self.number]
        if self.checked.fault is None and beyond:
            self.fail(self.number + 1, f"is missing; the head that was kept is entry {max(beyond)}")

    def fail(self, number: int, what: str) -> None:
        self.checked.fault = Fault(tenant_id=self._tenant_id, number=number, what=what)
