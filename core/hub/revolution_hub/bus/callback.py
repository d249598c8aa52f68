"""callback: a request to the address of a waiting step. The first one counts, early ones are kept."""

from datetime import datetime

from revolution_hub.engine.addresses import PURPOSE, stamped
from revolution_hub.errors import ConflictError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.store import across, callbacks, executions
from revolution_sdk.types import Json


def receive_callback(hub: Hub, execution_id: str, step: str, mark: str, data: Json) -> None:
    """Keep what came for a step and bring its execution on. Committed when this returns.

    Raises NotFoundError unless the address is one the hub has made, and ConflictError if somebody has called
    before (`already_called`) or the step waits no more (`not_waiting`).
    """
    key = step.replace("~", "#")
    tenant_id = across.tenant_of_execution(hub.store, execution_id)
    if tenant_id is None or not hub.vault.is_stamp(tenant_id, PURPOSE, stamped(execution_id, key), mark):
        raise NotFoundError("there is no such address")
    _keep(hub, tenant_id, execution_id, key, data, hub.now())
    hub.wake()


def _keep(hub: Hub, tenant_id: str, execution_id: str, key: str, data: Json, now: datetime) -> None:
    with hub.store.begin(tenant_id) as tx:
        execution = executions.get(tx, execution_id)
        recorded = executions.find_step(tx, execution_id, key)
        over = execution.ended or (recorded is not None and recorded.recorded)
        if not over and callbacks.keep(tx, execution_id, key, data, now):
            return
        called = callbacks.find(tx, execution_id, key) is not None
    if called:
        raise ConflictError("somebody has called this address before", code="already_called")
    raise ConflictError("nobody waits for this call any more", code="not_waiting")
