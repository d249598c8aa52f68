"""Every plugin looks alike: the same files, nothing of the hub, nothing of its neighbors."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

FILES = (
    "README.md",
    "CHANGELOG.md",
    "pyproject.toml",
    "{package}/__init__.py",
    "{package}/connector.py",
    "{package}/auth.py",
    "{package}/client.py",
    "tests/test_conformance.py",
)
EITHER = ("{package}/sandbox.py", "{package}/sandbox/__init__.py")


def missing(plugin: Path) -> list[str]:
    """Return the files a plugin must have and does not, or has empty where they are for readers."""
    package = f"revolution_{plugin.name}"
    names = [name.format(package=package) for name in FILES]
    gone = [name for name in names if not (plugin / name).is_file()]
    gone += [name for name in names if name.endswith(".md") and name not in gone and not _text(plugin / name)]
    if not any((plugin / name.format(package=package)).is_file() for name in EITHER):
        gone.append(EITHER[0].format(package=package))
    return gone


def _text(path: Path) -> str:
    return path.read_text().strip()


def foreign(sources: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield the imports, tests included, of the hub or of another plugin."""
    for path, tree in sources.items():
        own = f"revolution_{path.split('/')[1]}"
        for node in ast.walk(tree):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for root in {name.partition(".")[0] for name in names}:
                if root.startswith("revolution_") and root not in (own, "revolution_sdk"):
                    yield f"{path} imports {root}"


def plugins(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("plugins/*/pyproject.toml"))


def test_every_plugin_has_the_fixed_files(root: Path) -> None:
    assert len(plugins(root)) >= 3
    assert {plugin.name: missing(plugin) for plugin in plugins(root) if missing(plugin)} == {}


def test_plugins_are_islands_their_tests_too(
    product: dict[str, ast.Module], tests: dict[str, ast.Module]
) -> None:
    sources = {path: tree for path, tree in {**product, **tests}.items() if path.startswith("plugins/")}
    assert len(sources) > 50
    assert list(foreign(sources)) == []


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    plugin = tmp_path / "acme"
    for name in (*FILES, EITHER[1]):
        path = plugin / name.format(package="revolution_acme")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name.endswith(".py") else "Acme")
    return plugin


def test_a_missing_file_is_found(planted: Path) -> None:
    assert missing(planted) == []
    (planted / "revolution_acme/client.py").unlink()
    (planted / "revolution_acme/sandbox/__init__.py").unlink()
    (planted / "CHANGELOG.md").write_text("\n")
    found = ["revolution_acme/client.py", "CHANGELOG.md", "revolution_acme/sandbox.py"]
    assert missing(planted) == found


def test_a_plugin_that_reaches_for_the_hub_is_found() -> None:
    planted = {
        "plugins/acme/revolution_acme/client.py": "from revolution_sdk import Connector",
        "plugins/acme/revolution_acme/events.py": "from revolution_acme import client",
        "plugins/acme/revolution_acme/auth.py": "from revolution_hub.vault import vault",
        "plugins/acme/tests/test_conformance.py": "import revolution_google.connector",
    }
    assert list(foreign({path: ast.parse(text) for path, text in planted.items()})) == [
        "plugins/acme/revolution_acme/auth.py imports revolution_hub",
        "plugins/acme/tests/test_conformance.py imports revolution_google",
    ]
