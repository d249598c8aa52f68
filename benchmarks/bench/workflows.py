"""The workflow of the yardstick, and tenants that have it."""

from dataclasses import dataclass

import httpx2

from bench.ending import Wrong
from bench.load import BODY
from bench.servers import LiveHub
from revolution_sdk import Json, JsonObject, Secret
from revolution_sdk.webhooks import sign_standard

ANSWER = {"result": "hot: Hello Ada from Acme"}
NAME = "{{ trigger.data.contact.firstname | 'there' }}"
COMPANY = "{{ trigger.data.contact.company | 'your company' }}"


def yardstick(answer: str) -> JsonObject:
    """Return the three steps: a greeting and a number, a condition, the result."""
    return {
        "name": f"yardstick {answer}",
        "on": [{"webhook": {"auth": "standard-webhooks", "answer": answer}}],
        "steps": [
            {
                "id": "greet",
                "set": {
                    "greeting": f"Hello {NAME} from {COMPANY}",
                    "score": "{{ trigger.data.contact.score }}",
                },
            },
            {
                "id": "hot",
                "if": "{{ vars.score >= 50 }}",
                "then": [{"id": "result", "respond": {"body": {"result": "hot: {{ vars.greeting }}"}}}],
                "else": [{"id": "cold", "respond": {"body": {"result": "cold: {{ vars.greeting }}"}}}],
            },
        ],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A tenant and its key."""

    hub: LiveHub
    tenant_id: str
    key: str

    def ask(self, method: str, path: str, body: Json = None) -> Json:
        """Ask the API as this tenant."""
        return self.hub.ask(method, path, body, key=self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where a published workflow listens, and what its deliveries are signed with."""

    workflow_id: str
    url: str
    secret: Secret

    def signed(self, message_id: str, sent_s: int, body: bytes = BODY) -> dict[str, str]:
        """Return the headers of one delivery."""
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(sent_s),
            "webhook-signature": sign_standard(self.secret, message_id, sent_s, body),
        }


def new_member(hub: LiveHub, name: str) -> Member:
    """Create a tenant."""
    made = hub.ask("POST", "/api/tenants", {"name": name})
    return Member(hub=hub, tenant_id=made["id"], key=made["api_key"])


def publish(member: Member, document: JsonObject) -> Hook:
    """Publish a workflow with a signed webhook."""
    made = member.ask("POST", "/api/workflows", {"document": document})
    published = member.ask("POST", f"/api/workflows/{made['id']}/publish")
    return Hook(workflow_id=made["id"], url=published["hook_url"], secret=Secret(published["signing_secret"]))


def probe(hook: Hook, message_id: str, sent_s: int) -> None:
    """Post once and hold the answer against what the workflow must say."""
    answer = httpx2.post(
        hook.url, content=BODY, headers=hook.signed(message_id, sent_s), timeout=60, trust_env=False
    )
    if (answer.status_code, answer.json()) != (200, ANSWER):
        raise Wrong(f"the webhook answered {answer.status_code} {answer.text[:300]}")
