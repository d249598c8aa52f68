"""The pages on roles and integrations: the table of permissions is what the code says."""

import re
import runpy
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute

from revolution_hub.access.rbac import PERMISSIONS, RIGHTS, ROLES
from revolution_hub.api.app import declared_routes


def reference(root: Path) -> Any:
    return runpy.run_path(str(root / "docs/reference/make.py"))


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def test_the_reference_of_permissions_is_current(root: Path) -> None:
    assert read(root, "docs/reference/permissions.md") == reference(root)["access"](), "run: make reference"


def test_the_reference_has_every_route_permission_role_and_right(root: Path) -> None:
    page = read(root, "docs/reference/permissions.md")
    for route in declared_routes():
        assert isinstance(route, APIRoute)
        for method in route.methods:
            assert f"`{method} {route.path.replace(':path', '')}`" in page
    rights = [right for held in RIGHTS.values() for right in held]
    for name in (*PERMISSIONS, *ROLES, *rights):
        assert f"`{name}`" in page


def test_the_page_on_roles_has_every_role_and_right(root: Path) -> None:
    page = read(root, "docs/roles.md")
    rows = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert set(rows) == set(ROLES)
    for kind, rights in RIGHTS.items():
        section = page.partition(f"| a {kind} |")[2].partition("| a ")[0]
        assert all(f"`{right}`" in section for right in rights), kind


def test_the_codes_the_pages_name_are_those_of_the_code(root: Path) -> None:
    sources = "".join(path.read_text() for path in (root / "core/hub/revolution_hub").rglob("*.py"))
    codes = ("role_in_use", "integration_disabled", "action_disabled", "settings_missing")
    pages = read(root, "docs/roles.md") + read(root, "docs/integrations.md")
    for code in codes:
        assert f'"{code}"' in sources
        assert f"`{code}`" in pages or f" {code}`" in pages
