"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

from voxtrace import __version__
from voxtrace.cli.main import COMMANDS, load_command, main


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]):
    code = main([])

    said = capsys.readouterr().err
    assert code == 2
    assert [name for name in COMMANDS if name not in said] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"voxtrace {name}" in load_command(name).details
    assert "--data DIR" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["sing"], ["up", "--nonsense"], ["up", "--port", "eighty"]])
def test_wrong_usage_is_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_package_can_be_run_as_a_module():
    answer = subprocess.run([sys.executable, "-m", "voxtrace", "--version"], capture_output=True, text=True, check=True)

    assert answer.stdout == f"voxtrace {__version__}\n"


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m voxtrace config | head -c 1; exit ${{PIPESTATUS[0]}}"

    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (answer.returncode, answer.stderr) == (0, "")
