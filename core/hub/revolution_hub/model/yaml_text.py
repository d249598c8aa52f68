"""Workflows written as YAML, the way people write them: known words in their order, long texts as blocks.

What is written reads as the same values again, here and by other programs: a text that YAML 1.1 would take
for something else, such as `no` or `10:30`, stands in quotes. Only `on`, the key of every workflow, does not.
"""

import difflib
import re
from typing import Any, Final

import yaml

from revolution_hub.model.words import STEP, TOP, TRIGGERS
from revolution_sdk.types import Json, JsonObject

MOST_LINES: Final = 5_000
"""A longer text is not compared line by line, which could take long."""

_TRIGGER = tuple(dict.fromkeys(word for words in TRIGGERS.values() for word in words))
_BLOCKS = ("steps", "then", "else", "default")
_NAMED_BLOCKS = ("cases", "parallel")
_TEXT = "tag:yaml.org,2002:str"
_HIDDEN = re.compile(r"[^\S\n](?:\n|\Z)|\A\s")
"""White space that nobody would see in a block, and that a block does not keep."""
_UNSAFE = re.compile(
    r"[^\n\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""Other line breaks, and what has no place in a text file: written by its code."""


class _Dumper(yaml.SafeDumper):
    """The safe dumper without aliases, which nobody may read back."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        resolver: Any = super()
        return _TEXT if kind is yaml.ScalarNode and value == "on" else resolver.resolve(kind, value, implicit)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    block = "|" if "\n" in value and _HIDDEN.search(value) is None else None
    return dumper.represent_scalar(_TEXT, value, style='"' if _UNSAFE.search(value) else block)


_Dumper.add_representer(str, _text)
# Standard YAML 1.1 has no number without a dot before its exponent; what reads workflows has.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]+\Z"), list("-0123456789")
)


def write_yaml(document: Json) -> str:
    """Return a workflow's document as YAML. Comments of the text it once came from are not in it."""
    return yaml.dump(
        _ordered(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000_000
    )


def yaml_difference(before: Json, after: Json, name_before: str, name_after: str) -> str:
    """Return the difference of two documents as a unified text of their YAML.

    None is a document that is not there. Empty if they are written alike, and if one of them has more than
    5,000 lines.
    """
    first, second = ([] if one is None else write_yaml(one).splitlines() for one in (before, after))
    if max(len(first), len(second)) > MOST_LINES:
        return ""
    lines = difflib.unified_diff(first, second, name_before, name_after, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _ordered(document: Json) -> Json:
    if not isinstance(document, dict):
        return document
    made = _sorted(document, TOP)
    if isinstance(made.get("on"), list):
        made["on"] = [_sorted(one, _TRIGGER) if isinstance(one, dict) else one for one in made["on"]]
    if isinstance(made.get("on_failure"), dict):
        made["on_failure"] = _with_steps(made["on_failure"])
    return _with_steps(made)


def _with_steps(holder: JsonObject) -> JsonObject:
    """Return an object with the steps in it in the order of the language."""
    made = dict(holder)
    for word in _BLOCKS:
        if isinstance(made.get(word), list):
            made[word] = [_step(one) for one in made[word]]
    return made


def _step(step: Json) -> Json:
    if not isinstance(step, dict):
        return step
    made = _with_steps(_sorted(step, STEP))
    for word in _NAMED_BLOCKS:
        if isinstance(made.get(word), dict):
            made[word] = {
                name: [_step(one) for one in block] if isinstance(block, list) else block
                for name, block in made[word].items()
            }
    if isinstance(made.get("on_error"), dict):
        made["on_error"] = _with_steps(made["on_error"])
    return made


def _sorted(value: JsonObject, words: tuple[str, ...]) -> JsonObject:
    known = {word: value[word] for word in words if word in value}
    return known | {word: one for word, one in value.items() if word not in known}
