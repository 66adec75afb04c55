"""`voxtrace recommend`, and the advice below `report` and `show`, as a person types them."""

from __future__ import annotations

import json

import pytest

from voxtrace.cli.main import main
from voxtrace.store import open_store
from voxtrace.testing.turns import event


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Thirty turns whose model takes 4 s and more, without a record: they are measured when they are read."""
    folder = tmp_path_factory.mktemp("slow-model")
    store = open_store(folder)
    for n in range(30):
        name = f"r{n}"
        store.append(
            [
                event("speech_end", 0, request_id=name),
                event("v34_ollama_sent", 5, "backend", request_id=name),
                event("v34_ollama_received", 4_005 + n, "backend", request_id=name),
                event("heard", 4_300 + n, "player", request_id=name),
            ]
        )
    store.close()
    return folder


def run(capsys, *arguments):
    code = main([*arguments])
    return code, capsys.readouterr()


def test_the_slow_model_is_told_with_its_gain(folder, capsys):
    code, said = run(capsys, "recommend", "--data", str(folder), "--json")
    told = json.loads(said.out)
    first = told["findings"][0]

    assert (code, told["turns"], first["rule"], first["owner"]) == (0, 30, "slow_language_model", "service")
    assert first["gain"]["before_ms"]["p50"] - first["gain"]["after_ms"]["p50"] == pytest.approx(1_014)


def test_only_the_newest_are_looked_at_where_that_is_asked(folder, capsys):
    _, said = run(capsys, "recommend", "--data", str(folder), "--last", "7", "--format", "markdown")

    assert said.out.startswith("# What would help most (7 turns)")
    assert "that is no pass" in said.out


def test_thresholds_of_ones_own_count(folder, capsys, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[[rule]]\nname = "slow_language_model"\nover = 9000\n', "utf-8")
    _, said = run(capsys, "recommend", "--data", str(folder), "--thresholds", str(mine), "--json")
    standing = {each["rule"]: each["standing"] for each in json.loads(said.out)["findings"]}

    assert standing["slow_language_model"] == "kept"


def test_a_bad_file_of_thresholds_is_a_clear_error(folder, capsys, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[[rule]]\nname = "slow_language_model"\nover = "soon"\n', "utf-8")
    code, said = run(capsys, "recommend", "--data", str(folder), "--thresholds", str(mine))

    assert code == 2
    assert "has to be a number" in said.err


@pytest.mark.parametrize("arguments", [("report",), ("report", "--format", "markdown"), ("show", "r3")])
def test_reports_and_single_turns_end_with_the_first_advice(folder, capsys, arguments):
    code, said = run(capsys, *arguments, "--data", str(folder))

    assert code == 0
    assert "slow_language_model · language model · service" in said.out


def test_nothing_to_look_at_is_said(folder, capsys):
    code, said = run(capsys, "recommend", "--data", str(folder), "--session", "nobody")

    assert code == 0
    assert said.out.startswith("no requests in that range")
