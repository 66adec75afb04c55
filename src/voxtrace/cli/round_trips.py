"""What `voxtrace doctor` sends through everything, to see whether it comes out at the other end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from voxtrace.analysis import assemble
from voxtrace.cli.checks import Finding
from voxtrace.client.caller import Caller
from voxtrace.client.errors import SpeechRequestFailed
from voxtrace.client.request import SpeechRequest, endpoint
from voxtrace.clock import Clock, sleep
from voxtrace.events import Event
from voxtrace.store import open_store
from voxtrace.store.errors import StoreError
from voxtrace.tracker import Tracker, TrackerOptions, generate_request_id
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND

READ_BACK_WITHIN_S = 5.0
LOOK_EVERY_S = 0.05
SENTENCE = "One, two, three."

Enough = Callable[[Sequence[Event]], bool]


def check_event(folder: Path, clock: Clock) -> Finding:
    """Does an event that we write come out of the store?"""
    request_id = generate_request_id()
    tracker = Tracker("doctor", options=TrackerOptions(data=folder))
    begun = clock.mono_ns()
    tracker.mark("doctor.event", request_id=request_id, source="probe")
    tracker.close()
    if read_back(folder, request_id, lambda events: len(events) > 0, clock):
        took_ms = (clock.mono_ns() - begun) / NANOS_PER_MILLI
        return Finding("an event", "ok", f"written, collected and read back in {took_ms:.0f} ms")
    return Finding("an event", "problem", *_not_stored("written", folder))


def check_sentence(folder: Path, url: str, clock: Clock) -> Finding:
    """Does the server speak, and do both sides of the request come out of the store?"""
    request_id = generate_request_id()
    tracker = Tracker("client", options=TrackerOptions(data=folder))
    try:
        caller = Caller(endpoint(url), tracker)
        caller.speak(SpeechRequest(SENTENCE, source="probe"), request_id, lambda exchange, sound: None)
    except SpeechRequestFailed as why:
        return Finding("a sentence", "problem", str(why), "look at what `voxtrace up` printed")
    finally:
        tracker.close()
    events = read_back(folder, request_id, _both_sides_ended, clock)
    if not events:
        return Finding("a sentence", "problem", *_not_stored("spoken", folder))
    ttfa = assemble(request_id, events).metrics["ttfa_ms"]
    if ttfa.value is None:
        reason = ttfa.missing or f"it breaks the rule {ttfa.rejected}"
        return Finding(
            "a sentence", "problem", f"its time to first audio is not known: {reason}", f"voxtrace show {request_id}"
        )
    return Finding("a sentence", "ok", f"spoken and read back; time to first audio {ttfa.value:.1f} ms")


def _both_sides_ended(events: Sequence[Event]) -> bool:
    return {"client", "server"} <= {event.service for event in events if event.name == "REQUEST_COMPLETE"}


def _not_stored(done: str, folder: Path) -> tuple[str, str]:
    return (
        f"{done}, but not in the store after {READ_BACK_WITHIN_S:g} s",
        f"do both services work on {folder} (--data DIR looks elsewhere), and is the level full? see: voxtrace config",
    )


def read_back(folder: Path, request_id: str, enough: Enough, clock: Clock) -> list[Event]:
    """The stored events of a request as soon as they are `enough`; none where that never happens."""
    deadline = clock.mono_ns() + int(READ_BACK_WITHIN_S * NANOS_PER_SECOND)
    while clock.mono_ns() < deadline:
        try:
            store = open_store(folder, readonly=True)
        except StoreError:  # not there yet, or busy: that is what we wait for
            sleep(LOOK_EVERY_S)
            continue
        try:
            events = store.events_of([request_id]).get(request_id, [])
        finally:
            store.close()
        if enough(events):
            return events
        sleep(LOOK_EVERY_S)
    return []
