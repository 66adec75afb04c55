"""The speech server as an ASGI application."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from voxtrace.server.api_error import ApiError
from voxtrace.server.desk import Desk
from voxtrace.server.exchange import ExchangeHeaders
from voxtrace.server.live import LiveLimits, LiveRoute
from voxtrace.server.performance import Numbers, PerformancePages
from voxtrace.server.speech_request import models
from voxtrace.server.speech_route import SpeechRoute
from voxtrace.server.status import status_report
from voxtrace.speech.cache.source import CachedSource
from voxtrace.speech.encode import FORMATS
from voxtrace.speech.pool import Pool
from voxtrace.speech.voices import OPENAI_VOICES


def build_app(
    pool: Pool,
    desk: Desk,
    guard: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    cache: CachedSource | None = None,
    live: LiveLimits | None = None,
    numbers: Numbers | None = None,
) -> ASGIApp:
    """The application; `pool` must be started, and whoever started it stops it.

    `guard` is put in front of all routes, but behind what gives every answer its headers. `cache`, where there
    is one, stands in front of the pool. `numbers` are what was measured, for who asks for them here.
    """
    pages = _Pages(pool, desk, cache)
    app = Starlette(
        routes=[
            Route("/v1/audio/speech", SpeechRoute(desk), methods=["POST"]),
            WebSocketRoute("/v1/audio/speech/live", LiveRoute(desk, live).serve),
            Route("/v1/models", pages.models),
            Route("/v1/models/{model:path}", pages.model),
            *(Route(path, pages.models) for path in ("/v1/audio/models", "/audio/models")),
            *(Route(path, pages.voices) for path in ("/v1/audio/voices", "/audio/voices", "/voices")),
            Route("/health", pages.health),
            Route("/ready", pages.ready),
            Route("/status", pages.status),
            Route("/metrics", pages.metrics),
            *PerformancePages(numbers).routes(),
            Route("/performance/clear_cache", pages.clear_cache, methods=["POST"]),
        ],
        exception_handlers={ApiError: _explain, HTTPException: _explain_http, Exception: _explain_unknown},
    )
    return ExchangeHeaders(guard(app))


class _Pages:
    """The routes that answer at once, whatever the engines do."""

    def __init__(self, pool: Pool, desk: Desk, cache: CachedSource | None) -> None:
        catalogue = desk.catalogue
        self._pool = pool
        self._cache = cache
        self._desk = desk
        desk.metrics.watch(pool, cache)
        self._models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "voxtrace"} for name in models(catalogue)
        ]
        own = [{"id": each.id, "name": each.name, "language": each.language} for each in catalogue.voices]
        aliases = [{"id": name, "name": f"{name.capitalize()} ({voice})"} for name, voice in OPENAI_VOICES.items()]
        self._voices = {"voices": [*aliases, *own], "variants": list(catalogue.variants)}

    async def models(self, _: Request) -> Response:
        """What `model` may be."""
        formats = [form.name for form in FORMATS.values() if form.is_available]
        return JSONResponse({"object": "list", "data": self._models, "models": self._models, "formats": formats})

    async def model(self, request: Request) -> Response:
        """One of them."""
        wanted = request.path_params["model"]
        found = next((model for model in self._models if model["id"] == wanted), None)
        if found is None:
            message = f"there is no model {wanted[:80]!r}; GET /v1/models lists what there is"
            raise ApiError(HTTPStatus.NOT_FOUND, message, code="model_not_found", param="model")
        return JSONResponse(found)

    async def voices(self, _: Request) -> Response:
        """OpenAI's names, then the engine's own; each of these may carry a variant: "fr+f3"."""
        return JSONResponse(self._voices)

    async def health(self, _: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """At least one engine is loaded and warm, and requests are taken."""
        is_ready = self._pool.ready > 0 and not self._desk.is_draining
        return JSONResponse({"ready": is_ready}, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def status(self, _: Request) -> Response:
        """See `status_report`."""
        return JSONResponse(status_report(self._pool, self._desk, self._cache))

    async def metrics(self, _: Request) -> Response:
        """For Prometheus."""
        return Response(self._desk.metrics.page(), media_type=CONTENT_TYPE_LATEST)

    async def clear_cache(self, _: Request) -> Response:
        """Forget every piece of speech that is kept."""
        return JSONResponse({"cleared": self._cache.clear() if self._cache else 0})


async def _explain(_: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    headers = {name.decode("ascii"): value.decode("ascii") for name, value in error.headers}
    return Response(error.body, error.status, headers, media_type="application/json")


async def _explain_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    message, code = error.detail, "http_error"
    if error.status_code == HTTPStatus.NOT_FOUND:
        message, code = f"there is no {request.url.path[:200]!r} here; speech is at POST /v1/audio/speech", "not_found"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        message, code = f"{request.method} is not answered here; use {allowed}", "method_not_allowed"
    answer = ApiError(error.status_code, message, code=code)
    return Response(answer.body, answer.status, error.headers, media_type="application/json")


async def _explain_unknown(_: Request, error: Exception) -> Response:
    # Starlette hands the error on to the server's log; the client gets no traceback.
    answer = ApiError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the server failed; its log says why, under this request's id",
        code="internal",
    )
    return Response(answer.body, answer.status, media_type="application/json")
