"""Templates to begin a search with: every one that a unit test holds, every example, and every attack."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from fuzz.grammar import WORDS
from revolution_hub.template.filters.register import FILTERS
from revolution_sdk.types import JsonObject

UNIT_TESTS = Path(__file__).parents[1] / "unit" / "template"
BORDER = b"\xff"
"""Stands between a template and its scope; UTF-8 never holds this byte."""

SCOPE: JsonObject = {
    "text": "plain tok-live-canary",
    "number": -5,
    "fraction": 2.5,
    "flag": True,
    "nothing": None,
    "when": "2026-11-23T14:30:00+01:00",
    "items": [3, 1, 2],
    "words": ["b", "a", "tok-live-canary"],
    "rows": [{"id": 1, "name": "Ada", "home": {"city": "Ulm"}}, {"id": 2, "name": "tok-live-canary"}],
    "object": {"a": 1, "odd key": ["x"], "__class__": {"b": None}},
    "v": "2026-11-23",
    "a": 1,
    "b": [1, "x", None],
}
"""What a template meets that brings no scope of its own."""

_WORDS = (
    "{{", "}}", "{{~", "~}}", "{{#if ", "{{else}}", "{{else if ", "{{/if}}", "{{#unless ", "{{/unless}}",
    "{{!", "{{#each ", "{{/each}}", "{{#raw}}", "{{/raw}}", "--}}", " as ", "this", "@index", "@first",
    "@last", "@key", " and ", " or ", " not ", " in ", "true", "false", "null", "==", "!=", "<=", ">=", "??",
    "|", ":", ",", "?", "[0]", "[-1]", "(", ")",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    """Yield the beginnings of the search, as bytes."""
    for one in FILTERS.values():
        for example in one.examples:
            yield packed(example.template, dict(example.data))
    for row in json.loads((UNIT_TESTS / "hostile.json").read_text("utf-8")):
        yield packed(row["template"], SCOPE)
    for path in sorted(UNIT_TESTS.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{{" in node.value:
                yield packed(node.value, SCOPE)


def packed(template: str, scope: JsonObject) -> bytes:
    """Write a template and its scope as one row of bytes."""
    return template.encode("utf-8", "surrogatepass") + BORDER + json.dumps(scope).encode()


def unpacked(data: bytes) -> tuple[str, JsonObject]:
    """Read what `packed` wrote, or any other bytes: what is no scope is replaced by an ordinary one."""
    template, _, rest = data.partition(BORDER)
    return template.decode("utf-8", "replace"), _scope(rest)


def _scope(data: bytes) -> JsonObject:
    try:
        # The hub lets in no NaN and no whole number beyond 64 bits.
        found = json.loads(data, parse_constant=_refused, parse_int=_whole, parse_float=_finite)
    except (ValueError, RecursionError):
        return SCOPE
    return found if isinstance(found, dict) else SCOPE


def _refused(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _whole(digits: str) -> int:
    number = int(digits)
    if not -(2**63) <= number < 2**63:
        raise ValueError("more than 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if abs(number) == float("inf"):
        raise ValueError("too large")
    return number


def dictionary() -> str:
    """Return the words of the language, as libFuzzer takes them."""
    words = [*_WORDS, *SCOPE, *(f"|{name}:" for name in FILTERS), *(f"'{word}'" for word in WORDS)]
    return "".join('"' + re.sub(r'(["\\])', r"\\\1", word) + '"\n' for word in words)
