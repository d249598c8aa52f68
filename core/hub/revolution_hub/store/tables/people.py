"""Who the people are, where they are members, and how they came in."""

import sqlalchemy as sa

from revolution_hub.store.tables.columns import id_column, metadata, moment, tenant_column, text

LONGEST_SUBJECT = 255


def _hash(name: str, *, unique: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False, unique=unique)


def _user() -> sa.Column[str]:
    return sa.Column("user_id", sa.String(40), nullable=False, index=True)


users = sa.Table(
    "users",
    metadata,
    id_column(),
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    text("name", null=False),
    text("password_hash"),
    moment("password_at"),
    moment("disabled_at"),
    moment("created_at", null=False),
)

identities = sa.Table(
    "identities",
    metadata,
    id_column(),
    _user(),
    sa.Column("issuer", sa.String(LONGEST_SUBJECT), nullable=False),
    sa.Column("subject", sa.String(LONGEST_SUBJECT), nullable=False),
    moment("created_at", null=False),
    sa.UniqueConstraint("issuer", "subject"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    id_column(),
    _hash("cookie_hash"),
    _user(),
    sa.Column("active_tenant_id", sa.String(40), nullable=True),
    sa.Column("way", sa.String(40), nullable=False),
    text("address", null=False),
    text("agent", null=False),
    moment("created_at", null=False),
    moment("seen_at", null=False),
    moment("expires_at", null=False, index=True),
)

resets = sa.Table(
    "resets",
    metadata,
    id_column(),
    _hash("link_hash"),
    _user(),
    sa.Column("made_in", sa.String(40), nullable=False),
    sa.Column("created_by", sa.String(40), nullable=False),
    moment("created_at", null=False),
    moment("expires_at", null=False),
    moment("used_at"),
)

pending_logins = sa.Table(
    "pending_logins",
    metadata,
    id_column(),
    _hash("state_hash"),
    _hash("browser_hash", unique=False),
    sa.Column("provider", sa.String(40), nullable=False),
    sa.Column("user_id", sa.String(40), nullable=True),
    sa.Column("invitation_hash", sa.String(64), nullable=True),
    moment("created_at", null=False),
    moment("expires_at", null=False, index=True),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("tenant_id", sa.String(40), primary_key=True),
    sa.Column("user_id", sa.String(40), primary_key=True),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("added_by", sa.String(40), nullable=False),
    moment("created_at", null=False),
    sa.Index(None, "user_id"),
)

invitations = sa.Table(
    "invitations",
    metadata,
    id_column(),
    tenant_column(),
    _hash("link_hash"),
    sa.Column("email", sa.String(254), nullable=True),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("created_by", sa.String(40), nullable=False),
    moment("created_at", null=False),
    moment("expires_at", null=False),
    moment("accepted_at"),
    sa.Column("accepted_by", sa.String(40), nullable=True),
    moment("revoked_at"),
    sa.Index(None, "tenant_id", "id"),
)

service_principals = sa.Table(
    "service_principals",
    metadata,
    id_column(),
    tenant_column(),
    text("name", null=False),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("created_by", sa.String(40), nullable=False),
    moment("created_at", null=False),
    sa.Index(None, "tenant_id", "id"),
)
