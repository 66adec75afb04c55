"""The dashboard as one ASGI app: the pages, their data, and the live socket."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from voxtrace.clock import Clock, SystemClock
from voxtrace.dashboard.assets import AssetRoutes, load_assets
from voxtrace.dashboard.changes import Changes
from voxtrace.dashboard.headers import SafeHeaders


def build_app(open_store: Callable[[], object], changes: Changes, *, clock: Clock | None = None) -> ASGIApp:
    """The dashboard.

    Args:
        open_store: gives the store to read from; called in the threads that ask it.
        changes: the object that the collector calls with the ids of requests that it measured.
        clock: of this machine; tests move it.

    Raises:
        AssetsMissing: the package was installed without its static files.
    """
    clock = clock or SystemClock()
    assets = AssetRoutes(load_assets())
    pages = [Route(path, assets.page) for path in ("/", "/requests", "/requests/{request_id:path}")]
    app = Starlette(routes=[*pages, Route("/static/{digest}/{name:path}", assets.file)])
    return SafeHeaders(app)
