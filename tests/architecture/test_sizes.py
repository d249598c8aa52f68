"""Nothing grows at its center: the gates on files, on functions and on the Hub."""

import ast
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from revolution_hub.hub import Hub

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
MOST_HUB_FIELDS = 9

ALLOWED = {
    "core/hub/revolution_hub/store/migrations/versions/": "a migration is one list of statements",
}
"""Beginnings of paths that may be longer, each with the reason."""


def too_long(sources: Mapping[str, ast.Module]) -> Iterator[str]:
    for path, tree in sources.items():
        if any(path.startswith(beginning) for beginning in ALLOWED):
            continue
        lines = max((getattr(node, "end_lineno", 0) for node in tree.body), default=0)
        if lines > LONGEST_FILE:
            yield f"{path} has {lines} lines"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = int(node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    yield f"{path}: {node.name} has {length} lines"


def grown(center: type[Any]) -> list[str]:
    """Return what the center has too much of: fields beyond nine, and methods of its own."""
    fields = [one.name for one in dataclasses.fields(center)]
    made_by_dataclass = {*fields, *dir(dataclasses.make_dataclass("Plain", [], frozen=True, slots=True))}
    own = [name for name in vars(center) if name not in made_by_dataclass and not name.startswith("__")]
    return fields[MOST_HUB_FIELDS:] + own


def test_files_and_functions_stay_short(product: dict[str, ast.Module], tests: dict[str, ast.Module]) -> None:
    assert list(too_long(product)) == []
    assert list(too_long(tests)) == []


def test_a_long_function_is_found() -> None:
    body = "\n".join(f"    x = {number}" for number in range(LONGEST_FUNCTION))
    assert list(too_long({"a.py": ast.parse(f"def endless():\n{body}\n")})) == ["a.py: endless has 51 lines"]


def test_a_long_file_is_found() -> None:
    text = "x = 1\n" * (LONGEST_FILE + 1)
    assert list(too_long({"a.py": ast.parse(text)})) == ["a.py has 401 lines"]
    assert list(too_long({"a.py": ast.parse("x = 1\n" * LONGEST_FILE)})) == []


def test_every_allowed_length_is_needed(product: dict[str, ast.Module]) -> None:
    for beginning in ALLOWED:
        inside = {f"checked/{path}": tree for path, tree in product.items() if path.startswith(beginning)}
        assert list(too_long(inside)), f"{beginning} needs no exception any more"


def test_the_hub_has_few_fields_and_no_methods() -> None:
    assert grown(Hub) == []


def test_a_grown_hub_is_found() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Grown:
        a: int
        b: int
        c: int
        d: int
        e: int
        f: int
        g: int
        h: int
        i: int
        tenth: int

        def start_everything(self) -> None: ...

    assert grown(Grown) == ["tenth", "start_everything"]
