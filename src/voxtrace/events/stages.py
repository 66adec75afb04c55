"""Every stage a voice turn can pass, in the order in which it usually does, and the foreign names for it.

A stage's key is `side.name`. The two sides of one speech request carry the names of the original plans
in capitals (`REQUEST_START`); those are what Voxtrace itself writes. Other software's names stand in
`also`: reading a foreign log means finding its names here, and nothing else in the house knows them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One moment that has a name."""

    key: str  # "client.request_start"
    meaning: str
    name: str = ""  # what Voxtrace writes into an event; the key itself where a plan gave no name
    also: tuple[str, ...] = ()  # names that other software writes for the same moment

    @property
    def side(self) -> str:
        return self.key.partition(".")[0]


def _plan(side: str, name: str, meaning: str, *also: str) -> Stage:
    """A stage that the plans name in capitals."""
    return Stage(f"{side}.{name.lower()}", meaning, name, also)


def _stage(key: str, meaning: str, *also: str) -> Stage:
    return Stage(key, meaning, key, also)


STAGES: tuple[Stage, ...] = (
    _stage("user.speech_start", "The user began to speak.", "speech_start", "user_started_speaking"),
    _stage(
        "user.speech_end",
        "The user stopped speaking: the zero of voice-to-voice.",
        "speech_end",
        "user_stopped_speaking",
    ),
    _stage("user.interrupted", "The user spoke while the agent was audible.", "barge_in", "interruption"),
    _stage("stt.started", "Speech to text began to work on the utterance.", "stt_start"),
    _stage("stt.pause_detected", "The end-point detector decided that the user had finished.", "stt_pause_detected"),
    _stage("stt.first_partial", "The first words of the transcript were there.", "stt_first_partial"),
    _stage(
        "stt.transcript_final", "The transcript was complete.", "stt_transcript_finalized", "stt_end", "stt_complete"
    ),
    _stage("stt.handoff", "The transcript was handed to the next service.", "stt_sending_to_v34"),
    _stage("stt.http_request_start", "The request that carries the transcript was opened.", "stt_http_request_start"),
    _stage("stt.http_response_received", "The next service answered speech to text.", "stt_http_response_received"),
    _stage("context.handler_entry", "The backend's handler was entered.", "v34_flask_handler_entry"),
    _stage("context.request_received", "The backend has the transcript.", "v34_webhook_received", "request_received"),
    _stage("context.classification_start", "Classification of the message began.", "v34_classification_start"),
    _stage("context.classification_complete", "The message was classified.", "v34_classification_complete"),
    _stage("context.memory_storage_start", "Storing the message in memory began.", "v34_memory_storage_start"),
    _stage("context.memory_storage_complete", "The message was stored.", "v34_memory_storage_complete"),
    _stage("context.retrieval_start", "The search for context began.", "v34_retrieval_start"),
    _stage("context.retrieval_embedding_start", "Embedding the query began.", "v34_retrieval_embedding_start"),
    _stage("context.retrieval_embedding_complete", "The query was embedded.", "v34_retrieval_embedding_complete"),
    _stage("context.retrieval_query_start", "The database was asked.", "v34_retrieval_query_start"),
    _stage("context.retrieval_query_complete", "The database answered.", "v34_retrieval_query_complete"),
    _stage("context.retrieval_complete", "The context was found.", "v34_retrieval_complete"),
    _stage("context.prompt_built", "The prompt was assembled.", "v34_prompt_built"),
    _stage(
        "llm.request_sent",
        "The prompt went to the language model.",
        "v34_ollama_sent",
        "ollama_start",
        "llm_request_sent",
    ),
    _stage("llm.first_token", "The first token came back.", "llm_first_token"),
    _stage("llm.first_sentence", "Enough text was there to speak.", "llm_first_sentence"),
    _stage(
        "llm.response_received",
        "The model's answer was complete.",
        "v34_ollama_received",
        "ollama_end",
        "llm_response_received",
    ),
    _stage("llm.pipeline_start", "Taking the answer apart into pieces to speak began.", "pipeline_start"),
    _stage("llm.pipeline_complete", "All pieces of the answer were spoken or given up.", "pipeline_end"),
    _stage("llm.handoff", "The answer was handed to text to speech.", "v34_sending_to_tts"),
    _stage(
        "llm.response_sent", "The backend answered its caller.", "request_end", "request_completed", "request_complete"
    ),
    _stage("tts.request_received", "Text to speech has the text.", "tts_request_received"),
    _stage("tts.pause_sent", "The microphone was asked to pause.", "tts_pause_sent"),
    _stage("tts.synthesis_start", "Synthesis of a piece began.", "tts_synthesis_start", "chunk_tts_start"),
    _stage("tts.request_answered", "The synthesiser's own answer for a piece was there.", "chunk_tts_api_end"),
    _stage("tts.first_audio", "The first audio of a piece existed.", "first_audio", "tts_first_audio"),
    _stage("tts.metadata_start", "A second call for a piece's metadata was opened.", "chunk_metadata_start"),
    _stage("tts.metadata_complete", "The metadata of a piece was there.", "chunk_metadata_end"),
    _stage("tts.synthesis_complete", "A piece was ready to play.", "tts_synthesis_complete", "chunk_tts_end"),
    _stage("playback.started", "The player began to play.", "tts_audio_playback_start", "playback_start"),
    _stage("playback.first_sample", "The first audible sample left the device.", "client.heard", "heard"),
    _stage("playback.underrun_start", "The player ran dry.", "underrun_start"),
    _stage("playback.underrun_end", "The player had samples again.", "underrun_end"),
    _stage(
        "playback.completed", "The last sample left the device.", "tts_audio_playback_complete", "playback_complete"
    ),
    _stage("tts.resume_sent", "The microphone was asked to resume.", "tts_resume_sent"),
    _plan("client", "REQUEST_START", "Somebody asked for speech: the zero of every client number."),
    _plan("client", "REQUEST_SENT", "The whole request was handed to the socket."),
    _plan("client", "HEADERS_RECEIVED", "The response's headers came back; says nothing about audio."),
    _plan(
        "client",
        "FIRST_BYTE_RECEIVED",
        "The first byte of the body came; it may be a container's header.",
        "client.first_byte",
    ),
    _plan("client", "FIRST_AUDIO_CHUNK", "The first bytes that decode to samples came.", "client.first_audio"),
    _plan("client", "FIRST_AUDIBLE_CHUNK", "The bytes that hold the first audible sample came."),
    _plan("client", "AUDIO_CHUNK_RECEIVED", "One read from the socket brought audio."),
    _plan("client", "LAST_AUDIO_CHUNK", "The last audio of the response came."),
    _plan("client", "REQUEST_COMPLETE", "The response ended, well or not.", "FINAL_SUMMARY", "ERROR"),
    _plan("server", "REQUEST_RECEIVED", "The server has the request."),
    _plan("server", "PROCESSING_START", "The request was checked and accepted."),
    _plan("server", "TEXT_PROCESSING_COMPLETE", "The text was normalised and cut into pieces."),
    _plan("server", "QUEUE_START", "A piece waits for a free engine."),
    _plan("server", "CACHE_HIT", "A piece was there already, in the cache of that level: no engine spoke it."),
    _plan("server", "PHONEME_GENERATION_COMPLETE", "A piece's phonemes exist."),
    _plan("server", "INFERENCE_START", "An engine began to work on a piece: its queue wait is over."),
    _plan("server", "FIRST_CHUNK_GENERATED", "The engine produced the request's first block of samples."),
    _plan("server", "AUDIO_CHUNK_GENERATED", "The engine produced a block of samples."),
    _plan("server", "INFERENCE_COMPLETE", "The engine finished a piece."),
    _plan("server", "FIRST_CHUNK_ENCODED", "The first bytes of the answer that hold audio were ready."),
    _plan("server", "FIRST_CHUNK_SENT", "Those bytes were handed to the socket."),
    _plan("server", "AUDIO_GENERATION_COMPLETE", "All audio of the request exists."),
    _plan("server", "REQUEST_COMPLETE", "The server is done with the request, well or not.", "FINAL_SUMMARY", "ERROR"),
    _stage("sdk.dropped", "Events were dropped because the buffer was full; metadata says how many."),
)

STAGE_BY_KEY: dict[str, Stage] = {stage.key: stage for stage in STAGES}

# Who writes as the caller of a speech request. Only REQUEST_COMPLETE and ERROR need it: both sides use them.
CLIENT_SERVICES = frozenset({"client", "player", "browser", "raycast", "say", "playground", "loadtest", "bench"})


def _by_name() -> dict[str, tuple[Stage, ...]]:
    names: dict[str, tuple[Stage, ...]] = {}
    for stage in STAGES:
        for name in {stage.key, stage.name, *stage.also}:
            names[name] = (*names.get(name, ()), stage)
    return names


_STAGES_BY_NAME = _by_name()


def stage_of(service: str, name: str) -> Stage | None:
    """The stage that `service` means by `name`, or None where the table has no such name.

    Names are looked up as they are written, capitals and all. A name that both sides of a request use
    belongs to the client where the service is one of `CLIENT_SERVICES`, else to the server.
    """
    found = _STAGES_BY_NAME.get(name)
    if found is None:
        return None
    if len(found) == 1:
        return found[0]
    side = "client" if service in CLIENT_SERVICES else "server"
    return next((stage for stage in found if stage.side == side), found[0])
