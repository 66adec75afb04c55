"""`voxtrace load` against the real speech server, over real processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.journeys.services import free_ports, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """A function that loads a speech server of its own."""
    data = tmp_path_factory.mktemp("loaded")
    (port,) = free_ports(1)
    with started("-m", "voxtrace", "serve", "--port", str(port), "--data", str(data)) as process:
        process.read_until("ready")

        def run(*flags: str) -> dict[str, object]:
            command = [sys.executable, "-m", "voxtrace", "load", f"http://127.0.0.1:{port}", "--json", *flags]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.stdout, done.stderr
            return json.loads(done.stdout)

        yield run


@pytest.mark.parametrize("sound", ["pcm", "wav", "mp3"])
def test_every_request_is_answered_and_its_sound_measured(load, sound):
    found = load("--rate", "20", "--for", "2", "--format", sound, "--texts", "short=3,complex=1")

    assert found["errors"] == []
    assert found["counts"]["completed"] == found["counts"]["offered"] > 20
    for scenario in found["scenarios"].values():
        for group in scenario["groups"]:
            assert group["population"]["source"] == "load"
            for name in ("ttfa_ms", "ttfa_from_send_ms", "audio_ms", "max_stall_ms"):
                assert group["metrics"][name]["measured"] == group["turns"]


def test_listeners_in_real_time_and_a_calibration(load):
    found = load("--users", "5", "--for", "2", "--real-time", "--calibrate")

    assert found["errors"] == []
    assert found["generator"]["calibration_error_ms"]["measured"] > 0


def test_listeners_who_leave_are_cancelled_and_no_errors(load):
    found = load("--rate", "20", "--for", "1", "--texts", "article", "--leave-after", "0.001", "--real-time")

    assert found["errors"] == []
    assert set(found["scenarios"]["article"]["outcomes"]) <= {"cancelled", "ok"}
