"""Clients that connect and then say nothing, or only half of it."""

from __future__ import annotations

import asyncio
import resource

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from voxtrace.server.silence import ImpatientProtocol, raise_file_limit


class VeryImpatient(ImpatientProtocol):
    headers_within_s = 0.05


async def answer(scope, receive, send):
    await asyncio.sleep(0.2)  # longer than a client may be silent
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def heard(*said: bytes) -> bytes:
    """What comes back until the server closes, when a client says this, one after the other."""

    async def converse() -> bytes:
        config = Config(answer, lifespan="off", timeout_keep_alive=1, access_log=False)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: VeryImpatient(config, ServerState(), {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for each in said:
            writer.write(each)
            if each.endswith(b"\r\n\r\n"):
                await reader.readuntil(b"\r\n\r\n")
        rest = await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return rest

    return asyncio.run(converse())


WHOLE = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [(), (b"GET / HT",), (b"GET / HTTP/1.1\r\nhost:",), (WHOLE, b"GET / HT")],
    ids=["nothing", "half a line", "half a head", "half of a second request"],
)
def test_a_client_that_says_no_whole_request_is_left(said):
    assert heard(*said) == b""


def test_the_time_that_an_answer_takes_is_no_silence():
    assert heard(WHOLE, WHOLE) == b""  # both were answered, or reading them would have failed


def test_the_process_may_open_as_many_files_as_its_user_may():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        raise_file_limit()
        raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert raised > 256
