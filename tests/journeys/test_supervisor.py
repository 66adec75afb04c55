"""The supervisor over real processes."""

from __future__ import annotations

import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.journeys.services import SMALL_SERVICE, Process, free_ports, is_alive, started, wait_until
from voxtrace.cli.supervisor import LONGEST_DELAY_S, delay_s, ending

pytestmark = pytest.mark.slow

SUPERVISE = """
import sys
from voxtrace.cli.supervisor import Service, Supervisor
from voxtrace.errors import VoxtraceError

small, *ports = sys.argv[1:]
services = [
    Service(f"s{n}", (sys.executable, "-c", small, port), f"http://127.0.0.1:{port}") for n, port in enumerate(ports)
]
try:
    Supervisor(services, tell=print).run(lambda: print("ready"))
except VoxtraceError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def pid_behind(port: int) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return int(answer.read())
    except OSError:
        return None


@contextmanager
def two_services(script: str = SMALL_SERVICE) -> Iterator[tuple[Process, list[int]]]:
    ports = free_ports(2)
    with started("-c", SUPERVISE, script, *map(str, ports)) as supervisor:
        yield supervisor, ports


def test_a_crashed_service_is_started_again_and_the_other_runs_on():
    with two_services() as (supervisor, ports):
        supervisor.read_until("ready")
        before = [pid_behind(port) for port in ports]
        os.kill(before[0], signal.SIGKILL)

        notice = supervisor.read_until("s0 ended")
        supervisor.read_until("s0 is back")
        after = [pid_behind(port) for port in ports]

    assert notice == "s0 ended by itself (signal SIGKILL); starting it again in 0.5 s"
    assert after[0] not in (None, before[0])
    assert after[1] == before[1]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_every_service_and_is_no_failure(signum: signal.Signals):
    with two_services() as (supervisor, ports):
        supervisor.read_until("ready")
        pids = [pid_behind(port) for port in ports]
        supervisor.signal(signum)

        code = supervisor.ended()

    assert code == 0
    assert [is_alive(pid) for pid in pids] == [False, False]


def test_no_service_outlives_a_supervisor_that_was_killed():
    with two_services() as (supervisor, ports):
        supervisor.read_until("ready")
        pids = [pid_behind(port) for port in ports]
        supervisor.signal(signal.SIGKILL)

        wait_until(lambda: not any(is_alive(pid) for pid in pids), "the services to end")


def test_a_service_that_ends_before_it_answers_stops_everything_with_its_own_exit_code():
    with two_services("import sys; print('no such voice'); sys.exit(2)") as (supervisor, _):
        code = supervisor.ended()

    assert code == 2
    assert any("did not start: exit code 2; its own message stands above" in line for line in supervisor.seen)
    assert "ready" not in supervisor.seen


def test_the_delay_doubles_with_each_crash_in_a_row_up_to_a_limit():
    assert [delay_s(crashes) for crashes in (1, 2, 3, 4)] == [0.5, 1, 2, 4]
    assert delay_s(1000) == LONGEST_DELAY_S


def test_an_ending_is_told_in_words():
    assert (ending(3), ending(-9)) == ("exit code 3", "signal SIGKILL")
