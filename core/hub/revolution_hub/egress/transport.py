"""EgressTransport: what every request of a connector goes through on its way to the provider, and back.

Failures travel through here as values and are raised where no frame holds the request as it went out, so
that neither an exception nor its traceback shows a token.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

import httpcore2
import httpx2

from revolution_hub.egress.pool import SharedPool
from revolution_hub.egress.wire import (
    TooLarge,
    head_of,
    invalid_request,
    read_answer,
    translated,
    wire_request,
)
from revolution_sdk.connector import Connector
from revolution_sdk.errors import (
    ConnectorError,
    CredentialError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from revolution_sdk.http import SAFE_METHODS, error_for_failure, error_for_status, rebase

ANSWER_LIMIT_BYTES = 10 * 1024 * 1024

Outcome: TypeAlias = httpx2.Response | ConnectorError


class Authorize(Protocol):
    """What puts a connection's authentication on the wire. Used by one thread at a time."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers to send now. May raise CredentialError."""

    def refresh(self) -> bool:
        """After a 401: get a new token. True if there is one worth a repeat, False if there is not."""


class EgressTransport(httpx2.BaseTransport):
    """Sends one connection's requests to its provider, or to what the connection names in its place.

    Only the connector's declared hosts and the host of `base_url` are reachable, and of those what the
    pool's guard lets through. Raises the errors of `revolution_sdk.errors`; answers below 500 other than
    401 come back as they are, fully read, redirects included. Without `authorize` so does 401.

    A request is over at `deadline`, an aware time; a read timeout given with a request makes it shorter.
    """

    def __init__(
        self,
        connector: Connector,
        *,
        base_url: str,
        authorize: Authorize | None,
        deadline: datetime,
        now: Callable[[], datetime],
        pool: SharedPool,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> None:
        self._connector = connector
        self._base_url = base_url.rstrip("/")
        self._authorize = authorize
        self._deadline = deadline
        self._now = now
        self._pool = pool
        self._limit_bytes = limit_bytes

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, once more with a fresh token after a 401, and return the answer or raise what it means.

        Raises RejectedError for a host, address or request that is not allowed; RetryableError when nothing
        was done (`deadline`, `unreachable`, a 5xx to a reading request); UnknownOutcomeError when something
        may have been done; CredentialError when the provider refuses the credential twice.
        """
        began_s = time.monotonic()
        url = self._target(request)
        request.read()
        outcome = self._send(request, url)
        if self._authorize is not None and _unauthorized(outcome):
            if self._authorize.refresh():
                outcome = self._send(request, url)
            if _unauthorized(outcome):
                raise CredentialError("the provider refused the credential", code="credential_refused")
        if isinstance(outcome, ConnectorError):
            raise outcome
        outcome.elapsed = timedelta(seconds=time.monotonic() - began_s)
        return outcome

    def close(self) -> None:
        """Do nothing: the connections belong to the process and outlive each client."""

    def _target(self, request: httpx2.Request) -> httpx2.URL:
        try:
            url = httpx2.URL(rebase(str(request.url), self._connector, self._base_url))
        except httpx2.InvalidURL:
            raise invalid_request() from None
        self._pool.guard.check_url(url)
        return url

    def _send(self, request: httpx2.Request, url: httpx2.URL) -> Outcome:
        auth = self._authorize.headers() if self._authorize is not None else {}
        timeout = self._timeout(request)
        answer: httpcore2.Response | None = None
        try:
            wire = wire_request(request, url, auth, timeout)
            answer = self._pool.connections.handle_request(wire)
            if self._needs_no_body(answer.status):
                answer.close()
                return _by_status(answer, request)
            return read_answer(answer, request, limit_bytes=self._limit_bytes)
        except ConnectorError as error:
            error.__context__ = None
            return error.with_traceback(None)
        except Exception as error:  # whatever breaks in here breaks after the request may have left
            return _verdict(request, answer, error)

    def _needs_no_body(self, status: int) -> bool:
        return status >= 500 or (status == 401 and self._authorize is not None)

    def _timeout(self, request: httpx2.Request) -> dict[str, float]:
        """Return the limits as the pool's backend reads them: instants, and a length for the pool itself."""
        left_s = (self._deadline - self._now()).total_seconds()
        if left_s <= 0:
            raise RetryableError("the deadline passed before the request was sent", code="deadline")
        asked_s = request.extensions.get("timeout", {}).get("read")
        left_s = min(left_s, asked_s) if asked_s is not None else left_s
        until_s = time.monotonic() + left_s
        return {"connect": until_s, "read": until_s, "write": until_s, "pool": left_s}


def _unauthorized(outcome: Outcome) -> bool:
    return isinstance(outcome, httpx2.Response) and outcome.status_code == 401


def _by_status(answer: httpcore2.Response, request: httpx2.Request) -> Outcome:
    response = head_of(answer, request)
    return response if response.status_code == 401 else error_for_status(response) or response


def _verdict(request: httpx2.Request, answer: httpcore2.Response | None, error: Exception) -> ConnectorError:
    """Sort what went wrong after the request was handed over. A refusal counts even without its body."""
    if answer is not None and 400 <= answer.status < 500:
        refusal = error_for_status(head_of(answer, request))
        if refusal is not None:
            return refusal
    if isinstance(error, TooLarge):
        return _too_large(request)
    if isinstance(error, httpcore2.LocalProtocolError):
        return invalid_request()
    cause = translated(error)
    sorted_error = error_for_failure(cause, request.method)
    sorted_error.__cause__ = cause
    return sorted_error


def _too_large(request: httpx2.Request) -> ConnectorError:
    kind = RejectedError if request.method in SAFE_METHODS else UnknownOutcomeError
    return kind("the provider's answer is too large", code="answer_too_large")
