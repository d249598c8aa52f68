"""Reading deliveries: what is reported, what is left out, what is refused, and that nothing else happens."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from revolution_hubspot.connector import hubspot
from revolution_hubspot.events import parse
from revolution_sdk import Delivery, DeliveryError, Emitted, Json

PAYLOADS = json.loads((Path(__file__).parent / "samples" / "webhook-payloads.json").read_text())["payloads"]
EVENT = PAYLOADS["contact-creation"][0]


def read(body: bytes) -> list[Emitted]:
    """What `parse` makes of a body."""
    received_at = datetime(2026, 11, 22, tzinfo=UTC)
    return parse(Delivery(method="POST", url="https://h/", headers={}, body=body, received_at=received_at))


def read_events(*events: Json) -> list[Emitted]:
    """What `parse` makes of a batch of these events."""
    return read(json.dumps(events).encode())


def read_or_refuse(body: bytes) -> list[Emitted] | DeliveryError:
    """What `parse` makes of a body, or the error it raises; any other error fails the test."""
    try:
        return read(body)
    except DeliveryError as error:
        return error


def refusal(body: bytes) -> DeliveryError:
    """The error `parse` raises; any other error, or none, fails the test."""
    with pytest.raises(DeliveryError) as caught:
        read(body)
    return caught.value


def test_a_contact_creation_becomes_one_event_with_ids_only() -> None:
    assert read_events(EVENT) == [
        Emitted(
            type="contact.created",
            account="62515",
            dedup_key="62515:22:512::1764000000000:100",
            occurred_at=datetime(2025, 11, 24, 16, 0, tzinfo=UTC),
            data={
                "object_id": "512",
                "portal_id": "62515",
                "occurred_at": "2025-11-24T16:00:00.000Z",
                "change_source": "CRM_UI",
                "source_id": "userId:12345",
                "attempt": 0,
            },
        )
    ]


@pytest.mark.parametrize(
    ("sample", "ids"),
    [
        ("page-sample", ["1246978"]),
        ("contact-creation", ["512"]),
        ("deal-property-change", []),
        ("object-creation-generic", ["512"]),
        ("contact-deletion-retry", []),
        ("association-change", []),
        ("merge", []),
    ],
)
def test_of_every_published_payload_only_contact_creations_are_reported(sample: str, ids: list[str]) -> None:
    assert [event.data["object_id"] for event in read_events(*PAYLOADS[sample])] == ids


def test_the_table_above_covers_every_published_payload() -> None:
    assert len(PAYLOADS) == 7


def test_what_is_reported_fits_the_declared_schema() -> None:
    schema = hubspot.events["contact.created"].data
    checker = Draft202012Validator(schema, format_checker=FormatChecker())
    for events in PAYLOADS.values():
        assert [list(checker.iter_errors(event.data)) for event in read_events(*events)] in ([], [[]])


def test_the_event_goes_by_a_provider_neutral_name_as_well() -> None:
    assert hubspot.events["contact.created"].canonical == "crm.contact.created"


def test_a_generic_creation_of_another_kind_of_object_is_left_out() -> None:
    generic = PAYLOADS["object-creation-generic"][0]
    assert read_events({**generic, "objectTypeId": "0-3"}, {**generic, "objectTypeId": None}) == []


def test_ids_may_be_numbers_or_texts_and_mean_the_same() -> None:
    texts = {name: str(value) if isinstance(value, int) else value for name, value in EVENT.items()}
    assert read_events(texts) == read_events(EVENT)


def test_leading_zeros_make_no_other_account() -> None:
    assert read_events({**EVENT, "portalId": "0062515"}) == read_events(EVENT)


def test_an_id_beyond_64_bits_is_kept_exactly() -> None:
    assert read_events({**EVENT, "objectId": 99999999999999999999})[0].data["object_id"] == "9" * 20


def test_a_repeated_delivery_has_the_same_dedup_key() -> None:
    first, again = read_events(EVENT, {**EVENT, "attemptNumber": 3})
    assert first.dedup_key == again.dedup_key
    assert again.data["attempt"] == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("portalId", 33),
        ("subscriptionId", 23),
        ("objectId", 513),
        ("propertyName", "email"),
        ("occurredAt", 1764000000001),
        ("eventId", 101),
    ],
)
def test_each_of_the_six_fields_makes_another_event(field: str, value: Json) -> None:
    first, other = read_events(EVENT, {**EVENT, field: value})
    assert first.dedup_key != other.dedup_key


def test_fields_that_say_nothing_are_null() -> None:
    bare = {name: value for name, value in EVENT.items() if name not in ("changeSource", "sourceId")}
    data = read_events(bare)[0].data
    assert (data["change_source"], data["source_id"]) == (None, None)


def test_a_batch_of_100_for_two_accounts_is_read_in_order() -> None:
    batch = [{**EVENT, "objectId": number, "portalId": 1 + number % 2} for number in range(100)]
    found = read_events(*batch)
    assert [event.data["object_id"] for event in found] == [str(number) for number in range(100)]
    assert [event.account for event in found] == ["1", "2"] * 50
    assert len({event.dedup_key for event in found}) == 100


def test_a_batch_of_101_is_refused() -> None:
    assert refusal(json.dumps([EVENT] * 101).encode()).code == "unreadable"


def test_an_empty_batch_reports_nothing() -> None:
    assert read(b"[]") == []


HOSTILE_BODIES = {
    "nothing": b"",
    "not JSON": b"hello",
    "cut off": b'[{"eventId": 1',
    "an object": json.dumps(EVENT).encode(),
    "null": b"null",
    "a text": b'"contact.creation"',
    "items that are no objects": b"[1]",
    "nested lists": b"[[]]",
    "depth": b"[" * 200_000,
    "depth in objects": b'[{"a":' * 100_000,
    "depth that closes": b"[" * 100_000 + b"]" * 100_000,
    "NaN": b'[{"subscriptionType": "deal.creation", "x": NaN}]',
    "Infinity": b'[{"subscriptionType": "deal.creation", "x": -Infinity}]',
    "a number of 5000 digits": b"[" + b"9" * 5000 + b"]",
    "a name twice": json.dumps([EVENT]).replace('"portalId"', '"portalId": 33, "portalId"').encode(),
    "a name twice deep inside": b'[{"subscriptionType": "deal.creation", "x": [{"a": 1, "a": 1}]}]',
    "not UTF-8": b'[{"subscriptionType": "\xff"}]',
    "UTF-16": json.dumps([EVENT]).encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf[]",
    "a NUL byte": b"[\x00]",
    "something behind": b"[] []",
}


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES.keys())
def test_a_hostile_body_is_unreadable_and_nothing_worse(body: bytes) -> None:
    assert refusal(body).code == "unreadable"


NO_IDS: list[Json] = [
    None, True, -1, 1.0, 1e300, "", "x", "1 ", "+1", "١", "1\n", "9" * 21, [], {}, 10**20, 10**4000
]  # fmt: skip
WRONG_FIELDS: list[tuple[str, Json]] = [
    *[
        (name, value)
        for name in ("portalId", "objectId", "subscriptionId", "eventId", "occurredAt")
        for value in NO_IDS
    ],
    ("occurredAt", 253_402_300_800_000),
    ("attemptNumber", -1),
    ("attemptNumber", None),
    ("attemptNumber", "once"),
    ("propertyName", 7),
    ("changeSource", "CRM\x00UI"),
    ("changeSource", "\ud800"),
    ("changeSource", "x" * 501),
    ("changeSource", {}),
    ("sourceId", -1),
    ("sourceId", True),
    ("sourceId", ["userId:1"]),
    ("subscriptionType", 7),
    ("subscriptionType", None),
    ("subscriptionType", "contact.creation\x00"),
]


@pytest.mark.parametrize(("field", "value"), WRONG_FIELDS, ids=lambda part: repr(part)[:30])
def test_a_wrong_field_is_unreadable_and_named(field: str, value: Json) -> None:
    error = refusal(json.dumps([EVENT, {**EVENT, field: value}]).encode())
    assert error.code == "unreadable"
    assert error.details["item"] == 1
    assert error.details["field"] in (field, "eventType")


@pytest.mark.parametrize("field", ["portalId", "objectId", "subscriptionId", "eventId", "occurredAt"])
def test_a_missing_field_is_unreadable_and_named(field: str) -> None:
    without = {name: value for name, value in EVENT.items() if name != field}
    assert refusal(json.dumps([without]).encode()).details == {"item": 0, "field": field}


def test_nothing_of_a_batch_is_reported_when_its_last_event_is_broken() -> None:
    broken = {**EVENT, "portalId": "nobody"}
    assert refusal(json.dumps([EVENT] * 99 + [broken]).encode()).details["item"] == 99


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
MANGLED_EVENTS = st.dictionaries(
    st.sampled_from(sorted({*EVENT, "eventType", "propertyName"})), JSON_VALUES
).map(lambda changes: {**EVENT, **changes})


@given(
    st.binary(max_size=300)
    | st.lists(MANGLED_EVENTS | JSON_VALUES, max_size=4).map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=300, deadline=None)
def test_any_body_is_either_read_or_unreadable(body: bytes) -> None:
    outcome = read_or_refuse(body)
    if isinstance(outcome, DeliveryError):
        assert outcome.code == "unreadable"
    else:
        assert all(event.account.isdigit() and json.dumps(event.data).encode() for event in outcome)
