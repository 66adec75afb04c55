"""Opus, AAC and FLAC counted by their frames, beside what a decoder finds in them."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxtrace.audio.adts import AdtsStream
from voxtrace.audio.flac import FlacStream
from voxtrace.audio.ogg_opus import OggOpusStream

KINDS = {
    "opus": ("libopus", "ogg", OggOpusStream),
    "aac": ("aac", "adts", AdtsStream),
    "flac": ("flac", "flac", FlacStream),
}
EVERY_KIND = pytest.mark.parametrize("kind", list(KINDS))


def encoded(kind, samples=30_000, rate_hz=24_000, channels="mono", **options):
    """A stream as libav writes it, in frames of a size of its own choice."""
    codec, container, _ = KINDS[kind]
    written = io.BytesIO()
    pages = {"page_duration": "20000"} if kind == "opus" else {}
    with av.open(written, "w", format=container, options=pages) as out:
        stream = out.add_stream(codec, rate=rate_hz, options={name: str(value) for name, value in options.items()})
        stream.codec_context.layout = channels
        tone = (9000 * np.sin(np.arange(samples) / 5)).astype("<i2")
        noisy = tone + np.random.default_rng(1).integers(-3000, 3000, samples, np.int16)
        count = 2 if channels == "stereo" else 1
        frame = av.AudioFrame.from_ndarray(np.repeat(noisy, count).reshape(1, -1), format="s16", layout=channels)
        frame.sample_rate = rate_hz
        packets = [*stream.encode(frame), *stream.encode(None)]
        for packet in packets:
            out.mux(packet)
    return written.getvalue()


def decoded_samples(stream):
    with av.open(io.BytesIO(stream)) as opened:
        return sum(frame.samples for frame in opened.decode(audio=0))


def count(kind, pieces):
    counter = KINDS[kind][2]()
    return counter, [(counter.feed(piece), counter.samples) for piece in pieces]


@EVERY_KIND
@pytest.mark.parametrize(("rate_hz", "channels"), [(24_000, "mono"), (48_000, "stereo"), (16_000, "mono")])
def test_it_counts_what_a_decoder_finds(kind, rate_hz, channels):
    stream = encoded(kind, rate_hz=rate_hz, channels=channels)
    counter, _ = count(kind, [stream])

    assert counter.samples == decoded_samples(stream)
    assert counter.rate_hz == (48_000 if kind == "opus" else rate_hz)
    assert not counter.is_other


STREAMS = {kind: encoded(kind) for kind in KINDS}


@EVERY_KIND
@settings(deadline=None, max_examples=20)
@given(cuts=st.lists(st.integers(1, 5_000), min_size=1, max_size=40))
def test_how_the_bytes_are_cut_changes_no_count(kind, cuts):
    stream, pieces, at = STREAMS[kind], [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    counter, told = count(kind, [*pieces, stream[at:]])
    whole, told_whole = count(kind, [stream])

    assert counter.samples == whole.samples
    assert sum(sound for sound, _ in told) == told_whole[0][0]


@EVERY_KIND
def test_a_frame_counts_with_its_last_byte_and_not_before(kind):
    _, told = count(kind, [STREAMS[kind][at : at + 1] for at in range(len(STREAMS[kind]))])
    grown = [at for at in range(1, len(told)) if told[at][1] > told[at - 1][1]]

    assert len(grown) > 5
    assert grown[-1] == len(told) - 1
    assert all(told[at][0] > 0 for at in grown)


@pytest.mark.parametrize("frame_size", [192, 480, 1000, 1152, 4608, 16_384])
def test_flac_frames_of_any_size_are_found(frame_size):
    stream = encoded("flac", 40_000, frame_size=frame_size)

    assert count("flac", [stream[at : at + 777] for at in range(0, len(stream), 777)])[0].samples == 40_000


@EVERY_KIND
def test_bytes_that_are_none_of_it_end_in_no_count_and_no_error(kind):
    noise = np.random.default_rng(2).integers(0, 256, 50_000, np.uint8).tobytes()
    counter, _ = count(kind, [noise[at : at + 999] for at in range(0, len(noise), 999)])

    assert (counter.is_other, counter.samples) == (True, 0)


@EVERY_KIND
@settings(deadline=None, max_examples=30)
@given(place=st.integers(0, 10_000), junk=st.binary(min_size=1, max_size=300))
def test_a_damaged_stream_is_counted_no_further_than_it_can_be(kind, place, junk):
    stream = STREAMS[kind]
    place = min(place, len(stream))
    counter, _ = count(kind, [stream[:place] + junk + stream[place + len(junk) :]])

    assert 0 <= counter.samples <= 3 * decoded_samples(stream)


def test_another_codec_in_ogg_is_known_to_be_that():
    first_page = b"OggS\0\2" + bytes(8) + b"abcd" + bytes(8) + b"\1\7" + b"\1vorbis"

    assert count("opus", [first_page])[0].is_other
