"""The pages' data as JSON. GET only, no side effects; the store is asked in threads, so the live socket never waits."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voxtrace.analysis import assemble
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN, crowd
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.clock import Clock
from voxtrace.dashboard.overview import Question, overview
from voxtrace.dashboard.reading import Reader, ReadStore
from voxtrace.dashboard.search import MAX_LIMIT, Search, find, neighbours, read_cursor
from voxtrace.dashboard.sharing import Shared
from voxtrace.errors import InvalidOption, VoxtraceError
from voxtrace.reports.json_report import turn_to_json
from voxtrace.store.errors import StoreError
from voxtrace.units import nanos_from_millis

MAX_MINUTES = 7 * 24 * 60
MAX_WORD = 200  # characters of a filter

_log = logging.getLogger(__name__)

Answer = Callable[[Request], Any]


class NoSuchRequest(VoxtraceError):
    """The store has no event of that request."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"no event of request {request_id[:64]!r} is stored; it may not have arrived yet, or retention removed it"
        )
        self.request_id = request_id


def code_of(error: VoxtraceError) -> str:
    """The name of an error's class as a machine-readable code: StoreBusy is store_busy."""
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def error_to_json(error: VoxtraceError) -> dict[str, dict[str, str]]:
    """The one form in which the dashboard reports an error."""
    return {"error": {"code": code_of(error), "message": str(error)}}


def status_of(error: VoxtraceError) -> int:
    """The HTTP status of an error: not there, not reachable, or wrongly asked."""
    if isinstance(error, NoSuchRequest):
        return 404
    return 503 if isinstance(error, StoreError) else 400


def _route(path: str, answer: Answer) -> Route:
    """A route whose answer is computed in a thread and whose errors are JSON."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(answer, request))
        except VoxtraceError as error:
            return JSONResponse(error_to_json(error), status_of(error))
        except Exception:  # noqa: BLE001 - the edge of a request: one broken query must not break the page
            error_id = secrets.token_hex(4)
            _log.exception("dashboard query failed, error id %s", error_id)
            message = f"the dashboard failed; its log says why under {error_id}"
            return JSONResponse({"error": {"code": "internal", "message": message}}, 500)

    handler: Callable[[Request], Awaitable[Response]] = endpoint
    return Route(path, handler, methods=["GET"])


def routes(store: ReadStore, clock: Clock) -> list[Route]:
    """All routes below /api."""
    reader = Reader(store)
    share = Shared(clock)

    def show_overview(request: Request) -> Any:
        minutes = int(_number(request, "minutes", 15, 1, MAX_MINUTES))
        question = Question(minutes, _word(request, "population") or None)
        return share.answer(question, lambda: overview(reader, question, clock.wall_ns()))

    def list_requests(request: Request) -> Any:
        return find(reader, _search(request))

    def show_request(request: Request) -> Any:
        request_id: str = request.path_params["request_id"]
        rows = store.requests([request_id])
        if rows and rows[0].event_count > MAX_EVENTS_OF_A_TURN:
            return turn_to_json(crowd(request_id, rows[0].session_id, rows[0].started_wall_ns, rows[0].event_count))
        events = store.events_of([request_id]).get(request_id)
        if not events:
            raise NoSuchRequest(request_id)
        return turn_to_json(assemble(request_id, events, store.samples_near))

    def show_neighbours(request: Request) -> Any:
        return neighbours(reader, request.query_params.get("id", ""))

    def show_accounts(request: Request) -> Any:
        return store.accounts().to_json()

    return [
        _route("/api/overview", show_overview),
        _route("/api/requests", list_requests),
        _route("/api/requests/{request_id:path}", show_request),
        _route("/api/neighbours", show_neighbours),
        _route("/api/accounts", show_accounts),
    ]


def _search(request: Request) -> Search:
    given = request.query_params
    metric = _word(request, "metric") or "ttfa_ms"
    if metric not in DEFINITION_BY_NAME:
        raise InvalidOption("metric", metric, "there is no metric of that name")
    source = _word(request, "source") or "real"
    return Search(
        limit=int(_number(request, "limit", 50, 1, MAX_LIMIT)),
        before=read_cursor(given["before"]) if given.get("before") else None,
        since_wall_ns=_moment(request, "since"),
        until_wall_ns=_moment(request, "until"),
        text=_word(request, "q"),
        outcome=_word(request, "outcome"),
        voice=_word(request, "voice"),
        cache=_word(request, "cache"),
        source="" if source == "any" else source,
        metric=metric,
        at_least=_limit(request, "min_ms"),
        less_than=_limit(request, "max_ms"),
    )


def _word(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:MAX_WORD]


def _number(request: Request, name: str, usual: float, low: float, high: float) -> float:
    text = request.query_params.get(name)
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError as why:
        raise InvalidOption(name, text, "it must be a number") from why
    if not low <= value <= high:  # also false for NaN
        raise InvalidOption(name, text, f"it must be between {low:g} and {high:g}")
    return value


def _limit(request: Request, name: str) -> float | None:
    return _number(request, name, 0, 0, 1e12) if request.query_params.get(name) else None


def _moment(request: Request, name: str) -> int | None:
    """A Unix time in seconds, in nanoseconds."""
    if not request.query_params.get(name):
        return None
    seconds = _number(request, name, 0, 0, 9e9)  # nanoseconds beyond that do not fit into 64 bits
    return nanos_from_millis(seconds * 1_000)
