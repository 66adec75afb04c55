"""`POST /v1/traces`: OTLP/HTTP, answered as its specification says (opentelemetry.io/docs/specs/otlp).

An exporter gives up a batch that is answered with anything but 429, 502, 503 or 504, so what may go well the next
time is one of these: a full disk is 503 here, and not 507.
"""

from __future__ import annotations

import asyncio
import json
import threading

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from voxtrace.collector.batches import BodyRefused, IngestLimits, unpack
from voxtrace.collector.bodies import whole_body
from voxtrace.importers.otlp import Conversion, Export, NotOtlp, read_json, read_protobuf
from voxtrace.store import SqliteStore
from voxtrace.store.errors import StoreError, StoreFull
from voxtrace.store.ports import Rejected

SOURCE = "POST /v1/traces"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
RETRY_AFTER_S = {429: 1, 503: 5}

# Exporters send 512 spans at a time, and those of models carry whole prompts.
LIMITS = IngestLimits(
    body_bytes=4 * 1024 * 1024, unpacked_bytes=16 * 1024 * 1024, events=10_000, body_s=10.0, concurrent=4
)

# What google.rpc.Code calls the statuses that are answered here.
_RPC_CODES = {400: 3, 413: 8, 415: 3, 429: 8, 503: 14}


class TraceIngest:
    """Takes exports of traces. What spans of one trace tell of each other is kept between requests."""

    def __init__(self, store: SqliteStore, limits: IngestLimits = LIMITS) -> None:
        self._store, self._limits = store, limits
        self._conversion = Conversion()
        self._turn = threading.Lock()
        self._running = 0

    async def take(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (PROTOBUF, JSON):
            return _refuse(JSON, 415, f"send {PROTOBUF} or {JSON}, not {kind[:80]!r}")
        if self._running >= self._limits.concurrent:
            return _refuse(kind, 429, "too many exports at a time; send this one again")
        self._running += 1
        try:
            body = await asyncio.wait_for(whole_body(request, self._limits.body_bytes), self._limits.body_s)
            encoding = request.headers.get("content-encoding", "").strip().lower()
            return _answer(kind, await run_in_threadpool(self._append, body, kind, encoding))
        except BodyRefused as refused:
            return _refuse(kind, refused.status, str(refused))
        except NotOtlp as why:
            return _refuse(kind, 400, str(why))
        except TimeoutError:
            return _refuse(kind, 503, f"the body did not come within {self._limits.body_s:g} s")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it, and nothing was stored
        except StoreError as error:
            trouble = "the disk is full" if isinstance(error, StoreFull) else "the store can't take it now"
            return _refuse(kind, 503, f"{trouble}: {error}")
        finally:
            self._running -= 1

    def _append(self, body: bytes, kind: str, encoding: str) -> tuple[int, str]:
        """How many spans were refused, and why the first one."""
        content = unpack(body, encoding, self._limits)
        export = read_protobuf(content) if kind == PROTOBUF else read_json(_parsed(content))
        if export.received > self._limits.events:
            raise BodyRefused(413, "too_many", f"{export.received} spans, at most {self._limits.events} are taken")
        rejected = [Rejected(unreadable, SOURCE, place) for place, unreadable in export.refused]
        with self._turn:
            events = self._conversion.convert(export.spans).events
        if events or rejected:
            # Whether a span is there already is known by its id: sent again, it does no harm.
            done = self._store.append(events, rejected=rejected)
            return len(export.refused), _why(export, [each.unreadable.detail for each in done.rejected])
        return 0, ""


def _why(export: Export, details: list[str]) -> str:
    if not export.refused:
        return ""
    return f"{len(export.refused)} of {export.received} spans can't be used; the first: {details[0]}"


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except RecursionError:
        raise NotOtlp("the JSON is nested too deeply") from None
    except ValueError as why:
        raise NotOtlp(f"the body is no JSON: {why}") from why


def _answer(kind: str, done: tuple[int, str]) -> Response:
    """ExportTraceServiceResponse: empty where all went well."""
    refused, why = done
    if kind == JSON:
        partial = {"partialSuccess": {"rejectedSpans": str(refused), "errorMessage": why}} if refused else {}
        return _response(json.dumps(partial).encode(), kind)
    partial_success = _field(1, refused) + _field(2, why) if refused else b""
    return _response(_field(1, partial_success) if refused else b"", kind)


def _refuse(kind: str, status: int, message: str) -> Response:
    """google.rpc.Status, which OTLP asks for behind every refusal."""
    code = _RPC_CODES.get(status, 2)
    if kind == JSON:
        body = json.dumps({"code": code, "message": message}).encode()
    else:
        body = _field(1, code) + _field(2, message)
    return _response(body, kind, status)


def _response(body: bytes, kind: str, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store"}
    if status in RETRY_AFTER_S:
        headers["Retry-After"] = str(RETRY_AFTER_S[status])
    return Response(body, status, headers, media_type=kind)


def _field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
