"""One engine in one process, outside of any server: does it load, and does it make a sound?"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import dataclass

import numpy as np

from voxtrace.clock import mono_ns
from voxtrace.speech.edges import SILENT
from voxtrace.speech.engine_process import EngineChoice, catalogue_from_json
from voxtrace.speech.errors import EngineDidNotStart, EngineFailed, VoiceUnusable
from voxtrace.speech.ports import OUTPUT_BYTES_PER_SECOND, Catalogue
from voxtrace.speech.wire import BrokenStream, Frame, FrameReader, Kind, pack
from voxtrace.units import NANOS_PER_SECOND

PATIENCE_S = 120.0  # for a large model from a slow disk, and for a sentence on a slow processor
READ_BYTES = 1 << 20


class SilentModel(VoiceUnusable):
    """A model loads and speaks, and nothing can be heard."""

    def __init__(self, audio_s: float) -> None:
        super().__init__(f"the model made {audio_s:.2f} s of silence: its weights are not those of a voice")
        self.audio_s = audio_s


@dataclass(frozen=True, slots=True)
class Trial:
    """What an engine did."""

    catalogue: Catalogue
    load_s: float
    audio_s: float = 0.0  # 0 when nothing was to be said
    synthesis_s: float = 0.0

    @property
    def rtf(self) -> float | None:
        """Synthesis by audio; None when nothing was said."""
        return self.synthesis_s / self.audio_s if self.audio_s else None


def try_engine(choice: EngineChoice, text: str = "", voice: str = "") -> Trial:
    """Load an engine and, with a text, let it speak; the process is gone afterwards.

    Raises:
        EngineDidNotStart: it can't be loaded; the error says why.
        EngineFailed: it does not speak.
        SilentModel: it speaks, and nothing can be heard.
    """
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "voxtrace.speech.worker", "--fd", str(theirs.fileno())]
    command += ["--engine", choice.name, "--options", json.dumps(choice.options)]
    began = mono_ns()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(theirs.fileno(),))
    theirs.close()
    try:
        with ours:
            ours.settimeout(PATIENCE_S)
            line = _Line(ours)
            ready = line.receive()
            if ready is None or ready.kind != Kind.READY:
                raise EngineDidNotStart(choice.name, _last_words(ready, child))
            catalogue, load_s = catalogue_from_json(ready.payload), _seconds_since(began)
            return (
                line.speak(Trial(catalogue, load_s), text, voice or catalogue.voices[0].id)
                if text
                else Trial(catalogue, load_s)
            )
    except TimeoutError as why:
        raise EngineFailed(f"it did nothing for {PATIENCE_S:g} s") from why
    except BrokenStream as why:
        raise EngineFailed(str(why)) from why
    finally:
        child.kill()
        child.wait()


class _Line:
    """Our end of the worker's socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._frames: list[Frame] = []

    def receive(self) -> Frame | None:
        """The next frame; None when the process is gone."""
        while not self._frames:
            data = self._connection.recv(READ_BYTES)
            if not data:
                return None
            self._frames.extend(self._reader.feed(data))
        return self._frames.pop(0)

    def speak(self, loaded: Trial, text: str, voice: str) -> Trial:
        """Say the text and listen to the end."""
        began = mono_ns()
        self._connection.sendall(pack(Kind.SPEAK, 1, json.dumps({"text": text, "voice": voice}).encode()))
        heard, loudest = 0, 0
        while (frame := self.receive()) is not None and frame.kind in (Kind.AUDIO, Kind.WORDS, Kind.PHONEMES):
            if frame.kind != Kind.AUDIO:
                continue
            heard += len(frame.payload)
            loudest = max(loudest, int(np.abs(np.frombuffer(frame.payload, np.int16).astype(np.int32)).max(initial=0)))
        if frame is None or frame.kind != Kind.DONE:
            words = {Kind.FAILED: "", Kind.NO_MEMORY: "it ran out of memory"}
            told = words.get(Kind(frame.kind), "") if frame else "its process ended"
            raise EngineFailed(told or (frame.payload.decode("utf-8", "replace") if frame else told))
        audio_s = heard / OUTPUT_BYTES_PER_SECOND
        if loudest <= SILENT:
            raise SilentModel(audio_s)
        return Trial(loaded.catalogue, loaded.load_s, audio_s, _seconds_since(began))


def _last_words(frame: Frame | None, child: subprocess.Popen[bytes]) -> str:
    if frame is not None:
        return frame.payload.decode("utf-8", "replace")
    status = child.wait()
    return f"its process was ended by signal {-status}" if status < 0 else f"its process ended with status {status}"


def _seconds_since(began: int) -> float:
    return (mono_ns() - began) / NANOS_PER_SECOND
