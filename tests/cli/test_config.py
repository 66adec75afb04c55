"""Settings: what wins, what is refused, and what `voxtrace config` shows of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voxtrace.cli.main import main
from voxtrace.config import SETTINGS, load_settings, prepare_data_folder, require_private_address
from voxtrace.errors import DataFolderUnusable, InvalidOption


def written(folder: Path, text: str) -> Path:
    (folder / "voxtrace.toml").write_text(text, "utf-8")
    return folder


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path):
    folder = written(tmp_path, "port = 1001\nworkers = 3\nkeep_days = 7\n")

    values = load_settings(folder, {"port": 1003}, {"VOXTRACE_PORT": "1002", "VOXTRACE_WORKERS": "5"})

    assert {name: (values[name].value, values[name].source) for name in ("port", "workers", "keep_days", "level")} == {
        "port": (1003, "flag"),
        "workers": (5, "environment"),
        "keep_days": (7, "file"),
        "level": ("full", "default"),
    }


def test_a_flag_that_was_not_given_decides_nothing(tmp_path: Path):
    assert load_settings(tmp_path, {"port": None}, {})["port"].source == "default"


@pytest.mark.parametrize(
    ("variable", "given", "why"),
    [
        ("VOXTRACE_PORT", "eighty", "type int"),
        ("VOXTRACE_PORT", "0", "at least 1"),
        ("VOXTRACE_PORT", "70000", "at most 65535"),
        ("VOXTRACE_LEVEL", "loud", "one of: off, sampled, full"),
        ("VOXTRACE_SAMPLE_RATE", "nan", "at least 0"),
        ("VOXTRACE_SAMPLE_RATE", "1.1", "at most 1"),
        ("VOXTRACE_HEDGE_AFTER_MS", "inf", "at most 600000"),
    ],
)
def test_a_value_that_can_not_be_used_says_where_it_stands_and_what_would_do(
    tmp_path: Path, variable: str, given: str, why: str
):
    with pytest.raises(InvalidOption, match=f"{variable} must.*{why}"):
        load_settings(tmp_path, {}, {variable: given})


@pytest.mark.parametrize("text", ["prot = 1\n", "port = \n", 'port = "x"\n', "port = true\n"])
def test_a_settings_file_with_a_mistake_is_refused_by_name(tmp_path: Path, text: str):
    with pytest.raises(InvalidOption, match=r"voxtrace\.toml"):
        load_settings(written(tmp_path, text), {}, {})


def test_every_default_passes_its_own_check(tmp_path: Path):
    defaults = {setting.variable: str(setting.default) for setting in SETTINGS}

    assert {name: each.value for name, each in load_settings(tmp_path, {}, defaults).items()} == {
        setting.name: setting.default for setting in SETTINGS
    }


def test_a_data_folder_below_a_file_is_refused_with_advice(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(DataFolderUnusable, match="choose another with --data"):
        prepare_data_folder(tmp_path / "file" / "data")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback_addresses_are_private(host: str):
    require_private_address(host, "--host", allow_anonymous=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", "2130706433", ""])
def test_an_address_that_others_may_reach_is_refused_unless_asked_for(host: str):
    require_private_address(host, "--host", allow_anonymous=True)
    with pytest.raises(InvalidOption, match="--allow-anonymous"):
        require_private_address(host, "--host", allow_anonymous=False)


def test_config_prints_each_setting_with_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("VOXTRACE_WORKERS", "4")

    code = main(["config", "--data", str(written(tmp_path, "keep_days = 7\n"))])

    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert code == 0
    assert lines["workers"].endswith("environment VOXTRACE_WORKERS")
    assert lines["keep_days"].endswith(f"file {tmp_path / 'voxtrace.toml'}")
    assert lines["port"].split() == ["port", "8880", "default"]
    assert lines["data"].endswith("flag")


def test_config_as_json_names_variables_that_nothing_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("VOXTRACE_PROT", "1")

    main(["config", "--json", "--data", str(tmp_path)])

    printed = json.loads(capsys.readouterr().out)
    assert printed["unknown_variables"] == ["VOXTRACE_PROT"]
    assert printed["settings"]["port"] == {"value": 8880, "source": "default", "where": ""}
    assert set(printed["settings"]) == {setting.name for setting in SETTINGS}


def test_a_wrong_setting_ends_the_command_with_code_2_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = main(["config", "--data", str(written(tmp_path, "workers = 0\n"))])

    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert printed.err.startswith("voxtrace: workers=0 can't be used")
    assert printed.err.count("\n") == 1
