"""Approval policies: a tenant's own rules of which actions people have to agree to before they are called.

A change counts for what is asked from then on; what was asked already is answered by the rules it was asked
under.
"""

import re
from dataclasses import dataclass

from revolution_hub.access.rbac import require
from revolution_hub.errors import InputError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.approval import ApprovalPolicy
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_id
from revolution_hub.model.parse_policies import read_approval
from revolution_hub.model.principal import Principal
from revolution_hub.model.reading import Reader
from revolution_hub.services.idempotency import Once, first_made, remember
from revolution_hub.store import approval_policies, audit
from revolution_hub.store.approval_policies import policies_of
from revolution_hub.store.paging import Page
from revolution_sdk.types import JsonObject

_PATTERN = re.compile(r"(\*|[a-z][a-z0-9_]*\.(\*|[a-z][a-z0-9_]*))\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPolicy:
    """A policy somebody wants: the actions it is for, and the words of a step's `approval` but `message`."""

    pattern: str
    rule: JsonObject


def create_policy(
    hub: Hub, principal: Principal, wanted: NewPolicy, once: Once | None = None
) -> ApprovalPolicy:
    """Let every action the pattern names need an approval. Raises InputError with every problem."""
    require(principal, "approval:policy")
    policy = _made(hub, principal, wanted)
    with hub.store.begin(principal.tenant_id) as tx:
        made = first_made(tx, principal, once)
        if made is not None:
            return approval_policies.get(tx, made)
        remember(tx, principal, once, policy.id, policy.created_at)
        approval_policies.add(tx, policy)
        after = {"pattern": policy.pattern, **wanted.rule}
        audit.append(
            tx, entry_of(principal, "approval_policy.create", policy.id, policy.created_at, after=after)
        )
    policies_of(hub.store).forget()
    return policy


def list_policies(hub: Hub, principal: Principal, page: Page) -> tuple[list[ApprovalPolicy], str | None]:
    """Return one page of the tenant's policies, and the cursor for the next."""
    require(principal, "approval:read")
    with hub.store.read(principal.tenant_id) as tx:
        return approval_policies.list_page(tx, page)


def get_policy(hub: Hub, principal: Principal, policy_id: str) -> ApprovalPolicy:
    """Return a policy or raise NotFoundError."""
    require(principal, "approval:read")
    with hub.store.read(principal.tenant_id) as tx:
        return approval_policies.get(tx, policy_id)


def delete_policy(hub: Hub, principal: Principal, policy_id: str) -> None:
    """Take a policy back. What was asked under it still waits for its answer."""
    require(principal, "approval:policy")
    with hub.store.begin(principal.tenant_id) as tx:
        policy = approval_policies.get(tx, policy_id)
        if not approval_policies.remove(tx, policy_id):
            raise NotFoundError("there is no such approval policy")
        before = {"pattern": policy.pattern, "assignees": list(policy.assignees), "quorum": policy.quorum}
        audit.append(tx, entry_of(principal, "approval_policy.delete", policy_id, hub.now(), before=before))
    policies_of(hub.store).forget()


def _made(hub: Hub, principal: Principal, wanted: NewPolicy) -> ApprovalPolicy:
    reader = Reader()
    if not _PATTERN.match(wanted.pattern):
        told = "write connector.action, connector.* for all of a connector, or * for every action"
        reader.problem("pattern", told)
    rule = read_approval(reader, wanted.rule, "")
    if reader.problems:
        raise InputError("the policy is not valid", reader.problems)
    return ApprovalPolicy(
        id=new_id("apl"),
        tenant_id=principal.tenant_id,
        pattern=wanted.pattern,
        assignees=rule.assignees,
        quorum=rule.quorum,
        deadline_s=rule.deadline_s,
        escalate_to=rule.escalate_to,
        created_by=principal.id,
        created_at=hub.now(),
    )
