"""What `voxtrace up` refuses before anything starts, and what it would start."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser
from pathlib import Path

import pytest

from voxtrace.cli.addresses import require_free_port, url_of, warn_if_public
from voxtrace.cli.folder_lock import only_one
from voxtrace.cli.main import main
from voxtrace.cli.up import UpCommand, greeting, services_of
from voxtrace.config import load_settings
from voxtrace.errors import DataFolderInUse, InvalidOption


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code and the one line that `voxtrace` ends with."""
    code = main(arguments)
    printed = capsys.readouterr()
    assert printed.out == ""
    return code, printed.err


def test_a_port_in_use_is_one_clear_error(capsys: pytest.CaptureFixture[str], tmp_path: Path, taken_port: int):
    code, said = refusal(capsys, "up", "--no-watch", "--data", str(tmp_path), "--port", str(taken_port))

    assert (code, said.count("\n")) == (2, 1)
    assert f"127.0.0.1:{taken_port} is in use" in said
    assert "--port N" in said


def test_the_dashboards_port_in_use_names_the_flag_that_changes_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, taken_port: int
):
    code, said = refusal(capsys, "up", "--data", str(tmp_path), "--watch-port", str(taken_port))

    assert code == 2
    assert "--watch-port N" in said


def test_two_services_on_one_port_are_one_clear_error(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    code, said = refusal(capsys, "up", "--data", str(tmp_path), "--port", "9000", "--watch-port", "9000")

    assert (code, said.count("\n")) == (2, 1)
    assert "the speech server takes that port" in said


@pytest.mark.parametrize("role", ["up", "watch"])
def test_a_data_folder_in_use_is_one_clear_error(capsys: pytest.CaptureFixture[str], tmp_path: Path, role: str):
    with only_one(tmp_path, role):
        code, said = refusal(capsys, "up", "--data", str(tmp_path))

    assert code == 2
    assert f"process {os.getpid()} already runs '{role}'" in said
    assert "--data DIR" in said


def test_a_folder_that_can_not_be_written_is_one_clear_error(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "file").write_text("")

    code, said = refusal(capsys, "up", "--data", str(tmp_path / "file"))

    assert code == 2
    assert "can't be written" in said


def test_a_public_address_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    code, said = refusal(capsys, "up", "--host", "0.0.0.0", "--data", str(tmp_path))

    assert code == 2
    assert "--allow-anonymous" in said


def test_listening_for_others_is_said_aloud(capsys: pytest.CaptureFixture[str]):
    warn_if_public("127.0.0.1", 1)
    warn_if_public("0.0.0.0", 2)

    assert capsys.readouterr().err == "warning: whoever reaches 0.0.0.0:2 can use it, nobody has to log in\n"


def test_a_lock_is_free_again_when_its_holder_is_done(tmp_path: Path):
    for _ in range(2):
        with only_one(tmp_path, "watch"), pytest.raises(DataFolderInUse), only_one(tmp_path, "watch"):
            pass


def test_an_address_of_another_machine_can_not_be_listened_on():
    with pytest.raises(InvalidOption, match="can't be listened on"):
        require_free_port("192.0.2.1", 9)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("::1", "http://[::1]:1"),
        ("[::1]", "http://[::1]:1"),
    ],
)
def test_a_url_is_one_that_a_browser_here_can_open(host: str, url: str):
    assert url_of(host, 1) == url


def test_what_to_type_next_works_as_it_stands(tmp_path: Path):
    command, parser = UpCommand(), ArgumentParser()
    command.arguments(parser)
    args = parser.parse_args(["--port", "9000"])
    args.data = tmp_path / "a folder"

    services = services_of(args, load_settings(args.data, {"port": 9000}, {}))

    assert [each.name for each in services] == ["serve", "watch"]
    assert (
        greeting(services, args.data)
        .splitlines()[-1]
        .endswith(f'say "Hello world" --url http://127.0.0.1:9000 --data "{args.data}"')
    )
