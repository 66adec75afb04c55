"""Events of files that are held in memory give the turns that each request's events give by themselves."""

from __future__ import annotations

import multiprocessing
import random
from contextlib import closing

import pytest

from voxtrace.analysis import assemble
from voxtrace.analysis.columns import columns_of
from voxtrace.collector.held.apart import ALONE_BATCHES, MeasuringBroke
from voxtrace.collector.held.events import BATCH_EVENTS, Held, TooMuchToHold
from voxtrace.events import Event
from voxtrace.store import RequestQuery, open_store

STEPS = (("stt", "stt_transcript_finalized"), ("v34", "v34_ollama_sent"), ("v34", "v34_ollama_received"))
NOON_NS = 1_764_000_000 * 10**9


def told(requests: int) -> list[Event]:
    return [
        Event(f"r{number}", service, name, NOON_NS + number * 10**9 + place * (number + 1) * 1000, f"{number}/{place}")
        for number in range(requests)
        for place, (service, name) in enumerate(STEPS)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_late_events_count(seed):
    """Also those that come when their request was measured already."""
    events = told(40)
    random.Random(seed).shuffle(events)
    held = Held(open_events=5)
    for at in range(0, len(events), 7):
        held.append(events[at : at + 7])
    held.finish()
    found = {
        request_id: (total, value)
        for page in held.pages(RequestQuery(), most=100)
        for request_id, total, value in zip(
            page.request_ids, page.totals.tolist(), page.metrics["llm_total_ms"].values.tolist(), strict=True
        )
    }
    held.close()
    alone = columns_of(
        [assemble(f"r{n}", [each for each in told(40) if each.request_id == f"r{n}"]) for n in range(40)]
    )

    assert found == {
        request_id: (total, value)
        for request_id, total, value in zip(
            alone.request_ids, alone.totals.tolist(), alone.metrics["llm_total_ms"].values.tolist(), strict=True
        )
    }


def test_the_newest_turns_come_first_and_their_events_are_there():
    held = Held()
    held.append(told(9))
    held.finish()
    (page,) = held.pages(RequestQuery(), most=2)

    assert list(page.request_ids) == ["r8", "r7"]
    assert [[mark.name for mark in turn.marks] for turn, _, _ in held.turns(["none", "r8"])] == [
        [name for _, name in STEPS]
    ]


def test_more_than_fits_is_refused_with_what_to_do():
    held = Held(open_events=5, most_bytes=2_000)
    with pytest.raises(TooMuchToHold, match="voxtrace import"):
        held.append(told(40))


@pytest.mark.slow
def test_a_process_that_measures_and_is_killed_is_an_error_that_says_so():
    held = Held(processes=1, open_events=5)
    held.append(told(ALONE_BATCHES * BATCH_EVENTS))
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(MeasuringBroke, match="voxtrace import"):
        held.finish()
    held.close()


def test_what_no_store_can_keep_is_refused_and_the_rest_is_measured(tmp_path):
    good, *rest = told(3)
    odd = [
        good._replace(event_id="late", wall_ns=2**70),
        good._replace(event_id="alone", name="\ud800"),
        good._replace(event_id="large", metadata={"tokens": 10**30}),
    ]
    held = Held()
    held.append([good, *odd, *rest])
    held.finish()
    (page,) = held.pages(RequestQuery(), most=9)
    with closing(open_store(tmp_path)) as store:
        store.append([good, *odd, *rest])
        kept = store.accounts().rejected

    assert held.accounts().rejected == kept == {"unstorable": 2}
    assert list(page.request_ids) == ["r2", "r1", "r0"]
    assert len(held.turns(["r0"])[0].turn.marks) == len(STEPS) + 1
