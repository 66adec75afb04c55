"""The sink that posts batches to a collector over HTTP."""

from __future__ import annotations

import http.client
from typing import Final
from urllib.parse import urlsplit

from voxtrace.errors import Unreachable
from voxtrace.tracker.sinks import Batch, BatchRejected

TIMEOUT_S = 5.0  # of connecting, and of each wait for the collector
EVENTS_PATH = "/v1/events"
# The collector read the batch and will never take it. All other refusals may pass: a login that is mended, a
# disk that has room again.
REFUSED_FOR_GOOD: Final = frozenset({400, 413, 415, 422})


class CollectorSink:
    """Posts each batch as JSON lines and takes any 2xx as "stored".

    A batch whose answer got lost is posted again; the collector knows its events by their ids.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url, self._path = url, parts.path.rstrip("/") + EVENTS_PATH
        opener = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = opener(parts.hostname or "", parts.port, timeout=TIMEOUT_S)

    def __call__(self, batch: Batch) -> None:
        """Post one batch.

        Raises:
            Unreachable: no answer, or one that says "later".
            BatchRejected: the collector will never take this batch.
        """
        try:
            status, reason = self._post(batch.lines)
        except (OSError, http.client.HTTPException) as why:
            self._connection.close()
            raise Unreachable(f"the collector at {self._url}", str(why) or type(why).__name__) from why
        if status in REFUSED_FOR_GOOD:
            raise BatchRejected(f"{self._url} answered {status} {reason}")
        if not 200 <= status < 300:
            raise Unreachable(f"the collector at {self._url}", f"it answered {status} {reason}")

    def close(self) -> None:
        self._connection.close()

    def _post(self, lines: bytes) -> tuple[int, str]:
        kept_open = self._connection.sock is not None
        try:
            return self._exchange(lines)
        except (http.client.RemoteDisconnected, ConnectionError):
            # A collector closes connections that were idle; that is no failure as long as a new one works.
            self._connection.close()
            if not kept_open:
                raise
            return self._exchange(lines)

    def _exchange(self, lines: bytes) -> tuple[int, str]:
        headers = {"Content-Type": "application/x-ndjson", "User-Agent": "voxtrace-tracker"}
        self._connection.request("POST", self._path, lines, headers)
        response = self._connection.getresponse()
        response.read(64 * 1024)
        if not response.isclosed():
            self._connection.close()  # an answer longer than any of ours: it is no collector
        return response.status, response.reason
