"""The scripts that we compare ourselves with do what such scripts do, and we tell the same of the same log."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import two_scripts
from benchmarks.analyzer import TURNS_PER_SESSION, log_lines
from benchmarks.import_log import TURN
from voxtrace.cli.main import main

pytestmark = pytest.mark.slow
TURNS = 2 * TURNS_PER_SESSION


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "latency.log"
    path.write_text("".join(log_lines(TURNS * len(TURN))))
    return path


def printed(script, log):
    return subprocess.run(
        [sys.executable, two_scripts.__file__, script, str(log)], capture_output=True, text=True, check=True
    ).stdout


def test_each_request_is_printed_and_all_are_summed_up(log):
    told = printed("requests", log)

    assert told.count("Request ID: ") == TURNS
    assert told.count("slowest step") == TURNS
    assert f"SUMMARY: {TURNS} requests" in told


def test_sessions_are_told_apart(log):
    told = printed("sessions", log)

    assert told.count("Session: session-") == TURNS / TURNS_PER_SESSION
    assert "Correlation of prompt size and Ollama time: " in told


def test_we_tell_the_same_largest_time_of_the_model(log, tmp_path, capsys):
    main(["import", str(log), "--data", str(tmp_path / "data")])
    capsys.readouterr()
    main(["report", "--json", "--data", str(tmp_path / "data")])
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    line = next(line for line in printed("requests", log).splitlines() if line.startswith("v34_ollama_sent -> "))

    assert group["metrics"]["llm_total_ms"]["largest"] == pytest.approx(
        float(line.partition("max")[2].partition("ms")[0]), abs=0.06
    )
