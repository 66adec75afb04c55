from __future__ import annotations

from pathlib import PurePath

from tests.importers.build import events, notes, read, refused
from tests.importers.logs import TUTOR, pino
from voxtrace.analysis import assemble
from voxtrace.analysis.model import Turn
from voxtrace.importers.tutor_log import TutorLog

PATH = PurePath("/logs/app-2026-03-04-1.log")
ASKED, ANSWERED = "🤖 [OLLAMA] Starting Ollama request", "✅ [OLLAMA] Ollama response received"
CHUNK, SPOKEN = "🎵 [TTS-QUEUE] Starting TTS for chunk", "✅ [TTS] TTS generated successfully"


def imported(*lines: str):
    return read(TutorLog(), "".join(lines).encode(), PATH)


def turns(items) -> list[Turn]:
    found: dict[str, list] = {}
    for event in events(items):
        found.setdefault(event.request_id, []).append(event)
    return [assemble(request_id, group) for request_id, group in found.items()]


def spans(told: Turn) -> set[tuple[str, object, int]]:
    return {
        (span.name, span.detail.get("chunk"), round((span.end - span.begin) / 1e6)) for span in told.spans if span.end
    }


def test_a_log_is_one_turn_from_the_recognised_speech_to_the_last_chunk():
    (told,) = turns(read(TutorLog(), TUTOR, PATH))

    assert told.request_id == "turn@2026-03-04T09:06:44.313Z"
    assert told.session_id == "conv_7"
    assert told.labels.outcome == "ok"
    assert (told.metrics["stt_ms"].value, told.metrics["llm_total_ms"].value) == (614, 4970)
    assert round(told.total / 1e6) == 16_284


def test_chunks_that_overlap_keep_their_own_calls_although_their_lines_have_no_number():
    (told,) = turns(read(TutorLog(), TUTOR, PATH))

    assert {
        ("synthesis", 0, 8669),
        ("metadata call", 0, 5237),
        ("synthesis", 1, 10_553),
        ("metadata call", 1, 5472),
    } <= spans(told)


def test_what_the_writer_summed_up_is_kept_beside_the_events():
    (told,) = [event for event in events(read(TutorLog(), TUTOR, PATH)) if event.name == "timings_reported"]

    assert told.metadata["reported_after_ollama_ms"] == 4972
    assert notes(read(TutorLog(), TUTOR, PATH)) == {"other_lines": 1}


def test_answers_of_two_turns_at_once_go_to_the_turn_that_waited_as_long():
    found = imported(
        pino("10:00:00.000", ASKED),
        pino("10:00:02.000", ASKED),
        pino("10:00:03.000", ANSWERED, timeMs=1000),
        pino("10:00:05.000", ANSWERED, timeMs="5000"),
    )

    assert [told.metrics["llm_total_ms"].value for told in turns(found)] == [5000, 1000]


def test_a_request_id_on_the_lines_wins():
    found = imported(
        pino("10:00:00.000", ASKED, requestId="a"),
        pino("10:00:00.100", ASKED, requestId="b"),
        pino("10:00:03.000", ANSWERED, requestId="a"),
    )

    assert {told.request_id: told.metrics["llm_total_ms"].value for told in turns(found)} == {"a": 3000, "b": None}


def test_a_chunk_that_failed_is_not_ready_to_play():
    found = imported(
        pino("10:00:00.000", ASKED),
        pino("10:00:01.000", ANSWERED, timeMs=1000),
        pino("10:00:01.100", CHUNK, chunkIndex=0),
        pino("10:00:09.100", "❌ [TTS] TTS generation error", chunkIndex=0, timeMs=8000),
    )

    assert "tts.synthesis_complete" not in {mark.stage for mark in turns(found)[0].marks}
    assert events(found)[-1].metadata["chunk"] == 0


def test_background_speech_behind_the_answer_belongs_to_its_turn():
    found = imported(
        pino("10:00:00.000", ASKED),
        pino("10:00:01.000", ANSWERED, timeMs=1000),
        pino("10:00:01.010", CHUNK, chunkIndex=0),
        pino("10:00:01.020", "Request completed", path="/api/ollama/chat", statusCode=200, duration=1021),
        pino("10:00:02.000", ASKED),
        pino("10:00:04.010", SPOKEN, chunkIndex=0, totalTimeMs=3000),
    )

    assert [told.metrics["tts_first_audio_ms"].value for told in turns(found)] == [3000, None]


def test_speech_recognised_long_before_belongs_to_no_turn():
    found = imported(pino("10:00:00.000", "[STT] Transcription completed", timeMs=500), pino("10:01:00.000", ASKED))

    assert [event.name for event in events(found)] == ["ollama_start"]
    assert notes(found) == {"no_turn": 1}


def test_pinos_own_times_in_milliseconds_are_read():
    (asked,) = events(imported('{"level":30,"time":1772618971900,"msg":"[OLLAMA] Starting Ollama request"}\n'))

    assert asked.wall_ns == 1_772_618_971_900_000_000


def test_a_torn_line_is_counted_and_the_rest_is_read():
    found = imported(pino("10:00:00.000", ASKED), pino("10:00:01.000", ANSWERED)[:50])

    assert len(events(found)) == 1
    assert [each.unreadable.reason for each in refused(found)] == ["torn"]


def test_without_debug_lines_chunks_begin_as_long_ago_as_their_ends_say():
    told = "✅ [TTS-SERVICE] Speech synthesized successfully"
    (turn,) = turns(
        imported(
            pino("10:00:00.000", ASKED),
            pino("10:00:01.000", ANSWERED, timeMs=1000),
            pino("10:00:09.000", told, fileId="fa", apiRequestTimeMs=3000, totalTimeMs=7900),
            pino("10:00:09.010", SPOKEN, chunkIndex=0, fileId="fa", totalTimeMs=8000),
            pino("10:00:11.010", SPOKEN, chunkIndex=1, fileId="fb", totalTimeMs=10000),
        )
    )

    assert spans(turn) == {
        ("language model", None, 1000),
        ("synthesis", 0, 8000),
        ("metadata call", 0, 4900),
        ("synthesis", 1, 10_000),
    }
