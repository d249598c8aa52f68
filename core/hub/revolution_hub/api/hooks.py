"""/hooks: where deliveries come in. The one hot door, so it reads the raw body itself and then calls once."""

import time

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from revolution_hub.api.doors import HubDep, only_known_query, public_route, raw_body
from revolution_hub.api.intake import Intake
from revolution_hub.bus.callback import receive_callback
from revolution_hub.bus.hook import RESULT, HookStarted
from revolution_hub.bus.receive import receive_app_delivery
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.model.strict_json import dump_json, strict_json
from revolution_hub.services.executions import read_for_hook
from revolution_hub.store.tx import StoreError
from revolution_sdk import Delivery
from revolution_sdk.types import JsonObject

RESULT_LIMIT_S = 25.0
FIRST_LOOK_S = 0.01
SLOWEST_LOOK_S = 0.25

router = APIRouter(tags=["hooks"])


@public_route(
    router,
    "POST",
    "/hooks/apps/{connector}/{app_key}",
    why="the connector verifies the provider's signature",
    status=202,
)
async def receive_from_app(connector: str, app_key: str, request: Request, hub: HubDep) -> Response:
    """Take in a provider app's delivery; answered only when it is committed."""
    delivery = await _delivery(request, hub)
    received = await run_in_threadpool(receive_app_delivery, hub, connector, app_key, delivery)
    # The provider learns that it was kept, and nothing about whose events they were.
    return _json(202, {"delivery_id": received.delivery_id})


@public_route(
    router,
    "POST",
    "/hooks/callbacks/{execution_id}/{step}/{mark}",
    why="an unguessable address made for one step of one execution",
    status=202,
)
async def receive_for_step(
    execution_id: str, step: str, mark: str, request: Request, hub: HubDep
) -> Response:
    """Bring on the step that waits for this call; the body, JSON or empty, becomes its result."""
    body = await raw_body(request, hub.settings.body_bytes)
    data = strict_json(body, max_bytes=hub.settings.body_bytes) if body.strip() else None
    await run_in_threadpool(receive_callback, hub, execution_id, step, mark, data)
    return _json(202, {"execution_id": execution_id})


@public_route(
    router,
    "POST",
    "/hooks/{key}",
    why="an unguessable address, and a signature if the trigger asks",
    status=202,
    lean=True,
)
async def receive_from_hook(request: Request) -> Response:
    """Start the workflow behind this address; with `answer: result` wait for its answer."""
    await only_known_query(request)
    hub: Hub = request.app.state.hub
    key = str(request.path_params["key"])
    intake: Intake = request.app.state.intake
    started = await intake.receive(key, await _delivery(request, hub))
    if started.answer != RESULT:
        return _json(202, {"execution_id": started.execution_id})
    return await _answer(hub, started)


async def _answer(hub: Hub, started: HookStarted) -> Response:
    execution = started.execution
    # Waiting holds no thread: many callers may wait for slow workflows while others are served.
    give_up_s = time.monotonic() + RESULT_LIMIT_S
    pause_s = FIRST_LOOK_S
    while not _is_answered(execution) and time.monotonic() < give_up_s:
        if execution is not None:
            await anyio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, SLOWEST_LOOK_S)
        try:
            execution = await run_in_threadpool(read_for_hook, hub, started.tenant_id, started.execution_id)
        except StoreError:
            # It was accepted, and a database that is away now does not change that.
            break
    if execution is None or not _is_answered(execution):
        return _json(202, {"execution_id": started.execution_id})
    if execution.response is not None:
        return _json(int(execution.response["status"]), execution.response["body"])
    return _json(200 if execution.error is None else 502, _outcome(execution))


def _is_answered(execution: Execution | None) -> bool:
    return execution is not None and (execution.ended or execution.response is not None)


def _outcome(execution: Execution) -> JsonObject:
    return {"execution_id": execution.id, "status": str(execution.status), "output": execution.output}


async def _delivery(request: Request, hub: Hub) -> Delivery:
    path = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1")
    query = request.scope.get("query_string", b"").decode("latin-1")
    return Delivery(
        method=request.method,
        url=hub.settings.public() + path + (f"?{query}" if query else ""),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw},
        body=await raw_body(request, hub.settings.body_bytes),
        received_at=hub.now(),
    )


def _json(status: int, body: object) -> Response:
    # What a workflow answers is shown by nobody's browser as a page of this origin.
    headers = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
    return Response(dump_json(body), status, headers, media_type="application/json")
