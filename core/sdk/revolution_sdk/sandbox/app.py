"""Sandbox: operations by path, put together into an ASGI application that logs and misbehaves on demand.

Beside the provider's own paths it serves `/_sandbox/`: `GET calls`, `DELETE calls`, `POST faults`,
`DELETE faults`, and whatever controls the plugin adds (create a contact, list sent mails).
"""

import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revolution_sdk.sandbox.faults import Fault, Faults
from revolution_sdk.sandbox.wire import Answer, Call, LoggedCall
from revolution_sdk.types import Json, JsonObject

Handler: TypeAlias = Callable[[Call], Answer]
ErrorShape: TypeAlias = Callable[[int], Json]


class Sandbox:
    """One provider's stand-in. Plugins subclass nothing: they add operations and keep state beside it.

    `connection` is the document a demo posts to make a hub connection to this sandbox, without the base
    URL; `app` the provider app it delivers for, if it sends webhooks. `error_shape` makes the body of an
    injected error answer. `port` is where `revolution sandbox` serves it.
    """

    def __init__(
        self,
        name: str,
        *,
        port: int,
        error_shape: ErrorShape,
        connection: JsonObject,
        app: JsonObject | None = None,
        base_path: str = "",
    ) -> None:
        self.name = name
        self.port = port
        self.connection = connection
        self.app = app
        self.base_path = base_path
        self.faults = Faults()
        self._error_shape = error_shape
        self._routes: list[Route] = []
        self._calls: list[LoggedCall] = []
        self._lock = threading.Lock()
        self._add_controls()

    def operation(self, method: str, path: str, name: str) -> Callable[[Handler], Handler]:
        """Serve `method path` with the decorated function; `name` is what faults and the log call it."""

        def add(handler: Handler) -> Handler:
            self._routes.append(self._route(method, path, name, handler, misbehaves=True))
            return handler

        return add

    def control(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Serve `/_sandbox/<path>`: outside the provider's protocol, never logged, never faulty."""

        def add(handler: Handler) -> Handler:
            self._routes.insert(
                0, self._route(method, f"/_sandbox/{path}", f"control {path}", handler, misbehaves=False)
            )
            return handler

        return add

    def asgi(self) -> Starlette:
        """Return the application with all operations added so far."""
        return Starlette(routes=list(self._routes))

    def calls(self, operation: str = "") -> list[LoggedCall]:
        """Return the calls so far, oldest first, of one operation or of all."""
        with self._lock:
            return [call for call in self._calls if operation in ("", call.operation)]

    def _route(self, method: str, path: str, name: str, handler: Handler, *, misbehaves: bool) -> Route:
        async def endpoint(request: Request) -> Response:
            call = Call(
                operation=name,
                method=request.method,
                path=request.url.path,
                params=dict(request.path_params),
                query=dict(request.query_params),
                headers={key.lower(): value for key, value in request.headers.items()},
                body=await request.body(),
            )
            run = self._perform if misbehaves else _plainly
            answer = await run_in_threadpool(run, handler, call)
            kind = {} if answer.body is None else {"content-type": "application/json"}
            return Response(answer.encoded(), answer.status, {**kind, **answer.headers})

        return Route(path, endpoint, methods=[method], name=name)

    def _perform(self, handler: Handler, call: Call) -> Answer:
        fault = self.faults.take(call.operation)
        if fault is not None and fault.kind == "status":
            answer = self._refusal(fault)
        else:
            answer = handler(call)
            if fault is not None and fault.kind == "withhold":
                answer = self._refusal(fault)
        record = LoggedCall(
            operation=call.operation,
            method=call.method,
            path=call.path,
            query=dict(call.query),
            body=call.json() if call.body else None,
            status=answer.status,
        )
        with self._lock:
            self._calls.append(record)
        if fault is not None and fault.seconds:
            time.sleep(fault.seconds)
        return answer

    def _refusal(self, fault: Fault) -> Answer:
        wait = {} if fault.retry_after_s is None else {"retry-after": str(fault.retry_after_s)}
        return Answer(status=fault.status, body=self._error_shape(fault.status), headers=wait)

    def _add_controls(self) -> None:
        @self.control("GET", "calls")
        def list_calls(call: Call) -> Answer:
            return Answer(body=[one.as_json() for one in self.calls(call.query.get("operation", ""))])

        @self.control("DELETE", "calls")
        def forget_calls(call: Call) -> Answer:
            with self._lock:
                self._calls.clear()
            return Answer(status=204)

        @self.control("POST", "faults")
        def arm_fault(call: Call) -> Answer:
            try:
                self.faults.add(Fault.from_json(call.json()))
            except (ValueError, TypeError, AttributeError) as error:
                return Answer(status=422, body={"error": str(error)})
            return Answer(status=204)

        @self.control("DELETE", "faults")
        def clear_faults(call: Call) -> Answer:
            self.faults.clear()
            return Answer(status=204)


def _plainly(handler: Handler, call: Call) -> Answer:
    return handler(call)
