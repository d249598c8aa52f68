"""Templates: what fills them is held against what they ask for, and a fault sends nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from revolution_sdk import ActionContext, JsonObject, RejectedError
from revolution_whatsapp.actions.templates import list_templates, send_template
from revolution_whatsapp.connector import whatsapp
from revolution_whatsapp.filling import components_of, placeholders

Control = Callable[..., Any]
ORDER = {
    "to": "16505551234",
    "template": "order_update",
    "language": "en_US",
    "params": ["Ada", 17],
    "header_text": "A-17",
    "buttons": [{"index": 0, "value": "a-17"}],
}


def test_a_template_goes_to_somebody_who_has_never_written(ctx: ActionContext, control: Control) -> None:
    Draft202012Validator(whatsapp.actions["send_template"].input).validate(ORDER)
    made = send_template(ctx, ORDER)
    Draft202012Validator(whatsapp.actions["send_template"].output).validate(made)
    assert made["status"] == "accepted"
    assert control("messages")[0]["body"]["template"] == {
        "name": "order_update",
        "language": {"code": "en_US"},
        "components": [
            {"type": "header", "parameters": [{"type": "text", "text": "A-17"}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "17"}]},
            {
                "type": "button",
                "sub_type": "url",
                "index": "0",
                "parameters": [{"type": "text", "text": "a-17"}],
            },
        ],
    }


def test_a_template_that_asks_for_nothing_is_sent_without_components(
    ctx: ActionContext, control: Control
) -> None:
    send_template(ctx, {"to": "16505551234", "template": "hello_world", "language": "en_US"})
    sent = control("messages")[0]["body"]["template"]
    assert sent == {"name": "hello_world", "language": {"code": "en_US"}}


def test_names_and_a_picture_fill_a_template(ctx: ActionContext, control: Control) -> None:
    value = {
        "to": "16505551234",
        "template": "back_in_stock",
        "language": "en_US",
        "params": {"product": "Aloe", "first_name": "Ada"},
        "header_media": {"link": "https://example.com/aloe.jpg"},
    }
    send_template(ctx, value)
    header, body = control("messages")[0]["body"]["template"]["components"]
    assert header["parameters"] == [{"type": "image", "image": {"link": "https://example.com/aloe.jpg"}}]
    assert [(one["parameter_name"], one["text"]) for one in body["parameters"]] == [
        ("first_name", "Ada"),
        ("product", "Aloe"),
    ]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"params": ["Ada"]}, ["params"]),
        ({"params": ["Ada", "1", "2"]}, ["params"]),
        ({"params": {"1": "Ada"}}, ["params.2"]),
        ({"params": {"1": "Ada", "2": "17", "name": "x"}}, ["params.name"]),
        ({"params": ["Ada", " "]}, ["params.2"]),
        ({"header_text": None}, ["header_text"]),
        ({"header_media": {"media_id": "1"}}, ["header_media"]),
        ({"buttons": []}, ["buttons.0"]),
        ({"buttons": [{"index": 0, "value": "a"}, {"index": 0, "value": "b"}]}, ["buttons"]),
        ({"buttons": [{"index": 0, "value": "a"}, {"index": 2, "value": "b"}]}, ["buttons.2"]),
        ({"params": [], "header_text": None, "buttons": []}, ["header_text", "params", "buttons.0"]),
    ],
)
def test_every_fault_is_named_and_nothing_is_sent(
    ctx: ActionContext, control: Control, change: JsonObject, paths: list[str]
) -> None:
    value = {key: one for key, one in {**ORDER, **change}.items() if one is not None}
    with pytest.raises(RejectedError) as caught:
        send_template(ctx, value)
    assert caught.value.code == "template_parameters"
    assert [one["path"] for one in caught.value.details["problems"]] == paths
    assert control("messages") == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"template": "order_updates"}, "did you mean order_update"),
        ({"language": "fr"}, "is there in de, en_US"),
        ({"template": "nothing_alike_xyz"}, "has no template nothing_alike_xyz"),
        ({"template": "order"}, "has no template order"),
    ],
)
def test_a_template_that_is_not_there_names_those_that_are(
    ctx: ActionContext, control: Control, change: JsonObject, told: str
) -> None:
    with pytest.raises(RejectedError, match=told) as caught:
        send_template(ctx, {**ORDER, **change})
    assert caught.value.code == "template_missing"
    assert control("messages") == []


def test_a_template_that_is_not_approved_is_not_sent(ctx: ActionContext, control: Control) -> None:
    with pytest.raises(RejectedError, match="PAUSED") as caught:
        send_template(ctx, {"to": "16505551234", "template": "old_offer", "language": "en_US"})
    assert (caught.value.code, control("messages")) == ("template_not_approved", [])


def test_templates_are_listed_page_by_page(ctx: ActionContext) -> None:
    names, value = [], {"limit": 2}
    for _ in range(3):
        page = list_templates(ctx, value)
        Draft202012Validator(whatsapp.actions["list_templates"].output).validate(page)
        names += [(one["name"], one["language"]) for one in page["templates"]]
        value = {"limit": 2, "cursor": page["cursor"]}
    assert page["cursor"] is None
    assert names[:3] == [("hello_world", "en_US"), ("order_update", "en_US"), ("order_update", "de")]
    assert len(names) == 5


def test_templates_are_found_by_their_whole_name_and_status(ctx: ActionContext) -> None:
    found = list_templates(ctx, {"name": "order_update"})["templates"]
    assert [one["parameters"] for one in found] == [["1", "2"], ["1", "2"]]
    assert list_templates(ctx, {"name": "order"})["templates"] == []
    assert [one["name"] for one in list_templates(ctx, {"status": "PAUSED"})["templates"]] == ["old_offer"]


BUTTONS = [
    {"type": "QUICK_REPLY", "text": "Stop"},
    {"type": "COPY_CODE", "text": "Copy"},
    {"type": "PHONE_NUMBER", "text": "Call"},
    {"type": "URL", "text": "Site", "url": "https://example.com"},
    {"type": "OTP", "text": "Code"},
]


def test_each_kind_of_button_is_filled_its_own_way() -> None:
    template = {"name": "x", "components": [{"type": "BUTTONS", "buttons": BUTTONS}]}
    given = [{"index": index, "value": f"v{index}"} for index in (0, 1, 4)]
    found = components_of(template, {"buttons": given})
    assert [(one["index"], one["sub_type"], one["parameters"][0]) for one in found] == [
        ("0", "quick_reply", {"type": "payload", "payload": "v0"}),
        ("1", "copy_code", {"type": "coupon_code", "coupon_code": "v1"}),
        ("4", "url", {"type": "text", "text": "v4"}),
    ]
    with pytest.raises(RejectedError, match="takes no value"):
        components_of(template, {"buttons": [*given, {"index": 2, "value": "1"}]})
    with pytest.raises(RejectedError, match=r"buttons\.1"):
        components_of(template, {"buttons": given[:1]})


@pytest.mark.parametrize(
    ("media", "told"),
    [
        (None, "asks for a file: document"),
        ({}, "either media_id or link"),
        ({"media_id": "1", "link": "https://a"}, "either"),
    ],
)
def test_a_header_that_asks_for_a_file_gets_one(media: Any, told: str) -> None:
    template = {"name": "x", "components": [{"type": "HEADER", "format": "DOCUMENT"}]}
    with pytest.raises(RejectedError, match=told):
        components_of(template, {} if media is None else {"header_media": media})
    (header,) = components_of(template, {"header_media": {"media_id": "7", "filename": "a.pdf"}})
    assert header["parameters"] == [{"type": "document", "document": {"id": "7", "filename": "a.pdf"}}]


def test_a_header_with_a_place_on_the_map_is_refused_and_not_forgotten() -> None:
    with pytest.raises(RejectedError, match="map"):
        components_of({"name": "x", "components": [{"type": "HEADER", "format": "LOCATION"}]}, {})


@given(st.lists(st.text(min_size=1).filter(str.strip), max_size=12))
def test_exactly_the_parameters_asked_for_fill_a_body(params: list[str]) -> None:
    text = " ".join(f"{{{{{n}}}}}" for n in range(1, len(params) + 1))
    template = {"name": "x", "components": [{"type": "BODY", "text": text}]}
    found = components_of(template, {"params": params})
    assert [one["text"] for part in found for one in part["parameters"]] == params
    with pytest.raises(RejectedError):
        components_of(template, {"params": [*params, "one more"]})
    if params:
        with pytest.raises(RejectedError):
            components_of(template, {"params": params[1:]})


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["type", "text", "format", "buttons", "url"]), inner)
        ),
    )
)
def test_whatever_a_template_looks_like_it_is_filled_or_refused(components: Any) -> None:
    template = {"name": "x", "components": components}
    refused: RejectedError | None = None
    found: list[JsonObject] = []
    try:
        found = components_of(template, {"params": ["1"]})
    except RejectedError as error:
        refused = error
    assert refused.details["problems"] if refused else found


def test_places_are_in_the_order_of_their_numbers() -> None:
    assert placeholders("{{10}} {{2}} {{ 1 }} {{2}} {{}} {{a b}}") == ["1", "2", "10"]
    assert placeholders("Dear {{name}} of {{ city }}") == ["city", "name"]
    assert placeholders(None) == []
