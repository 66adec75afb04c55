"""The null device keeps time, and the recorder keeps what was played."""

import wave

import numpy as np
import pytest

from voxtrace.client.playback.device import NullDevice
from voxtrace.client.playback.player import Pull
from voxtrace.client.playback.recorder import Recorder
from voxtrace.client.recording import RecordingFailed
from voxtrace.testing import ManualClock


class Pulls:
    """Renders silence and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, frames, pull):
        self.asked.append((frames, pull))
        return np.zeros(frames, np.int16)

    @property
    def frames(self):
        return sum(frames for frames, _ in self.asked)


def test_it_takes_exactly_its_rate_however_unevenly_it_wakes_up():
    clock, pulls = ManualClock(), Pulls()
    device = NullDevice(44_100, 1, clock, ticking=False)
    device.start(pulls)
    for pause in (0.1, 7.3, 0.013, 250, 1_742.587):
        clock.advance(ms=pause)
        device.catch_up()

    assert clock.mono_ns() == ManualClock().mono_ns() + 2_000_000_000
    assert pulls.frames == 88_200


def test_each_pull_knows_when_its_first_frame_is_due():
    clock, pulls = ManualClock(), Pulls()
    begin_ns = clock.mono_ns()
    device = NullDevice(8_000, 1, clock, ticking=False)
    device.start(pulls)
    for _ in range(3):
        clock.advance(ms=10)
        device.catch_up()

    assert [(frames, (pull.at_ns - begin_ns) / 1e6) for frames, pull in pulls.asked] == [(80, 0), (80, 10), (80, 20)]


def test_a_frame_that_has_begun_is_gone():
    clock, pulls = ManualClock(), Pulls()
    device = NullDevice(1_000, 1, clock, ticking=False)
    device.start(pulls)
    clock.advance(ms=1.5)
    device.catch_up()

    assert pulls.frames == 2


def test_after_a_long_sleep_it_catches_up_in_pieces():
    clock, pulls = ManualClock(), Pulls()
    device = NullDevice(8_000, 1, clock, ticking=False)
    device.start(pulls)
    clock.advance(3_600)
    device.catch_up()

    assert pulls.frames == 3_600 * 8_000
    assert max(frames for frames, _ in pulls.asked) <= 8_000


def test_the_record_is_a_wav_of_what_was_rendered(tmp_path):
    recorder = Recorder(tmp_path / "heard.wav", 8_000, 2)
    render = recorder.around(lambda frames, pull: np.full(frames * 2, 7, np.int16))
    for _ in range(5):
        render(100, Pull(0))
    failure = recorder.close()

    assert (failure, recorder.dropped) == (None, 0)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8_000, 2, 500)
        assert set(np.frombuffer(file.readframes(500), np.int16)) == {7}


def test_a_record_that_can_t_be_written_is_told_at_once(tmp_path):
    with pytest.raises(RecordingFailed, match="can't be written"):
        Recorder(tmp_path / "no" / "heard.wav", 8_000, 1)
