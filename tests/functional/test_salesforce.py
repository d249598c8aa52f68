"""Salesforce through a hub: the API is where the token says, ended sessions are renewed, records are seen."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rig.hub import LiveHub, Team, start_hub
from rig.site import wait_until

from revolution_salesforce.sandbox import sandbox
from revolution_sdk.sandbox import RunningSandbox, run_sandbox

LEAD = {"last_name": "Lovelace", "company": "Engines"}
SEEN = {
    "name": "seen",
    "on": [{"event": "crm.contact.created"}],
    "steps": [
        {"id": "who", "set": {"email": "{{ trigger.data.email }}", "company": "{{ trigger.data.company }}"}}
    ],
}


class Login:
    """The application of a login host: everything but the API."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith("/services/data"):
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": b'[{"errorCode": "NOT_FOUND"}]'})
            return
        await self.app(scope, receive, send)


class Org:
    """An org whose login host and API are at two addresses, and a team that is connected to it."""

    def __init__(self, hub: LiveHub, login: RunningSandbox, api: RunningSandbox) -> None:
        self.hub, self.login, self.api = hub, login, api
        made = hub.ask("POST", "/api/tenants", {"name": "sales"})
        self.team = Team(hub=hub, key=made["api_key"], tenant_id=made["id"])
        self.app = self.team.ask("POST", "/api/integrations/salesforce/apps", login.sandbox.app)["id"]

    def connect(self, **body: Any) -> Any:
        wanted = {"base_url": self.login.base_url, **body}
        return self.team.ask("POST", "/api/integrations/salesforce/connections", wanted)

    def control(self, path: str, **value: Any) -> Any:
        answer = httpx2.post(f"{self.login.url}/_sandbox/{path}", json=value, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def run(self, action: str, **value: Any) -> Any:
        path = f"/api/integrations/salesforce/actions/{action}"
        started = self.team.ask("POST", path, {"input": value})
        ended = self.team.wait_for_end(started["execution_id"])
        assert ended["status"] == "succeeded", ended
        return ended["steps"][0]["output"]

    def seen(self, email: str) -> list[Any]:
        """The executions that were started by a lead with this address."""
        found = [self.hub.execution(one["id"], self.team.key) for one in self.team.executions()]
        leads = [one for one in found if (one["trigger"] or {}).get("type") == "salesforce.lead.created"]
        return [one for one in leads if one["trigger"]["data"]["email"] == email]

    def calls(self, operation: str) -> list[Any]:
        return self.login.sandbox.calls(operation)


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    box = sandbox()
    with ExitStack() as stack:
        login = stack.enter_context(run_sandbox(box, around=Login))
        api = stack.enter_context(run_sandbox(box))
        hub = start_hub(tmp_path_factory.mktemp("hub"), f"{login.host},{api.host}")
        stack.callback(hub.stop)
        made = Org(hub, login, api)
        made.control("instance", url=api.url)
        made.connect(credential=login.sandbox.connection, app=made.app)
        yield made


def test_the_api_is_where_the_token_says_and_an_ended_session_is_renewed_once(org: Org) -> None:
    # Given a connection made at the login host, where there is no API
    first = org.run("create_lead", **LEAD)
    before = len(org.calls("token"))
    # When the session ends
    org.control("tokens/expire")
    # Then it is renewed once, and what was asked is done once
    org.run("update_lead", id=first["id"], email="ada@example.com")
    assert len(org.calls("token")) - before == 1
    assert [one.status for one in org.calls("update")] == [401, 204]
    found = org.run("query_records", soql="SELECT Email FROM Lead WHERE Id = :id", params={"id": first["id"]})
    assert found["records"] == [{"Email": "ada@example.com"}]


def test_a_certificate_signs_for_a_user_through_the_hub(org: Org) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    org.control("tokens/key", modulus=str(numbers.n), exponent=str(numbers.e))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    credential = {"issuer": "sandbox-client", "subject": "sandbox@example.com", "private_key": pem}
    made = org.connect(auth="jwt_bearer", name="robot", credential=credential)
    assert made["status"] == "connected"
    document = {
        "name": "robot",
        "steps": [
            {"id": "left", "uses": "salesforce.get_limits", "with": {}, "connection": "robot"},
        ],
    }
    ended = org.team.wait_for_end(org.team.start(document))
    assert ended["status"] == "succeeded", ended
    assert ended["steps"][0]["output"]["requests_max"] == 5000


def test_a_lead_somebody_enters_starts_what_listens(org: Org) -> None:
    # Given a workflow that waits for new people, whatever the provider
    org.team.publish(SEEN)
    listed = org.team.ask("GET", "/api/polls")["items"]
    polls = [one for one in listed if one["poll"] == "salesforce.poll_lead_created"]
    wait_until(
        lambda: all(org.team.ask("GET", f"/api/polls/{one['id']}")["polled_at"] for one in polls),
        "the first look is done",
    )
    # When somebody enters a lead
    fields = {"LastName": "Byron", "Company": "Poems", "Email": "byron@example.com"}
    org.control("records", object="Lead", fields=fields)
    for one in polls:
        org.team.ask("POST", f"/api/polls/{one['id']}/run")

    # Then each connection sees it once, by the neutral name
    wait_until(lambda: len(org.seen("byron@example.com")) == len(polls), "it is seen")
    for one in org.seen("byron@example.com"):
        ended = org.team.wait_for_end(one["id"])
        assert ended["steps"][0]["output"] == {"email": "byron@example.com", "company": "Poems"}
