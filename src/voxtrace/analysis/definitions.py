"""What every number means: its unit, the event where it starts and the event where it ends.

The table is the law of the house in code: views take names and explanations from here, and the metrics
page of the documentation is generated from it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

_UNITS = (
    *(("_ms", "ms"), ("_count", "count"), ("_per_s", "1/s")),
    *(("_chars", "characters"), ("_tokens", "tokens"), ("_ns_per_token", "ns/token")),
)


class Definition(Struct, frozen=True):
    """One metric. `begin` and `end` are stage keys where it is a span between two events."""

    name: str
    of: Literal["speech", "conversation"]
    meaning: str
    begin: str = ""
    end: str = ""
    better: Literal["less", "more", ""] = "less"

    @property
    def unit(self) -> str:
        """The unit that the name's suffix says: ms, a ratio, a count, characters, tokens, any of them a second."""
        for suffix, unit in _UNITS:
            if self.name.endswith(suffix):
                return unit
        return "ratio"


def _speech(
    name: str, meaning: str, begin: str = "", end: str = "", better: Literal["less", "more", ""] = "less"
) -> Definition:
    return Definition(name, "speech", meaning, begin, end, better)


def _turn(
    name: str, meaning: str, begin: str = "", end: str = "", better: Literal["less", "more", ""] = "less"
) -> Definition:
    return Definition(name, "conversation", meaning, begin, end, better)


DEFINITIONS: tuple[Definition, ...] = (
    _speech(
        "headers_ms",
        "Until the response's headers. For debugging: a streaming server may send them before it has audio.",
        "client.request_start",
        "client.headers_received",
    ),
    _speech(
        "ttfb_ms",
        "Time to first byte of the body. A WAV header is a byte, not a sound.",
        "client.request_start",
        "client.first_byte_received",
    ),
    _speech(
        "first_audio_ms",
        "Until the first byte that decodes to samples; counts what the container holds back.",
        "client.request_start",
        "client.first_audio_chunk",
    ),
    _speech(
        "ttfa_ms",
        "Time to first audio: until a player without prebuffer could make the first audible sample heard. "
        "The later of the arrival of the chunk that holds it and first audio + leading silence.",
        "client.request_start",
        "client.first_audible_chunk",
    ),
    _speech(
        "ttfa_from_send_ms",
        "As ttfa_ms, but from the whole request being handed to the socket: without connecting, and without the "
        "wait for a load generator that is behind its plan.",
        "client.request_sent",
        "client.first_audible_chunk",
    ),
    _speech("leading_silence_ms", "Silence in front of the first audible sample, in the audio itself.", better=""),
    _speech(
        "heard_ms",
        "Until the first audible sample left the device, on the player's own clock.",
        "client.request_start",
        "playback.first_sample",
    ),
    _speech(
        "server_response_ms",
        "From the server having the request to the first audio byte written.",
        "server.request_received",
        "server.first_chunk_sent",
    ),
    _speech(
        "text_ms", "Normalising and cutting the text.", "server.processing_start", "server.text_processing_complete"
    ),
    _speech(
        "queue_ms",
        "First piece waiting for an engine; never part of inference.",
        "server.queue_start",
        "server.inference_start",
    ),
    _speech("queue_total_ms", "All pieces waiting for an engine.", "server.queue_start", "server.inference_start"),
    _speech(
        "phoneme_ms",
        "Phonemes of the first piece, where the engine has a stage of its own for them.",
        "server.inference_start",
        "server.phoneme_generation_complete",
    ),
    _speech(
        "phoneme_total_ms",
        "Phonemes of all pieces, where the engine has a stage of its own for them.",
        "server.inference_start",
        "server.phoneme_generation_complete",
    ),
    _speech(
        "inference_ms",
        "First piece: from the engine beginning, or having its phonemes, to its first block of samples.",
        "server.inference_start",
        "server.first_chunk_generated",
    ),
    _speech(
        "inference_total_ms",
        "All pieces in the engine, without their phonemes.",
        "server.inference_start",
        "server.inference_complete",
    ),
    _speech(
        "encode_ms",
        "First block: from samples to bytes of the asked format.",
        "server.first_chunk_generated",
        "server.first_chunk_encoded",
    ),
    _speech(
        "delivery_ms",
        "First audio bytes from the server's socket to the caller.",
        "server.first_chunk_sent",
        "client.first_audio_chunk",
    ),
    _speech("audio_ms", "Length of the audio, from samples actually decoded.", better=""),
    _speech(
        "rtf",
        "Real-time factor: synthesis time / audio; below 1 is faster than real time. Without queue and back-pressure.",
    ),
    _speech(
        "realtime_ratio",
        "Audio / (request start -> last audio): what some plans call streaming efficiency. May exceed 1.",
        "client.request_start",
        "client.last_audio_chunk",
        better="more",
    ),
    _speech("stall_count", "Times a player that starts at the first audio runs dry before the end."),
    _speech("stall_ms", "Silence that those stalls put into the speech."),
    _speech("max_stall_ms", "The longest of those stalls."),
    _speech("required_prebuffer_ms", "The smallest start delay with which nothing stalls."),
    _speech("underrun_count", "Times the player really ran dry before the end, by its own account."),
    _speech("underrun_ms", "Silence that those underruns put into the speech."),
    _turn(
        "voice_to_voice_ms",
        "From the user's last word to the agent's first audible sample. A lower bound where an end was not logged.",
        "user.speech_end",
        "playback.first_sample",
    ),
    _turn(
        "request_to_audio_ms",
        "From the backend having the request to the first sound of the answer, by the surest event that tells of it.",
        "context.request_received",
        "playback.first_sample",
    ),
    _turn(
        "stt_to_audio_ms",
        "From the start of speech to text to the first sound of the answer, by the surest event that tells of it.",
        "stt.started",
        "playback.first_sample",
    ),
    _turn("endpointing_ms", "Deciding that the user had finished.", "user.speech_end", "stt.pause_detected"),
    _turn(
        "stt_ms",
        "Speech to text; from the end of speech where recognition ran while the user spoke.",
        "stt.started",
        "stt.transcript_final",
    ),
    _turn(
        "classification_ms",
        "Classifying the message.",
        "context.classification_start",
        "context.classification_complete",
    ),
    _turn("retrieval_ms", "Searching for context.", "context.retrieval_start", "context.retrieval_complete"),
    _turn(
        "llm_first_token_ms",
        "Until the model's first token, of the first call that has one.",
        "llm.request_sent",
        "llm.first_token",
    ),
    _turn(
        "llm_total_ms",
        "Until the model's answer was complete; several calls are added up.",
        "llm.request_sent",
        "llm.response_received",
    ),
    _turn("llm_chars_per_s", "Characters of the answer / time of the model.", better="more"),
    _turn("llm_tokens_per_s", "Tokens of the answer, as the model counts them / time of the model.", better="more"),
    _turn("prompt_chars", "Length of the prompt.", better=""),
    _turn("prompt_tokens", "Length of the prompt as the model counts, cached tokens included.", better=""),
    _turn("cached_tokens", "Tokens of the prompt that the model says it took from its cache.", better=""),
    _turn("kv_reuse_ratio", "Tokens that the model says it took from its cache / tokens of the prompt.", better="more"),
    _turn(
        "kv_handed_tokens",
        "Context of earlier turns that the caller handed to the model; whether the model used it is not said.",
        better="",
    ),
    _turn(
        "prefill_tokens",
        "Tokens of the prompt that the model says it evaluated. Some runtimes count cached ones too.",
        better="",
    ),
    _turn("prefill_ms", "Reading the prompt, by the model's own account."),
    _turn("prefill_ns_per_token", "Reading the prompt / tokens evaluated. Far below that of a first request: reuse."),
    _turn(
        "tts_first_audio_ms",
        "From the first synthesis to the first audio of the turn.",
        "tts.synthesis_start",
        "playback.started",
    ),
    _turn(
        "chunk_gap_ms",
        "Silence between the chunks of an answer: each is needed by the end of the playout of the one before it.",
    ),
    _turn(
        "chunk_synthesis_ms",
        "The longest synthesis of a chunk of the answer, until all its sound was there.",
        "tts.synthesis_start",
        "tts.synthesis_complete",
    ),
    _turn(
        "chunk_chars_per_s",
        "Characters of the chunks / time of their synthesis, what ran beside each other counted for each.",
        better="more",
    ),
    _turn("chunk_rtf_alone", "Synthesis time / audio of the chunks that were synthesised while no other was."),
    _turn("chunk_rtf_beside", "Synthesis time / audio of the chunks made beside others for most of their time."),
    _turn(
        "spoken_ratio",
        "Characters that were spoken / characters of the model's answer. Of an answer that was cut off, those that had "
        "been heard.",
        better="",
    ),
    _turn(
        "barge_in_stop_ms",
        "From the user beginning to speak into the answer to the agent's last audible sample.",
        "user.speech_start",
        "playback.completed",
    ),
    _turn("playback_ms", "Playing the answer.", "playback.started", "playback.completed", better=""),
    _turn("turn_total_ms", "From the first event of the turn to the last."),
)

DEFINITION_BY_NAME = {definition.name: definition for definition in DEFINITIONS}
