"""Traces as real instrumentations make them, over the real SDK, in the bytes that real exporters send."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from google.protobuf.json_format import MessageToJson
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

NOON_NS = 1_764_253_805_000_000_000


class Recording:
    """Makes spans at times that are named in milliseconds from noon, and keeps them in the order of their ends."""

    def __init__(self, service: str = "bot") -> None:
        self._kept = InMemorySpanExporter()
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}))
        self._provider.add_span_processor(SimpleSpanProcessor(self._kept))

    def begin(self, scope: str, name: str, at: float, parent: Span | None = None, **facts: object) -> Span:
        attributes = {key.replace("__", "."): value for key, value in facts.items()}
        context = None if parent is None else set_span_in_context(parent)
        return self._provider.get_tracer(scope).start_span(
            name, context, attributes=attributes, start_time=NOON_NS + round(at * 1e6)
        )

    def span(self, scope: str, name: str, at: tuple[float, float], parent: Span | None = None, **facts: object) -> Span:
        span = self.begin(scope, name, at[0], parent, **facts)
        end(span, at[1])
        return span

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._kept.get_finished_spans()

    def protobuf(self, spans: Sequence[ReadableSpan] | None = None) -> bytes:
        return encode_spans(self.spans if spans is None else spans).SerializeToString()

    def json(self, spans: Sequence[ReadableSpan] | None = None) -> bytes:
        """One line. Ids come out in base64, as protobuf's own JSON writes bytes."""
        text = MessageToJson(encode_spans(self.spans if spans is None else spans), indent=None)
        return text.encode() + b"\n"


def recorded(make: Callable[[Recording], None]) -> Recording:
    """What an instrumentation leaves behind."""
    recording = Recording()
    make(recording)
    return recording


def end(span: Span, at: float, *, failed: bool = False, **facts: object) -> None:
    for key, value in facts.items():
        span.set_attribute(key.replace("__", "."), value)
    if failed:
        span.set_status(Status(StatusCode.ERROR, "it failed"))
    span.end(NOON_NS + round(at * 1e6))


def pipecat(recording: Recording, turns: int = 2, *, streaming_tts: bool = False) -> None:
    """A conversation of Pipecat: the user speaks for a second, the bot answers 900 ms after."""
    talk = recording.begin("pipecat.turn", "conversation", 0, conversation__id="call-7", conversation__type="voice")
    for number in range(turns):
        at = 10_000.0 * number
        turn = recording.begin(
            "pipecat.turn", "turn", at, talk, turn__number=number + 1, turn__type="conversation",
            conversation__id="call-7",
        )  # fmt: skip
        heard = recording.begin("pipecat", "stt", at + 1200, turn, is_final=True, transcript="What time is it?")
        end(heard, at + 1200.1, metrics__ttfb=0.2)
        model = recording.begin("pipecat", "llm", at + 1250, turn, gen_ai__request__model="gpt-4o", stream=True)
        model.set_attribute("gen_ai.provider.name", "openai")
        model.set_attribute("gen_ai.usage.input_tokens", 120)
        end(model, at + 1900, metrics__ttfb=0.35, output="It is noon.")
        voice = recording.begin("pipecat", "tts", at + 1700, turn, voice_id="nova", text="It is noon.")
        # A service that is written to and answers elsewhere ends its span before the audio is there.
        end(voice, at + (1701 if streaming_tts else 2400), metrics__ttfb=0.2)
        end(turn, at + 5000, turn__user_bot_latency_seconds=0.9, turn__was_interrupted=False)
    end(talk, 10_000.0 * turns)


def livekit(recording: Recording, *, greeting: bool = True) -> None:
    """A session of LiveKit Agents: a greeting, then one question; user_turn and agent_turn are siblings."""
    session = recording.begin("livekit-agents", "agent_session", 0, lk__agent_label="agent")
    if greeting:
        hello = recording.begin("livekit-agents", "agent_turn", 10, session, lk__generation_id="speech_0")
        recording.span("livekit-agents", "tts_node", (20, 300), hello, lk__response__ttfb=0.15)
        recording.span("livekit-agents", "agent_speaking", (200, 1500), session)
        end(hello, 1510, lk__interrupted=False)
    asked = recording.begin("livekit-agents", "user_turn", 3000, session, lk__user_transcript="What time is it?")
    recording.span("livekit-agents", "user_speaking", (3000, 4000), session)
    end(asked, 4600, lk__end_of_turn_delay=0.6, lk__transcription_delay=0.25)
    answer = recording.begin("livekit-agents", "agent_turn", 4610, session, lk__generation_id="speech_1")
    node = recording.begin("livekit-agents", "llm_node", 4620, answer)
    request = recording.begin("livekit-agents", "llm_request", 4621, node, gen_ai__request__model="gpt-4o")
    end(request, 5299, gen_ai__usage__input_tokens=55)
    end(node, 5300, lk__response__ttft=0.3)
    voice = recording.begin("livekit-agents", "tts_node", 4930, answer, lk__tts__streaming=True)
    end(voice, 6000, lk__response__ttfb=0.2)
    recording.span("livekit-agents", "agent_speaking", (5200, 7000), session)
    end(answer, 7010, lk__interrupted=False, lk__e2e_latency=1.2)
    end(session, 9000)


def openinference(recording: Recording) -> None:
    """A chain that retrieves and asks a model, as OpenInference's instrumentations tell it."""
    scope = "openinference.instrumentation.langchain"
    chain = recording.begin(
        scope, "RunnableSequence", 0, openinference__span__kind="CHAIN", session__id="chat-3"
    )  # fmt: skip
    inner = recording.begin(scope, "RunnableAssign", 5, chain, openinference__span__kind="CHAIN")
    recording.span(scope, "Retriever", (10, 90), inner, openinference__span__kind="RETRIEVER")
    end(inner, 95)
    model = recording.begin(
        scope, "ChatOpenAI", 100, chain, openinference__span__kind="LLM", llm__model_name="gpt-4o",
        llm__token_count__prompt=900, llm__token_count__completion=40,
    )  # fmt: skip
    model.add_event("First Token Stream Event", timestamp=NOON_NS + 400_000_000)
    # The provider's own client is instrumented too: one call, told twice.
    below = "openinference.instrumentation.openai"
    recording.span(below, "ChatCompletion", (110, 890), model, openinference__span__kind="LLM")
    end(model, 900)
    end(chain, 910)


def genai(recording: Recording) -> None:
    """Plain GenAI conventions below a web server's span: a model, and speech made by it."""
    web = recording.begin("opentelemetry.instrumentation.fastapi", "POST /chat", 0, http__request__method="POST")
    model = recording.begin(
        "opentelemetry.instrumentation.openai_v2", "chat gpt-4o", 20, web, gen_ai__operation__name="chat",
        gen_ai__conversation__id="conv-9", gen_ai__request__model="gpt-4o", gen_ai__provider__name="openai",
    )  # fmt: skip
    end(model, 520, gen_ai__response__time_to_first_chunk=0.18, gen_ai__usage__output_tokens=31)
    speech = recording.begin(
        "my.voice", "speak", 300, web, gen_ai__output__type="speech", gen_ai__request__model="tts-1"
    )
    end(speech, 700, gen_ai__response__time_to_first_chunk=0.12)
    end(web, 720)


def first_pipecat(recording: Recording) -> None:
    """Pipecat's first release with traces: spans named after classes, turns by their number."""
    talk = recording.begin("pipecat.turn", "conversation-c8", 0, conversation__id="c8")
    recording.span("pipecat", "llm_setup", (1, 2), talk, gen_ai__operation__name="llm_setup")
    turn = recording.begin("pipecat.turn", "turn-1", 100, talk, turn__number=1, conversation__id="c8")
    recording.span("pipecat", "stt_deepgramsttservice", (1200, 1200.4), turn, is_final=True, transcript="Well?")
    model = recording.begin("pipecat", "llm_openaillmservice", 1250, turn, gen_ai__request__model="gpt-4o")
    end(model, 1900, metrics__ttfb=0.35, gen_ai__usage__input_tokens=0, gen_ai__usage__output_tokens=0)
    voice = recording.begin("pipecat", "tts_cartesiattsservice", 1700, turn, voice_id="nova", text="Yes.")
    end(voice, 2400, metrics__ttfb=0.2, metrics__character_count=4)
    end(turn, 5000, turn__was_interrupted=False)
    end(talk, 9000)


def first_livekit(recording: Recording) -> None:
    """LiveKit Agents of 2025: times to the first token and byte, characters and model stand in JSON texts only."""
    heard = {"ttft": 0.31, "prompt_tokens": 0, "prompt_cached_tokens": 0}
    spoken = {
        "ttfb": 0.18, "characters_count": 41, "audio_duration": 2.1,
        "metadata": {"model_name": "sonic-2", "model_provider": "Cartesia"},
    }  # fmt: skip
    session = recording.begin("livekit-agents", "agent_session", 0)
    asked = recording.begin("livekit-agents", "user_turn", 3000, session)
    end(asked, 4600, lk__end_of_utterance_delay=0.6, lk__transcription_delay=0.25)
    answer = recording.begin("livekit-agents", "agent_turn", 4610, session)
    node = recording.begin("livekit-agents", "llm_node", 4620, answer)
    request = recording.begin("livekit-agents", "llm_request", 4620, node, gen_ai__request__model="gpt-4o")
    end(request, 5299, lk__llm_metrics=json.dumps(heard), gen_ai__usage__input_tokens=55)
    end(node, 5300)
    tool = recording.begin("livekit-agents", "function_tool", 4800, answer, lk__function_tool__name="weather")
    end(tool, 4900, lk__function_tool__is_error=True)
    voice = recording.begin("livekit-agents", "tts_node", 4930, answer)
    below = recording.begin("livekit-agents", "tts_request", 4930, voice, lk__input_text="It is noon.")
    end(below, 5999, lk__tts_metrics=json.dumps(spoken))
    end(voice, 6000)
    recording.span("livekit-agents", "agent_speaking", (5200, 7000), session)
    end(answer, 7010)
    end(session, 9000)


def openllmetry(recording: Recording, *, failed: bool = False) -> None:
    """A workflow of OpenLLMetry: its model streams, a tool is called, and the model once more."""
    named = {"traceloop__association__properties__conversation_id": "conv-1"}
    chain = recording.begin("traceloop", "talk.workflow", 0, traceloop__span__kind="workflow", **named)
    scope, known = "opentelemetry.instrumentation.openai.v1", {"gen_ai__request__model": "gpt-4o", **named}
    first = recording.begin(scope, "openai.chat", 100, chain, llm__request__type="chat", **known)
    first.set_attribute("gen_ai.prompt.0.content", "What is the weather?")
    for chunk in range(3):
        first.add_event("llm.content.completion.chunk", timestamp=NOON_NS + (300 + chunk) * 1_000_000)
    end(first, 900, gen_ai__usage__prompt_tokens=120)
    recording.span("traceloop", "weather.tool", (900, 1000), chain, traceloop__span__kind="tool")
    second = recording.begin(scope, "openai.chat", 1100, chain, llm__request__type="chat", **known)
    end(second, 1900, failed=failed)
    end(chain, 2000)


def ai_sdk(recording: Recording) -> None:
    """Vercel's AI SDK in its third version, whose times are milliseconds."""
    named = {"ai__telemetry__metadata__sessionId": "s-5"}
    outer = recording.begin("ai", "ai.streamText", 0, **named)
    inner = recording.begin("ai", "ai.streamText.doStream", 10, outer, ai__model__id="gpt-4o-mini", **named)
    recording.span("ai", "ai.toolCall", (500, 600), inner, ai__toolCall__name="weather")
    end(inner, 1990, ai__stream__msToFirstChunk=391.5, ai__usage__promptTokens=12)
    end(outer, 2000)
