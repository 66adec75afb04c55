"""Where a text has a rest, its stream has so much silence, whatever the engines make of what is around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.speech.test_stream import BLOCK, ScriptedPool
from voxtrace.speech.errors import NoSound
from voxtrace.speech.order import Order
from voxtrace.speech.part import silence
from voxtrace.speech.stream import SpeechStream
from voxtrace.speech.text.ssml import read_ssml

ROUNDS = 10


class Notes:
    """Keeps the marks."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, dict[str, object]]] = []

    def mark(self, name: str, /, request_id=None, session_id=None, **metadata: object) -> None:
        self.noted.append((name, metadata))

    def mark_at(self, name: str, at, /, request_id, session_id=None, **metadata: object) -> None:
        self.mark(name, **metadata)

    def of(self, name: str) -> list[dict[str, object]]:
        return [metadata for noted, metadata in self.noted if noted == name]


def run(inside: str, play: Callable[[ScriptedPool, SpeechStream, Notes], Awaitable[None]]) -> None:
    async def main() -> None:
        pool, notes, source = ScriptedPool(), Notes(), f"<speak>{inside}</speak>"
        order = Order("r1", source, "en-us", document=read_ssml(source))
        await play(pool, SpeechStream(pool, order, notes), notes)  # type: ignore[arg-type]

    asyncio.run(main())


async def speak_all(pool: ScriptedPool, stream: SpeechStream, *, silent: tuple[int, ...] = ()) -> list[bytes]:
    """Speak every piece as one block, but those that `silent` names make no sound; what a reader gets."""
    stream.start()
    spoken, read = 0, []

    async def read_on() -> None:
        while (pcm := await stream.read()) is not None:
            read.append(pcm)

    reading = asyncio.create_task(read_on())
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
        while spoken < len(pool.jobs):
            spoken += 1
            if spoken - 1 not in silent:
                pool.make(BLOCK, job=spoken - 1)
            pool.finish(0 if spoken - 1 in silent else len(BLOCK) // 2, job=spoken - 1)
    await reading
    return read


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ('a<break time="100ms"/>b', BLOCK + silence(100) + BLOCK),
        ('<break time="100ms"/>a', silence(100) + BLOCK),
        ('a<break time="100ms"/>', BLOCK + silence(100)),
        ('a<break time="100ms"/>.<break time="50ms"/>b', BLOCK + silence(150) + BLOCK),
        ('a<break time="100ms"/>.<break time="50ms"/>', BLOCK + silence(150)),
        ('.<break time="50ms"/>,<break time="20ms"/>a', silence(70) + BLOCK),
    ],
)
def test_silence_is_where_it_was_asked_for(inside, expected):
    async def play(pool, stream, notes):
        read = b"".join(await speak_all(pool, stream))
        made = notes.of("AUDIO_GENERATION_COMPLETE")

        assert read == expected
        assert stream.progress.bytes_made == len(expected)
        assert stream.progress.bytes_wasted == 0
        assert [each["audio_ms"] for each in made] == [len(expected) / 48]
        assert made[0]["chunks"] == len(notes.of("AUDIO_CHUNK_GENERATED")) == stream.progress.chunks

    run(inside, play)


def test_a_piece_that_an_engine_makes_nothing_of_keeps_its_rest():
    async def play(pool, stream, notes):
        read = b"".join(await speak_all(pool, stream, silent=(0, 2)))

        assert read == silence(100) + BLOCK + silence(50) + silence(20)

    run('a<break time="100ms"/>b<break time="50ms"/>c<break time="20ms"/>', play)


@pytest.mark.parametrize("inside", ["", '<break time="1s"/>', ". <break/> ,"])
def test_nothing_but_rests_is_no_sound_and_no_engine_is_asked(inside):
    async def play(pool, stream, notes):
        with pytest.raises(NoSound):
            stream.start()

        assert pool.jobs == []

    run(inside, play)


def test_no_silence_is_sent_where_no_engine_makes_a_sound():
    async def play(pool, stream, notes):
        with pytest.raises(NoSound):
            await speak_all(pool, stream, silent=(0, 1))

        assert stream.progress.chunks == 0

    run('<break time="1s"/>a<break time="1s"/>b', play)


WORDLESS = '<break time="10s"/>.' * 200  # 2,000 seconds of silence, or 96 MB, of 4,000 characters


def test_breaks_without_words_between_them_are_made_as_they_are_read():
    async def play(pool, stream, notes):
        stream.start()
        pool.make(BLOCK)
        pool.finish(len(BLOCK) // 2)
        read, most_unread = 0, 0
        while len(pool.jobs) == 1:
            most_unread = max(most_unread, stream.progress.bytes_made - read)
            read += len(await stream.read())

        assert stream.progress.bytes_made == len(BLOCK) + len(silence(2_000_000))
        assert most_unread <= len(silence(20_000))

    run("a" + WORDLESS + "b", play)


def test_silence_that_waits_for_a_first_sound_is_bounded():
    async def play(pool, stream, notes):
        stream.start()
        pool.make(BLOCK)

        assert stream.progress.bytes_made == len(BLOCK) + len(silence(10_000))

    run(WORDLESS + "b", play)


def test_silence_is_no_synthesis_and_no_waste():
    async def play(pool, stream, notes):
        stream.start()
        pool.make(BLOCK)
        pool.finish(len(BLOCK) // 2, busy_ns=30_000_000)
        await stream.close()

        assert stream.progress.rtf == pytest.approx(0.5)
        assert stream.progress.bytes_wasted == len(BLOCK)

    run('a<break time="10s"/>b', play)


def test_the_listener_of_a_rest_has_something_to_play():
    async def play(pool, stream, notes):
        stream.start()
        pool.make(BLOCK)
        before = stream.progress.lead.dry_ns
        pool.finish(len(BLOCK) // 2)

        assert stream.progress.lead.dry_ns - before == 10_000_000_000

    run('a<break time="10s"/>b', play)


def test_a_rate_is_a_part_s_own_and_stays_within_what_a_server_speaks():
    async def play(pool, stream, notes):
        await speak_all(pool, stream)

        assert [job.utterance.speed for job in pool.jobs] == [1.0, 0.5, 4.0]

    run('a<prosody rate="50%">b</prosody><prosody rate="900%">c</prosody>', play)


def test_a_part_knows_what_its_words_stand_for():
    async def play(pool, stream, notes):
        stream.start()
        part = pool.jobs[0].listener

        assert pool.jobs[0].utterance.text == "R & B"
        assert [part.source_span(0, 1), part.source_span(2, 3)] == [(7, 8), (9, 14)]
        assert notes.of("QUEUE_START")[0] == {"piece": 0, "text_begin": 7, "text_chars": 9}

    run("R &amp; B", play)
