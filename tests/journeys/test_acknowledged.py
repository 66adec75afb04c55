"""An answer of the collector means that the events are stored, whatever happens afterwards."""

from __future__ import annotations

import os
import signal
import threading
import urllib.request
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.journeys.house import pid_of, running_house
from tests.journeys.services import wait_until
from voxtrace.clock import sleep, wall_ns
from voxtrace.events import Event
from voxtrace.events.codec import encode
from voxtrace.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_what_was_acknowledged_survives_a_killed_collector_and_is_stored_once(tmp_path: Path):
    acknowledged: list[str] = []
    done = threading.Event()

    def send_for_ever(url: str) -> None:
        number = 0
        while not done.is_set():
            request_id, number = f"request-{number}", number + 1
            batch = b"".join(
                encode(Event(request_id, "load", "speech_end", wall_ns(), f"{request_id}/{index}"))
                for index in range(20)
            )
            if sent(url, batch):
                acknowledged.append(request_id)
            else:
                sleep(0.02)

    with running_house(tmp_path / "data") as house:
        sender = threading.Thread(target=send_for_ever, args=(house.watch_url,))
        sender.start()
        try:
            for _ in range(3):
                before = len(acknowledged)
                wait_until(lambda before=before: len(acknowledged) > before + 5, "acknowledged batches")
                os.kill(pid_of(house, "watch"), signal.SIGKILL)
                house.process.read_until("watch is back")
        finally:
            done.set()
            sender.join()

        accounts = house.page("/v1/accounts")
        store = open_store(house.data, readonly=True)
        try:
            kept = {request_id: len(events) for request_id, events in store.events_of(acknowledged).items()}
        finally:
            store.close()

    assert kept == dict.fromkeys(acknowledged, 20)
    assert accounts["unaccounted"] == 0


def sent(url: str, batch: bytes) -> bool:
    """Whether the collector acknowledged a batch of events."""
    request = urllib.request.Request(f"{url}/v1/events", batch, {"content-type": "application/x-ndjson"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
            return bool(answer.status == 200)
    except (OSError, HTTPException):  # it is dead, or was killed while it answered
        return False
