"""describe: whatever a connector raises becomes one bounded error without secrets."""

from datetime import UTC, datetime
from typing import Any

import pytest

from revolution_hub.engine.settle import LARGEST_DETAILS, describe
from revolution_hub.errors import NotFoundError
from revolution_hub.model.strict_json import dump_json
from revolution_sdk.errors import ConnectorError, RejectedError, RetryableError

SECRET = "sk-canary-1234"


class Unsaid(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Unmade(RejectedError):
    """An author forgot to call the base class."""

    def __init__(self) -> None:
        pass


class Unsayable(ConnectorError):
    """Its message raises."""

    def __init__(self) -> None:
        super().__init__("x")
        self.message = Unsaid()  # type: ignore[assignment]


def test_what_is_raised_on_purpose_keeps_code_message_and_details() -> None:
    error = RejectedError("no such contact", code="missing", details={"status": 404})
    assert describe(error) == {"code": "missing", "message": "no such contact", "details": {"status": 404}}
    assert describe(NotFoundError("gone")) == {"code": "not_found", "message": "gone", "details": {}}


@pytest.mark.parametrize(
    "error", [RuntimeError(SECRET), KeyError(SECRET), SystemExit(SECRET), KeyboardInterrupt(SECRET)]
)
def test_what_is_raised_by_mistake_keeps_only_its_type(error: BaseException) -> None:
    described = describe(error)
    assert described["message"] == f"the connector failed with {type(error).__name__}"
    assert SECRET not in str(described)


@pytest.mark.parametrize("error", [Unsaid(), Unmade(), Unsayable()], ids=lambda one: type(one).__name__)
def test_an_error_that_is_broken_itself_is_described_by_its_type(error: BaseException) -> None:
    expected = f"the connector failed with {type(error).__name__}"
    assert describe(error) == {"code": "plugin_failed", "message": expected, "details": {}}


def test_a_very_long_message_is_cut() -> None:
    assert len(describe(RejectedError("m" * 10_000_000))["message"]) == 2_000
    assert len(describe(RejectedError("x", code="c" * 10_000))["code"]) == 100


def test_a_class_with_a_very_long_name_is_cut() -> None:
    kind = type("E" * 100_000, (Exception,), {})
    assert len(describe(kind("x"))["message"]) < 300


@pytest.mark.parametrize("text", ["half \ud800 of a pair", "nul \0 in it"])
def test_a_message_that_cannot_be_stored_is_made_storable(text: str) -> None:
    message = describe(RejectedError(text))["message"]
    assert dump_json(message).encode()
    assert "\0" not in message
    assert message[:3] == text[:3]


@pytest.mark.parametrize(
    "details",
    [
        {"at": datetime(2026, 11, 22, tzinfo=UTC)},
        {"body": b"bytes"},
        {"ratio": float("nan")},
        {"text": "\ud800"},
        {"big": "x" * LARGEST_DETAILS},
        {"big": 2**70},
        ["a list"],
        "a text",
    ],
    ids=["moment", "bytes", "nan", "surrogate", "large", "long number", "list", "text"],
)
def test_details_that_cannot_be_stored_are_left_out(details: Any) -> None:
    assert describe(RetryableError("busy", details=details)) == {
        "code": "retryable",
        "message": "busy",
        "details": {},
    }


def test_details_that_hold_themselves_are_left_out() -> None:
    details: dict[str, Any] = {}
    details["self"] = details
    assert describe(RejectedError("x", details=details))["details"] == {}


def test_a_message_that_is_no_text_is_made_one() -> None:
    assert describe(RejectedError({"message": "no"}))["message"] == "{'message': 'no'}"  # type: ignore[arg-type]
