from __future__ import annotations

import io
import json
from pathlib import PurePath
from zoneinfo import ZoneInfo

import pytest

from tests.importers.build import NOON_NS, events, notes, read
from tests.importers.logs import CLIENT, CONSOLE, PERF, SERVER, TUTOR
from voxtrace.importers import Context, detect
from voxtrace.importers.log_lines import LineTimes, log_lines

BERLIN = ZoneInfo("Europe/Berlin")


def when(*texts: str, modified: int | None = None) -> list[int | None]:
    times = LineTimes(Context(PurePath("x.log"), BERLIN, modified))
    found = []
    for text in texts:
        times.see(text)
        found.append(times.when(text))
    return found


@pytest.mark.parametrize(
    "prefix",
    [
        "2025-11-27 15:30:05,250 - INFO - ",
        "2025-11-27T14:30:05.250Z ",
        "2025-11-27T14:30:05.250123456Z ",  # Docker
        "[2025-11-27 15:30:05.250] [info] ",
        "2025/11/27 15:30:05.25 ",
        "INFO 2025-11-27 16:30:05.250 +0200 main ",
        "2025-11-27T09:30:05.250-05:00 host app[7]: ",
        "1764253805.25 ",
        "[1764253805.250] ",
    ],
)
def test_the_time_of_a_logging_prefix_is_read_in_whatever_zone_it_was_written(prefix):
    (wall_ns,) = when(f"{prefix}[PERF] x")

    assert wall_ns is not None
    assert wall_ns // 1_000_000 == (NOON_NS + 250_000_000) // 1_000_000


@pytest.mark.parametrize("stamp", ["[27/Nov/2025 15:30:05]", "[27/Nov/2025:14:30:05 +0000]"])
def test_the_time_of_an_access_log_is_read(stamp):
    assert when(f'10.0.0.7 - - {stamp} "POST /x HTTP/1.1" 200 1 0.5') == [NOON_NS]


def test_lines_of_several_zones_stand_in_the_order_of_time():
    first, second = when("2025-11-27T16:30:05+02:00 a", "2025-11-27T14:30:06Z b")

    assert second - first == 1_000_000_000


def test_a_line_without_a_time_follows_the_newest_above_it():
    assert when("2025-11-27T14:30:05Z a", "b", "c") == [NOON_NS, NOON_NS + 1, NOON_NS + 2]


def test_without_any_time_the_files_own_is_taken_and_without_that_none():
    assert when("a", "b", modified=NOON_NS) == [NOON_NS + 1, NOON_NS + 2]
    assert when("a") == [None]


@pytest.mark.parametrize(
    "text", ["2025-13-40 99:99:99 x", "[99/Foo/2025 01:02:03] x", "0000-00-00 00:00:00", "12345 x"]
)
def test_what_is_no_time_is_none(text):
    assert when(text) == [None]


def test_an_hour_that_a_clock_passes_twice_is_said_to_be_so():
    times = LineTimes(Context(PurePath("x.log"), BERLIN))
    times.when("2025-10-26 02:30:00 x")

    assert notes(list(times.notes())) == {"local_time": 1, "repeated_hour": 1}


def test_zeros_colours_and_windows_line_ends_are_no_part_of_a_line():
    content = b"\xef\xbb\xbf\x1b[32mone\x1b[0m\r\n\0\0two\0\0three\n\n  \nfour"

    assert [(line.number, line.text, line.is_ended) for line in log_lines(io.BytesIO(content))] == [
        (1, "one", True),
        (2, "two", True),
        (2, "three", True),
        (5, "four", False),
    ]


@pytest.mark.parametrize("content", [CLIENT, CONSOLE, PERF, SERVER, TUTOR])
@pytest.mark.parametrize("name", ["README.md", "test_logs.py", "index.html"])
def test_text_about_logs_is_no_log(content, name):
    assert detect(content, PurePath(name)) is None


@pytest.mark.parametrize(
    "text",
    [
        "Look for `[SERVER_PERF:abc] REQUEST_RECEIVED` in the log",
        "print('--- Step 1 (Metadata Generation) took: 0.03s')",
        'log.info("[PERF] endpoint=1ms stt=2ms llm=3ms tts=4ms e2e=5ms")',
        "| `[x] First chunk in 12.00 ms` | the first chunk |",
    ],
)
def test_a_quotation_is_no_log(text):
    assert detect(text.encode(), PurePath("notes.txt")) is None


def test_what_docker_wraps_around_a_line_is_taken_off():
    wrapped = [
        json.dumps({"log": f"{text}\n", "stream": "stderr", "time": "2025-11-27T14:30:05.25Z"})
        for text in PERF.decode().splitlines()
    ]
    content = "\n".join(wrapped).encode()
    lines = [line.text for line in log_lines(io.BytesIO(content))]

    assert lines[0] == "2025-11-27T14:30:05.25Z === assistant starting ==="
    assert lines[1:] == PERF.decode().splitlines()[1:]
    assert detect(content, PurePath("abc-json.log")).name == "perf-lines"


def test_what_a_json_formatter_wrote_around_a_line_is_taken_off_and_its_facts_stay():
    told = {
        "asctime": "2025-11-27 15:30:05,250",
        "levelname": "INFO",
        "message": "[SERVER_PERF:a1] REQUEST_RECEIVED",
        "text_length": 140,
    }
    content = json.dumps(told).encode()
    importer = detect(content, PurePath("server.jsonl"))
    (event,) = events(read(importer, content, zone=BERLIN))

    assert (event.name, event.wall_ns, event.metadata["text_length"]) == (
        "REQUEST_RECEIVED",
        NOON_NS + 250_000_000,
        140,
    )


@pytest.mark.parametrize("line", ['{"log": 1', '{"log":[[[', '{"log":{}, "time": {}}'])
def test_what_only_looks_wrapped_is_a_line_like_others(line):
    assert len(list(log_lines(io.BytesIO(line.encode())))) == 1
