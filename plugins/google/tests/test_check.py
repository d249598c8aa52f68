"""The check of a Google connection: whose it is, or why it does not work."""

from collections.abc import Callable

import httpx2
import pytest

from revolution_google.check import check_account
from revolution_google.connector import google
from revolution_sdk import ActionContext, CredentialError, Json, RejectedError
from revolution_sdk.testing import make_context


def answering(status: int, body: Json) -> ActionContext:
    answer = httpx2.MockTransport(lambda request: httpx2.Response(status, json=body))
    return make_context(google, transport=answer)


def refusal(reason: str) -> Json:
    return {"error": {"code": 403, "message": "No.", "errors": [{"reason": reason, "message": "No."}]}}


def test_it_says_whose_account_it_is(context: Callable[..., ActionContext]) -> None:
    found = check_account(context())
    assert google.checked_by is check_account
    assert "@" in found["email"]


def test_a_grant_that_is_for_something_else_holds() -> None:
    assert check_account(answering(403, refusal("insufficientPermissions"))) == {}


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialError), (403, RejectedError)])
def test_everything_else_is_told(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        check_account(answering(status, refusal("domainPolicy")))
