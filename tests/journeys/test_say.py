"""`voxtrace say` against the real speech server, over real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from tests.journeys.services import free_ports, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PARTS_OF_THE_SERVER = {"queue", "inference"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A speech server: its data folder and its URL."""
    data = tmp_path_factory.mktemp("served")
    (port,) = free_ports(1)
    with started("-m", "voxtrace", "serve", "--port", str(port), "--data", str(data)) as process:
        process.read_until("ready")
        yield data, f"http://127.0.0.1:{port}"


@pytest.fixture
def say(served, tmp_path):
    data, url = served

    def run(*arguments: str, stdin: str = "", data: Path = data) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "voxtrace", "say", "--url", url, "--data", str(data), *arguments]
        return subprocess.run(command, input=stdin.encode(), capture_output=True, cwd=tmp_path, check=False)

    return run


@pytest.mark.parametrize("sound", ["wav", "pcm", "mp3", "opus", "aac", "flac"])
def test_the_sound_is_heard_and_the_servers_parts_are_in_the_waterfall(say, sound):
    # A text of its own: one that was said before comes from the cache, and no engine speaks.
    done = say(f"Hello world in {sound}", "--format", sound, "--out", f"said.{sound}", "--json")
    (turn,) = json.loads(done.stdout)["turns"]

    assert done.returncode == 0
    assert turn["labels"]["outcome"] == "ok"
    assert {part["name"] for part in turn["parts"]} >= PARTS_OF_THE_SERVER
    assert [
        name for name in ("ttfa_ms", "audio_ms", "stall_count", "rtf") if "value" not in turn["metrics"][name]
    ] == []
    assert turn["findings"] == []


def test_without_the_servers_events_its_header_stands_in(say, tmp_path):
    done = say("Hello world", "--out", "said.wav", data=tmp_path / "elsewhere")

    assert b"by its own Server-Timing header: " in done.stdout


def test_a_long_text_becomes_one_file(say, tmp_path):
    done = say("--out", "said.wav", "--json", stdin="This is a sentence of some eight words or so. " * 200)
    said = json.loads(done.stdout)

    assert said["requests"] == len(said["turns"]) == 3
    with wave.open(str(tmp_path / "said.wav")) as file:
        seconds = file.getnframes() / file.getframerate()
    assert seconds == pytest.approx(sum(turn["metrics"]["audio_ms"]["value"] for turn in said["turns"]) / 1000)


def test_what_the_server_refuses_is_told_in_its_own_words(say):
    done = say("Hello", "--voice", "nobody")

    assert done.returncode == 2
    assert b"there is no voice 'nobody'" in done.stderr
