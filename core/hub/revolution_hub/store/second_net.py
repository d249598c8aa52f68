"""The second net: on PostgreSQL, row-level security keeps tenants apart even if a statement forgets to.

The first net is that every statement of the noun files names its tenant. The second holds for every role
but those that PostgreSQL excuses from it.
"""

import sqlalchemy as sa

from revolution_hub.store.connect import POSTGRESQL
from revolution_hub.store.tx import Store


def excused_role(store: Store) -> str | None:
    """Return the role the hub has if row-level security is off for it, None if it holds or there is none."""
    if store.dialect != POSTGRESQL:
        return None
    query = sa.text(
        "SELECT rolname FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
    )
    with store.read_across() as tx:
        return tx.conn.execute(query).scalar_one_or_none()
