"""`voxtrace watch`: the collector and the dashboard, in one process beside the speech server."""

from __future__ import annotations

import asyncio
import logging
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from voxtrace.cli.addresses import require_free_port, url_of, warn_if_public
from voxtrace.cli.folder_lock import PATIENCE_S, only_one
from voxtrace.cli.front_door import FrontDoor
from voxtrace.cli.lifeline import is_supervised
from voxtrace.cli.pages_store import PagesStore
from voxtrace.cli.signals import stop_signals
from voxtrace.collector.collector import Collector, CollectorOptions
from voxtrace.collector.ingest import ingest_routes
from voxtrace.config import Value, load_settings, prepare_data_folder, require_private_address
from voxtrace.dashboard.app import build_app as build_dashboard
from voxtrace.dashboard.changes import Changes
from voxtrace.dashboard.headers import SafeHeaders
from voxtrace.server.silence import ImpatientProtocol, raise_file_limit
from voxtrace.store.recovery import open_or_begin_again

BYTES_PER_MIB = 1024 * 1024
# Of one message; a page asks in a few bytes.
MAX_MESSAGE_BYTES = 64 * 1024
# For pages that are open: they come back by themselves.
GRACE_S = 2


class WatchCommand:
    """Runs the collector and the dashboard until it is told to stop."""

    name: ClassVar[str] = "watch"
    details: ClassVar[str] = """\
One for each data folder: it is the only process that stores what the others write into the spool.
`voxtrace up` starts it together with the speech server.

  voxtrace watch
  voxtrace watch --port 9001 --data ./data
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, metavar="N", help="port to listen on (default: 8881)")
        parser.add_argument(
            "--allow-anonymous", action="store_true", help="listen beyond this machine although nobody has to log in"
        )

    def run(self, args: Namespace) -> int:
        folder = prepare_data_folder(args.data)
        settings = load_settings(folder, {"watch_host": args.host, "watch_port": args.port})
        host, port = settings["watch_host"].value, settings["watch_port"].value
        require_private_address(host, "--host", args.allow_anonymous)
        require_free_port(host, port)
        warn_if_public(host, port)
        logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
        with only_one(folder, "watch", PATIENCE_S):
            store, notice = open_or_begin_again(folder, durability=settings["durability"].value)
            try:
                changes = Changes()
                collector = Collector(store, folder, options=collector_options(settings), on_change=changes)
                if notice:
                    collector.notice(notice)
                pages = PagesStore(folder, collector.accounts)
                ingest = ingest_routes(store, accounts=collector.accounts)
                app = build_watch(collector, ingest, build_dashboard(pages, changes))
                if not is_supervised():
                    print(f"dashboard {url_of(host, port)} (Ctrl-C stops it)", flush=True)
                run_until_stopped(SafeHeaders(FrontDoor(app, [host])), host, port)
                pages.close()
            finally:
                store.close()
        return 0


def collector_options(settings: Mapping[str, Value]) -> CollectorOptions:
    """What the settings say about forgetting."""
    return CollectorOptions(
        keep_days=settings["keep_days"].value, keep_bytes=settings["keep_mib"].value * BYTES_PER_MIB
    )


def build_watch(collector: Collector, ingest: Sequence[BaseRoute], dashboard: ASGIApp) -> Starlette:
    """Everything that `watch` answers; the collector runs while the app does."""

    async def health(request: Request) -> JSONResponse:
        state = collector.state
        facts = {"status": "trouble" if state.trouble else "ok", "trouble": state.trouble, "notices": state.notices}
        return JSONResponse(facts, 503 if state.trouble else 200, headers={"Cache-Control": "no-store"})

    @asynccontextmanager
    async def collecting(app: Starlette) -> AsyncIterator[None]:
        stop = threading.Event()
        # Not a daemon: what stands in the spool is taken in before the process ends.
        thread = threading.Thread(target=collector.run, args=(stop,), name="collector")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            await asyncio.to_thread(thread.join)

    return Starlette(routes=[Route("/health", health), *ingest, Mount("/", dashboard)], lifespan=collecting)


def run_until_stopped(app: ASGIApp, host: str, port: int) -> None:
    """Serve `app` until SIGINT or SIGTERM, and let it shut down in order."""
    raise_file_limit()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=ImpatientProtocol,
        lifespan="on",
        log_level="warning",
        access_log=False,  # a line of it holds ids and searches
        server_header=False,
        proxy_headers=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        timeout_graceful_shutdown=GRACE_S,
    )
    # uvicorn shuts down in order and then sends itself the signal once more.
    with stop_signals():
        uvicorn.Server(config).run()
