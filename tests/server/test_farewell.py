"""What a stop does to those who are connected: sockets of live text and of Wyoming, beside answers over HTTP."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from tests.server.live_client import LiveClient, live
from tests.server.raw_client import accepts, open_speech, read_head
from tests.server.serving import Serving, serving, wait_until

pytestmark = pytest.mark.slow

SLOW = {"block_delay_ms": 20}  # for 60 ms of sound
STALLS = {"stall_after_ms": 60}
LONG = "x" * 50  # hums for 3 s
BLOCK = 60 * 48  # bytes


def stop(server: Serving) -> None:
    server.process.send_signal(signal.SIGTERM)


def close_code(client: LiveClient) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        client.hear()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@contextmanager
def speaking(tmp_path: Path, drain_s: int, faults: dict[str, object]) -> Iterator[tuple[Serving, LiveClient]]:
    """A server, and a live client in the midst of an utterance whose end it has not said."""
    with serving(tmp_path, faults=faults, drain_s=drain_s, wyoming=True) as server, live(server.port) as client:
        client.say("start", request_id="under-way")
        client.say("text", text=LONG)
        client.say("flush")
        client.hear("timing")
        yield server, client


def test_who_has_nothing_to_say_is_told_and_let_go_at_once(tmp_path):
    with speaking(tmp_path, 20, SLOW) as (server, busy), live(server.port) as idle:
        spoken_to = idle.speak("abc")
        stop(server)
        told = idle.hear("draining")
        code = close_code(idle)
        busy.say("end")
        after = busy.hear()

    assert spoken_to.end["type"] == "done"
    assert (told.end, code) == ({"type": "draining", "after_s": 20}, 1001)
    assert after.end["type"] == "done"  # it was still being spoken when the idle one had gone


def test_an_utterance_under_way_can_be_written_and_heard_to_its_end(tmp_path):
    with serving(tmp_path, faults=SLOW, drain_s=20) as server, live(server.port) as client:
        client.say("start", request_id="under-way")
        client.say("text", text=LONG)
        client.say("flush")
        before = client.hear("timing")
        stop(server)
        during = client.hear("draining")
        client.say("text", text="abcdef")
        client.say("end")
        after = client.hear()
        code = close_code(client)
        end = server.end_of("under-way")

    assert after.end["type"] == "done"
    assert len(before.sound + during.sound + after.sound) == 56 * BLOCK
    assert (code, end["outcome"]) == (1001, "ok")
    assert server.process.returncode == 0


def test_no_other_utterance_is_begun(tmp_path):
    with speaking(tmp_path, 20, SLOW) as (server, client):
        stop(server)
        client.hear("draining")
        client.say("end")
        client.say("text", text="One more.")
        client.say("end")
        refused = client.hear("error")
        first = client.hear("done")
        code = close_code(client)

    assert (refused.end["error"]["code"], refused.end.get("request_id")) == ("stopping", None)
    assert (first.end["request_id"], code) == ("under-way", 1001)


def test_what_is_not_over_in_time_is_cut_off_and_noted_as_that(tmp_path):
    with speaking(tmp_path, 1, {}) as (server, client), live(server.port) as other:
        other.say("start", request_id="not-begun")
        other.say("text", text="Wel")
        other.hear("started")
        stop(server)
        heard, unspoken = client.hear(), other.hear()
        codes = close_code(client), close_code(other)
        ends = [server.end_of("under-way"), server.end_of("not-begun")]

    assert [(each.end["type"], each.end["error"]["code"]) for each in (heard, unspoken)] == [("error", "stopping")] * 2
    assert codes == (1001, 1001)
    assert [(end["outcome"], end["error"]) for end in ends] == [("error", "stopping")] * 2


def test_an_engine_that_stalls_holds_up_no_stop(tmp_path):
    with speaking(tmp_path, 0, STALLS) as (server, client):
        stop(server)
        heard = client.hear()

        assert server.process.wait(30) == 0
        assert heard.end["error"]["code"] == "stopping"


def test_who_does_not_read_holds_up_no_stop_and_is_noted(tmp_path):
    with serving(tmp_path, faults={}, drain_s=0) as server, live(server.port) as client:
        client.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.say("start", request_id="deaf", response_format="wav", sample_rate=48_000)
        client.say("text", text="x" * 16_000)
        client.say("end")
        # What is under way in the client's and the system's buffers is a few MiB; then the server has to wait.
        wait_until(lambda: server.status()["requests"]["active"] == 1, "the utterance")
        stop(server)

        assert server.process.wait(30) == 0
        assert server.end_of("deaf")["error"] == "stopping"


def test_answers_over_http_end_beside_it_and_idle_connections_are_closed(tmp_path):
    with speaking(tmp_path, 20, SLOW) as (server, client), socket.create_connection(("127.0.0.1", server.port)) as idle:
        with open_speech(server.port, "answer", input=LONG) as connection:
            read_head(connection)
            stop(server)
            left = idle.recv(1)
            client.hear("draining")
            rest = b""
            while more := connection.recv(65536):
                rest += more
        client.say("end")
        after = client.hear()

    assert (left, rest[-5:]) == (b"", b"0\r\n\r\n")
    assert after.end["type"] == "done"


def test_a_second_interrupt_waits_for_nobody(tmp_path):
    with speaking(tmp_path, 600, {}) as (server, client):
        server.process.send_signal(signal.SIGINT)
        client.hear("draining")
        server.process.send_signal(signal.SIGINT)
        heard = client.hear()

        assert server.process.wait(30) == 0
        assert heard.end["error"]["code"] == "stopping"


async def heard_by(client: AsyncTcpClient) -> list[Event]:
    """Everything until the server hangs up."""
    events = []
    async with asyncio.timeout(20):
        while (event := await client.read_event()) is not None:
            events.append(event)
    return events


def sound_of(events: list[Event]) -> bytes:
    return b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")


def stop_while(server: Serving, *first: object, then: tuple[object, ...] = ()) -> list[Event]:
    """Say something over Wyoming, stop the server when the sound has begun, say more, and read to the end."""

    async def talk() -> list[Event]:
        async with AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            for each in first:
                await client.write_event(each.event())
            begin = [await client.read_event()] if first else []
            stop(server)
            await asyncio.to_thread(wait_until, lambda: not accepts(server.wyoming_port), "the port to be closed")
            for each in then:
                await client.write_event(each.event())
            return [*begin, *await heard_by(client)]

    return asyncio.run(talk())


def test_wyoming_clients_that_wait_for_nothing_are_told_and_let_go(tmp_path):
    with serving(tmp_path, faults={}, drain_s=20, wyoming=True) as server:
        events = stop_while(server)

    assert [(event.type, event.data["code"]) for event in events] == [("error", "stopping")]


def test_a_sentence_under_way_over_wyoming_is_heard_to_its_end_and_no_other_begins(tmp_path):
    with serving(tmp_path, faults=SLOW, drain_s=20, wyoming=True) as server:
        events = stop_while(server, Synthesize(LONG), then=(Synthesize("One more."),))

    assert [event.type for event in events if event.type != "audio-chunk"] == ["audio-start", "audio-stop", "error"]
    assert len(sound_of(events)) == 50 * BLOCK
    assert events[-1].data["code"] == "stopping"
    assert server.process.returncode == 0


def test_a_text_that_is_still_being_written_over_wyoming_can_be_ended(tmp_path):
    begun = (SynthesizeStart(), SynthesizeChunk("This is the first clause, and "))
    rest = (SynthesizeChunk("this the last one."), SynthesizeStop())
    with serving(tmp_path, faults=SLOW, drain_s=20, wyoming=True) as server:
        events = stop_while(server, *begun, then=rest)

    assert [event.type for event in events if event.type != "audio-chunk"] == [
        "audio-start",
        "audio-stop",
        "synthesize-stopped",
    ]
    assert len(sound_of(events)) == len("This is the first clause, and this the last one.") * BLOCK


def test_what_is_not_over_in_time_over_wyoming_is_an_error(tmp_path):
    with serving(tmp_path, faults=STALLS, drain_s=1, wyoming=True) as server:
        events = stop_while(server, Synthesize(LONG))

    assert [event.type for event in events if event.type != "audio-chunk"] == ["audio-start", "error", "audio-stop"]
    assert next(event for event in events if event.type == "error").data["code"] == "stopping"


def test_the_answer_that_is_cut_off_is_noted_as_that(tmp_path):
    with serving(tmp_path, faults=STALLS, drain_s=0) as server:
        with open_speech(server.port, "cut", input=LONG, stream_format="sse") as connection:
            _, _, words = read_head(connection)
            stop(server)
            while more := connection.recv(65536):
                words += more

        assert server.process.wait(30) == 0
        assert server.end_of("cut")["error"] == "stopping"
        assert b'"code":"stopping"' in words.replace(b" ", b"")
