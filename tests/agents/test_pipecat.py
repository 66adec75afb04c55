"""Pipecat's `OpenAITTSService`, as it is installed, in a pipeline of its own and pointed at a real server."""

from __future__ import annotations

import pytest

from tests.agents.agents import ask
from tests.server.raw_client import speak
from tests.server.serving import Serving, serving, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TEXT = "Hello world, this is a test of voice agents."
BLOCK = 60 * 48  # bytes that the faulty engine hums for each character


def pipecat(server: Serving, text: str = TEXT, how: str = "whole") -> dict:
    return ask("pipecat_speaks", server.port, text, {"voice": "ash"}, how=how)[0]


def test_it_gets_every_sample_at_the_rate_that_it_expects(tmp_path):
    with serving(tmp_path, faults={"delay_ms": 20}) as server:
        heard = pipecat(server)

    assert heard["shapes"] == [[24_000, 1]]
    assert heard["bytes"] == len(TEXT) * BLOCK
    assert heard["order"] == ["TTSStartedFrame", "TTSStoppedFrame"]
    assert heard["errors"] == []


def test_its_own_measure_of_the_first_audible_sound_sees_the_silence_in_front(tmp_path):
    """The server cuts 300 ms of silence at most; 150 of 450 are left."""
    with serving(tmp_path, faults={"leading_silence_ms": 450}) as server:
        metrics = {each["kind"]: each for each in pipecat(server)["metrics"]}

    assert metrics["TTFAMetricsData"]["leading_silence"] == pytest.approx(0.150, abs=0.006)
    assert metrics["TTFBMetricsData"]["value"] > 0
    assert metrics["TTSUsageMetricsData"]["value"] == len(TEXT)


def test_a_refusal_is_an_error_frame_with_its_reason(tmp_path):
    voices = [{"voice": "ash", "speed": 9.0}, {"voice": "ash", "model": "whisper-1"}]
    with serving(tmp_path, faults={}) as server:
        fast, unknown = ask("pipecat_speaks", server.port, TEXT, *voices)

    assert "speed: is 9.0, must be from 0.25 to 4" in fast["errors"][0]
    assert "there is no model 'whisper-1'" in unknown["errors"][0]
    assert (fast["bytes"], unknown["bytes"]) == (0, 0)


def test_an_interruption_frees_the_engine(tmp_path):
    with serving(tmp_path, faults={"block_delay_ms": 30, "only": "x"}, workers=1) as server:
        heard = pipecat(server, "x" * 300, how="interrupted")
        wait_until(lambda: server.status()["requests"]["cancelled"] == 1, "the request to be cancelled")
        after = speak(server.port, input="abc")

    assert 0 < heard["bytes"] < 300 * BLOCK
    assert after.is_complete
