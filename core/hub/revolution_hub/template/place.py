"""Where in a template something stands, and errors that point there."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from revolution_hub.errors import TemplateError, TemplateLimitError

# Control, bidirectional, zero-width and surrogate characters garble a terminal or cannot be encoded.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Replace each character that would garble a terminal by one space, so that columns stay right."""
    return _UNPRINTABLE.sub(" ", text)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The text of one template and the offsets at which its lines begin."""

    text: str
    line_starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "Source":
        """Index the lines of `text`; only a line feed ends a line."""
        return cls(text, (0, *(found.end() for found in re.finditer("\n", text))))


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One offset in a source."""

    source: Source
    offset: int

    @property
    def line(self) -> int:
        """The line, counted from 1."""
        return bisect_right(self.source.line_starts, self.offset)

    @property
    def column(self) -> int:
        """The column in characters, counted from 1."""
        return self.offset - self.source.line_starts[self.line - 1] + 1

    @property
    def source_line(self) -> str:
        """The line itself, made printable."""
        start = self.source.line_starts[self.line - 1]
        return printable(self.source.text[start:].partition("\n")[0]).rstrip()

    def error(self, message: str) -> TemplateError:
        """Make the error that points here."""
        return TemplateError(message, line=self.line, column=self.column, source_line=self.source_line)

    def limit(self, message: str) -> TemplateLimitError:
        """Make the error that says which limit was met here."""
        return TemplateLimitError(message, line=self.line, column=self.column, source_line=self.source_line)
