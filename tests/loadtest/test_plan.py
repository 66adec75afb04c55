"""What a run will do: moments, texts, target."""

from __future__ import annotations

import json

import pytest

from voxtrace.client.errors import HostUnknown
from voxtrace.errors import InvalidOption
from voxtrace.loadtest.arrivals import ClosedLoop, OpenLoop
from voxtrace.loadtest.errors import RemoteTarget
from voxtrace.loadtest.plan import Workload, make_plan
from voxtrace.loadtest.target import find_target
from voxtrace.loadtest.texts import CLASSES, REPEATED_TEXTS, text_of
from voxtrace.speech.text.script import Reading, lines_of
from voxtrace.speech.text.segment import RAMP

MIX = Workload({"short": 9, "long": 1})


def texts(plan):
    return [plan.text(planned) for planned in plan.requests]


def test_the_same_seed_and_run_are_the_same_requests():
    one, other = (make_plan(OpenLoop(50, 2), MIX, seed=5, run="bado") for _ in range(2))

    assert one.requests == other.requests
    assert texts(one) == texts(other)


def test_another_run_of_the_same_seed_asks_the_same_kinds_in_other_words():
    one, other = (make_plan(OpenLoop(50, 2), MIX, seed=5) for _ in range(2))

    assert one.requests == other.requests
    assert set(texts(one)).isdisjoint(texts(other))
    assert [len(text) for text in texts(one)] == [len(text) for text in texts(other)]


@pytest.mark.parametrize("kind", CLASSES)
def test_new_texts_share_no_piece(kind):
    pieces: set[str] = set()
    for number in range(20):
        text = text_of(kind, 1, number, "bado")
        own = {line.text.strip() for line in lines_of(text, None, RAMP, Reading("en-us", normalises=True))}

        assert pieces.isdisjoint(own)

        pieces |= own


@pytest.mark.parametrize("kind", CLASSES)
def test_repeated_texts_are_few(kind):
    assert len({text_of(kind, 1, number, None) for number in range(100)}) <= REPEATED_TEXTS


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("short", 30, 90), ("medium", 200, 320), ("long", 1000, 1120), ("complex", 300, 420), ("article", 3900, 4096)],
)
def test_texts_are_as_long_as_their_class_says(kind, least, most):
    for number in range(50):
        for run in (None, "badobado"):
            assert least <= len(text_of(kind, 1, number, run)) <= most


def test_kinds_come_in_the_asked_proportion():
    plan = make_plan(OpenLoop(100, 20), MIX)
    share = sum(planned.kind == "long" for planned in plan.requests) / len(plan.requests)

    assert share == pytest.approx(0.1, abs=0.03)


def test_a_closed_loop_ends_at_the_most_requests():
    assert len(make_plan(ClosedLoop(3, 10), MIX, most=7).requests) == 7


@pytest.mark.parametrize(
    "make",
    [
        lambda: Workload({}),
        lambda: Workload({"epic": 1}),
        lambda: Workload({"short": 0}),
        lambda: Workload({"short": 1}, format="flac", pace="real time"),
        lambda: Workload({"short": 1}, leave_after_s=-1),
    ],
)
def test_a_workload_that_can_not_be_asked_for_is_refused(make):
    with pytest.raises(InvalidOption):
        make()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.1:1", "http://localhost:1", "http://[::1]:1"])
def test_this_machine_may_be_loaded_however_it_is_written(url):
    assert find_target(url).endpoint.port == 1


@pytest.mark.parametrize("url", ["http://192.0.2.7:80", "http://[2001:db8::1]:80", "http://0x08080808:80"])
def test_another_machine_is_refused_unless_that_is_spelled_out(url):
    with pytest.raises(RemoteTarget, match="--allow-remote"):
        find_target(url)

    assert find_target(url, allow_remote=True).address


def test_a_name_that_leads_nowhere_is_told():
    with pytest.raises(HostUnknown):
        find_target("http://no-such-host.invalid")


def request_of(**workload):
    target = find_target("http://127.0.0.1:8880", api_key="sk-1")
    return target.request("a" * 32, "Hello", Workload({"short": 1}, **workload))


def test_a_request_says_who_it_is_and_what_for():
    head, _, body = request_of(format="wav").partition(b"\r\n\r\n")

    assert head.startswith(b"POST /v1/audio/speech HTTP/1.1\r\nHost: 127.0.0.1:8880\r\n")
    for line in (b"X-Voxtrace-Source: load", b"x-request-id: " + b"a" * 32, b"Authorization: Bearer sk-1"):
        assert line in head
    assert b"User-Agent: voxtrace-load/" in head
    assert json.loads(body) == {"model": "tts-1", "input": "Hello", "voice": "alloy", "response_format": "wav"}


def test_only_new_texts_ask_to_be_made_anew():
    assert b"Cache-Control: no-cache" in request_of()
    assert b"Cache-Control" not in request_of(repeat=True)
