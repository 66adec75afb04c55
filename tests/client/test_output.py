import stat
import sys
import threading

import pytest

from tests.client.answers import MS, RATE, chunk, head, mp3, pcm, wav, whole
from voxtrace.audio.wav import SampleFormat, write_header
from voxtrace.client.exchange import Exchange, Stamp
from voxtrace.client.output import Output
from voxtrace.client.player import (
    PlayingFailed,
    find_player,
    plain_samples,
    play_file,
    play_through,
)
from voxtrace.client.recording import Recording
from voxtrace.client.request import SpeechRequest, endpoint
from voxtrace.client.sound import WavSound

ID = "0af7651916cd43dd8448eb211c80319c"


def answer(body, content_type="audio/wav"):
    """An answer of which this body has come."""
    exchange = Exchange(endpoint("http://127.0.0.1"), SpeechRequest("Hello"), {})
    exchange.outgoing()
    exchange.receive(head(content_type=content_type) + chunk(body), Stamp(0, 0))
    return exchange


def hear(output, *bodies, content_type="audio/wav"):
    for body in bodies:
        output.hear(answer(body, content_type), body)
    return output.finish()


def listener(tmp_path, then=""):
    """A player's program that writes what it hears to a file."""
    heard = tmp_path / "heard"
    script = f"import sys; open({str(heard)!r}, 'wb').write(sys.stdin.buffer.read()); {then}"
    return [sys.executable, "-c", script], heard


def through(command):
    return lambda recording, stop: play_through(lambda samples: command, recording, stop)


def test_where_nothing_can_play_a_file_named_after_the_request_is_written(tmp_path):
    done = hear(Output(None, ID, None, tmp_path), wav(pcm(0, 30)))

    assert done.file == tmp_path / "speech-0af76519.wav"
    assert (done.played, done.unasked) == (False, True)


def test_a_file_is_named_after_what_came_and_not_after_what_was_asked(tmp_path):
    assert hear(Output(None, ID, None, tmp_path), mp3(pcm(0, 99)), content_type="audio/mpeg").file.suffix == ".mp3"


def test_a_file_that_is_there_is_not_overwritten(tmp_path):
    first = hear(Output(None, ID, None, tmp_path), wav(pcm(0, 30)))
    second = hear(Output(None, ID, None, tmp_path), wav(pcm(0, 60)))

    assert [first.file.name, second.file.name] == ["speech-0af76519.wav", "speech-0af76519-2.wav"]


def test_without_sound_no_file_appears(tmp_path):
    done = hear(Output(str(tmp_path / "said.wav"), ID, None, tmp_path))

    assert done.file is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_played_is_the_samples_and_leaves_no_file(tmp_path):
    command, heard = listener(tmp_path)
    output = Output(None, ID, through(command), tmp_path)
    done = hear(output, wav(pcm(0, 60)), wav(pcm(0, 40)))

    assert (done.played, done.file, done.problem) == (True, None, None)
    assert heard.read_bytes() == pcm(0, 60) + pcm(0, 40)
    assert [path.name for path in tmp_path.iterdir()] == ["heard"]


def test_a_program_that_wants_a_header_gets_one(tmp_path):
    command, heard = listener(tmp_path)
    play = lambda recording, stop: play_through(lambda samples: command, recording, stop, as_wav=True)  # noqa: E731
    hear(Output(None, ID, play, tmp_path), wav(pcm(0, 60)))

    assert heard.read_bytes() == write_header(SampleFormat(RATE)) + pcm(0, 60)


def test_a_player_that_fails_leaves_the_file_and_its_words(tmp_path):
    command, _ = listener(tmp_path, then="sys.exit('no such device')")
    done = hear(Output(None, ID, through(command), tmp_path), wav(pcm(0, 60)))

    assert (done.played, str(done.problem)) == (False, f"playing through {sys.executable} failed: no such device")
    assert done.file.read_bytes()[44:] == pcm(0, 60)


def test_a_player_that_dies_at_once_does_not_stop_the_hearing(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit(3)"]
    done = hear(Output(None, ID, through(command), tmp_path), *[wav(pcm(0, 60_000))] * 2)

    assert "ended with 3" in str(done.problem)
    assert done.file.stat().st_size == 44 + 120_000 * MS


def test_a_player_that_is_not_there_leaves_the_file(tmp_path):
    done = hear(Output(None, ID, through([str(tmp_path / "nothing")]), tmp_path), wav(pcm(0, 60)))

    assert "No such file" in str(done.problem)
    assert done.file.exists()


def test_a_user_who_leaves_hears_no_more(tmp_path):
    command, _ = listener(tmp_path, then="import time; time.sleep(60)")
    output = Output(None, ID, through(command), tmp_path)
    body = wav(pcm(0, 60))
    output.hear(answer(body), body)

    assert output.abandon() is None
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".wav"]


def test_a_user_who_leaves_keeps_the_file_that_was_asked_for(tmp_path):
    output = Output(str(tmp_path / "said.wav"), ID, None)
    body = wav(pcm(0, 60))
    output.hear(answer(body), body)

    assert output.abandon() == tmp_path / "said.wav"


def test_a_player_for_files_gets_the_whole_file(tmp_path):
    player = tmp_path / "player"
    player.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/heard\n')
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    output = Output(None, ID, lambda recording, stop: play_file(str(player), recording, stop), tmp_path)
    done = hear(output, wav(pcm(0, 60)))

    assert done.played
    assert (tmp_path / "heard").read_bytes() == write_header(SampleFormat(RATE), 60 * MS) + pcm(0, 60)


def test_samples_of_other_widths_are_played_as_sixteen_bits(tmp_path):
    path = tmp_path / "said.wav"
    sound, recording = WavSound(), Recording(path)
    body = write_header(SampleFormat(8_000, 1, 8)) + bytes([128, 255, 0])
    sound.feed(body)
    recording.add(sound, body)
    recording.close()

    assert b"".join(plain_samples(recording, threading.Event())) == b"\0\0\x00\x7f\x00\x80"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sees devices as Linux shows them")
def test_a_program_is_chosen_only_where_there_may_be_a_device(tmp_path):
    program = tmp_path / "aplay"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)

    assert find_player({"PATH": str(tmp_path), "PULSE_SERVER": "tcp:localhost"}) is not None
    assert find_player({"PATH": str(tmp_path / "empty"), "PULSE_SERVER": "tcp:localhost"}) is None


def test_a_format_without_plain_samples_is_not_played_as_noise(tmp_path):
    program = tmp_path / "aplay"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    play = find_player({"PATH": str(tmp_path), "PULSE_SERVER": "tcp:localhost"})
    done = hear(Output(None, ID, play, tmp_path), mp3(pcm(0, 99)), content_type="audio/mpeg")

    assert isinstance(done.problem, PlayingFailed)
    assert "ask for wav" in str(done.problem)


def test_an_error_page_is_no_sound(tmp_path):
    exchange = Exchange(endpoint("http://127.0.0.1"), SpeechRequest("Hello"), {})
    exchange.outgoing()
    exchange.receive(whole(b"<html>", 500, "text/html")[:-1], Stamp(0, 0))
    output = Output(None, ID, None, tmp_path)
    output.hear(exchange, b"<html>")

    assert output.finish().file is None
