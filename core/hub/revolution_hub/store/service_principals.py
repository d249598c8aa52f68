"""Service principals: what is no person and holds API keys of a tenant."""

import sqlalchemy as sa

from revolution_hub.model.person import ServicePrincipal
from revolution_hub.store import tables as t
from revolution_hub.store.paging import Page, page_rows
from revolution_hub.store.rows import columns_of, found, one_row, value_of
from revolution_hub.store.tx import Tx

_TABLE = t.service_principals


def add(tx: Tx, service: ServicePrincipal) -> None:
    """Keep a service principal."""
    tx.conn.execute(sa.insert(_TABLE).values(columns_of(service)))


def get(tx: Tx, service_id: str) -> ServicePrincipal:
    """Return a service principal of the tenant or raise NotFoundError."""
    return value_of(ServicePrincipal, found(one_row(tx, _TABLE, _TABLE.c.id == service_id), "service"))


def list_page(tx: Tx, page: Page) -> tuple[list[ServicePrincipal], str | None]:
    """Return one page of the tenant's service principals."""
    rows, cursor = page_rows(tx, _TABLE, page, {})
    return [value_of(ServicePrincipal, row) for row in rows], cursor


def change(tx: Tx, service_id: str, *, name: str, role: str) -> bool:
    """Give a service principal another name or role; False if there is none."""
    changed = sa.update(_TABLE).where(*_mine(tx, service_id)).values(name=name, role=role)
    return tx.conn.execute(changed).rowcount == 1


def remove(tx: Tx, service_id: str) -> bool:
    """Remove a service principal; False if there was none."""
    return tx.conn.execute(sa.delete(_TABLE).where(*_mine(tx, service_id))).rowcount == 1


def _mine(tx: Tx, service_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _TABLE.c.tenant_id == tx.tenant_id, _TABLE.c.id == service_id
