"""What can go wrong while text becomes sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxtrace.errors import EXIT_UNREACHABLE, VoxtraceError


class SpeechError(VoxtraceError):
    """Speech was asked for and could not be made."""

    code = "speech_failed"  # short and stable: what events and API errors carry
    stage = "inference"  # where on its way the request was lost


class EngineFailed(SpeechError):
    """The engine refused an utterance and lives on."""

    code = "engine_failed"

    def __init__(self, why: str) -> None:
        super().__init__(f"the speech engine failed during inference: {why}")
        self.why = why


class EngineCrashed(SpeechError):
    """An engine's process ended while it spoke."""

    code = "engine_crashed"

    def __init__(self, pid: int) -> None:
        super().__init__(
            f"the speech engine's process {pid} ended during inference; a new one is being started, so ask again"
        )
        self.pid = pid


class EngineHung(SpeechError):
    """An engine's process made no progress for too long and was ended."""

    code = "engine_hung"

    def __init__(self, pid: int, limit_s: float) -> None:
        super().__init__(
            f"the speech engine's process {pid} made no sound for {limit_s:g} s during inference and was ended; "
            "a new one is being started, so ask again"
        )
        self.pid, self.limit_s = pid, limit_s


class EngineOutOfMemory(SpeechError):
    """An engine's process got no more memory while it spoke, and ended itself."""

    code = "engine_out_of_memory"

    def __init__(self, pid: int) -> None:
        super().__init__(
            f"the speech engine's process {pid} ran out of memory during inference; a new one is being started: "
            "ask for less text at once, or give engines more memory"
        )
        self.pid = pid


class EngineDidNotStart(SpeechError):
    """An engine's process ended, or said nothing, before it was ready."""

    code = "engine_not_started"
    exit_code = EXIT_UNREACHABLE

    def __init__(self, engine: str, why: str) -> None:
        super().__init__(f"the speech engine {engine!r} did not start: {why}")
        self.engine, self.why = engine, why


class VoiceUnusable(SpeechError):
    """A voice model's files can't be spoken with; the classes below say what is wrong with them."""

    code = "voice_unusable"


class VoiceFileMissing(VoiceUnusable):
    """A file that the voice needs is not there."""

    def __init__(self, folder: Path, wanted: str, found: Sequence[str]) -> None:
        has = ", ".join(found) if found else "nothing that a voice is made of"
        super().__init__(f"{folder} has no {wanted}; it has {has}")
        self.folder, self.wanted, self.found = folder, wanted, tuple(found)


class VoiceFileBroken(VoiceUnusable):
    """A file of the voice is not what its name says, or only a part of it."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file} can't be read: {why}; get it once more from where it came from")
        self.file, self.why = file, why


class OtherModel(VoiceUnusable):
    """The file holds a model, and not one of this kind of voice."""

    def __init__(self, file: Path, kind: str, why: str) -> None:
        super().__init__(f"{file} holds another model than one of {kind}: {why}")
        self.file, self.kind, self.why = file, kind, why


class PhonemesUnusable(VoiceUnusable):
    """Phonemes and model do not fit together."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"the phonemes of {file} can't be used: {why}")
        self.file, self.why = file, why


class Refused(SpeechError):
    """The server has too much to do; `retry_after_s` says when it is worth another try."""

    stage = "queue"

    def __init__(self, why: str, retry_after_s: int) -> None:
        super().__init__(f"{why}; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class QueueFull(Refused):
    """As many requests as are allowed wait for an engine already."""

    code = "queue_full"

    def __init__(self, waiting: int, retry_after_s: int) -> None:
        super().__init__(
            f"{waiting} requests wait for a speech engine already (--workers and max_waiting raise this)", retry_after_s
        )
        self.waiting = waiting


class TooLate(Refused):
    """The first sound would come later than is allowed."""

    code = "too_late"

    def __init__(self, predicted_ms: float, limit_ms: float, retry_after_s: int) -> None:
        super().__init__(
            f"the first sound would come after about {predicted_ms:.0f} ms, more than the {limit_ms:g} ms allowed",
            retry_after_s,
        )
        self.predicted_ms, self.limit_ms = predicted_ms, limit_ms


class NoCapacity(Refused):
    """With one stream more, all of them would stutter."""

    code = "no_capacity"

    def __init__(self, active: int, rtf: float, retry_after_s: int) -> None:
        super().__init__(
            f"{active} streams are being spoken, at a real-time factor of {rtf:.2g}: one more would make them stutter",
            retry_after_s,
        )
        self.active, self.rtf = active, rtf


class NoSound(SpeechError):
    """The engine finished and made no sample."""

    code = "no_sound"

    def __init__(self, voice: str = "", language: str = "") -> None:
        who = f"the voice {voice!r}" if voice else "this voice"
        speaks = f", which speaks {language}," if language else ""
        super().__init__(f"the engine made no sound of this text: it holds nothing that {who}{speaks} can pronounce")
        self.voice, self.language = voice, language


class ReaderTooSlow(SpeechError):
    """A client read so slowly that its stream would have kept an engine from everybody else."""

    code = "reader_too_slow"
    stage = "delivery"

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"the client took no audio for {limit_s:g} s while an engine waited for it")
        self.limit_s = limit_s


class Stopping(SpeechError):
    """The server is being stopped."""

    code = "stopping"
    stage = "queue"

    def __init__(self) -> None:
        super().__init__("the speech server is stopping; ask again when it is back")


class ClientGone(SpeechError):
    """The client closed its connection: nobody listens any more."""

    code = "client_gone"
    stage = "delivery"

    def __init__(self) -> None:
        super().__init__("the client closed the connection")
