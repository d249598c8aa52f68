"""The contract is alive: it refuses a wrong request of every operation, and takes the right one."""

from collections.abc import MutableMapping
from typing import Any

import httpx2
import pytest
from openapi_core import OpenAPI

from revolution_hubspot.client import API_VERSION, CONTACTS_PATH, TOKEN_PATH
from revolution_sdk import Json
from revolution_sdk.testing.contract import ContractValidator

pytestmark = pytest.mark.contract

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def validator(contract: OpenAPI | None) -> ContractValidator:
    if contract is None:
        pytest.skip("HubSpot's contract is not here; name its folder in REVOLUTION_CONTRACTS")
    return ContractValidator(_nobody, contract, "https://api.hubapi.com")


async def _nobody(*args: object) -> None:
    raise AssertionError("nothing is sent")


def test_the_contract_is_of_the_version_the_client_speaks(contract: OpenAPI | None) -> None:
    if contract is None:
        pytest.skip("HubSpot's contract is not here; name its folder in REVOLUTION_CONTRACTS")
    assert contract.spec["info"]["version"] == API_VERSION


@pytest.mark.parametrize(
    ("body", "kind", "refused"),
    [
        (b"grant_type=refresh_token&refresh_token=x&client_id=a&client_secret=b", FORM, False),
        (b"grant_type=magic&refresh_token=x&client_id=a&client_secret=b", FORM, True),
        (b"refresh_token=x&client_id=a&client_secret=b", FORM, True),
        (b'{"grant_type": "refresh_token"}', "application/json", True),
    ],
)
def test_token(validator: ContractValidator, body: bytes, kind: str, refused: bool) -> None:
    assert validator.refuses("POST", TOKEN_PATH, body=body, content_type=kind) is refused


@pytest.mark.parametrize(
    ("query", "refused"),
    [("properties=email%2Cfirstname", False), ("properties=email&archived=perhaps", True)],
)
def test_get_contact(validator: ContractValidator, query: str, refused: bool) -> None:
    assert validator.refuses("GET", f"{CONTACTS_PATH}/512", query=query) is refused


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"properties": {"email": "a@example.com"}, "associations": []}, False),
        ({"properties": {"email": 7}, "associations": []}, True),
        ({"props": {"email": "a@example.com"}, "associations": []}, True),
        ({"properties": {"email": "a@example.com"}}, True),
    ],
)
def test_create_contact(validator: ContractValidator, body: Json, refused: bool) -> None:
    assert validator.refuses("POST", CONTACTS_PATH, body=body) is refused


@pytest.mark.parametrize(
    "body",
    [
        {"properties": {"email": 7}, "associations": []},
        {"props": {"email": "a@example.com"}, "associations": []},
        {"properties": {"email": "a@example.com"}},
    ],
)
def test_the_sandbox_refuses_what_the_contract_refuses(api: httpx2.Client, body: Json) -> None:
    assert api.post(CONTACTS_PATH, json=body).status_code == 400


def test_a_call_without_a_token_breaks_the_contract(validator: ContractValidator) -> None:
    scope = {"method": "GET", "path": f"{CONTACTS_PATH}/512", "query_string": b"", "headers": []}
    sent: list[MutableMapping[str, Any]] = [{"type": "http.response.start", "status": 200, "headers": []}]
    assert "not authorized" in validator.check(scope, b"", sent)
