"""Formats."""

from __future__ import annotations

import io
import wave

import av
import numpy as np
import pytest

from voxtrace.audio.wav import parse_header
from voxtrace.speech.encode import FORMATS, Mp3Encoder, WavEncoder


def hum(seconds: float) -> bytes:
    return (np.sin(np.arange(round(24_000 * seconds)) * 2 * np.pi * 220 / 24_000) * 12_000).astype(np.int16).tobytes()


def encoded(name: str, pcm: bytes, block: int = 2880) -> bytes:
    encoder = FORMATS[name]()
    return b"".join(
        [*(encoder.encode(pcm[begin : begin + block]) for begin in range(0, len(pcm), block)), encoder.finish()]
    )


def test_pcm_is_what_was_put_in():
    assert encoded("pcm", hum(1.0)) == hum(1.0)


def test_wav_has_one_header_and_says_that_its_length_is_not_known():
    answer = encoded("wav", hum(1.0))

    header = parse_header(answer)
    assert header is not None
    assert (header.data_bytes, header.samples.rate_hz) == (None, 24_000)
    assert answer[4:8] == answer[40:44] == b"\xff" * 4
    assert answer[44:] == hum(1.0)


def test_the_wav_header_is_what_others_read():
    # The standard library refuses the unknown size, so it is given the true one.
    pcm = hum(0.5)
    header = WavEncoder().encode(b"")
    known = header[:4] + (36 + len(pcm)).to_bytes(4, "little") + header[8:40] + len(pcm).to_bytes(4, "little")

    with wave.open(io.BytesIO(known + pcm)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert sound.getnframes() == 12_000


@pytest.mark.parametrize("name", ["wav", "mp3"])
def test_a_decoder_finds_as_much_sound_as_was_put_in(name):
    with av.open(io.BytesIO(encoded(name, hum(3.0)))) as sound:
        decoded = sum(frame.samples for frame in sound.decode(audio=0)) / 24_000

    assert decoded == pytest.approx(3.0, abs=0.1)  # MP3 pads to whole frames at both ends


def test_mp3_leaves_within_two_blocks():
    encoder = Mp3Encoder()

    assert encoder.encode(hum(0.037)) + encoder.encode(hum(0.06))


def test_wav_sends_its_header_with_the_first_sound_and_not_before():
    assert len(WavEncoder().encode(hum(0.01))) == 44 + 480
