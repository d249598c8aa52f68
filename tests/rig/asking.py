"""The API of a hub in this process, asked in the name of keys with any role."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from revolution_hub.access.tokens import hash_token
from revolution_hub.hub import Hub
from revolution_hub.model.ids import new_id
from revolution_hub.store import tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks in the name of one key."""

    client: TestClient
    key: str
    key_id: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the answer; a body that is no bytes goes as JSON. An error must be a problem+json."""
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        answer = self.client.request(method, path, content=content, headers=given)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return what came back of something that must work."""
        answer = self.call(method, path, body, **headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Return status and code of something that must not work."""
        answer = self.call(method, path, body, **headers)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["code"]

    def create(self, document: Any) -> str:
        """Keep a draft and return its id."""
        return str(self.ask("POST", "/api/workflows", {"document": document})["id"])

    def publish(self, document: Any) -> str:
        """Keep and publish a workflow and return its id."""
        workflow_id = self.create(document)
        self.ask("POST", f"/api/workflows/{workflow_id}/publish")
        return workflow_id


def asker(hub: Hub, client: TestClient, role: str = "owner", tenant_id: str = "ten_a") -> Asker:
    """Make a key of this role in a tenant, and ask with it."""
    key_id = new_id("key")
    key = f"rev_{key_id}"
    with hub.store.begin(tenant_id) as tx:
        tenants.add_api_key(tx, key_id, name=role, key_hash=hash_token(key), role=role, now=hub.now())
    return Asker(client=client, key=key, key_id=key_id)
