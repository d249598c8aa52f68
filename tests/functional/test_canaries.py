"""Canaries: a secret in every field, everything run and failed, and then none of them found anywhere (L1).

Real processes, on SQLite, and on PostgreSQL with Redis. Searched are every row of the database, its files,
Redis, the log, the data folder, exports and answers of the API: for each secret as it is, in base64, URL and
hex.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from rig.hub import HTTP, LiveHub
from rig.mirror import PLUGIN, Mirror, mirror

from revolution_hub.model.masking import spellings
from revolution_hub.store import tables as t
from revolution_hub.store.tx import Store
from revolution_hub.vault.master_key import read_key_file

WAYS = ("body", "encoded", "header", "redirect", "failed", "rejected", "unknown", "bug", "log", "thread")
OTHER_WAYS = ("record", "emit")
OIDC_SECRET = "canary-oidc-client-secret-81b"
PASSWORD = "canary password of Ada 5521"
OWN_FILES = {"master.key", "api-key"}
"""Files that are there to hold a secret, with mode 0600."""


@pytest.fixture(params=["embedded", "distributed"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """Where the hub keeps its data."""
    if request.param == "embedded":
        return {}
    return {
        "REVOLUTION_DATABASE_URL": request.getfixturevalue("database"),
        "REVOLUTION_BROKER_URL": request.getfixturevalue("redis_server").url,
    }


@pytest.fixture
def provider() -> Iterator[Mirror]:
    """A provider that sends back whatever it is sent."""
    with mirror() as made:
        yield made


class Canaries:
    """What was planted, by where."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def plant(self, where: str, secret: str) -> str:
        assert len(secret) >= 16, where
        self.planted[where] = secret
        return secret

    def require_none(self, text: str, place: str, *, but: tuple[str, ...] = ()) -> None:
        """Assert that nothing of what was planted is in this text, in any spelling."""
        for where, secret in self.planted.items():
            if where not in but:
                found = [one for one in spellings(secret) if one in text]
                assert not found, f"the {where} is in {place}"


def set_up(hub: LiveHub, provider: Mirror, canaries: Canaries) -> str:
    """Plant a secret wherever one can be handed in or is made; return the workflow's id."""
    canaries.plant("first API key", hub.key)
    canaries.plant("OIDC client secret", OIDC_SECRET)
    secret = canaries.plant("app secret", "canary-app-client-secret-77c")
    app = hub.ask("POST", "/api/integrations/mirrored/apps", {"client_id": "client", "client_secret": secret})
    key = canaries.plant("connection's API key", "canary-connection-key-a1/b+c=")
    body = {"credential": {"api_key": key}, "base_url": provider.url}
    hub.ask("POST", "/api/integrations/mirror/connections", body)
    token = canaries.plant("refresh token", "canary-first-refresh-token-9d")
    oauth = {"credential": {"refresh_token": token}, "base_url": provider.url, "app": app["id"]}
    hub.ask("POST", "/api/integrations/mirrored/connections", oauth)
    refused = canaries.plant("refused token", "canary-refused-refresh-token-2e")
    wrong = oauth | {"credential": {"refresh_token": refused}, "name": "wrong"}
    answer = hub.call("POST", "/api/integrations/mirrored/connections", wrong)
    assert answer.status_code == 422, answer.text
    canaries.require_none(answer.text, "the refusal of a credential")
    rotated = canaries.plant("rotated app secret", "canary-app-client-secret-new-5")
    path = f"/api/integrations/mirrored/apps/{app['id']}/secret"
    hub.ask("PUT", path, {"client_secret": rotated})
    made = hub.ask("POST", "/api/keys", {"name": "narrow", "role": "viewer"})
    canaries.plant("API key", made["api_key"])
    return webhook(hub, canaries)


def webhook(hub: LiveHub, canaries: Canaries) -> str:
    """Publish a workflow with a webhook whose secret is a canary."""
    document = {
        "name": "echo",
        "on": [{"webhook": {}}],
        "steps": [{"id": "say", "set": {"n": "{{ trigger.data.n | 0 }}"}}],
    }
    made = hub.ask("POST", "/api/workflows", {"document": document})
    hub.ask("POST", f"/api/workflows/{made['id']}/publish")
    rotated = hub.ask("POST", f"/api/workflows/{made['id']}/webhook/rotate", {"what": ["secret"]})
    secrets = [one for name, one in _texts(rotated) if "secret" in name and len(one) >= 16]
    assert secrets, rotated
    canaries.plant("webhook secret", secrets[0])
    return str(made["id"])


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    for key, member in value.items() if isinstance(value, dict) else ():
        yield from _texts(member, key)
    for member in value if isinstance(value, list) else ():
        yield from _texts(member, name)


def join(hub: LiveHub, canaries: Canaries) -> None:
    """Let somebody come in by an invitation, sign in, and fail to."""
    invited = hub.ask("POST", "/api/invitations", {"email": "ada@example.com", "role": "owner"})
    token = canaries.plant("invitation", invited["token"])
    page = {"origin": hub.url, "sec-fetch-site": "same-origin"}
    body = {"token": token, "name": "Ada", "password": canaries.plant("password", PASSWORD)}
    answer = HTTP.post(f"{hub.url}/api/invitations/accept", json=body, headers=page)
    assert answer.status_code == 201, answer.text
    cookie = next(text.partition(";")[0] for text in answer.headers.get_list("set-cookie"))
    canaries.plant("session", cookie.partition("=")[2])
    canaries.plant("session's token", answer.json()["csrf_token"])
    wrong = canaries.plant("wrong password", "canary wrong password 9981")
    refused = HTTP.post(
        f"{hub.url}/api/session", json={"email": "ada@example.com", "password": wrong}, headers=page
    )
    assert refused.status_code == 401, refused.text


def run_everything(hub: LiveHub, canaries: Canaries) -> None:
    """Run every way in which a provider's answer with the secret in it may end, through both connections."""
    for ways in ((*WAYS, *OTHER_WAYS), ("refused",)):
        # Once a credential was refused its connection is used no more, so that comes last.
        started = [(how, start(hub, name, how)) for name in ("mirror", "mirrored") for how in ways]
        for how, execution_id in started:
            settled = hub.wait_for(execution_id, lambda one: one["status"] not in ("queued", "running"))
            canaries.require_none(json.dumps(settled), f"the execution of {how}")
            assert (settled["status"] == "waiting") == (how == "refused"), settled


def start(hub: LiveHub, connector: str, how: str) -> str:
    """Publish a workflow that calls the provider in this way, and start it."""
    step = {
        "id": "act",
        "uses": f"{connector}.show_mirror",
        "with": {"how": how},
        "retry": {"attempts": 1},
    }
    made = hub.ask("POST", "/api/workflows", {"document": {"name": f"{connector} {how}", "steps": [step]}})
    hub.ask("POST", f"/api/workflows/{made['id']}/publish")
    return str(hub.ask("POST", f"/api/workflows/{made['id']}/execute", {})["execution_id"])


def ask_everything(hub: LiveHub, canaries: Canaries, workflow_id: str) -> None:
    """Look at every list and page of the API, and take the audit log out."""
    paths = ["/api/health", "/api/workflows?limit=200", "/api/workflow-executions?limit=200", "/api/events"]
    paths += ["/api/deliveries", "/api/audit?limit=200", "/api/audit/export?format=csv", "/api/keys"]
    paths += [f"/api/integrations/{one}/connections" for one in ("mirror", "mirrored")]
    paths += [
        "/api/integrations",
        "/api/integrations/mirrored",
        "/api/members",
        "/api/invitations",
        "/api/usage",
    ]
    paths += [
        f"/api/workflows/{workflow_id}/webhook",
        "/openapi.json",
        "/api/openapi.json",
        "/docs",
        "/metrics",
    ]
    seen = 0
    for path in paths:
        answer = hub.call("GET", path)
        assert answer.status_code < 500, path
        seen += answer.status_code == 200
        canaries.require_none(answer.text, path)
    assert seen >= 12, seen


def database_text(url: str) -> str:
    """Return every row of the database as text, bytes both as hex and as they read."""
    store = Store(url)
    try:
        with store.read_across() as tx:
            rows = [row for table in t.metadata.sorted_tables for row in tx.conn.execute(sa.select(table))]
    finally:
        store.close()
    assert len(rows) > 100
    return "\n".join(
        f"{tuple(row)!r} {' '.join(one.hex() for one in row if isinstance(one, bytes))}" for row in rows
    )


def redis_text(url: str) -> str:
    """Return everything Redis holds, as it dumps it."""
    client = redis.Redis.from_url(url)
    try:
        return "\n".join(f"{key!r} {client.dump(key)!r}" for key in client.scan_iter())
    finally:
        client.close()


def test_no_canary_is_found_anywhere(
    tmp_path: Path, other_hub: Callable[..., LiveHub], provider: Mirror, settings: dict[str, str]
) -> None:
    canaries = Canaries()
    oidc = [
        {
            "name": "corp",
            "issuer": "https://login.example.com",
            "client_id": "hub",
            "client_secret": OIDC_SECRET,
        }
    ]
    hub = other_hub(
        tmp_path,
        provider.host,
        PYTHONPATH=str(PLUGIN),
        REVOLUTION_OIDC=json.dumps(oidc),
        REVOLUTION_PLAIN_COOKIES="true",
        **settings,
    )
    # Given a secret in every field, when everything is run, failures included
    try:
        workflow_id = set_up(hub, provider, canaries)
        join(hub, canaries)
        run_everything(hub, canaries)
        for number, token in enumerate(provider.given):
            canaries.plant(f"token {number}", token)
        assert len(provider.given) >= 4
        ask_everything(hub, canaries, workflow_id)
        if settings:
            canaries.require_none(redis_text(settings["REVOLUTION_BROKER_URL"]), "Redis")
    finally:
        hub.stop()
    key = read_key_file(tmp_path / "master.key")[0]
    canaries.plant("master key in hex", key.reveal().hex())
    # Then none is in the database, the log, or any file beside
    kept = database_text(settings.get("REVOLUTION_DATABASE_URL", f"sqlite:///{tmp_path / 'hub.db'}"))
    canaries.require_none(kept, "the database")
    assert "[redacted]" in kept
    log = (tmp_path / "hub.log").read_text(errors="replace")
    assert log.count("the provider says") == 4
    # The first key is printed at the start as long as its file is there; that is documented.
    canaries.require_none(log, "the log", but=("first API key",))
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name not in {*OWN_FILES, "hub.log"}:
            canaries.require_none(path.read_bytes().decode("latin-1"), path.name)
