"""lean: the hot door's route, served without what the framework does for every other one.

Its function gets the request and nothing else. Stacks of middleware, dependencies and exit handlers cost more
than the hub itself needs to take a delivery in, and none of them would have anything to do here.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from revolution_hub.api.problems import answer_to


class LeanRoute(APIRoute):
    """A route that serves itself: nothing is looked up for its function, and its errors are told like all."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.app = self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self.endpoint(request)
        except Exception as error:
            response = await answer_to(request, error)
        await response(scope, receive, send)


class LeanFirst:
    """ASGI application: requests to lean routes go straight to them, all others through the framework."""

    def __init__(self, app: FastAPI) -> None:
        self._app: ASGIApp = app
        self._routes: Sequence[LeanRoute] = [one for one in app.routes if isinstance(one, LeanRoute)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            for route in self._routes:
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found, app=self._app)
                    await route.handle(scope, receive, send)
                    return
        await self._app(scope, receive, send)
