"""An engine's process: `python -m voxtrace.speech.worker --fd N --engine NAME`.

It reads utterances from its socket and writes blocks back while they are made. A socket whose buffer is
full makes it wait: that is how a slow listener slows an engine down. It ends when the socket does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

from voxtrace.clock import mono_ns
from voxtrace.errors import EXIT_UNREACHABLE, VoxtraceError
from voxtrace.lifetime import end_with_parent
from voxtrace.speech.edges import Edges, shape_of
from voxtrace.speech.engines import load_engine
from voxtrace.speech.errors import EngineDidNotStart, EngineFailed
from voxtrace.speech.outlet import Finish, Outlet, warm_up
from voxtrace.speech.ports import OUTPUT_RATE_HZ, Abilities, Engine, Phonemes, Utterance, Word
from voxtrace.speech.resample import Resampler
from voxtrace.speech.wire import CACHE_RESULTS, PHONEMES_MADE, Frame, FrameReader, Kind, pack
from voxtrace.speech.words import WordLog

READ_BYTES = 64 * 1024
BYTES_PER_MIB = 1024 * 1024


class Link:
    """The worker's end of the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self.waited_ns = 0  # spent in `send`, that is, on the listener and not on synthesis

    def send(self, kind: Kind, job: int, payload: bytes = b"") -> None:
        """Write one frame; waits while the other side does not read."""
        self.write(pack(kind, job, payload))

    def write(self, frames: bytes) -> None:
        """Write whole frames, or none; waits as `send` does."""
        began = mono_ns()
        if frames:
            self._connection.sendall(frames)
        self.waited_ns += mono_ns() - began

    def receive(self) -> Frame | None:
        """The next frame, or None when the server is gone."""
        while not self._frames:
            data = self._connection.recv(READ_BYTES)
            if not data:
                return None
            self._frames.extend(self._reader.feed(data))
        return self._frames.pop(0)

    def is_cancelled(self, job: int) -> bool:
        """Whether the server took the job back, or is gone. Never waits."""
        try:
            data = self._connection.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        if not data:
            return True
        self._frames.extend(self._reader.feed(data))
        return any(frame.kind == Kind.CANCEL and frame.job == job for frame in self._frames)


def serve(engine: Engine, link: Link) -> None:
    """Speak what the server asks for until it is gone."""
    catalogue = engine.catalogue()
    can, rate_hz = catalogue.abilities, engine.sample_rate_hz
    warm_up(_finish(Utterance("ready", ""), can, rate_hz, Resampler(rate_hz, OUTPUT_RATE_HZ)), rate_hz)
    link.send(Kind.READY, 0, json.dumps(asdict(catalogue)).encode())
    resampler = Resampler(rate_hz, OUTPUT_RATE_HZ)
    while (frame := link.receive()) is not None:
        if frame.kind != Kind.SPEAK:
            continue  # a cancel that came after its job's end
        try:
            utterance = Utterance(**json.loads(frame.payload))
            _speak(engine, link, frame.job, utterance, _finish(utterance, can, rate_hz, resampler))
        except EngineFailed as failure:
            link.send(Kind.FAILED, frame.job, failure.why.encode())
        except OSError:
            raise  # the socket: nobody is left to tell
        except MemoryError:
            # What a library does after that is anybody's guess: the pool starts a new process.
            link.send(Kind.NO_MEMORY, frame.job)
            return
        except Exception as failure:  # noqa: BLE001 - an engine may raise anything; the request must hear of it
            link.send(Kind.FAILED, frame.job, f"{type(failure).__name__}: {failure}".encode())
        # Made now and not when the next utterance is here: 30 µs that nobody waits for.
        resampler = Resampler(rate_hz, OUTPUT_RATE_HZ)


@dataclass(frozen=True, slots=True)
class JobNotes:
    """What the engine tells of one job, on its way to the server; see `Notes`."""

    link: Link
    job: int
    words: WordLog | None

    def phonemes(self, made: Phonemes) -> None:
        """Sent at once: inference takes longer by a thousand times, and may never end."""
        record = PHONEMES_MADE.pack(mono_ns(), CACHE_RESULTS.index(made.cache), made.entries, made.bytes)
        self.link.send(Kind.PHONEMES, self.job, record)

    def word(self, word: Word) -> None:
        """Kept until its sound is complete."""
        if self.words is not None:
            self.words.add(word)


def _finish(utterance: Utterance, can: Abilities, rate_hz: int, resampler: Resampler) -> Finish:
    edges = Edges(rate_hz, shape_of(utterance, makes_pauses=can.makes_pauses))
    return Finish(edges, resampler, WordLog(rate_hz, edges) if can.word_timings else None)


def _speak(engine: Engine, link: Link, job: int, utterance: Utterance, finish: Finish) -> None:
    began, waited = mono_ns(), link.waited_ns
    outlet = Outlet(link, job, finish, engine.sample_rate_hz)
    is_whole = False
    try:
        engine.speak(utterance, outlet.push, JobNotes(link, job, finish.words))
        is_whole = True
    finally:
        frames = outlet.finish()  # of a failure is told when the sound before it was sent
        if is_whole:
            busy_ns = mono_ns() - began - (link.waited_ns - waited)
            spoken = json.dumps({"samples": outlet.bytes_made // 2, "busy_ns": busy_ns}).encode()
            frames += pack(Kind.DONE, job, spoken)
        link.write(frames)  # in one go: the server wakes once for all


def _end_with_the_server() -> None:
    """A worker that hangs would not notice that its socket is closed; on Linux the kernel sees to it."""
    end_with_parent(os.getppid())
    # Ctrl-C reaches the whole process group; the server decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one engine on the socket that was inherited as file descriptor `--fd`."""
    parser = argparse.ArgumentParser(prog="voxtrace.speech.worker", description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--options", type=json.loads, default={}, help="the engine's own options, as JSON")
    parser.add_argument("--memory-mib", type=int, help="the most address space that this process may have")
    args = parser.parse_args(argv)
    _end_with_the_server()
    if args.memory_mib is not None:
        resource.setrlimit(resource.RLIMIT_AS, (args.memory_mib * BYTES_PER_MIB, args.memory_mib * BYTES_PER_MIB))
    link = Link(socket.socket(fileno=args.fd))
    try:
        serve(load_engine(args.engine, cast("Mapping[str, object]", args.options)), link)
    except VoxtraceError as error:
        link.send(Kind.NOT_STARTED, 0, (error.why if isinstance(error, EngineDidNotStart) else str(error)).encode())
        return error.exit_code
    except MemoryError:
        link.send(Kind.NOT_STARTED, 0, b"there is too little memory for it")
        return EXIT_UNREACHABLE
    except OSError:
        pass  # the server went away while something was being written to it
    return 0


if __name__ == "__main__":
    sys.exit(main())
