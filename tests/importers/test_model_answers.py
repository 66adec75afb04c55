from __future__ import annotations

import json
from pathlib import PurePath

import pytest

from tests.importers.build import events, notes, read
from tests.importers.logs import ANSWERS, LLAMA_CPP, OLLAMA_END, USAGE, VLLM
from voxtrace.analysis import assemble
from voxtrace.analysis.model import Turn
from voxtrace.importers import detect
from voxtrace.importers.model_answers import ModelAnswers
from voxtrace.importers.ports import Refused

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


GROQ = {
    "id": "chatcmpl-7", "object": "chat.completion", "created": 1772615267, "model": "llama-3.3",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}}],
    "usage": {"queue_time": 0.02, "prompt_tokens": 43, "prompt_time": 0.01, "completion_time": 0.3, "total_time": 0.31},
}  # fmt: skip


def test_groqs_seconds_are_read_and_its_queue_stands_in_front():
    answer = json.dumps(GROQ)

    assert metrics(answer) == (pytest.approx(30.0), pytest.approx(330.0))
    assert part(turn(answer), "queue") == 20.0
    assert turn(answer).metrics["prompt_tokens"].value == 43


def test_the_usage_in_the_last_piece_of_groqs_stream_ends_it():
    piece = {**GROQ, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Yes."}}]}
    usage = piece.pop("usage")
    stream = [piece, {**piece, "choices": [{"index": 0, "delta": {}}], "x_groq": {"id": "req_1", "usage": usage}}]

    assert metrics("".join(f"data: {json.dumps(each)}\n\n" for each in stream))[1] == pytest.approx(330.0)


def test_the_moments_of_vllms_engine_are_unix_seconds():
    began = 1772615267.1
    told = {"arrival_time": began, "first_scheduled_time": began + 0.1, "first_token_time": began + 0.4}
    answer = json.dumps({**GROQ, "usage": {"prompt_tokens": 5}, "metrics": {**told, "finished_time": began + 1.8}})

    assert metrics(answer) == (pytest.approx(400.0, abs=0.001), pytest.approx(1800.0, abs=0.001))
    assert turn(answer).started_wall_ns == 1_772_615_267_100_000_000


NOTED = {"time": "2026-03-04T09:07:48.414Z", "request_id": "r9", "session_id": "s"}
MESSAGE = {
    "id": "msg_01", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Yes."}],
    "usage": {"input_tokens": 50, "cache_read_input_tokens": 1800, "cache_creation_input_tokens": 150,
              "output_tokens": 9},
}  # fmt: skip
RESPONSE = {
    "id": "resp_1", "object": "response", "created_at": 1772615266, "status": "completed", "model": "gpt",
    "previous_response_id": None, "output": [],
    "usage": {"input_tokens": 2000, "input_tokens_details": {"cached_tokens": 1800}, "output_tokens": 9},
}  # fmt: skip
PROMPT = ("prompt_tokens", "cached_tokens", "prefill_tokens", "kv_reuse_ratio")


def noted(answer: dict[str, object]) -> str:
    return json.dumps({**NOTED, "response": answer}) + "\n"


def prompt(content: str) -> list[float | None]:
    told = turn(content).metrics
    return [told[name].value if name in told else None for name in PROMPT]


def test_anthropics_prompt_is_what_it_read_what_it_kept_and_what_it_took_from_its_cache_together():
    assert isinstance(detect(noted(MESSAGE).encode(), PATH), ModelAnswers)
    (only,) = events(imported(noted(MESSAGE)))

    assert (only.request_id, only.session_id, only.wall_ns) == ("r9", "s", 1_772_615_268_414_000_000)
    assert only.metadata["eval_count"] == 9
    assert prompt(noted(MESSAGE)) == [2000, 1800, 200, 0.9]


def test_openais_input_is_the_whole_prompt():
    assert isinstance(detect(noted(RESPONSE).encode(), PATH), ModelAnswers)

    assert prompt(noted(RESPONSE)) == [2000, 1800, None, 0.9]


@pytest.mark.parametrize("lacks", ["cache_read_input_tokens", "cache_creation_input_tokens"])
@pytest.mark.parametrize("how", ["left out", "null"])
def test_a_message_that_does_not_tell_all_three_counts_has_a_prompt_of_unknown_length(lacks, how):
    usage = {key: count for key, count in MESSAGE["usage"].items() if key != lacks}
    answer = noted({**MESSAGE, "usage": usage if how == "left out" else {**usage, lacks: None}})

    assert prompt(answer)[0] is prompt(answer)[2] is None


def test_the_message_that_opens_a_stream_is_no_answer_because_its_tokens_are_not_counted_yet():
    begun = {**MESSAGE, "stop_reason": None, "usage": {**MESSAGE["usage"], "output_tokens": 1}}

    assert notes(imported(noted(begun))) == {"other_lines": 1}
    assert events(imported(noted(begun))) == []


def test_a_message_without_a_time_is_refused_with_what_to_do():
    (refused,) = (each.unreadable for each in imported(json.dumps(MESSAGE)) if isinstance(each, Refused))

    assert (refused.reason, "log one beside it" in refused.detail) == ("timestamp", True)


def test_a_response_is_placed_where_the_logger_noted_it_and_not_where_it_was_asked_for():
    (only,) = events(imported(noted(RESPONSE)))

    assert only.wall_ns == 1_772_615_268_414_000_000


@pytest.mark.parametrize(("ended", "second"), [({}, 1772615266), ({"completed_at": 1772615268}, 1772615268)])
def test_a_response_alone_is_known_to_the_second(ended, second):
    found = imported(json.dumps({**RESPONSE, **ended}))

    assert [event.wall_ns for event in events(found)] == [second * 10**9]
    assert notes(found) == {"no_durations": 1, "whole_seconds": 1}


def test_a_stream_of_the_responses_api_counts_its_end_only():
    begun = {**RESPONSE, "status": "in_progress", "usage": None}
    stream = [
        {"type": "response.created", "response": begun},
        {"type": "response.output_text.delta", "delta": "Yes."},
        {"type": "response.completed", "response": RESPONSE},
    ]
    found = imported("".join(f"data: {json.dumps(each)}\n\n" for each in stream))

    assert [event.metadata["prompt_tokens"] for event in events(found)] == [2000]


@pytest.mark.parametrize("answer", [{**MESSAGE, **NOTED}, RESPONSE])
def test_tokens_in_one_document_are_read_as_on_a_line(answer):
    content = json.dumps([answer], indent=2).encode()
    assert isinstance(detect(content, PATH), ModelAnswers)

    assert [event.metadata["prompt_tokens"] for event in events(read(ModelAnswers(), content, PATH))] == [2000]


def ollama(**fields: object) -> str:
    told = json.loads(OLLAMA_END.splitlines()[-1])
    return json.dumps({**told, **fields}) + "\n"


@pytest.mark.parametrize("fields", [{"eval_duration": 9_000_000_000}, {"prompt_eval_duration": 4_174_000_000}])
def test_parts_that_are_longer_than_the_whole_leave_no_time(fields):
    found = turn(ollama(**fields))

    assert notes(imported(ollama(**fields))) == {"parts_exceed_total": 1}
    assert not any(found.metrics[name].measured for name in ("llm_first_token_ms", "llm_total_ms", "prefill_ms"))


@pytest.mark.parametrize("total", [0, "0", 4.17, 4_170])
def test_a_whole_of_nothing_and_one_in_another_unit_are_no_time(total):
    found = imported(ollama(total_duration=total))

    assert [event.name for event in events(found)] == ["llm.response_received"]
    assert notes(found) == {"no_durations": 1}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("many", [False, True])
def test_answers_in_one_document_are_read_as_those_on_lines(indent, many):
    answers = [json.loads(ollama()), json.loads(ollama(created_at="2026-03-04T09:17:48Z"))][: 1 + many]
    content = json.dumps(answers if many else answers[0], indent=indent).encode()
    assert isinstance(detect(content, PATH), ModelAnswers)

    assert len(events(read(ModelAnswers(), content, PATH))) == len(answers) * len(events(imported(ollama())))


def test_a_stream_without_its_end_is_said():
    piece = '{"model":"gemma3","created_at":"2026-03-04T09:06:47Z","response":"Hi","done":false}\n'

    assert notes(imported(piece)) == {"open_streams": 1}


def test_all_writers_of_one_file_are_told_apart():
    writers = {event.metadata["writer"] for event in events(read(ModelAnswers(), ANSWERS, PATH))}

    assert writers == {"ollama", "llama.cpp", "vllm", "openai"}
