"""The check of a model's server: whether it takes the key."""

from collections.abc import Callable

import httpx2
import pytest

from revolution_ai.check import check_key
from revolution_ai.connector import ai
from revolution_sdk import ActionContext, CredentialError, RetryableError
from revolution_sdk.sandbox import RunningSandbox
from revolution_sdk.testing import make_context


def answering(status: int) -> ActionContext:
    return make_context(ai, transport=httpx2.MockTransport(lambda request: httpx2.Response(status, json={})))


def test_a_key_that_is_taken_is_fine(ctx: ActionContext) -> None:
    assert ai.checked_by is check_key
    assert check_key(ctx) == {}


def test_another_key_is_refused(running: RunningSandbox, context: Callable[..., ActionContext]) -> None:
    with pytest.raises(CredentialError):
        check_key(context(running, key="wrong"))


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_server_without_a_list_of_models_took_the_key(status: int) -> None:
    assert check_key(answering(status)) == {}


def test_a_server_that_is_busy_says_nothing_about_the_key() -> None:
    with pytest.raises(RetryableError):
        check_key(answering(429))
