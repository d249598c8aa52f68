"""Processes of a hub that need the token of one connection in many threads, all at the same moment.

As a program it is one of them: it reads what it is to do from its input, says that it is ready, and begins
when there is one more line.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

from revolution_hub.catalog import Catalog
from revolution_hub.crashpoint import arm, parse_crash_point
from revolution_hub.egress.client import Egress
from revolution_hub.egress.guard import Guard
from revolution_hub.egress.pool import SharedPool
from revolution_hub.engine.call import token_source
from revolution_hub.hub import Hub
from revolution_hub.model.connection import Connection, ProviderApp
from revolution_hub.model.ids import new_id
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.settings import Settings
from revolution_hub.store import apps, connections
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import MasterKey
from revolution_hub.vault.vault import Vault
from revolution_sdk import Connector, OAuth2
from revolution_sdk.errors import ConnectorError
from rig.oauth import CLIENT_ID, CLIENT_SECRET

TENANT = "ten_a"
_MASTER = MasterKey(bytes(range(50, 82)))
RIG = Connector(
    "rig",
    title="Rig",
    base_url="https://rig.test",
    auth=OAuth2(authorize_url="https://rig.test/authorize", token_url="https://rig.test/token"),
)


def hub_on(store: Store, host: str) -> Hub:
    """A hub over this database, which may reach this server."""
    name, _, port = host.partition(":")
    catalog = Catalog()
    catalog.add(RIG)
    now = partial(datetime.now, UTC)
    return Hub(
        settings=Settings(),
        store=store,
        vault=Vault(_MASTER, store, now),
        catalog=catalog,
        egress=Egress(SharedPool(Guard(allow=frozenset({(name, int(port))})))),
        wake=lambda: None,
        now=now,
        process="wrk_1",
    )


def connect_expired(hub: Hub, host: str, tokens: dict[str, str]) -> Connection:
    """Keep a connection whose access token has run out."""
    app_id, connection_id, now = new_id("app"), new_id("con"), hub.now()
    document = {**tokens, "expires_at": now.timestamp() - 60}
    app = ProviderApp(
        id=app_id,
        connector=RIG.name,
        app_key=app_id,
        client_id=CLIENT_ID,
        secret=hub.vault.seal(TENANT, app_id, {"client_secret": CLIENT_SECRET}),
        created_at=now,
        owner_tenant_id=TENANT,
    )
    connection = Connection(
        id=connection_id,
        tenant_id=TENANT,
        connector=RIG.name,
        name="main",
        status=ConnectionStatus.CONNECTED,
        created_at=now,
        updated_at=now,
        base_url=f"http://{host}",
        app_id=app_id,
        credential=hub.vault.seal(TENANT, connection_id, document),
    )
    with hub.store.begin(TENANT) as tx:
        apps.add(tx, app)
        connections.add(tx, connection)
    return connection


def need_together(hub: Hub, connection_id: str, threads: int) -> list[str]:
    """Let so many threads need the token at the same moment; returns what each was given."""
    with hub.store.read(TENANT) as tx:
        connection = connections.get(tx, connection_id)
    barrier = Barrier(threads)

    def need(_: int) -> str:
        source = token_source(hub, RIG, connection)
        assert source is not None
        barrier.wait(20)
        try:
            return source.headers()["Authorization"]
        except ConnectorError as error:
            return error.code

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(need, range(threads)))


def renew_in_processes(
    database: str,
    host: str,
    connection_id: str,
    threads: Sequence[int],
    *,
    dies_at: str = "",
    folder: Path = Path(),
) -> list[str]:
    """Let a process for each of these numbers of threads need the token; returns what all were given.

    One of them dies at the crash point, if there is one, and was given nothing.
    """
    started = []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    for count in threads:
        command = [sys.executable, "-m", "rig.renewer"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        task = {"database": database, "host": host, "connection_id": connection_id, "threads": count}
        task |= {"dies_at": dies_at, "folder": str(folder)}
        started.append(process)
        _say(process, json.dumps(task))
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            _say(process, "go")
        answers = [process.communicate(timeout=60)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    return [found for answer in answers if answer for found in json.loads(answer)]


def _say(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def main() -> None:
    """Be one of the processes."""
    task: dict[str, Any] = json.loads(sys.stdin.readline())
    store = Store(task["database"])
    hub = hub_on(store, task["host"])
    if task["dies_at"]:
        arm(parse_crash_point(task["dies_at"]), "worker", Path(task["folder"]))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(need_together(hub, task["connection_id"], task["threads"])))
    hub.egress.close()
    store.close()


if __name__ == "__main__":
    main()
