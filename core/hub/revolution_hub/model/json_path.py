"""json_path: the way to one member of a JSON value, such as `$.contact.emails[0]`. Pure."""

import re
from typing import Final

LONGEST: Final = 200

_PART = re.compile(
    r"""\.?(?P<name>[^.\[\]'"]+)|\[(?P<index>[0-9]{1,6})\]|\[(?P<quote>['"])(?P<quoted>.+?)(?P=quote)\]"""
)


def parse_path(text: str) -> tuple[str | int, ...]:
    """Return the names and indexes of a path; raises ValueError, saying what is allowed."""
    rest = text.removeprefix("$")
    parts: list[str | int] = []
    at = 0
    while at < len(rest):
        part = _PART.match(rest, at)
        if part is None or (part["name"] and not part[0].startswith(".") and at > 0):
            break
        parts.append(int(part["index"]) if part["index"] else part["name"] or part["quoted"])
        at = part.end()
    if at < len(rest) or not parts or len(text) > LONGEST:
        raise ValueError("a path such as $.contact.emails[0] or $['first name'] is needed")
    return tuple(parts)


def path_text(parts: tuple[str | int, ...]) -> str:
    """Write a path as `parse_path` reads it."""
    return "$" + "".join(f"[{one}]" if isinstance(one, int) else _named(one) for one in parts)


def _named(name: str) -> str:
    if not any(one in name for one in ".[]'\""):
        return f".{name}"
    quote = '"' if "'" in name else "'"
    return f"[{quote}{name}{quote}]"
