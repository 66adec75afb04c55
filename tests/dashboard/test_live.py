"""The live socket: nothing is missed, and a slow viewer slows nobody."""

import asyncio
import json
from contextlib import ExitStack, contextmanager

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.dashboard.stories import StoppedClock, request, tell
from voxtrace.dashboard.changes import Changes
from voxtrace.dashboard.live import LiveHub, LiveLimits

QUICK = LiveLimits(tick_s=0.002, heartbeat_ticks=1_000_000, ping_ticks=7, send_timeout_s=0.5, max_viewers=3)


class Live:
    """A hub behind a real ASGI server loop, and what tells it of changes."""

    def __init__(self, store, limits=QUICK):
        self.changes = Changes()
        self.hub = LiveHub(store, self.changes, StoppedClock(), assets="0123456789ab", limits=limits)
        self.app = Starlette(routes=[WebSocketRoute("/ws", self.hub.serve)])


@pytest.fixture
def live(store):
    return Live(store)


@contextmanager
def viewers(live, count=1):
    """That many connected pages, each behind its hello."""
    with TestClient(live.app) as client, ExitStack() as open_pages:
        sockets = [open_pages.enter_context(client.websocket_connect("/ws")) for _ in range(count)]
        yield sockets, [socket.receive_json() for socket in sockets]


def resume(socket, server_id=None, since=None):
    socket.send_json({"type": "resume", "server_id": server_id, "from": since})


def next_of(socket, kind):
    """The next message of that kind; pings come whenever nothing happens."""
    while (message := socket.receive_json())["type"] != kind:
        pass
    return message


def next_change(socket):
    """The next delta that tells of requests; one without any comes every second as a sign of life."""
    while not ((delta := next_of(socket, "delta"))["changed"] or delta["more"]):
        pass
    return delta


def test_a_page_is_greeted_with_the_server_and_the_version_of_the_page(live):
    with viewers(live) as (_, [hello]):
        assert (hello["type"], hello["proto"], hello["assets"]) == ("hello", 1, "0123456789ab")
        assert hello["server_id"]


def test_a_new_page_gets_a_snapshot_with_the_accounts(live, store):
    tell(store, request())
    with viewers(live) as ([socket], _):
        resume(socket)

        snapshot = next_of(socket, "snapshot")

    assert snapshot["accounts"]["stored"] == store.accounts().stored > 0


def test_a_change_is_told_to_every_page(live):
    with viewers(live, 2) as (sockets, _):
        for socket in sockets:
            resume(socket)
            next_of(socket, "snapshot")
        live.changes(["a", "b"])

        deltas = [next_change(socket) for socket in sockets]

    assert [delta["changed"] for delta in deltas] == [["a", "b"], ["a", "b"]]


def test_a_page_that_comes_back_hears_what_it_missed_in_one_message(live):
    with viewers(live) as ([socket], [hello]):
        resume(socket)
        start = next_of(socket, "snapshot")["seq"]
        for change in ("a", "b", "c"):
            live.changes([change])
            heard = next_change(socket)["seq"]
        resume(socket, hello["server_id"], start)

        missed = next_change(socket)

    assert missed["from"] == start
    assert missed["seq"] >= heard >= start + 3
    assert set(missed["changed"]) == {"a", "b", "c"}


@pytest.mark.parametrize("since", [-1, 10**9, "1", True, None, 1.5])
def test_a_place_that_is_not_known_is_answered_with_a_snapshot(live, since):
    with viewers(live) as ([socket], [hello]):
        resume(socket, hello["server_id"], since)

        assert next_of(socket, "snapshot")["type"] == "snapshot"


def test_a_page_of_another_start_of_the_server_gets_a_snapshot(live):
    with viewers(live) as ([socket], _):
        resume(socket, "another", 0)

        assert next_of(socket, "snapshot")["seq"] >= 0


def test_more_changes_than_a_message_can_name_are_counted(live):
    with viewers(live) as ([socket], _):
        resume(socket)
        next_of(socket, "snapshot")
        live.changes([f"r{n}" for n in range(400)] + ["x" * 5_000])

        delta = next_change(socket)

    assert len(delta["changed"]) + delta["more"] == 401
    assert len(json.dumps(delta)) < 16 * 1024


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", '{"type": "subscribe"}', "[" * 1_000, '{"a": "' + "x" * 2_000 + '"}']
)
def test_a_message_that_is_not_understood_ends_the_connection(live, text):
    with viewers(live) as ([socket], _):
        socket.send_text(text)

        with pytest.raises(WebSocketDisconnect) as closed:
            next_of(socket, "never")

    assert closed.value.code == 1008


def test_beyond_the_limit_a_page_is_asked_to_poll(live):
    page = TestClient(live.app).websocket_connect("/ws")
    with viewers(live, 3), page as one_more, pytest.raises(WebSocketDisconnect) as closed:
        one_more.receive_json()

    assert closed.value.code == 1013


def test_what_another_process_stores_is_noticed(store):
    live = Live(store, LiveLimits(tick_s=0.002, heartbeat_ticks=1))
    with viewers(live) as ([socket], _):
        resume(socket)
        next_of(socket, "snapshot")
        store.append(request())

        while not next_change(socket)["more"]:
            pass


class StalledSocket:
    """The far end of a wire that takes the first messages and then never reads again."""

    def __init__(self, taken=1):
        self.taken, self.sent, self.listening = taken, [], asyncio.Event()
        self.asked = ['{"type": "resume", "server_id": null, "from": null}']

    async def receive(self):
        if self.asked:
            return {"type": "websocket.receive", "text": self.asked.pop()}
        await self.listening.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message):
        if message["type"] == "websocket.close":
            self.sent.append(message)
            self.listening.set()
        elif message["type"] == "websocket.send":
            self.taken -= 1
            if self.taken < 0:
                await asyncio.Event().wait()
            self.sent.append(message)


def test_a_page_that_does_not_read_is_closed_and_its_lost_messages_counted(live):
    wire = StalledSocket()

    async def stall():
        inbox = [{"type": "websocket.connect"}]

        async def receive():
            return inbox.pop() if inbox else await wire.receive()

        scope = {
            "type": "websocket",
            "path": "/ws",
            "raw_path": b"/ws",
            "headers": [],
            "query_string": b"",
            "root_path": "",
        }
        serving = asyncio.create_task(live.app(scope, receive, wire.send))
        while not live.hub.conflated:
            live.changes(["r"])
            await asyncio.sleep(0)
        await serving

    asyncio.run(stall())

    assert wire.sent[-1] == {"type": "websocket.close", "code": 1013, "reason": "too slow"}
    assert live.hub.conflated > 0
