"""StoredPoll: a connection's poll, where it goes on, and what became of its looks so far."""

from dataclasses import dataclass
from datetime import datetime

from revolution_sdk.types import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPoll:
    """One poll of one connection. `name` is qualified (`google.poll_messages`).

    `next_at` is when it is looked at next, None while it is paused or nobody listens; whoever polls moves it
    on to where the lease ends. `fence` grows with every claim. `connection_id` is empty for a connector that
    needs no connection.

    The ledger: `polled` happenings were found, each counted once; of these `received` had come by webhook
    before, and `missed` had not. `doubled` counts what was reported again and started nothing.
    """

    id: str
    tenant_id: str
    connection_id: str
    name: str
    created_at: datetime
    counted_from: datetime
    cursor: Json = None
    next_at: datetime | None = None
    paused_at: datetime | None = None
    fence: int = 0
    lease_owner: str | None = None
    failures: int = 0
    error: JsonObject | None = None
    polled_at: datetime | None = None
    found_at: datetime | None = None
    polled: int = 0
    received: int = 0
    missed: int = 0
    doubled: int = 0
