"""`voxtrace up` over real processes: refusals, crashes, and what is left when it ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.journeys.house import pid_of, running_house
from tests.journeys.services import family, free_ports, is_alive, started, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_a_second_start_on_the_same_folder_is_refused_and_the_first_runs_on(tmp_path: Path):
    port, watch_port = free_ports(2)
    ports = ("--port", str(port), "--watch-port", str(watch_port))
    with running_house(tmp_path) as house:
        with started("-m", "voxtrace", "up", "--data", str(house.data), *ports) as second:
            code = second.ended()
        health = house.page("/health")

    assert code == 2
    assert len(second.seen) == 1
    assert f"process {house.process.pid} already runs 'up'" in second.seen[0]
    assert health["status"] == "ok"


def test_a_killed_speech_server_is_back_soon_and_the_dashboard_never_left(tmp_path: Path):
    with running_house(tmp_path / "data") as house:
        watch = pid_of(house, "watch")
        os.kill(pid_of(house, "serve"), signal.SIGKILL)

        house.process.read_until("serve ended")
        house.page("/health")
        house.process.read_until("serve is back")
        said = house.speak("Here again")

        assert said.startswith(b"RIFF")
        assert pid_of(house, "watch") == watch


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_when_the_supervisor_is_gone(tmp_path: Path, signum: signal.Signals):
    with running_house(tmp_path / "data") as house:
        everybody = family(house.process.pid)
        house.process.signal(signum)
        code = house.process.ended()

        wait_until(lambda: not any(map(is_alive, everybody)), "every process to end")

    assert len(everybody) >= 4  # two services, two engines
    assert code == (-signal.SIGKILL if signum == signal.SIGKILL else 0)
