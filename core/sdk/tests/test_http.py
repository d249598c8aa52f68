"""HTTP trouble becomes the error that says what may be done next."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest

from revolution_sdk import Connector, ConnectorError, RejectedError, RetryableError, UnknownOutcomeError
from revolution_sdk.http import error_for_failure, error_for_status, raise_for_status, rebase, retry_after_s

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def answer(status: int, method: str = "POST", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, headers=named, request=httpx2.Request(method, "https://api.acme.com/a"))


WAITS = [
    ("7", 7.0),
    ("0", 0.0),
    (" 30 ", 30.0),
    ("999999", 86400.0),
    ("9" * 5000, 86400.0),
    ("Sun, 22 Nov 2026 10:02:00 GMT", 120.0),
    ("Sun, 22 Nov 2026 11:02:00 +0100", 120.0),
    ("Sunday, 22-Nov-26 10:02:00 GMT", 120.0),
    ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
    ("Sun, 22 Nov 2099 10:00:00 GMT", 86400.0),
    ("", None),
    ("soon", None),
    ("-5", None),
    ("1.5", None),
    ("²", None),
    ("Sun, 22 Nov", None),
    ("Sun, 99 Nov 2026 10:02:00 GMT", None),
]


@pytest.mark.parametrize(("text", "expect"), WAITS)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, expect: float | None) -> None:
    assert retry_after_s({"retry-after": text}, now_s=NOW.timestamp()) == expect


def test_without_retry_after_there_is_no_wait() -> None:
    assert retry_after_s({}) is None


def test_a_date_is_measured_from_now() -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    wait_s = retry_after_s({"retry-after": header})
    assert wait_s is not None
    assert 55 < wait_s <= 60


FAILURES = [
    (httpx2.ConnectError("refused"), "POST", RetryableError, "unreachable"),
    (httpx2.ConnectTimeout("late"), "POST", RetryableError, "unreachable"),
    (httpx2.PoolTimeout("busy"), "DELETE", RetryableError, "unreachable"),
    (httpx2.UnsupportedProtocol("ftp"), "POST", RetryableError, "unreachable"),
    (httpx2.ReadTimeout("late"), "POST", UnknownOutcomeError, "no_answer"),
    (httpx2.WriteTimeout("late"), "PUT", UnknownOutcomeError, "no_answer"),
    (httpx2.WriteError("broken"), "PATCH", UnknownOutcomeError, "no_answer"),
    (httpx2.ReadError("broken"), "DELETE", UnknownOutcomeError, "no_answer"),
    (httpx2.RemoteProtocolError("odd"), "POST", UnknownOutcomeError, "no_answer"),
    (httpx2.ReadTimeout("late"), "GET", RetryableError, "no_answer"),
    (httpx2.ReadError("broken"), "head", RetryableError, "no_answer"),
]


@pytest.mark.parametrize(("failure", "method", "kind", "code"), FAILURES)
def test_a_request_without_answer_is_sorted_by_whether_it_may_have_left(
    failure: httpx2.HTTPError, method: str, kind: type[ConnectorError], code: str
) -> None:
    error = error_for_failure(failure, method)
    assert (type(error), error.code) == (kind, code)


STATUSES = [
    (400, "POST", RejectedError, "rejected"),
    (404, "GET", RejectedError, "rejected"),
    (409, "POST", RejectedError, "rejected"),
    (429, "POST", RetryableError, "rate_limited"),
    (500, "GET", RetryableError, "provider_failed"),
    (503, "GET", RetryableError, "provider_failed"),
    (500, "POST", UnknownOutcomeError, "provider_failed"),
    (503, "PUT", UnknownOutcomeError, "provider_failed"),
    (504, "DELETE", UnknownOutcomeError, "provider_failed"),
]


@pytest.mark.parametrize(("status", "method", "kind", "code"), STATUSES)
def test_an_answer_is_sorted_by_its_status(
    status: int, method: str, kind: type[ConnectorError], code: str
) -> None:
    error = error_for_status(answer(status, method))
    assert error is not None
    assert (type(error), error.code, error.details) == (kind, code, {"status": status})


@pytest.mark.parametrize("status", [200, 201, 204, 301, 304])
def test_below_400_there_is_no_error(status: int) -> None:
    response = answer(status)
    assert error_for_status(response) is None
    assert raise_for_status(response) is response


def test_a_wait_the_provider_asks_for_travels_along() -> None:
    for status, method, kind in (
        (429, "POST", RetryableError),
        (503, "GET", RetryableError),
        (503, "PUT", UnknownOutcomeError),
    ):
        error = error_for_status(answer(status, method, retry_after="7"))
        assert isinstance(error, RetryableError | UnknownOutcomeError)
        assert type(error) is kind
        assert error.retry_after_s == 7


def test_raising_raises_what_was_sorted() -> None:
    with pytest.raises(RetryableError, match="slow down"):
        raise_for_status(answer(429))


def test_a_connector_speaks_of_the_provider_and_reaches_the_connections_address() -> None:
    acme = Connector("acme", title="Acme", base_url="https://api.acme.com/v1", hosts=("id.acme.com",))
    assert rebase("https://api.acme.com/v1/contacts", acme, "http://127.0.0.1:9101/x") == (
        "http://127.0.0.1:9101/x/contacts"
    )
    assert (
        rebase("https://id.acme.com/token", acme, "http://127.0.0.1:9101/x") == "http://127.0.0.1:9101/token"
    )
    assert rebase("https://api.acme.com/v1/contacts", acme, "") == "https://api.acme.com/v1/contacts"
    with pytest.raises(RejectedError, match="not a declared host"):
        rebase("https://api.acme.com.example/v1", acme, "")
