"""Answers of speech servers as bytes, and sound to put into them."""

from __future__ import annotations

import lameenc
import numpy as np

from voxtrace.audio.wav import SampleFormat, write_header

RATE = 24_000
MS = RATE // 1000 * 2  # bytes of 16-bit PCM


def pcm(silence_ms, sound_ms, rate=RATE, channels=1):
    """Silence and then a tone, as signed 16-bit little-endian samples."""
    silence = np.zeros(rate * silence_ms // 1000 * channels, "<i2")
    tone = np.repeat((9000 * np.sin(np.arange(rate * sound_ms // 1000) / 5)).astype("<i2"), channels)
    return silence.tobytes() + tone.tobytes()


def wav(samples, rate=RATE, data_bytes=None):
    return write_header(SampleFormat(rate), data_bytes) + samples


def mp3(samples, rate=RATE):
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(64)
    encoder.set_in_sample_rate(rate)
    encoder.set_channels(1)
    encoder.silence()
    return bytes(encoder.encode(samples) + encoder.flush())


def head(status=200, content_type="audio/pcm", **headers):
    """Status line and headers of a chunked answer; `x_name=None` leaves a header out."""
    given = {"content-type": content_type, "transfer-encoding": "chunked"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value is not None)
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def whole(body, status=200, content_type="audio/pcm", **headers):
    """A complete answer with its length."""
    length = {"transfer_encoding": None, "content_length": str(len(body))}
    return head(status, content_type, **(length | headers)) + body
