"""Who may use the server where it is not everybody: keys, and how often each may ask."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from voxtrace.clock import mono_ns
from voxtrace.errors import VoxtraceError
from voxtrace.server.api_error import ApiError
from voxtrace.units import NANOS_PER_SECOND

OPEN_PATHS = frozenset({"/health", "/ready"})  # for supervisors and load balancers; they tell nothing else
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # which make nobody speak
LEAST_KEY_CHARS = 16
_HASHED = re.compile(r"sha256:([0-9a-f]{64})")


class KeysUnusable(VoxtraceError):
    """The file with the API keys can't be used."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"the API keys of {path} can't be used: {why}")
        self.path, self.why = path, why


class KeyRing:
    """The keys that open the door. Only their hashes are kept in memory."""

    def __init__(self, hashes: Iterable[bytes]) -> None:
        self._hashes = tuple(hashes)

    def __len__(self) -> int:
        return len(self._hashes)

    def find(self, key: str) -> int | None:
        """The number of the key; None when it is none of ours. Takes as long for either."""
        digest = sha256(key.encode("utf-8", "surrogateescape")).digest()
        found = None
        for number, known in enumerate(self._hashes):
            if hmac.compare_digest(digest, known):
                found = number
        return found


def read_keys(path: Path) -> KeyRing:
    """Keys from a file: one on each line, as it is or as "sha256:" and its hash in hexadecimal; # begins a comment.

    Random keys need no slow hash: `openssl rand -hex 24` makes one that nobody guesses.

    Raises:
        KeysUnusable: the file can't be read, is empty, or holds a key that could be guessed.
    """
    try:
        lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as why:
        raise KeysUnusable(path, str(why)) from why
    hashes: list[bytes] = []
    for number, line in enumerate(lines, 1):
        hashed = _HASHED.fullmatch(line)
        if hashed:
            hashes.append(bytes.fromhex(hashed[1]))
        elif line and len(line) < LEAST_KEY_CHARS:
            raise KeysUnusable(path, f"the key on line {number} is shorter than {LEAST_KEY_CHARS} characters")
        elif line:
            hashes.append(sha256(line.encode()).digest())
    if not hashes:
        raise KeysUnusable(path, "there is no key in it; put one on a line of its own")
    return KeyRing(hashes)


@dataclass(slots=True)
class RateLimit:
    """So many requests a minute for each who asks, saved up to a minute's worth. Time is an argument."""

    per_minute: int
    _spent: dict[int | None, tuple[int, float]] = field(default_factory=dict)  # by key: (last time, left then)

    def take(self, key: int | None, now_ns: int) -> int:
        """Take one.

        Returns:
            0, or the seconds after which there will be one again.
        """
        before_ns, left = self._spent.get(key, (now_ns, float(self.per_minute)))
        per_ns = self.per_minute / (60 * NANOS_PER_SECOND)
        left = min(left + (now_ns - before_ns) * per_ns, float(self.per_minute))
        if left < 1:
            self._spent[key] = (now_ns, left)
            return max(ceil((1 - left) / per_ns / NANOS_PER_SECOND), 1)
        self._spent[key] = (now_ns, left - 1)
        return 0


class KeyDoor:
    """ASGI middleware: lets in who has a key, as often as the key may ask."""

    def __init__(
        self, app: ASGIApp, keys: KeyRing | None, limit: RateLimit | None = None, now: Callable[[], int] = mono_ns
    ) -> None:
        """
        Args:
            app: what is behind the door.
            keys: None: everybody may come in; then all of them together have one limit.
            limit: of what makes somebody speak; None: no limit.
            now: the monotonic clock.
        """
        self._app, self._keys, self._limit, self._now = app, keys, limit, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        refusal = self._refuse(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": str(refusal)[:100]})
        else:
            headers = {name.decode(): value.decode() for name, value in refusal.headers}
            await Response(refusal.body, refusal.status, headers, media_type="application/json")(scope, receive, send)

    def _refuse(self, scope: Scope) -> ApiError | None:
        key: int | None = None
        if self._keys is not None:
            given = _bearer(scope)
            key = self._keys.find(given) if given else None
            if key is None:
                return _no_key(given)
        if self._limit is not None and (scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS):
            wait_s = self._limit.take(key, self._now())
            if wait_s:
                return _too_often(self._limit.per_minute, wait_s)
        return None


def _bearer(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1 or given[0][:7].lower() != b"bearer ":
        return ""
    return bytes(given[0][7:]).decode("utf-8", "surrogateescape").strip()


def _no_key(given: str) -> ApiError:
    why = "this API key is not known here" if given else "no API key was given: send it as `Authorization: Bearer KEY`"
    refusal = ApiError(HTTPStatus.UNAUTHORIZED, why, code="invalid_api_key")
    refusal.headers.append((b"www-authenticate", b"Bearer"))
    return refusal


def _too_often(per_minute: int, wait_s: int) -> ApiError:
    why = f"this key may ask {per_minute} times a minute; the next time is in {wait_s} s"
    refusal = ApiError(HTTPStatus.TOO_MANY_REQUESTS, why, code="rate_limit_exceeded")
    refusal.headers.append((b"retry-after", b"%d" % wait_s))
    return refusal
