"""Who may come in."""

from __future__ import annotations

import asyncio

import pytest

from voxtrace.cli.front_door import FrontDoor, read_origins
from voxtrace.errors import InvalidOption


def knock(method: str = "GET", kind: str = "http", *, twice: bool = False, **headers: str) -> int | str:
    """The status that a request is answered with, or what became of a WebSocket's handshake."""
    sent: list[dict[str, object]] = []

    async def app(scope, receive, send):
        await send(
            {"type": "websocket.accept"} if kind == "websocket" else {"type": "http.response.start", "status": 200}
        )

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": method, "headers": named * (1 + twice), "path": "/"}
    # As uvicorn does: it can answer a handshake with a status of its own.
    scope |= (
        {"scheme": "ws", "extensions": {"websocket.http.response": {}}} if kind == "websocket" else {"scheme": "http"}
    )
    asyncio.run(FrontDoor(app, ["voice.example"])(scope, receive, send))
    return sent[0].get("status") or sent[0]["type"]


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8881", "LOCALHOST", "127.0.0.1:8881", "[::1]:8881", "192.168.1.7:80", "voice.example"],
)
def test_this_machine_may_be_asked_under_its_names_and_addresses(host: str):
    assert knock(host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:8881", "localhost.evil.test", "", "127.0.0.1.evil.test", "[bad"]
)
def test_a_name_that_somebody_pointed_here_is_refused(host: str):
    assert knock(host=host) == 400
    assert knock(host=host, kind="websocket", origin=f"http://{host}") == 400


def test_a_request_without_a_host_is_refused():
    assert knock() == 400


def test_a_request_with_two_hosts_is_refused():
    assert knock(host="localhost", twice=True) == 400


@pytest.mark.parametrize(
    "origin",
    ["https://localhost:8881", "http://localhost:3000", "http://evil.test", "null", "https://localhost", "http://[bad"],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
def test_a_page_of_another_origin_changes_nothing(origin: str, method: str):
    assert knock(method, host="localhost:8881", origin=origin) == 403


def test_a_page_of_another_port_opens_no_socket():
    assert knock(kind="websocket", host="localhost:8881", origin="http://localhost:3000") == 403


def test_our_own_pages_may_do_everything():
    assert knock("POST", host="localhost:8881", origin="http://localhost:8881") == 200
    assert knock("POST", host="localhost:8881", origin="null", sec_fetch_site="same-origin") == 200
    assert knock(kind="websocket", host="localhost:8881", origin="http://localhost:8881") == "websocket.accept"


def test_what_the_browser_says_about_the_page_counts_more_than_its_origin():
    assert knock("POST", host="localhost:8881", origin="http://localhost:8881", sec_fetch_site="same-site") == 403


def test_a_program_that_is_no_browser_may_do_everything():
    assert knock("POST", host="localhost:8881") == 200
    assert knock(kind="websocket", host="localhost:8881") == "websocket.accept"


def test_reading_is_open_to_links_from_elsewhere():
    assert knock(host="localhost:8881", origin="http://evil.test", sec_fetch_site="cross-site") == 200


FRIEND = "http://127.0.0.1:8881"


def visit(method: str, **headers: str) -> dict[bytes, bytes]:
    """The answer's headers, and its status, for a page of an origin that may use it."""
    sent: list[dict[str, object]] = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"1")]})

    async def send(message):
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "headers": [(b"host", b"localhost"), *named], "scheme": "http"}
    asyncio.run(FrontDoor(app, origins=read_origins(FRIEND))(scope, None, send))
    return {b":status": sent[0]["status"], **dict(sent[0].get("headers", ()))}


def test_a_page_that_may_use_it_is_told_so_by_name():
    answer = visit("POST", origin=FRIEND, sec_fetch_site="cross-site")

    assert (answer[b":status"], answer[b"access-control-allow-origin"]) == (200, FRIEND.encode())


def test_a_browser_that_asks_first_is_answered_without_going_in():
    answer = visit("OPTIONS", origin=FRIEND, access_control_request_method="POST")

    assert answer[b":status"] == 204
    assert b"authorization" in answer[b"access-control-allow-headers"]
    assert b"x-request-id" not in answer


def test_nobody_else_is_told_anything():
    answers = [visit("GET", origin="http://evil.test"), visit("GET")]

    assert not any(name.startswith(b"access-control") for answer in answers for name in answer if name != b":status")
    assert visit("POST", origin="http://evil.test", sec_fetch_site="cross-site")[b":status"] == 403


@pytest.mark.parametrize("written", ["*", "null", "localhost:8881", "http://", "http://a.test/path", "ftp://a.test"])
def test_an_origin_that_no_browser_would_send_is_refused(written: str):
    with pytest.raises(InvalidOption):
        read_origins(f"{FRIEND}, {written}")
