"""The documents say what is there: settings, commands, codes, permissions; and what they show works."""

import dataclasses
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer.main
from rig import postgres, redis
from typer.core import TyperGroup

from revolution_hub.access.rbac import PERMISSIONS, ROLES
from revolution_hub.catalog import load_catalog
from revolution_hub.cli.main import app
from revolution_hub.engine.check import check
from revolution_hub.engine.scope import ROOTS
from revolution_hub.errors import HubError
from revolution_hub.model.parse_workflow import parse
from revolution_hub.model.yaml_document import read_yaml
from revolution_hub.settings import PREFIX, Settings
from revolution_hub.store.errors import StoreError
from revolution_hub.template.arithmetic import OPERATIONS
from revolution_hub.template.comparisons import COMPARISONS
from revolution_hub.template.expressions import FACTS
from revolution_hub.template.filters.register import FILTERS
from revolution_hub.template.parser import BLOCKS
from revolution_sdk import ConnectorError, Effect

WORDS = ("event", "webhook", "manual", "uses", "with", "connection", "retry", "attempts", "delay", "longest")
WORDS += ("if", "then", "else", "set", "finish", "respond", "vars", "auth", "answer")

GLOSSARY = ("tenant", "principal", "role", "permission", "plugin", "connector", "integration", "connection")
GLOSSARY += ("credential", "action", "event type", "event", "canonical event", "delivery", "workflow")
GLOSSARY += (
    "version",
    "trigger",
    "step",
    "execution",
    "step execution",
    "attempt",
    "task",
    "change",
    "scope",
)

_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")
_FILE = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def untold(names: Iterable[str], text: str) -> list[str]:
    """Return the names that do not stand in the text as code."""
    words = re.findall(r"[\w.:-]+", " ".join(re.findall(r"`([^`\n]+)`", text)))
    told = {*words, *(part for word in words for part in word.split(":"))}
    return [name for name in names if name not in told]


def setting_names() -> list[str]:
    return [PREFIX + one.name.upper() for one in dataclasses.fields(Settings)]


def commands(group: TyperGroup, prefix: str = "revolution ") -> Iterator[tuple[str, list[str]]]:
    """Yield every command as it is typed, with its options."""
    for name, one in group.commands.items():
        if isinstance(one, TyperGroup):
            yield from commands(one, f"{prefix}{name} ")
        else:
            options = [option for parameter in one.params for option in parameter.opts if option[0] == "-"]
            yield prefix + name, options


def codes(base: type[Exception]) -> list[str]:
    found = [base]
    for one in found:
        found += [below for below in one.__subclasses__() if below not in found]
    return [vars(one)["code"] for one in found if one.__module__.startswith("revolution_")]


def dead_links(root: Path, page: Path) -> Iterator[str]:
    """Yield links to files or headings that are not there."""
    for target, heading in _LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or not path.is_relative_to(root):
            yield f"{page.name}: {target}"
        elif heading and heading not in map(_anchor, path.read_text().splitlines()):
            yield f"{page.name}: {target}#{heading}"


def _anchor(line: str) -> str:
    return (
        re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-") if line[:1] == "#" else ""
    )


def pages(root: Path) -> list[Path]:
    found = [
        *root.glob("*.md"),
        *root.glob("docs/*.md"),
        *root.glob("core/*/*.md"),
        *root.glob("plugins/*/*.md"),
    ]
    return sorted(found)


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def workflows(text: str) -> list[str]:
    """Return the YAML blocks that are whole workflows."""
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return [block for block in blocks if "\nsteps:" in block and block.startswith("name:")]


def test_every_setting_is_explained_with_its_default(root: Path) -> None:
    text = read(root, "docs/operator.md")
    assert untold(setting_names(), text) == []
    for one in dataclasses.fields(Settings):
        if isinstance(one.default, int | str) and one.default:
            row = next(
                line for line in text.splitlines() if line.startswith(f"| `{PREFIX}{one.name.upper()}`")
            )
            assert f"`{one.default}`" in row, row


def test_no_document_names_a_setting_that_is_not_there(root: Path) -> None:
    known = {*setting_names(), "REVOLUTION_URL", "REVOLUTION_API_KEY", "REVOLUTION_CONTRACTS"}
    known |= {postgres.NAMED, redis.NAMED}
    for page in pages(root):
        named = set(re.findall(r"REVOLUTION_[A-Z_]+[A-Z]", page.read_text()))
        assert named <= known, (page, named - known)


def test_every_command_and_option_is_explained(root: Path) -> None:
    text = read(root, "docs/operator.md")
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for command, options in commands(group):
        assert f"`{command}" in text, command
        assert [option for option in options if f"{option}" not in text] == [], command


def test_every_error_code_of_the_trees_is_explained(root: Path) -> None:
    importlib.import_module(StoreError.__module__)
    assert untold(codes(HubError), read(root, "docs/operator.md")) == []
    assert untold(codes(ConnectorError), read(root, "docs/connectors.md")) == []


def test_every_permission_role_and_effect_is_explained(root: Path) -> None:
    assert untold([*PERMISSIONS, *ROLES], read(root, "docs/security.md")) == []
    assert untold(Effect, read(root, "README.md")) == []
    assert untold(Effect, read(root, "docs/connectors.md")) == []


def test_the_whole_workflow_language_is_explained(root: Path) -> None:
    assert untold([*WORDS, *ROOTS], read(root, "docs/first-workflow.md")) == []
    text = read(root, "docs/templates.md")
    assert untold([*ROOTS, *FILTERS], text) == []
    signs = [*COMPARISONS, *OPERATIONS, *FACTS, "and", "or", "not", "??", "?", "~"]
    assert [sign for sign in signs if f"`{sign}`" not in text] == []
    assert [block for block in BLOCKS if f"`{{{{#{block}}}}}`" not in text] == []


def test_the_readme_has_every_word_of_the_glossary(root: Path) -> None:
    text = read(root, "README.md")
    assert [word for word in GLOSSARY if f"**{word}**" not in text] == []


def test_the_readme_has_every_room(root: Path) -> None:
    text = read(root, "README.md")
    for package in ("core/sdk/revolution_sdk", "core/hub/revolution_hub"):
        rooms = [one for one in (root / package).iterdir() if not one.name.startswith("_")]
        names = [f"{one.name}/" if one.is_dir() else one.name for one in rooms]
        gone = [name for name in names if f"`{name}`" not in text and name not in ("py.typed", "types.py")]
        assert gone == []


def test_no_link_is_dead(root: Path) -> None:
    assert len(pages(root)) >= 15
    assert [link for page in pages(root) for link in dead_links(root, page)] == []


def test_the_workflows_shown_can_be_saved(root: Path) -> None:
    catalog = load_catalog()
    shown = [
        *workflows(read(root, "docs/first-workflow.md")),
        *workflows(read(root, "docs/templates.md")),
    ]
    shown += [path.read_text() for path in root.glob("examples/*.yaml")]
    assert len(shown) >= 3
    for text in shown:
        assert check(parse(read_yaml(text)), catalog, lambda connector, name: True) == []


def test_the_connectors_shown_pass_their_own_tests(root: Path, tmp_path: Path) -> None:
    smallest, grown = read(root, "docs/connectors.md").split("## The files of a grown connector")
    files = {f"greeter/{path}": text for path, text in _FILE.findall(smallest)}
    files |= {f"acme/{path}": text for path, text in _FILE.findall(grown)}
    assert {"greeter/revolution_greeter/connector.py", "acme/revolution_acme/connector.py"} <= set(files)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": f"{tmp_path / 'greeter'}:{tmp_path / 'acme'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    assert int(passed[1]) >= 20


def test_what_is_not_told_is_found() -> None:
    text = "`one` and `two three:x`, but only four\n"
    assert untold(["one", "three:x", "four", "thre"], text) == ["four", "thre"]


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# How it works\n[a](page.md) [b](gone.md) [c](#how-it-works) [d](page.md#no) [e](../up.md)\n"
    )
    assert list(dead_links(tmp_path, page)) == [
        "page.md: gone.md",
        "page.md: page.md#no",
        "page.md: ../up.md",
    ]
