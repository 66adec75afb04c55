"""Which span of which instrumentation means which moment of a turn: the table, and nothing else.

A rule says how its spans are known, how a span finds the turn it belongs to, and which moments it tells.
Names are those that the instrumentations write:

- Pipecat `pipecat.utils.tracing` (scopes `pipecat` and `pipecat.turn`): spans conversation, turn, stt, llm, tts
- LiveKit Agents `livekit.agents.telemetry` (scope `livekit-agents`): user_turn, agent_turn, llm_node, tts_node, …
- OpenInference: `openinference.span.kind`
- OpenTelemetry's semantic conventions for generative AI: `gen_ai.operation.name`; Vercel's AI SDK beside them
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Turn = Literal["is", "user", "joins", "parent", "child", "ancestor", "within"]
"""How a span finds its turn.

is: it is one. user: it is the user's half of one, and what the agent does next joins it. joins: it joins the
user's half in front of it. parent: its parent is a turn. child: its parent joins. ancestor: the nearest known
span above it, else the whole trace is one turn. within: the same, and where nothing above is known it waits for it.
"""

From = Literal["start", "end", "at", "event", "audible"]
"""Where a moment is counted from: the span's start or end; `at`: an attribute holds the time itself; `event`: a
span event of that name; `audible`: the first audio that any span of the same turn tells of."""


class Moment(Struct, frozen=True):
    """A stage and when it was. Of several rows for one stage, the first that can be computed counts."""

    stage: str  # a key of the stage table, or a name of its own such as tool_start
    base: From
    by: tuple[str, ...] = ()  # attributes with seconds to add; "-name" takes away. Of `at` and `event`: where it stands
    when: str = ""  # only where this attribute is true
    unless: str = ""  # not where this attribute is true
    behind: str = ""  # only where the same span told that stage
    least_ms: int = 0  # only where the span lasted so long


class SpanRule(Struct, frozen=True):
    """What the spans of one kind mean. The first rule of the table that fits is the one."""

    convention: str
    role: str  # the service of its events where the resource names none; equal roles within each other are one call
    turn: Turn
    moments: tuple[Moment, ...] = ()  # none: the span is known, and tells nothing that another does not tell
    scopes: tuple[str, ...] = ()  # the instrumentation's name is one of these
    names: tuple[str, ...] = ()  # the span's name is one of these; one * stands for anything
    having: tuple[str, tuple[str, ...]] = ("", ())  # attribute, and its values (none: any)


_PIPECAT = ("pipecat", "pipecat.turn")
# Its first release named each span after its service's class, and numbered the turns.
_PIPECAT_TURN, _PIPECAT_STT = ("turn", "turn-*"), ("stt", "stt_*sttservice")
_PIPECAT_LLM, _PIPECAT_TTS = ("llm", "llm_*llmservice"), ("tts", "tts_*ttsservice")
_LIVEKIT = ("livekit-agents", "livekit.agents", "@livekit/agents")

# A model's first token, by whatever name somebody gave it.
_FIRST_TOKEN = (
    Moment("llm.first_token", "event", ("First Token Stream Event",)),  # OpenInference
    Moment("llm.first_token", "start", ("gen_ai.response.time_to_first_chunk",)),
    Moment("llm.first_token", "start", ("gen_ai.response.time_to_first_token",)),
    Moment("llm.first_token", "start", ("gen_ai.server.time_to_first_token",)),
    Moment("llm.first_token", "start", ("ai.response.msToFirstChunk",)),  # Vercel's AI SDK
    Moment("llm.first_token", "start", ("ai.stream.msToFirstChunk",)),  # its version 3
    Moment("llm.first_token", "event", ("ai.stream.firstChunk",)),
    Moment("llm.first_token", "at", ("langfuse.observation.completion_start_time",)),
    Moment("llm.first_token", "event", ("llm.content.completion.chunk",)),  # OpenLLMetry, one for each chunk
    Moment("llm.first_token", "event", ("gen_ai.content.completion.chunk",)),
)
_MODEL = (Moment("llm.request_sent", "start"), *_FIRST_TOKEN, Moment("llm.response_received", "end"))
_SPEECH = (
    Moment("tts.synthesis_start", "start"),
    Moment("tts.first_audio", "start", ("metrics.ttfb",)),
    Moment("tts.first_audio", "start", ("lk.response.ttfb",)),
    Moment("tts.first_audio", "start", ("gen_ai.response.time_to_first_chunk",)),
    Moment("tts.synthesis_complete", "end"),
)
_TOOL = (Moment("tool_start", "start"), Moment("tool_end", "end"))
_EMBEDDING = (
    Moment("context.retrieval_embedding_start", "start"),
    Moment("context.retrieval_embedding_complete", "end"),
)
_RETRIEVAL = (Moment("context.retrieval_start", "start"), Moment("context.retrieval_complete", "end"))
_OVER = Moment("llm.response_sent", "end")

RULES: tuple[SpanRule, ...] = (
    SpanRule("Pipecat", "session", "ancestor", scopes=_PIPECAT, names=("conversation", "conversation-*")),
    SpanRule(
        "Pipecat",
        "agent",
        "is",
        (
            # Both ends are Pipecat's own measurement; where they stand is told by the first audio.
            Moment("user.speech_end", "audible", ("-turn.user_bot_latency_seconds",)),
            Moment("playback.started", "audible", when="turn.user_bot_latency_seconds"),
            Moment("user.interrupted", "end", when="turn.was_interrupted", unless="turn.ended_by_conversation_end"),
            _OVER,
        ),
        scopes=_PIPECAT,
        names=_PIPECAT_TURN,
    ),
    SpanRule(
        "Pipecat",
        "stt",
        "parent",
        (Moment("stt.first_partial", "end"),),
        scopes=_PIPECAT,
        names=_PIPECAT_STT,
        having=("is_final", ("False",)),
    ),
    SpanRule(
        "Pipecat",
        "stt",
        "parent",
        # Until 2025 the span was the hand-over of the text alone, which takes no time.
        (Moment("stt.started", "start", least_ms=50), Moment("stt.transcript_final", "end")),
        scopes=_PIPECAT,
        names=_PIPECAT_STT,
    ),
    SpanRule(
        "Pipecat",
        "llm",
        "parent",
        (
            Moment("llm.request_sent", "start"),
            Moment("llm.first_token", "start", ("metrics.ttfb",)),
            *_FIRST_TOKEN,
            Moment("llm.response_received", "end"),
        ),
        scopes=_PIPECAT,
        names=_PIPECAT_LLM,
    ),
    SpanRule(
        "Pipecat",
        "tts",
        "parent",
        # The span of a service that answers over a socket ends when the text is sent: its end ends no synthesis.
        (*_SPEECH[:-1], Moment("tts.synthesis_complete", "end", behind="tts.first_audio")),
        scopes=_PIPECAT,
        names=_PIPECAT_TTS,
    ),
    # What a realtime model hears, says and calls: no step of it can be told apart.
    SpanRule("Pipecat", "llm", "parent", scopes=_PIPECAT),
    SpanRule(
        "LiveKit",
        "stt",
        "user",
        (
            Moment("user.speech_start", "start"),
            Moment("stt.started", "start"),
            Moment("user.speech_end", "end", ("-lk.end_of_turn_delay",)),
            Moment("user.speech_end", "end", ("-lk.end_of_utterance_delay",)),  # its name in the first releases
            Moment("stt.transcript_final", "end", ("-lk.end_of_turn_delay", "lk.transcription_delay")),
            Moment("stt.transcript_final", "end", ("-lk.end_of_utterance_delay", "lk.transcription_delay")),
            Moment("stt.pause_detected", "end"),
        ),
        scopes=_LIVEKIT,
        names=("user_turn",),
    ),
    SpanRule(
        "LiveKit",
        "agent",
        "joins",
        (Moment("user.interrupted", "end", when="lk.interrupted"), _OVER),
        scopes=_LIVEKIT,
        names=("agent_turn",),
    ),
    SpanRule(
        "LiveKit",
        "llm",
        "child",
        (
            Moment("llm.request_sent", "start"),
            Moment("llm.first_token", "start", ("lk.response.ttft",)),
            *_FIRST_TOKEN,
            Moment("llm.response_received", "end"),
        ),
        scopes=_LIVEKIT,
        names=("llm_node",),
    ),
    SpanRule("LiveKit", "tts", "child", _SPEECH, scopes=_LIVEKIT, names=("tts_node",)),
    SpanRule("LiveKit", "tool", "child", _TOOL, scopes=_LIVEKIT, names=("function_tool",)),
    SpanRule(
        "LiveKit",
        "player",
        "joins",
        (Moment("playback.started", "start"), Moment("playback.completed", "end")),
        scopes=_LIVEKIT,
        names=("agent_speaking",),
    ),
    # The end-point wait that the turn ended with; in others the user spoke on.
    SpanRule(
        "LiveKit",
        "eou",
        "parent",
        (Moment("user.speech_end", "start"),),
        scopes=_LIVEKIT,
        names=("eou_wait",),
        having=("lk.eou.outcome", ("committed",)),
    ),
    # The same call as llm_node, which tells neither the tokens nor, in some versions, when the first one came.
    SpanRule(
        "LiveKit",
        "usage",
        "within",
        (Moment("llm.first_token", "start", ("lk.response.ttft",)), *_FIRST_TOKEN, Moment("llm_usage", "end")),
        scopes=_LIVEKIT,
        names=("llm_request",),
    ),
    # The same call as tts_node, which tells of no characters, and in the first releases of no first byte.
    SpanRule(
        "LiveKit",
        "usage",
        "within",
        (Moment("tts.first_audio", "start", ("lk.response.ttfb",)), Moment("tts_usage", "end")),
        scopes=_LIVEKIT,
        names=("tts_request",),
    ),
    # What user_speaking tells, user_turn tells as well.
    SpanRule("LiveKit", "session", "ancestor", scopes=_LIVEKIT),
    SpanRule("OpenInference", "llm", "ancestor", _MODEL, having=("openinference.span.kind", ("LLM",))),
    SpanRule("OpenInference", "retrieval", "ancestor", _RETRIEVAL, having=("openinference.span.kind", ("RETRIEVER",))),
    SpanRule("OpenInference", "embedding", "ancestor", _EMBEDDING, having=("openinference.span.kind", ("EMBEDDING",))),
    SpanRule("OpenInference", "tool", "ancestor", _TOOL, having=("openinference.span.kind", ("TOOL",))),
    SpanRule(
        "OpenInference",
        "reranker",
        "ancestor",
        (Moment("reranker_start", "start"), Moment("reranker_end", "end")),
        having=("openinference.span.kind", ("RERANKER",)),
    ),
    SpanRule("OpenInference", "agent", "ancestor", (_OVER,), having=("openinference.span.kind", ("AGENT", "CHAIN"))),
    SpanRule("OpenInference", "other", "ancestor", having=("openinference.span.kind", ())),
    SpanRule("AI SDK", "llm", "ancestor", _MODEL, names=("ai.streamText.doStream", "ai.generateText.doGenerate")),
    SpanRule("AI SDK", "agent", "ancestor", (_OVER,), names=("ai.streamText", "ai.generateText")),
    SpanRule("AI SDK", "tool", "ancestor", _TOOL, names=("ai.toolCall",)),
    SpanRule("OpenLLMetry", "tool", "ancestor", _TOOL, having=("traceloop.span.kind", ("tool",))),
    SpanRule("OpenLLMetry", "agent", "ancestor", (_OVER,), having=("traceloop.span.kind", ("workflow", "agent"))),
    SpanRule("OpenLLMetry", "other", "ancestor", having=("traceloop.span.kind", ())),
    SpanRule("GenAI", "tts", "ancestor", _SPEECH, having=("gen_ai.output.type", ("speech",))),
    SpanRule(
        "GenAI", "tts", "ancestor", _SPEECH, having=("gen_ai.operation.name", ("tts", "text_to_speech", "audio.speech"))
    ),
    SpanRule(
        "GenAI",
        "stt",
        "ancestor",
        (Moment("stt.started", "start"), Moment("stt.transcript_final", "end")),
        having=("gen_ai.operation.name", ("stt", "speech_to_text", "transcription", "audio.transcription")),
    ),
    SpanRule(
        "GenAI",
        "llm",
        "ancestor",
        _MODEL,
        having=("gen_ai.operation.name", ("chat", "text_completion", "generate_content")),
    ),
    SpanRule("GenAI", "embedding", "ancestor", _EMBEDDING, having=("gen_ai.operation.name", ("embeddings",))),
    SpanRule("GenAI", "retrieval", "ancestor", _RETRIEVAL, having=("gen_ai.operation.name", ("retrieval",))),
    SpanRule("GenAI", "tool", "ancestor", _TOOL, having=("gen_ai.operation.name", ("execute_tool",))),
    SpanRule(
        "GenAI", "agent", "ancestor", (_OVER,), having=("gen_ai.operation.name", ("invoke_agent", "invoke_workflow"))
    ),
    # OpenLLMetry before the conventions, and others who name the model and not the operation.
    SpanRule("GenAI", "llm", "ancestor", _MODEL, having=("llm.request.type", ("chat", "completion"))),
    SpanRule("GenAI", "llm", "ancestor", _MODEL, having=("gen_ai.request.model", ())),
)

# Attributes that name the conversation, the surest first. Where a framework's spans name none, their trace is one.
SESSION = (
    "gen_ai.conversation.id",
    "conversation.id",
    "session.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
    "traceloop.association.properties.conversation_id",
    "traceloop.association.properties.thread_id",
    "traceloop.association.properties.chat_id",
    "ai.telemetry.metadata.sessionId",
    "ai.telemetry.metadata.conversationId",
    "lk.room_sid",
)

# Attributes kept as metadata, under the house's names. Of several for one name the first that is there counts.
FACTS: tuple[tuple[str, str], ...] = (
    ("gen_ai.usage.input_tokens", "prompt_tokens"),
    ("gen_ai.usage.prompt_tokens", "prompt_tokens"),
    ("llm.token_count.prompt", "prompt_tokens"),
    ("ai.usage.inputTokens", "prompt_tokens"),
    ("ai.usage.promptTokens", "prompt_tokens"),
    ("gen_ai.usage.output_tokens", "completion_tokens"),
    ("gen_ai.usage.completion_tokens", "completion_tokens"),
    ("llm.token_count.completion", "completion_tokens"),
    ("ai.usage.outputTokens", "completion_tokens"),
    ("ai.usage.completionTokens", "completion_tokens"),
    ("gen_ai.usage.cache_read.input_tokens", "cached_tokens"),
    ("gen_ai.usage.cache_read_input_tokens", "cached_tokens"),
    ("gen_ai.usage.input_cached_tokens", "cached_tokens"),
    ("llm.token_count.prompt_details.cache_read", "cached_tokens"),
    ("gen_ai.response.model", "model"),
    ("gen_ai.request.model", "model"),
    ("llm.model_name", "model"),
    ("ai.response.model", "model"),
    ("ai.model.id", "model"),
    ("embedding.model_name", "model"),
    ("gen_ai.provider.name", "provider"),
    ("gen_ai.system", "provider"),
    ("llm.provider", "provider"),
    ("ai.model.provider", "provider"),
    ("voice_id", "voice"),
    ("gen_ai.request.voice", "voice"),
    ("gen_ai.request.voice_id", "voice"),
    ("metrics.character_count", "text_length"),
    ("gen_ai.usage.characters", "text_length"),
    ("lk.tts.characters", "text_length"),
    ("lk.tts.audio_s", "audio_s"),
    ("turn.number", "turn_number"),
    ("turn.user_bot_latency_seconds", "reported_user_bot_latency_s"),
    ("turn.user_turn_seconds", "reported_user_turn_s"),
    ("lk.e2e_latency", "reported_user_bot_latency_s"),
    ("metrics.ttfb", "reported_ttfb_s"),
    ("tool.function_name", "tool"),
    ("gen_ai.tool.name", "tool"),
    ("lk.function_tool.name", "tool"),
    ("tool.name", "tool"),
    ("ai.toolCall.name", "tool"),
    ("error.type", "error"),
)

# What writers put where they know nothing, by the house's names: a call has a prompt, and a service a name.
UNKNOWN: dict[str, tuple[object, ...]] = {
    "prompt_tokens": (0,),
    "completion_tokens": (0,),
    "model": ("unknown", ""),
    "voice": ("unknown", "", "None"),
    "provider": ("unknown", ""),
}

# Attributes that say of a span that it failed, whose status says nothing.
FAILED = ("lk.function_tool.is_error",)

# Attributes that are JSON texts: what of them is read, and as which attribute. 0 and -1 stand for what is not known.
IN_JSON: dict[str, tuple[tuple[str, str], ...]] = {
    "lk.llm_metrics": (("ttft", "lk.response.ttft"), ("prompt_cached_tokens", "gen_ai.usage.input_cached_tokens")),
    "lk.tts_metrics": (
        ("ttfb", "lk.response.ttfb"),
        ("characters_count", "lk.tts.characters"),
        ("audio_duration", "lk.tts.audio_s"),
        ("model_name", "gen_ai.request.model"),
        ("model_provider", "gen_ai.provider.name"),
    ),
}

# Texts of which only the length is kept: what people said stays out of the store.
LENGTHS: tuple[tuple[str, str], ...] = (
    ("output", "response_length"),
    ("lk.pii.response.text", "response_length"),
    ("lk.response.text", "response_length"),
    ("ai.response.text", "response_length"),
    ("ai.result.text", "response_length"),
    ("text", "text_length"),
    ("lk.pii.input_text", "text_length"),
    ("lk.input_text", "text_length"),
    ("transcript", "text_length"),
    ("lk.pii.user_transcript", "text_length"),
    ("lk.user_transcript", "text_length"),
)

# Nanoseconds of one unit of an attribute; seconds, which all conventions but one use, are not named.
UNITS = {"ai.response.msToFirstChunk": 1_000_000, "ai.stream.msToFirstChunk": 1_000_000}

# How long after the end of the user's turn an agent's turn still answers it; later it speaks on its own account.
ANSWERS_WITHIN_S = 30.0
