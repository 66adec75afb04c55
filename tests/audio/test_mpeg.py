import io
from itertools import pairwise

import av
import lameenc
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.audio.mpeg import MpegStream, parse_frame_header


def encode(rate, seconds=0.5, channels=1, kbps=128):
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(kbps)
    encoder.set_in_sample_rate(rate)
    encoder.set_channels(channels)
    encoder.set_quality(7)
    encoder.silence()
    tone = (8000 * np.sin(np.arange(int(rate * seconds) * channels) / 20)).astype("<i2")
    return bytes(encoder.encode(tone.tobytes()) + encoder.flush())


MP3 = encode(24_000)
ID3 = b"ID3\4\0\0\0\0\1\0" + b"\xff\xfb\x90\0" * 32  # a tag of 128 bytes that look like frames


def decoded_samples(mp3):
    """What libav's decoder makes of the frames themselves, without cutting delay or padding."""
    codec = av.CodecContext.create("mp3", "r")
    frames = [frame for packet in codec.parse(mp3) for frame in codec.decode(packet)]
    frames += [frame for packet in codec.parse() for frame in codec.decode(packet)]
    return sum(frame.samples for frame in frames)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_samples_counted_are_those_that_a_decoder_makes(rate, channels):
    mp3 = encode(rate, channels=channels)
    stream = MpegStream()
    frames = stream.feed(mp3)

    assert stream.samples == sum(frame.samples for frame in frames) == decoded_samples(mp3)
    assert (stream.rate_hz, stream.channels) == (rate, channels)
    assert frames[-1].end == len(mp3)


@given(st.lists(st.integers(1, len(MP3) - 1), max_size=20))
def test_the_frames_do_not_depend_on_how_the_stream_is_cut(cuts):
    edges = [0, *sorted(cuts), len(MP3)]
    torn = MpegStream()
    frames = [frame for begin, end in pairwise(edges) for frame in torn.feed(MP3[begin:end])]

    assert frames == MpegStream().feed(MP3)


def test_a_frame_counts_with_its_last_byte():
    stream, length = MpegStream(), parse_frame_header(MP3).length

    assert stream.feed(MP3[: length - 1]) == []
    assert len(stream.feed(MP3[length - 1 : length])) == 1


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_tags_before_and_behind_the_sound_are_no_sound(piece):
    tagged = ID3 + MP3 + b"TAG" + b"\xff\xfb\x90\0" * 31 + b"\0"
    stream = MpegStream()
    for begin in range(0, len(tagged), piece):
        stream.feed(tagged[begin : begin + piece])

    assert stream.samples == decoded_samples(MP3)


def test_noise_in_front_is_stepped_over():
    stream = MpegStream()
    stream.feed(b"noise \xff\xfb\x90\0 that looks like a header" + MP3 + MP3)

    assert stream.samples == 2 * decoded_samples(MP3)


@given(st.binary(max_size=2000))
def test_noise_never_raises(noise):
    frames = MpegStream().feed(noise)

    assert all(frame.end <= len(noise) for frame in frames)


def test_the_record_of_an_encoder_is_no_sound_but_tells_the_delay():
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        track = container.add_stream("mp3", rate=24_000, layout="mono")
        tone = (8000 * np.sin(np.arange(24_000) / 20)).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(tone, format="s16p", layout="mono")
        frame.sample_rate = 24_000
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    stream = MpegStream()
    frames = stream.feed(file.getvalue())

    assert (frames[0].samples, stream.encoder_delay) == (0, 576)
    assert stream.samples == sum(frame.samples for frame in frames[1:]) >= 24_000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfb\x90",
        b"\xff\xfb\x00\0",
        b"\xff\xfb\xf0\0",
        b"\xff\xfb\x9c\0",
        b"\xff\xeb\x90\0",
        b"\xff\xfd\x90\0",
    ],
    ids=["nothing", "short", "free bitrate", "bad bitrate", "bad rate", "reserved version", "layer II"],
)
def test_what_is_no_header_of_a_frame_is_none(raw):
    assert parse_frame_header(raw) is None
