"""A real OpenID Connect provider as a child process, and a person who signs in there."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from rig.redis import free_port

_START_LIMIT_S = 30.0


@dataclass(slots=True, kw_only=True)
class Provider:
    """One provider. Its people are given by their claims, `sub` included."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sign_in(self, url: str, subject: str) -> httpx2.URL:
        """Sign in as this subject on the page at this address; returns where the browser is sent."""
        answer = httpx2.post(url, data={"sub": subject}, trust_env=False)
        assert answer.status_code == 302, answer.text
        return httpx2.URL(answer.headers["location"])

    def deny(self, url: str) -> httpx2.URL:
        """Refuse to sign in on the page at this address; returns where the browser is sent."""
        answer = httpx2.post(url, data={"action": "deny"}, trust_env=False)
        assert answer.status_code == 302, answer.text
        return httpx2.URL(answer.headers["location"])

    def put_user(self, subject: str, **claims: Any) -> None:
        """Let the provider say this of somebody."""
        answer = httpx2.put(f"{self.issuer}/users/{subject}", json=claims, trust_env=False)
        assert answer.status_code == 204, answer.text

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def start_provider(folder: Path, people: list[dict[str, Any]]) -> Provider:
    """Start a provider and wait until it answers."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--host", "127.0.0.1"]
    command += ["--require-nonce"]
    for claims in people:
        command += ["--user-claims", json.dumps(claims)]
    log = folder / "provider.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink)
    made = Provider(port=port, process=process)
    give_up_s = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < give_up_s and process.poll() is None:
        try:
            if httpx2.get(f"{made.issuer}/jwks", trust_env=False).status_code == 200:
                return made
        except httpx2.HTTPError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(log.read_text(errors="replace"))
