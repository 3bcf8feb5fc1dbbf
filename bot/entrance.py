"""The HTTP entrance: webhooks by the short way, everything else by Starlette; nothing that breaks shows its values."""

import os
from collections.abc import Sequence
from typing import Any, cast

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bot.channels.shape import Hook
from bot.logs import place
from bot.store.outages import is_outage

_LOCAL = "127.0.0.1,::1"  # who is believed when they say on whose behalf they ask, unless FORWARDED_ALLOW_IPS says it [uvicorn]

log = structlog.get_logger()


class Entrance:
    """The ASGI application of these routes. Layers cost as much as handling a message: a `Hook` is called directly."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._hooks = {route.path: route.endpoint for route in routes if isinstance(route, Route) and isinstance(route.endpoint, Hook)}
        app = Starlette(routes=routes, exception_handlers={HTTPException: _refused}, middleware=[Middleware(_Guard)])
        trusted = os.environ.get("FORWARDED_ALLOW_IPS", _LOCAL)
        self._app = cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, app), trusted))  # its types are stricter than Starlette's

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hook = self._hooks.get(scope.get("path", ""))
        if hook is None or scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await hook.handle(request)
        except HTTPException as error:
            response = await _refused(request, error)
        except Exception as error:
            response = _broken(scope, error)
        await response(scope, receive, send)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 says the type
    return JSONResponse({"error": error.status_code}, status_code=error.status_code, headers=error.headers)


def _broken(scope: Scope, error: Exception) -> Response:
    """The answer when nobody caught `error`; its kind and place are logged. While the database is away the request may be made again."""
    log.error("request_failed", path=scope.get("path", "")[:100], error=place(error))
    status, headers = (503, {"Retry-After": "5"}) if is_outage(error) else (500, None)
    return JSONResponse({"error": status}, status_code=status, headers=headers)


class _Guard:
    """Answers what nobody caught. Left to the server, its values would be logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            response = _broken(scope, error)
            if not started:
                await response(scope, receive, send)
