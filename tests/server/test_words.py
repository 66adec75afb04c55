"""Words with their times, as they reach a client: over the live socket and between the deltas of SSE."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from tests.server.live_client import live
from tests.server.raw_client import Answer, speak
from tests.server.serving import Serving, serving
from voxtrace.speech.edges import SILENT

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
TEXT = (
    "Yellow swans, said Mary, swim on Lake Superior. Sometimes 1,234 swans (or so) swim, and they don't mind. "
    "Nobody knows why. Everybody likes it, and so the story goes on and on, until it ends at last."
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("data"), cache_bytes=10 * MIB) as started:
        yield started


def events_of(answer: Answer) -> list[dict]:
    return [json.loads(each[6:]) for each in answer.body.decode().split("\n\n") if each]


def asked(server: Serving, text: str = TEXT, **fields: object) -> list[dict]:
    answer = speak(server.port, input=text, stream_format="sse", timings=True, **fields)
    assert answer.status == 200
    return events_of(answer)


def words_of(events: list[dict]) -> list[dict]:
    return [word for each in events if each["type"].endswith("timing") for word in each.get("words", ())]


def sound_of(events: list[dict]) -> np.ndarray:
    deltas = (b64decode(each["audio"]) for each in events if each["type"] == "speech.audio.delta")
    return np.frombuffer(b"".join(deltas), np.int16).astype(int)


def bare(text: str) -> list[str]:
    return [each.strip("().,") for each in text.split()]


def test_every_word_is_told_once_with_its_place_in_the_text_and_in_the_sound(server):
    events = asked(server)
    words, sound = words_of(events), sound_of(events)
    heard = [np.abs(sound[round(each["audio_begin_ms"] * 24) :][:240]).max() for each in words]

    assert [each["text"] for each in words] == bare(TEXT)
    assert [TEXT[each["begin"] : each["end"]] for each in words] == bare(TEXT)
    assert all(one["audio_end_ms"] <= two["audio_begin_ms"] + 0.1 for one, two in pairwise(words))
    assert min(heard) > SILENT
    assert words[-1]["audio_end_ms"] <= sound.size / 24


def test_sentences_begin_where_silence_ends(server):
    text = "Yellow. Many. Lose. Worn. Noisy. Moon. Nanny. Mellow. Many. Lonely."
    events = asked(server, text)
    loud = np.flatnonzero(np.abs(sound_of(events)) > SILENT)
    onsets = [int(loud[0]) / 24] + [int(two) / 24 for one, two in pairwise(loud) if two - one > 100 * 24]

    # Two pieces at least: their joins are among these.
    assert max(each["piece"] for each in events if each["type"] == "voxtrace.timing") > 0
    assert [each["audio_begin_ms"] for each in words_of(events)] == pytest.approx(onsets, abs=20)


@pytest.mark.parametrize("fields", [{"response_format": "mp3"}, {"response_format": "opus"}, {"sample_rate": 8000}])
def test_words_do_not_depend_on_the_format(server, fields):
    assert words_of(asked(server, **fields)) == words_of(asked(server))


def test_a_word_is_told_with_the_chunk_in_which_it_ends_or_sooner(server):
    timings = [each for each in asked(server, "One two three four five six.") if each["type"] == "voxtrace.timing"]

    assert all(word["audio_end_ms"] <= each["audio_end_ms"] for each in timings for word in each.get("words", ()))
    assert [word["text"] for each in timings for word in each.get("words", ())][-1] == "six"


def test_words_come_back_from_the_memory_and_after_a_restart_from_the_disk(tmp_path):
    with serving(tmp_path, cache_bytes=10 * MIB) as first:
        spoken, kept = asked(first), asked(first)
    with serving(tmp_path, cache_bytes=10 * MIB) as second:
        restored = asked(second)
    caches = [each[1]["cache"] for each in (spoken, kept, restored)]

    assert caches == ["miss", "memory", "disk"]
    assert words_of(spoken) == words_of(kept) == words_of(restored) != []


def test_a_first_piece_and_later_ones_are_counted_apart(tmp_path):
    with serving(tmp_path, cache_bytes=10 * MIB) as server:
        asked(server)
        asked(server)
        asked(server, TEXT[: TEXT.index(",") + 2] + "and that is something else altogether.")
        levels = server.status()["cache"]["levels"]
        page = server.text("/metrics")
    first, later = levels["first"], levels["later"]

    assert (first["hits"], first["misses"], first["entries"]) == (2, 1, 1)
    assert later["hits"] + 1 == later["misses"] == later["entries"]
    assert first["bytes"] + later["bytes"] == levels["memory"]["bytes"]
    assert 'voxtrace_cache_lookups_total{level="first",result="hit"} 2.0' in page


def test_words_of_a_text_that_comes_in_tokens_stand_where_they_are_in_the_whole(server):
    tokens = [TEXT[at : at + 5] for at in range(0, len(TEXT), 5)]
    with live(server.port) as client:
        heard = client.speak(*tokens)
    words = [word for each in heard.of("timing") for word in each.get("words", ())]

    assert heard.end["type"] == "done"
    assert [TEXT[each["begin"] : each["end"]] for each in words] == bare(TEXT)
    assert words[-1]["audio_end_ms"] <= heard.end["audio_ms"]


def test_an_engine_that_knows_no_words_tells_none(tmp_path):
    with serving(tmp_path, faults={}) as server:
        assert words_of(asked(server, "one two")) == []


def test_an_engine_that_knows_them_exactly_has_them_exactly_at_the_client(tmp_path):
    text = "One two, three four. Five six seven, eight nine ten eleven."
    with serving(tmp_path, faults={"words": True, "sample_rate_hz": 22_050, "block_delay_ms": 1}) as server:
        words = words_of(asked(server, text))

    assert [each["audio_begin_ms"] for each in words] == pytest.approx([60 * each["begin"] for each in words], abs=0.5)
    assert [each["audio_end_ms"] for each in words] == pytest.approx([60 * each["end"] for each in words], abs=0.5)
