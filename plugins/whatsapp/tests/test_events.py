"""Reading deliveries: what is reported, what is left out, what is refused, and that nothing else happens."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from revolution_sdk import Delivery, DeliveryError, Emitted, Json
from revolution_sdk.canonical import CANONICAL
from revolution_sdk.testing.contract import contracts_folder
from revolution_whatsapp.connector import whatsapp
from revolution_whatsapp.events import parse

OURS = json.loads((Path(__file__).parent / "samples" / "webhook-payloads.json").read_text())["payloads"]
TEXT = OURS["Text message (written for this contract, 2026 fields)"]
FAILED = OURS["Status failed outside the 24 h window (written for this contract, 2026 fields)"]
CHECK = FormatChecker()


def read(body: Json) -> list[Emitted]:
    """What `parse` makes of a body, each event held against its schema and its canonical form's."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    delivery = Delivery(
        method="POST", url="https://h/", headers={}, body=raw, received_at=datetime(2026, 11, 22, tzinfo=UTC)
    )
    found = parse(delivery)
    for one in found:
        declared = whatsapp.events[one.type]
        Draft202012Validator(declared.data, format_checker=CHECK).validate(one.data)
        assert declared.map is not None
        canonical = CANONICAL[str(declared.canonical)].data
        Draft202012Validator(canonical, format_checker=CHECK).validate(declared.map(one.data))
        json.dumps(one.data).encode("utf-8")
        assert len(one.dedup_key) <= 300
    return found


def message(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    """The sample's delivery with another message in it."""
    body = copy.deepcopy(TEXT)
    one = {
        "from": "16505551234",
        "id": "wamid.B",
        "timestamp": "1750263700",
        "type": kind,
        kind: content,
        **more,
    }
    body["entry"][0]["changes"][0]["value"]["messages"] = [one]
    return body


def changed(body: Any, *path: Any, value: Any) -> Any:
    """A copy with another value at this place."""
    made = copy.deepcopy(body)
    inner = made
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return made


VALUE = ("entry", 0, "changes", 0, "value")
MESSAGE = (*VALUE, "messages", 0)


def test_a_text_becomes_one_event_of_the_number_it_came_to() -> None:
    (event,) = read(TEXT)
    assert (event.type, event.account) == ("message.received", "106540352242922")
    assert event.dedup_key == "message:wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI4QzdGQ0EwRkQ5QjUwQjlGQjUA"
    assert event.occurred_at == datetime(2025, 6, 18, 16, 21, 40, tzinfo=UTC)
    shown = {name: event.data[name] for name in event.data if name != "message"}
    assert shown == {
        "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI4QzdGQ0EwRkQ5QjUwQjlGQjUA",
        "phone_number_id": "106540352242922",
        "business_account_id": "102290129340398",
        "display_phone_number": "15550783881",
        "sender": "16505551234",
        "sender_number": "16505551234",
        "sender_user_id": "US.13491208655302741918",
        "sender_name": "Sheena Nelson",
        "sender_username": None,
        "type": "text",
        "text": "Hello",
        "reply_to": None,
        "choice": None,
        "media": None,
        "reaction": None,
        "location": None,
        "group_id": None,
        "occurred_at": "2025-06-18T16:21:40Z",
    }
    assert event.data["message"]["text"] == {"body": "Hello"}


def test_somebody_whose_number_is_hidden_can_be_answered_by_the_user_id() -> None:
    (event,) = read(
        OURS["Text from a user without a visible phone number (written for this contract, 2026 fields)"]
    )
    assert (event.data["sender"], event.data["sender_number"]) == ("US.13491208655302741918", None)
    assert (event.data["sender_name"], event.data["sender_username"]) == ("Sheena Nelson", "sheena.n")


def test_a_failed_status_says_why_in_the_words_of_a_refused_step() -> None:
    (event,) = read(FAILED)
    assert event.type == "message.status"
    assert event.dedup_key.endswith(":failed")
    assert (event.data["error"]["code"], event.data["error"]["name"]) == (131047, "window_closed")
    assert "send_template" in event.data["error"]["message"]


def test_each_status_of_a_message_is_an_event_of_its_own() -> None:
    names = [name for name in OURS if name.startswith("Status") and "2026" in name]
    keys = {event.dedup_key for name in names for event in read(OURS[name])}
    assert len(keys) == len(names) == 4


def test_what_the_sender_called_the_message_comes_back() -> None:
    body = changed(FAILED, *VALUE, "statuses", 0, "biz_opaque_callback_data", value="exe_1.tell")
    assert read(body)[0].data["reference"] == "exe_1.tell"


def test_several_entries_numbers_and_items_in_one_delivery_are_told_apart() -> None:
    both = OURS["Two events in one delivery (written for this contract, 2026 fields)"]
    assert [event.type for event in read(both)] == ["message.status", "message.received"]
    other = changed(TEXT, *VALUE, "metadata", "phone_number_id", value="7")
    body = {"object": "whatsapp_business_account", "entry": TEXT["entry"] + other["entry"] + both["entry"]}
    assert [event.account for event in read(body)] == ["106540352242922", "7", *["106540352242922"] * 2]


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("image", {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "Taj"}, {"text": "Taj"}),
        (
            "interactive",
            {"type": "list_reply", "list_reply": {"id": "r1", "title": "Express", "description": "Next day"}},
            {"text": "Express", "choice": {"id": "r1", "title": "Express", "description": "Next day"}},
        ),
        (
            "interactive",
            {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}},
            {"text": "Yes", "choice": {"id": "yes", "title": "Yes", "description": None}},
        ),
        (
            "button",
            {"payload": "stop", "text": "Unsubscribe"},
            {"text": "Unsubscribe", "choice": {"id": "stop", "title": "Unsubscribe", "description": None}},
        ),
        (
            "reaction",
            {"message_id": "wamid.A", "emoji": "👍"},
            {"reaction": {"message_id": "wamid.A", "emoji": "👍"}},
        ),
        ("reaction", {"message_id": "wamid.A"}, {"reaction": {"message_id": "wamid.A", "emoji": None}}),
        (
            "location",
            {"latitude": 1, "longitude": -2.5},
            {"location": {"latitude": 1, "longitude": -2.5, "name": None, "address": None}},
        ),
        ("audio", {"id": "9", "voice": True}, {"text": None}),
        ("system", {"body": "User changed"}, {"text": "User changed"}),
        ("contacts", [{"name": {"first_name": "Lucía"}}], {"text": None}),
        ("something_new", {"body": 7}, None),
        ("something_newer", [1], {"text": None, "type": "something_newer"}),
    ],
)
def test_each_kind_of_message(kind: str, content: Any, expected: Any) -> None:
    if expected is None:
        with pytest.raises(DeliveryError):
            read(message(kind, content))
        return
    (event,) = read(message(kind, content))
    assert {name: event.data[name] for name in expected} == expected


def test_a_voice_message_names_its_file() -> None:
    (event,) = read(message("audio", {"id": "9", "voice": True, "mime_type": "audio/ogg; codecs=opus"}))
    assert event.data["media"] == {
        "id": "9",
        "mime_type": "audio/ogg; codecs=opus",
        "sha256": None,
        "filename": None,
        "voice": True,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"object": "page", "entry": []},
        {},
        {"object": "whatsapp_business_account"},
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": []}]},
        changed(TEXT, "entry", 0, "changes", 0, "field", value="message_template_status_update"),
        OURS["Out-of-band error (shape of the errors reference page)"],
    ],
)
def test_what_is_not_reported_is_left_out(body: Json) -> None:
    assert read(body) == []


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("entry",), {}, "entry"),
        (("entry", 0), 7, "entry[0]"),
        (("entry", 0, "id"), None, "entry[0].id"),
        (VALUE, [], "entry[0].changes[0].value"),
        ((*VALUE, "metadata"), None, "entry[0].changes[0].value.metadata"),
        ((*VALUE, "metadata", "phone_number_id"), 106, "metadata.phone_number_id"),
        ((*VALUE, "messages"), {}, "value.messages"),
        ((*MESSAGE, "id"), "", "messages[0].id"),
        ((*MESSAGE, "id"), "x" * 251, "messages[0].id"),
        ((*MESSAGE, "timestamp"), 1750263700, "messages[0].timestamp"),
        ((*MESSAGE, "timestamp"), "-1", "messages[0].timestamp"),
        ((*MESSAGE, "timestamp"), "9" * 12, "messages[0].timestamp"),
        ((*MESSAGE, "type"), None, "messages[0].type"),
        ((*MESSAGE, "text", "body"), 7, "messages[0].text.body"),
        ((*MESSAGE, "context"), "x", "messages[0].context"),
    ],
)
def test_a_fault_is_told_by_its_place_and_nothing_is_reported(path: Any, value: Any, place: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        read(changed(TEXT, *path, value=value))
    assert caught.value.code == "unreadable"
    assert caught.value.details["field"].endswith(place)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"7", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"[" * 100_000, b"1" * 5000]
)
def test_what_is_no_delivery_at_all_is_unreadable(body: bytes) -> None:
    with pytest.raises(DeliveryError) as caught:
        read(body)
    assert caught.value.code == "unreadable"


def test_what_no_database_takes_is_replaced_and_the_rest_kept() -> None:
    (event,) = read(changed(TEXT, *MESSAGE, "text", "body", value="a\x00b\ud800c 😀"))
    assert event.data["text"] == event.data["message"]["text"]["body"] == "a\ufffdb\ufffdc 😀"


MEMBERS = st.sampled_from(
    ["id", "type", "text", "from", "timestamp", "statuses", "status", "errors", "context"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    st.sampled_from([VALUE, MESSAGE, (*VALUE, "metadata"), (*VALUE, "contacts"), (*VALUE, "statuses")]),
    VALUES,
)
def test_whatever_stands_somewhere_it_is_read_or_refused(path: Any, value: Json) -> None:
    refused: DeliveryError | None = None
    try:
        read(changed(TEXT, *path, value=value))
    except DeliveryError as error:
        refused = error
    assert refused is None or refused.code == "unreadable"


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    refused: DeliveryError | None = None
    try:
        read(body)
    except DeliveryError as error:
        refused = error
    assert refused is None or refused.code == "unreadable"


@pytest.mark.contract
def test_every_published_delivery_can_be_read() -> None:
    path = contracts_folder() / "whatsapp" / "webhook-payloads.json"
    if not path.is_file():
        pytest.skip("WhatsApp's deliveries are not here; name their folder in REVOLUTION_CONTRACTS")
    published = json.loads(path.read_text())["payloads"]
    counted = {name: len(read(body)) for name, body in published.items()}
    silent = {name for name, count in counted.items() if not count}
    assert {name for name in silent if not name.startswith("Group")} == {
        "Out-of-band error (shape of the errors reference page)"
    }
    assert sum(counted.values()) == len(counted) - len(silent) + 1
