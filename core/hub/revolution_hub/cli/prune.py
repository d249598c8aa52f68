"""`revolution prune`: remove executions that ended long ago, in the database itself."""

import threading
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from revolution_hub.app import usable_store
from revolution_hub.cli.show import out, settings
from revolution_hub.engine.retain import all_before
from revolution_hub.errors import HubError
from revolution_hub.model.durations import duration_s
from revolution_hub.model.status import ENDED, ExecutionStatus
from revolution_hub.model.time import utc_now
from revolution_hub.store.prune import Walk, count_due, prune_executions
from revolution_hub.store.revision import require_current


class Ended(StrEnum):
    """How an execution has ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


def prune(
    older_than: Annotated[str, typer.Option(help="how long ago they ended at least, such as 12h, 7d or 4w")],
    status: Annotated[Ended | None, typer.Option(help="only with this status")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say how many there are")] = False,
) -> None:
    """Remove executions that have ended, with everything that belongs to them."""
    try:
        age = timedelta(seconds=duration_s(older_than))
    except ValueError as error:
        raise HubError(f"--older-than cannot be used: {error}") from error
    statuses = [ExecutionStatus(status)] if status else sorted(ENDED)
    before = all_before(statuses, utc_now() - age)
    with usable_store(settings()) as store:
        require_current(store)
        if dry_run:
            out.print(f"{count_due(store, before)} executions would be removed.")
            return
        walk, removed = Walk(), 0
        while True:
            removed += prune_executions(store, before, threading.Event(), walk)
            if not walk.after:
                break
        out.print(f"{removed} executions were removed.")
