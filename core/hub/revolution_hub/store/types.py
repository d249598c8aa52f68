"""Column types that mean the same on every database."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from revolution_hub.model.payload import FILE, from_stored, to_stored
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


class Payload(sa.types.TypeDecorator[Any]):
    """JSON that may be large: what comes out is the value, or the `Filed` that stands in for it."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Write what stands for the value in a row."""
        return to_stored(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return what reads a column. Written out, because claims read these columns by the thousand."""
        parse = self.impl_instance.dialect_impl(dialect).result_processor(dialect, coltype)

        def read(stored: Any) -> Any:
            value = parse(stored) if parse and stored is not None else stored
            if type(value) is dict and len(value) == 1 and FILE in value:
                return from_stored(value)
            return value

        return read


def payload_column(name: str, *, null: bool = True) -> sa.Column[Any]:
    """Return a column for JSON of any size; see `store/payloads.py`."""
    return sa.Column(name, Payload, nullable=null)


def json_column(name: str, *, null: bool = True) -> sa.Column[Any]:
    """Return a JSON column; a JSON null is stored as SQL NULL.

    Kept as the text it came as on both databases: PostgreSQL's JSONB would sort the keys and turn 1e22 into
    an integer.
    """
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=null)


def json_text(value: Any) -> str:
    """Write a value as JSON text for a column.

    Values come in through `strict_json`, which holds them to what both databases can store.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except orjson.JSONEncodeError:
        # It is stricter than JSON: text that is not Unicode and integers beyond 64 bits are not its own.
        return json.dumps(value)
