"""Where in a YAML text a value stands, so that a problem with its path can be told with line and column."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import yaml

from revolution_hub.errors import Problem

Places = Mapping[str, tuple[int, int]]
"""Line and column, both from 1, by path: of a member of an object where its key is."""

_PART = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


def places_of(text: str) -> Places:
    """Return where everything in a YAML or JSON text is; nothing for one that cannot be read."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return dict(_places(root, ())) if root is not None else {}


def placed(problem: Problem, places: Places, lines: list[str]) -> Problem:
    """Return the problem with the line and column of its value in the text, or of what it is missing in.

    A place within a template is left in the message, which shows it.
    """
    parts = _parts(problem.path)
    while parts and _key(parts) not in places:
        parts.pop()
    if _key(parts) not in places:
        return problem
    line, column = places[_key(parts)]
    source = lines[line - 1] if line <= len(lines) else ""
    return replace(problem, line=line, column=column, source_line=source[:200])


def _places(node: yaml.Node, at: tuple[str, ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    if not at:
        yield "", _mark(node)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*at, str(key.value))
            yield _key(below), _mark(key)
            yield from _places(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            below = (*at, str(index))
            yield _key(below), _mark(value)
            yield from _places(value, below)


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _parts(path: str) -> list[str]:
    """Return the keys and indexes a path is made of."""
    return [key or index or quoted for key, index, quoted in _PART.findall(path)]


def _key(parts: "tuple[str, ...] | list[str]") -> str:
    return "\0".join(parts)
