"""The check of a HubSpot connection: a grant that holds, and one that does not."""

import json

import httpx2
import pytest

from revolution_hubspot.check import check_account
from revolution_hubspot.connector import hubspot
from revolution_sdk import ActionContext, CredentialError, Json, RetryableError
from revolution_sdk.testing import make_context


def answering(status: int, body: Json) -> ActionContext:
    answer = httpx2.MockTransport(lambda request: httpx2.Response(status, content=json.dumps(body).encode()))
    return make_context(hubspot, transport=answer)


def test_the_connector_has_it() -> None:
    assert hubspot.checked_by is check_account


def test_an_account_that_can_be_reached_shows_nothing_of_its_contacts(ctx: ActionContext) -> None:
    assert check_account(ctx) == {}


@pytest.mark.parametrize(("status", "body"), [(404, {}), (403, {"category": "MISSING_SCOPES"})])
def test_a_refusal_that_only_a_good_grant_is_given_is_fine(status: int, body: Json) -> None:
    assert check_account(answering(status, body)) == {}


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialError), (429, RetryableError)])
def test_everything_else_is_told(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        check_account(answering(status, {}))
