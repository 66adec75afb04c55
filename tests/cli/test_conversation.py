"""`voxtrace conversation`, from a log to what a person reads."""

from __future__ import annotations

import json

import pytest

from tests.reports.test_conversation_report import talk
from tests.samples import sample
from voxtrace.cli.main import main
from voxtrace.events.codec import encode
from voxtrace.testing.turns import client_events


@pytest.fixture
def stored(tmp_path):
    """Takes events into a data folder."""

    def take(*turns, session_id=None) -> list[str]:
        path = tmp_path / "events.jsonl"
        events = [each._replace(session_id=session_id) for turn in turns for each in turn]
        path.write_bytes(b"".join(map(encode, events)))
        assert main(["import", str(path), "--data", str(tmp_path / "data")]) == 0
        return ["--data", str(tmp_path / "data")]

    return take


def told(capsys, *arguments):
    capsys.readouterr()
    code = main(["conversation", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_the_tutor_waited_for_a_second_synthesis(capsys, tmp_path):
    data = ["--data", str(tmp_path / "data")]
    main(["import", str(sample("english_tutor/log_analysis.jsonl")), *data])
    code, found = told(capsys, *data)
    actual = {each["metric"]: (round(each["actual"]), each["status"]) for each in found["targets"]}
    chunks = {each["name"]: (each["state"], each["slack_ms"]) for each in found["critical_path"]["chunks"]}

    assert code == 0
    assert actual["request_to_audio_ms"] == (13_648, "fail")
    assert actual["stt_to_audio_ms"] == (14_281, "fail")
    assert actual["stt_ms"] == (614, "pass")
    assert actual["llm_total_ms"] == (4970, "pass")
    assert actual["chunk_chars_per_s"] == (5, "fail")
    assert chunks == {"0": ("critical", 0.0), "1": ("hidden", 4380.0)}
    assert found["root_cause"]["step"] == "metadata call"
    assert "a second synthesis" in found["root_cause"]["why"]["message"]
    assert sum(each["share"] for each in found["shares"]) == pytest.approx(1, abs=1e-5)
    assert found["user"][-1] == {"at_ms": 24_181.0, "what": "end", "length_ms": None, "of": None, "sure": False}


def test_without_an_id_it_is_the_newest_turn_of_a_conversation(stored, capsys):
    later = [each._replace(wall_ns=each.wall_ns + 10**12) for each in client_events(request_id="speech")]
    data = stored(talk((3.8, 6.0, 4.0), request_id="talk"), later)

    assert told(capsys, *data)[1]["request_id"] == "talk"
    assert told(capsys, "last", *data)[1]["request_id"] == "talk"
    assert told(capsys, "speech", *data)[1]["kind"] == "speech"


def test_of_a_session_all_turns_are_judged_and_the_slowest_is_told(stored, capsys):
    turns = [talk((3.8, 5.0 + n, 4.0), request_id=f"t{n}") for n in range(3)]
    data = stored(*turns, session_id="s1")
    found = told(capsys, "--session", "s1", *data)[1]
    main(["conversation", "--session", "s1", *data])

    assert found["slowest"]["request_id"] == "t2"
    assert {each["request_id"] for each in found["turns"]} == {"t0", "t1", "t2"}
    assert "Session s1: 3 turns" in capsys.readouterr().out


def test_a_budget_that_somebody_names_decides_the_exit_code(stored, capsys, tmp_path):
    data = stored(talk((3.8, 6.0, 4.0), request_id="talk"))
    mine = tmp_path / "mine.toml"
    mine.write_text('[mine]\nlimits = [{ metric = "llm_total_ms", target = "2s" }]', "utf-8")

    assert told(capsys, *data)[0] == 0
    assert told(capsys, "--budget", str(mine), *data)[0] == 1


@pytest.mark.parametrize("form", [[], ["--markdown"], ["--html"]])
def test_every_form_has_every_section(stored, capsys, tmp_path, form):
    data = stored(talk((3.8, 9.0, 4.0), (3.9, 20.0, 1.0), played=9.0))
    page = tmp_path / "turn.html"
    capsys.readouterr()

    assert main(["conversation", *form, *([str(page)] if form == ["--html"] else []), *data]) == 0
    text = (page.read_text("utf-8") if form == ["--html"] else capsys.readouterr().out).lower()
    titles = (
        "targets",
        "timeline",
        "what works",
        "what is slow",
        "root cause",
        "recommendations",
        "as the user lives it",
    )
    assert [title for title in titles if title not in text] == []
    assert "silence for 7.0 s" in text


def test_what_can_not_be_told_is_refused_with_what_to_do(stored, capsys, tmp_path):
    data = stored(client_events(request_id="speech"))

    assert main(["conversation", *data]) == 2
    assert "no turn of a conversation" in capsys.readouterr().err
    assert main(["conversation", "--session", "none", *data]) == 2
    assert main(["conversation", "speech", "--session", "s", *data]) == 2
    assert main(["conversation", "speech", "--html", str(tmp_path), *data]) == 2
