"""Whether the absence of a number is tied to something."""

from random import Random

import pytest
from msgspec import structs
from msgspec.structs import replace

from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.columns import columns_of
from voxtrace.analysis.summing import Summing
from voxtrace.reports.absence_words import absence_in_words
from voxtrace.testing.turns import client_events, server_events


def request(number, *, deaf=False, waits=0.0, session=None, total=0.0, **labels):
    """A request; a `deaf` one has no audible sample. `waits`: ms that the server takes beside 100 to 120."""
    inference = 100 + (number * 7919) % 20 + waits
    arrival = inference + 30
    name = f"r{number}"
    events = client_events(
        request_id=name,
        first_byte=arrival,
        leading_silence=None if deaf else 20,
        chunks=[(arrival, 900), (arrival + 10 + total, 900)],
    ) + server_events(request_id=name, inference=inference)
    turn = assemble(name, events)
    return replace(turn, session_id=session, labels=structs.replace(turn.labels, **labels))


def absence(turns, metric="ttfa_ms", **population):
    groups = [
        group
        for group in summarize(turns).groups
        if all(getattr(group.population, key) == value for key, value in population.items())
    ]
    (group,) = groups
    return group.absences.get(metric)


def test_where_the_slow_ones_lack_a_number_its_percentile_is_too_good():
    found = absence([request(n, deaf=n < 14, waits=90.0 if n < 12 else 0) for n in range(96)])

    assert (found.state, found.missing, found.looked_at) == ("slower", 14, 96)
    assert found.numbers[0].is_more
    assert found.numbers[0].p < 0.01
    assert absence_in_words(found, "ttfa_ms").startswith("missing in 14 of 96; the missing ones are slower: ")
    assert absence_in_words(found, "ttfa_ms").endswith(": the percentile is too good")


def test_where_the_fast_ones_lack_it_the_percentile_is_too_bad():
    found = absence([request(n, deaf=n < 14, waits=0.0 if n < 14 else 90) for n in range(96)])

    assert found.state == "faster"
    assert absence_in_words(found, "ttfa_ms").endswith("the percentile is too bad")


def test_absence_by_chance_is_tied_to_nothing_and_says_what_was_looked_at():
    chance = Random(7)
    deaf = set(chance.sample(range(96), 14))
    turns = [request(n, deaf=n in deaf, voice="ab"[chance.random() < 0.5], engine="e") for n in range(96)]
    found = absence(turns)

    assert found.state == "untied"
    assert {"server_response_ms", "total_ms", "voice"} <= set(found.compared_with)
    assert "absence is not tied to anything that was looked at (" in absence_in_words(found, "ttfa_ms")


def test_of_few_nobody_can_tell_and_of_all_or_none_there_is_no_question():
    few = [request(n, deaf=n < 1) for n in range(10)]

    assert absence_in_words(absence(few), "ttfa_ms") == "missing in 1 of 10: too few to tell"
    assert absence([request(n) for n in range(10)]) is None
    assert absence([request(n, deaf=True) for n in range(10)]) is None


def test_a_voice_whose_requests_lack_a_number_is_named_and_labels_of_the_same_requests_are_one_tie():
    turns = [
        request(n, deaf=n % 4 == 0 and n < 80, voice="a" if n % 4 == 0 else "b", model="m" if n % 4 == 0 else "n")
        for n in range(96)
    ]
    found = absence(turns)
    (tie,) = found.labels

    assert (found.state, tie.label, tie.value, tie.also) == ("uneven", "voice", "a", ("model=m",))
    assert (tie.there, tie.elsewhere) == ((20, 24), (0, 72))
    assert "20 of 24 where voice=a and model=m, 0 of 72 elsewhere (p < 0.001)" in absence_in_words(found, "ttfa_ms")


def test_what_no_event_told_is_no_label():
    turns = [request(n, deaf=n < 20, voice="" if n < 20 else "ab"[n % 2]) for n in range(96)]

    assert absence(turns).state == "untied"


def test_interrupted_and_cancelled_requests_are_compared_though_they_are_other_populations():
    turns = [request(n, deaf=n < 6) for n in range(96)]
    turns += [request(n, deaf=n < 118, outcome="interrupted") for n in range(100, 120)]
    turns += [request(n, deaf=True, outcome="cancelled") for n in range(200, 220)]
    found = absence(turns, outcome="ok")

    assert {(tie.value, tie.there, tie.elsewhere) for tie in found.labels} == {
        ("interrupted", (18, 20), (6, 96)),
        ("cancelled", (20, 20), (6, 96)),
    }
    assert "20 of 20 of turns that were called off, 6 of 96 elsewhere" in absence_in_words(found, "ttfa_ms")


def test_a_cached_replay_that_never_has_a_number_is_no_tie():
    turns = [request(n, deaf=n < 6) for n in range(96)] + [request(n, deaf=True, cache="hit") for n in range(100, 130)]

    assert absence(turns, cache="miss").state == "untied"


def test_a_turn_that_is_longer_for_more_text_is_not_called_slower():
    def of(chars):
        return [
            request(n, deaf=n < 20, total=400.0 if n < 20 else 0, text_chars=(chars if n < 20 else 100) + n % 7)
            for n in range(96)
        ]

    assert absence(of(500)).state == "uneven"
    assert absence(of(100)).state == "slower"


def test_a_turn_that_is_shorter_because_its_last_events_are_missing_is_not_called_faster():
    found = absence([request(n, deaf=n < 20, total=0.0 if n < 20 else 4000) for n in range(96)])

    assert found.state == "untied"


def test_absence_of_one_session_only_says_so():
    turns = [request(n, deaf=n < 14, waits=90.0 if n < 14 else 0, session="s1" if n < 20 else "s2") for n in range(96)]

    assert "all of session s1, so p is too small" in absence_in_words(absence(turns), "ttfa_ms")


def test_pages_in_any_order_say_the_same():
    turns = [
        request(n, deaf=n < 14, waits=90.0 if n < 12 else 0, voice="ab"[n % 2], session=f"s{n % 3}") for n in range(96)
    ]
    whole = summarize(turns).groups[0].absences
    summing = Summing()
    for begin in (64, 32, 0):
        summing.add(columns_of(turns[begin : begin + 32]))

    assert summing.summary().groups[0].absences == whole


def test_a_number_that_was_taken_back_is_an_absence():
    turns = [request(n, waits=n * 0.0137) for n in range(60)]
    same = [request(n, waits=700.3) for n in range(1000, 1400, 20)]
    found = absence([*turns, *same])

    assert (found.missing, found.state) == (20, "slower")


@pytest.mark.parametrize("seed", range(3))
def test_of_many_populations_without_a_tie_one_in_twenty_may_be_called_one(seed):
    """The promise of the correction: 60 populations in which absence is chance."""
    chance = Random(seed)
    called = 0
    for _ in range(20):
        deaf = set(chance.sample(range(60), 12))
        turns = [
            request(
                chance.randrange(1000) * 100 + n,
                deaf=n in deaf,
                waits=chance.random() * 50,
                voice=chance.choice("abcd"),
                engine=chance.choice("xy"),
            )
            for n in range(60)
        ]
        called += absence(turns).state not in ("untied", "too few")

    assert called <= 3
