"""The page on connections' health says what the hub does, and its example can be saved."""

import re
from pathlib import Path

from revolution_hub.catalog import load_catalog
from revolution_hub.engine.check import check
from revolution_hub.model.hub_events import CONNECTION_NEEDS_REAUTH, HUB_EVENTS
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.status import ConnectionStatus
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.store.health import KEPT
from revolution_hub.vault.tokens import COOL_DOWN_S, LARGEST_SHARE, LONGEST_COOL_DOWN_S


def page(root: Path) -> str:
    return (root / "docs/connection-health.md").read_text(encoding="utf-8")


def test_every_status_is_told(root: Path) -> None:
    assert set(ConnectionStatus) <= set(re.findall(r"^\| `(\w+)` \|", page(root), re.MULTILINE))


def test_what_the_event_holds_is_told_and_its_example_can_be_saved(root: Path) -> None:
    section = page(root).partition("\n### Telling people\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| .*", section, re.MULTILINE))))
    assert set(HUB_EVENTS[CONNECTION_NEEDS_REAUTH].data["properties"]) <= told
    (shown,) = [read_yaml(text) for text in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]
    assert check(parse(shown), load_catalog(), lambda connector, name: True) == []


def test_the_numbers_are_those_of_the_code(root: Path) -> None:
    assert f"for {COOL_DOWN_S:g} seconds" in page(root)
    assert (LONGEST_COOL_DOWN_S, LARGEST_SHARE, KEPT) == (300.0, 0.25, 100)
