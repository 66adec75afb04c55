"""`voxtrace sessions`, as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.analysis.talks import talk
from tests.samples import sample
from voxtrace.cli.main import main
from voxtrace.collector.measure import measure
from voxtrace.store import open_store
from voxtrace.testing.turns import event


def prompt(n, kept=True):
    size = 400 + 60 * n
    return {"prompt_tokens": size, "cached_tokens": size - 60 if kept and n else 0, "prompt": "Hello" * (n + 1)}


def kitchen():
    """Thirty turns that get slower by 20 ms each; the first was cold and the last two read everything again."""
    return [
        talk(n, session="kitchen", llm=(1500 if not n else 400) + 20 * n, prompt=prompt(n, n < 28)) for n in range(30)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions")
    store = open_store(folder)
    for events in kitchen():
        store.append(events)
    for n in range(3):
        store.append(talk(n, session="hall/1", llm=9000.0, outcome="error" if n == 1 else "ok"))
    silent = [each._replace(session_id="hall/2", request_id="mute", event_id="m1") for each in talk(0)[:1]]
    store.append(silent)
    store.append([event("REQUEST_START", 0.0, "client", request_id="alone")])
    measure(store)
    store.close()
    return str(folder)


def run(capsys, *arguments):
    code = main(["sessions", *arguments])
    return code, capsys.readouterr()


def flat(text):
    return " ".join(text.split())


def test_sessions_are_listed_newest_first_and_what_is_not_known_is_a_word(folder, capsys):
    code, out = run(capsys, "--data", folder)
    lines = out.out.splitlines()
    mute = next(line for line in lines if "hall/2" in line)

    assert code == 0
    assert lines[1].strip() == "3 sessions, 34 turns; 3 shown, newest first"
    assert lines[2].strip() == "1 turn without a session: in none of these"
    assert lines[3].strip() == "not measured in 1 session: no event says when the agent became audible"
    assert "kitchen" in lines[5]
    assert "slower by 20.0 ms a turn (20.0 to 20.0)" in flat(out.out)
    assert "not measured" in mute
    assert " 0 " not in mute


def test_slow_sessions_come_first_and_every_form_has_the_same_rows(folder, capsys):
    _, told = run(capsys, "--slow", "--json", "--data", folder)
    _, markdown = run(capsys, "--slow", "--format", "markdown", "--data", folder)
    _, page = run(capsys, "--slow", "--format", "html", "--data", folder)
    listed = json.loads(told.out)

    assert [each["session_id"] for each in listed["sessions"]] == ["hall/1", "kitchen", "hall/2"]
    assert [each["failed"] for each in listed["sessions"]] == [1, 0, 0]
    assert listed["turns_without_session"] == 1
    assert "| hall/1 | 3 |" in markdown.out
    assert '<td class="words">hall/1</td>' in page.out


def test_one_session_is_explained(folder, capsys):
    code, out = run(capsys, "kit", "--data", folder)
    said = flat(out.out)

    assert code == 0
    assert said.startswith("Session kitchen 30 turns · 30 ok")
    assert "longer prompts take longer: 333.3 ms for 1,000 tokens" in said
    assert "THE FIRST TURN AGAINST THE LATER ONES voice_to_voice_ms: 1,730 ms" in said
    assert "kv_reuse_not_seen: turns 29, 30 read again" in said
    assert "by the prompts' text" in said
    assert "conversation, L2, first of the session (cold or warm: not told): 1 turn" in said


def test_the_json_of_one_session_has_every_part(folder, capsys):
    _, out = run(capsys, "last", "--json", "--data", folder)
    told = json.loads(out.out)
    main_turns = told["populations"][0]
    (relation,) = [each for each in main_turns["prompt_size"] if each["metric"] == "llm_total_ms"]

    assert (told["schema"], told["session_id"], len(told["turn_list"])) == ("voxtrace/1/session", "kitchen", 30)
    assert told["trend"]["slope"]["value"] == pytest.approx(20.0)
    assert (relation["size_unit"], relation["slope_per_1000"]["value"]) == ("tokens", pytest.approx(1000 / 3))
    assert [each["place"] for each in told["kv_reuse"] if each["is_read_again"]] == [29, 30]
    assert told["first_turn"]["is_slower"] is True


def test_only_the_newest_turns_are_looked_at_and_keep_their_places(folder, capsys):
    _, out = run(capsys, "kitchen", "--last", "6", "--json", "--data", folder)
    _, text = run(capsys, "kitchen", "--last", "6", "--data", folder)
    told = json.loads(out.out)

    assert (told["turns"], told["looked_at"]) == (30, 6)
    assert [each["place"] for each in told["turn_list"]] == list(range(25, 31))
    assert told["first_turn"] is None
    assert "only the newest 6 turns are looked at (--last)" in text.out


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        ("attic", "no session 'attic'; `voxtrace sessions` lists those there are"),
        ("hall", "no session 'hall'; it is a piece of several: hall/"),
    ],
)
def test_an_id_that_means_no_session_is_an_error(folder, capsys, piece, said):
    code, out = run(capsys, piece, "--data", folder)

    assert code != 0
    assert said in out.err


def test_what_nobody_measured_yet_is_told_alike(folder, capsys):
    _, before = run(capsys, "kitchen", "--json", "--data", folder)
    store = open_store(Path(folder))
    store.forget_derived()
    _, after = run(capsys, "kitchen", "--json", "--data", folder)
    measure(store)
    store.close()

    assert json.loads(after.out) == json.loads(before.out)


def test_a_session_is_told_alike_whatever_else_is_in_the_store_and_however_it_came(folder, tmp_path, capsys):
    _, beside = run(capsys, "kitchen", "--json", "--data", folder)
    store = open_store(tmp_path)
    for events in reversed(kitchen()):
        store.append(events[::-1])
    measure(store)
    store.close()
    _, alone = run(capsys, "kitchen", "--json", "--data", str(tmp_path))

    assert json.loads(alone.out) == json.loads(beside.out)


def test_a_store_without_sessions_says_so(tmp_path, capsys):
    open_store(tmp_path).close()
    _, empty = run(capsys, "--data", str(tmp_path))

    assert empty.out.startswith("no sessions in that range")


@pytest.mark.parametrize(
    ("path", "turns"),
    [
        ("little_timmy/latency_example.log", 1),
        ("little_timmy/v34_console.log", 5),
        ("english_tutor/log_analysis.jsonl", 1),
    ],
)
def test_samples_name_no_session_and_that_is_what_is_said(path, turns, tmp_path, capsys):
    main(["import", str(sample(path)), "--data", str(tmp_path)])
    capsys.readouterr()
    _, out = run(capsys, "--data", str(tmp_path))

    assert out.out.startswith(f"no sessions in that range; {turns} turn{'s' if turns > 1 else ''} without one")


def test_runs_of_a_benchmark_are_sessions(tmp_path, capsys):
    main(["import", str(sample("kokoro_bench/2025-08-16/bench_stream_long_224748.json")), "--data", str(tmp_path)])
    capsys.readouterr()
    _, out = run(capsys, "last", "--json", "--data", str(tmp_path))
    told = json.loads(out.out)

    assert told["turns"] >= 600
    assert told["metric"] is not None


def voice_log(turns):
    """A latency.log of one session; the tenth turn reads its prompt again although the context was handed over."""
    for n in range(turns):
        size = 900 + 80 * n
        prefill = size * 0.4 if n in (0, 9) else 24.0 + n % 3
        answered = 0.11 + (prefill + 600) / 1000
        handed = {"kv_context_length": size - 80 if n else 0, "has_kv_cache": n > 0}
        read = {"prompt_eval_count": size, "prompt_eval_duration_ms": prefill}
        for after, service, name, facts in (
            (0.0, "stt", "stt_transcript_finalized", {}),
            (0.01, "v34", "v34_webhook_received", {"session_id": "living-room"}),
            (0.1, "v34", "v34_prompt_built", {"prompt_chars": 4 * size}),
            (0.11, "v34", "v34_ollama_sent", handed),
            (answered, "v34", "v34_ollama_received", read),
            (answered + 0.2, "tts", "tts_audio_playback_start", {}),
        ):
            line = {"timestamp": 1764253805.0 + 40 * n + after, "request_id": f"{n:08x}", "service": service}
            yield json.dumps({**line, "event": name, "metadata": facts})


def test_a_handed_over_context_that_the_model_did_not_use_is_found_in_a_log(tmp_path, capsys):
    (tmp_path / "latency.log").write_text("\n".join(voice_log(14)) + "\n")
    main(["import", str(tmp_path / "latency.log"), "--data", str(tmp_path / "data")])
    capsys.readouterr()
    _, out = run(capsys, "living", "--json", "--data", str(tmp_path / "data"))
    told = json.loads(out.out)
    again = [each for each in told["kv_reuse"] if each["is_read_again"]]

    assert (told["turns"], told["metric"], told["wait"]["bound"]) == (14, "voice_to_voice_ms", "lower")
    assert [(each["place"], each["expected_by"], each["observed_by"]) for each in again] == [(10, "handed", "time")]
    assert told["kv_reuse"][3]["observed"] == pytest.approx(0.943, abs=0.01)


def test_answers_that_tell_only_their_usage_keep_their_session(tmp_path, capsys):
    def line(n):
        details = {"cached_tokens": 0 if n in (0, 4) else 896}
        usage = {"prompt_tokens": 1000 + 50 * n, "completion_tokens": 9, "prompt_tokens_details": details}
        answer = {"object": "chat.completion", "id": f"c{n}", "model": "m", "choices": [], "usage": usage}
        told = {"session_id": "chat", "request_id": f"q{n}", "timestamp": f"2026-01-01T10:0{n}:00Z"}
        return json.dumps({**told, "response": answer})

    (tmp_path / "answers.jsonl").write_text("\n".join(map(line, range(6))) + "\n")
    main(["import", str(tmp_path / "answers.jsonl"), "--data", str(tmp_path / "data")])
    capsys.readouterr()
    _, out = run(capsys, "chat", "--json", "--data", str(tmp_path / "data"))
    told = json.loads(out.out)

    assert (told["wait"], told["longest"], told["trend"], told["ends_not_known"]) == (None, None, None, 6)
    assert [each["place"] for each in told["kv_reuse"] if each["is_read_again"]] == [5]
