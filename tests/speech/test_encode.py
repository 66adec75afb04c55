"""Formats: one contract for all of them, and what each one is known for."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.speech.decoders import by_a_program, by_libav, by_libsndfile
from voxtrace.audio.wav import parse_header
from voxtrace.speech.encode import FORMATS, open_encoder
from voxtrace.speech.ports import OUTPUT_RATE_HZ

EVERY_FORMAT = pytest.mark.parametrize("name", list(FORMATS))

# Milliseconds of sound that must be fed before the first bytes of sound leave; design figures, as upper bounds.
HOLD_BACK_MS = {"pcm": 20, "wav": 20, "mp3": 40, "flac": 100, "aac": 140, "opus": 60}

# Samples that a decoder finds before the first one of ours: the codec's own delay.
DELAY = {"pcm": 0, "wav": 0, "flac": 0, "opus": 0, "aac": 1024, "mp3": 1105}
# A stream of whole frames, with nowhere to say how much of the last one counts.
FRAME = {"aac": 1024, "mp3": 576}


def hum(samples: int, rate_hz: int = OUTPUT_RATE_HZ) -> bytes:
    return (np.sin(np.arange(samples) * 2 * np.pi * 220 / rate_hz) * 12_000).astype(np.int16).tobytes()


def encoded(name: str, pcm: bytes, sizes: list[int] | None = None, rate_hz: int = OUTPUT_RATE_HZ) -> bytes:
    """All bytes of an answer whose samples came in blocks of `sizes` bytes, the last of which repeats."""
    encoder = open_encoder(name, rate_hz)
    sizes, answer, begin = list(sizes or [2880]), b"", 0
    while begin < len(pcm):
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        answer += encoder.encode(pcm[begin : begin + size])
        begin += size
    return answer + encoder.finish()


def samples_of(name: str, answer: bytes) -> tuple[np.ndarray, int]:
    if name == "pcm":
        return np.frombuffer(answer, np.int16), OUTPUT_RATE_HZ
    return by_libav(answer)


@EVERY_FORMAT
@settings(deadline=None, max_examples=15)
@given(sizes=st.lists(st.integers(1, 6000).map(lambda samples: samples * 2), min_size=1, max_size=20))
def test_how_the_samples_were_cut_can_not_be_heard(name, sizes):
    pcm = hum(20_011)
    in_one_go, _ = samples_of(name, encoded(name, pcm, [len(pcm)]))
    in_blocks, _ = samples_of(name, encoded(name, pcm, sizes))

    assert np.array_equal(in_one_go, in_blocks)


@EVERY_FORMAT
def test_the_same_samples_are_the_same_sound_every_time(name):
    first, second = (samples_of(name, encoded(name, hum(9_999)))[0] for _ in range(2))

    assert np.array_equal(first, second)


@EVERY_FORMAT
def test_the_first_sound_leaves_after_the_promised_milliseconds_at_most(name):
    encoder = open_encoder(name)
    fed_ms = next(ms for ms in range(1, 1000) if encoder.encode(hum(24)))

    assert fed_ms <= HOLD_BACK_MS[name]


@EVERY_FORMAT
def test_a_player_can_begin_after_the_promised_milliseconds_at_most(name):
    """Which needs a whole frame; LAME gives its first one in two parts."""
    encoder, sent, fed_ms = open_encoder(name), b"", 0
    while not sent or len(sent) < FORMATS[name].first_frame(sent):
        sent += encoder.encode(hum(24))
        fed_ms += 1

    assert fed_ms <= (58 if name == "mp3" else HOLD_BACK_MS[name])


@EVERY_FORMAT
def test_later_sound_is_held_back_no_longer(name):
    """Two seconds in blocks of a millisecond: the longest silence of the encoder is a frame."""
    encoder = open_encoder(name)
    left = [ms for ms in range(1, 2001) if encoder.encode(hum(24))]

    assert max(after - before for before, after in itertools.pairwise(left)) <= 60


@EVERY_FORMAT
def test_the_first_bytes_hold_sound_and_not_only_a_header(name):
    """What was sent so far decodes to sound, whatever follows."""
    encoder, answer = open_encoder(name), b""
    while not answer:
        answer = encoder.encode(hum(24))

    decoded, _ = samples_of(name, answer + encoder.encode(hum(2400)))
    assert decoded.size > 0


@EVERY_FORMAT
@pytest.mark.parametrize("samples", [1, 12_345, 72_000])
@pytest.mark.parametrize("decode", [by_libav, by_libsndfile, by_a_program], ids=lambda decode: decode.__name__)
def test_two_decoders_find_exactly_the_samples_that_were_put_in(name, samples, decode):
    if (
        (name == "pcm")
        or (decode is by_libsndfile and name in ("aac", "flac"))
        or (decode is by_a_program and name == "wav")
    ):
        pytest.skip("it does not read this format as a stream")
    answer = encoded(name, hum(samples))
    decoded, rate_hz = decode(name, answer) if decode is by_a_program else decode(answer)
    found = decoded.size * OUTPUT_RATE_HZ / rate_hz
    if decode is by_a_program and name == "aac":
        found += FRAME["aac"]  # faad throws the first frame away, which holds nothing but the delay

    if name in FRAME:
        assert found % FRAME[name] == 0
        assert DELAY[name] <= found - samples < DELAY[name] + FRAME[name] * 2
    else:
        assert found == samples


@pytest.mark.parametrize("name", list(FORMATS))
def test_sound_lies_where_the_delay_of_the_codec_says(name):
    pcm = np.zeros(48_000, np.int16)
    pcm[24_000:24_480] = np.frombuffer(hum(480, 5280), np.int16)  # a chirp at one second
    decoded, rate_hz = samples_of(name, encoded(name, pcm.tobytes()))
    step = rate_hz // OUTPUT_RATE_HZ
    match = np.correlate(decoded[::step].astype(float), pcm[24_000:24_480].astype(float), "valid")

    assert int(match.argmax()) - 24_000 == DELAY[name]


@EVERY_FORMAT
def test_a_format_knows_what_it_puts_in_front(name):
    assert FORMATS[name].in_front == DELAY[name]


@EVERY_FORMAT
def test_nothing_in_is_nothing_out(name):
    encoder = open_encoder(name)

    assert encoder.encode(b"") + encoder.finish() == b""


@EVERY_FORMAT
def test_an_encoder_keeps_nothing_of_what_it_gave(name):
    """Ten minutes of noise: what is held back at any time is less than a tenth of a second of it."""
    block = np.random.default_rng(1).integers(-3000, 3000, 24_000, np.int16).tobytes()
    encoder = open_encoder(name)
    sizes = [len(encoder.encode(block)) for _ in range(600 if name in ("pcm", "wav", "flac") else 60)]
    rest = len(encoder.finish())

    assert rest < 0.2 * max(sizes)
    assert min(sizes[2:]) > 0.8 * max(sizes)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pcm"])
@pytest.mark.parametrize("rate_hz", [8_000, 12_000, 16_000, 24_000, 48_000])
def test_an_answer_can_have_another_rate_and_says_so(name, rate_hz):
    decoded, found_hz = by_libav(encoded(name, hum(48_000), rate_hz=rate_hz))
    begin = DELAY[name] * (found_hz // rate_hz) + found_hz // 4
    middle = decoded[begin : begin + found_hz].astype(float)
    tone = np.abs(np.fft.rfft(middle * np.hanning(middle.size))).argmax() * found_hz / middle.size

    assert found_hz == (48_000 if name == "opus" else rate_hz)  # Opus is always played at 48 kHz
    assert decoded.size / found_hz == pytest.approx(2.0, abs=0 if name in ("wav", "flac", "opus") else 0.3)
    assert tone == pytest.approx(220, abs=1.5)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 47_999])
def test_bare_samples_can_have_any_rate_and_not_one_is_lost(rate_hz):
    assert len(encoded("pcm", hum(48_000), rate_hz=rate_hz)) == 2 * 2 * rate_hz


@pytest.mark.parametrize(
    ("name", "rate_hz", "takes"),
    [
        ("pcm", 7_999, False),
        ("pcm", 8_000, True),
        ("wav", 48_001, False),
        ("opus", 44_100, False),
        ("aac", 44_100, True),
        ("mp3", 47_000, False),
        ("flac", 47_000, True),
    ],
)
def test_a_format_knows_its_rates(name, rate_hz, takes):
    assert FORMATS[name].takes(rate_hz) == takes


def test_pcm_is_what_was_put_in():
    assert encoded("pcm", hum(24_000)) == hum(24_000)


def test_wav_has_one_header_and_says_that_its_length_is_not_known():
    answer = encoded("wav", hum(24_000))

    header = parse_header(answer)
    assert header is not None
    assert (header.data_bytes, header.samples.rate_hz) == (None, 24_000)
    assert answer[4:8] == answer[40:44] == b"\xff" * 4
    assert answer[44:] == hum(24_000)


def test_the_wav_header_is_what_others_read():
    # The standard library refuses the unknown size, so it is given the true one.
    pcm = hum(12_000)
    header = encoded("wav", pcm)[:44]
    known = header[:4] + (36 + len(pcm)).to_bytes(4, "little") + header[8:40] + len(pcm).to_bytes(4, "little")

    with wave.open(io.BytesIO(known + pcm)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert sound.getnframes() == 12_000


def test_without_the_extra_the_plain_formats_work_and_the_others_say_what_to_install():
    """In a process of its own in which there is no PyAV."""
    script = """
import sys
sys.modules["av"] = None
from importlib import util
found = util.find_spec
from voxtrace.errors import MissingExtra
from voxtrace.speech import encode
encode.find_spec = lambda name: None if name == "av" else found(name)
print(",".join(form.name for form in encode.FORMATS.values() if form.is_available))
encode.load_codecs()
try:
    encode.open_encoder("opus")
except MissingExtra as why:
    print(why)
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert shown.splitlines() == ["mp3,wav,pcm", "this needs PyAV; install it with: pip install 'voxtrace[codecs]'"]
