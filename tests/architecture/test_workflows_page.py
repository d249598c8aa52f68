"""The page on workflows: every example can be saved, every word and limit is told, the schema is current."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revolution_hub.catalog import load_catalog
from revolution_hub.engine.check import check
from revolution_hub.engine.scope import ROOTS
from revolution_hub.model import words
from revolution_hub.model.json_schema import judge
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.webhook import ANSWERS
from revolution_hub.model.workflow_schema import workflow_schema
from revolution_hub.model.yaml_document import read_yaml

_FENCE = re.compile(r"^```(\w+)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_SECTION = re.compile(r"^##+ (.+)$", re.MULTILINE)
PAGE = "docs/workflows.md"


@pytest.fixture(name="page")
def _page(root: Path) -> str:
    return (root / PAGE).read_text(encoding="utf-8")


def examples(page: str) -> list[Any]:
    """The workflows of the page."""
    return [read_yaml(text) for kind, text in _FENCE.findall(page) if kind == "yaml"]


def outcomes(page: str) -> Iterator[tuple[Any, Any]]:
    """Yield every block that says what an example gives, with the example before it."""
    workflow = None
    for kind, text in _FENCE.findall(page):
        if kind == "yaml":
            workflow = read_yaml(text)
        elif kind == "json":
            yield workflow, json.loads(text)


def problems(documents: list[Any]) -> list[tuple[str, str, str]]:
    """What is wrong with workflows of which each may call the others."""
    catalog, named = load_catalog(), {one["name"]: parse(one) for one in documents}
    return [
        (name, one.path, one.message)
        for name, workflow in named.items()
        for one in check(workflow, catalog, lambda *_: True, named.get)
    ]


def test_every_example_can_be_saved(page: str) -> None:
    found = examples(page)
    assert len(found) >= 20
    assert len({one["name"] for one in found}) == len(found)
    assert problems(found) == []


def test_every_example_follows_the_published_schema(page: str) -> None:
    for one in examples(page):
        assert judge(workflow_schema(), one, one["name"]) == []


def test_an_example_that_is_wrong_is_found() -> None:
    wrong = {"name": "x", "steps": [{"uses": "google.send_mail"}, {"call": "y"}]}
    assert [path for _, path, _ in problems([wrong])] == ["steps[0].uses", "steps[1].call"]


def test_what_an_example_gives_stands_right_behind_it(page: str) -> None:
    said = list(outcomes(page))
    assert len(said) >= 12
    for workflow, outcome in said:
        assert set(outcome) == {"inputs", "output"}, workflow["name"]
        assert any("finish" in step for step in workflow["steps"])


def told(page: str) -> set[str]:
    """The words that stand as code in the text, outside the examples."""
    return set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`\n]+)`", _FENCE.sub("", page)))))


def shown(page: str) -> set[str]:
    """The words of the examples."""
    texts = [text for kind, text in _FENCE.findall(page) if kind == "yaml"]
    return {word for text in texts for word in re.findall(r"[\w-]+", text)}


KNOWN = {
    *words.TOP, *words.STEP, *words.WAITS, *words.FINISH, *words.RESPOND, *words.EMIT, *words.RETRY,
    *words.CONCURRENCY, *words.APPROVAL,
    *words.WHEN_FULL, *words.ON_ITEM_ERROR, *words.ON_ERROR, *ANSWERS, "standard-webhooks", "none", *ROOTS,
    *(word for kind in words.TRIGGERS.values() for word in kind), "timezone", *words.WHEN, *words.POLICIES,
    *words.MISSED, *words.OVERLAP,
    "item", "index",
}  # fmt: skip
ONLY_TOLD = {"accepted", "allow", "cancel_previous", "connection", "execution", "index", "stop",
             "standard-webhooks"}  # fmt: skip
"""Words that no example needs."""


def test_every_word_is_told_and_used_in_an_example(page: str) -> None:
    titles = {word for title in _SECTION.findall(page) for word in re.findall(r"\w+", title)}
    assert KNOWN - told(page) - titles == set()
    assert KNOWN - shown(page) == ONLY_TOLD


def test_a_word_that_is_not_told_is_found(page: str) -> None:
    assert "backoff" not in told(page.replace("`backoff`", ""))


def test_every_word_of_a_step_and_of_a_document_has_a_section(page: str) -> None:
    titles = {word for title in _SECTION.findall(page) for word in re.findall(r"\w+", title)}
    named = {*words.TOP, *words.WORK, "retry", "approval", "timeout", "on_error", "then", "else"}
    assert named - {"name", "description"} - titles == set()


def test_every_limit_is_told(page: str) -> None:
    limits = page.partition("## Limits")[2].partition("\n## ")[0]
    for most in (words.MOST_STEPS, words.MOST_TRIGGERS, words.MOST_BRANCHES, words.MOST_CASES, words.DEEPEST):
        assert re.search(rf"\| {most:,}\b", limits), most


def test_the_schema_beside_the_page_is_current(root: Path) -> None:
    made = runpy.run_path(str(root / "docs/reference/make.py"))["schema"]()
    present = (root / "docs/reference/workflow.schema.json").read_text(encoding="utf-8")
    assert present == made, "run: make reference"
    assert json.loads(present) == workflow_schema()
