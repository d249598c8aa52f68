"""Whatever people do to one another: nobody gets more than somebody above gave, and an owner is left."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from rig.browser import Browser

from revolution_hub.access.rbac import ROLES, permissions_of

PEOPLE = ("ada", "bob", "eve")
KNOWN = st.sampled_from(sorted(ROLES))
SOMEBODY = st.sampled_from(PEOPLE)


class Quarrel(RuleBasedStateMachine):
    """Three people of one tenant who invite, promote, remove and make keys as far as they are let.

    `roles` is what the test believes everybody to be, kept by its own and simpler rules.
    """

    def __init__(self, town: Any, tenant_id: str) -> None:
        super().__init__()
        self.town = town
        self.tenant_id = tenant_id
        self.browsers: dict[str, Browser] = {}
        self.ids: dict[str, str] = {}
        self.roles: dict[str, str] = {}
        self.keys: list[tuple[str, str, str]] = []
        for name in PEOPLE:
            email = f"{name}.{tenant_id}@example.com"
            self.browsers[name] = town.person(email, "owner", tenant_id)
            self.ids[name] = town.id_of(self.browsers[name])
            self.roles[name] = "owner"

    def ask(self, who: str, method: str, path: str, body: Any = None) -> int:
        """Ask as somebody who signs in first where the session has ended, and return the status."""
        browser = self.browsers[who]
        if browser.call("GET", "/api/session").status_code == 401:
            browser.sign_in(f"{who}.{self.tenant_id}@example.com")
        return int(browser.call(method, path, body).status_code)

    def may(self, who: str, permission: str, *over: str) -> bool:
        held = permissions_of(self.roles.get(who, ""))
        return permission in held and all(permissions_of(one) <= held for one in over)

    def owners(self) -> set[str]:
        return {name for name, role in self.roles.items() if role in ("owner", "host")}

    @rule(who=SOMEBODY, whom=SOMEBODY, role=KNOWN)
    def change(self, who: str, whom: str, role: str) -> None:
        status = self.ask(who, "PUT", f"/api/members/{self.ids[whom]}", {"role": role})
        before = self.roles.get(whom)
        allowed = before is not None and self.may(who, "member:write", before, role)
        last = self.owners() == {whom} and role not in ("owner", "host")
        assert (status == 200) == (allowed and not last), (who, whom, role, status)
        if status == 200:
            self.roles[whom] = role

    @rule(who=SOMEBODY, whom=SOMEBODY)
    def remove(self, who: str, whom: str) -> None:
        status = self.ask(who, "DELETE", f"/api/members/{self.ids[whom]}")
        before = self.roles.get(whom)
        allowed = before is not None and self.may(who, "member:write", before)
        assert (status == 204) == (allowed and self.owners() != {whom}), (who, whom, status)
        if status == 204:
            del self.roles[whom]
            self.keys = [one for one in self.keys if one[0] != whom]

    @rule(who=SOMEBODY, whom=SOMEBODY, role=KNOWN)
    def bring_back(self, who: str, whom: str, role: str) -> None:
        email = f"{whom}.{self.tenant_id}@example.com"
        status = self.ask(who, "POST", "/api/invitations", {"email": email, "role": role})
        assert (status == 201) == self.may(who, "member:write", role), (who, role, status)
        if status == 201 and whom not in self.roles:
            made = self.browsers[who].ask("POST", "/api/invitations", {"email": email, "role": role})
            assert self.ask(whom, "POST", "/api/session/invitations", {"token": made["token"]}) == 201
            self.roles[whom] = role

    @rule(who=SOMEBODY, role=KNOWN)
    def make_key(self, who: str, role: str) -> None:
        status = self.ask(who, "POST", "/api/keys", {"name": "k", "role": role})
        assert (status == 201) == self.may(who, "key:write", role), (who, role, status)
        if status == 201:
            made = self.browsers[who].ask("POST", "/api/keys", {"name": "k", "role": role})
            self.keys.append((who, role, made["api_key"]))

    @invariant()
    def nobody_has_more_than_they_should(self) -> None:
        for who, role, key in self.keys[-5:]:
            browser = self.town.browser()
            found = browser.ask("GET", "/api/principal", authorization=f"Bearer {key}")
            wanted = permissions_of(role) & permissions_of(self.roles[who])
            assert set(found["permissions"]) == wanted

    @invariant()
    def an_owner_is_left(self) -> None:
        assert self.owners()


def test_no_quarrel_ends_with_more_than_was_given(town: Any) -> None:
    numbers = iter(range(10_000))

    def begin() -> Quarrel:
        tenant = town.host().ask("POST", "/api/tenants", {"name": f"Quarrel {next(numbers)}"})
        return Quarrel(town, tenant["id"])

    run_state_machine_as_test(
        begin,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
