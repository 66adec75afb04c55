"""The dashboard as one ASGI app: the pages, their data, and the live socket."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from voxtrace.clock import Clock, SystemClock
from voxtrace.dashboard import api
from voxtrace.dashboard.assets import AssetRoutes, load_assets
from voxtrace.dashboard.changes import Changes
from voxtrace.dashboard.headers import SafeHeaders
from voxtrace.dashboard.live import LiveHub
from voxtrace.dashboard.reading import ReadStore


def build_app(store: ReadStore, changes: Changes, *, clock: Clock | None = None) -> ASGIApp:
    """The dashboard.

    Args:
        store: what the pages read; best opened for them alone, so that no query waits for the collector's.
        changes: the object that the collector calls with the ids of requests that it measured.
        clock: of this machine; tests move it.

    Raises:
        AssetsMissing: the package was installed without its static files.
    """
    clock = clock or SystemClock()
    assets = load_assets()
    files = AssetRoutes(assets)
    hub = LiveHub(store, changes, clock, assets=assets.digest)
    pages = [Route(path, files.page) for path in ("/", "/requests", "/requests/{request_id:path}")]
    app = Starlette(
        routes=[
            *pages,
            Route("/static/{digest}/{name:path}", files.file),
            *api.routes(store, clock),
            WebSocketRoute("/ws", hub.serve),
        ]
    )
    return SafeHeaders(app)
