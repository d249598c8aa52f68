"""A site on each stack: its own folder, processes and Redis, and a database of the shared PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rig import postgres as rig_postgres
from rig import redis as rig_redis
from rig.missing import missing
from rig.postgres import Postgres
from rig.provider import Provider
from rig.redis import Redis
from rig.site import STACKS, Site

ROLE = "hub"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that keeps what it committed, whatever happens to it."""
    if rig_postgres.binaries() is None:
        missing("there is no PostgreSQL: install the development requirements")
    # The judge reads the whole log of changes, so it is kept short.
    short = {"max_wal_size": "64MB", "min_wal_size": "32MB"}
    server = Postgres(tmp_path_factory.mktemp("postgres"), durable=True, options=short)
    try:
        server.create()
        server.execute(f"CREATE ROLE {ROLE} LOGIN")
        yield server
    finally:
        server.stop("immediate")


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """What the hub stands on. A test that applies to some only names them itself."""
    return str(request.param)


@pytest.fixture
def site(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A site that is not started yet."""
    with ExitStack() as ending:
        provider = ending.enter_context(Provider().running())
        made = Site(folder=tmp_path / "hub", stack=stack, provider=provider)
        made.folder.mkdir()
        if stack != "sqlite":
            made.postgres = request.getfixturevalue("postgres_server")
            made.database = made.postgres.clone()
            ending.callback(_drop, made.postgres, made.database)
            made.postgres.execute(f'ALTER DATABASE "{made.database}" OWNER TO {ROLE}')
            made.database_url = made.postgres.url(made.database, ROLE)
        if stack.endswith("redis"):
            if rig_redis.program() is None:
                missing("there is no Redis: install the development requirements")
            made.redis = Redis(tmp_path / "redis").start()
        ending.callback(made.end)
        yield made


def _drop(server: Postgres, database: str) -> None:
    if server.process is None or server.process.poll() is not None:
        server.start()
    server.drop(database)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Prints a measured time; `make faults` shows it."""

    def show(what: str, seconds: float) -> None:
        print(f"\n{request.node.name}: {what} {seconds:.2f} s", flush=True)

    return show
