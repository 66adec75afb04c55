"""From a text to a device: the speech server, `say`, the player daemon and `show`, over real processes."""

from __future__ import annotations

import json
import signal
import wave
from collections.abc import Iterator

import numpy as np
import pytest

from tests.journeys.house import House, running_house
from tests.journeys.services import free_ports, started, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("player") / "data") as running:
        yield running


def test_what_is_said_through_the_player_is_heard_without_a_gap_and_shown(house: House):
    (port,) = free_ports(1)
    record, url = house.data / "heard.wav", f"ws://127.0.0.1:{port}"
    command = ("-m", "voxtrace", "play", "--data", str(house.data), "--port", str(port), "--device", "null")
    with started(*command, "--record", str(record)) as player:
        player.read_until("player ready")
        said = json.loads(house.voxtrace("say", "Hello world", "--url", house.url, "--player", url, "--json"))
        player.signal(signal.SIGTERM)
        code = player.ended()
    (turn,) = said["turns"]
    shown: dict = {}

    def complete() -> bool:
        shown.update(house.json("show", turn["request_id"]))
        return "value" in shown["metrics"].get("underrun_count", {})

    wait_until(complete, "the player's events in the store")

    assert (code, said["played"], said["player"]) == (0, True, url)
    for told in (turn, shown):
        assert told["metrics"]["heard_ms"]["value"] >= told["metrics"]["ttfb_ms"]["value"] > 0
        assert "keeps time and makes no sound" in told["metrics"]["heard_ms"]["note"]
        assert (told["metrics"]["underrun_count"]["value"], told["metrics"]["underrun_ms"]["value"]) == (0, 0)
        assert (told["labels"]["outcome"], told["labels"]["truth"], told["findings"]) == ("ok", "L3", [])
    played_ms = next(mark["metadata"]["played_ms"] for mark in shown["marks"] if mark["name"] == "playback.completed")
    assert played_ms == pytest.approx(shown["metrics"]["audio_ms"]["value"], abs=0.1)
    with wave.open(str(record)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    sound = np.flatnonzero(heard)
    assert (sound[-1] - sound[0]) * 1000 / 24_000 == pytest.approx(played_ms, abs=60)  # its edges are near silence


def test_without_any_device_the_player_says_that_nobody_hears_it(house: House):
    (port,) = free_ports(1)
    environment = {"PULSE_SERVER": "", "XDG_RUNTIME_DIR": "/nonexistent"}
    with started("-m", "voxtrace", "play", "--data", str(house.data), "--port", str(port), **environment) as player:
        ready = player.read_until("player ready")

        # On a machine with a device it is that device, and then there is nothing to say.
        assert "(device null" not in ready or "nobody hears it" in player.read_until("nobody hears it")


def test_a_data_folder_has_one_player(house: House):
    port, other = free_ports(2)
    command = ("-m", "voxtrace", "play", "--data", str(house.data), "--device", "null", "--port")
    with started(*command, str(port)) as player:
        player.read_until("player ready")
        with started(*command, str(other)) as second:
            code = second.ended()

    assert code == 2
    assert "already runs 'play'" in "\n".join(second.seen)
