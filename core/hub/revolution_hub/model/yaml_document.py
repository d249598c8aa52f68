"""Workflows on disk: YAML read as plain JSON values, the way people mean it.

`on`, `off`, `yes` and `no` stay texts (the word `on` heads every trigger list), as do dates, times and
numbers JSON would not read. Tags other than JSON's own, equal keys, keys that are no texts and aliases are
refused: the last can blow up a small file.
"""

import math
import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from revolution_hub.errors import InputError, Problem
from revolution_sdk.types import Json


class _Loader(yaml.SafeLoader):
    """The safe loader with JSON's values only."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        made = super().construct_mapping(node, deep=deep)
        if len(made) != len(node.value):
            raise ConstructorError(None, None, "an object has the same key twice", node.start_mark)
        if not all(isinstance(key, str) for key in made):
            raise ConstructorError(None, None, "a key is not a text; write it in quotes", node.start_mark)
        return made


def _finite(loader: _Loader, node: Any) -> float:
    value = float(loader.construct_yaml_float(node))
    if not math.isfinite(value):
        raise ConstructorError(None, None, "a number is not finite", node.start_mark)
    return value


# The scalars of JSON alone: YAML 1.1 also reads 10:30 as 630, 017 as 15 and 1_000 as 1000.
_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("bool", r"(?:true|false)\Z", "tf"),
    ("null", r"(?:null|~|)\Z", ["n", "~", ""]),
    ("int", r"-?(?:0|[1-9][0-9]*)\Z", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), list(_first))
_Loader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.rpartition(":")[2] in ("bool", "null", "int", "str", "seq", "map")
}
_Loader.add_constructor("tag:yaml.org,2002:float", _finite)


def read_yaml(text: str) -> Json:
    """Return the document as JSON values; raise InputError `yaml_invalid` with line and column."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader, narrowed further
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = Problem(path=place, message=str(error.problem), code="yaml_invalid")
        raise InputError(f"this is not readable YAML ({place})", [problem], code="yaml_invalid") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = Problem(path="", message=str(error), code="yaml_invalid")
        raise InputError("this is not readable YAML", [problem], code="yaml_invalid") from error
