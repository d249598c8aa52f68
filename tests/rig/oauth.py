"""A real OAuth 2 server as a child process (rig/oauth_server.py), and a person who agrees or does not."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from rig.oauth_state import CLIENT_ID, CLIENT_SECRET
from rig.redis import free_port

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "OAuthServer", "start_oauth_server"]

_TESTS = Path(__file__).parent.parent
_START_LIMIT_S = 30.0


@dataclass(slots=True, kw_only=True)
class OAuthServer:
    """One server. It knows one client, `CLIENT_ID`, and everybody by whatever name they give."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def host(self) -> str:
        """`host:port`, as the hub's egress allow-list wants it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def agree(self, address: str, account: str = "ada") -> httpx2.URL:
        """Agree on the consent page at this address; returns where the browser is sent."""
        return self._consent(address, action="accept", account=account)

    def deny(self, address: str) -> httpx2.URL:
        """Refuse on the consent page at this address; returns where the browser is sent."""
        return self._consent(address, action="deny")

    def authorization(self, account: str = "ada", scope: str = "read") -> dict[str, str]:
        """Return the tokens of an authorization somebody gave elsewhere: access_token and refresh_token."""
        made = self._rig("POST", "/authorizations", {"account": account, "scope": scope})
        return {name: str(text) for name, text in made.items()}

    def behave(self, **how: Any) -> None:
        """Change how it behaves: rotate, expires_in, iss, delay_s, garbage, granted_scope,
        revoke_status, extra."""
        self._rig("PATCH", "/behavior", how)

    def know_redirect(self, uri: str) -> None:
        """Let browsers be sent back to this address."""
        self._rig("PUT", "/redirects", {"uri": uri})

    def know_key(self, issuer: str, pem: str) -> None:
        """Believe who signs assertions of this issuer with the private half of this key."""
        self._rig("PUT", f"/keys/{issuer}", {"pem": pem})

    def revoke(self, account: str) -> None:
        """Kill every token of somebody, as if they had removed the app."""
        self._rig("POST", "/revoke", {"account": account})

    def counts(self) -> dict[str, int]:
        """How often what happened: asked, exchanged, refreshed, refused, reused, revoked, contacts."""
        found: dict[str, int] = self._rig("GET", "")["counts"]
        return found

    def assertions(self) -> list[dict[str, Any]]:
        """The claims of the assertions that were taken."""
        found: list[dict[str, Any]] = self._rig("GET", "")["assertions"]
        return found

    def alive(self) -> int:
        """How many access tokens are good now."""
        return int(self._rig("GET", "")["alive"])

    def reset(self) -> None:
        """Behave as in the beginning and remember nothing."""
        self._rig("DELETE", "")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)

    def _consent(self, address: str, **form: str) -> httpx2.URL:
        shown = httpx2.get(address, trust_env=False)
        assert shown.status_code == 200, shown.text
        answer = httpx2.post(address, data=form, trust_env=False)
        assert answer.status_code == 302, answer.text
        return httpx2.URL(answer.headers["location"])

    def _rig(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx2.request(method, f"{self.url}/_rig{path}", json=body, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


def start_oauth_server(folder: Path) -> OAuthServer:
    """Start a server and wait until it answers; about half a second."""
    port = free_port()
    log = folder / f"oauth-{port}.log"
    with log.open("wb") as sink:
        command = [sys.executable, "-m", "rig.oauth_server", str(port)]
        environment = {**os.environ, "PYTHONPATH": str(_TESTS)}
        process = subprocess.Popen(command, stdout=sink, stderr=sink, env=environment)
    made = OAuthServer(port=port, process=process)
    give_up_s = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < give_up_s and process.poll() is None:
        try:
            made.counts()
        except httpx2.HTTPError:
            time.sleep(0.05)
        else:
            return made
    process.kill()
    process.wait()
    raise AssertionError(log.read_text(errors="replace"))
