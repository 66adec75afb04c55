import os
import threading
import wave
from pathlib import Path

import pytest

from tests.client.answers import MS, RATE, mp3, pcm, wav
from voxtrace.audio.wav import SampleFormat
from voxtrace.client.recording import FormatChanged, Recording, RecordingFailed
from voxtrace.client.sound import Mp3Sound, PcmSound, WavSound

FULL = Path("/dev/full")


def record(recording, *answers):
    """Let the recording hear answers, each a sound and its reads."""
    try:
        for number, (sound, *reads) in enumerate(answers):
            if number:
                recording.begin_answer()
            for body in reads:
                sound.feed(body)
                recording.add(sound, body)
    finally:
        recording.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "said.wav"


def test_the_sizes_that_a_streaming_server_does_not_know_are_filled_in(path):
    record(Recording(path), (WavSound(), wav(pcm(0, 60)), pcm(0, 40)))

    with wave.open(str(path)) as read:
        assert (read.getframerate(), read.getnframes()) == (RATE, RATE // 10)


def test_several_answers_become_one_wav_with_one_header(path):
    record(Recording(path), (WavSound(), wav(pcm(0, 60))), (WavSound(), wav(b"", RATE), pcm(0, 60)))

    assert path.read_bytes()[44:] == pcm(0, 60) * 2
    assert path.stat().st_size == 44 + 120 * MS


@pytest.mark.parametrize("piece", [1, 5, 43, 44, 45, 1000])
def test_a_header_in_pieces_is_one_header(path, piece):
    raw = wav(pcm(0, 30))
    record(Recording(path), (WavSound(), *(raw[at : at + piece] for at in range(0, len(raw), piece))))

    assert path.read_bytes()[44:] == pcm(0, 30)


def test_what_follows_the_data_of_a_wav_is_left_out(path):
    record(Recording(path), (WavSound(), wav(pcm(0, 30), data_bytes=30 * MS) + b"LIST\4\0\0\0abcd"))

    assert path.read_bytes()[44:] == pcm(0, 30)


def test_other_formats_are_written_as_they_come(path):
    sound = mp3(pcm(0, 100))
    record(Recording(path), (Mp3Sound(), sound[:50], sound[50:]), (Mp3Sound(), sound))

    assert path.read_bytes() == sound * 2


def test_an_answer_of_another_format_can_not_be_joined(path):
    with pytest.raises(FormatChanged, match="wav and a later one is mp3"):
        record(Recording(path), (WavSound(), wav(pcm(0, 30))), (Mp3Sound(), mp3(pcm(0, 30))))


def test_an_answer_of_another_rate_can_not_be_joined(path):
    with pytest.raises(FormatChanged):
        record(Recording(path), (WavSound(), wav(pcm(0, 30))), (WavSound(), wav(pcm(0, 30), rate=48_000)))


def test_what_came_before_the_end_stays_a_sound_file(path):
    recording, sound = Recording(path), WavSound()
    sound.feed(wav(pcm(0, 30)))
    recording.add(sound, wav(pcm(0, 30)))
    recording.close()
    recording.close()

    with wave.open(str(path)) as read:
        assert read.getnframes() == RATE * 30 // 1000


def test_a_pipe_gets_the_header_of_a_stream(path):
    read_end, write_end = os.pipe()
    record(Recording(path, os.fdopen(write_end, "wb", buffering=0)), (WavSound(), wav(pcm(0, 30))))
    with os.fdopen(read_end, "rb") as pipe:
        heard = pipe.read()

    assert heard[40:44] == b"\xff\xff\xff\xff"
    assert heard[44:] == pcm(0, 30)


def test_a_file_that_can_not_be_written_is_named(tmp_path):
    with pytest.raises(RecordingFailed, match="--out"):
        Recording(tmp_path / "no" / "such" / "folder.wav")


@pytest.mark.skipif(not FULL.exists(), reason="a disk that is always full")
def test_a_full_disk_is_named():
    with pytest.raises(RecordingFailed, match="No space left"):
        record(Recording(FULL), (WavSound(), wav(pcm(0, 30))))


def test_a_follower_reads_what_is_written_while_it_is_written(path):
    recording = Recording(path)
    heard, blocks = threading.Event(), []

    def follow():
        for block in recording.follow(threading.Event()):
            blocks.append(block)
            heard.set()

    follower = threading.Thread(target=follow)
    follower.start()
    recording.add(PcmSound(SampleFormat(RATE)), pcm(0, 30))
    first_came_early = heard.wait(30)
    recording.add(PcmSound(SampleFormat(RATE)), pcm(0, 20))
    recording.close()
    follower.join(30)

    assert first_came_early
    assert b"".join(blocks) == pcm(0, 30) + pcm(0, 20)


def test_a_follower_that_is_told_to_stop_stops(path):
    recording, stop = Recording(path), threading.Event()
    recording.add(PcmSound(SampleFormat(RATE)), pcm(0, 30))
    blocks = recording.follow(stop)
    next(blocks)
    stop.set()
    recording.close()

    assert list(blocks) == []
