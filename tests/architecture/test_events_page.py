"""The pages on events: the reference is what the registry says, and every example can be saved."""

import re
import runpy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from revolution_hub.catalog import load_catalog
from revolution_hub.engine.check import check
from revolution_hub.model.hub_events import HUB_EVENTS, QUOTA_WARNING
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.yaml_document import read_yaml
from revolution_sdk import ActionContext, Connector, Cursor, JsonObject, Polled
from revolution_sdk.canonical import CANONICAL
from revolution_sdk.schema import object_, string
from revolution_sdk.testing import check_poll, make_context

_YAML = re.compile(r"^```yaml\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def test_the_reference_of_canonical_events_is_current(root: Path) -> None:
    made = runpy.run_path(str(root / "docs/reference/make.py"))["events"]()
    present = (root / "docs/reference/events.md").read_text(encoding="utf-8")
    assert present == made, "run: make reference"
    assert [line[3:] for line in present.splitlines() if line.startswith("## ")] == list(CANONICAL)


def test_the_workflows_that_listen_to_events_can_be_saved(root: Path) -> None:
    page = (root / "docs/triggers.md").read_text(encoding="utf-8")
    section = page.partition("\n## Events\n")[2].partition("\n## The event log")[0]
    shown = [read_yaml(text) for text in _YAML.findall(section)]
    assert len(shown) >= 2
    for one in shown:
        assert check(parse(one), load_catalog(), lambda connector, name: True) == []


def test_every_event_of_the_hub_itself_is_told(root: Path) -> None:
    table = (root / "docs/triggers.md").read_text(encoding="utf-8").partition("| type | who reports it |")[2]
    assert set(HUB_EVENTS) <= set(re.findall(r"`(hub\.[\w.]+)`", table))


def test_what_a_warning_says_is_told_and_its_example_can_be_saved(root: Path) -> None:
    page = (root / "docs/quotas.md").read_text(encoding="utf-8")
    section = page.partition("\n### Telling people\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| .*", section, re.MULTILINE))))
    assert set(HUB_EVENTS[QUOTA_WARNING].data["properties"]) <= told
    (shown,) = [read_yaml(text) for text in _YAML.findall(section)]
    assert check(parse(shown), load_catalog(), lambda connector, name: True) == []


def test_every_member_of_a_canonical_event_says_what_it_is() -> None:
    for one in CANONICAL.values():
        assert one.data["additionalProperties"] is False
        assert "id" in one.data["required"]
        assert one.data["properties"]["provider"]["additionalProperties"] is True


@dataclass
class Client:
    """Stands for the `client` module of the example: contacts of a provider, by their time."""

    contacts: list[JsonObject] = field(default_factory=list)

    def happen(self) -> None:
        at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=len(self.contacts))
        self.contacts.append({"id": str(len(self.contacts)), "created_at": at.isoformat()})

    def created_since(self, http: Any, since: datetime) -> SimpleNamespace:
        new = [one for one in self.contacts if datetime.fromisoformat(one["created_at"]) > since]
        newest = new[-1]["created_at"] if new else None
        return SimpleNamespace(contacts=new, newest=newest, more=False)


def test_the_poll_that_connector_authors_are_shown_keeps_its_word(root: Path) -> None:
    section = (root / "docs/connectors.md").read_text(encoding="utf-8").partition("\n## Polls\n")[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    acme, client = Connector("acme", title="Acme"), Client()
    contact = object_(id=string(), created_at=string(format="date-time"))
    names: dict[str, Any] = {"acme": acme, "client": client, "CONTACT": contact, "timedelta": timedelta}
    names |= {"ActionContext": ActionContext, "Cursor": Cursor, "Polled": Polled, "string": string}
    exec(compile(code, "connectors.md", "exec"), names)
    ctx = make_context(acme, now=lambda: datetime(2026, 11, 22, tzinfo=UTC))
    with ctx.http:
        found = check_poll(acme, names["poll_contacts"], ctx, client.happen)
    assert [one["id"] for one in found] == ["0", "1", "2"]
