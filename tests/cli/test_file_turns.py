"""`voxtrace report PATH` says of files what `voxtrace import` and `voxtrace report` say, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analysis.conversations import BRAIN, EAR, EVERY_NS, MOUTH, Conversation, HostClock
from tests.analysis.talks import talk
from tests.samples import sample
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.cli.main import main
from voxtrace.events import NO_REQUEST, Event
from voxtrace.events.codec import encode
from voxtrace.store.append import DROPPED
from voxtrace.testing.turns import STARTED_NS, client_events, server_events

AHEAD_NS = {EAR: 0, BRAIN: 1_284_000_000, MOUTH: -1_900_000_000}


def three_hosts() -> list[Event]:
    """Turns over clocks that are seconds apart; two of three tell nothing of them and have to ask the others."""
    clocks = {host: HostClock(ahead, 0.0, 10**15 + ahead * 7, []) for host, ahead in AHEAD_NS.items()}
    told = Conversation(clocks, random.Random(1))
    return [event for turn in range(12) for event in told.turn(turn * EVERY_NS, samples=2 if turn % 3 == 0 else 0)]


def sessions() -> list[Event]:
    models = ("small", "large")
    return [
        each._replace(metadata={**each.metadata, "model": models[turn % 2]})
        for session in ("hall", "kitchen")
        for turn in range(30)
        for each in talk(turn, session=session, llm=500.0 + 100 * turn)
    ]


def speech() -> list[Event]:
    asked = [client_events(request_id=f"r{number}", first_byte=100.0 + number) for number in range(25)]
    answered = [server_events(request_id=f"r{number}", inference=20.0 + number) for number in range(25)]
    # Both sides of each request, the client's word long after the server's.
    return [event for requests in (answered, asked) for request in requests for event in request]


def a_crowd_and_lost_events() -> list[Event]:
    crowd = [
        Event("all", "app", "step", STARTED_NS + number * 1000, f"e{number}")
        for number in range(MAX_EVENTS_OF_A_TURN + 9)
    ]
    lost = Event(NO_REQUEST, "app", DROPPED, STARTED_NS, "lost", metadata={"count": 7, "reason": "buffer_full"})
    return [*crowd, lost, lost, *talk(0)]


def one_id_twice() -> list[Event]:
    """Two events under one id: a store keeps the one that came first, also where it is the later one."""
    known, *rest = talk(0)
    return [known._replace(wall_ns=known.wall_ns + 90_000_000, mono_ns=known.mono_ns + 90_000_000), known, *rest]


def write(path: Path, events: list[Event]) -> str:
    path.write_bytes(b"".join(map(encode, events)))
    return str(path)


def told(capsys, *arguments: str) -> tuple[int, str]:
    code = main(["report", *arguments])
    return code, capsys.readouterr().out


def both(capsys, folder: Path, paths: list[str], *options: str) -> tuple[tuple[int, str], tuple[int, str]]:
    """What is said of the files themselves, and of a store that holds them."""
    data = ["--data", str(folder / "data")]
    of_files = told(capsys, *paths, *options, "--data", str(folder / "untouched"))
    main(["import", *paths, *data])
    capsys.readouterr()
    return of_files, told(capsys, *options, *data)


@pytest.mark.parametrize("events", [three_hosts, sessions, speech, a_crowd_and_lost_events, one_id_twice])
@pytest.mark.parametrize("form", ["json", "markdown", "html"])
def test_a_report_of_files_is_the_one_of_a_store_that_holds_them(events, form, tmp_path, capsys):
    log = write(tmp_path / "a.log", events())
    of_files, of_store = both(capsys, tmp_path, [log], "--format", form)

    assert of_files == of_store
    assert not (tmp_path / "untouched").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--where", "model=large"),
        ("--where", "until=2025-11-27T14:35:00Z,model=small"),
        ("--session", "hall"),
        ("--last", "7"),
        ("--expect", "llm_total_ms_p50<=2000ms"),
        ("--expect", "ttfa_p95<=800ms"),
        ("--budget", "conversation"),
        ("--where", "model=none"),
        ("--hours", "1"),
    ],
)
def test_every_choice_and_every_limit_means_the_same(options, tmp_path, capsys):
    log = write(tmp_path / "a.log", sessions())
    of_files, of_store = both(capsys, tmp_path, [log], *options)

    assert of_files == of_store


@pytest.mark.parametrize("seed", range(3))
def test_events_of_one_request_may_stand_anywhere_in_any_file(seed, tmp_path, capsys):
    events = three_hosts() + sessions() + speech()
    chance = random.Random(seed)
    chance.shuffle(events)
    cut = chance.randrange(len(events))
    paths = [write(tmp_path / "one.log", events[:cut]), write(tmp_path / "other.log", events[cut - 20 :])]
    of_files, of_store = both(capsys, tmp_path, paths, "--json")

    assert of_files == of_store


NAMES = (
    *("user.speech_end", "stt.transcript_final", "llm.request_sent", "llm.first_token", "llm.response_received"),
    *("tts.synthesis_start", "tts.first_audio", "playback.started", "playback.completed", "step", "REQUEST_START"),
    *("FIRST_AUDIO_CHUNK", "REQUEST_COMPLETE"),
)
ANY_EVENT = st.builds(
    lambda turn, service, name, at, clock, session, known, facts: Event(
        turn, service, name, STARTED_NS + at, f"id{known}", at if clock else None, clock, None, session, facts
    ),
    st.sampled_from(("r1", "r2", "r3", "no-id", NO_REQUEST)),
    st.sampled_from(("agent", "tts", "client")),
    st.sampled_from(NAMES),
    st.integers(0, 90_000_000).map(lambda micros: micros * 1000),
    st.sampled_from(("", "a/1.0/boot", "b/2.0/boot")),
    st.sampled_from((None, "s1", "s2")),
    st.integers(0, 60),
    st.dictionaries(st.sampled_from(("outcome", "bytes", "audio_ms", "cache")), st.sampled_from(("ok", "hit", 7, 0.5))),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(ANY_EVENT, min_size=1, max_size=40),
    files=st.integers(1, 3),
    chance=st.randoms(use_true_random=False),
)
def test_whatever_the_events_and_in_whatever_files_they_stand_a_look_says_what_a_store_says(
    events, files, chance, tmp_path_factory, capsys
):
    """Also of events that stand in two files, and of different ones that bear one id."""
    folder = tmp_path_factory.mktemp("any")
    paths = [
        write(folder / f"{number}.log", [each for each in events if chance.random() < 0.6]) for number in range(files)
    ]
    of_files, of_store = both(capsys, folder, paths, "--json")

    if of_files[0] == 2:  # not one event came into a file, and an import leaves an empty store behind
        assert json.loads(of_store[1])["turns"] == 0
    else:
        assert of_files == of_store


def test_the_samples_are_reported_as_after_an_import(tmp_path, capsys):
    of_files, of_store = both(capsys, tmp_path, [str(sample("."))], "--json")

    assert of_files == of_store
    assert json.loads(of_files[1])["turns"] > 500


def test_what_became_of_each_file_is_told_beside_the_report(tmp_path, capsys):
    (tmp_path / "notes.md").write_text("# Nothing\n")
    log = write(tmp_path / "a.log", talk(0))
    with Path(log).open("ab") as file:
        file.write(b'{"request_id": "torn", "ev\n')
    code = main(["report", str(tmp_path), "--json"])
    out = capsys.readouterr()

    assert code == 0
    assert json.loads(out.out)["lost"]["rejected"] == {"json": 1}
    assert "a.log: event-lines, 8 events read, 1 record unreadable" in out.err
    assert "notes.md: skipped" in out.err
    assert "nothing was kept" in out.err


def test_standard_input_is_a_file_like_any_other(tmp_path, capsys, monkeypatch):
    content = b"".join(map(encode, sessions()))
    log = write(tmp_path / "a.log", sessions())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    of_input = told(capsys, "-", "--json")

    assert of_input == told(capsys, log, "--json")


@pytest.mark.parametrize("content", [None, b"", b"# Nothing\n"])
def test_files_without_an_event_are_an_error_that_says_why(content, tmp_path, capsys):
    path = tmp_path / "a.log"
    if content is not None:
        path.write_bytes(content)
    code = main(["report", str(path)])
    out = capsys.readouterr()

    assert (code, out.out) == (2, "")
    assert "a.log: " in out.err
    assert "not one event was read" in out.err


def test_who_types_the_name_of_a_session_is_told_what_a_path_is(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = main(["report", "kitchen"])
    said = capsys.readouterr().err

    assert code == 2
    assert "kitchen: failed: No such file" in said
    assert "voxtrace report --session kitchen" in said


@pytest.mark.parametrize("options", [("--session", "cellar"), ("--hours", "1")])
def test_who_asks_for_nothing_of_these_files_is_told_what_they_hold(options, tmp_path, capsys):
    code = main(["report", write(tmp_path / "a.log", sessions()), *options])
    said = capsys.readouterr()

    assert code == 0
    assert said.out.startswith("no requests in that range")
    assert "hold 60 turns from 2025-11-27 14:30:05.000 UTC" in said.err
    assert said.err.rstrip().endswith("of 2 sessions: 'hall', 'kitchen'")
