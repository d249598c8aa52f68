"""Audit entries: who did what to what, from where; each holds the hash of the one before it. Pure.

A changed entry, a missing one, or two that have changed places no longer fit together; `audit_chain` says
which of them is the first.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from revolution_hub.model.principal import Kind, Origin, Principal
from revolution_hub.model.strict_json import canonical_json
from revolution_sdk.types import Json, JsonObject

FIRST = "0" * 64
"""What stands for the hash before a tenant's first entry."""

NOWHERE = Origin()
"""Where the hub itself is."""

LONGEST_TEXT = 200
LONGEST_NAME = 80
MOST_FIELDS = 50
LONGEST_MARK = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change that matters for security. `number` counts from 1 per tenant.

    `fields` has the names of what was changed as keys, and of each whether it was `added`, `changed` or
    `removed`; never a value. `principal_kind` is empty where the hub itself acted. Only a checkpoint has
    `through`: entries up to that number were removed, and its target is the hash of the last of them.
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
    agent: str = ""
    request_id: str
    through: int | None = None
    hash: str = ""


def entry_of(
    principal: Principal,
    action: str,
    target: str,
    now: datetime,
    *,
    before: Mapping[str, Json] | None = None,
    after: Mapping[str, Json] | None = None,
    marks: Mapping[str, str] | None = None,
) -> AuditEntry:
    """Return the entry of what a principal does, such as `key.create`, to the object with this id.

    Of `before` and `after` only the names of members are kept, and how each was changed. A mark, made of a
    value with a key of the tenant's, tells equal values from others, and nothing more.
    """
    fields = changes_between(before or {}, after or {})
    for name, mark in (marks or {}).items():
        fields[name] = f"{fields.get(name, 'changed')} #{mark[-LONGEST_MARK:]}"
    return AuditEntry(
        tenant_id=principal.tenant_id,
        at=now,
        principal_id=plain(principal.id),
        principal_kind=Kind(principal.kind).value,
        principal_name=plain(principal.name),
        action=action,
        target=plain(target),
        fields=fields,
        address=plain(principal.origin.address),
        agent=plain(principal.origin.agent),
        request_id=plain(principal.origin.request_id),
    )


def entry_of_hub(
    tenant_id: str,
    action: str,
    target: str,
    now: datetime,
    *,
    after: Mapping[str, Json] | None = None,
    origin: Origin = NOWHERE,
) -> AuditEntry:
    """Return the entry of what the hub does by itself, or its operator at the command line.

    What it refuses somebody it does not know has the `origin` of the request.
    """
    return AuditEntry(
        tenant_id=tenant_id,
        at=now,
        principal_id="",
        principal_kind="",
        principal_name="",
        action=action,
        target=plain(target),
        fields=changes_between({}, after or {}),
        address=plain(origin.address),
        agent=plain(origin.agent),
        request_id=plain(origin.request_id),
    )


def changes_between(before: Mapping[str, Json], after: Mapping[str, Json]) -> JsonObject:
    """Return the names of the members that differ, each with `added`, `changed` or `removed`."""
    names = sorted(before.keys() | after.keys())
    found = [name for name in names if not _is_same(name, before, after)]
    shown: JsonObject = {plain(one, LONGEST_NAME): _change(one, before, after) for one in found[:MOST_FIELDS]}
    return shown | ({"…": f"{len(found) - MOST_FIELDS} more"} if len(found) > MOST_FIELDS else {})


def plain(text: str, most: int = LONGEST_TEXT) -> str:
    """Return a text of one line that looks to everybody as it is: cut, and with codes for what is not shown.

    Line feeds, escape sequences, marks that turn the direction of writing and invisible characters are all
    written as their codes, such as \\u001b.
    """
    if len(text) <= most and text.isprintable():
        return text
    shown = "".join(one if one.isprintable() else _code(one) for one in text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 1] + "…"


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
        "agent": entry.agent,
        "request_id": entry.request_id,
        "through": entry.through,
        "previous": previous,
    }
    digest = hashlib.sha256(canonical_json(content).encode("utf-8", "surrogatepass")).hexdigest()
    return replace(entry, number=number, hash=digest)


def _code(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"


def _change(name: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> str:
    if name not in before:
        return "added"
    return "changed" if name in after else "removed"


def _is_same(name: str, before: Mapping[str, Json], after: Mapping[str, Json]) -> bool:
    return name in before and name in after and canonical_json(before[name]) == canonical_json(after[name])
