"""The errors carry a stable code and details, and the type's own code where none is given."""

import pytest

from revolution_sdk import ConnectorError, DeliveryError, RejectedError, RetryableError


def test_an_error_has_its_types_code_unless_given_one() -> None:
    assert RejectedError("no").code == "rejected"
    assert RejectedError("no", code="not_there").code == "not_there"
    assert DeliveryError("no").code == "unverified"


def test_an_error_is_its_message() -> None:
    error = RetryableError("later", retry_after_s=2.5, details={"limit": 10})
    assert (str(error), error.message) == ("later", "later")
    assert (error.retry_after_s, error.details) == (2.5, {"limit": 10})


def test_details_are_never_shared() -> None:
    one, other = ConnectorError("a"), ConnectorError("b")
    one.details["x"] = 1
    assert other.details == {}


def test_one_clause_catches_everything_a_connector_raises_on_purpose() -> None:
    for kind in (RetryableError, RejectedError, DeliveryError):
        with pytest.raises(ConnectorError):
            raise kind("no")
