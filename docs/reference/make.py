"""Write what the code says of itself into the documentation: `make reference`.

That is the filter reference of docs/templates.md, and the JSON Schema of a workflow document.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from revolution_hub.model.workflow_schema import workflow_schema
from revolution_hub.template.filters.filter import Example, Filter
from revolution_hub.template.filters.register import GROUPS
from revolution_sdk.types import Json

PAGE = Path(__file__).parents[1] / "templates.md"
SCHEMA = Path(__file__).with_name("workflow.schema.json")
BEGIN = "<!-- From here on the page is written by `make reference`; the filters describe themselves. -->\n"
END = "<!-- Up to here. -->\n"
MOST_ARGUMENTS_NAMED = 4


def main() -> None:
    """Write the reference into the page, and the schema beside this file."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")


def schema() -> str:
    """Return the JSON Schema of a workflow document as it is published."""
    return json.dumps(workflow_schema(), ensure_ascii=False, indent=2) + "\n"


def filled(page: str) -> str:
    """Return the page with what stands between the two markers made anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has lost a marker of the reference")
    return f"{before}{BEGIN}{reference(GROUPS)}\n{END}{behind}"


def reference(groups: Mapping[str, tuple[Filter, ...]]) -> str:
    """Return a heading and a table for each group of filters, a row for each example."""
    return "".join(line + "\n" for name, filters in groups.items() for line in _table(name, filters))


def _table(name: str, filters: tuple[Filter, ...]) -> Iterator[str]:
    yield from ("", f"### {name}", "", "| filter | does | example | gives |", "|---|---|---|---|")
    for one in filters:
        told = (code(signature(one)), one.purpose.replace("|", "\\|"))
        for example in one.examples:
            yield row(*told, _shown(example), code(written(example.gives)))
            told = ("", "")


def signature(one: Filter) -> str:
    """Return a filter as it is written, with its arguments: `truncate:most, ending?`."""
    named = one.arguments if len(one.arguments) <= MOST_ARGUMENTS_NAMED else (one.arguments[0], "…")
    return f"{one.name}:{', '.join(named)}" if named else one.name


def _shown(example: Example) -> str:
    data = [f"{code(key)}: {code(written(value))}" for key, value in example.data.items()]
    return "<br>".join([code(example.template), *data])


def written(value: Json) -> str:
    """Return a value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """Return a text as code in a cell of a table, where `|` needs a backslash even within code."""
    if "`" in text or "\n" in text or "\\|" in text:
        raise ValueError(f"this cannot be shown as code in a table: {text!r}")
    return f"`{text.replace('|', chr(92) + '|')}`"


if __name__ == "__main__":
    main()
