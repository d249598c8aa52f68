"""The page on templates: every example is run, every table is complete, the reference is the register."""

import json
import re
import runpy
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from revolution_hub.cli.main import app
from revolution_hub.errors import TemplateError
from revolution_hub.template.filters.date_tokens import TOKENS
from revolution_hub.template.filters.filter import EXAMPLES_AT
from revolution_hub.template.filters.register import FILTERS
from revolution_hub.template.limits import DEFAULT
from revolution_hub.template.render import compile_template
from revolution_sdk.types import Json, JsonObject

ERROR = "error"
MISSING = "missing"

_FENCE = re.compile(r"^```(\w+)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`]*)`")
_BETWEEN_CELLS = re.compile(r"(?<!\\)\|")


class Example(NamedTuple):
    """A template of the page, what it reads, and what it gives there, written as the page does."""

    template: str
    data: JsonObject
    gives: str


Filled = Callable[[str], str]


@pytest.fixture(name="page")
def _page(root: Path) -> str:
    return (root / "docs/templates.md").read_text(encoding="utf-8")


@pytest.fixture(name="filled")
def _filled(root: Path) -> Filled:
    made: Filled = runpy.run_path(str(root / "docs/reference/make.py"))["filled"]
    return made


def by_hand(page: str) -> str:
    return page.partition("<!--")[0]


def tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Yield the head and the rows of every table."""
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *rows = [_cells(line) for line in block.splitlines()]
        yield head, rows


def _cells(line: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in _BETWEEN_CELLS.split(line)[1:-1]]


def code(cell: str) -> str:
    """Return what stands in a cell as code, else the cell."""
    found = _CODE.fullmatch(cell)
    return found[1] if found else cell


def shared_data(page: str) -> JsonObject:
    read: JsonObject = json.loads(next(text for kind, text in _FENCE.findall(page) if kind == "json"))
    return read


def in_tables(page: str) -> Iterator[Example]:
    """Yield the examples of the tables; a table of more than two columns says in its head what `x` is."""
    data = shared_data(page)
    for head, rows in tables(by_hand(page)):
        if head == ["template", "gives"]:
            yield from (Example(code(template), data, code(gives)) for template, gives in rows)
        elif head[0] == "template":
            for template, *cells in rows:
                for given, gives in zip(head[1:], cells, strict=True):
                    scope: JsonObject = {} if given == MISSING else {"x": json.loads(code(given))}
                    yield Example(code(template), scope, code(gives))


def in_fences(page: str) -> Iterator[Example]:
    """Yield the examples of several lines, each with the block that follows it."""
    data = shared_data(page)
    blocks = [block for block in _FENCE.findall(by_hand(page)) if block[0] in ("template", "gives", ERROR)]
    for (kind, template), (kind_behind, gives) in zip(blocks[::2], blocks[1::2], strict=True):
        assert (kind, kind_behind in ("gives", ERROR)) == ("template", True), template
        yield Example(template, data, gives if kind_behind == ERROR else json.dumps(gives))


def wrong(examples: list[Example]) -> list[tuple[str, str, str]]:
    """Return what does not give what is said: the template, what it is said to give, and what it gives."""
    found = [(one.template, one.gives, one.gives if agrees(one) else str(outcome(one))) for one in examples]
    return [one for one in found if one[1] != one[2]]


def agrees(example: Example) -> bool:
    given = outcome(example)
    if isinstance(given, TemplateError):
        return example.gives in (ERROR, f"{ERROR}: `{given.message}`", given.pointed())
    try:
        return json.dumps(json.loads(example.gives)) == json.dumps(given)
    except ValueError:
        return False


def outcome(example: Example) -> Json | TemplateError:
    try:
        given = compile_template(example.template).render(example.data, now=EXAMPLES_AT)
    except TemplateError as error:
        return error
    # An end that has the last line for itself leaves the line feed before it, which a fence does not show.
    return given.removesuffix("\n") if isinstance(given, str) and "\n" in example.template else given


def test_every_example_of_a_table_gives_what_it_says(page: str) -> None:
    examples = list(in_tables(page))
    assert len(examples) >= 140
    assert wrong(examples) == []


def test_every_example_of_several_lines_gives_what_it_says(page: str) -> None:
    examples = list(in_fences(page))
    assert len(examples) >= 7
    assert wrong(examples) == []


def test_the_command_that_renders_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = [line for kind, line in _FENCE.findall(by_hand(page)) if kind == "sh"]
    command, *arguments = shlex.split(line)
    assert command == ".venv/bin/revolution"
    (tmp_path / "data.json").write_text(json.dumps(shared_data(page)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, arguments)
    assert (ran.exit_code, ran.stdout) == (0, "Hello Ada\n")


def test_every_row_with_a_template_is_run(page: str) -> None:
    shown = re.findall(r"^\| `.*\{\{.*$", by_hand(page), re.MULTILINE)
    run = [row for head, rows in tables(by_hand(page)) if head[0] == "template" for row in rows]
    assert [code(_cells(line)[0]) for line in shown] == [code(row[0]) for row in run if "{{" in row[0]]


def test_every_date_token_writes_what_it_says(page: str) -> None:
    (rows,) = [rows for head, rows in tables(by_hand(page)) if head == ["token", "is", "writes"]]
    pairs = [
        (token, text)
        for tokens, _, texts in rows
        for token, text in zip(_CODE.findall(tokens), _CODE.findall(texts), strict=True)
    ]
    assert {token for token, _ in pairs} == set(TOKENS)
    said = [Example(f'{{{{ d | format:"{token}" }}}}', {"d": EXAMPLES_AT.isoformat()}, json.dumps(text))
            for token, text in pairs]  # fmt: skip
    assert wrong(said) == []


def test_every_limit_is_said(page: str) -> None:
    limits = page.partition("## Limits")[2].partition("\n## ")[0]
    for most in (DEFAULT.source_chars, DEFAULT.output_chars, DEFAULT.steps, DEFAULT.depth):
        assert f"| {most:,} " in limits
    assert f"| {DEFAULT.seconds:g} seconds |" in limits


def test_the_reference_is_what_the_register_says(page: str, filled: Filled) -> None:
    assert page == filled(page), "run: make reference"
    _, _, reference = page.partition("<!--")
    rows = [
        row
        for head, rows in tables(reference)
        if head == ["filter", "does", "example", "gives"]
        for row in rows
    ]
    assert [code(row[0]).partition(":")[0] for row in rows if row[0]] == list(FILTERS)
    assert len(rows) == sum(len(one.examples) for one in FILTERS.values())


def test_a_changed_reference_is_found(page: str, filled: Filled) -> None:
    changed = page.replace("| Write a text in small letters. |", "| Write a text in tiny letters. |")
    assert changed != page
    assert filled(changed) == page
    with pytest.raises(ValueError, match="lost a marker"):
        filled(by_hand(page))


PLANTED = """
```json
{"a": 1, "p": "x|y"}
```

| template | gives |
|---|---|
| `{{ a }}` | `1` |
| `{{ a }}` | `1.0` |
| `{{ a }}` | `true` |
| `{{ p \\| "z" }}` | `"x\\|y"` |
| `{{ p }}` | error: `a message` |
| `{{ b }}` | `null` |

| template | missing | `2` |
|---|---|---|
| `{{ x }}` | error | `2` |
| `{{ x? }}` | error | error |

```template
{{ a }}
{{ b }}
```

```error
b is not here
```
"""


def test_an_example_that_is_wrong_is_found() -> None:
    told = [(template, gives) for template, gives, _ in wrong([*in_tables(PLANTED), *in_fences(PLANTED)])]
    assert told == [
        ("{{ a }}", "1.0"),
        ("{{ a }}", "true"),
        ("{{ p }}", "error: `a message`"),
        ("{{ b }}", "null"),
        ("{{ x? }}", ERROR),
        ("{{ x? }}", ERROR),
        ("{{ a }}\n{{ b }}", "b is not here"),
    ]
