"""Column types that mean the same on every database."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from revolution_hub.model.time import to_utc


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC moment. SQLite keeps it as text that sorts by time, PostgreSQL as timestamptz."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone, and write UTC."""
        if value is None:
            return None
        moment = to_utc(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def json_column(name: str, *, null: bool = True) -> sa.Column[Any]:
    """Return a JSON column; a JSON null is stored as SQL NULL.

    Kept as the text it came as on both databases: PostgreSQL's JSONB would sort the keys and turn 1e22 into
    an integer.
    """
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=null)
