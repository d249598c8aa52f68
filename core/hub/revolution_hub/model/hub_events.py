"""What the hub itself reports to a tenant's workflows. Nobody else can report under these names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from revolution_sdk.canonical import CanonicalEvent
from revolution_sdk.schema import array, number, object_, string

APPROVAL_REQUESTED: Final = "hub.approval.requested"
APPROVAL_DECIDED: Final = "hub.approval.decided"
QUOTA_WARNING: Final = "hub.quota.warning"
CONNECTION_NEEDS_REAUTH: Final = "hub.connection.needs_reauth"

_APPROVAL = object_(
    approval_id=string(describe="The approval, apr_…"),
    status=string(describe="pending, approved, rejected, expired or cancelled"),
    execution_id=string(describe="The execution that waits, or did"),
    workflow_id=string(describe="Its workflow"),
    step_id=string(describe="Its step"),
    uses=string(describe="The action that is to be called"),
    message=string(describe="What the step tells those who are asked; it may hold anybody's data"),
    assignees=array(string(), describe="Users and roles who are asked; empty if it is whoever may decide"),
    deadline_at=string(format="date-time", describe="Until when an answer is waited for"),
)
_QUOTA = object_(
    limit=string(describe="The limit, such as executions_per_month"),
    used=number(describe="How much of it is used at this moment"),
    most=number(describe="How much may be used at most"),
    resets_at=string(format="date-time", describe="When counting begins anew"),
)
_CONNECTION = object_(
    connection_id=string(describe="The connection, con_…"),
    connector=string(describe="Its connector"),
    name=string(describe="Its name"),
    reason=string(describe="What the provider said, or why the hub cannot go on with what it has"),
)


def _registry() -> Mapping[str, CanonicalEvent]:
    rows = (
        (APPROVAL_REQUESTED, "People are asked", _APPROVAL),
        (APPROVAL_DECIDED, "People have answered, or did not", _APPROVAL),
        (QUOTA_WARNING, "Most of a limit is used", _QUOTA),
        (CONNECTION_NEEDS_REAUTH, "A connection needs to be authorized anew", _CONNECTION),
    )
    return MappingProxyType(
        {name: CanonicalEvent(name=name, title=title, data=data) for name, title, data in rows}
    )


HUB_EVENTS: Final = _registry()
"""Every type of event the hub reports, by its name."""
