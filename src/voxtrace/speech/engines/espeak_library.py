"""espeak-ng's C interface, as far as we use it. GPL-3: loaded by engine processes only, never by the server."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cache
from typing import Any

AUDIO_OUTPUT_SYNCHRONOUS = 2  # samples go to the call-back while `espeak_Synth` runs
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report missing data instead of ending the process
CHARS_UTF8 = 1
END_PAUSE = 0x1000  # espeakENDPAUSE: leave the pause that the last punctuation mark asks for
PARAMETER_RATE = 1  # words a minute
POSITION_CHARACTER = 1
# espeak makes blocks of 60 ms even when asked for shorter ones, and longer ones only delay the first:
# 20 to 60 asked: first block after 0.03-0.15 ms; 100: 0.05-0.18; 200: 0.15-0.35.
BLOCK_MS = 60

# int callback(short *wav, int numsamples, espeak_EVENT *events); 0 goes on, 1 aborts.
SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class EspeakVoice(ctypes.Structure):
    """espeak_VOICE of speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.POINTER(ctypes.c_char)),  # (priority byte, name, NUL)…, NUL
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


EVENT_LIST_ENDS, EVENT_WORD, EVENT_END = 0, 1, 5


class EspeakEvent(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),  # of a word; of a contraction its first part only
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_void_p),
    )


def events_at(address: int | None) -> Iterator[EspeakEvent]:
    """The events that a call-back is given."""
    while address:
        event = EspeakEvent.from_address(address)
        if event.type == EVENT_LIST_ENDS:
            return
        yield event
        address += ctypes.sizeof(EspeakEvent)


class Sonic:
    """The time stretcher that is compiled into espeak-ng: slower than its slowest voice without a deeper pitch."""

    def __init__(self, library: ctypes.CDLL, rate_hz: int, speed: float) -> None:
        self._library = library
        self._handle = ctypes.c_void_p(library.sonicCreateStream(rate_hz, 1))
        library.sonicSetSpeed(self._handle, ctypes.c_float(speed))

    def convert(self, block: bytes) -> bytes:
        """Signed 16-bit samples in, those that are ready out."""
        self._library.sonicWriteShortToStream(self._handle, block, len(block) // 2)
        return self._read()

    def finish(self) -> bytes:
        """What is left inside."""
        self._library.sonicFlushStream(self._handle)
        return self._read()

    def close(self) -> None:
        """Give its memory back."""
        self._library.sonicDestroyStream(self._handle)

    def _read(self) -> bytes:
        ready = self._library.sonicSamplesAvailable(self._handle)
        buffer = ctypes.create_string_buffer(ready * 2)
        read = self._library.sonicReadShortFromStream(self._handle, buffer, ready)
        return buffer.raw[: read * 2]


class VoiceInUse:
    """The voice that espeak has loaded, a fact about the whole process and not about one user of the library."""

    name = ""


VOICE_IN_USE = VoiceInUse()


@cache
def start_library() -> tuple[ctypes.CDLL, int]:
    """espeak-ng out of the `espeakng-loader` wheel, initialised once in this process; and its sample rate.

    Raises:
        ValueError: the library finds no voices.
    """
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(EspeakVoice))
    library.espeak_ListVoices.argtypes = [ctypes.c_void_p]
    library.espeak_Info.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
    library.sonicCreateStream.restype = ctypes.c_void_p
    folder = str(espeakng_loader.get_data_path())
    rate_hz: int = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, BLOCK_MS, folder.encode(), DONT_EXIT)
    if rate_hz <= 0:
        raise ValueError(f"espeak-ng found no voices in {folder}")
    return library, rate_hz


def use_voice(library: ctypes.CDLL, name: str) -> bool:
    """Load a voice file, with or without "+variant"; False when there is none, or it can't be loaded."""
    VOICE_IN_USE.name = name if library.espeak_SetVoiceByName(name.encode()) == 0 else ""
    return bool(VOICE_IN_USE.name)


def voice_files(library: ctypes.CDLL) -> dict[str, str]:
    """The voice file of each language: espeak's own look-up by name knows only some of them."""
    best: dict[str, tuple[int, str]] = {}
    for each in list_voices(library):
        for language, priority in languages_of(each):
            if language not in best or priority < best[language][0]:
                best[language] = priority, each.identifier.decode()
    return {language: file for language, (_, file) in best.items()}


def list_voices(library: ctypes.CDLL, kind: bytes | None = None) -> Iterator[Any]:
    """espeak's records of all voices, or of those of the pseudo-language `kind`, such as b"variant"."""
    wanted = None
    if kind is not None:
        spec = EspeakVoice(languages=ctypes.cast(ctypes.c_char_p(kind), ctypes.POINTER(ctypes.c_char)))
        wanted = ctypes.byref(spec)
    records = library.espeak_ListVoices(wanted)
    index = 0
    while records[index]:
        yield records[index].contents
        index += 1


def languages_of(record: Any) -> Iterator[tuple[str, int]]:
    """The languages that the voice speaks, the one that it is best at first; the lower the number the better."""
    address = ctypes.addressof(record.languages.contents)
    # Each has its priority, one byte, before it; one that is 0 ends the list.
    while priority := ctypes.c_ubyte.from_address(address).value:
        name = ctypes.string_at(address + 1)
        yield name.decode("utf-8", "replace"), priority
        address += len(name) + 2


def version_of(library: ctypes.CDLL) -> str:
    """The library's own version, such as "1.52-dev"."""
    library.espeak_Info.restype = ctypes.c_char_p
    library.espeak_Info.argtypes = [ctypes.c_void_p]
    told: bytes | None = library.espeak_Info(None)
    return (told or b"of unknown version").decode("ascii", "replace").split()[0]
