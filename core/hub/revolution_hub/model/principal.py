"""Principal: who asks. For now always an API key; users come with sessions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, in which tenant, and in which role. There is no principal without a tenant."""

    id: str
    tenant_id: str
    role: str
    name: str = ""

    def __post_init__(self) -> None:
        if not self.tenant_id:
            raise ValueError("a principal belongs to a tenant")
