"""Reader: what a document's values must be, and every problem with them."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from revolution_hub.errors import Problem
from revolution_hub.model.durations import LONGEST_S, duration_s
from revolution_hub.model.words import ID
from revolution_sdk.types import Json, JsonObject

MOST_PROBLEMS: Final = 200
_LONGEST_SHOWN = 80
_ID = re.compile(rf"{ID}\Z")


@dataclass(slots=True)
class Reader:
    """Collects problems while a document is read. `ids` says where each step id was used first."""

    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    steps: int = 0

    @property
    def full(self) -> bool:
        """Whether as many problems are told as ever are."""
        return len(self.problems) >= MOST_PROBLEMS

    def problem(self, path: str, message: str, code: str = "invalid") -> None:
        """Add a problem, unless there are enough."""
        if not self.full:
            self.problems.append(Problem(path=path, message=message, code=code))

    def known_words(self, value: JsonObject, known: Sequence[str], path: str) -> None:
        """Refuse every key that is not one of these."""
        for word in value:
            # Looking for near names costs the most, and nobody reads the hint to the thousandth problem.
            if self.full:
                return
            if word not in known:
                near = difflib.get_close_matches(word[:_LONGEST_SHOWN], known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"
                message = f"{word[:_LONGEST_SHOWN]!r} is not a known word{hint}"
                self.problem(join(path, word), message, "unknown_word")

    def text(self, value: Json, path: str, *, longest: int = 200, needed: bool = True) -> str:
        """Return a text; without `needed` it may be missing or empty."""
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or (needed and not value.strip()):
            self.problem(path, "a text is needed here")
            return ""
        if len(value) > longest:
            self.problem(path, f"at most {longest} characters")
        return value

    def template(self, value: Json, path: str, *, longest: int) -> str:
        """Return a text with an expression in it."""
        text = self.text(value, path, longest=longest)
        if text and "{{" not in text:
            self.problem(path, "a text with an {{ expression }} is needed here")
        return text

    def name(self, value: Json, path: str, what: str) -> str:
        """Return a name that templates can read: lower case letters, digits and underscores."""
        text = self.text(value, path)
        if text and not is_name(text):
            self.problem(path, f"{what} is lower case letters, digits and underscores, at most 64")
        return text

    def one_of(self, value: Json, path: str, allowed: Sequence[str]) -> str:
        """Return one of these texts; the first one if it is none of them."""
        if value not in allowed:
            self.problem(path, f"one of: {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def object(self, value: Json, path: str) -> JsonObject:
        """Return an object, an empty one if it is none."""
        if not isinstance(value, dict):
            self.problem(path, "an object is needed here")
            return {}
        if all(isinstance(key, str) for key in value):
            return value
        self.problem(path, "every key of an object is a text; write it in quotes")
        return {key: one for key, one in value.items() if isinstance(key, str)}

    def list_(self, value: Json, path: str) -> list[Json]:
        """Return a list, an empty one if it is none."""
        if not isinstance(value, list):
            self.problem(path, "a list is needed here")
            return []
        return value

    def number(self, value: Json, path: str, low: float, high: float, default: float) -> float:
        """Return a number within these bounds, the default for null and for anything else."""
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.problem(path, f"a number from {low:g} to {high:g} is needed here")
            return default
        return value

    def whole(self, value: Json, path: str, low: int, high: int, default: int) -> int:
        """Return a whole number within these bounds, the default for null and for anything else."""
        found = self.number(value, path, low, high, default)
        if found != int(found):
            self.problem(path, "a whole number is needed here")
        return int(found)

    def duration(
        self, value: Json, path: str, default: float, *, low: float = 0, high: float = LONGEST_S
    ) -> float:
        """Return a duration in seconds within these bounds, the default for null and for anything else."""
        if value is None:
            return default
        try:
            found = duration_s(value)
        except ValueError as error:
            self.problem(path, f"{error}; here from {low:.0f} to {high:.0f} seconds")
            return default
        if not low <= found <= high:
            self.problem(path, f"a duration from {low:.0f} to {high:.0f} seconds is needed here")
        return found

    def choice(
        self, value: Json, words: Sequence[str], path: str, *, beside: Sequence[str] = ()
    ) -> tuple[str | None, JsonObject]:
        """Return the only one of these words that is in an object, and the object; None if it is not clear.

        The words of `beside` may be there as well.
        """
        entry = self.object(value, path)
        if not isinstance(value, dict):
            return None, entry
        self.known_words(entry, (*words, *beside), path)
        found = [word for word in words if word in entry]
        if len(found) == 1:
            return found[0], entry
        self.problem(path, f"name exactly one of: {', '.join(words)}", "unknown_word")
        return None, entry


def is_name(text: str) -> bool:
    """Tell whether a text may be an id or another name that templates read."""
    return _ID.match(text) is not None


def join(path: str, word: str) -> str:
    """Return the path of a word below a path; long words are shortened."""
    return f"{path}.{word[:_LONGEST_SHOWN]}" if path else word[:_LONGEST_SHOWN]
