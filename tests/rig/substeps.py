"""What tests of recorded sub-steps share: an outer action that does what it is told at each entry."""

from typing import Any

PASSES = 12
PLAN = {"id": "plan", "uses": "lab.put_page"}
AFTER = {"id": "after", "set": {"n": "{{ steps.plan }}"}}


def plan(script: Any, play: Any) -> None:
    """Let the outer action do this, however often it is entered."""
    script.next("put_page", *[play] * PASSES)


def one(uses: str, **value: Any) -> Any:
    """An action that makes one call and returns what came of it."""
    return lambda ctx, given: {"got": ctx.call(uses, value, name="one")}
