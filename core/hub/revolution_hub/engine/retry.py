"""retry: should it try again, and when? Pure decisions from an error, an effect and a policy."""

from dataclasses import dataclass
from typing import TypeAlias

from revolution_hub.errors import HubError, LimitError, PluginError
from revolution_hub.model.workflow import RetryPolicy
from revolution_sdk.connector import Effect
from revolution_sdk.errors import ConnectorError, CredentialError, RetryableError, UnknownOutcomeError

VANISHED = "worker_vanished"
"""Code of an attempt whose worker died; it says nothing about the action, so it uses up no attempt."""


LONGEST_ASKED_S = 86_400.0
"""The longest wait an error may ask for; who asks for more is asked again after a day."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try again after so many seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The step fails."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """Nobody knows whether it was done: look it up, or ask a person."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Wait until a person has authorized the connection anew."""


Decision: TypeAlias = Again | GiveUp | Unsure | Reconnect


def after_failure(
    error: Exception, effect: Effect, tries: int, policy: RetryPolicy, jitter: float
) -> Decision:
    """Decide what follows a failed attempt.

    `tries` counts the attempts that used up one of the policy's, this one included; `jitter` is between 0
    and 1. A `once` action whose outcome is unknown is never tried again here. A LimitError is the hub's
    own, before anything was sent. Whatever is neither a
    ConnectorError nor the hub's own is a bug of the connector: final, unless it left a `once` action in
    the dark.
    """
    if isinstance(error, CredentialError):
        return Reconnect()
    if isinstance(error, LimitError):
        return _again(error, tries, policy, jitter)
    if effect is Effect.ONCE and not _certain(error):
        return Unsure()
    if isinstance(error, UnknownOutcomeError):
        if effect is Effect.ONCE:
            return Unsure()
        if error.code == VANISHED:
            return Again(0.0)
        return _again(error, tries, policy, jitter)
    if isinstance(error, RetryableError):
        return _again(error, tries, policy, jitter)
    return GiveUp()


def _certain(error: Exception) -> bool:
    # The hub's own errors stop a call before it leaves; a PluginError says what the connector did in it.
    return isinstance(error, ConnectorError) or (
        isinstance(error, HubError) and not isinstance(error, PluginError)
    )


def _again(error: Exception, tries: int, policy: RetryPolicy, jitter: float) -> Decision:
    if policy.only and getattr(error, "code", "") not in policy.only:
        return GiveUp()
    delay_s = delay_for(error, tries, policy, jitter)
    return GiveUp() if delay_s is None else Again(delay_s)


def delay_for(error: Exception, tries: int, policy: RetryPolicy, jitter: float) -> float | None:
    """Return how many seconds to wait before the next attempt, or None to give up.

    `tries` counts from 1. An error that names `retry_after_s` overrules the policy's delay and is
    never undercut, up to a day; otherwise the delay grows each time as the policy says, with up to its share
    of jitter added.
    """
    if tries >= policy.attempts:
        return None
    asked_s = _asked_s(error)
    if asked_s is not None:
        return asked_s + jitter
    grown_s = min(policy.delay_s * policy.backoff ** min(tries - 1, 40), policy.longest_s)
    return float(grown_s * (1 + jitter * policy.jitter))


def _asked_s(error: Exception) -> float | None:
    waits = isinstance(error, RetryableError | UnknownOutcomeError | LimitError)
    # A connector may have computed this from anything its provider sent, or have left it out.
    asked = getattr(error, "retry_after_s", None) if waits else None
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not asked >= 0:
        return None
    return float(min(asked, LONGEST_ASKED_S))
