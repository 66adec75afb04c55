"""`voxtrace play`: wrong usage, and how others find it."""

import json

import pytest

from voxtrace.cli.folder_lock import only_one
from voxtrace.cli.main import main
from voxtrace.cli.nearby_player import PLAYER_ADDRESS, PLAYER_ROLE, find_player_daemon


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sample-rate", "1"], "sample_rate 1 can't be played"),
        (["--channels", "6"], "channels 6 can't be played"),
        (["--bit-depth", "24"], "width 3 can't be played"),
        (["--host", "0.0.0.0"], "without any login"),
        (["--port", "0"], "at least 1"),
    ],
)
def test_wrong_usage_is_one_clear_line(tmp_path, capsys, arguments, says):
    code = main(["play", "--data", str(tmp_path), *arguments])
    printed = capsys.readouterr().err

    assert code == 2
    assert says in printed
    assert printed.count("\n") == 1


def address(folder, device="speakers"):
    (folder / PLAYER_ADDRESS).write_text(json.dumps({"url": "ws://127.0.0.1:8081", "device": device}))


def test_a_running_player_is_found_through_its_data_folder(tmp_path):
    address(tmp_path)
    with only_one(tmp_path, PLAYER_ROLE):
        found = find_player_daemon(tmp_path)

    assert found == "ws://127.0.0.1:8081"
    assert find_player_daemon(tmp_path) == ""  # it is gone, however it ended


def test_a_player_that_nobody_hears_is_used_only_by_who_asks_for_it(tmp_path):
    address(tmp_path, device="null")
    with only_one(tmp_path, PLAYER_ROLE):
        assert find_player_daemon(tmp_path) == ""


@pytest.mark.parametrize("written", ["", "[]", "{}", "null"])
def test_an_address_that_can_t_be_read_is_none(tmp_path, written):
    (tmp_path / PLAYER_ADDRESS).write_text(written)

    assert find_player_daemon(tmp_path) == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--player", "http://127.0.0.1:8081"], "must look like ws://"),
        (["--player", "ws://127.0.0.1:8081", "--out", "x.wav"], "give one of the two"),
    ],
)
def test_say_explains_how_to_name_a_player(tmp_path, capsys, arguments, says):
    assert main(["say", "Hello", "--data", str(tmp_path), *arguments]) == 2
    assert says in capsys.readouterr().err
