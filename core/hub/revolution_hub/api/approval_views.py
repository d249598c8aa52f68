"""How approvals go out: as JSON, and as the plain page behind a link. Data is shown, never believed."""

from html import escape

from revolution_hub.model.approval import Approval, ApprovalPolicy, ApprovalStatus, Vote
from revolution_hub.model.payload import Filed
from revolution_hub.model.plain_text import plain, plain_json
from revolution_hub.model.time import rfc3339
from revolution_hub.services.approval_links import NewLink
from revolution_sdk.types import JsonObject

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">
<title>Approval</title></head><body>
<h1>Approve this step?</h1>
<table>{rows}</table>
{form}
</body></html>
"""
_FORM = """<form method="post">
<p><label>Comment <input name="comment" maxlength="2000"></label></p>
<p><button name="decision" value="approve">Approve</button>
<button name="decision" value="reject">Reject</button></p>
</form>"""


def approval_json(approval: Approval) -> JsonObject:
    """An approval without what it is bound to, as a list shows it."""
    return {
        "id": approval.id,
        "status": str(approval.status),
        "execution_id": approval.execution_id,
        "root_id": approval.root_id,
        "workflow_id": approval.workflow_id,
        "step_id": approval.step_id,
        "uses": approval.uses,
        "generation": approval.generation,
        "message": plain(approval.message, lines=True),
        "digest": approval.digest,
        "connection_id": approval.connection_id,
        "demands": [one.as_json() for one in approval.demands],
        "requesters": list(approval.requesters),
        "votes": [_vote_json(one) for one in approval.votes],
        "reason": approval.reason,
        "created_at": rfc3339(approval.created_at),
        "deadline_at": rfc3339(approval.deadline_at),
        "decided_at": rfc3339(approval.decided_at) if approval.decided_at else None,
        "used_at": rfc3339(approval.used_at) if approval.used_at else None,
    }


def approval_detail_json(approval: Approval) -> JsonObject:
    """An approval with everything its digest was made of: that, and nothing else, is agreed to."""
    return {**approval_json(approval), "content": approval.content}


def policy_json(policy: ApprovalPolicy) -> JsonObject:
    """A rule of the tenant's own."""
    return {
        "id": policy.id,
        "pattern": policy.pattern,
        "assignees": list(policy.assignees),
        "quorum": policy.quorum,
        "deadline_s": policy.deadline_s,
        "escalate_to": list(policy.escalate_to),
        "created_by": policy.created_by,
        "created_at": rfc3339(policy.created_at),
    }


def link_json(link: NewLink) -> JsonObject:
    """A link that was just made."""
    return {"url": link.url, "expires_at": rfc3339(link.expires_at)}


def approval_page(approval: Approval) -> str:
    """The page behind a link: the fields the digest was made of, written to pretend nothing."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td><code>{escape(text)}</code></td></tr>"
        for name, text in _fields(approval)
    )
    return _PAGE.format(rows=rows, form=_FORM if approval.status is ApprovalStatus.PENDING else "")


def _fields(approval: Approval) -> list[tuple[str, str]]:
    content = approval.content
    shown = {} if isinstance(content, Filed) else content
    fields = [(str(name), plain_json(value)) for name, value in shown.items()]
    return [
        *fields,
        ("message", plain(approval.message)),
        ("digest", approval.digest),
        ("status", str(approval.status)),
        ("deadline", rfc3339(approval.deadline_at)),
    ]


def _vote_json(vote: Vote) -> JsonObject:
    return {
        "user_id": vote.user_id,
        "decision": str(vote.decision),
        "comment": plain(vote.comment, lines=True),
        "way": vote.way,
        "at": rfc3339(vote.at),
    }
