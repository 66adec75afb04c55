"""The server's end of one engine's process: starts it, feeds it, notices when it ends."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from voxtrace.clock import mono_ns
from voxtrace.speech.errors import EngineFailed
from voxtrace.speech.job import Job, Spoken
from voxtrace.speech.ports import Abilities, Catalogue, Mode, Voice
from voxtrace.speech.tally import Tally
from voxtrace.speech.wire import CACHE_RESULTS, PHONEMES_MADE, BrokenStream, Frame, FrameReader, Kind, pack


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine the processes run."""

    name: str = "espeak"
    options: dict[str, object] = field(default_factory=dict)
    memory_mib: int | None = None  # address space of one process; None: as much as there is


class Owner(Protocol):
    """Who keeps the process: the pool."""

    @property
    def tally(self) -> Tally: ...
    def on_ready(self, process: EngineProcess) -> None: ...
    def on_idle(self, process: EngineProcess) -> None: ...
    def on_spoken(self, job: Job, spoken: Spoken) -> None: ...
    def on_no_memory(self, process: EngineProcess) -> None: ...
    def on_lost(self, process: EngineProcess) -> None: ...


class EngineProcess(asyncio.Protocol):
    """One worker process and its socket. The event loop only moves bytes through here."""

    def __init__(self, owner: Owner, choice: EngineChoice) -> None:
        self._owner = owner
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._is_paused = False
        self._choice = choice
        self.catalogue: Catalogue | None = None  # None until it is ready
        self.job: Job | None = None
        self.voice = ""  # what it spoke with last; loading another costs up to 2 ms
        self.last_words = ""  # why its engine could not be loaded
        self.jobs_done = 0
        self.phonemes_kept = [0, 0]  # entries and bytes of its cache of phonemes
        self.progress_ns = mono_ns()  # when it last started, got a job or sent something

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    @property
    def waits_for_listener(self) -> bool:
        """Whether it is our side that keeps it from going on."""
        return self._is_paused

    async def start(self) -> None:
        """Start the process and connect to it; `Owner.on_ready` is called when its engine is loaded."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        command = [sys.executable, "-m", "voxtrace.speech.worker", "--fd", str(theirs.fileno())]
        command += ["--engine", self._choice.name, "--options", json.dumps(self._choice.options)]
        if self._choice.memory_mib is not None:
            command += ["--memory-mib", str(self._choice.memory_mib)]
        # A new program and not a fork: a copy of the server would share its sockets, locks and threads.
        self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(theirs.fileno(),))
        theirs.close()
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self, ours)

    def speak(self, job: Job) -> None:
        """Give it a job; it must be idle."""
        self.job, job.holder = job, self
        self.progress_ns = mono_ns()
        said = job.utterance
        # By hand: `dataclasses.asdict` takes five times as long.
        record: dict[str, object] = {"text": said.text, "voice": said.voice, "speed": said.speed}
        record["is_first"], record["pause_after"] = said.is_first, said.pause_after
        if said.variant:
            record["variant"] = said.variant
        if job.fresh:
            record["fresh"] = True
        self._write(pack(Kind.SPEAK, job.number, json.dumps(record).encode()))
        job.listener.on_start(self.pid, warm=self.jobs_done > 0)
        self._owner.tally.count_start(self, job)
        self.voice = job.utterance.voice

    def cancel(self) -> None:
        """Tell it to stop within a block; what it has made so far is read and thrown away."""
        if self.job is not None:
            self._write(pack(Kind.CANCEL, self.job.number))
            self.resume()

    def pause(self) -> None:
        """Stop reading: its socket fills up and it waits."""
        if not self._is_paused and self._transport is not None:
            self._is_paused = True
            if self.job is not None:
                self.job.was_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = False
            self.progress_ns = mono_ns()
            self._transport.resume_reading()

    def kill(self) -> None:
        """End it at once; `Owner.on_lost` follows."""
        if self._child is not None:
            self._child.kill()
        if self._transport is not None:
            self._transport.abort()

    def reap(self) -> int:
        """Wait for its end, which must have been caused already; its exit status."""
        return self._child.wait() if self._child is not None else 0

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.progress_ns = mono_ns()
        audio: list[bytes] = []
        try:
            for frame in self._reader.feed(data):
                if frame.kind == Kind.AUDIO:
                    audio.append(frame.payload)
                    continue
                if frame.kind in (Kind.WORDS, Kind.PHONEMES):
                    self._note(frame)
                    continue
                self._deliver(audio)
                audio = []
                self._obey(frame)
        except BrokenStream:
            self.kill()
            return
        self._deliver(audio)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._owner.on_lost(self)

    def _deliver(self, audio: list[bytes]) -> None:
        if audio and self.job is not None and not self.job.cancelled:
            self.job.first_block_ns = self.job.first_block_ns or mono_ns() - self.job.started_ns
            self.job.listener.on_audio(audio[0] if len(audio) == 1 else b"".join(audio))

    def _note(self, frame: Frame) -> None:
        job = self.job
        if frame.kind == Kind.PHONEMES:
            at_ns, cache, *self.phonemes_kept = PHONEMES_MADE.unpack(frame.payload)
            self._owner.tally.count_phonemes(CACHE_RESULTS[cache])
            if job is not None and not job.cancelled:
                job.listener.on_phonemes(at_ns)
        elif job is not None and not job.cancelled:
            job.listener.on_words(frame.payload)

    def _obey(self, frame: Frame) -> None:
        if frame.kind == Kind.READY:
            self.catalogue = catalogue_from_json(frame.payload)
            self.voice = self.catalogue.abilities.warm_voice
            self._owner.on_ready(self)
            return
        if frame.kind == Kind.NOT_STARTED:
            self.last_words = frame.payload.decode("utf-8", "replace")
            return
        if frame.kind == Kind.NO_MEMORY:
            self._owner.on_no_memory(self)
            return
        job = self.job
        if job is None or frame.job != job.number:
            return
        self.job, job.holder = None, None
        self.jobs_done += 1
        # The engine is free before the listener hears of it, so that its next piece finds one.
        if frame.kind == Kind.DONE:
            spoken = Spoken(**json.loads(frame.payload))
            self._owner.on_spoken(job, spoken)
            self._finish(lambda: job.listener.on_done(spoken))
        else:
            self._finish(lambda: job.listener.on_error(EngineFailed(frame.payload.decode("utf-8", "replace"))))

    def _finish(self, tell: Callable[[], None]) -> None:
        self.resume()
        self._owner.on_idle(self)
        tell()


def catalogue_from_json(payload: bytes) -> Catalogue:
    """What a worker said about its engine."""
    record = json.loads(payload)
    voices = tuple(Voice(**voice | {"also": tuple(voice["also"])}) for voice in record["voices"])
    said: Any = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record["abilities"].items()
    }
    said["modes"] = tuple(Mode(**mode) for mode in said["modes"])
    abilities, variants = Abilities(**said), tuple(record["variants"])
    return Catalogue(record["engine"], record["provider"], voices, variants, record["build"], abilities)
