"""Drop-in for the module `latency_tracker` that voice services keep: `log_timing`, `Events`, `generate_request_id`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from voxtrace.tracker.buffer import text_id
from voxtrace.tracker.tracker import Tracker


class Events:
    """Names that such services use; `voxtrace.events.stages` says what each of them means."""

    STT_TRANSCRIPT_FINALIZED = "stt_transcript_finalized"
    STT_SENDING_TO_V34 = "stt_sending_to_v34"
    V34_WEBHOOK_RECEIVED = "v34_webhook_received"
    V34_CLASSIFICATION_START = "v34_classification_start"
    V34_CLASSIFICATION_COMPLETE = "v34_classification_complete"
    V34_RETRIEVAL_START = "v34_retrieval_start"
    V34_RETRIEVAL_COMPLETE = "v34_retrieval_complete"
    V34_PROMPT_BUILT = "v34_prompt_built"
    V34_OLLAMA_SENT = "v34_ollama_sent"
    V34_OLLAMA_RECEIVED = "v34_ollama_received"
    V34_SENDING_TO_TTS = "v34_sending_to_tts"
    TTS_REQUEST_RECEIVED = "tts_request_received"
    TTS_PAUSE_SENT = "tts_pause_sent"
    TTS_SYNTHESIS_START = "tts_synthesis_start"
    TTS_AUDIO_PLAYBACK_START = "tts_audio_playback_start"
    TTS_AUDIO_PLAYBACK_COMPLETE = "tts_audio_playback_complete"
    TTS_RESUME_SENT = "tts_resume_sent"


def log_timing(request_id: str | None, service: str, event: str, metadata: Mapping[str, object] | None = None) -> None:
    """`event` happened now in `service`. Never raises and never waits; the environment says what becomes of it.

    A `session_id` in the metadata is the event's session.
    """
    service = text_id(service)
    recorder = _tracker_for(service)._recorder
    if recorder is not None:
        told = {} if metadata is None else metadata
        # Of the type and not of the object: that one would be asked for its `__class__`, and might refuse.
        known = told if issubclass(type(told), Mapping) else {"metadata": told}
        recorder.record(service, (event, request_id, None), known)


# Bounded, because a service's name may be made up for every call; its trackers share one buffer and thread.
@lru_cache(maxsize=64)
def _tracker_for(service: str) -> Tracker:
    return Tracker(service)
