"""YAML as people mean it: JSON's values and nothing more."""

from typing import Any

import pytest

from revolution_hub.errors import InputError
from revolution_hub.model.yaml_document import read_yaml


def refused(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read_yaml(text)
    assert caught.value.code == "yaml_invalid"
    assert [one.code for one in caught.value.problems] == ["yaml_invalid"]
    return caught.value


READ: dict[str, Any] = {
    "on: [manual]": {"on": ["manual"]},
    "off: no": {"off": "no"},
    "a: yes": {"a": "yes"},
    "a: On": {"a": "On"},
    "a: True": {"a": "True"},
    "a: true\nb: false": {"a": True, "b": False},
    "a: null\nb: ~\nc:": {"a": None, "b": None, "c": None},
    "a: 7\nb: -7\nc: 0": {"a": 7, "b": -7, "c": 0},
    "a: 1.50\nb: 1e3\nc: -2.5E-1": {"a": 1.5, "b": 1000.0, "c": -0.25},
    "a: 2026-11-22": {"a": "2026-11-22"},
    "a: 2026-11-22T10:00:00Z": {"a": "2026-11-22T10:00:00Z"},
    "a: 10:30": {"a": "10:30"},
    "a: 10:30:59": {"a": "10:30:59"},
    "a: 017": {"a": "017"},
    "a: 0x1F": {"a": "0x1F"},
    "a: 0b11": {"a": "0b11"},
    "a: 1_000": {"a": "1_000"},
    "a: +4917612345": {"a": "+4917612345"},
    "a: .5": {"a": ".5"},
    "a: .inf": {"a": ".inf"},
    "a: .nan": {"a": ".nan"},
    "a: =": {"a": "="},
    "<<: {a: 1}": {"<<": {"a": 1}},
    "'1': x": {"1": "x"},
    "a: !!str 5": {"a": "5"},
    "a: |\n  two\n  lines\n": {"a": "two\nlines\n"},
    'a: "{{ trigger.data.id }}"': {"a": "{{ trigger.data.id }}"},
    "": None,
    "# nothing": None,
    "[1, [2, {a: b}]]": [1, [2, {"a": "b"}]],
}


@pytest.mark.parametrize("text", READ)
def test_a_document_is_read_as_json_values(text: str) -> None:
    found = read_yaml(text)
    assert found == READ[text]
    assert repr(found) == repr(READ[text])


REFUSED = {
    "alias": "a: &x [1]\nb: *x",
    "merged alias": "a: &x {b: 1}\nc:\n  <<: *x",
    "python object": "!!python/object/apply:os.system ['true']",
    "python name": "!!python/name:os.system",
    "own tag": "a: !secret x",
    "timestamp": "a: !!timestamp 2026-11-22",
    "binary": "a: !!binary aGk=",
    "set": "!!set {a, b}",
    "ordered map": "!!omap [a: 1]",
    "endless number": "a: 1e999",
    "explicit infinity": "a: !!float .inf",
    "explicit nan": "a: !!float .nan",
    "many digits": "a: " + "1" * 5_000,
    "same key twice": "a: 1\na: 2",
    "same key twice below": "a:\n  - {b: 1, b: 2}",
    "number as key": "1: x",
    "null as key": "~: x",
    "boolean as key": "true: x",
    "list as key": "? [a]\n: 1",
    "two documents": "--- 1\n--- 2",
    "open list": "[1, 2",
    "tab": "a:\n\t- 1",
    "control character": "a: 'x\x00'",
    "lone surrogate": "a: '\ud800'",
    "deep nesting": "[" * 1_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_json_cannot_say_is_refused(name: str) -> None:
    refused(REFUSED[name])


def test_a_mistake_is_told_with_line_and_column() -> None:
    error = refused("name: x\nsteps:\n  - uses: [a\n")
    assert "line 4, column 1" in error.message
    assert error.problems[0].path == "line 4, column 1"


def test_a_billion_laughs_are_refused_before_they_grow() -> None:
    lines = ["l0: &l0 [lol, lol]"] + [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "aliases are not allowed" in refused("\n".join(lines)).problems[0].message
