"""Texts that match a regular expression: literals, classes, groups, alternatives and repetitions.

Look-around, back references and properties of characters are not known; they raise NoText.
"""

import re

MOST_REPEATS = 200
LONGEST_TEXT = 100_000
_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789_", "s": " "}
_PRINTABLE = "".join(chr(code) for code in range(32, 127))
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{0,4}))?\}", re.ASCII)


class NoText(ValueError):
    """Raised when no matching text could be made."""


def text_for(pattern: str, *, shortest: int = 0, longest: int | None = None) -> str:
    """Return a text of `shortest` to `longest` characters in which the pattern is found."""
    for stretch in range(MOST_REPEATS):
        text = _Reader(pattern, stretch).read()
        if longest is not None and len(text) > longest:
            break
        if len(text) >= shortest and _found(pattern, text):
            return text
    raise NoText(f"no text was found for the pattern {pattern!r}")


def _found(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise NoText(f"{pattern!r} is not a regular expression") from error


class _Reader:
    """Reads a pattern from left to right and writes a matching text; `stretch` lengthens repetitions."""

    def __init__(self, pattern: str, stretch: int) -> None:
        self.pattern = pattern
        self.stretch = stretch
        self.at = 0

    def read(self) -> str:
        text = self._alternatives()
        if self.at < len(self.pattern):
            raise NoText(f"unexpected {self.pattern[self.at]!r} in the pattern")
        return text

    def _peek(self) -> str:
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def _take(self) -> str:
        letter = self._peek()
        if not letter:
            raise NoText("the pattern ends too early")
        self.at += 1
        return letter

    def _alternatives(self) -> str:
        first = self._sequence()
        while self._peek() == "|":
            self.at += 1
            self._sequence()
        return first

    def _sequence(self) -> str:
        parts: list[str] = []
        while self._peek() not in ("", "|", ")"):
            atom, repeats = self._atom(), self._repeats()
            if len(atom) * repeats > LONGEST_TEXT:
                raise NoText("the text would be too long")
            parts.append(atom * repeats)
        return "".join(parts)

    def _atom(self) -> str:
        letter = self._take()
        if letter in "^$":
            return ""
        if letter == ".":
            return "a"
        if letter == "(":
            return self._group()
        if letter == "[":
            return self._class()
        if letter == "\\":
            return self._escape()[0]
        return letter

    def _group(self) -> str:
        if self._peek() == "?":
            if not self.pattern.startswith("?:", self.at):
                raise NoText("only plain groups are known")
            self.at += 2
        text = self._alternatives()
        if self._take() != ")":
            raise NoText("a group is not closed")
        return text

    def _escape(self) -> str:
        letter = self._take()
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter in "DWS":
            return "-" if letter != "S" else "a"
        if letter.isalnum():
            raise NoText(f"the escape \\{letter} is not known")
        return letter

    def _class(self) -> str:
        negative = self._peek() == "^"
        self.at += negative
        members = ""
        while not members or self._peek() != "]":
            members += self._range()
        self.at += 1
        if not negative:
            return members[0]
        left = [letter for letter in "a0" + _PRINTABLE if letter not in members]
        if not left:
            raise NoText("a class leaves no character")
        return left[0]

    def _range(self) -> str:
        letter = self._take()
        members = self._escape() if letter == "\\" else letter
        if self._peek() != "-" or self.pattern[self.at + 1 : self.at + 2] in ("", "]"):
            return members
        self.at += 1
        last = self._take()
        if last == "\\":
            last = self._escape()[0]
        return "".join(chr(code) for code in range(ord(members[0]), ord(last) + 1)) or members

    def _repeats(self) -> int:
        least, most = self._bounds()
        if self._peek() == "?":
            self.at += 1  # a lazy repetition matches the same texts
        return min(least + self.stretch, most, max(least, MOST_REPEATS))

    def _bounds(self) -> tuple[int, int]:
        letter = self._peek()
        if letter and letter in "?*+":
            self.at += 1
            return {"?": (0, 1), "*": (0, MOST_REPEATS), "+": (1, MOST_REPEATS)}[letter]
        found = _COUNT.match(self.pattern, self.at)
        if found is None:
            return (1, 1)
        self.at = found.end()
        least = int(found.group(1))
        if found.group(2) is None:
            return (least, least)
        return (least, int(found.group(3)) if found.group(3) else max(least, MOST_REPEATS))
