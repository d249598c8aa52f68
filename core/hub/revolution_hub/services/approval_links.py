"""Links by which a person answers an approval without being signed in: made by that person, used once.

A link is bound to its person, its approval and the digest of what is approved. Looking at it decides nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from revolution_hub.access.deciders import voters_in
from revolution_hub.access.rbac import require
from revolution_hub.access.tokens import hash_token
from revolution_hub.errors import AccessError, ConflictError, HubError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.approval import Approval, ApprovalStatus, may_vote
from revolution_hub.model.audit import entry_of
from revolution_hub.model.ids import new_key
from revolution_hub.model.principal import Kind, Origin, Principal
from revolution_hub.services.approvals import Answer, take_answer
from revolution_hub.store import across, approval_links, approvals, audit
from revolution_hub.store.approval_links import ApprovalLink

PATH = "/approve"
_GONE = "this link is not there: it was used, has expired, or never was"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link that was just made. The address is told this once."""

    url: str
    expires_at: datetime


def make_link(hub: Hub, principal: Principal, approval_id: str) -> NewLink:
    """Make the link by which who asks for it can answer this approval later.

    For oneself alone: whoever could make it for somebody else could answer in that name.
    """
    require(principal, "approval:decide")
    token, now = new_key(), hub.now()
    with hub.store.begin(principal.tenant_id) as tx:
        approval = approvals.get(tx, approval_id)
        voter = next((one for one in voters_in(tx) if one.user_id == principal.id), None)
        if principal.kind is not Kind.USER or voter is None:
            raise AccessError("only a person has a link of its own", code="person_needed")
        if not any(may_vote(one, voter, approval.requesters) for one in approval.demands):
            raise AccessError("this approval is not yours to answer", code="not_assigned")
        if approval.status is not ApprovalStatus.PENDING or now >= approval.deadline_at:
            raise ConflictError("there is nothing to decide any more", code="already_decided")
        link = ApprovalLink(
            link_hash=hash_token(token),
            tenant_id=principal.tenant_id,
            approval_id=approval.id,
            user_id=principal.id,
            digest=approval.digest,
            expires_at=approval.deadline_at,
        )
        approval_links.add(tx, link)
        audit.append(tx, entry_of(principal, "approval.link", approval.id, now))
    return NewLink(url=f"{hub.settings.public()}{PATH}/{token}", expires_at=approval.deadline_at)


def read_link(hub: Hub, token: str) -> Approval:
    """Return what a link asks for, and change nothing. Raises NotFoundError if it is worth nothing."""
    link = _found(hub, token)
    with hub.store.read(link.tenant_id) as tx:
        approval = approvals.get(tx, link.approval_id)
    if not compare_digest(approval.digest, link.digest):
        raise NotFoundError(_GONE)
    return approval


def answer_link(hub: Hub, token: str, answer: Answer, origin: Origin) -> Approval:
    """Answer in the name of the link's person, once. Raises what `decide_approval` raises, too."""
    link, now = _found(hub, token), hub.now()
    with hub.store.begin(link.tenant_id) as tx:
        approval = approvals.get(tx, link.approval_id)
        same = compare_digest(approval.digest, link.digest)
        if not same or not approval_links.take(tx, link.link_hash, now):
            raise NotFoundError(_GONE)
        voter = next((one for one in voters_in(tx) if one.user_id == link.user_id), None)
        if voter is None or not voter.may_decide:
            raise NotFoundError(_GONE)
        principal = Principal(
            id=link.user_id,
            tenant_id=link.tenant_id,
            role=voter.role,
            permissions=frozenset({"approval:decide"}),
            kind=Kind.USER,
            origin=origin,
        )
        told = take_answer(tx, principal, link.approval_id, answer, now)
    if isinstance(told, HubError):
        raise told
    hub.wake()
    return told


def _found(hub: Hub, token: str) -> ApprovalLink:
    link = across.find_approval_link(hub.store, hash_token(token))
    if link is None or link.used_at is not None or hub.now() >= link.expires_at:
        raise NotFoundError(_GONE)
    return link
