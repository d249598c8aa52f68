"""The directions of the house: every contract holds, and every contract catches a planted import."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PLANTED = {
    "layers": ("revolution_hub/model/planted_upward.py", "import revolution_hub.engine.plan"),
    "sdk-alone": ("revolution_sdk/planted_hub.py", "import revolution_hub.errors"),
    "plugins-are-islands": ("revolution_google/planted_neighbor.py", "import revolution_hubspot.client"),
    "plugins-without-hub": ("revolution_ai/planted_hub.py", "import revolution_hub.errors"),
    "hub-without-plugins": ("revolution_hub/services/planted_plugin.py", "import revolution_ai.connector"),
    "pure-rooms": ("revolution_hub/template/planted_reader.py", "import socket"),
    "queue-room": ("revolution_hub/engine/planted_actor.py", "import dramatiq"),
    "api-room": ("revolution_hub/services/planted_route.py", "import fastapi"),
    "web-room": ("revolution_hub/bus/planted_request.py", "import starlette.requests"),
    "server-room": ("revolution_hub/queue/planted_server.py", "import uvicorn"),
    "store-room": ("revolution_hub/engine/planted_query.py", "import sqlalchemy.exc"),
    "vault-room": ("revolution_hub/egress/planted_cipher.py", "from cryptography import exceptions"),
    "way-out": ("revolution_hub/vault/planted_socket.py", "import httpcore2"),
    "terminal": ("revolution_hub/services/planted_table.py", "import rich.table"),
}
"""For each contract a file that breaks it, and the import that does."""


@pytest.fixture(scope="module")
def settings(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]


def lint_imports(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo", "--config", config]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def copied(root: Path, folder: Path) -> Path:
    for package in [*root.glob("core/*/revolution_*"), *root.glob("plugins/*/revolution_*")]:
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def explanations(output: str) -> dict[str, str]:
    """Return what the report says about each broken contract, by its name."""
    report = output.partition("Broken contracts")[2]
    parts = re.split(r"\n(?=[^\n]+\n-{8,}\n)", report)
    return {part.partition("\n")[0]: part for part in parts}


def test_every_import_goes_the_drawn_way(root: Path) -> None:
    checked = lint_imports(root, root / "pyproject.toml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


def test_each_contract_catches_a_planted_import(root: Path, settings: dict, tmp_path: Path) -> None:
    folder = copied(root, tmp_path)
    for path, line in PLANTED.values():
        (folder / path).write_text(line + "\n")
    checked = lint_imports(folder, root / "pyproject.toml")
    explained = explanations(checked.stdout)
    for contract in settings["contracts"]:
        path, _ = PLANTED[contract["id"]]
        module = path.removesuffix(".py").replace("/", ".")
        assert module in explained.get(contract["name"], ""), checked.stdout


def test_a_new_room_must_be_drawn(root: Path, tmp_path: Path) -> None:
    folder = copied(root, tmp_path)
    (folder / "revolution_hub/attic.py").write_text("")
    checked = lint_imports(folder, root / "pyproject.toml")
    assert checked.returncode == 1
    assert "attic" in checked.stdout


def test_the_plan_of_an_execution_may_not_reach_the_network(root: Path, tmp_path: Path) -> None:
    folder = copied(root, tmp_path)
    plan = folder / "revolution_hub/engine/plan.py"
    plan.write_text(plan.read_text() + "\nimport revolution_sdk.http\n")
    checked = lint_imports(folder, root / "pyproject.toml")
    assert "revolution_hub.engine.plan is not allowed to import httpx2" in checked.stdout


def test_every_package_of_the_workspace_is_held_to_the_contracts(root: Path, settings: dict) -> None:
    packages = {one.name for one in [*root.glob("core/*/revolution_*"), *root.glob("plugins/*/revolution_*")]}
    assert set(settings["root_packages"]) == packages
    plugins = {one.name for one in root.glob("plugins/*/revolution_*")}
    contracts = {one["id"]: one for one in settings["contracts"]}
    assert set(contracts["plugins-are-islands"]["modules"]) == plugins
    assert set(contracts["plugins-without-hub"]["source_modules"]) == plugins
    assert set(contracts["hub-without-plugins"]["forbidden_modules"]) == plugins
    assert set(contracts["sdk-alone"]["forbidden_modules"]) == plugins | {"revolution_hub"}


def test_the_pure_rooms_are_the_drawn_ones(settings: dict) -> None:
    contract = next(one for one in settings["contracts"] if one["id"] == "pure-rooms")
    rooms = {one.removeprefix("revolution_hub.") for one in contract["source_modules"]}
    assert rooms >= {"model", "template", "engine.plan", "engine.retry", "engine.match", "access.rbac"}
    assert {"sqlalchemy", "httpx2", "fastapi", "dramatiq", "socket"} <= set(contract["forbidden_modules"])
