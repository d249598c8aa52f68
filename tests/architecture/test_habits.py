"""Habits a reader may rely on: what reads the environment, prints, compares secrets, replaces in tests."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

READS_ENVIRONMENT = {
    "core/hub/revolution_hub/cli/show.py": "hands the environment to Settings.read",
    "core/hub/revolution_hub/cli/client.py": "the address and key of the hub a person talks to",
    "core/hub/revolution_hub/cli/demo.py": "gives its hub an environment without the person's own settings",
    "core/hub/revolution_hub/supervisor.py": "tells its children which port it opened",
    "core/sdk/revolution_sdk/testing/contract.py": "where the specifications are, in tests only",
}
"""The only files that read the environment, each with the reason."""

PRINTS = {"core/hub/revolution_hub/cli/show.py"}
_MOCK = re.compile(r"\bmock\b")
_SECRET_WORDS = ("secret", "signature", "digest", "token", "password")


def reading_environment(sources: Mapping[str, ast.Module]) -> set[str]:
    names = ("environ", "environb", "getenv", "getenvb")
    found = set()
    for path, tree in sources.items():
        for node in ast.walk(tree):
            attribute = isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os"
            imported = isinstance(node, ast.ImportFrom) and node.module == "os"
            if attribute and node.attr in names:
                found.add(path)
            if imported and any(one.name in names for one in node.names):
                found.add(path)
    return found


def printing(sources: Mapping[str, ast.Module]) -> set[str]:
    calls = ((path, node) for path, tree in sources.items() for node in ast.walk(tree))
    return {path for path, node in calls if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"}


def compared_in_the_open(sources: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield comparisons by == or != of something whose name says that it is secret."""
    for path, tree in sources.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Compare):
                continue
            if not any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
                continue
            if any(_sounds_secret(side) for side in [node.left, *node.comparators]):
                yield f"{path}:{node.lineno} {ast.unparse(node)}"


def _sounds_secret(side: ast.expr) -> bool:
    name = ""
    match side:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            pass
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            pass
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
            pass
        case ast.Call(func=ast.Attribute(attr="reveal")):
            return True
    return any(word in name.lower() for word in _SECRET_WORDS)


def reading_lax_json(sources: Mapping[str, ast.Module]) -> Iterator[str]:
    for path, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "request.json":
                yield f"{path}:{node.lineno}"


def replacing_our_own(tests: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield what tests put something else in the place of, as far as it is ours, and every use of mock."""
    for path, tree in tests.items():
        ours = set(_imported_from_us(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and _MOCK.search(ast.unparse(node)):
                yield f"{path}:{node.lineno} {ast.unparse(node)}"
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            target = ast.unparse(node.args[0]).strip("'\"")
            root = target.partition(".")[0]
            changes = node.func.attr in ("setattr", "delattr", "setitem", "delitem")
            if changes and (root in ours or root.startswith("revolution_")):
                yield f"{path}:{node.lineno} {ast.unparse(node)}"


def _imported_from_us(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("revolution_"):
            yield from (one.asname or one.name for one in node.names)
        if isinstance(node, ast.Import):
            yield from (one.asname for one in node.names if one.asname and one.name.startswith("revolution_"))


def ruff(root: Path, path: str, text: str) -> str:
    command = [Path(sys.executable).with_name("ruff"), "check", "--no-cache", "--stdin-filename", path, "-"]
    checked = subprocess.run(command, cwd=root, input=text, capture_output=True, text=True, check=False)
    return checked.stdout


def test_only_the_listed_files_read_the_environment(product: dict[str, ast.Module]) -> None:
    assert reading_environment(product) == set(READS_ENVIRONMENT)


def test_a_file_that_reads_the_environment_is_found() -> None:
    planted = {
        "a.py": ast.parse("import os\nurl = os.environ['REVOLUTION_URL']"),
        "b.py": ast.parse("import os\ndef f():\n    return os.getenv('HOME')"),
        "c.py": ast.parse("from os import environ"),
        "d.py": ast.parse("def read(environ): return environ['HOME']"),
    }
    assert reading_environment(planted) == {"a.py", "b.py", "c.py"}


def test_only_the_command_line_prints(product: dict[str, ast.Module]) -> None:
    assert printing(product) == PRINTS


def test_a_print_is_found() -> None:
    assert printing({"a.py": ast.parse("print('here')"), "b.py": ast.parse("out.print(1)")}) == {"a.py"}


def test_no_secret_is_compared_by_equality(product: dict[str, ast.Module]) -> None:
    # The secrets a plugin's sandbox knows are none: they stand in its README.
    real = {path: tree for path, tree in product.items() if not re.match("plugins/.*/sandbox", path)}
    assert len(real) > 100
    assert list(compared_in_the_open(real)) == []


def test_a_secret_compared_by_equality_is_found() -> None:
    lines = (
        "given == expected_signature",
        "delivery.headers['x-signature'] != expected",
        "headers.get('x-api-token') == expected",
        "secret.reveal() == text",
        "self.client_secret == form['client_secret']",
        "len(token) == 20",
        "kind is token",
    )
    found = list(compared_in_the_open({"a.py": ast.parse("\n".join(lines))}))
    assert [one.partition(" ")[0] for one in found] == ["a.py:1", "a.py:2", "a.py:3", "a.py:4", "a.py:5"]


def test_every_body_passes_strict_json(core: dict[str, ast.Module]) -> None:
    assert list(reading_lax_json(core)) == []


def test_a_body_read_another_way_is_found() -> None:
    planted = ast.parse("async def door(request):\n    return await request.json()")
    assert list(reading_lax_json({"a.py": planted})) == ["a.py:2"]


def test_tests_replace_nothing_of_ours(tests: dict[str, ast.Module]) -> None:
    assert len(tests) > 20
    assert list(replacing_our_own(tests)) == []


def test_a_test_that_replaces_something_of_ours_is_found() -> None:
    lines = (
        "from unittest import mock",
        "from unittest.mock import patch",
        "from revolution_hub.store import across",
        "monkeypatch.setattr(across, 'claim', None)",
        "monkeypatch.setattr('revolution_hub.store.across.claim', None)",
        "monkeypatch.setattr(socket, 'getaddrinfo', None)",
    )
    found = list(replacing_our_own({"a.py": ast.parse("\n".join(lines))}))
    assert [one.partition(" ")[0] for one in found] == ["a.py:1", "a.py:2", "a.py:4", "a.py:5"]


def test_no_import_stands_inside_a_function(root: Path) -> None:
    lint = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "PLC0415" in lint["select"]
    assert "PLC0415" not in lint["ignore"]
    for path, rules in lint["per-file-ignores"].items():
        assert "tests" in path or not {"PL", "PLC", "PLC0415"} & set(rules) or path == "benchmarks/**"


def test_an_import_inside_a_function_is_found(root: Path) -> None:
    planted = 'def now() -> float:\n    """Return it."""\n    import time\n\n    return time.time()\n'
    for path in ("core/hub/revolution_hub/model/a.py", "plugins/ai/revolution_ai/a.py"):
        assert "PLC0415" in ruff(root, path, planted)
