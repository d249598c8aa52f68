"""What is written of webhooks: the examples can be saved, and every word, way and header is told."""

import re
from pathlib import Path

import pytest

from revolution_hub.catalog import load_catalog
from revolution_hub.engine.check import check
from revolution_hub.model import webhook, words
from revolution_hub.model.answer import HEADERS
from revolution_hub.model.json_schema import judge
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow_schema import workflow_schema
from revolution_hub.model.yaml_document import read_yaml

_FENCE = re.compile(r"^```(\w*)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(name="page")
def _page(root: Path) -> str:
    """The section about webhooks."""
    page = (root / "docs/triggers.md").read_text(encoding="utf-8")
    return page.partition("\n## Webhooks\n")[2].partition("\n## ")[0]


def told(page: str) -> set[str]:
    return set(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`\n]+)`", _FENCE.sub("", page)))))


def test_every_example_can_be_saved_and_follows_the_schema(page: str) -> None:
    documents = [read_yaml(text) for kind, text in _FENCE.findall(page) if kind == "yaml"]
    assert len(documents) >= 2
    for document in documents:
        assert check(parse(document), load_catalog(), lambda *_: True) == []
        assert judge(workflow_schema(), document, "") == []


def test_every_word_way_and_header_is_told(page: str) -> None:
    known = {*words.WEBHOOK, *words.HMAC, *words.JWT, *webhook.AUTHS, *map(str, webhook.AUTH_OBJECTS)}
    known |= {*webhook.ANSWERS, *webhook.METHODS, *webhook.CHALLENGES, *webhook.ALGORITHMS}
    known |= {*webhook.ENCODINGS, *map(str, webhook.DedupBy), *HEADERS, "fields"}
    assert known - told(page) == set()


def test_a_word_that_is_not_told_is_found(page: str) -> None:
    assert "deadline" not in told(page.replace("`deadline`", ""))
