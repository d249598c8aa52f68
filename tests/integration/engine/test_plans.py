"""Plans through the API: made, changed, given and removed by who runs the installation, and nobody else."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.asking import Asker


def test_plans_are_made_changed_given_and_removed(bench: Any, asker_of: Callable[..., Asker]) -> None:
    host = asker_of("host")
    made = host.ask("POST", "/api/tenants", {"name": "Other"})["id"]
    body = {"limits": {"connections": 1}, "charge": {"per": "request", "price": 2}, "warn_percent": 50}
    plan = host.ask("PUT", "/api/plans/small", body)
    assert (plan["limits"], plan["charge"]["price"], plan["revision"]) == ({"connections": 1}, 2.0, 1)
    assert host.ask("GET", "/api/plans/small") == plan
    assert [one["name"] for one in host.ask("GET", "/api/plans")["items"]] == [
        "free",
        "small",
        "team",
        "unlimited",
    ]
    path = f"/api/tenants/{made}/plan"
    given = host.ask("PUT", path, {"plan": "small", "limits": {"connections": None, "members": 2}})
    assert given["in_force"] == {"plan": "small", "limits": {"members": 2}}
    assert host.ask("GET", path) == given
    assert host.refused("DELETE", "/api/plans/small") == (409, "plan_in_use")
    assert host.refused("PUT", path, {"plan": "gone"}) == (422, "input_invalid")
    host.ask("PUT", path, {"plan": None})
    host.ask("DELETE", "/api/plans/small")
    assert host.refused("GET", "/api/plans/small") == (404, "not_found")
    assert host.refused("DELETE", "/api/plans/small") == (404, "not_found")
    host.ask("PUT", "/api/plans/free", {"limits": {}})
    host.ask("DELETE", "/api/plans/free")
    assert host.ask("GET", "/api/plans/free")["limits"]["connections"] == 5


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("PUT", "/api/plans/x", {"limits": {"conections": 1}}, 422),
        ("PUT", "/api/plans/x", {"limits": {"connections": -1}}, 422),
        ("PUT", "/api/plans/x", {"limits": {"connections": None}}, 422),
        ("PUT", "/api/plans/x", {"charge": {"per": "moon"}}, 422),
        ("PUT", "/api/plans/x", {"charge": {"price": -1}}, 422),
        ("PUT", "/api/plans/x", {"warn_percent": 0}, 422),
        ("PUT", "/api/plans/X y", {}, 422),
        ("PUT", "/api/plans/x", {"name": "y"}, 422),
        ("GET", "/api/plans/gone", None, 404),
        ("GET", "/api/tenants/ten_gone/plan", None, 404),
        ("PUT", "/api/tenants/ten_gone/plan", {}, 404),
        ("GET", "/api/tenants/a%20b/plan", None, 404),
    ],
)
def test_what_is_no_plan_is_refused(
    asker_of: Callable[..., Asker], method: str, path: str, body: Any, refusal: int
) -> None:
    assert asker_of("host").call(method, path, body).status_code == refusal


def test_only_who_runs_the_installation_gives_plans(asker_of: Callable[..., Asker]) -> None:
    for role in ("owner", "viewer", "guest"):
        asking = asker_of(role)
        assert asking.refused("GET", "/api/plans") == (403, "forbidden")
        assert asking.refused("PUT", "/api/plans/free", {}) == (403, "forbidden")
        assert asking.refused("PUT", "/api/tenants/ten_a/plan", {}) == (403, "forbidden")
