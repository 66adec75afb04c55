"""Who may use the server, and how often."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import pytest

from voxtrace.server.keys import KeyDoor, KeyRing, KeysUnusable, RateLimit, read_keys

KEY, OTHER = "an example key that is long", "another example key"
SECOND = 1_000_000_000


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    path = tmp_path / "keys.txt"
    path.write_text(f"# ours\n{KEY}  # the first\n\nsha256:{sha256(OTHER.encode()).hexdigest()}\n")
    return read_keys(path)


def knock(door_keys, path="/v1/audio/speech", kind="http", limit=None, now=0, method="POST", **headers) -> list:
    sent: list[dict[str, object]] = []

    async def app(scope, receive, send):
        await send({"type": "inside"})

    async def send(message):
        sent.append(message)

    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "path": path, "headers": named}
    asyncio.run(KeyDoor(app, door_keys, limit, lambda: now)(scope, None, send))
    return sent


def test_a_key_opens_the_door_plain_or_hashed(keys):
    assert len(keys) == 2
    assert knock(keys, authorization=f"Bearer {KEY}")[0]["type"] == "inside"
    assert knock(keys, authorization=f"bearer {OTHER}")[0]["type"] == "inside"


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer \udcff"]
)
def test_nothing_else_does(keys, given):
    headers = {"authorization": given.encode("utf-8", "surrogateescape").decode("latin-1")} if given else {}
    sent = knock(keys, **headers)

    assert sent[0]["status"] == 401
    assert (b"www-authenticate", b"Bearer") in sent[0]["headers"]
    assert KEY.encode() not in sent[1]["body"]


def test_a_hash_is_not_a_key(keys):
    assert knock(keys, authorization=f"Bearer sha256:{sha256(OTHER.encode()).hexdigest()}")[0]["status"] == 401


def test_a_socket_needs_a_key_too(keys):
    assert knock(keys, kind="websocket")[0]["type"] == "websocket.close"


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_who_only_looks_whether_it_lives_needs_none(keys, path):
    assert knock(keys, path=path)[0]["type"] == "inside"


@pytest.mark.parametrize("path", ["/metrics", "/status", "/v1/models", "/performance/stats", "/health/", "//health"])
def test_everything_else_needs_one(keys, path):
    assert knock(keys, path=path, method="GET")[0]["status"] == 401


def test_each_key_has_a_limit_of_its_own_and_reading_costs_nothing(keys):
    limit = RateLimit(2)
    first = [knock(keys, limit=limit, authorization=f"Bearer {KEY}")[0] for _ in range(3)]
    other = knock(keys, limit=limit, authorization=f"Bearer {OTHER}")[0]
    reading = knock(keys, limit=limit, method="GET", authorization=f"Bearer {KEY}")[0]

    assert [each.get("status", each["type"]) for each in first] == ["inside", "inside", 429]
    assert (b"retry-after", b"30") in first[2]["headers"]
    assert other["type"] == reading["type"] == "inside"


def test_what_is_not_used_is_saved_for_a_minute_and_no_longer():
    limit = RateLimit(60)
    spent = [limit.take(None, 0) for _ in range(61)]
    a_second_later = [limit.take(None, SECOND) for _ in range(2)]
    an_hour_later = [limit.take(None, 3600 * SECOND) for _ in range(61)]

    assert (spent[-2:], a_second_later, an_hour_later[-2:]) == ([0, 1], [0, 1], [0, 1])


@pytest.mark.parametrize("text", ["", "# nothing\n", "short\n"])
def test_a_file_without_good_keys_is_refused(tmp_path, text):
    path = tmp_path / "keys.txt"
    path.write_text(text)
    with pytest.raises(KeysUnusable):
        read_keys(path)
