"""How much sound the bytes of an answer hold, told while they arrive; the Content-Type decides what they are.

Nothing here decodes while the stream runs: a slow reader would measure itself. The first audible sample
is looked for when the stream is over, in what was held of its beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from voxtrace.audio.adts import AdtsStream
from voxtrace.audio.flac import FlacStream
from voxtrace.audio.mpeg import MpegStream
from voxtrace.audio.ogg_opus import OggOpusStream
from voxtrace.audio.wav import MAX_HEADER_BYTES, SampleFormat, WavHeader, parse_header
from voxtrace.units import samples_to_nanos

OPENAI_RATE_HZ = 24_000  # of PCM without a header, where the Content-Type names no other
# Held to look for the first audible sample: 21 s of speech at 24 kHz, or about a minute of MP3.
HELD_BYTES = 1024 * 1024


class Brought(NamedTuple):
    """What one read brought."""

    audio_bytes: int  # of samples that are complete; a header is none
    audio_ns: int | None  # how long they last; None: not known without decoding


class Sound(Protocol):
    """Takes an answer's body as it comes."""

    @property
    def format(self) -> str:
        """Short name of the container, such as `wav`; also the ending of a file."""
        ...

    @property
    def samples(self) -> SampleFormat | None:
        """How the samples lie in the bytes; None: not known (yet), or not plain samples."""
        ...

    def feed(self, data: bytes) -> Brought:
        """Take the next bytes of the body.

        Raises:
            NotWav: the body is not what its Content-Type says.
        """
        ...

    def leading_silence_ns(self) -> int | None:
        """Silence before the first audible sample; None: none was found, or it can't be told."""
        ...

    def missing_bytes(self) -> int:
        """Bytes that its own header promised and that did not come."""
        ...


class PcmSound:
    """Samples without a header."""

    format = "pcm"

    def __init__(self, samples: SampleFormat, *, decodable: bool = True) -> None:
        self.samples: SampleFormat | None = samples
        self._format, self._decodable = samples, decodable
        self._received = 0
        self._held = bytearray()

    def feed(self, data: bytes) -> Brought:
        before = self._received // self._format.frame_bytes
        self._received += len(data)
        after = self._received // self._format.frame_bytes
        if len(self._held) < HELD_BYTES:
            self._held += data[: HELD_BYTES - len(self._held)]
        rate_hz = self._format.rate_hz
        return Brought(
            (after - before) * self._format.frame_bytes,
            samples_to_nanos(after, rate_hz) - samples_to_nanos(before, rate_hz),
        )

    def leading_silence_ns(self) -> int | None:
        if not self._decodable or not self._held:
            return None
        from voxtrace.audio.onset import leading_silence
        from voxtrace.audio.wav import to_int16

        # Interleaved channels are looked at as one stream of a higher rate: sound on either is sound.
        rate_hz = self._format.rate_hz * self._format.channels
        silence = leading_silence(to_int16(bytes(self._held), self._format), rate_hz)
        return None if silence is None else samples_to_nanos(silence, rate_hz)

    def missing_bytes(self) -> int:
        return 0


class WavSound:
    """Samples behind a WAV header."""

    format = "wav"

    def __init__(self) -> None:
        self._start = b""
        self._header: WavHeader | None = None
        self._pcm: PcmSound | None = None
        self._left: int | None = None  # bytes of data still to come, where the header tells

    @property
    def samples(self) -> SampleFormat | None:
        return self._header.samples if self._header else None

    def feed(self, data: bytes) -> Brought:
        if self._pcm is None:
            before = len(self._start)
            self._start += data[: MAX_HEADER_BYTES + 64 - before]
            self._header = parse_header(self._start)
            if self._header is None:
                return Brought(0, 0)
            data = data[self._header.data_offset - before :]
            self._pcm, self._left = PcmSound(self._header.samples), self._header.data_bytes
        if self._left is not None:
            data = data[: self._left]  # other chunks may follow the data
            self._left -= len(data)
        return self._pcm.feed(data)

    def leading_silence_ns(self) -> int | None:
        return self._pcm.leading_silence_ns() if self._pcm else None

    def missing_bytes(self) -> int:
        return self._left or 0


class Mp3Sound:
    """MPEG frames, counted by their headers."""

    format = "mp3"
    samples: SampleFormat | None = None

    def __init__(self) -> None:
        self._stream = MpegStream()
        self._held = bytearray()
        self._sound_begins: int | None = None
        self._held_until = 0

    def feed(self, data: bytes) -> Brought:
        if len(self._held) < HELD_BYTES:
            self._held += data
        before, sound_bytes = self._stream.samples, 0
        for frame in self._stream.feed(data):
            if not frame.samples:
                continue
            sound_bytes += frame.end - frame.begin
            if self._sound_begins is None:
                self._sound_begins = frame.begin
            if frame.end <= len(self._held):
                self._held_until = frame.end
        rate_hz = self._stream.rate_hz
        if not rate_hz:
            return Brought(0, 0)
        return Brought(sound_bytes, samples_to_nanos(self._stream.samples, rate_hz) - samples_to_nanos(before, rate_hz))

    def leading_silence_ns(self) -> int | None:
        rate_hz, channels = self._stream.rate_hz, self._stream.channels
        if self._sound_begins is None or not rate_hz or not channels:
            return None
        from voxtrace.audio.mp3_decoding import decode_mp3
        from voxtrace.audio.onset import leading_silence

        samples = decode_mp3(bytes(self._held[self._sound_begins : self._held_until]), rate_hz, channels)
        silence = None if samples is None else leading_silence(samples, rate_hz * channels)
        return None if silence is None else samples_to_nanos(silence, rate_hz * channels)

    def missing_bytes(self) -> int:
        return 0


class Frames(Protocol):
    """Finds the frames of a stream that comes in pieces."""

    samples: int  # in all frames so far
    rate_hz: int | None  # None: not known yet
    is_other: bool  # the stream does not begin as these do: nothing in it can be counted

    def feed(self, data: bytes) -> int:
        """Take the next bytes; answers with the bytes of the frames that they complete."""
        ...


class FramedSound:
    """A container whose frames say how long they last, so that they can be counted as they come."""

    samples: SampleFormat | None = None

    def __init__(self, name: str, container: str, frames: Frames) -> None:
        self.format = name
        self._container, self._frames = container, frames  # the former in libav's words
        self._held = bytearray()
        self._unknown_bytes = 0  # that came before it was clear what this is

    def feed(self, data: bytes) -> Brought:
        frames, before = self._frames, self._frames.samples
        if frames.is_other:
            return Brought(len(data), None)
        if len(self._held) < HELD_BYTES:
            self._held += data[: HELD_BYTES - len(self._held)]
        sound_bytes = frames.feed(data)
        if self._frames.is_other:
            return Brought(self._unknown_bytes + len(data), None)
        if frames.rate_hz is None:
            self._unknown_bytes += len(data)
            return Brought(0, None)
        lasts = samples_to_nanos(frames.samples, frames.rate_hz) - samples_to_nanos(before, frames.rate_hz)
        return Brought(sound_bytes, lasts)

    def leading_silence_ns(self) -> int | None:
        if self._frames.is_other:
            return None
        from voxtrace.audio.libav_decoding import decode_begin
        from voxtrace.audio.onset import Onset

        onset, rate_hz = None, 0
        for samples, rate_hz in decode_begin(bytes(self._held), self._container):
            onset = onset or Onset(rate_hz)
            if onset.feed(samples) is not None:
                break
        silence = onset.leading_silence if onset else None
        return None if silence is None else samples_to_nanos(silence, rate_hz)

    def missing_bytes(self) -> int:
        return 0


class OpaqueSound:
    """A container that is not taken apart here: bytes are counted, and nothing else is claimed."""

    samples: SampleFormat | None = None

    def __init__(self, name: str) -> None:
        self.format = name

    def feed(self, data: bytes) -> Brought:
        return Brought(len(data), None)

    def leading_silence_ns(self) -> int | None:
        return None

    def missing_bytes(self) -> int:
        return 0


_FRAMED: dict[str, tuple[str, str, Callable[[], Frames]]] = {  # name, libav's name of the container, frames
    "audio/ogg": ("ogg", "ogg", OggOpusStream),
    "application/ogg": ("ogg", "ogg", OggOpusStream),
    "audio/opus": ("opus", "ogg", OggOpusStream),
    "audio/flac": ("flac", "flac", FlacStream),
    "audio/x-flac": ("flac", "flac", FlacStream),
    "audio/aac": ("aac", "aac", AdtsStream),
    "audio/aacp": ("aac", "aac", AdtsStream),
}
_OPAQUE = {"audio/webm": "webm", "audio/mp4": "m4a"}
_SAYS_NOTHING = ("", "application/octet-stream", "binary/octet-stream")


def sound_of(content_type: str, asked: str) -> Sound | None:
    """What the body of this Content-Type is; None: no audio.

    `asked` (a format of the request) counts only where the Content-Type says nothing at all.
    """
    kind, *rest = [part.strip().lower() for part in content_type.split(";")]
    parameters = dict(part.partition("=")[::2] for part in rest)
    if kind in _SAYS_NOTHING:
        kind = f"audio/{asked}"
    if kind in ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"):
        return WavSound()
    if kind in ("audio/mpeg", "audio/mp3", "audio/x-mp3"):
        return Mp3Sound()
    if kind in ("audio/pcm", "audio/x-pcm", "audio/l16", "audio/raw"):
        samples = SampleFormat(_number(parameters, "rate", OPENAI_RATE_HZ), _number(parameters, "channels", 1))
        # The standard wants big-endian samples of audio/L16 and many servers send little-endian ones.
        return PcmSound(samples, decodable=kind != "audio/l16")
    if kind in _FRAMED:
        name, container, frames = _FRAMED[kind]
        return FramedSound(name, container, frames())
    if kind.startswith("audio/"):
        return OpaqueSound(_OPAQUE.get(kind, kind.partition("/")[2] or "audio"))
    return None


def _number(parameters: dict[str, str], name: str, otherwise: int) -> int:
    given = parameters.get(name, "")
    return int(given) if given.isdecimal() and 0 < int(given) <= 768_000 else otherwise
