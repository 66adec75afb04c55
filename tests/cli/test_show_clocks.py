"""Turns over several hosts, from a file on the disk to the page of `voxtrace show`."""

import json
import random

import pytest

from tests.analysis.conversations import BRAIN, EAR, MOUTH, STORY, Conversation, HostClock
from voxtrace.cli.main import main
from voxtrace.events.codec import encode
from voxtrace.testing.turns import STARTED_NS
from voxtrace.units import NANOS_PER_MILLI

OFFSETS_NS = {EAR: 0, BRAIN: 1_284_000_000, MOUTH: -1_900_000_000}


@pytest.fixture
def data(tmp_path):
    return ["--data", str(tmp_path / "data")]


@pytest.fixture
def events(tmp_path):
    clocks = {host: HostClock(offset, booted_ns=offset * 7 + 10**15) for host, offset in OFFSETS_NS.items()}
    told = Conversation(clocks, random.Random(7))
    path = tmp_path / "conversation.jsonl"
    turns = [event for number in range(30) for event in told.turn(number * 10**10)]
    path.write_bytes(b"".join(encode(event).rstrip(b"\n") + b"\n" for event in turns))
    return path


def shown(data, capsys, *options):
    capsys.readouterr()
    assert main(["show", *options, *data]) == 0
    return capsys.readouterr().out


def test_thirty_imported_turns_are_told_in_their_order_with_offsets_that_are_right(events, data, capsys):
    main(["import", str(events), *data])
    for number in range(30):
        turn = json.loads(shown(data, capsys, f"turn-{number * 10}", "--json"))

        assert [mark["name"] for mark in turn["marks"]] == [name for name, _, _ in STORY]
        assert turn["metrics"]["voice_to_voice_ms"]["value"] == pytest.approx(1055)
        for clock in turn["clocks"]:
            low, high = clock["between_ms"]
            assert low <= OFFSETS_NS[clock["name"].split()[0]] / NANOS_PER_MILLI <= high


def test_raw_times_stand_beside_corrected_ones_and_each_clock_is_a_sentence(events, data, capsys):
    main(["import", str(events), *data])
    page = shown(data, capsys, "turn-10", "--raw")

    assert "clocks: brain (agent) is 1.28" in page
    assert "ahead of ear (stt) (± " in page
    assert "clocks: mouth (tts) is 1." in page
    assert "by way of brain (agent)" in page
    received = next(line for line in page.splitlines() if "v34_webhook_received" in line)
    assert "1,5" in received or "1.5" in received  # 224 ms + 1.284 s, as its own clock told


def span_of(name, times, span_id, *, parent="", kind=1, **attributes):
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": f"{span_id:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(times[0]),
        "endTimeUnixNano": str(times[1]),
        "attributes": [
            {"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in attributes.items()
        ],
    }


def exported(host, service, *spans):
    named = {"service.name": service, "host.name": host}
    resource = {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in named.items()]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "any"}, "spans": list(spans)}]}]}


def test_the_two_spans_of_a_call_between_hosts_compare_their_clocks(tmp_path, data, capsys):
    def at(begin, end, ahead=0):
        return tuple(STARTED_NS + (moment + ahead) * NANOS_PER_MILLI for moment in (begin, end))

    agent = exported(
        "front",
        "agent",
        span_of("invoke", at(0, 900), 1, openinference__span__kind="AGENT"),
        span_of("POST", at(100, 602), 2, parent=1, kind=3),
    )
    model = exported(
        "gpu-1",
        "model",
        span_of("POST /chat", at(101, 601, ahead=-1500), 3, parent=2, kind=2),
        span_of("chat", at(110, 590, ahead=-1500), 4, parent=3, gen_ai__operation__name="chat"),
    )
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(model) + "\n" + json.dumps(agent) + "\n")
    main(["import", str(path), *data])
    turn = json.loads(shown(data, capsys, "last", "--json"))
    (other,) = [clock for clock in turn["clocks"] if clock["method"] == "four timestamps"]

    assert other["uncertainty_ms"] == pytest.approx(1.0, abs=0.1)
    assert abs(abs(other["ahead_ms"]) - 1500) <= other["uncertainty_ms"]
    assert turn["metrics"]["llm_total_ms"]["value"] == 480
