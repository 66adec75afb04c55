"""Asking a service of our own how it is."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

from msgspec import Struct

TIMEOUT_S = 1.0
MAX_ANSWER_BYTES = 64 * 1024


class Health(Struct, frozen=True):
    """What GET /health answered."""

    status: int
    facts: dict[str, object]  # the JSON object of the answer; empty where it was none

    @property
    def good(self) -> bool:
        return self.status == http.HTTPStatus.OK


def ask_health(url: str) -> Health | None:
    """The answer of the service at `url`, or None where nothing there speaks HTTP in time."""
    return ask(url, "/health")


def ask(url: str, path: str, method: str = "GET") -> Health | None:
    """The answer of a route without a body, or None where nothing there speaks HTTP in time."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    try:
        facts = json.loads(body)
    except ValueError:
        facts = {}
    return Health(answer.status, facts if isinstance(facts, dict) else {})
