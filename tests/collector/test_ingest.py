"""POST /v1/events: what is answered is stored, and nothing that is sent can stop it."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import tracemalloc

import pytest
from starlette.testclient import TestClient

from tests.store.build import NOON_NS, event, turn
from voxtrace.collector.batches import BodyRefused, IngestLimits, unpack
from voxtrace.collector.ingest import build_app
from voxtrace.events.codec import encode
from voxtrace.store import SqliteStore, open_store
from voxtrace.store.masked import masked


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def sender(store):
    return TestClient(build_app(store), base_url="http://localhost")


def lines(events):
    return b"".join(map(encode, events))


def record(**fields):
    return {"timestamp": NOON_NS / 1e9, "request_id": "r1", "service": "stt", "event": "said", "metadata": {}} | fields


def count(store):
    return sum(len(found) for found in store.events_of(["r1"]).values())


def test_json_lines_are_stored_before_the_answer_comes(sender, store):
    answered = sender.post("/v1/events", content=lines(turn("r1", 3)))

    assert answered.json() == {"received": 3, "stored": 3, "duplicate": 0, "rejected": []}
    assert store.events_of(["r1"])["r1"] == turn("r1", 3)


ARRAY = [record(), record(event="heard")]
JSON, TEXT, NONE = "application/json; charset=utf-8", "text/plain", ""


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        *((json.dumps(ARRAY, indent=indent), kind) for indent in (None, 2) for kind in (JSON, TEXT, NONE)),
        *((json.dumps({"events": ARRAY}), kind) for kind in (JSON, TEXT, NONE)),
        (json.dumps({"events": ARRAY}, indent=2), JSON),
    ],
)
def test_an_array_of_events_is_taken_too(sender, store, body, content_type):
    answered = sender.post("/v1/events", content=body, headers={"content-type": content_type})

    assert answered.json()["stored"] == 2
    assert count(store) == 2


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_one_event_alone_is_a_batch_of_one(sender, content_type):
    answered = sender.post("/v1/events", content=json.dumps(record()), headers={"content-type": content_type})

    assert answered.json()["stored"] == 1


def test_json_lines_that_are_called_json_are_read_as_what_they_are(sender):
    body = lines(turn("r1", 2))

    assert sender.post("/v1/events", content=body, headers={"content-type": "application/json"}).json()["stored"] == 2


@pytest.mark.parametrize("body", [lines(turn("r1", 3)), json.dumps([record(), record(event="x"), record(event="y")])])
def test_sending_a_batch_again_stores_nothing_twice(sender, store, body):
    sender.post("/v1/events", content=body)
    again = sender.post("/v1/events", content=body).json()

    assert (again["stored"], again["duplicate"]) == (0, 3)
    assert count(store) == 3
    assert store.accounts().unaccounted == 0


def test_gzip_is_unpacked_member_by_member(sender):
    body = gzip.compress(lines(turn("r1", 2))) + gzip.compress(lines(turn("r1", 2, first_seq=2)))

    assert sender.post("/v1/events", content=body, headers={"content-encoding": "gzip"}).json()["stored"] == 4


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (b"", "", 400, "empty"),
        (b" \n\n", "", 400, "empty"),
        (b"[1, 2", "", 400, "json"),
        (b"[" * 100_000, "", 400, "depth"),
        (b'"text"', "application/json", 400, "json"),
        (b"x" * 1_048_577, "", 413, "too_large"),
        (lines([event()]) * 1001, "", 413, "too_many"),
        (json.dumps([1] * 1001).encode(), "", 413, "too_many"),
        (b"no gzip", "gzip", 400, "gzip"),
        (gzip.compress(lines(turn("r1", 50)))[:-9], "gzip", 400, "gzip"),
        (gzip.compress(b"\n" * 40_000_000), "gzip", 413, "too_large"),
        (gzip.compress(b"\n" * 4_000_000) + gzip.compress(b"\n" * 4_000_000), "gzip", 413, "too_large"),
        (b"x", "br", 415, "encoding"),
    ],
)
def test_a_body_that_can_not_be_taken_is_refused_whole_with_a_clear_error(sender, store, body, encoding, status, code):
    kind = "content-type" if "/" in encoding else "content-encoding"
    answered = sender.post("/v1/events", content=body, headers={kind: encoding})

    assert answered.status_code == status
    assert answered.json()["error"]["code"] == code
    assert answered.json()["error"]["message"]
    assert store.accounts().received == 0


def test_of_a_gzip_bomb_no_more_is_unpacked_than_a_body_may_hold():
    limits, bomb = IngestLimits(unpacked_bytes=100_000), gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(BodyRefused):
        unpack(bomb, "gzip", limits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10 * limits.unpacked_bytes


HOSTILE = [
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": "x", "metadata": {"v": NaN}}',
    b'{"timestamp": Infinity, "request_id": "r1", "service": "stt", "event": "x"}',
    b'{"timestamp": 1e999, "request_id": "r1", "service": "stt", "event": "x"}',
    b'{"timestamp": ' + b"9" * 5000 + b', "request_id": "r1", "service": "stt", "event": "x"}',
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": "x", "mono_ns": 9223372036854775808}',
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": "x", "seq": -1}',
    b'{"timestamp": -1, "request_id": "r1", "service": "stt", "event": "x"}',
    b'{"timestamp": 0, "request_id": "r1", "service": "stt", "event": "x"}',
    b'{"timestamp": 99999999999, "request_id": "r1", "service": "stt", "event": "x"}',
    b'{"timestamp": "yesterday", "request_id": "r1", "service": "stt", "event": "x"}',
    b'{"timestamp": 1764253805.0, "request_id": "\\ud800", "service": "stt", "event": "x"}',
    b'{"timestamp": 1764253805.0, "request_id": "", "service": "stt", "event": "x"}',
    b'{"timestamp": 1764253805.0, "service": "stt", "event": "x"}',
    b'{"timestamp": 1764253805.0, "request_id": ["r1"], "service": "stt", "event": "x"}',
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": 7, "event": "x"}',
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": {}}',
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": "x", "metadata": [1]}',
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": "x", "session_id": {}}',
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": "x", "event_id": 5}',
    b'{"timestamp": 1764253805.0, "request_id": "' + b"i" * 4096 + b'", "service": "stt", "event": "x"}',
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"timestamp": 1764253805.0, "request_id": "r1", "service": "stt", "event": "' + b"x" * 20_000 + b'"}',
    b"\xff\xfe{}",
    b"\0",
    b"null",
    b"{}",
    b"GET / HTTP/1.1",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_line_is_quarantined_and_its_neighbours_are_stored(sender, store, hostile):
    body = lines([event(0)]) + hostile + b"\n" + lines([event(1)])
    answered = sender.post("/v1/events", content=body)

    assert answered.status_code == 200
    assert answered.json()["stored"] == 2
    assert [each["index"] for each in answered.json()["rejected"]] == [1]
    assert store.quarantined()[0].raw == masked(hostile.strip(b"\n"))
    assert store.accounts().unaccounted == 0


STRANGE = [
    record(request_id="../../etc/passwd", event_id="a"),
    record(request_id="%00\n\u202e👩‍👩‍👧", event_id="b"),
    record(metadata={"lone": "\ud800"}, event_id="c"),
    record(metadata={f"key{n}": n for n in range(1000)}, event_id="d"),
    record(metadata={"deep": [[[[[[[[[[[[1]]]]]]]]]]]]}, event_id="e"),
    record(metadata={"text": "x" * 10_000}, event_id="f"),
    record(metadata={"big": 2**63}, event_id="g"),
    record(event="'; DROP TABLE events; --", event_id="h"),
]


@pytest.mark.parametrize("strange", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("form", ["lines", "array"])
def test_a_strange_event_is_stored_in_bounds(sender, store, strange, form):
    content = json.dumps(strange) if form == "lines" else json.dumps([strange])
    answered = sender.post("/v1/events", content=content)

    assert answered.json()["stored"] == 1
    (stored,) = store.events_of([strange["request_id"]])[strange["request_id"]]
    assert len(json.dumps(dict(stored.metadata))) < 16_384


BROKEN = [
    '{"timestamp": 1764253805, "metadata": {"prompt": "canary words", "api_key": "sk-canary"}',
    '{"timestamp": 1, "request_id": "r", "service": "s", "event": "e", "metadata": {"text": "canary"}}',
    "prompt=canary token=canary",
    "{'text': 'canary'}",
    'nary words", "text": "canary", "request_id": "canary"}',
    '["canary"]',
    '"canary"',
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_words_of_what_can_not_be_read_are_not_stored_and_not_shown(sender, store, tmp_path, broken):
    answered = sender.post("/v1/events", content=lines([event(0)]) + broken.encode() + b"\n")
    shown = sender.get("/v1/quarantine").text

    assert len(answered.json()["rejected"]) == 1
    assert "nary" not in shown
    assert b"canary" not in b"".join(path.read_bytes() for path in tmp_path.glob("voxtrace.db*"))


def test_secrets_in_metadata_are_not_stored(sender, store, tmp_path):
    sender.post("/v1/events", content=json.dumps(record(metadata={"api_key": "canary-7351", "n": {"token": "canary"}})))
    store.close()

    assert b"canary" not in b"".join(path.read_bytes() for path in tmp_path.glob("voxtrace.db*"))


def test_a_rejected_record_of_an_array_is_named_by_its_index(sender):
    answered = sender.post("/v1/events", content=json.dumps([record(), 7, record(event="y"), {}, None]))

    assert [each["index"] for each in answered.json()["rejected"]] == [1, 3, 4]
    assert answered.json()["stored"] == 2


def test_the_accounts_and_the_quarantine_can_be_read(sender):
    sender.post("/v1/events", content=lines(turn("r1", 2)) + b"broken\n")
    sender.post("/v1/events", content=lines([event(0)]))

    assert sender.get("/v1/accounts").json() == {
        "received": 4,
        "stored": 2,
        "duplicate": 1,
        "rejected": {"json": 1},
        "dropped": {},
        "in_flight": 0,
        "forgotten": 0,
        "unaccounted": 0,
    }
    (row,) = sender.get("/v1/quarantine").json()["quarantine"]
    assert (row["reason"], row["position"], row["raw"]) == ("json", 2, "xxxxxx")


def test_looking_changes_nothing(sender, store):
    before = store.accounts()
    for path in ("/v1/accounts", "/v1/quarantine", "/v1/events", "/v1/nothing"):
        sender.get(path)

    assert store.accounts() == before
    assert sender.get("/v1/events").status_code == 405


def test_a_full_disk_answers_507_and_takes_events_again_when_there_is_space(sender, store):
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    body = lines([event(n, metadata={"text": "x" * 3000}) for n in range(100)])
    full = sender.post("/v1/events", content=body)
    readable = sender.get("/v1/accounts")
    store._writer.execute("PRAGMA max_page_count = 1000000")
    again = sender.post("/v1/events", content=body)

    assert (full.status_code, full.json()["error"]["code"], full.headers["retry-after"]) == (507, "store_full", "1")
    assert readable.json()["received"] == 0
    assert again.json()["stored"] == 100


def test_a_store_that_another_process_holds_answers_503_and_when_to_try_again(tmp_path):
    store = SqliteStore(tmp_path / "voxtrace.db", busy_timeout_s=0.05)
    holder = sqlite3.connect(tmp_path / "voxtrace.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    sender = TestClient(build_app(store), base_url="http://localhost")
    locked = sender.post("/v1/events", content=lines([event()]))
    holder.execute("ROLLBACK")
    holder.close()
    free = sender.post("/v1/events", content=lines([event()]))
    store.close()

    assert (locked.status_code, locked.headers["retry-after"]) == (503, "1")
    assert free.json()["stored"] == 1


async def post(app, receive):
    """The status that the app answers a request with whose body comes from `receive`."""
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    target = {"path": "/v1/events", "raw_path": b"/v1/events", "query_string": b"", "headers": []}
    await app({"type": "http", "method": "POST", **target}, receive, send)
    return sent[0]["status"] if sent else None


def test_more_requests_than_are_taken_at_a_time_are_told_to_come_again(store):
    async def two_at_once():
        app = build_app(store, limits=IngestLimits(concurrent=1))
        entered, leave = asyncio.Event(), asyncio.Event()

        async def slowly():
            entered.set()
            await leave.wait()
            return {"type": "http.request", "body": lines([event()]), "more_body": False}

        first = asyncio.create_task(post(app, slowly))
        await entered.wait()
        second = await post(app, slowly)
        leave.set()
        return await first, second, await post(app, slowly)

    assert asyncio.run(two_at_once()) == (200, 429, 200)


def test_a_body_that_does_not_come_is_given_up_and_holds_no_place(store):
    async def never_and_then():
        app = build_app(store, limits=IngestLimits(body_s=0.01, concurrent=1))
        never = asyncio.Event()
        return [await post(app, never.wait) for _ in range(2)]

    assert asyncio.run(never_and_then()) == [408, 408]


def test_a_body_that_is_too_large_is_heard_out_but_not_for_ever(store):
    async def parts_read(count):
        parts = [{"type": "http.request", "body": b"x" * 2**20, "more_body": True} for _ in range(count)]
        parts.append({"type": "http.request", "body": b"", "more_body": False})

        async def receive():
            return parts.pop(0)

        return await post(build_app(store), receive), len(parts)

    assert asyncio.run(parts_read(10)) == (413, 0)
    assert asyncio.run(parts_read(20)) == (413, 4)


def test_a_sender_that_leaves_in_the_middle_of_its_body_stores_nothing_and_holds_no_place(store):
    async def leave_and_come_again():
        app = build_app(store, limits=IngestLimits(concurrent=1))
        body = lines([event()])
        messages = [
            {"type": "http.request", "body": body, "more_body": True},
            {"type": "http.disconnect"},
            {"type": "http.request", "body": body, "more_body": False},
        ]

        async def receive():
            return messages.pop(0)

        await post(app, receive)
        left = store.accounts().received
        return left, await post(app, receive)

    assert asyncio.run(leave_and_come_again()) == (0, 200)
