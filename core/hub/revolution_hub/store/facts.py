"""facts: what is known of the installation as a whole, read and changed within a transaction."""

import sqlalchemy as sa

from revolution_hub.store import tables as t
from revolution_hub.store.bulk import put
from revolution_hub.store.tx import AnyTx

_TABLE = t.installation


def find(tx: AnyTx, name: str) -> bytes | None:
    """Return a fact of the installation, or None."""
    query = sa.select(_TABLE.c.value).where(_TABLE.c.name == name)
    return tx.conn.execute(query).scalar_one_or_none()


def keep(tx: AnyTx, name: str, value: bytes) -> None:
    """Keep a fact, in the place of an earlier one of this name."""
    put(tx.conn, _TABLE, [{"name": name, "value": value}])


def swap(tx: AnyTx, name: str, value: bytes, new: bytes) -> bool:
    """Change a fact if it is still this one; True if it was."""
    same = (_TABLE.c.name == name, _TABLE.c.value == value)
    return tx.conn.execute(sa.update(_TABLE).where(*same).values(value=new)).rowcount == 1


def forget(tx: AnyTx, name: str) -> None:
    """Forget a fact."""
    tx.conn.execute(sa.delete(_TABLE).where(_TABLE.c.name == name))
