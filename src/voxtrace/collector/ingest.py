"""Events over HTTP: an answer means that they are stored, and sending them again does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voxtrace.collector.batches import Batch, BodyRefused, IngestLimits, read_batch, unpack
from voxtrace.collector.bodies import whole_body
from voxtrace.collector.otlp_ingest import TraceIngest
from voxtrace.store import Accounts, Appended, SqliteStore
from voxtrace.store.errors import StoreError, StoreFull
from voxtrace.store.ports import QuarantineRow

RETRY_AFTER_S = 1
QUARANTINE_SHOWN = 100
TRY_AGAIN = frozenset({429, 503, 507})


def build_app(
    store: SqliteStore, *, accounts: Callable[[], Accounts] | None = None, limits: IngestLimits | None = None
) -> Starlette:
    """The collector's routes as an app of their own; see `ingest_routes`."""
    return Starlette(routes=ingest_routes(store, accounts=accounts, limits=limits))


def ingest_routes(
    store: SqliteStore, *, accounts: Callable[[], Accounts] | None = None, limits: IngestLimits | None = None
) -> list[Route]:
    """`POST /v1/events`, `POST /v1/traces`, `GET /v1/accounts` and `GET /v1/quarantine`.

    Args:
        store: where events go.
        accounts: `Collector.accounts`, which also knows what waits in the spool; default: the store's own.
        limits: how much one request may bring.
    """
    ingest = _Ingest(store, accounts or store.accounts, limits or IngestLimits())
    traces = TraceIngest(store)
    return [
        Route("/v1/events", ingest.take, methods=["POST"]),
        Route("/v1/traces", traces.take, methods=["POST"]),
        Route("/v1/accounts", ingest.show_accounts),
        Route("/v1/quarantine", ingest.show_quarantine),
    ]


class _Ingest:
    """The store's work is done in threads, so that no request waits for another one's."""

    def __init__(self, store: SqliteStore, accounts: Callable[[], Accounts], limits: IngestLimits) -> None:
        self._store, self._accounts, self._limits = store, accounts, limits
        self._running = 0

    async def take(self, request: Request) -> Response:
        if self._running >= self._limits.concurrent:
            return _refuse(429, "too_many_requests", "too many requests at a time; send this one again")
        self._running += 1
        try:
            body = await asyncio.wait_for(whole_body(request, self._limits.body_bytes), self._limits.body_s)
            return _answer(*await run_in_threadpool(self._append, body, request))
        except BodyRefused as refused:
            return _refuse(refused.status, refused.code, str(refused))
        except TimeoutError:
            return _refuse(408, "too_slow", f"the body did not come within {self._limits.body_s:g} s")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it, and nothing was stored
        except StoreError as error:
            return _refuse_for(error)
        finally:
            self._running -= 1

    def _append(self, body: bytes, request: Request) -> tuple[Batch, Appended]:
        content = unpack(body, request.headers.get("content-encoding", "").strip().lower(), self._limits)
        batch = read_batch(content, request.headers.get("content-type", ""), self._limits)
        return batch, self._store.append(batch.events, rejected=batch.rejected)

    def show_accounts(self, request: Request) -> Response:
        try:
            accounts = self._accounts()
        except StoreError as error:
            return _refuse_for(error)
        return _json(accounts.to_json())

    def show_quarantine(self, request: Request) -> Response:
        try:
            return _json({"quarantine": [_shown(row) for row in self._store.quarantined(QUARANTINE_SHOWN)]})
        except StoreError as error:
            return _refuse_for(error)


def _answer(batch: Batch, appended: Appended) -> Response:
    # The store rejects by position among the events it was given; the sender counts the records of the body.
    own = len(batch.rejected)
    rejected = [(each.position, each.unreadable) for each in appended.rejected[:own]]
    rejected += [(batch.indexes[each.position or 0], each.unreadable) for each in appended.rejected[own:]]
    return _json(
        {
            "received": batch.received,
            "stored": appended.stored,
            "duplicate": appended.duplicate,
            "rejected": [
                {"index": index, "reason": why.reason, "detail": why.detail}
                for index, why in sorted(rejected, key=lambda each: each[0] or 0)
            ],
        }
    )


def _shown(row: QuarantineRow) -> dict[str, object]:
    return {
        "arrived": row.arrived_wall_ns / 1e9,
        "source": row.source,
        "position": row.position,
        "reason": row.reason,
        "detail": row.detail,
        "raw": row.raw.decode("utf-8", "backslashreplace"),
    }


def _refuse_for(error: StoreError) -> Response:
    if isinstance(error, StoreFull):
        return _refuse(507, "store_full", str(error))
    return _refuse(503, "store_unavailable", str(error))


def _refuse(status: int, code: str, message: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status in TRY_AGAIN else {}
    return _json({"error": {"code": code, "message": message}}, status, headers)


def _json(facts: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(facts, status, headers={"Cache-Control": "no-store", **(headers or {})})
