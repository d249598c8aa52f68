"""Roles of a tenant's own, and integrations as each tenant sees them"""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
