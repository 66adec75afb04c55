"""An engine's process: `python -m voxtrace.speech.worker --fd N --engine NAME`.

It reads utterances from its socket and writes blocks back while they are made. A socket whose buffer is
full makes it wait: that is how a slow listener slows an engine down. It ends when the socket does.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np

from voxtrace.clock import mono_ns
from voxtrace.errors import EXIT_UNREACHABLE, VoxtraceError
from voxtrace.speech.edges import Edges, shape_of
from voxtrace.speech.engines import load_engine
from voxtrace.speech.errors import EngineDidNotStart, EngineFailed
from voxtrace.speech.ports import OUTPUT_BYTES_PER_SECOND, OUTPUT_RATE_HZ, Engine, Phonemes, Samples, Utterance, Word
from voxtrace.speech.resample import Resampler
from voxtrace.speech.wire import CACHE_RESULTS, PHONEMES_MADE, Frame, FrameReader, Kind, pack
from voxtrace.speech.words import WordLog, pack_words
from voxtrace.units import NANOS_PER_MILLI

PR_SET_PDEATHSIG = 1  # linux/prctl.h
READ_BYTES = 64 * 1024
BYTES_PER_MIB = 1024 * 1024
LONGEST_HOLD_NS = 2 * NANOS_PER_MILLI  # an engine that takes longer for a block has each one sent at once
MOST_HELD_BYTES = OUTPUT_BYTES_PER_SECOND // 2


class Link:
    """The worker's end of the socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self.waited_ns = 0  # spent in `send`, that is, on the listener and not on synthesis

    def send(self, kind: Kind, job: int, payload: bytes = b"") -> None:
        """Write one frame; waits while the other side does not read."""
        began = mono_ns()
        self._connection.sendall(pack(kind, job, payload))
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
    link.send(Kind.READY, 0, json.dumps(asdict(catalogue)).encode())
    can = catalogue.abilities
    resampler = Resampler(engine.sample_rate_hz, OUTPUT_RATE_HZ)
    while (frame := link.receive()) is not None:
        if frame.kind != Kind.SPEAK:
            continue  # a cancel that came after its job's end
        try:
            utterance = Utterance(**json.loads(frame.payload))
            edges = Edges(engine.sample_rate_hz, shape_of(utterance, makes_pauses=can.makes_pauses))
            words = WordLog(engine.sample_rate_hz, edges) if can.word_timings else None
            _speak(engine, link, frame.job, utterance, Finish(edges, resampler, words))
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
        resampler = Resampler(engine.sample_rate_hz, OUTPUT_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Finish:
    """What an engine's sound goes through before it is sent."""

    edges: Edges
    resampler: Resampler
    words: WordLog | None  # None: the engine knows nothing of words

    def push(self, block: Samples) -> Samples:
        """The samples that are complete now."""
        return self._convert(self.edges.push(block))

    def end(self) -> Samples:
        """What is left."""
        return np.concatenate((self._convert(self.edges.finish()), self.resampler.finish()))

    def hear(self, block: Samples, sender: BlockSender) -> None:
        """Look which words end with this block of the engine."""
        if self.words is not None:
            self.words.hear(block)
            sender.words += self.words.take()

    def _convert(self, shaped: Samples) -> Samples:
        return self.resampler.convert(shaped) if shaped.size else shaped


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


def _speak(engine: Engine, link: Link, job: int, utterance: Utterance, finish: Finish) -> None:
    began, waited = mono_ns(), link.waited_ns
    sender = BlockSender(link, job)
    wanted = True

    def on_block(block: Samples) -> bool:
        nonlocal wanted
        # Words are told before the sound that they end with, but nothing is told before the first sound.
        is_first = sender.bytes_made == 0
        if not is_first:
            finish.hear(block, sender)
        sender.push(finish.push(block).tobytes())
        # Whoever waits for this processor may be the server with our first block in its hands, or the client.
        # Without this they would wait to the end of our time slice, 3 ms: espeak-ng's whole sentence.
        os.sched_yield()
        if is_first:
            finish.hear(block, sender)
        wanted = not link.is_cancelled(job)
        return wanted

    try:
        engine.speak(utterance, on_block, JobNotes(link, job, finish.words))
    finally:
        # Of a failure is told when the sound before it was sent.
        if wanted:
            rest = finish.end()
            if finish.words is not None:
                sender.words += finish.words.finish(sender.bytes_made // 2 + rest.size)
            sender.push(rest.tobytes())
        sender.flush()
    busy_ns = mono_ns() - began - (link.waited_ns - waited)
    link.send(Kind.DONE, job, json.dumps({"samples": sender.bytes_made // 2, "busy_ns": busy_ns}).encode())


class BlockSender:
    """Sends the first block at once, and after it no more often than somebody could tell the difference.

    espeak-ng makes a block in 40 µs. To wake the server for each of them would cost more than to make them,
    and would take the processor from the server when it is about to send the first one on.
    """

    def __init__(self, link: Link, job: int) -> None:
        self._link = link
        self._job = job
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._sent_ns = 0
        self.bytes_made = 0
        self.words: list[Word] = []  # to be told with the next sound

    def push(self, pcm: bytes) -> None:
        """Take a block; what is held is sent when it is due."""
        if not pcm:
            return
        self.bytes_made += len(pcm)
        self._held.append(pcm)
        self._held_bytes += len(pcm)
        if self._held_bytes >= MOST_HELD_BYTES or mono_ns() - self._sent_ns >= LONGEST_HOLD_NS:
            self.flush()

    def flush(self) -> None:
        """Send what is held."""
        if self.words:
            self._link.send(Kind.WORDS, self._job, pack_words(self.words))
            self.words = []
        if self._held:
            self._link.send(Kind.AUDIO, self._job, b"".join(self._held))
            self._held, self._held_bytes, self._sent_ns = [], 0, mono_ns()


def _end_with_the_server() -> None:
    """A worker that hangs would not notice that its socket is closed; on Linux the kernel sees to it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
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
