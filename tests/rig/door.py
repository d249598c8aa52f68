"""The door of a hub in this process, and what a test sends to a workflow behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi.testclient import TestClient

from revolution_hub.api.app import make_api
from revolution_hub.files.file_store import FileStore
from revolution_hub.store.tx import Store
from revolution_sdk import Secret
from revolution_sdk.webhooks import sign_standard

SEE = {"id": "see", "set": {"data": "{{ trigger.data }}", "request": "{{ trigger.request }}"}}


@dataclass
class Door:
    """The door of one hub, and a workflow behind it."""

    bench: Any
    client: TestClient
    path: str = ""
    secret: str = ""
    published: Any = None

    def open(self, *steps: Any, **webhook: Any) -> "Door":
        made = self.bench.publish(*(steps or (SEE,)), on=[{"webhook": webhook}])
        return replace(self, path=str(made.hook), secret=made.signing_secret or "", published=made)

    def send(self, body: bytes = b"{}", *, method: str = "POST", query: str = "", **headers: str) -> Any:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        named = {"content-type": "application/json", **named}
        return self.client.request(
            method, f"{self.path}{query}", content=body, headers={k: v for k, v in named.items() if v != "-"}
        )

    def signed(self, body: bytes = b"{}", message_id: str = "msg_1", **headers: str) -> Any:
        at = int(self.bench.clock.now.timestamp())
        return self.send(
            body,
            webhook_id=message_id,
            webhook_timestamp=str(at),
            webhook_signature=sign_standard(Secret(self.secret), message_id, at, body),
            **headers,
        )

    def seen(self, answer: Any) -> Any:
        """What the workflow saw of a delivery that was accepted."""
        assert answer.status_code == 202, answer.text
        self.bench.work()
        return self.bench.look(answer.json()["execution_id"]).steps["see"].output

    def rows(self, table: sa.Table) -> list[Any]:
        with self.bench.hub.store.read_across() as tx:
            return list(tx.conn.execute(sa.select(table)).mappings())


@contextmanager
def opened(bench: Any, database: str, folder: Path) -> Iterator[Door]:
    """Let the bench's hub have a folder for files, and open its door."""
    files = FileStore(folder / "files")
    files.prepare()
    store = Store(database, files=files)
    bench.hub = replace(bench.hub, store=store)
    with TestClient(make_api(bench.hub), raise_server_exceptions=False, follow_redirects=False) as client:
        yield Door(bench=bench, client=client)
    store.close()


def refused(answer: Any, status: int, code: str) -> bool:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return (answer.status_code, answer.json()["code"]) == (status, code)
