"""Plays a recording while it grows, through whatever this machine has; or says why it can't."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from voxtrace.audio.wav import SampleFormat, to_int16, write_header
from voxtrace.client.recording import WAV_HEADER_BYTES, Recording
from voxtrace.errors import VoxtraceError

Play = Callable[[Recording, threading.Event], None]
"""Plays a recording to its end, following it while it grows, or until the event is set."""


class PlayingFailed(VoxtraceError):
    """The sound could not be brought out."""

    def __init__(self, through: str, why: str) -> None:
        super().__init__(f"playing through {through} failed: {why}")
        self.through, self.why = through, why


def find_player(environ: dict[str, str] | None = None) -> Play | None:
    """The best way to play on this machine, or None where it has no sound."""
    variables = dict(os.environ) if environ is None else environ
    if not has_sound(variables):
        return None
    if _sounddevice_works():
        return play_on_device
    for program, play in (
        ("aplay", _through_aplay),
        ("ffplay", _through_ffplay),
        ("pw-play", _through_pw_play),
        ("afplay", _through_afplay),
    ):
        if shutil.which(program, path=variables.get("PATH")):
            return play
    return None


def has_sound(environ: dict[str, str] | None = None) -> bool:
    """Whether there may be a device. On Linux one is seen without asking a sound library, which may take long."""
    environ = dict(os.environ) if environ is None else environ
    if not sys.platform.startswith("linux"):
        return True
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    cards = Path("/proc/asound/cards")
    return (
        bool(environ.get("PULSE_SERVER"))
        or (runtime / "pulse" / "native").exists()
        or (runtime / "pipewire-0").exists()
        or (cards.exists() and "no soundcards" not in cards.read_text("utf-8", "replace"))
    )


def _sounddevice_works() -> bool:
    try:
        import sounddevice
    except (ImportError, OSError):  # OSError: the package is there and its library PortAudio is not
        return False
    try:
        sounddevice.check_output_settings()
    except (sounddevice.PortAudioError, ValueError):
        return False
    return True


def play_on_device(recording: Recording, stop: threading.Event) -> None:
    """Play samples on the default device (extra `play`)."""
    import sounddevice

    blocks = plain_samples(recording, stop)
    first = next(blocks, b"")
    samples = recording.samples
    if not first:
        return
    if samples is None:
        raise PlayingFailed("the sound device", f"{recording.format} is not made of plain samples; ask for wav")
    try:
        with sounddevice.RawOutputStream(samples.rate_hz, channels=samples.channels, dtype="int16") as stream:
            stream.write(first)
            for block in blocks:
                stream.write(block)
    except sounddevice.PortAudioError as why:
        raise PlayingFailed("the sound device", str(why)) from why


def _through_aplay(recording: Recording, stop: threading.Event) -> None:
    def command(samples: SampleFormat | None) -> list[str]:
        if samples is None:
            raise PlayingFailed("aplay", f"{recording.format} is not made of plain samples; ask for wav")
        return [
            "aplay",
            "-q",
            "-t",
            "raw",
            "-f",
            "S16_LE",
            "-r",
            f"{samples.rate_hz}",
            "-c",
            f"{samples.channels}",
            "-",
        ]

    play_through(command, recording, stop)


def _through_ffplay(recording: Recording, stop: threading.Event) -> None:
    words = ["ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-infbuf", "-"]
    # The options for raw samples changed their names between versions; a WAV header says the same to all.
    play_through(lambda samples: words, recording, stop, as_wav=True)


def _through_pw_play(recording: Recording, stop: threading.Event) -> None:
    play_file("pw-play", recording, stop)


def _through_afplay(recording: Recording, stop: threading.Event) -> None:
    play_file("afplay", recording, stop)


def play_through(
    command: Callable[[SampleFormat | None], list[str]],
    recording: Recording,
    stop: threading.Event,
    *,
    as_wav: bool = False,
) -> None:
    """Pipe the sound into a program while it arrives, with `as_wav` behind a WAV header where it is plain samples.

    Raises:
        PlayingFailed: the program ends before the sound does, or with an error.
    """
    blocks = plain_samples(recording, stop)
    first = next(blocks, b"")
    if not first:
        return
    samples = recording.samples
    words = command(samples)
    if as_wav and samples:
        first = write_header(SampleFormat(samples.rate_hz, samples.channels)) + first
    with _start(words, subprocess.PIPE) as program:
        pipe = program.stdin
        try:
            if pipe:
                pipe.write(first)
                for block in blocks:
                    pipe.write(block)
                pipe.close()
        except BrokenPipeError:
            pass  # it ended early; its exit code and words tell why
        if stop.is_set():
            program.terminate()
        _finish(program, words[0], stop)


def play_file(name: str, recording: Recording, stop: threading.Event) -> None:
    """Let a program that plays only files play the file when it is complete.

    Raises:
        PlayingFailed: the program ends with an error.
    """
    for _ in recording.follow(stop):
        pass
    if stop.is_set() or not recording.written:
        return
    with _start([name, str(recording.path)], subprocess.DEVNULL) as program:
        _finish(program, name, stop)


def plain_samples(recording: Recording, stop: threading.Event) -> Iterator[bytes]:
    """The recording as signed 16-bit samples where it is WAV or PCM, else its bytes as they are."""
    rest = b""
    header_left: int | None = None
    for block in recording.follow(stop):
        if header_left is None:
            header_left = WAV_HEADER_BYTES if recording.format == "wav" else 0
        samples = recording.samples
        skipped = min(header_left, len(block))
        header_left -= skipped
        rest += block[skipped:]
        if samples is None:
            sound, rest = rest, b""
        else:
            whole = len(rest) // samples.frame_bytes * samples.frame_bytes
            sound, rest = rest[:whole], rest[whole:]
            if samples.bits != 16:
                sound = to_int16(sound, samples).tobytes()
        if sound:
            yield sound


def _start(words: list[str], stdin: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(words, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as why:
        raise PlayingFailed(words[0], why.strerror or str(why)) from why


def _finish(program: subprocess.Popen[bytes], name: str, stop: threading.Event) -> None:
    """Wait for a program to end by itself, or end it when the listener wants no more."""
    while program.poll() is None:
        if stop.is_set():
            program.terminate()
        try:
            program.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    words = program.stderr.read().decode("utf-8", "replace").strip() if program.stderr else ""
    if program.returncode and not stop.is_set():
        raise PlayingFailed(name, words.splitlines()[0] if words else f"it ended with {program.returncode}")


class Playing:
    """A recording that is being played, in a thread of its own: sound takes its time, and reading must not."""

    def __init__(self, play: Play, recording: Recording) -> None:
        self._stop = threading.Event()
        self._failure: PlayingFailed | None = None
        self._thread = threading.Thread(target=self._run, args=(play, recording), name="voxtrace-player", daemon=True)
        self._thread.start()

    def _run(self, play: Play, recording: Recording) -> None:
        try:
            play(recording, self._stop)
        except PlayingFailed as failure:
            self._failure = failure
        except OSError as why:
            self._failure = PlayingFailed("the file", why.strerror or str(why))

    def finish(self) -> PlayingFailed | None:
        """Wait until the last sample was played; answers with what went wrong, if anything did."""
        while self._thread.is_alive():
            self._thread.join(0.1)  # in short steps, so that Ctrl-C is heard
        return self._failure

    def stop(self) -> None:
        """Fall silent now."""
        self._stop.set()
        self._thread.join(5)
