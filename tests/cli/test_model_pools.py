"""Which voice models a server loads, and with how many processes and threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxtrace.cli.model_pools import model_pools, processors
from voxtrace.config import load_settings
from voxtrace.errors import InvalidOption


def folder_with(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / "voices" / name).mkdir(parents=True)
    return tmp_path


def pools(folder: Path, **flags: object):
    return model_pools(folder, {name: value.value for name, value in load_settings(folder, flags, {}).items()})


def test_all_that_are_there_are_loaded_unless_told_otherwise(tmp_path):
    folder = folder_with(tmp_path, "kokoro", "lessac")

    assert list(pools(folder).load) == ["kokoro", "lessac"]
    assert list(pools(folder, models="lessac").load) == ["lessac"]
    assert list(pools(folder, models="none").load) == []


def test_processes_of_all_models_are_bounded_and_those_left_out_are_told(tmp_path):
    chosen = pools(folder_with(tmp_path, "a", "b", "c"), model_workers=2, max_model_workers=4)

    assert list(chosen.load) == ["a", "b"]
    assert "max_model_workers = 4" in chosen.left_out["c"]


def test_the_processors_are_shared_by_all_processes(tmp_path):
    chosen = pools(folder_with(tmp_path, "a", "b"), model_workers=2)
    threads = chosen.load["a"].engine.options["threads"]

    assert threads == max(1, processors() // 4)


def test_a_model_that_is_named_and_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidOption, match="nobody"):
        pools(folder_with(tmp_path, "kokoro"), models="kokoro, nobody")


def test_links_reserved_names_and_odd_names_are_no_models(tmp_path):
    folder = folder_with(tmp_path, "espeak", "tts-1", ".waiting", "a b", "good")
    (folder / "voices" / "link").symlink_to(folder / "voices" / "good")

    assert list(pools(folder).load) == ["good"]


def test_a_file_that_is_a_link_keeps_its_model_out(tmp_path):
    folder = folder_with(tmp_path, "kokoro")
    (folder / "voices" / "kokoro" / "model.onnx").symlink_to("/etc/hostname")

    assert "symbolic link" in pools(folder).left_out["kokoro"]


def test_without_a_folder_of_voices_there_are_none(tmp_path):
    assert pools(tmp_path).load == {}
