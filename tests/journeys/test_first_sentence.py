"""From an empty folder to a spoken sentence that everybody can look at, over real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.house import House, running_house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for the journeys that break nothing."""
    with running_house(tmp_path_factory.mktemp("journey") / "data") as running:
        running.say("Hello world")
        running.measured()
        yield running


def test_a_spoken_sentence_is_a_file_that_holds_sound(house: House):
    said = (house.data / "said.wav").read_bytes()

    assert said[:4] == b"RIFF"
    assert len(said) > 24_000  # half a second at 24 kHz and 16 bit


def test_both_sides_of_a_request_are_joined_under_one_id(house: House):
    newest = house.measured()[-1]

    shown = house.json("show", newest["request_id"])

    written = {(mark["service"], mark["name"]) for mark in shown["marks"]}
    assert {("client", "REQUEST_START"), ("client", "FIRST_AUDIBLE_CHUNK"), ("client", "REQUEST_COMPLETE")} <= written
    assert {("server", "REQUEST_RECEIVED"), ("server", "FIRST_CHUNK_SENT"), ("server", "REQUEST_COMPLETE")} <= written
    assert shown["labels"]["outcome"] == "ok"
    assert shown["metrics"]["ttfa_ms"]["value"] > shown["metrics"]["server_response_ms"]["value"] > 0


def test_the_parts_of_a_request_tile_its_total(house: House):
    shown = house.json("show", "last")

    parts = shown["parts"]
    assert [part["begin_ms"] for part in parts[1:]] == [part["end_ms"] for part in parts[:-1]]
    assert parts[-1]["end_ms"] - parts[0]["begin_ms"] == pytest.approx(shown["total_ms"], abs=0.01)


def test_the_dashboard_sends_the_same_numbers_as_the_command_line(house: House):
    request_id = house.measured()[-1]["request_id"]

    page, shown = house.page(f"/api/requests/{request_id}"), house.json("show", request_id)

    assert {name: page[name] for name in shown} == shown


def test_the_doctor_finds_nothing_wrong(house: House):
    ports = ("--port", str(house.port), "--watch-port", str(house.watch_port))

    found = house.json("doctor", *ports)["findings"]

    assert {each["check"]: each["state"] for each in found} == {each["check"]: "ok" for each in found}
    assert {"an event", "a sentence"} <= {each["check"] for each in found}
