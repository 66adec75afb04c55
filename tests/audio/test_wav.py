import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.audio.wav import MAX_HEADER_BYTES, NotWav, SampleFormat, parse_header, to_int16, write_header

SPEECH = SampleFormat(24_000)


def test_the_header_that_is_written_is_read_by_the_standard_library():
    header = write_header(SPEECH, 4)

    with wave.open(io.BytesIO(header + b"\1\0\2\0")) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth(), read.getnframes()) == (24_000, 1, 2, 2)


@given(
    st.builds(SampleFormat, st.integers(1, 768_000), st.integers(1, 64), st.sampled_from([8, 16, 24, 32])),
    st.none() | st.integers(1, 2**31 - 100_000),
)
def test_what_is_written_is_read_back(samples, length):
    header = parse_header(write_header(samples, length))

    assert header is not None
    assert (header.samples, header.data_offset, header.data_bytes) == (samples, 44, length)


def test_a_streamed_header_has_the_sizes_that_clients_expect():
    header = write_header(SPEECH)

    assert (header[4:8], header[40:44]) == (b"\xff" * 4, b"\xff" * 4)


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF024, 0x80000000])
def test_a_placeholder_is_not_a_length(claimed):
    header = parse_header(write_header(SPEECH, 100)[:40] + claimed.to_bytes(4, "little"))

    assert header is not None
    assert header.data_bytes is None


def test_a_header_that_comes_byte_by_byte_is_known_with_its_last_byte():
    header = write_header(SPEECH)
    known = [parse_header(header[:length]) is not None for length in range(len(header) + 1)]

    assert known == [False] * len(header) + [True]


def test_chunks_before_the_data_are_stepped_over():
    header = write_header(SPEECH)
    listed = header[:36] + b"LIST\x03\0\0\0abc\0" + header[36:]
    found = parse_header(listed)

    assert found is not None
    assert found.data_offset == 56


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (b"<html>", "RIFF"),
        (b"ID3\4", "RIFF"),
        (b"RIFF\0\0\0\0AVI ", "WAVE"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "before its format"),
        (b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\xff", "claims"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0\1\0\1\0", "format has 4 bytes"),
        (write_header(SampleFormat(24_000, 1, 12)), "12 bits"),
        (write_header(SampleFormat(0)), "0 Hz"),
        (write_header(SampleFormat(24_000, 0)), "0 channels"),
        (write_header(SampleFormat(24_000, 65)), "65 channels"),
    ],
)
def test_what_is_no_wav_says_why(start, why):
    with pytest.raises(NotWav, match=why):
        parse_header(start)


@given(st.binary(max_size=200))
def test_noise_behind_the_magic_never_does_worse_than_refuse(noise):
    try:
        header = parse_header(b"RIFF\0\0\0\0WAVE" + noise)
    except NotWav:
        return

    assert header is None or header.data_offset <= MAX_HEADER_BYTES


@pytest.mark.parametrize(
    ("samples", "data"),
    [
        (SampleFormat(8_000, 1, 8), bytes([0, 128, 192])),
        (SampleFormat(8_000, 1, 16), np.array([-32768, 0, 16384], "<i2").tobytes()),
        (SampleFormat(8_000, 1, 24), b"\0\0\x80\0\0\0\0\0\x40"),
        (SampleFormat(8_000, 1, 32), np.array([-(2**31), 0, 2**30], "<i4").tobytes()),
        (SampleFormat(8_000, 1, 32, is_float=True), np.array([-1.0, 0, 0.5], "<f4").tobytes()),
        (SampleFormat(8_000, 1, 64, is_float=True), np.array([-1.0, 0, 0.5], "<f8").tobytes()),
    ],
)
def test_every_width_of_sample_becomes_sixteen_bits(samples, data):
    assert to_int16(data + b"\1", samples).tolist()[:3] == [-32768, 0, 16384]


def test_floats_beyond_full_scale_are_clipped_and_not_wrapped():
    wild = np.array([2.0, -2.0, np.nan, np.inf], "<f4").tobytes()

    assert to_int16(wild, SampleFormat(8_000, 1, 32, is_float=True)).tolist() == [32767, -32768, 0, 32767]
