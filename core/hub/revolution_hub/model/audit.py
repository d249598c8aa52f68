"""Audit entries: who did what to what, from where; each holds the hash of the one before it. Pure.

A changed entry, a missing one, or two that have changed places no longer fit together, and `link` says so
for whoever reads them in order.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.model.principal import Kind, Principal
from revolution_hub.model.strict_json import canonical_json
from revolution_sdk.types import JsonObject

FIRST = "0" * 64
"""What stands for the hash before a tenant's first entry."""

LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change that matters for security. `number` counts from 1 per tenant.

    `fields` has the names of what was changed as keys, and of each whether it was `added`, `changed` or
    `removed`; never a value. `principal_kind` is empty where the hub itself acted.
    """

    tenant_id: str
    number: int = 0
    at: datetime
    principal_id: str
    principal_kind: str
    principal_name: str
    action: str
    target: str
    fields: JsonObject
    address: str
    request_id: str
    hash: str = ""


def entry_of(
    principal: Principal,
    action: str,
    target: str,
    now: datetime,
    *,
    before: JsonObject | None = None,
    after: JsonObject | None = None,
) -> AuditEntry:
    """Return the entry of what a principal does, such as `key.create`, to the object with this id.

    Of `before` and `after` only the names of members are kept, and how each was changed.
    """
    return AuditEntry(
        tenant_id=principal.tenant_id,
        at=now,
        principal_id=principal.id,
        principal_kind=Kind(principal.kind).value,
        principal_name=_short(principal.name),
        action=action,
        target=_short(target),
        fields=changes_between(before or {}, after or {}),
        address=_short(principal.origin.address),
        request_id=_short(principal.origin.request_id),
    )


def changes_between(before: JsonObject, after: JsonObject) -> JsonObject:
    """Return the names of the members that differ, each with `added`, `changed` or `removed`."""
    names = sorted(before.keys() | after.keys())
    return {name: _change(name, before, after) for name in names if not _is_same(name, before, after)}


def link(entry: AuditEntry, number: int, previous: str) -> AuditEntry:
    """Return the entry as the `number`th of its tenant, behind the one with the hash `previous`."""
    content: JsonObject = {
        "tenant_id": entry.tenant_id,
        "number": number,
        "at": entry.at.isoformat(),
        "principal_id": entry.principal_id,
        "principal_kind": entry.principal_kind,
        "principal_name": entry.principal_name,
        "action": entry.action,
        "target": entry.target,
        "fields": entry.fields,
        "address": entry.address,
        "request_id": entry.request_id,
        "previous": previous,
    }
    digest = hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()
    return replace(entry, number=number, hash=digest)


def _change(name: str, before: JsonObject, after: JsonObject) -> str:
    if name not in before:
        return "added"
    return "changed" if name in after else "removed"


def _is_same(name: str, before: JsonObject, after: JsonObject) -> bool:
    return name in before and name in after and canonical_json(before[name]) == canonical_json(after[name])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
