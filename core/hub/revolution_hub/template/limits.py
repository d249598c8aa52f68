"""What a template may cost, and the account one rendering keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    parentheses, of documents and of values, at most 64. `source_chars`: length of one template.
    Together they bound time and memory; nothing reads a clock.
    """

    output_chars: int = 1_000_000
    steps: int = 10_000
    depth: int = DEEPEST
    source_chars: int = 100_000

    def __post_init__(self) -> None:
        if min(self.output_chars, self.steps, self.depth, self.source_chars) < 1:
            raise ValueError("every limit of a template must be at least 1")
        if self.depth > DEEPEST:
            raise ValueError(f"the depth limit of a template may be at most {DEEPEST}")


DEFAULT = Limits()


class Run:
    """One rendering: the scope it reads and what it may still spend. A document shares one."""

    __slots__ = ("chars_left", "limits", "scope", "steps_left", "work_left")

    def __init__(self, scope: Mapping[str, Json], limits: Limits) -> None:
        self.scope = scope if isinstance(scope, dict) else dict(scope)
        self.limits = limits
        self.steps_left = limits.steps
        self.chars_left = limits.output_chars
        self.work_left = limits.output_chars

    def spend(self, steps: int, place: Place) -> None:
        """Account for evaluating `steps` parts of expressions."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise place.limit(f"this takes more than {self.limits.steps:,} steps")

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

    def look(self, members: int, place: Place) -> None:
        """Account for members of lists and objects that are compared."""
        self.work(members * WORK_PER_MEMBER, place)

    def scan(self, chars: int, place: Place) -> None:
        """Account for characters that are only compared or searched."""
        self.work(chars // SCANNED_PER_WORK, place)
