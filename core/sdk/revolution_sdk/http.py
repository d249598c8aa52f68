"""Turning HTTP trouble into the errors of `revolution_sdk.errors`. Pure: nothing here sends anything.

The hub's own transport uses these functions, and so can a connector that reads answers itself.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx2

from revolution_sdk.connector import Connector
from revolution_sdk.errors import ConnectorError, RejectedError, RetryableError, UnknownOutcomeError
from revolution_sdk.types import Json

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_RETRY_AFTER_S = 24 * 3600.0

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


def retry_after_s(headers: Mapping[str, str], *, now_s: float | None = None) -> float | None:
    """Read `Retry-After` (seconds or an HTTP date) as seconds from now, at most a day; None if absent or odd.

    Source: RFC 9110 §10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_S)
    try:
        at_s = parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
    return min(max(at_s - (time.time() if now_s is None else now_s), 0.0), LONGEST_RETRY_AFTER_S)


def rebase(url: str, connector: Connector, base_url: str) -> str:
    """Return where a request to the provider's `url` really goes when the connection names `base_url`.

    What begins with the connector's base URL keeps the rest of its path behind the new one; other declared
    hosts, on their usual port, keep their whole path on the new origin; what names that origin already
    stays. Without `base_url` nothing moves. Raises RejectedError `host_not_allowed` for any other host.
    """
    asked, given = httpx2.URL(url), httpx2.URL(base_url.rstrip("/"))
    if base_url and _origin(asked) == _origin(given):
        return url
    declared = asked.scheme in ("http", "https") and asked.raw_host.decode() in connector.hosts
    if not declared or asked.port is not None:
        raise RejectedError(f"{asked.host or url[:80]!r} is not a declared host", code="host_not_allowed")
    if not base_url:
        return url
    rest = url.removeprefix(connector.base_url) if connector.base_url else url
    if rest != url and rest[:1] in ("", "/", "?", "#"):
        return str(given) + rest
    return str(asked.copy_with(scheme=given.scheme, host=given.host, port=given.port))


def _origin(url: httpx2.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


def error_for_failure(error: httpx2.HTTPError, method: str) -> ConnectorError:
    """Sort a request that got no answer: certainly not sent, sent without effect, or nobody knows."""
    if isinstance(error, _NOT_SENT):
        return RetryableError("the provider could not be reached", code="unreachable")
    if method.upper() in SAFE_METHODS:
        return RetryableError("the provider did not answer", code="no_answer")
    return UnknownOutcomeError("the request left, but no answer came back", code="no_answer")


def error_for_status(response: httpx2.Response) -> ConnectorError | None:
    """Sort an answer by its status alone: None for 1xx–3xx, and for 4xx a refusal or a wait.

    A 5xx after a request that changes something leaves the outcome unknown. Read the body first where the
    provider says more there.
    """
    status = response.status_code
    if status < 400:
        return None
    details: Json = {"status": status}
    if status == 429:
        wait_s = retry_after_s(response.headers)
        return RetryableError(
            "the provider asks to slow down", retry_after_s=wait_s, code="rate_limited", details=details
        )
    if status < 500:
        return RejectedError(f"the provider refused the request with status {status}", details=details)
    if response.request.method.upper() in SAFE_METHODS:
        return RetryableError(
            f"the provider failed with status {status}",
            retry_after_s=retry_after_s(response.headers),
            code="provider_failed",
            details=details,
        )
    return UnknownOutcomeError(
        f"the provider failed with status {status} after it had the request",
        retry_after_s=retry_after_s(response.headers),
        code="provider_failed",
        details=details,
    )


def raise_for_status(response: httpx2.Response) -> httpx2.Response:
    """Return the response unchanged if it is below 400, else raise what `error_for_status` says."""
    error = error_for_status(response)
    if error is not None:
        raise error
    return response
