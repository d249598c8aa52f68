"""A person agrees on Salesforce's consent page: the hub's own questions, answered by the sandbox."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from revolution_hub.vault.codes import Answered, Page, consent_url, exchanged, new_verifier, revoke
from revolution_hub.vault.grants import renewed
from revolution_hub.vault.token_endpoint import OAuthClient
from revolution_salesforce.auth import OAUTH
from revolution_salesforce.connector import salesforce
from revolution_salesforce.sandbox import sandbox
from revolution_sdk import CredentialError
from revolution_sdk.sandbox import RunningSandbox, run_sandbox
from revolution_sdk.testing import make_context

BACK = "http://127.0.0.1:8400/api/integrations/salesforce/callback"
APP = OAuthClient(client_id="sandbox-client", client_secret="sandbox-client-secret")


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with run_sandbox(sandbox()) as served:
        yield served


@pytest.fixture
def http(running: RunningSandbox) -> Iterator[httpx2.Client]:
    """Reaches the sandbox in the login host's place, as the hub's token client does."""
    with make_context(salesforce, running.base_url).http as client:
        yield client


def agreed(running: RunningSandbox, verifier: str) -> str:
    """Open the hub's consent address, agree, and return the code the browser comes back with."""
    address = consent_url(
        OAUTH,
        Page(address=running.url + urlsplit(OAUTH.authorize_url).path, redirect_uri=BACK),
        APP.client_id,
        scopes=list(OAUTH.scopes),
        state="state-1",
        verifier=verifier,
    )
    page = httpx2.get(address, trust_env=False)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    answer = httpx2.post(address, data={"action": "accept"}, trust_env=False)
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == ["state-1"]
    return back["code"][0]


def test_a_grant_has_the_org_and_its_address_and_ends_when_it_is_revoked(
    running: RunningSandbox, http: httpx2.Client
) -> None:
    now, verifier = datetime.now(UTC), new_verifier()
    answered = Answered(code=agreed(running, verifier), verifier=verifier, redirect_uri=BACK)
    grant = exchanged(http, OAUTH, APP, answered, now)
    assert (grant.account, grant.document["base_url"]) == ("00DSB0000000001MAA", running.url)
    assert set(OAUTH.scopes) == set(grant.scopes or [])
    assert grant.document["expires_at"] is None
    again = renewed(http, OAUTH, APP, grant.document, now)
    assert again.document["refresh_token"] == grant.document["refresh_token"]
    assert revoke(http, OAUTH, APP, again.document) is None
    with pytest.raises(CredentialError, match="expired access/refresh token"):
        renewed(http, OAUTH, APP, again.document, now)
    with pytest.raises(CredentialError, match="expired authorization code"):
        exchanged(http, OAUTH, APP, answered, now)
