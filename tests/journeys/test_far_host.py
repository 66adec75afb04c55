"""A speech server on a host whose clock is seconds off, for real: what is shown of its turns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.services import free_ports, started, wait_until
from voxtrace.events import Event
from voxtrace.store import RequestQuery, open_store
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FAR_HOST = Path(__file__).with_name("far_host.py")
TEXTS = ("Hello to a far host.", "Are you still there?")
# A request, its answer and the first sound, as they can only follow each other.
ORDER = (
    *("client.request_start", "server.request_received", "server.inference_start", "server.first_chunk_generated"),
    *("client.headers_received", "client.first_audio_chunk"),
)


def voxtrace(*arguments: str) -> str:
    command = [sys.executable, "-m", "voxtrace", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def events_in(data: Path) -> dict[str, list[Event]]:
    """All events of both sides, by request, the request that came first in front."""
    voxtrace("requests", "--data", str(data))  # takes in what waits in the spool
    store = open_store(data, readonly=True)
    found = store.events_of(row.request_id for row in reversed(store.recent(RequestQuery())))
    store.close()
    return {key: events for key, events in found.items() if {"REQUEST_COMPLETE"} <= {each.name for each in events}}


def is_whole(events: list[Event]) -> bool:
    return {each.service for each in events if each.name == "REQUEST_COMPLETE"} == {"client", "server"}


@pytest.fixture(scope="module", params=[2 * NANOS_PER_SECOND + 345, -2 * NANOS_PER_SECOND], ids=["ahead", "behind"])
def spoken(request, tmp_path_factory):
    """(data folder, by how much the server's clock is ahead, events by request) of two requests."""
    data = tmp_path_factory.mktemp("far")
    boot = data / "boot"
    boot.write_text("boot-of-far\n")
    (port,) = free_ports(1)
    mono_ahead = 1_000_000 * NANOS_PER_SECOND
    serve = ("serve", "--port", str(port), "--data", str(data))
    with started(str(FAR_HOST), str(request.param), str(mono_ahead), str(boot), *serve) as process:
        process.read_until("ready")
        for text in TEXTS:
            url = f"http://127.0.0.1:{port}"
            voxtrace("say", text, "--url", url, "--data", str(data), "--out", str(data / "said.wav"))
        found: dict[str, list[Event]] = {}

        def both_are_whole() -> bool:
            found.update(events_in(data))
            return len(found) == len(TEXTS) and all(map(is_whole, found.values()))

        wait_until(both_are_whole, "the events of both sides")
    return data, request.param, found


def shown(data: Path, request_id: str) -> dict[str, Any]:
    return dict(json.loads(voxtrace("show", request_id, "--json", "--data", str(data))))


def assert_told_right(turn: dict[str, Any], ahead_ns: int, events: list[Event]) -> None:
    client, server = turn["clocks"]
    low, high = server["between_ms"]
    places = [next(n for n, mark in enumerate(turn["marks"]) if mark["stage"] == stage) for stage in ORDER]

    assert (client["method"], server["method"], server["services"]) == ("reference", "four timestamps", ["server"])
    assert low <= ahead_ns / NANOS_PER_MILLI <= high
    assert abs(server["ahead_ms"] - ahead_ns / NANOS_PER_MILLI) <= server["uncertainty_ms"]
    assert places == sorted(places)
    for name, service, begin, end in (
        ("server_response_ms", "server", "REQUEST_RECEIVED", "FIRST_CHUNK_SENT"),
        ("first_audio_ms", "client", "REQUEST_START", "FIRST_AUDIO_CHUNK"),
    ):
        at = {each.name: each.mono_ns or 0 for each in events[::-1] if each.service == service}
        assert turn["metrics"][name]["value"] == pytest.approx((at[end] - at[begin]) / NANOS_PER_MILLI, abs=1e-6)
    for mark in turn["marks"]:
        of_server = mark["clock"] == server["name"]
        assert mark["at_ms"] - mark["raw_at_ms"] == pytest.approx(server["corrected_by_ms"] if of_server else 0)


def test_the_turn_is_told_in_its_order_with_an_offset_that_is_right_and_durations_as_they_were(spoken):
    data, ahead_ns, events = spoken
    for request_id in events:
        assert_told_right(shown(data, request_id), ahead_ns, events[request_id])


def test_the_page_says_by_how_much_the_clock_is_off_and_shows_what_it_told_itself(spoken):
    data, ahead_ns, events = spoken
    page = voxtrace("show", "--raw", next(iter(events)), "--data", str(data))
    received = next(line for line in page.splitlines() if "REQUEST_RECEIVED" in line)

    assert "clocks: far (server) is " in page
    assert f" s {'ahead of' if ahead_ns > 0 else 'behind'} " in page
    assert "1 sample); corrected" in page
    assert ("2,0" in received) if ahead_ns > 0 else ("-1,9" in received or "-2,0" in received)


def test_a_request_whose_answer_told_no_times_is_placed_by_the_one_before_it(spoken, tmp_path):
    _, ahead_ns, events = spoken
    (first, _), (second, _) = events.items()
    untold = [
        each._replace(metadata={name: told for name, told in each.metadata.items() if not name.startswith("server_")})
        for each in events[second]
    ]
    store = open_store(tmp_path)
    store.append(events[first] + untold)
    store.close()
    turn = shown(tmp_path, second)

    assert turn["clocks"][1]["samples_away_ms"] > 0
    assert_told_right(turn, ahead_ns, untold)
    voxtrace("recompute", "--data", str(tmp_path))
    assert shown(tmp_path, second) == turn
    assert "1 sample of other turns, " in voxtrace("show", second, "--data", str(tmp_path))
