"""The moment at which speech becomes audible, reported by client and server, beside what the engine noted itself.

The engine waits for d, works for each block of sound, and begins with s of breath that nobody hears. Behind
it a format holds back h. Nothing here is compared with how long anything should take on the machine that runs the
test: only moments that were noted, and lengths of sound. `python -m benchmarks audible` has the figure on the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.serving import Serving, serving
from voxtrace.analysis.model import Turn
from voxtrace.analysis.turns import assemble
from voxtrace.client.caller import Caller
from voxtrace.client.request import SpeechRequest, endpoint
from voxtrace.events import Event
from voxtrace.events.codec import decode
from voxtrace.speech.encode import FORMATS, open_encoder
from voxtrace.tracker import Batch, Tracker, TrackerOptions, generate_request_id
from voxtrace.units import NANOS_PER_MILLI

pytestmark = pytest.mark.slow

DELAY_MS, BREATH_MS = 40, 120
# Of sound, and of work for it: fast enough that no sound comes too late because the machine is busy for a moment.
BLOCK_MS, WORK_MS = 20, 5
WITHIN_MS = 5  # the length of a window in which sound is looked for
EVERY_FORMAT = pytest.mark.parametrize("form", list(FORMATS))


@dataclass(frozen=True)
class Spoken:
    """One request, seen from everywhere."""

    turn: Turn
    server_ms: dict[str, float]  # by the name of the histogram
    asked_ns: int  # the engine's own moments
    blocks_ns: tuple[int, ...]
    began_ns: int  # when the caller asked

    def ms(self, name: str) -> float:
        value = self.turn.metrics[name].value
        assert value is not None, self.turn.metrics[name]
        return value

    def moment_ns(self, stage: str) -> int:
        """On the machine's monotonic clock."""
        start = next(mark for mark in self.turn.marks if mark.stage == "client.request_start")
        mark = next(mark for mark in self.turn.marks if mark.stage == stage)
        return self.began_ns + mark.at - start.at


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("audible")
    faults = {"delay_ms": DELAY_MS, "leading_breath_ms": BREATH_MS, "block_ms": BLOCK_MS, "block_delay_ms": WORK_MS}
    with serving(folder, faults={**faults, "diary": str(folder / "diary")}, workers=1) as server:
        yield server


def sums(server: Serving) -> dict[str, float]:
    """Of the histograms, in milliseconds."""
    families = text_string_to_metric_families(server.text("/metrics"))
    return {each.name: each.value * 1000 for family in families for each in family.samples if each.name.endswith("sum")}


def speak(server: Serving, form: str, tmp_path: Path) -> Spoken:
    diary, before, request_id = server.data / "diary", sums(server), generate_request_id()
    diary.write_text("")
    events: list[Event] = []

    def keep(batch: Batch) -> None:
        events.extend(event for line in batch.lines.splitlines() if isinstance(event := decode(line), Event))

    tracker = Tracker("client", sink=keep, options=TrackerOptions(data=tmp_path))
    caller = Caller(endpoint(f"http://127.0.0.1:{server.port}"), tracker)
    caller.speak(SpeechRequest("abcdefgh", format=form), request_id, lambda _exchange, _body: None)
    tracker.close()
    events += server.events(request_id)
    asked_ns, *blocks_ns = map(int, diary.read_text().split())
    after = sums(server)
    began = next(event.mono_ns for event in events if event.name == "REQUEST_START")
    return Spoken(
        assemble(request_id, events),
        {name: after[name] - before.get(name, 0.0) for name in after},
        asked_ns,
        tuple(blocks_ns),
        began or 0,
    )


def blocks_held(form: str, block_ms: int = BLOCK_MS) -> int:
    """How many blocks an encoder takes before it has given what a player needs to begin."""
    encoder, given, blocks = open_encoder(form), b"", 0
    while not given or len(given) < FORMATS[form].first_frame(given):
        given += encoder.encode(bytes(block_ms * 48))
        blocks += 1
    return blocks


def in_front_ms(form: str) -> float:
    return FORMATS[form].in_front / 24


@EVERY_FORMAT
def test_a_caller_reports_delay_and_hold_back_and_silence(server, form, tmp_path):
    spoken = speak(server, form, tmp_path)
    filled_ns = spoken.blocks_ns[blocks_held(form) - 1]
    behind_ms = (spoken.moment_ns("client.first_audio_chunk") - filled_ns) / NANOS_PER_MILLI
    from_start_ms = (filled_ns - spoken.began_ns) / NANOS_PER_MILLI  # d, and h as the engine's pace makes it
    silence_ms = BREATH_MS + in_front_ms(form)

    # The bytes left when the block that fills what is held back was there, and not before.
    assert behind_ms > 0
    assert spoken.ms("ttfa_ms") == pytest.approx(from_start_ms + behind_ms + silence_ms, abs=WITHIN_MS)
    assert spoken.ms("leading_silence_ms") == pytest.approx(silence_ms, abs=WITHIN_MS)


@EVERY_FORMAT
def test_the_server_reports_them_too_with_its_own_zero(server, form, tmp_path):
    spoken = speak(server, form, tmp_path)
    filled_ns = spoken.blocks_ns[blocks_held(form) - 1]
    ready_ms = (filled_ns - spoken.moment_ns("server.request_received")) / NANOS_PER_MILLI
    silence_ms = BREATH_MS + in_front_ms(form)
    reported_ms = spoken.server_ms["voxtrace_ttfa_seconds_sum"]
    response_ms = spoken.server_ms["voxtrace_server_response_seconds_sum"]

    assert reported_ms > ready_ms + silence_ms - WITHIN_MS
    if form != "mp3":  # whose first bytes are a part of a frame, and no sound yet
        assert reported_ms == pytest.approx(response_ms + silence_ms, abs=WITHIN_MS)


@EVERY_FORMAT
def test_the_engines_own_delay_is_in_every_number(server, form, tmp_path):
    spoken = speak(server, form, tmp_path)
    waited_ms = (spoken.blocks_ns[0] - spoken.asked_ns) / NANOS_PER_MILLI

    assert waited_ms >= DELAY_MS + WORK_MS
    assert spoken.ms("first_audio_ms") >= waited_ms
    assert spoken.ms("server_response_ms") >= waited_ms


@EVERY_FORMAT
def test_nobody_hears_anything_before_the_server_says_that_it_can_be_heard(server, form, tmp_path):
    spoken = speak(server, form, tmp_path)
    by_client_ns = spoken.began_ns + spoken.ms("ttfa_ms") * NANOS_PER_MILLI
    by_server_ns = (
        spoken.moment_ns("server.request_received") + spoken.server_ms["voxtrace_ttfa_seconds_sum"] * NANOS_PER_MILLI
    )

    assert by_client_ns > by_server_ns - WITHIN_MS * NANOS_PER_MILLI
    assert spoken.turn.findings == ()
