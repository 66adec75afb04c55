"""Numbers for those who ask the speech server for them."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from voxtrace.errors import VoxtraceError
from voxtrace.server.api_error import ApiError
from voxtrace.server.performance import PerformancePages

SECOND = 1_000_000_000
GROUP = {
    "population": {"name": "uncached"},
    "turns": 3,
    "metrics": {"ttfa_ms": {"p50": 2.5}, "rtf": {"p50": 0.1}},
    "parts": [],
}
SUMMARY: dict[str, Any] = {"turns": 3, "from": 1.0, "to": 2.0, "groups": [GROUP]}


class Measured:
    """Counts how often it is read, on a clock that the test moves."""

    def __init__(self, why: str = "") -> None:
        self.reads, self.now, self.why = 0, 0, why

    def read(self) -> dict[str, Any]:
        self.reads += 1
        if self.why:
            raise VoxtraceError(self.why)
        return SUMMARY

    def client(self) -> TestClient:
        async def explain(_, error):
            return JSONResponse(json.loads(error.body), error.status)

        pages = PerformancePages(self.read, now=lambda: self.now)
        return TestClient(Starlette(routes=pages.routes(), exception_handlers={ApiError: explain}))


def test_the_wait_for_the_first_sound_is_told_by_population():
    answer = Measured().client().get("/performance/ttfa").json()

    assert (answer["turns"], answer["to"]) == (3, 2.0)
    assert answer["groups"] == [
        {"population": {"name": "uncached"}, "turns": 3, "metrics": {"ttfa_ms": {"p50": 2.5}}},
    ]


def test_everything_else_stands_in_the_stats():
    assert Measured().client().get("/performance/stats").json() == SUMMARY


def test_who_asks_every_second_is_answered_without_reading_every_second():
    measured = Measured()
    with measured.client() as client:
        for _ in range(10):
            client.get("/performance/ttfa")
        reads_at_once = measured.reads
        measured.now = 6 * SECOND
        client.get("/performance/stats")

    assert (reads_at_once, measured.reads) == (1, 2)


def test_nothing_measured_is_no_number():
    answer = Measured(why="there is no store").client().get("/performance/ttfa")

    assert answer.status_code == 503
    assert answer.json()["error"] == {
        "message": "there is no store",
        "type": "server_error",
        "param": None,
        "code": "not_measured",
    }


def test_a_benchmark_is_not_pretended():
    answer = Measured().client().post("/performance/benchmark")

    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_implemented")
    assert "voxtrace load" in answer.json()["error"]["message"]
