"""The drop-in for a module `latency_tracker`."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

import voxtrace
from voxtrace.events import stage_of
from voxtrace.tracker import Events, generate_request_id, log_timing, timing


class Hostile:
    """Can be asked for nothing."""

    def _refuse(self, *_: object) -> bool:
        raise RuntimeError("asked")

    __bool__ = __len__ = __str__ = __repr__ = _refuse
    __class__ = property(_refuse)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, object]]]:
    """What `log_timing` wrote, once it is asked for."""
    monkeypatch.setenv("VOXTRACE_DATA", str(tmp_path))
    timing._tracker_for.cache_clear()

    def close_and_read() -> list[dict[str, object]]:
        timing._tracker_for("stt").close()
        timing._tracker_for.cache_clear()
        return [json.loads(line) for path in tmp_path.rglob("*.jsonl") for line in path.read_text().splitlines()]

    return close_and_read


def test_it_is_called_as_the_original_is(written):
    request_id = generate_request_id()
    log_timing(request_id, "stt", Events.STT_TRANSCRIPT_FINALIZED, {"text_length": 24})
    line = written()[0]

    assert (line["request_id"], line["service"], line["event"]) == (request_id, "stt", "stt_transcript_finalized")
    assert line["metadata"] == {"text_length": 24}


def test_the_package_offers_it_at_its_door():
    assert voxtrace.log_timing is log_timing


def test_a_dictionary_that_changes_later_is_told_as_it_was(written):
    metadata: dict[str, object] = {"text_length": 24}
    log_timing("r1", "stt", "one", metadata)
    metadata["text_length"] = 25

    assert written()[0]["metadata"] == {"text_length": 24}


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        (None, {}),
        ({}, {}),
        ({"request_id": "x", "name": "y"}, {"request_id": "x", "name": "y"}),
        ({1: "a"}, {"1": "a"}),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ("text", {"metadata": "text"}),
        (3, {"metadata": 3}),
        (Hostile(), {"metadata": "[Hostile]"}),
    ],
    ids=lambda _: "",
)
def test_any_metadata_is_told_as_well_as_it_can_be(written, metadata, told):
    log_timing("r1", "stt", "one", metadata)

    assert written()[0]["metadata"] == told


def test_without_a_request_id_the_open_turn_says_whose_event_it_is(written):
    with voxtrace.Tracker("stt").turn(request_id="r1"):
        log_timing(None, "stt", "one")

    assert written()[0]["request_id"] == "r1"


def test_every_constant_is_a_name_that_the_stages_know():
    names = [value for key, value in vars(Events).items() if key.isupper()]

    assert [name for name in names if stage_of("stt", name) is None] == []
    assert len(names) >= 17
