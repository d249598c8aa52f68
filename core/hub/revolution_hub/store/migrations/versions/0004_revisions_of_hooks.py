"""Hooks have a revision, by which a process that remembers one learns that it has changed"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hooks", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
