from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.importers.build import events, notes, read
from tests.importers.logs import ANSWERS, LLAMA_CPP, OLLAMA_END, USAGE, VLLM
from voxtrace.analysis import assemble
from voxtrace.analysis.model import Turn
from voxtrace.importers.model_answers import ModelAnswers

PATH = PurePath("/logs/ollama.jsonl")


def imported(content: str):
    return read(ModelAnswers(), content.encode(), PATH)


def turn(content: str) -> Turn:
    found = events(imported(content))
    return assemble(found[0].request_id, found)


def metrics(content: str) -> tuple[float | None, float | None]:
    told = turn(content).metrics
    return told["llm_first_token_ms"].value, told["llm_total_ms"].value


def part(told: Turn, name: str) -> float:
    return round(sum(part.length for part in told.parts if part.name == name) / 1e6, 3)


def test_ollamas_nanoseconds_become_the_parts_of_the_call():
    told = turn(OLLAMA_END)

    assert metrics(OLLAMA_END) == (pytest.approx(4174.560334 - 1324.79609), pytest.approx(4174.560334))
    assert part(told, "model_load") == 2101.397
    assert part(told, "prompt_eval") == 713.075
    assert told.started_wall_ns + told.total == 1_772_615_208_414_671_000


def test_the_first_piece_of_a_stream_is_its_first_token():
    piece = '{"model":"gemma3","created_at":"2026-03-04T09:06:47.240110666Z","response":"Hi","done":false}\n'
    first, _ = metrics(piece + OLLAMA_END)

    assert first == pytest.approx(3000.0, abs=0.001)
    assert "derived" not in notes(imported(piece + OLLAMA_END))


def test_a_first_piece_of_another_call_is_not_taken():
    piece = '{"model":"gemma3","created_at":"2026-03-04T08:00:00Z","response":"Hi","done":false}\n'

    assert metrics(piece + OLLAMA_END) == metrics(OLLAMA_END)


def test_llama_cpp_tells_of_its_cache_and_joins_the_turn_whose_id_the_logger_wrote():
    told = turn(LLAMA_CPP)

    assert (told.request_id, told.session_id) == ("r1", "c7")
    assert metrics(LLAMA_CPP) == (180.5, 1080.75)
    assert told.marks[-1].metadata["cached_tokens"] == 1000


def test_two_calls_of_one_turn_are_both_kept():
    told = turn(LLAMA_CPP + LLAMA_CPP.replace("09:07:48", "09:07:58"))

    assert told.metrics["llm_total_ms"].value == 2161.5


def test_vllm_counts_its_first_token_from_behind_the_queue():
    assert metrics(VLLM) == (pytest.approx(97.5), pytest.approx(1338.0))
    assert part(turn(VLLM), "queue") == 12.3


def test_tokens_without_times_are_one_event_and_no_duration():
    (only,) = events(imported(USAGE))

    assert (only.metadata["prompt_tokens"], only.metadata["cached_tokens"]) == (42, 20)
    assert notes(imported(USAGE)) == {"no_durations": 1, "whole_seconds": 1}


def test_an_embedding_is_no_answer():
    embedded = (
        '{"model":"m","created_at":"2026-03-04T09:00:00Z","embeddings":[[0.1]],'
        '"total_duration":14143917,"load_duration":1019500}\n'
    )

    assert {event.name for event in events(imported(embedded))} == {
        "context.retrieval_embedding_start",
        "context.retrieval_embedding_complete",
    }


def test_server_sent_events_are_read_and_their_end_is_no_bad_record():
    found = imported(f"data: {VLLM}data: [DONE]\n")

    assert len(events(found)) == len(events(imported(VLLM)))
    assert notes(found) == {"whole_seconds": 1, "other_lines": 1}


def test_all_writers_of_one_file_are_told_apart():
    writers = {event.metadata["writer"] for event in events(read(ModelAnswers(), ANSWERS, PATH))}

    assert writers == {"ollama", "llama.cpp", "vllm", "openai"}
