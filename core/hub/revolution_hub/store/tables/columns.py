"""What columns are made of: the same ones in every table."""

from typing import Any

import sqlalchemy as sa

from revolution_hub.store.types import Moment

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column() -> sa.Column[str]:
    """Return the prefixed id that is the primary key."""
    return sa.Column("id", sa.String(40), primary_key=True)


def tenant_column() -> sa.Column[str]:
    """Return the tenant a row belongs to."""
    return sa.Column("tenant_id", sa.String(40), nullable=False)


def moment(name: str, *, null: bool = True, index: bool = False) -> sa.Column[Any]:
    """Return a column of moments in UTC."""
    return sa.Column(name, Moment, nullable=null, index=index or None)


def text(name: str, *, null: bool = True) -> sa.Column[str]:
    """Return a column of texts of any length."""
    return sa.Column(name, sa.Text, nullable=null)


def whole(name: str, *, null: bool = False) -> sa.Column[int]:
    """Return a column of whole numbers."""
    return sa.Column(name, sa.Integer, nullable=null)


def partial(*columns: str, of: sa.TextClause) -> sa.Index:
    """Return an index of the rows of which a condition holds, on both databases."""
    return sa.Index(None, *columns, sqlite_where=of, postgresql_where=of)


def sealed(*, null: bool = False) -> list[sa.Column[Any]]:
    """Return the columns of a sealed secret: the bytes, the key that sealed them, the version."""
    return [
        sa.Column("sealed", sa.LargeBinary, nullable=null),
        sa.Column("sealed_key_id", sa.String(40), nullable=null),
        sa.Column("sealed_version", sa.Integer, nullable=null),
    ]
