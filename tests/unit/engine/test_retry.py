"""retry: numbers for the wait, and which error means what for which effect."""

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revolution_hub.engine.retry import (
    LONGEST_ASKED_S,
    VANISHED,
    Again,
    Decision,
    GiveUp,
    Reconnect,
    Unsure,
    after_failure,
    delay_for,
)
from revolution_hub.errors import DefinitionError, LimitError, NotFoundError, PluginError, VaultError
from revolution_hub.model.workflow import RetryPolicy
from revolution_sdk.connector import Effect
from revolution_sdk.errors import (
    ConnectorError,
    CredentialError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)

PLAIN = RetryPolicy(attempts=5, delay_s=2.0, longest_s=10.0)
SLOW = RetryableError("slow down")
VANISHED_ERROR = UnknownOutcomeError("gone", code=VANISHED)
DARK = UnknownOutcomeError("no answer")


@dataclass(frozen=True)
class Wait:
    tries: int
    jitter: float
    expect_s: float | None
    asked_s: float | None = None
    policy: RetryPolicy = PLAIN


WAITS = [
    Wait(1, 0.0, 2.0),
    Wait(2, 0.0, 4.0),
    Wait(3, 0.0, 8.0),
    Wait(4, 0.0, 10.0),
    Wait(5, 0.0, None),
    Wait(6, 0.0, None),
    Wait(1, 1.0, 2.5),
    Wait(3, 0.5, 9.0),
    Wait(4, 1.0, 12.5),
    Wait(1, 0.0, 30.0, asked_s=30.0),
    Wait(1, 0.5, 30.5, asked_s=30.0),
    Wait(1, 0.0, 0.0, asked_s=0.0),
    Wait(4, 1.0, 121.0, asked_s=120.0),
    Wait(5, 0.0, None, asked_s=1.0),
    Wait(1, 0.0, 0.0, policy=RetryPolicy(attempts=2, delay_s=0.0)),
    Wait(1, 1.0, 0.0, policy=RetryPolicy(attempts=2, delay_s=5.0, longest_s=0.0)),
    Wait(1, 0.0, None, policy=RetryPolicy(attempts=1)),
    Wait(99, 0.0, 604_800.0, policy=RetryPolicy(attempts=100, delay_s=86_400.0, longest_s=604_800.0)),
]


@pytest.mark.parametrize("wait", WAITS, ids=str)
def test_the_wait_before_the_next_attempt(wait: Wait) -> None:
    error = RetryableError("slow down", retry_after_s=wait.asked_s)
    assert delay_for(error, wait.tries, wait.policy, wait.jitter) == wait.expect_s


def test_only_a_retryable_error_may_ask_for_a_wait() -> None:
    assert delay_for(DARK, 1, PLAIN, 0.0) == 2.0


@pytest.mark.parametrize("asked", [1e12, math.inf, math.nan, -5.0, "soon", [], True])
def test_a_senseless_wait_neither_breaks_nor_hangs_the_step(asked: float) -> None:
    found = delay_for(RetryableError("slow down", retry_after_s=asked), 1, PLAIN, 0.0)
    assert found is not None
    assert 0 <= found <= LONGEST_ASKED_S


@given(
    st.integers(1, 200),
    st.floats(0, 1),
    st.integers(1, 100),
    st.floats(0, 86_400),
    st.floats(0, 604_800),
)
def test_a_wait_is_never_negative_nor_more_than_a_quarter_above_the_longest(
    tries: int, jitter: float, attempts: int, delay_s: float, longest_s: float
) -> None:
    policy = RetryPolicy(attempts=attempts, delay_s=delay_s, longest_s=longest_s)
    found = delay_for(SLOW, tries, policy, jitter)
    assert (found is None) == (tries >= attempts)
    assert found is None or 0 <= found <= longest_s * 1.25


def test_waits_grow_until_they_reach_the_longest() -> None:
    policy = RetryPolicy(attempts=100, delay_s=1.0, longest_s=300.0)
    waits = [delay_for(SLOW, tries, policy, 0.0) or 0.0 for tries in range(1, 100)]
    assert all(before <= after for before, after in pairwise(waits))
    assert waits[-1] == 300.0


ANY = tuple(Effect)
REPEATED = (Effect.PURE, Effect.READ, Effect.REPEATABLE)
ONCE = (Effect.ONCE,)


@dataclass(frozen=True)
class Case:
    name: str
    error: Exception
    effects: tuple[Effect, ...]
    expect: Decision
    tries: int = 1


CASES = [
    Case("a refused credential waits for a person", CredentialError("no"), ANY, Reconnect()),
    Case("also after the last attempt", CredentialError("no"), ANY, Reconnect(), tries=9),
    Case("a refusal is final", RejectedError("no"), ANY, GiveUp()),
    Case("a plain connector error is final", ConnectorError("no"), ANY, GiveUp()),
    Case("nothing done is tried again", SLOW, ANY, Again(2.0)),
    Case("but not for ever", SLOW, ANY, GiveUp(), tries=5),
    Case("an unknown outcome is repeated where that is harmless", DARK, REPEATED, Again(2.0)),
    Case("and gives up in the end", DARK, REPEATED, GiveUp(), tries=5),
    Case("an unknown outcome of once is never repeated", DARK, ONCE, Unsure()),
    Case("not even after the last attempt is it called a failure", DARK, ONCE, Unsure(), tries=9),
    Case("a vanished worker costs no wait and no attempt", VANISHED_ERROR, REPEATED, Again(0.0), tries=99),
    Case("a vanished worker leaves once in the dark", VANISHED_ERROR, ONCE, Unsure()),
    Case("a bug is final", KeyError("x"), REPEATED, GiveUp()),
    Case("a bug leaves once in the dark", KeyError("x"), ONCE, Unsure()),
    Case("a broken promise is final", PluginError("x"), REPEATED, GiveUp()),
    Case("a broken promise leaves once in the dark", PluginError("x"), ONCE, Unsure()),
    Case("the hub's own refusal is final", DefinitionError("x"), ANY, GiveUp()),
    Case("a missing thing is final", NotFoundError("x"), ANY, GiveUp()),
    Case("a broken seal is final", VaultError("x"), ANY, GiveUp()),
    Case("a limit of the hub's own is waited for", LimitError("x"), ANY, Again(2.0)),
    Case("as long as it asks for", LimitError("x", retry_after_s=1.0), ANY, Again(1.0)),
    Case("but not for ever either", LimitError("x"), ANY, GiveUp(), tries=5),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_follows_a_failed_attempt(case: Case) -> None:
    for effect in case.effects:
        assert after_failure(case.error, effect, case.tries, PLAIN, 0.0) == case.expect, effect


@pytest.mark.parametrize(
    "kind", [RejectedError, RetryableError, UnknownOutcomeError, RuntimeError, PluginError]
)
def test_once_is_tried_again_only_if_certainly_nothing_was_done(kind: type[Exception]) -> None:
    decision = after_failure(kind("x"), Effect.ONCE, 1, PLAIN, 0.0)
    assert isinstance(decision, Again) == (kind is RetryableError)
