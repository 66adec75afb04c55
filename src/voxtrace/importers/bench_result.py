"""Kokoro's benchmark results: `bench_{stream|nonstream}_PRESET_HHMMSS.json`, each trial a request.

What such a file calls `ttfa_ms` is the time to the first bytes of the body, header or not, so it becomes
the first byte here and never a time to first audio.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import PurePath

from voxtrace.analysis.reported import ZONE_MOST_S, document_doubts
from voxtrace.events import Event
from voxtrace.importers.bench_trials import Trial, number, soak_of, text, trials_of, unmeasured
from voxtrace.importers.chunk_trace import parse_arrivals, trace_request
from voxtrace.importers.client_request import ClientRequest
from voxtrace.importers.lines import BYTE_ORDER_MARK, whole_document
from voxtrace.importers.local_time import LocalTimes
from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item, Note
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_MILLI, NANOS_PER_SECOND, nanos_from_millis

LONGEST_RUN_S = 86_400.0


class BenchResult:
    """A run of trials, and of soak iterations after them."""

    name = "kokoro-bench"
    title = "Kokoro benchmark result (bench_stream_*.json, bench_nonstream_*.json)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        is_result = head.lstrip()[:1] == b"{" and b'"base_payload"' in head and b'"measurements"' in head
        return 95 if is_result else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        content = whole_document(stream)
        document = parse_object(content)
        config, measured = object_at(document, "config"), object_at(document, "measurements")
        times = LocalTimes(context.zone)
        started = _started(measured, context, times)
        yield from times.notes()
        if started is None:
            raise HoldsNoEvents("no date: the folder must be called YYYY-MM-DD and the name must end in _HHMMSS")
        payload = object_at(config, "base_payload")
        common = {
            "source": "bench",
            "voice": text(payload.get("voice")),
            "format": text(payload.get("format")),
            "speed": number(payload.get("speed")),
            "url": text(config.get("url")),
            "preset": text(config.get("preset")),
            "streamed": config.get("stream") if isinstance(config.get("stream"), bool) else None,
            "file": context.path.name,
        }
        common["dates_apart_s"] = _dates_apart(started, context, times)
        yield from summary_doubts(document.get("summary"))
        name = f"{context.path.parent.name}/{context.path.stem}"[-200:]
        trials = [*trials_of(measured, config), *soak_of(measured, config)]
        mark = blake2b(content, digest_size=16).digest()  # once, and not for each of 100,000 trials
        traced = 0
        for place, trial in enumerate(trials):
            request = _traced_request(trial, common["preset"], context, name)
            traced += request is not None
            # Trials ran one after the other, but nobody wrote down when: a nanosecond each keeps their order.
            run = f"{name}/soak" if trial.is_soak else name
            own = ClientRequest(f"{name}/{trial.name}", started + place, mark, run=run)
            yield from trial_events(request or own, trial, common)
        if traced:
            yield Note(
                "traced_trials", "trial that a chunk trace beside this file shows as well: one request, not two", traced
            )
        if len(trials) > traced:
            yield Note(
                "start_of_trials",
                "trial without a time of its own; it carries the start of the run",
                len(trials) - traced,
            )
        yield from unmeasured(trials)


def _traced_request(trial: Trial, preset: object, context: Context, run: str) -> ClientRequest | None:
    """The request that a chunk trace in the same folder recorded of this trial, known by its first byte.

    The benchmark wrote both: counted apart, one request would be two in every percentile.
    """
    if trial.first_byte_ms is None or trial.is_soak:
        return None
    for path, trace in context.beside(f"{trial.name}_{preset}_chunks_*.csv"):
        try:
            arrivals = parse_arrivals(trace)
        except HoldsNoEvents:
            continue
        written_wall_ns = LocalTimes(context.zone).from_path(path)
        # The trace rounds to microseconds.
        if written_wall_ns and arrivals and abs(arrivals[0].after_ns - trial.first_byte_ms * NANOS_PER_MILLI) <= 501:
            return trace_request(path, written_wall_ns, arrivals, trace, context.path.stem[-80:], run)
    return None


def parse_object(content: bytes) -> dict[str, object]:
    """A JSON document that is an object; literal Infinity and NaN are let in, as Python's writer lets them out.

    Raises:
        HoldsNoEvents: it is none.
    """
    try:
        document = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise HoldsNoEvents("the JSON is nested too deeply") from None
    except ValueError as why:
        raise HoldsNoEvents(f"the JSON can't be read: {why}") from why
    if not isinstance(document, dict):
        raise HoldsNoEvents("the JSON is no object")
    return document


def object_at(document: dict[str, object], key: str) -> dict[str, object]:
    """The object of that key, empty where there is none."""
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def json_object_begins(head: bytes, *marks: bytes) -> bool:
    """Whether this is the beginning of a JSON object in which all of `marks` stand."""
    begins = head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] == b"{"
    return begins and all(mark in head for mark in marks)


NOT_OF_SAMPLES = ("p50_above_p95", "mean_outside_range")


def summary_doubts(summary: object) -> Iterator[Note]:
    """What is wrong with a summary that the file brings; it is not imported either way."""
    for rule, doubt in document_doubts(summary):
        why = ": it was not computed from samples" if rule in NOT_OF_SAMPLES else ""
        yield Note(rule, f"{rule}: {doubt}{why}")


def _dates_apart(started: int, context: Context, times: LocalTimes) -> float | None:
    """Seconds between the run's own clock and the date of folder and name, where no zone and no long run explain them.

    The name is of the end of a run, so a day is allowed for it beside the zone.
    """
    named = times.from_path(context.path)
    apart = 0.0 if named is None else abs(named - started) / NANOS_PER_SECOND
    return apart if apart > LONGEST_RUN_S + ZONE_MOST_S else None


def _started(measured: dict[str, object], context: Context, times: LocalTimes) -> int | None:
    """When the run began: the first memory sample carries a Unix time, else the file's name, else its date."""
    samples = measured.get("mem_samples")
    first = samples[0] if isinstance(samples, list) and samples else None
    sampled = number(first.get("t")) if isinstance(first, dict) else None
    if sampled is not None and 1e9 <= sampled <= 4_102_444_800:
        return round(sampled * 1e6) * NANOS_PER_MICRO
    named = times.from_path(context.path)
    return context.modified_wall_ns if named is None else named


def trial_events(request: ClientRequest, trial: Trial, common: Mapping[str, object]) -> Iterator[Event]:
    """What is known of one trial; `common` is what all trials of the run share."""
    if trial.error is not None:
        # When it failed was not written down. One event has no duration, so none is invented.
        yield request.event(0, "REQUEST_COMPLETE", outcome="error", error=trial.error, **common, **trial.reported)
        return
    yield request.event(0, "REQUEST_START", **common, trial=trial.name, **trial.reported)
    if trial.first_byte_ms is not None:
        yield request.event(nanos_from_millis(trial.first_byte_ms), "FIRST_BYTE_RECEIVED")
    if trial.total_ms is not None:
        # The call came back with the whole body, so its last audio had arrived; the first may have come at any time.
        ended = nanos_from_millis(trial.total_ms)
        audio_ms = None if trial.audio_s is None else trial.audio_s * 1000
        yield request.event(ended, "LAST_AUDIO_CHUNK", audio_ms=audio_ms)
        yield request.event(ended, "REQUEST_COMPLETE", outcome="ok", truth="L2")
