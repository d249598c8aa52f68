"""Buttons and lists."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from revolution_sdk import ActionContext, RejectedError
from revolution_whatsapp.actions.interactive import send_buttons, send_list
from revolution_whatsapp.connector import whatsapp

YES, NO = {"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}


def rows(count: int, start: int = 0) -> list[dict[str, str]]:
    return [{"id": f"r{n}", "title": f"Row {n}"} for n in range(start, start + count)]


def test_buttons_arrive_as_whatsapp_wants_them(
    ctx: ActionContext, control: Callable[..., Any], wrote: str
) -> None:
    value = {"to": wrote, "text": "Shall we?", "buttons": [YES, NO], "header": "Meeting", "footer": "Acme"}
    Draft202012Validator(whatsapp.actions["send_buttons"].input).validate(value)
    send_buttons(ctx, value)
    assert control("messages")[0]["body"]["interactive"] == {
        "type": "button",
        "header": {"type": "text", "text": "Meeting"},
        "body": {"text": "Shall we?"},
        "footer": {"text": "Acme"},
        "action": {"buttons": [{"type": "reply", "reply": YES}, {"type": "reply", "reply": NO}]},
    }


def test_a_list_arrives_as_whatsapp_wants_it(
    ctx: ActionContext, control: Callable[..., Any], wrote: str
) -> None:
    sections = [{"title": "A", "rows": rows(5)}, {"title": "B", "rows": rows(5, 5)}]
    value = {"to": wrote, "text": "Which?", "button": "Choose", "sections": sections}
    Draft202012Validator(whatsapp.actions["send_list"].input).validate(value)
    send_list(ctx, value)
    sent = control("messages")[0]["body"]["interactive"]
    assert sent == {
        "type": "list",
        "body": {"text": "Which?"},
        "action": {"button": "Choose", "sections": sections},
    }


@pytest.mark.parametrize(
    ("buttons", "told"),
    [
        ([YES, {"id": "yes", "title": "Also"}], "the id 'yes'"),
        ([YES, {"id": "y2", "title": "Yes"}], "the title"),
    ],
)
def test_buttons_that_are_alike_are_refused_before_the_call(
    ctx: ActionContext, buttons: Any, told: str
) -> None:
    with pytest.raises(RejectedError, match=told) as caught:
        send_buttons(ctx, {"to": "16505551234", "text": "?", "buttons": buttons})
    assert (caught.value.code, caught.value.details) == ("request_invalid", {"field": "buttons"})


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ([{"title": "A", "rows": rows(6)}, {"title": "B", "rows": rows(5, 6)}], "11 rows"),
        ([{"rows": rows(1)}, {"title": "B", "rows": rows(1, 1)}], "needs a title"),
        ([{"rows": [*rows(1), *rows(1)]}], "'r0' is there twice"),
    ],
)
def test_lists_whatsapp_would_refuse_are_refused_before_the_call(
    ctx: ActionContext, sections: Any, told: str
) -> None:
    with pytest.raises(RejectedError, match=told):
        send_list(ctx, {"to": "16505551234", "text": "?", "button": "Go", "sections": sections})


@pytest.mark.parametrize(
    ("action", "change"),
    [
        ("send_buttons", {"buttons": []}),
        ("send_buttons", {"buttons": [YES, NO, {"id": "a", "title": "A"}, {"id": "b", "title": "B"}]}),
        ("send_buttons", {"buttons": [{"id": "a", "title": "A title that is too long"}]}),
        ("send_buttons", {"text": "x" * 1025}),
        ("send_buttons", {"footer": "x" * 61}),
        ("send_list", {"sections": []}),
        ("send_list", {"sections": [{"rows": []}]}),
        ("send_list", {"button": "x" * 21}),
    ],
)
def test_the_limits_are_in_the_schema(action: str, change: dict[str, Any]) -> None:
    good = {"to": "16505551234", "text": "?"}
    good |= (
        {"buttons": [YES]} if action == "send_buttons" else {"button": "Go", "sections": [{"rows": rows(1)}]}
    )
    validator = Draft202012Validator(whatsapp.actions[action].input)
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, **change})
