from __future__ import annotations

from pathlib import PurePath

import pytest

from tests.importers.build import NOON_NS, events, notes, read, refused
from tests.importers.logs import CONSOLE, access, steps
from tests.samples import sample
from voxtrace.analysis import assemble
from voxtrace.importers.step_console import StepConsole

PATH = PurePath("/logs/console.log")


def imported(*lines: str, **known: object):
    return read(StepConsole(), ("\n".join(lines) + "\n").encode(), PATH, **known)


def turns(items) -> list[tuple[float, float | None, float]]:
    """Of each turn: the whole, the time of the model, and what nothing explains, in milliseconds."""
    found: dict[str, list] = {}
    for event in events(items):
        found.setdefault(event.request_id, []).append(event)
    told = [assemble(request_id, group) for request_id, group in found.items()]
    return [
        (
            round(turn.total / 1e6, 3),
            turn.metrics["llm_total_ms"].value,
            round(sum(part.length for part in turn.parts if not part.explained) / 1e6, 3),
        )
        for turn in told
    ]


def test_steps_fill_the_request_that_follows_them():
    assert turns(read(StepConsole(), CONSOLE, PATH)) == [(1093.338, 570.0, 13.338), (1371.0, 1200.0, 11.0)]


def test_steps_behind_their_request_are_joined_to_it_because_they_fill_it():
    found = imported(
        access("08:15:10", 1.093338),
        steps(0.03, 0.41, 0.07, 0.57),
        access("08:15:44", 1.371),
        steps(0.04, 0, 0.12, 1.2),
    )

    assert turns(found) == [(1093.338, 570.0, 13.338), (1371.0, 1200.0, 11.0)]


def test_a_log_that_begins_in_the_middle_does_not_shift_all_steps_by_one_request():
    found = imported(
        steps(0.03, 0.41, 0.07, 0.57),  # of a request above the first line
        access("08:15:44", 1.171),
        steps(0.04, 0, 0.12, 1.0),
        access("08:16:02", 0.955),
        steps(0.02, 0, 0.1, 0.83),
        modified_wall_ns=NOON_NS,
    )

    assert turns(found) == [(1080.0, 570.0, 0), (1171.0, 1000.0, 11.0), (955.0, 830.0, 5.0)]
    assert notes(found)["steps_alone"] == 1


def test_the_total_is_never_one_of_its_own_parts():
    found = events(imported(steps(0.5, 0.5), access("08:15:44", 1.0)))
    told = {event.name: event.metadata.get("reported_total_s") for event in found}

    assert told.pop("request_end") == 1.0
    assert set(told.values()) == {None}


def test_pages_and_polls_are_no_messages():
    found = imported(access("08:15:10", 0.1, method="GET"), steps(0.1, 0.1), access("08:15:44", 0.21))

    assert len(turns(found)) == 1
    assert notes(found)["other_lines"] == 1


def test_a_request_that_failed_is_an_error():
    (end,) = [
        event
        for event in events(imported(steps(0.1), access("08:15:44", 0.1, status=500)))
        if "outcome" in event.metadata
    ]

    assert end.metadata["outcome"] == "error"


def test_steps_without_requests_are_turns_of_their_own_in_the_order_of_the_lines():
    found = imported(steps(0.1, 0.2), steps(0.1, 0.2), modified_wall_ns=NOON_NS)

    assert [whole for whole, _, _ in turns(found)] == [300.0, 300.0]
    assert notes(found)["steps_alone"] == 2


def test_steps_whose_request_is_not_written_yet_wait_for_it():
    early = imported(steps(0.1), access("08:15:44", 0.1), steps(0.2))
    late = imported(steps(0.1), access("08:15:44", 0.1), steps(0.2), access("08:15:50", 0.203))

    assert notes(early)["unfinished"] == 1
    assert {each.event_id for each in events(early)} < {each.event_id for each in events(late)}


@pytest.mark.parametrize("line", ["--- Step 1 (Metadata Generation) took: ", "--- Total process_user_message"])
def test_a_step_that_cannot_be_read_is_counted(line):
    assert [each.unreadable.reason for each in refused(imported(line))] == ["step"]


def test_the_real_console_joins_every_message_to_its_own_request():
    found = read(StepConsole(), sample("little_timmy/v34_console.log").read_bytes(), PATH)

    assert [whole for whole, _, _ in turns(found)] == [1400.024, 1482.978, 840.0, 1096.338, 1660.0]
    assert [model for _, model, _ in turns(found)] == [930.0, 1310.0, 730.0, 570.0, 890.0]
