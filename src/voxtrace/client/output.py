"""Where the sound goes: a file, the standard output, or a player with a file behind it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from voxtrace.client.exchange import Exchange
from voxtrace.client.player import Play, Playing, PlayingFailed
from voxtrace.client.recording import Recording, RecordingFailed

STANDARD_OUTPUT = "-"
_ID_CHARS = 8  # of the request id in a file's name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the sound."""

    file: Path | None  # where it lies, if it is in a file that stays
    played: bool
    problem: PlayingFailed | None = None  # why it was not played to its end, and lies in a file instead
    unasked: bool = False  # a file was written because there is no way to play here


class Output:
    """Takes the bodies of the answers; opens nothing before the first byte of sound is there."""

    def __init__(self, out: str | None, request_id: str, play: Play | None, folder: Path | None = None) -> None:
        """`out` is a file's name, "-" or None: then it is played, or a file is written in `folder`."""
        self._out, self._play = out, None if out else play
        self._folder = folder or Path()
        self._stem = f"speech-{request_id[:_ID_CHARS].replace(':', '_')}"
        self._recording: Recording | None = None
        self._playing: Playing | None = None
        self._answer: Exchange | None = None

    @property
    def has_sound(self) -> bool:
        return self._recording is not None

    def hear(self, answer: Exchange, body: bytes) -> None:
        """Take the next bytes of an answer's body.

        Raises:
            FormatChanged: it can't be joined to the answer before.
            RecordingFailed: the file can't be written.
        """
        if answer.sound is None:
            return
        if self._recording is None:
            self._recording = self._open(answer.sound.format)
        if self._answer is not answer:
            self._recording.begin_answer(answer.request_id)
        self._answer = answer
        self._recording.add(answer.sound, body)
        if self._play and self._playing is None and self._recording.written:
            self._playing = Playing(self._play, self._recording)

    def finish(self) -> Outcome:
        """No more will come: complete the file and wait for the player.

        Raises:
            RecordingFailed: the file can't be completed.
        """
        recording = self._recording
        if recording is None:
            return Outcome(None, played=False)
        recording.close()
        if self._playing is None:
            file = None if self._out == STANDARD_OUTPUT else recording.path
            return Outcome(file, played=False, unasked=self._out is None)
        problem = self._playing.finish()
        if problem is None:
            recording.path.unlink(missing_ok=True)
            return Outcome(None, played=True)
        kept = self._free_name(recording.format or "wav")
        shutil.move(recording.path, kept)
        return Outcome(kept, played=False, problem=problem)

    def abandon(self) -> Path | None:
        """The user wants no more: fall silent, and keep what was written where a file was asked for."""
        if self._recording is None:
            return None
        self._recording.close()
        if self._playing is None:
            return None if self._out == STANDARD_OUTPUT else self._recording.path
        self._playing.stop()
        self._recording.path.unlink(missing_ok=True)
        return None

    def _open(self, ending: str) -> Recording:
        if self._out == STANDARD_OUTPUT:
            sys.stdout.flush()
            return Recording(Path("the standard output"), os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0))
        if self._out:
            return Recording(Path(self._out))
        if self._play:
            descriptor, name = tempfile.mkstemp(f".{ending}", "voxtrace-")
            return Recording(Path(name), os.fdopen(descriptor, "wb", buffering=0))
        return Recording(self._free_name(ending))

    def _free_name(self, ending: str) -> Path:
        """A name in the folder that is not taken."""
        for number in range(1, 1000):
            path = self._folder / f"{self._stem}{f'-{number}' if number > 1 else ''}.{ending}"
            if not path.exists():
                return path
        raise RecordingFailed(self._folder / f"{self._stem}.{ending}", FileExistsError("a thousand of that name"))
