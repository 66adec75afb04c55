"""`voxtrace compare` and `voxtrace whatif`, as a person types them."""

from __future__ import annotations

import json

import pytest

from voxtrace.cli.main import main
from voxtrace.collector.measure import measure
from voxtrace.store import open_store
from voxtrace.testing.turns import client_events, server_events


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two-engines")
    store = open_store(folder)
    for n in range(60):
        engine, name = ("espeak-ng", "kokoro")[n % 2], f"r{n}"
        first = 100.0 + n + 80 * (n % 2)
        events = client_events(request_id=name, first_byte=first, chunks=[(first, 60)])
        events += server_events(request_id=name, inference=first / 2)
        store.append(
            [
                each._replace(
                    event_id=f"{n}{each.event_id}",
                    wall_ns=each.wall_ns + n * 10**9,
                    metadata={**each.metadata, "engine": engine} if each.name == "REQUEST_RECEIVED" else each.metadata,
                )
                for each in events
            ]
        )
    measure(store)
    store.close()
    return folder


def run(capsys, *arguments):
    code = main([*arguments])
    return code, capsys.readouterr()


@pytest.mark.parametrize(
    "sides", [("engine=espeak-ng", "engine=kokoro"), ("--a", "engine=espeak-ng", "--b", "engine=kokoro")]
)
def test_two_engines_are_compared(folder, capsys, sides):
    code, out = run(capsys, "compare", *sides, "--data", str(folder), "--json")
    told = json.loads(out.out)

    assert (code, told["a"]["turns"], told["b"]["turns"]) == (0, 30, 30)
    assert told["strata"][0]["verdict"].startswith("ttfa_ms: B is slower")


def test_providers_need_no_filters(folder, capsys):
    _, out = run(capsys, "compare", "--view", "providers", "--data", str(folder), "--format", "markdown")

    assert "B: engine=kokoro,provider=espeak-ng · 30 turns" in out.out


def test_a_side_without_turns_says_what_there_is(folder, capsys):
    code, out = run(capsys, "compare", "engine=piper", "engine=kokoro", "--data", str(folder))

    assert (code, out.err) == (
        2,
        "voxtrace: no turn fits 'engine=piper'. In the data there are engine: espeak-ng, kokoro\n",
    )


def test_only_the_times_that_filters_leave_are_read_and_a_cut_is_told(folder, capsys):
    middle = "2025-11-27T14:30:35"
    _, whole = run(capsys, "compare", f"until={middle}", f"since={middle}", "--data", str(folder), "--json")
    old = (f"until={middle},engine=kokoro", f"until={middle},engine=espeak-ng")
    _, cut = run(capsys, "compare", *old, "--last", "30", "--data", str(folder), "--json")

    assert [json.loads(whole.out)[side]["turns"] for side in "ab"] == [30, 30]
    assert [json.loads(cut.out)[side]["turns"] for side in "ab"] == [15, 15]
    assert (whole.err, cut.err.startswith("only the newest 30 turns")) == ("", True)


@pytest.mark.parametrize("sides", [("engine=kokoro",), (), ("engine=a", "--a", "engine=b"), ("engine", "engine=b")])
def test_half_a_comparison_is_wrong_usage(folder, capsys, sides):
    code, out = run(capsys, "compare", *sides, "--data", str(folder))

    assert code == 2
    assert "Filters are KEY=VALUE" in out.err


def test_a_step_that_takes_half_moves_the_first_sound(folder, capsys):
    code, out = run(capsys, "whatif", "--set", "inference=0.5x", "--data", str(folder), "--json")
    (population,) = json.loads(out.out)["populations"]

    assert (code, population["replayed"], population["touched"]) == (0, 60, 60)
    assert population["outcomes"]["first_sound_ms"]["gained"]["p50"] > 30


def test_turns_that_nobody_measured_yet_are_replayed_alike(folder, capsys):
    arguments = ("whatif", "--drop", "server.first_chunk_generated", "--data", str(folder), "--json")
    _, measured = run(capsys, *arguments)
    store = open_store(folder)
    store.forget_derived()
    _, unmeasured = run(capsys, *arguments)
    measure(store)
    store.close()

    assert unmeasured.out == measured.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--drop", "tts.magic"), "no turn has a step 'tts.magic'; there are: "),
        (("--set", "inference"), "'inference' is no change"),
        ((), "nothing is changed"),
        (("--drop", "inference", "--where", "engine=piper"), "no turn fits 'engine=piper'"),
    ],
)
def test_a_change_of_nothing_is_wrong_usage(folder, capsys, arguments, said):
    code, out = run(capsys, "whatif", *arguments, "--data", str(folder))

    assert code == 2
    assert said in out.err
