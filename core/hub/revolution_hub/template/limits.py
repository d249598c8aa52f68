"""What a template may cost, and the account one rendering keeps of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from revolution_hub.template.place import Place
from revolution_sdk.types import Json

DEEPEST = 64
"""Parser and evaluation recurse about eight frames per level; deeper would meet Python's own limit."""

WORK_PER_MEMBER = 8
"""Comparing a member of a list takes about as long as making this many characters."""

SCANNED_PER_WORK = 16
"""Characters merely compared or searched are this much cheaper than characters made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one template or document.

    `output_chars`: characters written, a JSON value counted as compact JSON; the same number again is
    allowed for values worked on in between. `steps`: parts of expressions evaluated. `depth`: nesting of
    parentheses, of blocks, of documents and of values, at most 64. `source_chars`: length of one template.
    Together they bound time and memory. `seconds` is the net below them, for a machine that is slower than
    anybody thought: rendering ends in an error then, at the next loop or larger value.
    """

    output_chars: int = 1_000_000
    steps: int = 10_000
    depth: int = DEEPEST
    source_chars: int = 100_000
    seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ValueError("a template needs some time")
        if min(self.output_chars, self.steps, self.depth, self.source_chars) < 1:
            raise ValueError("every limit of a template must be at least 1")
        if self.depth > DEEPEST:
            raise ValueError(f"the depth limit of a template may be at most {DEEPEST}")


DEFAULT = Limits()


@dataclass(slots=True)
class Loop:
    """An `{{#each}}` under way: the member it is at, its position from 0, its key if it is an object's."""

    count: int
    member: Json = None
    index: int = 0
    key: str | None = None


class Run:
    """One rendering: the scope it reads and what it may still spend. A document shares one.

    `now` is the moment that filters such as `relative` count from, None where there is none.
    """

    __slots__ = ("_give_up_s", "chars_left", "limits", "loops", "now", "scope", "steps_left", "work_left")

    def __init__(self, scope: Mapping[str, Json], limits: Limits, now: datetime | None = None) -> None:
        self.scope = scope if isinstance(scope, dict) else dict(scope)
        self.now = now
        self.loops: list[Loop] = []
        self._give_up_s = 0.0
        self.limits = limits
        self.steps_left = limits.steps
        self.chars_left = limits.output_chars
        self.work_left = limits.output_chars

    def spend(self, steps: int, place: Place) -> None:
        """Account for evaluating `steps` parts of expressions."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise place.limit(f"this takes more than {self.limits.steps:,} steps")

    def check_time(self, place: Place) -> None:
        """Raise TemplateLimitError once rendering has taken longer than it may, from the first call on."""
        now_s = time.monotonic()
        if not self._give_up_s:
            self._give_up_s = now_s + self.limits.seconds
        elif now_s > self._give_up_s:
            raise place.limit(f"this takes more than {self.limits.seconds:g} seconds")

    def write(self, chars: int, place: Place) -> None:
        """Account for `chars` characters of output."""
        self.chars_left -= chars
        if self.chars_left < 0:
            raise place.limit(f"the output has more than {self.limits.output_chars:,} characters")

    def work(self, amount: int, place: Place) -> None:
        """Account for characters or members handled on the way to a result."""
        self.work_left -= amount
        if self.work_left < 0:
            raise place.limit(f"this handles more data than {self.limits.output_chars:,} characters")
        self.check_time(place)

    def look(self, members: int, place: Place) -> None:
        """Account for members of lists and objects that are compared."""
        self.work(members * WORK_PER_MEMBER, place)

    def scan(self, chars: int, place: Place) -> None:
        """Account for characters that are only compared or searched."""
        self.work(chars // SCANNED_PER_WORK, place)
