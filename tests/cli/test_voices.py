"""`voxtrace voices` as a person types it, on small models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.speech.small_models import kokoro_folder, piper_folder
from voxtrace.cli.main import main

pytestmark = pytest.mark.slow

PIPER = "en_US-small-medium"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *words: object) -> int:
    return main(["voices", *map(str, words), "--data", str(data)])


def test_a_folder_of_kokoro_is_added_and_then_listed_and_checked(data, tmp_path, capsys):
    source = kokoro_folder(tmp_path / "downloads")
    (source / "README.md").write_text("not of a voice")
    added = run(data, "add", source)
    capsys.readouterr()
    checked = run(data, "check", "kokoro")
    said = capsys.readouterr().out
    run(data, "list")

    assert (added, checked) == (0, 0)
    assert "kokoro int8: loads in" in said
    assert "kokoro: 3 voices; en-gb, en-us; 24000 Hz; on cpu; fp32 of int8, fp32" in capsys.readouterr().out
    assert not (data / "voices" / "kokoro" / "README.md").exists()


def test_a_piper_voice_is_added_out_of_a_folder_of_many_under_the_name_it_is_given(data, tmp_path, capsys):
    piper_folder(tmp_path / "downloads", name="other")
    source = piper_folder(tmp_path / "downloads", name=PIPER)

    assert run(data, "add", source / f"{PIPER}.onnx", "--name", "lessac", "--link") == 0
    assert sorted(file.name for file in (data / "voices" / "lessac").iterdir()) == ["lessac.onnx", "lessac.onnx.json"]
    assert (data / "voices" / "lessac" / "lessac.onnx").stat().st_nlink == 2


def test_files_as_onnx_community_lays_them_out_are_understood(data, tmp_path):
    source = kokoro_folder(tmp_path / "hub")
    (source / "onnx").mkdir()
    (source / "kokoro-v1.0.onnx").rename(source / "onnx" / "model.onnx")
    (source / "kokoro-v1.0.int8.onnx").rename(source / "onnx" / "model_quantized.onnx")

    assert run(data, "add", source) == 0
    assert (data / "voices" / "kokoro" / "model_quantized.onnx").is_file()


def test_what_does_not_speak_is_not_added_and_leaves_nothing_behind(data, tmp_path, capsys):
    source = kokoro_folder(tmp_path / "downloads")
    model = source / "kokoro-v1.0.onnx"
    model.write_bytes(model.read_bytes()[:1000])

    assert run(data, "add", source) != 0
    assert "truncated" in capsys.readouterr().err
    assert list((data / "voices").iterdir()) == []


def test_a_model_that_makes_silence_is_found_out(data, tmp_path, capsys):
    assert run(data, "add", kokoro_folder(tmp_path / "downloads", level=0.0)) == 2
    assert "can be heard" in capsys.readouterr().err


def test_a_check_says_which_file_is_broken_and_answers_1(data, tmp_path, capsys):
    run(data, "add", kokoro_folder(tmp_path / "downloads"))
    (data / "voices" / "kokoro" / "kokoro-v1.0.int8.onnx").write_bytes(b"")
    capsys.readouterr()
    code = run(data, "check", "--json")
    by_precision = {each["precision"]: each for each in json.loads(capsys.readouterr().out)}

    assert code == 1
    assert "kokoro-v1.0.int8.onnx" in by_precision["int8"]["problem"]
    assert by_precision["fp32"]["rtf"] > 0


def test_files_can_be_checked_where_they_are(data, tmp_path, capsys):
    source = piper_folder(tmp_path / "downloads")

    assert run(data, "check", "--from", source / f"{PIPER}.onnx") == 0
    assert not (data / "voices").exists()


def test_a_configuration_that_is_missing_is_named(data, tmp_path, capsys):
    (piper_folder(tmp_path / "downloads") / f"{PIPER}.onnx.json").unlink()

    assert run(data, "check", "--from", tmp_path / "downloads" / f"{PIPER}.onnx") == 2
    assert f"{PIPER}.onnx.json" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../out", "a/b", "", "espeak", "tts-1", ".hidden", "x" * 65, "a b"])
def test_a_name_that_could_mean_something_else_is_refused(data, tmp_path, name, capsys):
    assert run(data, "add", kokoro_folder(tmp_path / "downloads"), f"--name={name}") == (0 if name == "" else 2)


def test_a_name_that_is_taken_is_refused(data, tmp_path, capsys):
    source = kokoro_folder(tmp_path / "downloads")

    assert (run(data, "add", source), run(data, "add", source)) == (0, 2)
    assert "already" in capsys.readouterr().err


def test_a_link_to_elsewhere_in_the_data_folder_is_not_followed(data, tmp_path, capsys):
    run(data, "add", kokoro_folder(tmp_path / "downloads"))
    model = data / "voices" / "kokoro" / "kokoro-v1.0.onnx"
    model.unlink()
    model.symlink_to(tmp_path / "downloads" / "kokoro-v1.0.onnx")

    assert run(data, "check", "kokoro") == 2
    assert "symbolic link" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("add",), ("add", "/no/such/place"), ("check", "nobody"), ("check", "--from", "/no")]
)
def test_what_is_not_there_is_one_clear_line(data, words, capsys):
    assert run(data, *words) == 2
    assert capsys.readouterr().err.count("\n") == 1
