"""Sessions: trends, prompts, the first turn and what the model kept, each from this session's turns alone."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.talks import measured, session_of, talk
from voxtrace.analysis.columns import columns_of
from voxtrace.analysis.kv_reuse import CUT, LONG_PAUSE_NS, PromptText, common_prefix, kv_reuse, prompt_text
from voxtrace.analysis.session_trends import first_turn, relations, trend
from voxtrace.analysis.session_turns import FIRST, session_turns, strands
from voxtrace.analysis.sessions import explained, first_requests, summarised
from voxtrace.reports.session_json import explained_to_json
from voxtrace.reports.session_words import first_words, relation_words, trend_words


def grown(place, *, kept=True, **more):
    """The prompt of a turn in a conversation whose prompts grow by 60 tokens."""
    size = 400 + 60 * place
    cached = size - 60 if kept and place else 0
    return {"prompt_tokens": size, "cached_tokens": cached, "prompt_eval_duration_ms": (size - cached) * 0.3, **more}


def conversation(count, *, slope=0.0, seed=1, prompts=None, first=None, **more):
    chance = Random(seed)
    return [
        talk(
            n,
            llm=(first if first and not n else 500.0 + slope * n + chance.gauss(0, 20)),
            prompt=prompts(n) if prompts else None,
            **more,
        )
        for n in range(count)
    ]


def explain(turns, texts=None):
    told = session_of(turns)
    return explained(summarised("s", told), told, texts or {})


def rules(found):
    return [finding.rule for finding in found.findings]


def test_a_wait_that_grows_is_slower_by_so_many_ms_a_turn():
    session = summarised("s", session_of(conversation(30, slope=41.0)))

    assert session.trend.verdict == "rises"
    assert session.trend.slope.interval.holds(41.0)
    assert trend_words(session.trend).startswith("slower by 4")
    assert " a turn (" in trend_words(session.trend)


def test_what_could_be_chance_and_what_is_too_few_are_said_in_words():
    steady = summarised("s", session_of(conversation(30)))
    short = summarised("s", session_of(conversation(4)))

    assert trend_words(steady.trend) == "no trend that could not be chance"
    assert trend_words(short.trend) == "too few turns (n=3; it takes 5)"


def test_trends_without_a_cause_are_rare():
    """At most one of twenty, with room for the luck of 300 sessions."""
    found = [trend(strands(session_of(conversation(12, seed=seed)))[0], "llm_total_ms") for seed in range(300)]

    assert sum(each.verdict in ("rises", "falls") for each in found) <= 0.08 * len(found)


def test_cold_warm_and_first_turns_are_in_no_number_together():
    turns = [talk(n, llm=100.0 * (n + 1), start="cold" if n in (0, 3) else "warm") for n in range(6)]
    untold = [talk(n) for n in range(3)]

    assert [(each.population.start, [turn.place for turn in each.turns]) for each in strands(session_of(turns))] == [
        ("warm", [2, 3, 5, 6]),
        ("cold", [1, 4]),
    ]
    assert [(each.population.start, len(each.turns)) for each in strands(session_of(untold))] == [
        ("unknown", 2),
        (FIRST, 1),
    ]
    assert rules(explain(turns)) == ["cold_in_between"]


def test_failed_turns_are_counted_and_in_no_number():
    turns = [talk(n, llm=9000.0 if n == 2 else 500.0, outcome="error" if n == 2 else "ok") for n in range(6)]
    found = explain(turns)

    assert (found.session.failed, found.session.wait.measured, found.session.longest) == (1, 4, 730.0)
    assert "turns_failed" in rules(found)


def test_a_session_without_numbers_says_why():
    turns = [[each for each in talk(n) if each.name.startswith("llm.")] for n in range(3)]
    session = summarised("s", session_of(turns))

    assert (session.head, session.wait, session.longest, session.trend) == (None, None, None, None)
    assert session.why_unmeasured == "no event says when the agent became audible"


def test_a_larger_prompt_takes_longer_by_so_much_for_1000_tokens():
    chance, turns = Random(3), []
    for n in range(40):
        size = chance.randint(200, 4000)
        turns.append(talk(n, llm=300 + 0.25 * size + chance.gauss(0, 15), prompt={"prompt_tokens": size}))
    (relation,) = [each for each in relations(strands(session_of(turns))[0]) if each.metric == "llm_total_ms"]

    assert (relation.size, relation.verdict, relation.n) == ("prompt_tokens", "rises", 39)
    assert relation.slope.interval.holds(250.0)
    assert "for 1,000 tokens (" in relation_words(relation)
    assert relation.correlation.interval.low > 0.9


def test_the_size_of_a_prompt_is_told_in_the_unit_that_is_known():
    def turn(n, size):
        built = talk(n, llm=300 + size / 10)
        mark = built[3]._replace(name="context.prompt_built", event_id=f"b{n}", metadata={"prompt_chars": size})
        return [*built, mark]

    chars = relations(strands(session_of([turn(n, 1000 + 137 * n) for n in range(9)]))[0])
    none = relations(strands(session_of(conversation(9)))[0])

    assert (chars[0].size, "for 1,000 characters" in relation_words(chars[0])) == ("prompt_chars", True)
    assert relation_words(none[0]) == "not known: no event tells how long the prompt was (n=0)"


def test_a_cold_first_turn_stands_out_and_an_usual_one_does_not():
    cold = explain(conversation(12, first=3000.0))
    usual = explain(conversation(12, first=510.0))
    first = next(each for each in cold.firsts if each.metric == "llm_total_ms")

    assert first.ratio.interval.low < 6.0 < first.ratio.interval.high
    assert "cold_start" in rules(cold)
    assert "cold_start" not in rules(usual)
    assert first_words(usual.firsts[0]).endswith("within chance")


def test_a_rounding_error_is_no_cold_start():
    turns = [talk(n, llm=500.0 + (1e-6 if not n else 1e-9 * n)) for n in range(8)]
    first = explain(turns).firsts[0]

    assert (first.is_slower, first.is_faster) == (False, False)


def test_a_first_turn_that_failed_or_was_left_out_has_no_ratio():
    failed = first_turn(session_of([talk(n, outcome="ok" if n else "error") for n in range(6)]))
    pages = [columns_of([measured(talk(n)) for n in range(6)])]

    assert (failed[0].ratio, failed[0].why) == (None, "the first turn ended as error")
    assert first_turn(session_turns(pages, first_place=5)) == ()


def test_first_turns_over_sessions_are_paired_with_their_own_later_ones():
    sessions = [summarised(f"s{n}", session_of(conversation(8, seed=n, first=1500.0 + 10 * n))) for n in range(5)]

    assert first_requests(sessions).interval.holds(1750 / 730)
    assert first_requests(sessions[:2]) is None


def test_kept_prompts_are_seen_and_lost_ones_are_a_finding():
    kept = explain(conversation(8, prompts=grown))
    lost = explain(conversation(8, prompts=lambda n: grown(n, kept=n < 6), gap_ns=LONG_PAUSE_NS + 1))
    (finding,) = [each for each in lost.findings if each.rule == "kv_reuse_not_seen"]

    assert [each.how_observed for each in kept.reuse] == ["counted"] * 8
    assert "kv_reuse_not_seen" not in rules(kept)
    assert finding.message.startswith("turns 7, 8 read again")
    assert "turns 7, 8 came after a pause of 5 minutes or more" in finding.message


@pytest.mark.parametrize(("pace", "is_lost"), [(0.3, True), (0.02, False)])
def test_where_no_one_counts_the_time_of_the_prefill_tells(pace, is_lost):
    """Ollama counts the whole prompt, kept or not."""

    def prompt(n):
        size = 500 + 40 * n
        return {"prompt_eval_count": size, "prompt_eval_duration_ms": size * (pace if n else 0.3)}

    reuse = explain(conversation(6, prompts=prompt)).reuse

    assert {each.how_observed for each in reuse[1:]} == {"time"}
    assert {each.is_lost for each in reuse[1:]} == {is_lost}


def test_a_count_without_cached_tokens_accuses_nobody():
    """llama.cpp counts what it evaluated: its pace is the same however much was kept."""
    sizes = [800, 60, 45, 70]
    turns = conversation(
        4, prompts=lambda n: {"prompt_eval_count": sizes[n], "prompt_eval_duration_ms": sizes[n] * 0.3}
    )

    assert [each.is_lost for each in explain(turns).reuse] == [False] * 4
    assert explain(turns).reuse[3].expected is None


def test_a_context_that_was_handed_over_is_a_wish_and_what_was_evaluated_is_the_proof():
    def prompt(n, evaluated):
        return {"has_kv_cache": n > 0, "kv_context_length": 900 if n else 0, "prompt_eval_count": evaluated}

    used = explain([talk(n, prompt=prompt(n, 80 if n else 900)) for n in range(3)])
    bare = explain([talk(n, prompt=prompt(0, 900)) for n in range(3)])

    assert [(each.how_expected, each.how_observed) for each in used.reuse[1:]] == [("handed", "evaluated")] * 2
    assert rules(bare) == ["kv_not_handed_over"]
    assert used.reuse[2].observed == pytest.approx(900 / 980)


def test_texts_tell_what_prompts_have_in_common():
    turns = conversation(3, prompts=lambda n: {"cached_tokens": 0, "prompt_tokens": 100})
    texts = {f"s-{n}": PromptText(text, False) for n, text in enumerate(["abcd", "abcdefgh", "Xbcdefgh"])}
    reuse = explain(turns, texts).reuse

    assert [(each.expected, each.how_expected) for each in reuse] == [(None, ""), (0.5, "text"), (0.0, "text")]
    assert [each.is_lost for each in reuse] == [False, True, False]


def test_prompts_that_a_log_cut_off_are_not_compared_further_than_they_go():
    turns = conversation(2, prompts=lambda n: {"prompt_tokens": 100 + n})
    cut = {f"s-{n}": PromptText("a" * 50, True) for n in range(2)}
    why = explain(turns, cut).reuse[1].why_not_expected

    assert why == "the log cut the prompts off; their first 50 characters are equal"


def test_a_prompt_is_read_from_text_and_from_messages():
    text = talk(0, prompt={"prompt": "Say hello" + CUT})
    messages = talk(0, prompt={"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]})

    assert prompt_text(text) == PromptText("Say hello", True)
    assert prompt_text(messages) == PromptText("user: hi\nassistant: ho", False)
    assert prompt_text(talk(0)) is None


@given(st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_a_common_prefix_is_the_longest(one, other):
    size = common_prefix(one, other)

    assert one[:size] == other[:size]
    assert one[size : size + 1] != other[size : size + 1] or size == len(one) == len(other)


TURNS = st.lists(
    st.tuples(
        st.floats(1, 5000), st.sampled_from(["ok", "error", "interrupted"]), st.sampled_from(["", "cold", "warm"])
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(TURNS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_in_which_turns_are_read_changes_nothing(told, chance, pages):
    turns = [
        talk(n, llm=llm, outcome=outcome, start=start, prompt=grown(n)) for n, (llm, outcome, start) in enumerate(told)
    ]
    ordered = session_of(turns)
    shuffled = list(turns)
    chance.shuffle(shuffled)
    again = session_of(shuffled, pages)

    assert again == ordered
    assert explained_to_json(explained(summarised("s", again), again, {})) == explained_to_json(
        explained(summarised("s", ordered), ordered, {})
    )


@settings(max_examples=30, deadline=None)
@given(TURNS)
def test_percentiles_are_samples_and_every_turn_is_accounted_for(told):
    turns = [talk(n, llm=llm, outcome=outcome, start=start) for n, (llm, outcome, start) in enumerate(told)]
    found = explain(turns)
    waits = {turn.value("voice_to_voice_ms") for turn in found.turns}
    in_strands = sum(len(each.strand.turns) for each in found.strands)

    assert found.session.wait is None or found.session.wait.p50 in waits
    assert in_strands + found.session.failed == found.session.looked_at == len(told)
    assert kv_reuse(found.turns, {}) == ()
