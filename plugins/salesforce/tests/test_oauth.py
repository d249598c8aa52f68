"""Authorizing: consent with PKCE, refresh with and without rotation, revocation, certificates."""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from revolution_salesforce.auth import JWT, OAUTH
from revolution_salesforce.connector import salesforce
from revolution_sdk import Json, JsonObject
from revolution_sdk.sandbox import RunningSandbox

Control = Callable[..., Any]
APP = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
VERIFIER = "v" * 64
BACK = "http://127.0.0.1:8400/api/integrations/salesforce/callback"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "sandbox-client",
    "redirect_uri": BACK,
    "scope": "api refresh_token id",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def token(running: RunningSandbox, **form: str) -> httpx2.Response:
    """Ask the token endpoint."""
    return httpx2.post(f"{running.url}/services/oauth2/token", data={**APP, **form})


def agreed(running: RunningSandbox, action: str = "accept", **asked: str) -> dict[str, str]:
    """Answer the consent page and return what the browser comes back with."""
    params = {**ASKED, **asked}
    url = f"{running.url}/services/oauth2/authorize"
    page = httpx2.get(url, params=params)
    assert (page.status_code, "api" in page.text) == (200, True)
    answer = httpx2.post(url, params=params, data={"action": action})
    assert answer.status_code == 302
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def traded(running: RunningSandbox, code: str, **form: str) -> httpx2.Response:
    """Trade a code."""
    wanted = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, **form}
    return token(running, grant_type="authorization_code", **wanted)


def who(running: RunningSandbox, access_token: str) -> httpx2.Response:
    """Ask whose token it is."""
    headers = {"authorization": f"Bearer {access_token}"}
    return httpx2.get(f"{running.url}/services/oauth2/userinfo", headers=headers)


def test_both_ways_are_declared_with_the_address_of_the_api() -> None:
    assert salesforce.auths == (OAUTH, JWT)
    assert OAUTH.base_url_field == JWT.base_url_field == "instance_url"
    assert {"api", "refresh_token"} <= set(OAUTH.scopes)
    assert (JWT.needs_subject, JWT.scope_claim, JWT.audience) == (True, False, "https://login.salesforce.com")


def test_a_person_agrees_and_the_code_is_good_once(running: RunningSandbox) -> None:
    back = agreed(running)
    assert back["state"] == "s"
    answer = traded(running, back["code"]).json()
    assert (answer["instance_url"], "expires_in" in answer) == (running.url, False)
    assert answer["scope"] == "api refresh_token id"
    assert who(running, answer["access_token"]).json()["organization_id"].startswith("00D")
    assert (
        token(running, grant_type="refresh_token", refresh_token=answer["refresh_token"]).status_code == 200
    )
    assert traded(running, back["code"]).json()["error"] == "invalid_grant"


def test_somebody_says_no(running: RunningSandbox) -> None:
    assert agreed(running, "deny")["error"] == "access_denied"


@pytest.mark.parametrize("wrong", [{"code_verifier": "w" * 64}, {"redirect_uri": "http://127.0.0.1:1/other"}])
def test_a_code_is_worth_nothing_without_its_proof(wrong: dict[str, str], running: RunningSandbox) -> None:
    answer = traded(running, agreed(running)["code"], **wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"response_type": "token"},
        {"redirect_uri": "javascript:alert(1)"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
def test_a_wrong_question_shows_no_consent(wrong: dict[str, str], running: RunningSandbox) -> None:
    url = f"{running.url}/services/oauth2/authorize"
    assert httpx2.get(url, params={**ASKED, **wrong}).status_code == 400
    assert httpx2.post(url, params={**ASKED, **wrong}, data={"action": "accept"}).status_code == 400


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "refresh_token", "refresh_token": "none"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "client_secret": "no"}, "invalid_client"),
        ({"grant_type": "refresh_token", "client_id": "no"}, "invalid_client_id"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_the_token_endpoint_refuses(form: dict[str, str], error: str, running: RunningSandbox) -> None:
    answer = token(running, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_with_rotation_the_old_refresh_token_dies(running: RunningSandbox, control: Control) -> None:
    control("tokens/rotation", on=True)
    first = token(running, grant_type="refresh_token", refresh_token="sandbox-refresh").json()
    again = token(running, grant_type="refresh_token", refresh_token="sandbox-refresh")
    assert again.json()["error_description"] == "expired access/refresh token"
    next_one = token(running, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert next_one.status_code == 200


def test_what_is_revoked_is_worth_nothing(running: RunningSandbox) -> None:
    given = token(running, grant_type="refresh_token", refresh_token="sandbox-refresh").json()
    url = f"{running.url}/services/oauth2/revoke"
    for one in (given["access_token"], "sandbox-refresh"):
        assert httpx2.post(url, data={"token": one}).status_code == 200
        assert httpx2.post(url, data={"token": one}).status_code == 400
    assert who(running, given["access_token"]).status_code == 401
    assert token(running, grant_type="refresh_token", refresh_token="sandbox-refresh").status_code == 400


def test_an_ended_session_is_refused_in_salesforces_words(api: httpx2.Client, control: Control) -> None:
    assert api.get("/services/data/v68.0/limits").status_code == 200
    control("tokens/expire")
    answer = api.get("/services/data/v68.0/limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def encoded(raw: bytes) -> str:
    """Return bytes as a part of an assertion."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(key: rsa.RSAPrivateKey, **changed: Json) -> str:
    """Sign an assertion as Salesforce wants it."""
    claims: JsonObject = {
        "iss": "sandbox-client",
        "sub": "sandbox@example.com",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
        **changed,
    }
    parts = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({"alg": "RS256"}, claims)
    ]
    text = b".".join(parts)
    signature = base64.urlsafe_b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).rstrip(b"=")
    return (text + b"." + signature).decode()


def asserted(running: RunningSandbox, assertion: str) -> httpx2.Response:
    """Trade an assertion."""
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    return httpx2.post(f"{running.url}/services/oauth2/token", data=form)


def test_a_certificate_signs_for_a_user(
    running: RunningSandbox, control: Control, key: rsa.RSAPrivateKey
) -> None:
    assert asserted(running, signed(key)).status_code == 400
    numbers = key.public_key().public_numbers()
    control("tokens/key", modulus=str(numbers.n), exponent=str(numbers.e))
    answer = asserted(running, signed(key)).json()
    assert who(running, answer["access_token"]).status_code == 200
    assert "refresh_token" not in answer


@pytest.mark.parametrize(
    "wrong",
    [{"iss": "other"}, {"sub": "other"}, {"aud": "https://evil.example"}, {"exp": 1}, {"exp": 9_999_999_999}],
)
def test_a_wrong_assertion_is_refused(
    wrong: JsonObject, running: RunningSandbox, control: Control, key: rsa.RSAPrivateKey
) -> None:
    numbers = key.public_key().public_numbers()
    control("tokens/key", modulus=str(numbers.n), exponent=str(numbers.e))
    assert asserted(running, signed(key, **wrong)).json()["error"] == "invalid_grant"


def test_an_assertion_of_another_key_is_refused(
    running: RunningSandbox, control: Control, key: rsa.RSAPrivateKey
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key().public_numbers()
    control("tokens/key", modulus=str(other.n), exponent=str(other.e))
    for assertion in (signed(key), "x" * 30, "a.b.c" + "d" * 20):
        assert asserted(running, assertion).json()["error"] == "invalid_grant"
