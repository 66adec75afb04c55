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
from voxtrace.server.engine_pages import list_models, list_voices
from voxtrace.server.exchange import ExchangeHeaders
from voxtrace.server.live import LiveLimits, LiveRoute
from voxtrace.server.performance import Numbers, PerformancePages
from voxtrace.server.speech_route import SpeechRoute
from voxtrace.server.status import status_report
from voxtrace.speech.backends import Backends
from voxtrace.speech.encode import FORMATS


def build_app(
    backends: Backends,
    desk: Desk,
    guard: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    live: LiveLimits | None = None,
    numbers: Numbers | None = None,
) -> ASGIApp:
    """The application; `backends` are started, and whoever started them stops them.

    `guard` is put in front of all routes, but behind what gives every answer its headers. `numbers` are what was
    measured, for who asks for them here.
    """
    pages = _Pages(backends, desk)
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

    def __init__(self, backends: Backends, desk: Desk) -> None:
        self._backends = backends
        self._cache = backends.first.cache
        self._desk = desk
        desk.metrics.watch([backend.pool for backend in backends.all], self._cache)
        desk.metrics.watch_modes({each.model: each.tuning for each in backends.all if each.tuning is not None})
        desk.metrics.watch_hedges({each.model: each.hedge for each in backends.all if each.hedge is not None})
        self._models = list_models(desk.models)
        self._voices = list_voices(backends)

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
        """OpenAI's names, then each engine's own; espeak-ng's may carry a variant: "fr+f3"."""
        return JSONResponse(self._voices)

    async def health(self, _: Request) -> Response:
        """The process lives."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """At least one engine is loaded and warm, and requests are taken."""
        is_ready = self._backends.first.pool.ready > 0 and not self._desk.is_draining
        return JSONResponse({"ready": is_ready}, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def status(self, _: Request) -> Response:
        """See `status_report`."""
        return JSONResponse(status_report(self._backends, self._desk))

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
