"""Input that no client should send, and surroundings that fail while somebody speaks: over real servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from wyoming.client import AsyncTcpClient
from wyoming.tts import Synthesize

from tests.redis_process import redis_server
from tests.server.live_client import live
from tests.server.raw_client import speak
from tests.server.serving import Serving, serving, wait_until

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("bad"), faults=None, wyoming=True) as server:
        yield server


def speaks(server: Serving) -> bool:
    return speak(server.port, input="Still here.").is_complete


@pytest.mark.parametrize("letter", ["x", "語", "\U0001f600"])
def test_a_text_of_a_megabyte_is_refused_and_its_size_is_the_reason(server, letter):
    answer = speak(server.port, "megabyte", input=letter * MEGABYTE)

    assert (answer.status, answer.error["code"]) == (413, "body_too_large")
    assert server.end_of("megabyte")["error"] == "body_too_large"
    assert speaks(server)


def test_a_text_that_fits_into_a_body_and_is_too_long_is_refused_with_both_numbers(server):
    answer = speak(server.port, input="x" * 200_000)

    assert (answer.status, answer.error["param"]) == (400, "input")
    assert "200000 characters, at most 4096" in str(answer.error["message"])


def test_a_message_of_a_megabyte_on_a_live_socket_ends_that_socket_and_no_other(server):
    with live(server.port) as other, live(server.port) as client:
        client.say("text", text="x" * MEGABYTE)
        with pytest.raises(ConnectionClosed) as closed:
            client.hear()

        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert other.speak("Still here.").end["type"] == "done"


def test_an_event_of_a_megabyte_over_wyoming_ends_that_connection_and_no_other(server):
    async def talk() -> object:
        try:
            async with asyncio.timeout(20), AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
                await client.write_event(Synthesize("x" * MEGABYTE).event())
                return await client.read_event()
        except ConnectionError:  # it hung up before all of it was sent
            return None

    assert asyncio.run(talk()) is None
    assert speaks(server)


@pytest.mark.parametrize("voice", ["en-us", "fr-fr", "ja"])
@pytest.mark.parametrize(
    "text",
    [
        "你好，世界。",
        "Привет, мир",
        "שלום עולם",
        "नमस्ते दुनिया",
        "ᚁᚂᚃᚄᚅ",  # Ogham
        "𐀀𐀁𐀂",  # Linear B
        "\uf8d0\uf8d1\uf8d2",  # Klingon, where it is agreed on
        "\U0001f600\U0001f680\U0001f9d1\u200d\U0001f680",
        "\u202e\u200d\ufeff\u2060",  # marks that nobody sees
        "a\u0300\u0301\u0302\u0303" * 200,
    ],
)
def test_a_script_that_a_voice_lacks_is_spoken_somehow_or_refused_with_the_reason(server, voice, text):
    answer = speak(server.port, input=text, voice=voice)

    assert (answer.is_complete, answer.status) in ((True, 200), (True, 422))
    assert len(answer.body) > 1000 if answer.status == 200 else answer.error["code"] == "no_sound"
    assert server.status()["workers"]["restarts"] == 0


def test_a_full_disk_costs_the_cache_its_memory_and_nobody_their_speech(tmp_path):
    text = "A sentence that is long enough to fill more of the disk than there is of it."
    # Less than any piece has, and what is to be noted of the requests soon has no room either.
    with serving(tmp_path, cache_bytes=20 * MIB, file_bytes=4096) as server:
        answers = [speak(server.port, f"full-{number}", input=f"{text} {number}.") for number in range(3)]
        wait_until(lambda: bool(server.status()["cache"]["broken"].get("disk")), "the disk to be found full")
        again = speak(server.port, "again", input=f"{text} 0.")
        left = [each.name for each in (tmp_path / "cache").iterdir() if each.suffix == ".half"]

    assert all(each.is_complete and each.status == 200 for each in (*answers, again))
    assert again.headers["x-voxtrace-cache"] == "hit"  # from memory
    assert left == []


def test_redis_goes_while_somebody_is_spoken_to_and_comes_back(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def shared(server: Serving) -> str:
        return str(server.status()["cache"]["broken"].get("shared", ""))

    with redis_server(port) as redis:
        faults = {"block_delay_ms": 20}
        with serving(tmp_path, faults=faults, cache_bytes=20 * MIB, redis=f"redis://127.0.0.1:{port}/0") as server:
            before = speak(server.port, input="abcdef")
            with live(server.port) as client:
                client.say("text", text="x" * 50)
                client.say("flush")
                client.hear("timing")
                redis.kill()
                redis.wait()
                client.say("text", text="y" * 50)
                client.say("end")
                during = client.hear()
            after = speak(server.port, input="ghijkl")
            wait_until(lambda: shared(server) != "", "the loss to be told")
            with redis_server(port):
                wait_until(
                    lambda: speak(server.port, input=f"mnopqr {shared(server)}").is_complete and not shared(server),
                    "the shared cache to be used again",
                )

    assert (before.is_complete, during.end["type"], after.is_complete) == (True, "done", True)
    assert len(during.sound) > 50 * 60 * 48
