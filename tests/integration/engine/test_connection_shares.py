"""Connections shared with principals and roles: what one may do with them, and when that ends."""

from collections.abc import Callable
from typing import Any

import pytest
from rig.asking import Asker

CLUB = "/api/integrations/club"


@pytest.fixture
def connections(bench: Any) -> tuple[str, str]:
    """Two connections of the club."""
    return bench.connect("main"), bench.connect("other")


def share(owner: Asker, connection_id: str, with_id: str, right: str = "use") -> Any:
    return owner.ask("PUT", f"{CLUB}/connections/{connection_id}/shares/{with_id}", {"right": right})


def run(asking: Asker, connection: str | None) -> Any:
    body = {"input": {}, "connection": connection} if connection else {"input": {}}
    return asking.call("POST", f"{CLUB}/actions/invite_member", body)


def test_who_may_use_a_connection_runs_actions_through_it_and_sees_what_came_of_them(
    bench: Any, owner: Asker, asker_of: Callable[..., Asker], connections: tuple[str, str]
) -> None:
    guest, stranger = asker_of("guest"), asker_of("guest")
    assert run(guest, "main").status_code == 403
    shared = share(owner, connections[0], guest.key_id)
    assert (shared["connection_id"], shared["right"]) == (connections[0], "use")
    answer = run(guest, "main")
    assert answer.status_code == 202, answer.text
    assert run(guest, "other").status_code == 403
    # The default one is the oldest, which is the one that is shared.
    assert run(guest, None).status_code == 202
    bench.work()
    path = f"/api/workflow-executions/{answer.json()['execution_id']}"
    assert guest.ask("GET", path)["status"] == "succeeded"
    assert stranger.refused("GET", path) == (403, "forbidden")
    assert guest.refused("POST", f"{path}/cancel") == (403, "forbidden")


def test_lists_hold_the_connections_that_are_shared(
    owner: Asker, asker_of: Callable[..., Asker], connections: tuple[str, str]
) -> None:
    guest = asker_of("guest")
    assert guest.ask("GET", f"{CLUB}/connections")["items"] == []
    share(owner, connections[1], "role:guest")
    assert [one["id"] for one in guest.ask("GET", f"{CLUB}/connections")["items"]] == [connections[1]]
    assert asker_of("guest").ask("GET", f"{CLUB}/connections/{connections[1]}")["name"] == "other"
    assert guest.refused("GET", f"{CLUB}/connections/{connections[0]}") == (403, "forbidden")
    assert len(owner.ask("GET", f"{CLUB}/connections")["items"]) == 2


def test_to_edit_is_to_authorize_anew_and_no_more(
    owner: Asker, asker_of: Callable[..., Asker], connections: tuple[str, str]
) -> None:
    user, editor = asker_of("guest"), asker_of("guest")
    share(owner, connections[0], user.key_id, "use")
    share(owner, connections[0], editor.key_id, "edit")
    path, body = f"{CLUB}/connections/{connections[0]}", {"credential": {"api_key": "k-2"}}
    assert user.refused("PUT", f"{path}/credential", body) == (403, "forbidden")
    editor.ask("PUT", f"{path}/credential", body)
    for method, under in (("DELETE", ""), ("GET", "/shares"), ("DELETE", f"/shares/{user.key_id}")):
        assert editor.refused(method, path + under) == (403, "forbidden")


def test_rights_of_a_principal_and_of_its_role_add_up(
    owner: Asker, asker_of: Callable[..., Asker], connections: tuple[str, str]
) -> None:
    guest = asker_of("guest")
    share(owner, connections[0], guest.key_id, "use")
    share(owner, connections[0], "role:guest", "edit")
    body = {"credential": {"api_key": "k-2"}}
    guest.ask("PUT", f"{CLUB}/connections/{connections[0]}/credential", body)
    owner.ask("DELETE", f"{CLUB}/connections/{connections[0]}/shares/role:guest")
    refused = guest.refused("PUT", f"{CLUB}/connections/{connections[0]}/credential", body)
    assert refused == (403, "forbidden")
    assert run(guest, "main").status_code == 202


def test_a_share_ends_with_its_connection_and_with_its_key(
    owner: Asker, asker_of: Callable[..., Asker], connections: tuple[str, str]
) -> None:
    guest = asker_of("guest")
    for one in connections:
        share(owner, one, guest.key_id)
    owner.ask("DELETE", f"{CLUB}/connections/{connections[0]}")
    assert [one["id"] for one in guest.ask("GET", f"{CLUB}/connections")["items"]] == [connections[1]]
    owner.ask("DELETE", f"/api/keys/{guest.key_id}")
    assert owner.ask("GET", f"{CLUB}/connections/{connections[1]}/shares")["items"] == []


@pytest.mark.parametrize("with_id", ["key_nobody", "role:nobody", "role:", "usr_nobody", "role:Owner"])
def test_nothing_is_shared_with_nobody(owner: Asker, connections: tuple[str, str], with_id: str) -> None:
    path = f"{CLUB}/connections/{connections[0]}/shares/{with_id}"
    assert owner.refused("PUT", path, {"right": "use"}) == (404, "not_found")
    for right in ("run", "view", "own", ""):
        assert owner.refused("PUT", path, {"right": right})[0] == 422


def test_a_connection_is_found_under_its_own_connector_alone(
    owner: Asker, connections: tuple[str, str]
) -> None:
    share(owner, connections[0], owner.key_id)
    for connector in ("lab", "nowhere"):
        path = f"/api/integrations/{connector}/connections/{connections[0]}/shares"
        for method, under, body in (
            ("GET", "", None),
            ("GET", f"/{owner.key_id}", None),
            ("PUT", f"/{owner.key_id}", {"right": "use"}),
            ("DELETE", f"/{owner.key_id}", None),
        ):
            assert owner.refused(method, path + under, body) == (404, "not_found")


def test_nobody_shares_what_it_lacks_itself(
    owner: Asker, asker_of: Callable[..., Asker], connections: tuple[str, str]
) -> None:
    permissions = ["connection:read", "connection:write", "workflow:read", "workflow:write"]
    owner.ask("POST", "/api/roles", {"name": "keeper", "permissions": permissions})
    keeper = asker_of("keeper")
    workflow_id = owner.publish({"name": "w", "steps": [{"set": {"a": 1}}]})
    for path, right, lacking in (
        (f"{CLUB}/connections/{connections[0]}/shares/role:guest", "use", "connection:use"),
        (f"/api/workflows/{workflow_id}/shares/role:guest", "view", "execution:read"),
    ):
        answer = keeper.call("PUT", path, {"right": right})
        assert answer.status_code == 403
        assert repr(lacking) in answer.json()["detail"]


def test_a_page_of_shares_goes_on_behind_a_role_as_behind_a_key(
    owner: Asker, asker_of: Callable[..., Asker], connections: tuple[str, str]
) -> None:
    wanted = {asker_of("guest").key_id, "role:guest", "role:viewer", "role:editor"}
    for one in wanted:
        share(owner, connections[0], one)
    found, cursor = [], ""
    for _ in wanted:
        page = owner.ask("GET", f"{CLUB}/connections/{connections[0]}/shares?limit=1{cursor}")
        found += [one["principal_id"] for one in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert (set(found), len(found), page["next_cursor"]) == (wanted, len(wanted), None)
