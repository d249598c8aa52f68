"""/hooks: where deliveries come in. The one hot door, so it reads the raw body itself and then calls once."""

import time
from collections.abc import Sequence

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from revolution_hub.access.quotas import RateLimiter
from revolution_hub.api.client_address import bucket_of, client_of
from revolution_hub.api.doors import public_route, raw_body
from revolution_hub.api.intake import Intake
from revolution_hub.api.respond import SANDBOX, JsonAnswer, respond
from revolution_hub.api.who import HubDep
from revolution_hub.bus.callback import receive_callback
from revolution_hub.bus.hook import RESULT, HookAnswered, HookKept, HookStarted, is_known
from revolution_hub.bus.receive import Answered, receive_app_delivery
from revolution_hub.errors import LimitError, NotFoundError
from revolution_hub.hub import Hub
from revolution_hub.model.execution import Execution
from revolution_hub.model.strict_json import strict_json
from revolution_hub.model.webhook import METHODS
from revolution_hub.services.executions import read_for_hook
from revolution_hub.store.errors import StoreError
from revolution_sdk import Delivery
from revolution_sdk.types import JsonObject

SECONDS = 60
APP_METHODS = ("GET", "POST")
"""Providers deliver by POST; some ask by GET whether an address is ours."""
FIRST_LOOK_S = 0.01
SLOWEST_LOOK_S = 0.25

router = APIRouter(tags=["hooks"])


@public_route(
    router,
    APP_METHODS,
    "/hooks/apps/{connector}/{app_key}",
    why="the connector verifies the provider's signature",
    status=202,
    lean=True,
)
async def receive_from_app(request: Request) -> Response:
    """Take in a provider app's delivery; answered only when it is committed."""
    hub: Hub = request.app.state.hub
    given = request.path_params
    delivery = await _delivery(request, hub)
    try:
        received = await run_in_threadpool(
            receive_app_delivery, hub, str(given["connector"]), str(given["app_key"]), delivery
        )
    except NotFoundError:
        bucket = bucket_of(client_of(request, hub.settings.trusted_proxies))
        request.app.state.guesses.take(bucket, time.monotonic())
        raise
    if isinstance(received, Answered):
        return Response(received.text, 200, SANDBOX, media_type="text/plain")
    # The provider learns that it was kept, and nothing about whose events they were.
    return JsonAnswer(202, {"delivery_id": received.delivery_id})


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
    body = await raw_body(request, hub.settings)
    data = strict_json(body, max_bytes=hub.settings.body_bytes) if body.strip() else None
    await run_in_threadpool(receive_callback, hub, execution_id, step, mark, data)
    return JsonAnswer(202, {"execution_id": execution_id})


@public_route(
    router,
    METHODS,
    "/hooks/{key}",
    why="an unguessable address, and what the trigger asks for as a proof",
    status=202,
    lean=True,
)
async def receive_from_hook(request: Request) -> Response:
    """Start the workflow behind this address; with `answer: result` wait for its answer."""
    hub: Hub = request.app.state.hub
    key = str(request.path_params["key"])
    intake: Intake = request.app.state.intake
    guesses: RateLimiter = request.app.state.guesses
    client = client_of(request, hub.settings.trusted_proxies)
    if (
        not guesses.unused
        and guesses.is_spent(bucket_of(client), time.monotonic())
        and not is_known(hub, key)
    ):
        # Nothing is looked up for who has guessed too often; an address that is in use is served even so.
        wait_s = SECONDS / hub.settings.guesses_per_minute
        told = "too many requests to addresses that are not there"
        raise LimitError(told, code="rate_limited", retry_after_s=wait_s)
    try:
        taken = await intake.receive(key, await _delivery(request, hub), client)
    except NotFoundError:
        guesses.take(bucket_of(client), time.monotonic())
        raise
    if isinstance(taken, HookAnswered):
        return Response(taken.text, 200, SANDBOX, media_type="text/plain")
    if isinstance(taken, HookKept):
        kept = {"event_id": None, "execution_id": None, "delivery_id": taken.delivery_id}
        return JsonAnswer(202, {**kept, "unparseable": taken.problem})
    if taken.answer != RESULT:
        return JsonAnswer(202, _accepted(taken))
    return await _answer(hub, taken)


def _accepted(started: HookStarted) -> JsonObject:
    return {"event_id": started.event_id, "execution_id": started.execution_id}


async def _answer(hub: Hub, started: HookStarted) -> Response:
    execution = started.execution
    # Waiting holds no thread: many callers may wait for slow workflows while others are served.
    give_up_s = time.monotonic() + started.deadline_s
    pause_s = FIRST_LOOK_S
    while not _is_answered(execution) and time.monotonic() < give_up_s:
        if execution is not None:
            await anyio.sleep(min(pause_s, max(give_up_s - time.monotonic(), 0)))
            pause_s = min(pause_s * 1.5, SLOWEST_LOOK_S)
        try:
            execution = await run_in_threadpool(read_for_hook, hub, started.tenant_id, started.execution_id)
        except StoreError:
            # It was accepted, and a database that is away now does not change that.
            break
    if execution is None or not _is_answered(execution):
        return JsonAnswer(202, _accepted(started))
    if execution.response is not None:
        return respond(execution.response)
    return JsonAnswer(200 if execution.error is None else 502, _outcome(execution))


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
        headers=_headers(request.headers.raw),
        body=await raw_body(request, hub.settings),
        received_at=hub.now(),
    )


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
    if len(headers) != len(raw):
        # What is there twice means what all of it says together, and not what somebody likes best of it.
        several: dict[str, list[str]] = {}
        for name, value in raw:
            several.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        headers = {name: ", ".join(values) for name, values in several.items()}
    return headers
