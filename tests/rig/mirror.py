"""A provider that sends back whatever it is sent; its tokens are its own, new ones at each refresh."""

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

PLUGIN = Path(__file__).with_name("mirror_plugin")


@dataclass(slots=True)
class Mirror:
    """The provider. `given` are the tokens it has given out."""

    host: str = ""
    given: list[str] = field(default_factory=list)
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def grant(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Give out tokens; whoever asks with a refused one is told what was sent."""
        if "refused" in form.get("refresh_token", [""])[0]:
            return 400, {"error": "invalid_grant", "error_description": f"you sent {json.dumps(form)}"}
        pair = [f"canary-{kind}-{secrets.token_urlsafe(24)}" for kind in ("access", "refresh")]
        self.given += pair
        return 200, {"access_token": pair[0], "refresh_token": pair[1], "expires_in": 1}


def _answer(how: str, sent: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of an answer in which the secret comes back in this way."""
    secret = sent.get("x-api-key") or sent.get("authorization", "").removeprefix("Bearer ")
    everything = json.dumps({"you_sent": sent})
    coded = json.dumps(
        [base64.b64encode(f"user:{secret}".encode()).decode(), quote(secret), secret.encode().hex()]
    )
    return {
        "body": (200, {}, everything),
        "encoded": (200, {}, coded),
        "header": (200, {"X-Echo": secret, "Set-Cookie": f"session={secret}"}, "{}"),
        "redirect": (302, {"Location": f"https://elsewhere.test/?token={quote(secret)}"}, "{}"),
        "refused": (401, {"WWW-Authenticate": f'Bearer error="{secret}"'}, everything),
        "failed": (500, {"X-Echo": secret}, everything),
    }[how]


@contextmanager
def mirror() -> Iterator[Mirror]:
    """Run the provider on a free port of this machine."""
    made = Mirror()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked += 1
            how = parse_qs(urlsplit(self.path).query)["how"][0]
            self._send(*_answer(how, {name.lower(): text for name, text in self.headers.items()}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = made.grant(parse_qs(body.decode()))
            self._send(status, {}, json.dumps(answer))

        def _send(self, status: int, headers: dict[str, str], body: str) -> None:
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(body.encode()))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
