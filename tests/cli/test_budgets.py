"""`voxtrace report --budget`, from events to the exit code."""

from __future__ import annotations

import json

import pytest

from tests.samples import sample
from voxtrace.cli.main import main
from voxtrace.events.codec import encode
from voxtrace.testing.turns import client_events, event, server_events


@pytest.fixture
def stored(tmp_path):
    """Takes the events of requests into a data folder, and answers with its argument."""

    def take(*requests) -> list[str]:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"".join(encode(each) for events in requests for each in events))
        assert main(["import", str(path), "--data", str(tmp_path / "data")]) == 0
        return ["--data", str(tmp_path / "data")]

    return take


def request(number: int, first_byte: float, cache="miss", text_class=None, chars=11):
    name = f"r{number}-{cache}-{text_class}-{chars}"
    asked = {"text_class": text_class} if text_class else {}
    events = client_events(request_id=name, first_byte=first_byte, chunks=[(first_byte, 900)])
    begun = event("REQUEST_START", 0, "client", request_id=name, text_chars=chars, format="pcm", **asked)
    return [begun, *events[1:], *server_events(request_id=name, cache=cache)]


def report(data, capsys, *options):
    capsys.readouterr()
    code = main(["report", "--json", *options, *data])
    return code, json.loads(capsys.readouterr().out)["budgets"]


def test_each_population_is_judged_by_its_own_budget(stored, capsys):
    data = stored(
        *(request(number, 700 + number) for number in range(80)),
        *(request(number, 4 + number / 100, "hit") for number in range(80)),
    )
    code, told = report(data, capsys, "--budget", "uncached", "--budget", "cached")
    found = {(line["budget"], line["of"]): (line["status"], line["n"]) for line in told["lines"]}

    assert (code, told["verdict"]) == (0, "pass")
    assert found == {
        ("uncached", "p95"): ("pass", 80),
        ("cached", "p50"): ("pass", 80),
        ("cached", "p95"): ("pass", 80),
    }
    assert told["without_budget"] == []


def test_a_budget_of_one_population_names_the_others_as_unjudged(stored, capsys):
    data = stored(*(request(number, 700) for number in range(80)), request(1, 4, "hit"))
    told = report(data, capsys, "--budget", "uncached")[1]

    assert ["hit" in each for each in told["without_budget"]] == [True]


def test_the_class_of_a_text_decides_and_its_length_where_nobody_named_it(stored, capsys):
    data = stored(
        *(request(number, 350 + number / 10, text_class="short") for number in range(40)),
        *(request(number, 350 + number / 10, chars=150) for number in range(40)),
        *(request(number, 900 + number / 10, text_class="complex", chars=150) for number in range(80)),
        *(request(number, 1100 + number / 10, chars=1500) for number in range(80)),
    )
    code, told = report(data, capsys, "--budget", "text-classes")
    found = {line["budget"]: (line["status"], line["n"]) for line in told["lines"]}

    assert found == {
        "uncached-short": ("pass", 80),
        "uncached-medium": ("inconclusive", 0),
        "uncached-long": ("pass", 80),
        "uncached-complex": ("pass", 80),
    }
    assert code == 1


def test_what_is_inconclusive_fails_unless_told_otherwise_and_what_is_broken_always(stored, capsys, tmp_path):
    data = stored(*(request(number, 700) for number in range(3)))
    mine = tmp_path / "mine.toml"
    mine.write_text('[mine]\nlimits = [{ metric = "ttfa_ms", of = "max", target = "100ms" }]', "utf-8")

    assert report(data, capsys, "--budget", "uncached")[0] == 1
    assert report(data, capsys, "--budget", "uncached", "--allow-inconclusive")[0] == 0
    assert report(data, capsys, "--budget", str(mine), "--allow-inconclusive")[0] == 1


def test_an_unknown_budget_is_wrong_usage(capsys, tmp_path):
    assert main(["report", "--budget", "cashed", "--data", str(tmp_path)]) == 2
    assert "did you mean cached" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_every_form_shows_target_actual_n_and_status(stored, capsys, form):
    data = stored(*(request(number, 700 + number / 10) for number in range(80)))
    code = main(["report", "--budget", "uncached", "--format", form, *data])
    out = capsys.readouterr().out.replace("&gt;", ">")

    assert code == 0
    assert all(word in out for word in ("≤ 800 ms", "> 2,000 ms", "707.5 ms", "80", "pass"))


def test_one_turn_is_too_few_for_any_verdict(capsys, tmp_path):
    data = ["--data", str(tmp_path / "data")]
    main(["import", str(sample("english_tutor/log_analysis.jsonl")), *data])
    code, told = report(data, capsys, "--budget", "conversation")

    assert code == 1
    assert {line["status"] for line in told["lines"]} == {"inconclusive"}
