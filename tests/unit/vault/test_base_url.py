"""Where the account's API is, as a token answer says it."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from revolution_hub.vault.grants import names_base_url, renewed
from revolution_hub.vault.token_endpoint import OAuthClient, grant_of
from revolution_sdk import OAuth2, RetryableError
from revolution_sdk.auth import Auth, Bearer, ClientCredentials, JwtBearer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
URL = "https://login.example.com/token"
AUTH = OAuth2(authorize_url=URL, token_url=URL, base_url_field="instance_url")


def kept(body: dict[str, Any], **before: Any) -> dict[str, Any]:
    """What is kept of an answer."""
    return grant_of({"access_token": "a", **body}, before, None, NOW, "instance_url").document


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("https://acme.example.com", "https://acme.example.com"),
        ("https://acme.example.com/", "https://acme.example.com"),
        ("https://acme.example.com:8443/api/", "https://acme.example.com:8443/api"),
        ("http://127.0.0.1:9105", "http://127.0.0.1:9105"),
    ],
)
def test_what_is_said_is_kept(said: str, address: str) -> None:
    assert kept({"instance_url": said})["base_url"] == address


@pytest.mark.parametrize(
    "said",
    [
        None,
        7,
        "",
        "acme.example.com",
        "//acme.example.com",
        "ftp://acme.example.com",
        "https://",
        "https://user:pw@acme.example.com",
        "https://acme.example.com?a=b",
        "https://acme.example.com#a",
        "https://acme.example.com/" + "a" * 400,
        "https://exa\x00mple",
    ],
)
def test_what_is_no_address_makes_no_grant(said: Any) -> None:
    with pytest.raises(RetryableError):
        kept({"instance_url": said})
    with pytest.raises(RetryableError):
        kept({"instance_url": said}, base_url="https://before.example.com")


def test_a_first_answer_must_say_it_and_a_later_one_may_leave_it_out() -> None:
    with pytest.raises(RetryableError):
        kept({})
    assert kept({}, base_url="https://before.example.com")["base_url"] == "https://before.example.com"


def test_without_a_declaration_nothing_of_it_is_kept() -> None:
    made = grant_of({"access_token": "a", "instance_url": "https://x.example.com"}, {}, None, NOW)
    assert "base_url" not in made.document


@pytest.mark.parametrize("answer", [{}, {"instance_url": "https://new.example.com"}])
def test_a_refresh_keeps_the_address_unless_it_moves(answer: dict[str, str]) -> None:
    def serve(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"access_token": "b", **answer})

    document = {"refresh_token": "r", "access_token": "a", "base_url": "https://old.example.com"}
    with httpx2.Client(transport=httpx2.MockTransport(serve)) as http:
        grant = renewed(http, AUTH, OAuthClient(client_id="c", client_secret="s"), document, NOW)
    assert grant.document["base_url"] == answer.get("instance_url", "https://old.example.com")


@pytest.mark.parametrize(
    ("auth", "says"),
    [
        (AUTH, True),
        (JwtBearer(token_url=URL, base_url_field="instance_url"), True),
        (OAuth2(authorize_url=URL, token_url=URL), False),
        (ClientCredentials(token_url=URL), False),
        (Bearer(), False),
    ],
)
def test_who_says_it_is_declared(auth: Auth, says: bool) -> None:
    assert names_base_url(auth) is says
