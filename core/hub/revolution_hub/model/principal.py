"""Principal: who asks, in which tenant, what it may do there, and from where it asks."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a principal is: a person, an API key, or a service of the tenant's own that holds API keys."""

    USER = "user"
    KEY = "key"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, as far as known: the client's address and program, the request's id."""

    address: str = ""
    request_id: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. `permissions` is what its role allows at this moment; nobody looks at the role's name.

    One that is held to a few `workflows` has no permission in the tenant, but `on_workflows` on each.
    """

    id: str
    tenant_id: str
    role: str
    permissions: frozenset[str] = frozenset()
    name: str = ""
    kind: Kind = Kind.KEY
    origin: Origin = Origin()
    workflows: frozenset[str] | None = None
    on_workflows: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.tenant_id:
            raise ValueError("a principal belongs to a tenant")
