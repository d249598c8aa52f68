"""lean: the hot door's route, served without what the framework does for every other one.

Its function gets the request and nothing else. Stacks of middleware, dependencies and exit handlers cost more
than the hub itself needs to take a delivery in, and none of them would have anything to do here.
"""

import os.path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor
from starlette.types import ASGIApp, Receive, Scope, Send

from revolution_hub.api.problems import answer_to


class LeanRoute(APIRoute):
    """A route that serves itself: nothing is looked up for its function, and its errors are told like all."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        if any(type(one) is not StringConvertor for one in self.param_convertors.values()):
            raise TypeError(f"{self.path}: the parameters of a lean route are texts")
        self.app = self.serve

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to this route."""
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
        lean = [one for one in app.routes if isinstance(one, LeanRoute)]
        self._prefix = os.path.commonpath([one.path.partition("{")[0] for one in lean])
        # Asking a route whether it matches makes several objects for each one that is asked.
        self._routes = [(one.path_regex.match, frozenset(one.methods or ()), one) for one in lean]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope.get("root_path"):
            path: str = scope["path"]
            for match, methods, route in self._routes if path.startswith(self._prefix) else ():
                found = match(path)
                if found is not None and scope["method"] in methods:
                    scope["path_params"] = found.groupdict()
                    scope["app"], scope["endpoint"], scope["route"] = self._app, route.endpoint, route
                    await route.serve(scope, receive, send)
                    return
        await self._app(scope, receive, send)
