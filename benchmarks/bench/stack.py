"""A whole hub with what it stands on: SQLite in its folder, or PostgreSQL with Redis."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.rows import Database, Postgresql, Sqlite
from bench.servers import LiveHub, new_database, running_hub, running_postgres, running_redis

STACKS = ("embedded", "redis")


@dataclass(frozen=True, slots=True)
class Stack:
    """A hub that runs, and its database as seen from outside."""

    hub: LiveHub
    database: Database


@contextmanager
def running_stack(folder: Path, name: str, *, allow: str = "", **settings: str) -> Iterator[Stack]:
    """Run one of `STACKS` in a folder of its own inside `folder`, everything else as it comes."""
    with ExitStack() as stack:
        database: Database = Sqlite(folder / name / "hub.db")
        if name == "redis":
            server = stack.enter_context(running_postgres(folder))
            settings["REVOLUTION_DATABASE_URL"] = new_database(server, "hub")
            settings["REVOLUTION_BROKER_URL"] = stack.enter_context(running_redis(folder)).url
            database = Postgresql(server.url("hub"))
        yield Stack(stack.enter_context(running_hub(folder / name, allow=allow, **settings)), database)
