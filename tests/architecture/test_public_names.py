"""What others build on keeps its name: the SDK's exports, the commands, the entry-point groups."""

import tomllib
import types
from pathlib import Path

import typer.main
from typer.core import TyperGroup

import revolution_sdk
import revolution_sdk.sandbox
import revolution_sdk.testing
from revolution_hub import catalog
from revolution_hub.cli import sandbox
from revolution_hub.cli.main import app

SDK = {
    "Action",
    "ActionContext",
    "ApiKey",
    "AppWebhook",
    "Auth",
    "Basic",
    "Bearer",
    "ClientCredentials",
    "Connector",
    "ConnectorError",
    "CredentialError",
    "Cursor",
    "Delivery",
    "DeliveryError",
    "Effect",
    "Emitted",
    "EventType",
    "Found",
    "Json",
    "JsonObject",
    "JwtBearer",
    "NoAuth",
    "OAuth2",
    "Poll",
    "Polled",
    "RejectedError",
    "RetryableError",
    "Secret",
    "Suspended",
    "UnknownOutcomeError",
    "hookimpl",
}
SANDBOX = {
    *("Agreed", "Answer", "Call", "Consent", "Fault"),
    *("RunningSandbox", "Sandbox", "Tokens", "run_sandbox"),
}
TESTING = {"Conformance", "check_poll", "connect", "make_context"}

COMMANDS = {
    "serve",
    "demo",
    "sandbox",
    "migrate",
    "plugins",
    "prune",
    "render",
    "apply",
    "diff",
    "members",
    "invite",
    "admin create-owner",
    "workflows list",
    "workflows show",
    "workflows export",
    "workflows versions",
    "workflows publish",
    "workflows rollback",
    "workflows unpublish",
    "workflows dry-run",
    "webhooks show",
    "webhooks rotate",
    "executions list",
    "executions show",
    "executions resolve",
    "executions cancel",
    "executions items",
    "executions retry",
    "executions replay",
    *(f"events {name}" for name in ("list", "show", "failed", "replay", "progress", "tap", "body")),
    *(f"events {name}" for name in ("emit", "types")),
    *(f"vault {name}" for name in ("status", "rotate", "verify", "retire")),
    *(f"approvals {name}" for name in ("list", "show", "approve", "reject")),
    *(f"polls {name}" for name in ("list", "show", "pause", "resume", "run")),
    *(f"roles {name}" for name in ("list", "create", "delete")),
    *(f"integrations {name}" for name in ("list", "enable", "disable")),
    *(f"connections {name}" for name in ("list", "show", "test", "rename", "default")),
    *(f"connections {name}" for name in ("disable", "enable", "delete")),
    "usage",
    *(f"plans {name}" for name in ("list", "show", "put", "remove", "give")),
    *(f"audit {name}" for name in ("list", "export", "verify", "head", "prune")),
    *(f"schedules {name}" for name in ("list", "show", "pause", "resume", "backfill", "fires", "preview")),
}

GROUPS = {"revolution.plugins", "revolution.sandboxes"}


def at_odds(module: types.ModuleType) -> set[str]:
    """Return the names in which `__all__` differs from what the module offers besides its parts."""
    offered = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    return offered ^ set(module.__all__)


CONTEXT = typer.Context(typer.main.get_command(app))


def commands(group: TyperGroup, prefix: str = "") -> set[str]:
    """Return every command a person can type, without the hidden ones."""
    found: set[str] = set()
    for name in group.list_commands(CONTEXT):
        one = group.get_command(CONTEXT, name)
        assert one is not None
        if isinstance(one, TyperGroup):
            found |= commands(one, f"{prefix}{name} ")
        elif not one.hidden:
            found.add(prefix + name)
    return found


def test_the_sdk_exports_exactly_these_names() -> None:
    assert set(revolution_sdk.__all__) == SDK
    assert set(revolution_sdk.sandbox.__all__) == SANDBOX
    assert set(revolution_sdk.testing.__all__) == TESTING


def test_what_is_exported_is_what_can_be_imported() -> None:
    for module in (revolution_sdk, revolution_sdk.sandbox, revolution_sdk.testing):
        assert at_odds(module) == set()
        assert list(module.__all__) == sorted(module.__all__)


def test_a_name_that_is_offered_but_not_exported_is_found() -> None:
    planted = types.ModuleType("planted")
    planted.__all__ = ["Kept", "Gone"]
    planted.Kept = planted.Leaked = 1
    assert at_odds(planted) == {"Gone", "Leaked"}


def test_the_commands_are_these() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert commands(group) == COMMANDS


def test_a_new_command_is_found() -> None:
    planted = typer.Typer()
    inner = typer.Typer()
    planted.command("serve")(lambda: None)
    planted.command("attic", hidden=True)(lambda: None)
    inner.command("show")(lambda: None)
    planted.add_typer(inner, name="things")
    group = typer.main.get_command(planted)
    assert isinstance(group, TyperGroup)
    assert commands(group) == {"serve", "things show"}


def test_plugins_use_the_entry_point_groups_the_hub_reads(root: Path) -> None:
    assert {catalog.GROUP, sandbox.GROUP} == GROUPS
    for path in root.glob("plugins/*/pyproject.toml"):
        project = tomllib.loads(path.read_text())["project"]
        assert set(project["entry-points"]) <= GROUPS, path
        assert project["entry-points"]["revolution.plugins"], path


def test_the_command_is_called_revolution(root: Path) -> None:
    project = tomllib.loads((root / "core/hub/pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"revolution": "revolution_hub.cli.main:main"}
