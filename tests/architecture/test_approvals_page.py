"""The page on approvals: its examples can be saved, and it tells every word, status and code there is."""

import re
from pathlib import Path

import pytest

from revolution_hub.catalog import load_catalog
from revolution_hub.engine.approval_content import content_of
from revolution_hub.engine.check import check
from revolution_hub.model import words
from revolution_hub.model.approval import ApprovalStatus
from revolution_hub.model.hub_events import HUB_EVENTS
from revolution_hub.model.json_schema import judge
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.workflow_schema import workflow_schema
from revolution_hub.model.yaml_document import read_yaml

_YAML = re.compile(r"^```yaml\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
CODES = ("approval_rejected", "approval_expired", "approval_cancelled", "approval_orphaned", "not_canonical")
CODES += ("person_needed", "own_request", "not_assigned", "already_decided", "already_voted", "not_waiting")
SHOWN = ("execution", "step", "workflow", "action", "effect", "plugin", "input", "connection", "hosts")
SHOWN += ("kind", "called", "event")


@pytest.fixture(name="page")
def _page(root: Path) -> str:
    return (root / "docs/approvals.md").read_text(encoding="utf-8")


def told(page: str) -> set[str]:
    """The words that stand as code in the text."""
    return set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`\n]+)`", _YAML.sub("", page)))))


def test_every_example_can_be_saved(page: str) -> None:
    shown = [read_yaml(text) for text in _YAML.findall(page)]
    assert len(shown) >= 2
    for one in shown:
        assert check(parse(one), load_catalog(), lambda connector, name: True) == []
        assert judge(workflow_schema(), one, one["name"]) == []


def test_every_word_code_and_event_is_told(page: str) -> None:
    events = [one for one in HUB_EVENTS if one.startswith("hub.approval.")]
    known = {*words.APPROVAL, *CODES, *events, *SHOWN}
    assert known - told(page) == set()


def test_every_code_is_one_the_hub_gives(root: Path) -> None:
    sources = [*(root / "core/hub/revolution_hub/services").glob("approval*.py")]
    sources += [*(root / "core/hub/revolution_hub/engine").glob("approv*.py")]
    sources.append(root / "core/hub/revolution_hub/model/approval_digest.py")
    text = "".join(one.read_text(encoding="utf-8") for one in sources)
    given = set(re.findall(r'code="(\w+)"', text)) | {f"approval_{one}" for one in ApprovalStatus}
    assert set(CODES) <= given
    assert set(re.findall(r'code="(\w+)"', text)) - {"approval_expired"} <= set(CODES)


def test_every_member_of_what_is_agreed_to_is_told(root: Path, page: str) -> None:
    source = Path(str(content_of.__code__.co_filename)).read_text(encoding="utf-8")
    body = source.partition("def content_of")[2].partition("\ndef hosts_of")[0]
    assert set(re.findall(r'^        "(\w+)":', body, re.MULTILINE)) == set(SHOWN)
