from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath
from zoneinfo import ZoneInfo

import pytest

from voxtrace.importers.local_time import LocalTimes

BERLIN = ZoneInfo("Europe/Berlin")


def utc_of(times: LocalTimes, text: str) -> str:
    wall_ns = times.from_text(text)
    return "" if wall_ns is None else datetime.fromtimestamp(wall_ns / 1e9, UTC).isoformat()


def test_the_first_passage_of_an_hour_that_comes_twice_is_meant_and_that_is_said():
    times = LocalTimes(BERLIN)

    assert utc_of(times, "2025-10-26T02:30:00") == "2025-10-26T00:30:00+00:00"
    assert {note.kind: note.times for note in times.notes()} == {"local_time": 1, "repeated_hour": 1}


def test_an_hour_that_a_clock_skipped_is_still_a_point_in_time():
    times = LocalTimes(BERLIN)

    assert utc_of(times, "2025-03-30T02:30:00") == "2025-03-30T01:30:00+00:00"
    assert [note.kind for note in times.notes()] == ["local_time"]


@pytest.mark.parametrize("text", ["", "soon", "0001-01-01T00:00:00", "9999-12-31T23:59:59", None, 7, "1970-01-01"])
def test_what_is_no_plausible_time_is_none(text):
    assert LocalTimes(BERLIN).from_text(text) is None


def test_date_and_time_come_from_folder_and_name_together():
    times = LocalTimes(UTC)

    assert times.from_path(PurePath("/x/2025-08-16/trial01_short_chunks_230720.csv")) == 1_755_385_640_000_000_000


@pytest.mark.parametrize(
    "path", ["/x/today/a_230720.csv", "/x/2025-08-16/a.csv", "/x/2025-13-16/a_230720.csv", "/x/2025-08-16/a_256161.csv"]
)
def test_half_a_date_is_none(path):
    assert LocalTimes(UTC).from_path(PurePath(path)) is None


def test_this_machines_zone_is_used_where_none_is_named():
    naive = datetime(2025, 8, 16, 12, 0, 0)  # noqa: DTZ001 - that is what is tested

    assert LocalTimes(None).wall_ns(naive) == round(naive.timestamp()) * 10**9
