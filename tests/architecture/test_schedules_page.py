"""What is written of schedules: the table about clocks is the code's, words are told, examples run."""

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from revolution_hub.catalog import load_catalog
from revolution_hub.cli.main import app
from revolution_hub.engine.check import check
from revolution_hub.model import cron, words
from revolution_hub.model.fire import Reason
from revolution_hub.model.json_schema import judge
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.schedule import Missed, Overlap
from revolution_hub.model.workflow_schema import workflow_schema
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.services.backfills import MOST_BACKFILLED

_FENCE = re.compile(r"^```(\w+)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(name="page")
def _page(root: Path) -> str:
    """The section about schedules."""
    page = (root / "docs/triggers.md").read_text(encoding="utf-8")
    return page.partition("\n## Schedules\n")[2].partition("\n## ")[0]


def blocks(page: str, kind: str) -> list[str]:
    return [text for found, text in _FENCE.findall(page) if found == kind]


def test_the_table_about_clocks_is_made_by_the_code(root: Path) -> None:
    made = runpy.run_path(str(root / "docs/reference/make.py"))
    page = (root / "docs/triggers.md").read_text(encoding="utf-8")
    assert made["with_clocks"](page) == page, "run: make reference"
    assert made["with_clocks"](page.replace("03:00 instead", "03:01")) == page


def test_every_word_alias_and_reason_is_told(page: str) -> None:
    told = set(re.findall(r"[\w@-]+", " ".join(re.findall(r"`([^`\n]+)`", _FENCE.sub("", page)))))
    known = {*words.WHEN, *words.POLICIES, "timezone", *cron.ALIASES, *Reason, *Missed, *Overlap}
    assert {str(one) for one in known} - told == set()


def test_the_words_are_those_of_the_values() -> None:
    assert tuple(map(str, Missed)) == words.MISSED
    assert tuple(map(str, Overlap)) == words.OVERLAP


def test_the_limits_are_told(page: str) -> None:
    assert f"At most {MOST_BACKFILLED} instants" in page
    assert f"up to {words.MOST_MOMENTS} of them" in page


def test_the_example_can_be_saved_and_follows_the_schema(page: str) -> None:
    (text,) = blocks(page, "yaml")
    document = read_yaml(text)
    assert check(parse(document), load_catalog(), lambda *_: True) == []
    assert judge(workflow_schema(), document, "") == []


def test_the_command_shown_answers_what_is_shown(page: str) -> None:
    (command,), (answer,) = blocks(page, "sh"), blocks(page, "json")
    name, *arguments = shlex.split(command)
    done = CliRunner().invoke(app, arguments)
    assert (name, done.exit_code) == ("revolution", 0), done.output
    assert json.loads(done.stdout) == json.loads(answer)
