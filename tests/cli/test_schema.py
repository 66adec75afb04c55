"""What the commands print with `--json` is what the schemas say: all of it, and nothing beside it."""

import json
import random
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from msgspec import structs

from tests.analysis.talks import talk
from tests.cli.test_load import LIMITS, outcome_of
from tests.reports.test_pages import CONVERSATION
from voxtrace.analysis.crowds import MAX_EVENTS_OF_A_TURN
from voxtrace.cli.load_page import load_to_json
from voxtrace.cli.main import main
from voxtrace.cli.measured_numbers import measured_numbers
from voxtrace.loadtest.arrivals import ClosedLoop, OpenLoop
from voxtrace.reports.schemas import FORMS, schema_of
from voxtrace.store import open_store
from voxtrace.testing.turns import client_events, event, server_events

ODD = (None, "", "x", 0, -1, 1.5, True, 10**30, 1e308, [1], {"a": None}, "12.5ms", "Infinity")
NAMES = (
    "speech_end", "stt_pause_detected", "stt_start", "stt_end", "v34_webhook_received", "v34_ollama_sent",
    "llm_first_token", "v34_ollama_received", "chunk_tts_start", "chunk_tts_end", "tts_synthesis_start",
    "tts_audio_playback_start", "tts_audio_playback_complete", "REQUEST_START", "REQUEST_COMPLETE",
    "REQUEST_RECEIVED", "FIRST_AUDIO_CHUNK", "unheard_of", "unheard_of_start", "unheard_of_end",
)  # fmt: skip
CLOCKS = ("", "host-a/1.000000/boot-a", "host-b/2.000000/boot-b")
KEYS = ("outcome", "cache", "start", "source", "engine", "text_length", "chunk", "audio_duration_ms", "prompt_chars",
        "streaming_efficiency", "labels", "flag.new", "api_request_s", "metadata_s", "response_length", "prompt_tokens",
        "cached_tokens", "prompt_eval_count", "prompt_eval_duration_ms", "kv_context_length", "prompt")  # fmt: skip


def closed(schema):
    """The same, refusing what it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema and "required" in schema else inner


def complaints(form, told):
    found = Draft202012Validator(closed(schema_of(form))).iter_errors(told)
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message[:200]}" for each in found]


def named(request_id, events):
    return [each._replace(request_id=request_id, event_id=f"{request_id}.{each.event_id}") for each in events]


def chunked(request_id, chance):
    told = [event("v34_webhook_received", 0, "v34"), event("v34_ollama_received", 900, "v34")]
    for chunk in range(3):
        begin = 950 + 100 * chunk + chance.random()
        told += [event("chunk_tts_start", begin, "v34", chunk=chunk)]
        told += [event("chunk_tts_end", begin + 700, "v34", chunk=chunk, audio_duration_ms=800, text="the same")]
    return named(request_id, [*told, event("tts_audio_playback_start", 1700, "tts")])


def speech(number, chance):
    first = 80 + chance.lognormvariate(3, 0.4) + 40 * (number % 2)
    events = client_events(first_byte=first, chunks=[(first + n * 40, 60.0) for n in range(3)])
    facts = {"provider": "cuda" if number % 2 else "cpu", "cache": "hit" if number % 3 == 0 else "miss"}
    told = [each._replace(metadata={**each.metadata, **facts}) for each in events + server_events()]
    return [each._replace(session_id=f"call-{number // 20}") for each in named(f"s{number}", told)]


def odd(number, chance):
    events = [
        event(
            chance.choice(NAMES), chance.uniform(-50, 5000), chance.choice(("client", "server", "tts", "v34")),
            clock=chance.choice(CLOCKS),
            **{key: chance.choice(ODD) for key in chance.sample(KEYS, chance.randint(0, 4))},
        )
        for _ in range(chance.randint(1, 12))
    ]  # fmt: skip
    told = [each._replace(event_id=f"o{place}") for place, each in enumerate(events)]
    return named(f"odd{number}", [each._replace(session_id=f"odd/{number // 12}") for each in told])


def hall(number, chance):
    """A turn of sessions whose prompts are told in all ways or not at all; some fail, some say that they were cold."""
    place, way = number % 15, number // 15
    size, text = 400 + 60 * place, "The same beginning. " * (place + 1)
    prompt = (
        {"prompt_tokens": size, "cached_tokens": size - 60 if place % 7 else 0, "prompt": text},
        {
            "prompt_eval_count": size,
            "prompt_eval_duration_ms": size * 0.4,
            "kv_context_length": size - 80 * (place > 0),
        },
        {"prompt_tokens": size, "prompt_eval_count": size if place % 6 == 5 else 60},
        {"prompt_eval_duration_ms": 12.0} if place % 2 else None,
    )[way]
    outcome = "ok" if place % 5 or way == 3 else chance.choice(("error", "cancelled", "interrupted"))
    start = chance.choice(("", "", "warm", "cold")) if way else ""
    return talk(place, session=f"hall/{way}", llm=400 + 20 * place, outcome=outcome, start=start, prompt=prompt)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder, chance = tmp_path_factory.mktemp("varied"), random.Random(11)
    store = open_store(folder)
    for number in range(120):
        store.append(speech(number, chance))
        store.append(odd(number, chance))
    for number in range(30):
        store.append(chunked(f"c{number}", chance))
    for number in range(60):
        store.append(hall(number, chance))
    for number in range(3):
        silent = talk(number, session="silent", outcome="error")[-1:]
        store.append(silent)
    store.append(named("talk", CONVERSATION))
    failed = [event("REQUEST_START", 0, "client"), event("REQUEST_COMPLETE", 1, "client", outcome="error", error="no")]
    store.append(named("bad", failed))
    crowd = [event("tick", n, "s", request_id="crowd") for n in range(MAX_EVENTS_OF_A_TURN + 1)]
    store.append([each._replace(event_id=f"e{n}") for n, each in enumerate(crowd)])
    store.close()
    return folder


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty")
    open_store(folder).close()
    return folder


def printed(capsys, folder, *words):
    main([*words, "--data", str(folder)])
    return json.loads(capsys.readouterr().out, parse_constant=refuse)


def refuse(word):
    raise ValueError(f"{word} is no JSON")


def refs(schema):
    """The names of all pieces that it refers to."""
    if isinstance(schema, list):
        return {name for each in schema for name in refs(each)}
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rpartition("/")[2]} if "$ref" in schema else set()
    return own | refs(list(schema.values()))


@pytest.mark.parametrize("form", FORMS)
def test_a_schema_is_one_of_its_dialect_and_is_printed(form, capsys):
    assert main(["schema", form]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told == schema_of(form)
    assert refs(told) == set(told["$defs"])
    Draft202012Validator.check_schema(told)


def test_without_a_name_the_schemas_are_listed(capsys):
    assert main(["schema"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(FORMS)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("requests", ["requests", "--json", "--last", "400"]),
        ("report", ["report", "--json"]),
        ("report", ["report", "--json", "--expect", "ttfa_p95<=800ms", "--expect", "stt_p50<=1s"]),
        ("report", ["report", "--json", "--session", "nobody"]),
        ("report", ["report", "--json", "--budget", "speech", "--budget", "conversation"]),
        ("comparison", ["compare", "provider=cpu", "provider=cuda", "--json"]),
        ("comparison", ["compare", "--view", "cache", "--json"]),
        ("comparison", ["compare", "--view", "providers", "--json"]),
        ("whatif", ["whatif", "--set", "inference=0.5x", "--json"]),
        ("whatif", ["whatif", "--drop", "synthesis", "--json"]),
        ("whatif", ["whatif", "--drop", "synthesis", "--where", "kind=conversation", "--json"]),
        ("report", ["report", "--json", "--where", "provider=cpu,since=2025-01-01"]),
        ("recommend", ["recommend", "--json"]),
        ("recommend", ["recommend", "--json", "--session", "nobody"]),
        ("sessions", ["sessions", "--json", "--last", "400"]),
        ("sessions", ["sessions", "--json", "--slow"]),
        ("sessions", ["sessions", "--json", "--where", "provider=cpu,cache=miss"]),
        ("session", ["sessions", "hall/0", "--json", "--last", "6"]),
        ("session", ["sessions", "hall/1", "--json", "--where", "outcome=ok"]),
        ("session", ["sessions", "last", "--json"]),
        ("conversation", ["conversation", "--json"]),
        ("conversation", ["conversation", "hall/1-4", "--json", "--budget", "conversation"]),
        ("conversation", ["conversation", "s1", "--json", "--budget", "speech", "--budget", "conversation"]),
        ("conversations", ["conversation", "--session", "hall/1", "--json"]),
        ("conversations", ["conversation", "--session", "hall/1", "--json", "--budget", "conversation"]),
    ],
)
def test_what_a_command_prints_is_what_its_schema_says(form, words, data, capsys):
    told = printed(capsys, data, *words)

    assert complaints(form, told) == []


def test_every_turn_is_what_its_schema_says(data, capsys):
    ids = [turn["request_id"] for turn in printed(capsys, data, "requests", "--json", "--last", "400")]
    shown = {request_id: printed(capsys, data, "show", request_id, "--json") for request_id in ids}

    assert len(ids) == 120 + 120 + 30 + 60 + 3 + 3
    assert {name: found for name, told in shown.items() if (found := complaints("turn", told))} == {}


def test_every_session_is_what_its_schema_says(data, capsys):
    listed = [each["session_id"] for each in printed(capsys, data, "sessions", "--json", "--last", "400")["sessions"]]
    told = {session_id: printed(capsys, data, "sessions", session_id, "--json") for session_id in listed}
    reuse = [each for session in told.values() for each in session["kv_reuse"]]
    relations = [each for session in told.values() for of in session["populations"] for each in of["prompt_size"]]

    assert len(listed) == 6 + 10 + 4 + 1
    assert {name: found for name, each in told.items() if (found := complaints("session", each))} == {}
    # Else it was not asked of what matters.
    assert {each["expected_by"] for each in reuse} == {"text", "handed", "grown", None}
    assert {each["observed_by"] for each in reuse} == {"counted", "evaluated", "time", None}
    assert {each["is_read_again"] for each in reuse} == {True, False, None}
    assert {each["size_unit"] for each in relations} >= {"tokens", "tokens evaluated", None}
    assert {each["population"] is None for each in told.values()} == {True, False}


def test_every_turn_that_is_told_is_what_its_schema_says(data, capsys):
    ids = [turn["request_id"] for turn in printed(capsys, data, "requests", "--json", "--last", "400")]
    told = {name: printed(capsys, data, "conversation", name, "--json") for name in ids if name != "crowd"}

    assert {each["kind"] for each in told.values()} == {"conversation", "speech", "events"}
    assert {each["root_cause"] is None for each in told.values()} == {True, False}
    assert {name: found for name, each in told.items() if (found := complaints("conversation", each))} == {}


@pytest.mark.parametrize("limits", [(), LIMITS])
@pytest.mark.parametrize("arrivals", [OpenLoop(100, 2), OpenLoop(1, 2, "ramp", 50), ClosedLoop(3, 2, 0.5)])
def test_a_load_test_is_what_its_schema_says(limits, arrivals):
    outcome = outcome_of(limits=limits)
    plan = replace(outcome.run.plan, arrivals=arrivals)
    told = json.loads(json.dumps(load_to_json(structs.replace(outcome, run=replace(outcome.run, plan=plan)))))

    assert complaints("load", told) == []
    assert complaints("summary", told["scenarios"]["short"]) == []


def test_a_line_of_jsonl_is_an_item_of_the_list_of_requests(data, capsys):
    main(["export", "jsonl", "--data", str(data)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert complaints("requests", lines) == []


def test_an_empty_store_is_what_the_schemas_say(nothing, capsys):
    assert complaints("report", printed(capsys, nothing, "report", "--json")) == []
    assert complaints("requests", printed(capsys, nothing, "requests", "--json")) == []
    assert complaints("sessions", printed(capsys, nothing, "sessions", "--json")) == []
    assert complaints("sessions", printed(capsys, nothing, "sessions", "--json", "--slow")) == []
    assert complaints("summary", measured_numbers(nothing)) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda turn: turn["metrics"].update(ttfa_ms={"origin": "client"}), "metrics/ttfa_ms"),
        (lambda turn: turn["metrics"]["ttfa_ms"].update(value=1.0, missing="x"), "metrics/ttfa_ms"),
        (lambda turn: turn["metrics"].update(invented_ms={"value": 1.0, "origin": "client"}), "metrics"),
        (lambda turn: turn["labels"].update(cache="maybe"), "labels/cache"),
        (lambda turn: turn.update(schema="voxtrace/2/turn"), "schema"),
        (lambda turn: turn.pop("parts"), ""),
    ],
)
def test_a_schema_refuses_what_is_not_so(change, place, data, capsys):
    told = printed(capsys, data, "show", "s1", "--json")
    change(told)

    assert any(each.startswith(place) for each in complaints("turn", told))
