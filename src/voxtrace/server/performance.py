"""`/performance/…`: what was measured, for callers who want numbers and not events.

The numbers are computed elsewhere and handed in as a callable: this room defines none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voxtrace.clock import mono_ns
from voxtrace.errors import VoxtraceError
from voxtrace.server.api_error import ApiError
from voxtrace.units import NANOS_PER_SECOND

# Pages ask every second, and reading takes this process some milliseconds in which nobody else is served.
KEPT_NS = 5 * NANOS_PER_SECOND
TTFA_METRICS = ("ttfa_ms", "first_audio_ms", "server_response_ms")

Numbers = Callable[[], Mapping[str, Any]]
"""A summary of the newest requests, as the reports write it. Called in a thread.

Raises:
    VoxtraceError: there is none, with the reason.
"""


class PerformancePages:
    """Routes that answer with measured numbers."""

    def __init__(self, numbers: Numbers | None, now: Callable[[], int] = mono_ns) -> None:
        self._numbers, self._now = numbers, now
        self._kept: Mapping[str, Any] | None = None
        self._kept_ns = 0
        self._reading = asyncio.Lock()  # one at a time, whoever asks

    def routes(self) -> list[Route]:
        """To be mounted."""
        return [
            Route("/performance/ttfa", self.ttfa),
            Route("/performance/stats", self.stats),
            Route("/performance/benchmark", self.benchmark, methods=["POST"]),
        ]

    async def stats(self, _: Request) -> Response:
        """Everything that is known about the newest requests."""
        return JSONResponse(await self._read())

    async def ttfa(self, _: Request) -> Response:
        """How long somebody waited for the first sound, by population: they are never mixed."""
        summary = await self._read()
        groups = [
            {
                "population": group["population"],
                "turns": group["turns"],
                "metrics": {name: group["metrics"][name] for name in TTFA_METRICS if name in group["metrics"]},
            }
            for group in summary["groups"]
        ]
        return JSONResponse({"turns": summary["turns"], "from": summary["from"], "to": summary["to"], "groups": groups})

    async def benchmark(self, _: Request) -> Response:
        """Not here: a server that measures itself while it serves measures neither well."""
        text = "this server runs no benchmark of itself; `voxtrace load` measures it from outside"
        raise ApiError(HTTPStatus.NOT_IMPLEMENTED, text, code="not_implemented")

    async def _read(self) -> Mapping[str, Any]:
        if self._numbers is None:
            text = "this server was not told where measured numbers are"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, text, code="not_measured")
        async with self._reading:
            if self._kept is None or self._now() - self._kept_ns > KEPT_NS:
                try:
                    self._kept = await asyncio.to_thread(self._numbers)
                except VoxtraceError as why:
                    raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, str(why), code="not_measured") from why
                self._kept_ns = self._now()
            return self._kept
