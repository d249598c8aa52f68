"""Templates that ask for far too much, each in a process of its own.

`python -m fuzz.blowups` prints one JSON object: what became of each, the memory it added, its processor time.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeAlias

from revolution_hub.errors import TemplateError, TemplateLimitError
from revolution_hub.template.filters.filter import EXAMPLES_AT
from revolution_hub.template.limits import DEFAULT
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

MEGABYTE = 1 << 20
MOST_ADDRESSES = 2 << 30
"""Whoever takes this much is stopped, so that a fault in a limit does not take the machine along."""

Deed: TypeAlias = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Cost:
    """What became of it (`limit`, `refused`, `given`, or the name of another exception), and what it took."""

    outcome: str
    memory_mb: float
    processor_s: float


def doubled(times: int) -> Json:
    """Make a small value that is huge once it is written out."""
    value: Json = ["x" * 10]
    for _ in range(times):
        value = [value, value]
    return value


def shared_rows(count: int) -> Json:
    """Make a list that holds one large row many times."""
    row: JsonObject = {"id": "x" * 1_000, "tags": ["y" * 1_000] * 100}
    return [row] * count


SCOPE: JsonObject = {
    "text": "a" * 900_000,
    "marks": "&" * 900_000,
    "wide": "\u20ac" * 900_000,
    "words": "a " * 400_000,
    "ligatures": "\ufdfa" * 900_000,
    "sharp": "\u0390" * 900_000,
    "page": "x" * 20_000,
    "short": "a" * 1_000,
    "list": [1] * 120_000,
    "many": list(range(100_000)),
    "pages": ["x" * 20_000] * 5_000,
    "nested": [["x"] * 1_000] * 5_000,
    "doubled": doubled(60),
    "rows": shared_rows(50_000),
    "names": [{"id": f"{number:0500}"} for number in range(20_000)],
    "object": {f"key {number}": number for number in range(100_000)},
    "few": list(range(45)),
    "cells": "a " * 80_000,
    "smaller": {f"key {number}": number for number in range(20_000)},
    "half": "\u0390" * 450_000,
    "when": "2026-11-23T14:30:00Z",
    "pattern": "[" + "]MMMM[".join(["x" * 5] * 15) + "]",
}

LOOP = "{{#each list}}"
END = "{{/each}}"

BLOWUPS: dict[str, str] = {
    "loops within loops": LOOP * 5 + "x" + END * 5,
    "a loop that writes a page each time": "{{#each list}}{{ page }}{{/each}}",
    "a loop over one list many times": "{{#each many}}{{#each many}}{{ this }}{{/each}}{{/each}}",
    "a loop over an object within itself": "{{#each object}}{{#each object}}{{ @key }}{{/each}}{{/each}}",
    "a loop over large pages": "{{#each pages}}{{ this }}{{ this | upper }}{{/each}}",
    "a loop of pages in capitals": "{{#each list}}{{ page | upper | length }}{{/each}}",
    "a loop over what is shared": "{{#each doubled}}{{#each this}}{{ this }}{{/each}}{{/each}}",
    "an empty loop over a filtered list": "{{#each many}}{{#each (list | sort)}}{{/each}}{{/each}}",
    "a condition in a loop": "{{#each list}}{{#if text | upper}}x{{/if}}{{/each}}",
    "a long way of blocks": "{{#if true}}" * 70 + "x" + "{{/if}}" * 70,
    "parentheses": "{{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}",
    "signs": "{{ " + "- " * 10_000 + "number }}",
    "denials": "{{ " + "not " * 10_000 + "number }}",
    "filters": "{{ short" + " | json" * 5_000 + " | length }}",
    "sums": "{{ 1" + " + 1" * 20_000 + " }}",
    "products": "{{ 9" + " * 9" * 20_000 + " }}",
    "comments": "{{! a }}" * 12_000 + "{{ doubled }}",
    "raw blocks": "{{#raw}}" + "{{" * 40_000 + "{{/raw}}{{ doubled }}",
    "a source of a megabyte": "{{ a }}" * 150_000,
    "a value that unfolds": "{{ doubled }}",
    "a value that unfolds, in text": "-{{ doubled }}",
    "a value that unfolds, compared": "{{ doubled == doubled }}",
    "rows that are shared": "{{ rows }}",
    "json": "{{ doubled | json | length }}",
    "json of rows": "{{ rows | json | length }}",
    "json of json": "{{ marks | json | json | json | json | length }}",
    "replace": "{{ text | replace:'a', page | length }}",
    "replace by itself": "{{ short | replace:'a', short | replace:'a', short | length }}",
    "replace_pattern": "{{ short | replace_pattern:'a', page | length }}",
    "replace_pattern of nothing": "{{ text | replace_pattern:'', page | length }}",
    "join": "{{ pages | join | length }}",
    "join by a page": "{{ many | join:page | length }}",
    "split": "{{ words | split:' ' | length }}",
    "split and join": "{{ words | split:' ' | join:page | length }}",
    "upper": "{{ sharp | upper | upper | length }}",
    "slug": "{{ ligatures | slug | length }}",
    "title": "{{ words | title | title | length }}",
    "base64": "{{ wide | base64 | length }}",
    "base64 of base64": "{{ page" + " | base64" * 40 + " | length }}",
    "url_encode": "{{ wide | url_encode | length }}",
    "url_encode of itself": "{{ wide | first:1000" + " | url_encode" * 40 + " | length }}",
    "html_escape": "{{ marks | html_escape | length }}",
    "html_escape of itself": "{{ marks | first:1000" + " | html_escape" * 400 + " | length }}",
    "hash of many": "{{#each list}}{{ text | hash }}{{/each}}",
    "group_by of many names": "{{ names | group_by:'id' | json | length }}",
    "merge": "{{ object" + " | merge:object" * 200 + " | length }}",
    "concat": "{{ list" + " | concat:list" * 20 + " | length }}",
    "concat in a loop": "{{#each list}}{{ many | concat:many | length }}{{/each}}",
    "flatten": "{{ nested | flatten | length }}",
    "flatten and concat": "{{ nested | flatten | concat:(nested | flatten) | length }}",
    "entries": "{{ object | entries | length }}",
    "entries of entries": "{{#each list}}{{ object | entries | length }}{{/each}}",
    "values": "{{ object | values | concat:(object | values) | length }}",
    "map": "{{ rows | map:'tags' | flatten | join | length }}",
    "unique": "{{ doubled | unique | length }}",
    "unique by a key": "{{ rows | unique:'tags' | length }}",
    "sort": "{{ pages | sort | length }}",
    "sort by a key": "{{ names | sort:'id' | length }}",
    "reverse": "{{#each list}}{{ many | reverse | length }}{{/each}}",
    "slice": "{{#each list}}{{ text | slice:1 | length }}{{/each}}",
    "truncate": "{{#each list}}{{ text | truncate:1000000, page }}{{/each}}",
    "format": "{{#each list}}{{ when | format:pattern, 'de' }}{{/each}}",
    "date_add": "{{#each list}}{{ when | date_add:1, 'month' }}{{/each}}",
    "relative": "{{#each list}}{{ when | relative }}{{/each}}",
    "currency": "{{#each list}}{{ this | currency:'EUR', 'de' }}{{/each}}",
    "number": "{{ 1e308 | number:'de', 15 }}{{#each list}}{{ 1e308 | number:'de', 15 }}{{/each}}",
    "a pattern with groups": "{{ text | extract:'((a+)+)+$', 2 | concat:list }}",
    "patterns in a loop": "{{#each list}}{{ text | matches:'(.*)*x' }}{{/each}}",
}

NEARLY: dict[str, str] = {
    "a page in a loop": "{{#each few}}{{ page }}{{/each}}",
    "a value that unfolds, looked for": "{{ doubled in nested }}",
    "as many words as there may be": "{{ cells | split:' ' | length }}",
    "as many entries as there may be": "{{ smaller | entries | length }}",
    "as many values as there may be": "{{ smaller | values | sort | unique | length }}",
    "as many groups as there may be": "{{ rows | group_by:'id' | length }}",
    "as many rows as there may be": "{{ rows | map:'id' | length }}",
    "as much text as there may be": "{{ half | upper | length }}",
    "as many matches as there may be": "{{ cells | first:20000 | replace_pattern:' ', '' | length }}",
    "as many terms as there may be": "{{ 1" + " + 1" * 4_900 + " }}",
    "as many turns as there may be": "{{#each few}}" * 2 + "{{ @index }}" + "{{/each}}" * 2,
}
"""What is just allowed, and must stay as small; all of these give a result."""


def told(template: str) -> str:
    """Render a blow-up; say what became of it."""
    try:
        compile_template(template).render(SCOPE, DEFAULT, EXAMPLES_AT)
    except TemplateLimitError:
        return "limit"
    except TemplateError:
        return "refused"
    return "given"


def alone(deed: Deed) -> Cost:
    """Do it in a process of its own, which begins with the memory of this one and is charged what it adds."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        cost = _costing(deed)
        os.write(writer, json.dumps(asdict(cost)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return Cost(**json.loads(answer)) if answer else Cost("killed", float("inf"), float("inf"))


def _costing(deed: Deed) -> Cost:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    before = resource.getrusage(resource.RUSAGE_SELF)
    try:
        outcome = str(deed())
    except Exception as error:
        outcome = type(error).__name__
    after = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    memory_mb = (after.ru_maxrss - before.ru_maxrss) * unit / MEGABYTE
    return Cost(outcome, memory_mb, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def planted() -> str:
    """Take eighty megabytes, which a limit would have to prevent."""
    return "given" if bytearray(80 * MEGABYTE).count(1) == 0 else ""


def warm_up() -> None:
    """Load what the first use of locales, zones and patterns loads once."""
    for pipe in ("format:'MMMM', 'de', 'Europe/Berlin'", "relative", "date_add:1, 'day'"):
        compile_template("{{ when | " + pipe + " }}").render(SCOPE, DEFAULT, EXAMPLES_AT)
    for pipe in ("currency:'EUR', 'de'", "number:'de', 15"):
        compile_template("{{ 1 | " + pipe + " }}").render(SCOPE)
    compile_template("{{ short | matches:'a' }}").render(SCOPE)


if __name__ == "__main__":
    warm_up()
    costs = {"planted": alone(planted)}
    for name, template in {**BLOWUPS, **NEARLY}.items():
        costs[name] = alone(partial(told, template))
    print(json.dumps({name: asdict(cost) for name, cost in costs.items()}))
