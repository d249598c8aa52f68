"""What tests of approvals share: people, a bank whose transfers are critical, and how people answer."""

from dataclasses import dataclass
from typing import Any

from revolution_hub.access.rbac import permissions_of
from revolution_hub.hub import Hub
from revolution_hub.model.approval import Approval, Decision
from revolution_hub.model.person import Membership, User
from revolution_hub.model.principal import Kind, Principal
from revolution_hub.services import approvals
from revolution_hub.services.approvals import Answer, Wanted
from revolution_hub.store import people, users
from revolution_hub.store.paging import Page
from revolution_sdk import ActionContext, Connector, JsonObject
from revolution_sdk.errors import ConnectorError
from revolution_sdk.schema import object_

OPEN = object_(open_=True)
WIRE = "bank.wire_money"
"""Critical, and must not be repeated."""


def bank(script: Any) -> Connector:
    """A connector with critical actions, one that is not, and one that calls what it is told to."""
    made = Connector("bank", title="Bank", hosts=("api.bank.test",))

    def declare(name: str, effect: str, **more: Any) -> None:
        def act(ctx: ActionContext, value: JsonObject) -> JsonObject:
            """Do what the script says."""
            result: JsonObject = script.play(name, ctx, value)
            return result

        act.__name__ = name
        made.action(input=OPEN, output=OPEN, effect=effect, **more)(act)

    declare("wire_money", "once", critical=True)
    declare("set_limit", "repeatable", critical=True)
    declare("read_balance", "read", critical=True)
    declare("print_letter", "once")

    @made.action(input=OPEN, output=OPEN, effect="repeatable")
    def run_batch(ctx: ActionContext, value: JsonObject) -> JsonObject:
        """Call another action, and say what came of it."""
        try:
            return {"got": ctx.call(value["uses"], value.get("with", {}), name="one")}
        except ConnectorError as error:
            return {"refused": error.code}

    return made


def enroll(hub: Hub, tenant_id: str = "ten_a", **roles: str) -> None:
    """Make members of the tenant, by name and role."""
    with hub.store.begin(tenant_id) as tx:
        for name, role in roles.items():
            user = User(id=f"usr_{name}", email=f"{name}@example.test", name=name, created_at=hub.now())
            users.add_user(tx, user)
            membership = Membership(
                tenant_id=tenant_id, user_id=user.id, role=role, created_at=hub.now(), added_by="usr_first"
            )
            people.add_membership(tx, membership)


def person(name: str, role: str = "owner", tenant_id: str = "ten_a") -> Principal:
    """Return a member who is signed in."""
    return Principal(
        id=f"usr_{name}",
        tenant_id=tenant_id,
        role=role,
        permissions=permissions_of(role),
        name=name,
        kind=Kind.USER,
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """Where people see what they are asked, and answer it."""

    hub: Hub
    tenant_id: str = "ten_a"

    def all(self, execution_id: str | None = None, status: str | None = None) -> list[Approval]:
        """Every approval, oldest first."""
        page = Page(limit=200, newest_first=False)
        wanted = Wanted(status=status, execution_id=execution_id)
        return approvals.list_approvals(self.hub, person("reader", tenant_id=self.tenant_id), page, wanted)[0]

    def one(self, execution_id: str | None = None) -> Approval:
        """The only one that waits for an answer."""
        found = self.all(execution_id, "pending")
        assert len(found) == 1, [(one.status, one.step_id) for one in self.all()]
        return found[0]

    def say(self, name: str, decision: str, approval: Approval | None = None, **more: Any) -> Approval:
        """Let a person answer the only one, or this one."""
        role = more.pop("role", "owner")
        answer = Answer(decision=Decision(decision), comment=more.pop("comment", ""))
        asked = approval or self.one()
        return approvals.decide_approval(self.hub, person(name, role, self.tenant_id), asked.id, answer)

    def approve(self, name: str = "bea", approval: Approval | None = None, **more: Any) -> Approval:
        """Let a person agree."""
        return self.say(name, "approve", approval, **more)

    def reject(self, name: str = "bea", approval: Approval | None = None, **more: Any) -> Approval:
        """Let a person say no."""
        return self.say(name, "reject", approval, **more)
