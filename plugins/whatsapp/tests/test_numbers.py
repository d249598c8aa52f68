"""The number of a connection, and subscribing to what happens at its business account."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_sdk import ActionContext, RejectedError
from revolution_sdk.errors import UnknownOutcomeError
from revolution_sdk.sandbox import Fault, RunningSandbox
from revolution_whatsapp.actions.numbers import get_phone_number, subscribe_app
from revolution_whatsapp.connector import whatsapp


def test_a_number_is_read_with_its_quality(ctx: ActionContext) -> None:
    found = get_phone_number(ctx, {})
    Draft202012Validator(whatsapp.actions["get_phone_number"].output).validate(found)
    assert found == {
        "id": "106540352242922",
        "number": "15550783881",
        "name": "Jaspers Market",
        "quality": "GREEN",
    }


def test_a_number_that_is_not_there_is_refused(new_context: Callable[..., ActionContext]) -> None:
    account = {"phone_number_id": "7", "business_account_id": "8"}
    for action in (get_phone_number, subscribe_app):
        with pytest.raises(RejectedError) as caught:
            action(new_context(account=account), {})
        assert (caught.value.code, caught.value.details["subcode"]) == ("request_invalid", 33)


def test_a_business_account_is_subscribed_however_often(
    ctx: ActionContext, control: Callable[..., Any], running: RunningSandbox
) -> None:
    assert control("subscribed") == []
    running.sandbox.faults.add(Fault(operation="subscribe_app", kind="withhold", status=500))
    with pytest.raises(UnknownOutcomeError):
        subscribe_app(ctx, {})
    for _ in range(2):
        done = subscribe_app(ctx, {})
        assert done == {"business_account_id": "102290129340398", "subscribed": True}
    assert control("subscribed") == ["102290129340398"]
