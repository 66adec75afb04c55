"""What `voxtrace doctor` finds."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from voxtrace.cli.checks import (
    EARLIEST_WALL_NS,
    Finding,
    check_clock,
    check_folder,
    check_packages,
    check_python,
    check_service,
)
from voxtrace.cli.doctor import exit_code, to_line
from voxtrace.cli.main import main
from voxtrace.cli.round_trips import read_back


class SteppingClock:
    """Two clocks that go on when somebody waits; the wall clock also steps by `step_ns`."""

    def __init__(self, wall_ns: int = EARLIEST_WALL_NS, step_ns: int = 0) -> None:
        self._wall, self._mono, self._step = wall_ns, 0, step_ns

    def wall_ns(self) -> int:
        return self._wall

    def mono_ns(self) -> int:
        return self._mono

    def wait(self, seconds: float) -> None:
        self._mono += int(seconds * 1e9)
        self._wall += int(seconds * 1e9) + self._step


def test_this_machine_has_what_it_needs():
    assert (check_python().state, check_packages().state) == ("ok", "ok")


def test_a_missing_package_is_named_and_extras_are_not_asked_for():
    found = check_packages(["numpy>=1", "no-such-package>=2", "pytest; extra == 'dev'"])

    assert (found.state, found.found) == ("problem", "not installed: no-such-package")


@pytest.mark.parametrize(
    ("clock", "state"),
    [
        (SteppingClock(), "ok"),
        (SteppingClock(step_ns=3_600_000_000_000), "problem"),
        (SteppingClock(step_ns=-10_000_000), "problem"),
        (SteppingClock(wall_ns=0), "problem"),
    ],
)
def test_a_clock_that_steps_or_was_never_set_is_a_problem(clock: SteppingClock, state: str):
    assert check_clock(clock, clock.wait).state == state


def test_a_folder_that_can_not_be_written_is_a_problem(tmp_path: Path):
    (tmp_path / "file").write_text("")

    assert check_folder(tmp_path).state == "ok"
    assert check_folder(tmp_path / "file").state == "problem"


def test_nothing_at_a_port_is_told_apart_from_something_else_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        other = check_service("collector", "127.0.0.1", port)
    nothing = check_service("collector", "127.0.0.1", port)

    assert (other.state, nothing.state) == ("problem", "unreachable")
    assert "something else listens" in other.found
    assert nothing.advice == "start it with: voxtrace up"


def test_an_event_that_never_comes_is_not_waited_for_for_ever(tmp_path: Path):
    class HurriedClock(SteppingClock):
        def mono_ns(self) -> int:
            self.wait(1.0)
            return super().mono_ns()

    assert read_back(tmp_path, "no such request", lambda events: True, HurriedClock()) == []


@pytest.mark.parametrize(
    ("states", "code"),
    [(["ok", "ok"], 0), (["ok", "problem"], 1), (["problem", "unreachable"], 3), (["ok", "skipped"], 0)],
)
def test_the_exit_code_tells_the_gravest_finding(states: list[str], code: int):
    assert exit_code([Finding("x", state, "") for state in states]) == code


def test_what_to_do_stands_below_what_was_found():
    first, second = to_line(Finding("collector", "unreachable", "nothing there", "start it")).splitlines()

    assert first.split() == ["NO", "ANSWER", "collector", "nothing", "there"]
    assert second.strip() == "-> start it"


def test_without_services_the_doctor_says_how_to_start_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [str(each.getsockname()[1]) for each in (one, two)]

    code = main(["doctor", "--json", "--data", str(tmp_path), "--port", ports[0], "--watch-port", ports[1]])

    found = {each["check"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    assert code == 3
    assert found["speech server"]["state"] == "unreachable"
    assert found["speech server"]["advice"] == "start it with: voxtrace up"
    assert found["an event"]["state"] == "skipped"
