"""Audit: who has changed what that matters for security, and from where. What is exported is itself noted."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from revolution_hub.access.rbac import require
from revolution_hub.hub import Hub
from revolution_hub.model.audit import AuditEntry, entry_of
from revolution_hub.model.audit_chain import Checked, Head
from revolution_hub.model.audit_text import csv_header, csv_line, json_line
from revolution_hub.model.principal import Principal
from revolution_hub.store import audit
from revolution_hub.store.audit import AuditFilter
from revolution_hub.store.paging import Page

_AT_ONCE = 500


class Form(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"


def list_entries(
    hub: Hub, principal: Principal, page: Page, wanted: AuditFilter
) -> tuple[list[AuditEntry], str | None]:
    """Return one page of the tenant's entries, and the cursor for the next."""
    require(principal, "audit:read")
    with hub.store.read(principal.tenant_id) as tx:
        return audit.list_page(tx, page, wanted)


def get_head(hub: Hub, principal: Principal) -> Head | None:
    """Return the tenant's last entry, to be kept elsewhere; None if there is none."""
    require(principal, "audit:read")
    with hub.store.read(principal.tenant_id) as tx:
        return audit.find_head(tx)


def verify_entries(hub: Hub, principal: Principal, heads: Sequence[Head]) -> Checked:
    """Read the tenant's whole chain; each of `heads`, kept from earlier, must still be there as it was."""
    require(principal, "audit:read")
    with hub.store.read(principal.tenant_id) as tx:
        return audit.check(tx, [one for one in heads if one.tenant_id == principal.tenant_id])


def export_entries(hub: Hub, principal: Principal, wanted: AuditFilter, form: Form) -> Iterator[str]:
    """Return the entries up to this moment, oldest first, a piece at a time."""
    require(principal, "audit:export")
    with hub.store.begin(principal.tenant_id) as tx:
        last = audit.append(tx, entry_of(principal, "audit.export", str(form), hub.now()))
    return _pieces(hub, principal.tenant_id, wanted, form, last.number)


def prune_entries(hub: Hub, principal: Principal, older_than_days: int) -> int:
    """Remove the tenant's entries that are older than so many days, behind a checkpoint; returns how many.

    Of very many, some are left for the next time.
    """
    require(principal, "audit:prune")
    now = hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        checkpoint = entry_of(principal, audit.PRUNE, "", now)
        return audit.prune(tx, checkpoint, audit.before_of(older_than_days, now))


def _pieces(hub: Hub, tenant_id: str, wanted: AuditFilter, form: Form, last: int) -> Iterator[str]:
    if form is Form.CSV:
        yield csv_header()
    line = csv_line if form is Form.CSV else json_line
    cursor: str | None = None
    while True:
        # Nobody's transaction stays open while somebody reads slowly.
        with hub.store.read(tenant_id) as tx:
            page = Page(limit=_AT_ONCE, after=cursor, newest_first=False)
            entries, cursor = audit.list_page(tx, page, wanted)
        yield "".join(line(one) for one in entries if one.number <= last)
        if cursor is None or int(cursor) >= last:
            return
