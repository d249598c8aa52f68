"""Whose account a token is: asked at the provider, and never taken from whoever hands it in."""

from typing import Any

import httpx2
import pytest

from revolution_hub.vault.identity import attributes, ids_of, proven
from revolution_sdk import ApiKey, Bearer, CredentialError, RejectedError, RetryableError
from revolution_sdk.errors import ConnectorError
from revolution_sdk.schema import string

AUTH = Bearer(
    account={"number_id": string(), "business_id": string()},
    account_field="number_id",
    identity_url="https://api.acme.test/numbers/{number_id}?fields=id",
)
CREDENTIAL = {"token": "t0ken", "number_id": "7", "business_id": "8"}


def provider(answer: Any, asked: list[httpx2.Request] | None = None) -> httpx2.Client:
    def give(request: httpx2.Request) -> httpx2.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer) if isinstance(answer, int) else httpx2.Response(200, json=answer)

    return httpx2.Client(transport=httpx2.MockTransport(give))


def test_the_provider_is_asked_with_the_token_and_its_word_counts() -> None:
    asked: list[httpx2.Request] = []
    assert proven(provider({"id": 7}, asked), AUTH, CREDENTIAL) == "7"
    assert str(asked[0].url) == "https://api.acme.test/numbers/7?fields=id"
    assert asked[0].headers["authorization"] == "Bearer t0ken"


def test_an_id_cannot_change_what_is_asked() -> None:
    asked: list[httpx2.Request] = []
    odd = {**CREDENTIAL, "number_id": "../7?x=1#"}
    with pytest.raises(CredentialError):
        proven(provider({"id": "7"}, asked), AUTH, odd)
    assert asked[0].url.raw_path == b"/numbers/..%2F7%3Fx%3D1%23?fields=id"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"id": "8"}, CredentialError, "other_account"),
        ({}, CredentialError, "other_account"),
        (["7"], CredentialError, "other_account"),
        (400, CredentialError, "credential_refused"),
        (401, CredentialError, "credential_refused"),
        (302, CredentialError, "credential_refused"),
        (429, RetryableError, "token_endpoint"),
        (503, RetryableError, "token_endpoint"),
        (RetryableError("away"), RetryableError, "token_endpoint"),
        (RejectedError("no", code="address_blocked"), RejectedError, "address_blocked"),
    ],
)
def test_whoever_is_not_proven_is_not_connected(answer: Any, kind: type[ConnectorError], code: str) -> None:
    with pytest.raises(kind) as caught:
        proven(provider(answer), AUTH, CREDENTIAL)
    assert caught.value.code == code
    assert "t0ken" not in f"{caught.value} {caught.value.details}"


def test_other_tokens_are_nobodys() -> None:
    assert proven(provider(500), Bearer(), {"token": "t"}) is None
    assert proven(provider(500), ApiKey(), {"api_key": "k"}) is None
    assert (attributes(AUTH), attributes(Bearer()), attributes(ApiKey())) == (True, False, False)


def test_the_token_is_none_of_the_ids() -> None:
    assert ids_of(AUTH, CREDENTIAL) == {"number_id": "7", "business_id": "8"}
    assert ids_of(ApiKey(), {"api_key": "k"}) == {}


@pytest.mark.parametrize(
    "declared",
    [
        {"account": {"id": string()}, "account_field": "id"},
        {"account_field": "id", "identity_url": "https://a.test/"},
        {"account": {"token": string()}},
        {"account": {"pin": {**string(), "writeOnly": True}}},
        {"identity_url": "http://a.test/"},
    ],
)
def test_an_account_that_could_not_be_proven_cannot_be_declared(declared: Any) -> None:
    with pytest.raises(ValueError, match=r"account|secret|https"):
        Bearer(**declared)
