"""Workflows on disk: YAML read as plain JSON values, the way people mean it.

`on`, `off`, `yes` and `no` stay texts (the word `on` heads every trigger list), dates stay texts, and
tags other than JSON's own are refused. Aliases are refused as well: they can blow up a small file.
"""

import re
from typing import Any

import yaml

from revolution_hub.errors import InputError, Problem
from revolution_sdk.types import Json


class _Loader(yaml.SafeLoader):
    """The safe loader with JSON's scalars only."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:null")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)\Z"), list("tf"))


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
