"""Writes what was heard into one file, whatever number of requests it took."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from voxtrace.audio.wav import SampleFormat, parse_header, write_header
from voxtrace.client.errors import SpeechRequestFailed
from voxtrace.client.sound import Sound
from voxtrace.errors import VoxtraceError

WAV_HEADER_BYTES = 44  # of the header that a recording writes itself
BLOCK_BYTES = 32 * 1024  # that a follower reads at once


class RecordingFailed(VoxtraceError):
    """The file of the recording can't be written."""

    def __init__(self, path: Path, why: OSError) -> None:
        super().__init__(f"{path} can't be written ({why.strerror or why}); choose another with --out FILE")
        self.path = path


class FormatChanged(SpeechRequestFailed):
    """A later request was answered in another format than the first, so the two can't be joined."""

    code = "format_changed"

    def __init__(self, first: str, later: str) -> None:
        super().__init__(f"the first answer was {first} and a later one is {later}: one file can't hold both")
        self.first, self.later = first, later


class Recording:
    """A file that grows while it is heard, and may be followed while it grows.

    Bodies are written as they came, with two exceptions: WAV headers of later answers are left out, and the
    sizes in the first one, which a streaming server does not know, are filled in at the end where the file
    can be sought in.
    """

    def __init__(self, path: Path, file: BinaryIO | None = None) -> None:
        self.path = path
        try:
            self._file = file or path.open("wb", buffering=0)
        except OSError as why:
            raise RecordingFailed(path, why) from why
        self._seekable = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        self.format: str | None = None
        self.samples: SampleFormat | None = None  # of WAV and PCM
        self.written = 0
        self._data_bytes = 0  # samples, where the format is WAV
        self._headed = False
        self.answers: list[tuple[int, str]] = []  # the first frame of each answer with samples, and its request's id
        self._grown = threading.Condition()
        self._closed = False
        self._new_answer()

    def _new_answer(self) -> None:
        self._start: bytes | None = b""  # of a WAV whose header is not whole yet
        self._data_left: int | None = None

    def begin_answer(self, request_id: str = "") -> None:
        """The next bytes are those of another answer."""
        self._new_answer()
        held = self._data_bytes if self.format == "wav" else self.written
        self.answers.append((held // self.samples.frame_bytes if self.samples else 0, request_id))

    def add(self, sound: Sound, body: bytes) -> None:
        """Write the next bytes of an answer.

        Raises:
            FormatChanged: this answer can't be joined to the one before.
            RecordingFailed: the file can't be written.
        """
        if self.format not in (None, sound.format):
            raise FormatChanged(self.format or "", sound.format)
        self.format = sound.format
        if sound.format == "wav":
            body = self._samples_of(body)
        elif sound.samples is not None:
            self._agree_on(sound.samples)
        if body:
            self._write(body)

    def _samples_of(self, body: bytes) -> bytes:
        """The samples in these bytes of a WAV, behind our own header where they are the first."""
        if self._start is not None:
            self._start += body
            header = parse_header(self._start)
            if header is None:
                return b""
            self._agree_on(header.samples)
            body, self._start, self._data_left = self._start[header.data_offset :], None, header.data_bytes
            if not self._headed:
                self._headed = True
                self._write(write_header(header.samples))
        if self._data_left is not None:
            body = body[: self._data_left]
            self._data_left -= len(body)
        self._data_bytes += len(body)
        return body

    def _agree_on(self, samples: SampleFormat) -> None:
        if self.samples not in (None, samples):
            raise FormatChanged(f"{self.samples}", f"{samples}")
        self.samples = samples

    def _write(self, body: bytes) -> None:
        left = memoryview(body)
        try:
            while left:
                left = left[self._file.write(left) :]
        except BrokenPipeError:
            raise
        except OSError as why:
            raise RecordingFailed(self.path, why) from why
        with self._grown:
            self.written += len(body)
            self._grown.notify_all()

    def close(self) -> None:
        """No more will come: fill in the sizes and let followers end."""
        if self._closed:
            return
        try:
            with self._file as file:
                if self._headed and self._seekable and self.samples:
                    file.seek(0)
                    file.write(write_header(self.samples, self._data_bytes))
        except OSError as why:
            raise RecordingFailed(self.path, why) from why
        finally:
            with self._grown:
                self._closed = True
                self._grown.notify_all()

    def follow(self, stop: threading.Event) -> Iterator[bytes]:
        """The bytes of the file from its beginning, as they are written, until it is closed or `stop` is set.

        For another thread; what it has not read yet waits in the file and not in memory.
        """
        at = 0
        with self.path.open("rb", buffering=0) as file:
            while not stop.is_set():
                with self._grown:
                    while self.written <= at and not self._closed:
                        self._grown.wait(0.1)
                        if stop.is_set():
                            return
                    until = self.written
                if until <= at:
                    return
                while at < until and not stop.is_set():
                    block = file.read(min(until - at, BLOCK_BYTES))
                    at += len(block)
                    yield block
