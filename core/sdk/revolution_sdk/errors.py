"""What a connector raises, sorted by what the hub will do about it.

ConnectorError
├── RetryableError        nothing was done; try again later
├── UnknownOutcomeError   something may have been done; look before trying again
├── RejectedError         the provider said no; trying again changes nothing
├── CredentialError       the connection must be authorized anew by a person
└── DeliveryError         a delivery is forged, stale or unreadable; it is refused

BaseException
└── Suspended             a sub-step has to wait; passes through a connector and is never caught

A connector only raises; the hub acts. Anything else that leaves a connector is a bug of the connector:
the step fails and the worker lives on.
"""

from revolution_sdk.types import JsonObject


class ConnectorError(Exception):
    """Base of everything a connector raises on purpose.

    `code` is stable and made for machines, `details` holds JSON values for people and logs. Neither may
    hold a secret.
    """

    code = "connector_error"

    def __init__(self, message: str, *, code: str | None = None, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details: JsonObject = details or {}


class RetryableError(ConnectorError):
    """Raised when the provider certainly did nothing and may do it later: 429, connection refused.

    `retry_after_s` is the wait in seconds the provider asked for; None leaves it to the retry policy.
    """

    code = "retryable"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        code: str | None = None,
        details: JsonObject | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.retry_after_s = retry_after_s


class UnknownOutcomeError(ConnectorError):
    """Raised when the request may have been carried out although no usable answer came.

    A time-out, a broken connection or a 5xx after the request left. A `once` action is never repeated
    after it; the hub asks the action's `confirm`, then a person. What may be repeated is repeated
    `retry_after_s` later, if the provider asked for such a wait.
    """

    code = "unknown_outcome"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        code: str | None = None,
        details: JsonObject | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.retry_after_s = retry_after_s


class RejectedError(ConnectorError):
    """Raised when the provider understood the request and refused it. The step fails."""

    code = "rejected"


class CredentialError(ConnectorError):
    """Raised when the provider no longer accepts the connection's authorization, or it lacks a right.

    The connection needs a person; executions that use it wait.
    """

    code = "credential_refused"


class DeliveryError(ConnectorError):
    """Raised when a delivery has no valid signature, is too old, or cannot be read.

    Raised by `verify` or `challenge`, with `unverified` (the default), the hub answers 401 and keeps nothing.
    Raised by `parse`, with `unreadable`, it keeps the delivery as it came and answers 202.
    """

    code = "unverified"


class Suspended(BaseException):
    """Raised by `ctx.call` and `ctx.record` when the step has to wait: let it pass, and never raise it.

    The action is entered again when the wait is over. It is no Exception, so that `except Exception` lets it
    pass; a `finally` may clean up behind it. A hub notices when it is caught nevertheless: the step waits all
    the same, and whatever the action returns or raises then is dropped.
    """
