"""Home Assistant's protocol, spoken by its own client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from tests.server.raw_client import speak
from tests.server.serving import Serving, serving
from voxtrace.events.codec import decode

pytestmark = pytest.mark.slow

STEADY = "en-us+Denis"
TEXT = "Hello world, this is a test of the protocol. It has two sentences, and the second one is a little longer."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("wyoming"), faults=None, wyoming=True) as server:
        yield server


def converse(port: int, *said: Eventable, until: tuple[str, ...] = ("audio-stop", "error")) -> list[Event]:
    """Say all of it, then read until an event of one of these types."""

    async def read(client: AsyncTcpClient) -> AsyncIterator[Event]:
        while (event := await client.read_event()) is not None:
            yield event
            if event.type in until:
                return

    async def main() -> list[Event]:
        async with asyncio.timeout(20), AsyncTcpClient("127.0.0.1", port) as client:
            for each in said:
                await client.write_event(each.event())
            return [event async for event in read(client)]

    return asyncio.run(main())


def sound_of(events: list[Event]) -> bytes:
    return b"".join(event.payload or b"" for event in events if event.type == "audio-chunk")


def spoken(server: Serving, text: str = TEXT) -> bytes:
    return speak(server.port, input=text, voice=STEADY).body


def test_it_describes_itself_and_its_voices(server):
    info = Info.from_event(converse(server.wyoming_port, Describe(), until=("info",))[-1])

    assert info.tts[0].supports_synthesize_streaming
    assert {"en-us", "fr-fr", "ja"} <= {voice.name for voice in info.tts[0].voices}


def test_a_text_is_spoken_as_over_http(server):
    events = converse(server.wyoming_port, Synthesize(TEXT, SynthesizeVoice(name=STEADY)))

    assert (events[0].type, events[-1].type) == ("audio-start", "audio-stop")
    assert {name: events[0].data[name] for name in ("rate", "width", "channels")} == {
        "rate": 24_000,
        "width": 2,
        "channels": 1,
    }
    assert sound_of(events) == spoken(server)


def test_ssml_is_spoken_as_over_http(server):
    marked = f'<speak>{TEXT}<break time="500ms"/> <prosody rate="80%">Slowly.</prosody></speak>'
    events = converse(server.wyoming_port, Synthesize(marked, SynthesizeVoice(name=STEADY)))

    assert sound_of(events) == spoken(server, marked)
    assert len(sound_of(events)) > len(spoken(server)) + 24_000


@pytest.mark.parametrize(
    ("marked", "code"),
    [
        ("<speak><audio src='a'/></speak>", "invalid_ssml"),
        ("<speak>", "invalid_ssml"),
        ('<speak><break time="1s"/></speak>', "no_sound"),
        ("<speak>" + "a" * 20_000 + "</speak>", "too_much_text"),
    ],
)
def test_ssml_that_can_t_be_spoken_is_an_error_and_the_connection_stays(server, marked, code):
    said = [Synthesize(marked), Synthesize(TEXT, SynthesizeVoice(name=STEADY))]
    events = converse(server.wyoming_port, *said, until=("audio-stop",))

    assert (events[0].type, events[0].data["code"]) == ("error", code)
    assert sound_of(events) == spoken(server)


def test_text_that_comes_in_chunks_is_spoken_as_it_comes_and_its_repetition_is_not(server):
    voice = SynthesizeVoice(name=STEADY)
    chunks = [SynthesizeChunk(TEXT[begin : begin + 7]) for begin in range(0, len(TEXT), 7)]
    said = [SynthesizeStart(voice), *chunks, Synthesize(TEXT, voice), SynthesizeStop()]
    events = converse(server.wyoming_port, *said, until=("synthesize-stopped",))

    assert [event.type for event in events if event.type != "audio-chunk"] == [
        "audio-start",
        "audio-stop",
        "synthesize-stopped",
    ]
    assert sound_of(events) == spoken(server)


def test_one_connection_can_carry_one_text_after_the_other(server):
    voice = SynthesizeVoice(name=STEADY)
    events = converse(
        server.wyoming_port, Synthesize("One.", voice), Synthesize("Two.", voice), Ping("x"), until=("pong",)
    )
    ends = [index for index, event in enumerate(events) if event.type == "audio-stop"]

    assert sound_of(events[: ends[0]]) == spoken(server, "One.")
    assert events[-1].data == {"text": "x"}


@pytest.mark.parametrize("language", ["fr_FR", "de_DE", "en-AU", "es_MX"])
def test_a_language_is_enough_and_a_region_that_no_voice_has_does_no_harm(server, language):
    spoken_so = converse(server.wyoming_port, Synthesize("Radio 5", SynthesizeVoice(language=language)))

    assert len(sound_of(spoken_so)) > 10_000


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Synthesize("Hello", SynthesizeVoice(name="nobody")), "voice_not_found"),
        (Synthesize("Hello", SynthesizeVoice(language="tlh")), "voice_not_found"),
        (Synthesize("..."), "no_sound"),
        (Synthesize("a\x00b"), "invalid_text"),
        (Synthesize(""), "invalid_text"),
    ],
)
def test_what_can_not_be_spoken_is_an_error(server, event, code):
    answer = converse(server.wyoming_port, event)[-1]

    assert (answer.type, answer.data["code"]) == ("error", code)


def test_a_start_without_text_is_stopped_without_sound(server):
    events = converse(server.wyoming_port, SynthesizeStart(), SynthesizeStop(), until=("synthesize-stopped",))

    assert [event.type for event in events] == ["synthesize-stopped"]


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"{}\n",
        b"[1]\n",
        b'{"type": "synthesize", "data_length": 4294967296}\n',
        b'{"type": "synthesize", "data": 7}\n',
        b'{"type": "synthesize", "data_length": "much"}\n',
        b"x" * 200_000,
    ],
)
def test_who_speaks_something_else_is_hung_up_on_and_nobody_else_notices(server, words):
    with socket.create_connection(("127.0.0.1", server.wyoming_port), timeout=10) as stranger:
        try:
            stranger.sendall(words)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(65536):
                pass
        except OSError:  # it hung up first
            pass

    assert converse(server.wyoming_port, Ping(), until=("pong",))[-1].type == "pong"


def test_a_client_that_leaves_frees_the_engine(tmp_path):
    with serving(tmp_path, faults={"block_delay_ms": 20, "only": "x"}, wyoming=True, workers=1) as server:
        converse(server.wyoming_port, Synthesize("x" * 100), until=("audio-chunk",))

        assert speak(server.port, input="abc").is_complete
        assert server.status()["requests"]["cancelled"] == 1


def test_a_whole_text_and_one_in_chunks_say_how_they_came(tmp_path):
    with serving(tmp_path, faults=None, wyoming=True) as server:
        converse(server.wyoming_port, Synthesize("One whole text."))
        pieces = (SynthesizeStart(), SynthesizeChunk("One in "), SynthesizeChunk("chunks."), SynthesizeStop())
        converse(server.wyoming_port, *pieces, until=("synthesize-stopped", "error"))

    lines = [line for spool in tmp_path.glob("**/*.jsonl") for line in spool.read_bytes().splitlines()]
    received = [each for line in lines if getattr(each := decode(line), "name", "") == "REQUEST_RECEIVED"]

    assert [each.metadata["transport"] for each in received] == ["wyoming", "wyoming-live"]
