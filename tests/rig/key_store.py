"""A store of secrets that keeps to the contract of Vault's and OpenBao's key-value engine, version 2.

Source: HashiCorp, "KV secrets engine version 2 (API)", Read Secret Version, read 2026-11-23: 200 with
`data.data` and `data.metadata`; 404 for a version that was deleted or destroyed, its `data.data` being null;
403 without a token that may read. A version that is not asked for by number is the current one.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "hvs.CAESIJtoken-of-the-hub"
PATH = "/v1/secret/data/revolution"


@dataclass(slots=True)
class KeyStoreServer:
    """The store. `versions` are the secret's, the oldest first; None is one that was deleted.

    `answer` is a status and a body that every request gets instead.
    """

    versions: list[dict[str, Any] | None] = field(default_factory=list)
    answer: tuple[int, bytes] | None = None
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def put(self, text: str, name: str = "master_key") -> None:
        """Write one more version of the secret."""
        self.versions.append({name: text})

    def answer_to(self, path: str, token: str | None) -> tuple[int, bytes]:
        """Return status and body for a request."""
        self.asked.append(path)
        if self.answer is not None:
            return self.answer
        parts = urlsplit(path)
        if token != TOKEN:
            return 403, b'{"errors":["permission denied"]}'
        number = int(parse_qs(parts.query).get("version", [str(len(self.versions))])[0])
        if parts.path != PATH or not 0 < number <= len(self.versions):
            return 404, b'{"errors":[]}'
        held = self.versions[number - 1]
        metadata = {
            "created_time": "2026-11-22T02:24:06.945319214Z",
            "custom_metadata": None,
            "deletion_time": "" if held is not None else "2026-11-22T02:36:43.986212308Z",
            "destroyed": False,
            "version": number,
        }
        body = {"request_id": "c2", "lease_id": "", "data": {"data": held, "metadata": metadata}}
        return (404 if held is None else 200), json.dumps(body).encode()


@contextmanager
def key_store() -> Iterator[KeyStoreServer]:
    """Run an empty store on a free port of this machine."""
    store = KeyStoreServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = store.answer_to(self.path, self.headers.get("X-Vault-Token"))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status in (301, 302, 307):
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    store.address = f"http://127.0.0.1:{server.server_port}{PATH}"
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
