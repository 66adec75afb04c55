"""From the spans of the frameworks people use to turns with numbers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.importers.build import events, notes, read
from tests.importers.otlp.traces import (
    NOON_NS,
    Recording,
    ai_sdk,
    end,
    first_livekit,
    first_pipecat,
    genai,
    livekit,
    openinference,
    openllmetry,
    pipecat,
    recorded,
)
from voxtrace.analysis import assemble
from voxtrace.analysis.model import Turn
from voxtrace.events import STAGES, Event
from voxtrace.events.codec import decode, encode
from voxtrace.importers.otlp import Conversion, Span, read_protobuf
from voxtrace.importers.otlp.grouping import Traces
from voxtrace.importers.otlp.mapping import FACTS, LENGTHS, RULES, SESSION
from voxtrace.importers.otlp_traces import OtlpProtobuf
from voxtrace.store.rows import why_unstorable


def turns_of(found: list[Event]) -> list[Turn]:
    by_request: dict[str, list[Event]] = {}
    for event in found:
        by_request.setdefault(event.request_id, []).append(event)
    turns = [assemble(request_id, each) for request_id, each in by_request.items()]
    return sorted(turns, key=lambda turn: turn.started_wall_ns)


def turns(recording: Recording) -> list[Turn]:
    return turns_of(events(read(OtlpProtobuf(), recording.protobuf())))


def values(turn: Turn, *names: str) -> list[float | None]:
    return [turn.metrics[name].value for name in names]


def test_every_turn_of_a_pipecat_conversation_is_a_turn_of_one_session():
    first, second = turns(recorded(pipecat))

    assert {first.session_id, second.session_id} == {"call-7"}
    assert values(first, "voice_to_voice_ms", "llm_first_token_ms", "llm_total_ms", "tts_first_audio_ms") == [
        900.0, 350.0, 650.0, 200.0,
    ]  # fmt: skip
    assert first.metrics["voice_to_voice_ms"].bound == "exact"
    assert first.labels.outcome == "ok"


def test_the_wait_of_a_pipecat_turn_is_explained_by_its_steps():
    (turn,) = turns(recorded(lambda recording: pipecat(recording, turns=1)))
    waited = [(part.name, part.length / 1e6) for part in turn.parts if part.waited]

    assert sum(length for _, length in waited) == 900.0
    assert [name for name, _ in waited] == [
        "speech to text", "unattributed", "first token", "language model", "synthesis",
    ]  # fmt: skip


def test_a_first_byte_that_can_not_be_of_this_call_is_no_moment_and_the_frameworks_own_wait_stands():
    recording = recorded(lambda recording: pipecat(recording, turns=1, streaming_tts=True))
    items = read(OtlpProtobuf(), recording.protobuf())
    (turn,) = turns_of(events(items))

    assert notes(items)["moment_outside_span"] == 1
    assert turn.metrics["tts_first_audio_ms"].missing == "no tts.first_audio event"
    assert turn.metrics["voice_to_voice_ms"].value == 900.0
    assert "as the voice framework measured it" in turn.metrics["voice_to_voice_ms"].note


def test_what_pipecat_does_not_tell_is_missing_with_its_reason():
    (turn,) = turns(recorded(lambda recording: pipecat(recording, turns=1)))

    assert turn.metrics["stt_ms"].missing == "no stt.started event"
    assert turn.metrics["endpointing_ms"].missing == "no stt.pause_detected event"


def test_an_interrupted_turn_is_interrupted_and_one_that_the_call_ended_is_not():
    recording = Recording()
    for at, more in ((0, {}), (5000, {"turn__ended_by_conversation_end": True})):
        turn = recording.begin("pipecat.turn", "turn", at, turn__number=1)
        end(turn, at + 900, turn__was_interrupted=True, **more)

    assert [turn.labels.outcome for turn in turns(recording)] == ["interrupted", "ok"]


def test_an_interim_transcript_is_not_the_final_one():
    recording = Recording()
    turn = recording.begin("pipecat.turn", "turn", 0)
    recording.span("pipecat", "stt", (5, 6), turn, is_final=False)
    recording.span("pipecat", "stt", (9, 10), turn, is_final=True)
    end(turn, 50)

    assert [mark.stage for mark in turns(recording)[0].marks][:2] == ["stt.first_partial", "stt.transcript_final"]


def test_the_agents_half_joins_the_users_half_of_a_livekit_turn():
    greeting, turn = turns(recorded(livekit))

    names = "voice_to_voice_ms", "endpointing_ms", "stt_ms", "llm_first_token_ms", "tts_first_audio_ms", "playback_ms"
    assert values(turn, *names) == [1200.0, 600.0, 250.0, 300.0, 200.0, 1800.0]
    assert greeting.session_id == turn.session_id is not None
    assert greeting.metrics["voice_to_voice_ms"].missing == "the agent spoke unasked: no user had said anything"
    assert greeting.findings == ()


def newer_livekit(recording: Recording) -> None:
    """Spans of 2026: the wait for the end of the turn is one of its own, and playing is below the agent's turn."""
    session = recording.begin("livekit-agents", "agent_session", 0)
    asked = recording.begin("livekit-agents", "user_turn", 1000, session)
    early = recording.begin("livekit-agents", "eou_wait", 1500, asked)
    end(early, 1600, lk__eou__outcome="user_resumed")
    late = recording.begin("livekit-agents", "eou_wait", 2400, asked)
    end(late, 2750, lk__eou__outcome="committed")
    end(asked, 2750, lk__pii__user_transcript="Where is it?")
    answer = recording.begin("livekit-agents", "agent_turn", 2760, session)
    node = recording.begin("livekit-agents", "llm_node", 2770, answer)
    request = recording.begin("livekit-agents", "llm_request", 2780, node, gen_ai__request__model="gpt-4.1")
    end(request, 3390, lk__response__ttft=0.29, gen_ai__usage__input_tokens=812)
    end(node, 3400)
    recording.span("livekit-agents", "agent_speaking", (3600, 5000), answer)
    end(answer, 5010, lk__e2e_latency=1.2)
    end(session, 6000)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_newer_spans_of_livekit_tell_the_same_turn_however_they_come(size):
    recording = recorded(newer_livekit)
    conversion = Conversion()
    found: list[Event] = []
    for first in range(0, len(recording.spans), size):
        export = read_protobuf(recording.protobuf(recording.spans[first : first + size]))
        found += conversion.convert(export.spans).events
    (turn,) = turns_of(found)

    assert values(turn, "voice_to_voice_ms", "endpointing_ms", "llm_first_token_ms", "llm_total_ms") == [
        1200.0, 350.0, 300.0, 630.0,
    ]  # fmt: skip
    assert any(mark.metadata.get("prompt_tokens") == 812 for mark in turn.marks)


def test_the_first_release_of_pipecat_is_known_by_its_own_names():
    (turn,) = turns(recorded(first_pipecat))

    assert (turn.session_id, turn.labels.model, turn.labels.voice) == ("c8", "gpt-4o", "nova")
    assert values(turn, "llm_first_token_ms", "llm_total_ms", "tts_first_audio_ms") == [350.0, 650.0, 200.0]
    assert "prompt_tokens" not in turn.metrics  # the service was told no usage, and wrote 0


def test_what_the_first_livekit_told_in_json_texts_is_read():
    (turn,) = turns(recorded(first_livekit))
    told = {mark.name: mark.metadata for mark in turn.marks}

    names = "voice_to_voice_ms", "endpointing_ms", "stt_ms", "llm_first_token_ms", "tts_first_audio_ms", "prompt_tokens"
    assert values(turn, *names) == [1200.0, 600.0, 250.0, 310.0, 180.0, 55.0]
    assert turn.labels.model == "gpt-4o"
    assert told["tts_usage"].items() >= {"model": "sonic-2", "text_length": 41, "audio_s": 2.1}.items()


def test_a_tool_that_says_that_it_failed_has_failed():
    (turn,) = turns(recorded(first_livekit))

    assert [mark.metadata["outcome"] for mark in turn.marks if mark.name == "tool_end"] == ["error"]


@pytest.mark.parametrize(("failed", "outcome"), [(False, "ok"), (True, "error")])
def test_a_turn_whose_last_call_failed_and_of_which_nothing_was_heard_is_an_error(failed, outcome):
    recording = recorded(lambda recording: openllmetry(recording, failed=failed))
    (turn,) = turns(recording)

    assert (turn.session_id, turn.labels.outcome) == ("conv-1", outcome)
    assert values(turn, "llm_first_token_ms", "llm_total_ms") == [200.0, 1600.0]
    assert "weather?" not in str(events(read(OtlpProtobuf(), recording.protobuf())))


def test_an_answer_that_was_spoken_behind_a_failure_is_none():
    recording = Recording()
    turn = recording.begin("pipecat.turn", "turn", 0, turn__number=1)
    end(recording.begin("pipecat", "llm", 100, turn), 200, failed=True)
    end(recording.begin("pipecat", "tts", 210, turn, text="Sorry."), 900, metrics__ttfb=0.2)
    end(turn, 1000)

    assert turns(recording)[0].labels.outcome == "ok"


def test_the_milliseconds_of_the_ai_sdk_are_milliseconds():
    (turn,) = turns(recorded(ai_sdk))

    assert values(turn, "llm_first_token_ms", "prompt_tokens") == [391.5, 12.0]
    assert (turn.session_id, turn.labels.model) == ("s-5", "gpt-4o-mini")


def test_a_web_servers_span_may_name_the_conversation():
    recording = Recording()
    web = recording.begin("opentelemetry.instrumentation.fastapi", "POST /chat", 0, session__id="from-the-web")
    recording.span("x", "chat", (10, 90), web, gen_ai__operation__name="chat")
    end(web, 100)

    assert [turn.session_id for turn in turns(recording)] == ["from-the-web"]


def test_recognition_that_ran_while_the_user_spoke_counts_from_the_end_of_speech():
    recording = Recording()
    turn = recording.begin("pipecat.turn", "turn", 0)
    recording.span("pipecat", "stt", (200, 1400), turn, is_final=True)
    recording.span("pipecat", "tts", (1800, 3000), turn, metrics__ttfb=0.2)
    end(turn, 5000, turn__user_bot_latency_seconds=0.9)

    assert values(turns(recording)[0], "voice_to_voice_ms", "stt_ms") == [900.0, 300.0]


def test_one_call_that_two_spans_tell_of_counts_once():
    (turn,) = turns(recorded(openinference))

    assert values(turn, "llm_total_ms", "llm_first_token_ms", "retrieval_ms") == [800.0, 300.0, 80.0]
    assert (turn.session_id, turn.labels.outcome) == ("chat-3", "ok")


def test_plain_conventions_make_one_turn_of_one_trace():
    (turn,) = turns(recorded(genai))

    assert values(turn, "llm_total_ms", "llm_first_token_ms", "tts_first_audio_ms") == [500.0, 180.0, 120.0]
    assert turn.session_id == "conv-9"
    assert turn.metrics["voice_to_voice_ms"].bound == "lower"


def test_tokens_and_lengths_are_kept_and_what_was_said_is_not():
    found = events(read(OtlpProtobuf(), recorded(pipecat).protobuf()))
    answered = next(event for event in found if event.name == "llm.response_received")

    assert answered.metadata.items() >= {"prompt_tokens": 120, "model": "gpt-4o", "response_length": 11}.items()
    assert "noon" not in str(found)
    assert "What time" not in str(found)


def test_nanoseconds_are_kept():
    recording = Recording()
    recording.span("x", "chat", (0.000123, 0.456789), gen_ai__operation__name="chat")

    assert [event.wall_ns - NOON_NS for event in events(read(OtlpProtobuf(), recording.protobuf()))] == [123, 456_789]


@pytest.mark.parametrize("make", [pipecat, livekit, openinference, genai, first_pipecat, openllmetry])
def test_the_order_of_spans_does_not_matter(make):
    recording = recorded(make)
    mixed = list(recording.spans)
    random.Random(4).shuffle(mixed)
    found = [read_protobuf(recording.protobuf(spans)).spans for spans in (recording.spans, mixed)]
    told = [sorted(Conversion().convert(spans).events, key=lambda event: event.event_id) for spans in found]

    assert told[0] == told[1]


@pytest.mark.parametrize("make", [pipecat, livekit])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_spans_that_come_in_several_exports_make_the_same_turns(make, size):
    recording = recorded(make)
    conversion = Conversion()
    apart: list[Event] = []
    for first in range(0, len(recording.spans), size):
        export = read_protobuf(recording.protobuf(recording.spans[first : first + size]))
        apart += conversion.convert(export.spans).events
    together = turns(recording)

    assert [turn.metrics for turn in turns_of(apart)] == [turn.metrics for turn in together]


def test_a_span_whose_parent_never_came_is_a_turn_of_its_trace():
    recording = recorded(openinference)
    model = [span for span in recording.spans if span.name == "ChatOpenAI"]
    found = Conversion().convert(read_protobuf(recording.protobuf(model)).spans).events

    assert {event.request_id for event in found} == {f"{model[0].context.trace_id:032x}"}


def test_a_failed_call_is_an_error_of_its_turn():
    recording = Recording()
    turn = recording.begin("pipecat.turn", "turn", 0)
    end(turn, 50, failed=True)

    assert turns(recording)[0].labels.outcome == "error"


def test_the_table_names_only_stages_that_there_are():
    own = {"tool_start", "tool_end", "reranker_start", "reranker_end", "llm_usage", "tts_usage"}
    named = {moment.stage for rule in RULES for moment in rule.moments}

    assert named - own <= {stage.key for stage in STAGES}


keys = st.sampled_from(sorted({name for name, _ in (*FACTS, *LENGTHS)} | set(SESSION) | {"openinference.span.kind"}))
attributes = st.dictionaries(
    keys,
    st.text(max_size=20) | st.integers(-(2**70), 2**70) | st.floats() | st.booleans() | st.lists(st.text(), max_size=2),
    max_size=6,
)
made_up = st.builds(
    Span,
    trace_id=st.sampled_from(["a" * 32, "b" * 32]),
    span_id=st.sampled_from([f"{n:016x}" for n in range(1, 9)]),
    parent_id=st.sampled_from(["", *(f"{n:016x}" for n in range(1, 9))]),
    name=st.sampled_from(
        ["turn", "stt", "llm", "tts", "user_turn", "agent_turn", "llm_node", "agent_speaking", "x\ud800"]
    ),
    scope=st.sampled_from(["pipecat", "livekit-agents", "other"]),
    service=st.text(max_size=5),
    start_ns=st.just(NOON_NS),
    end_ns=st.integers(NOON_NS, NOON_NS + 10**10),
    attributes=attributes,
)


@given(st.lists(made_up, max_size=12))
def test_whatever_spans_say_their_events_can_be_stored_and_every_span_has_one_turn(spans):
    found = Conversion().convert(spans).events

    assert {why_unstorable(event) for event in found} <= {""}
    assert all(decode(encode(event)) == event for event in found)


def test_memory_is_bounded_whatever_comes(monkeypatch):
    monkeypatch.setattr("voxtrace.importers.otlp.grouping.MAX_SPANS", 50)
    traces = Traces(most=20)
    span = Span("", "", "", "turn", "pipecat", "", NOON_NS, NOON_NS, {})
    for n in range(1, 500):
        traces.learn(span._replace(trace_id=f"{n // 7:032x}", span_id=f"{n:016x}"), None)

    assert len(traces._traces) <= 20
    assert sum(len(trace.parents) for trace in traces._traces.values()) <= 50 + 7
