"""Many turns in few numbers."""

from hypothesis import given
from hypothesis import strategies as st

from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.quantiles import distribution
from voxtrace.analysis.statistics.interval import quantile
from voxtrace.analysis.summary import series
from voxtrace.testing.turns import client_events, event, server_events

SAMPLES = st.lists(st.floats(0, 1e6), min_size=1)


@given(SAMPLES, st.integers(1, 1000))
def test_a_quantile_is_one_of_the_samples(samples, per_mille):
    assert quantile(sorted(samples), per_mille) in samples


@given(SAMPLES)
def test_percentiles_are_in_order(samples):
    of = distribution(samples, len(samples))
    known = [value for value in (of.smallest, of.p50, of.p95, of.p99, of.largest) if value is not None]

    assert known == sorted(known)


def test_nearest_rank_does_not_stumble_over_floating_point():
    assert quantile(list(range(1, 101)), 70) == 7


def test_a_tail_needs_enough_samples():
    few, enough = distribution(range(19), 19), distribution(range(20), 20)

    assert (few.p95, enough.p95) == (None, 18)
    assert distribution(range(99), 99).p99 is None
    assert distribution(range(100), 100).p99 == 98


def turns(count, *, cache="miss", first_byte=100.0, prefix="r"):
    ids = [f"{prefix}{number}" for number in range(count)]
    return [
        assemble(
            each,
            client_events(request_id=each, first_byte=first_byte + n / 10, chunks=[(first_byte + n / 10, 60)])
            + server_events(request_id=each, cache=cache),
        )
        for n, each in enumerate(ids)
    ]


def test_a_cached_replay_and_a_synthesis_are_never_one_percentile():
    summary = summarize(turns(5) + turns(5, cache="hit", first_byte=5, prefix="h"))

    assert {group.population.cache: group.turns for group in summary.groups} == {"miss": 5, "hit": 5}
    assert {group.population.cache: group.metrics["ttfb_ms"].p50 for group in summary.groups} == {
        "miss": 100.2,
        "hit": 5.2,
    }


def test_what_was_not_measured_is_counted_with_its_reason():
    blind = assemble("x", client_events(request_id="x", leading_silence=None) + server_events(request_id="x"))
    (group,) = summarize([*turns(2), blind]).groups
    ttfa = group.metrics["ttfa_ms"]

    assert (ttfa.measured, ttfa.expected) == (2, 3)
    assert [count for _, count in ttfa.missing] == [1]


def test_streams_that_nobody_measured_count_as_not_continuous():
    unmeasured = [each for each in client_events(request_id="x") if each.name != "LAST_AUDIO_CHUNK"]
    (group,) = summarize([*turns(1), assemble("x", unmeasured + server_events(request_id="x"))]).groups

    assert group.continuity == 0.5


def test_shares_of_the_wait_are_of_all_turns_and_add_up():
    (group,) = summarize(turns(3)).groups

    assert sum(part.share for part in group.parts) == 1.0 or abs(sum(part.share for part in group.parts) - 1) < 1e-9


def test_percentiles_over_lower_bounds_are_lower_bounds():
    turn = assemble("r", [event("stt_end", 0, "stt"), event("playback_start", 310, "tts")])
    (group,) = summarize([turn]).groups

    assert (group.metrics["voice_to_voice_ms"].p50, group.metrics["voice_to_voice_ms"].bound) == (310, "lower")


def test_nothing_at_all_is_no_error_rate_and_no_group():
    summary = summarize([])

    assert (summary.turns, summary.error_rate, summary.groups) == (0, None, ())


def test_a_series_names_the_slowest_request_of_each_slice():
    (bucket,) = series(turns(3), "ttfb_ms", 3600 * 10**9)

    assert (bucket.of.measured, bucket.slowest_request) == (3, "r2")


def test_text_that_came_in_pieces_and_whole_texts_are_never_one_percentile():
    ways = {"http": 4, "live": 3, "wyoming": 2, "wyoming-live": 1}
    made = []
    for way, count in ways.items():
        for number in range(count):
            name = f"{way}{number}"
            events = server_events(request_id=name)
            events[0].metadata["transport"] = way
            made.append(assemble(name, events))
    groups = summarize(made).groups

    assert {group.population.transport: group.turns for group in groups} == ways
    assert len({group.population.name for group in groups}) == len(ways)
    assert "live text" in groups[1].population.name


def test_the_way_of_a_text_is_what_the_server_says_else_what_the_clients_address_shows():
    asked = event("REQUEST_START", 0, "client", url="http://127.0.0.1:8880/v1/audio/speech")
    elsewhere = event("REQUEST_START", 0, "client", url="ws://127.0.0.1:8880/v1/audio/speech/live")
    said = event("REQUEST_RECEIVED", 1, "server", transport="live")
    strange = event("REQUEST_RECEIVED", 1, "server", transport="pigeon")

    assert [assemble("r1", events).labels.transport for events in ([asked], [asked, said], [elsewhere], [strange])] == [
        "http",
        "live",
        "",
        "",
    ]
