"""What a model tells of its prompt, in the words of each runtime."""

import pytest

from tests.analysis.talks import measured, talk
from voxtrace.testing.turns import event


def numbers(**facts):
    metrics = measured(talk(0, prompt=facts)).metrics
    names = ("prompt_tokens", "cached_tokens", "prefill_tokens", "prefill_ms", "prefill_ns_per_token", "kv_reuse_ratio")
    return [metrics[name].value for name in names]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # OpenAI's usage counts the whole prompt.
        ({"prompt_tokens": 200, "cached_tokens": 150}, [200, 150, None, None, None, 0.75]),
        # llama.cpp counts what came from the cache apart.
        (
            {"writer": "llama.cpp", "prompt_eval_count": 50, "cached_tokens": 150, "prompt_eval_duration_ms": 10},
            [200, 150, 50, 10, 200_000, 0.75],
        ),
        # Ollama counts the whole prompt, and how much of it was kept.
        (
            {"writer": "ollama", "prompt_eval_count": 200, "cached_tokens": 150, "prompt_eval_duration_ms": 10},
            [200, 150, 50, 10, 200_000, 0.75],
        ),
        # Older ones do not say what their count means.
        ({"prompt_eval_count": 200, "prompt_eval_duration_ms": 10}, [None, None, 200, 10, 50_000, None]),
        ({"prompt_tokens": 10, "cached_tokens": 50}, [10, 50, None, None, None, None]),
        # Clients write 0 where the model told them no usage.
        ({"prompt_tokens": 0, "cached_tokens": 0}, None),
        ({"prompt_tokens": 0, "prompt_eval_count": 12, "prompt_eval_duration_ms": 6}, [None, None, 12, 6, 5e5, None]),
        ({"prompt_tokens": "many", "cached_tokens": -1, "kv_context_length": 5}, [None] * 6),
    ],
)
def test_each_runtime_means_what_it_means(facts, expected):
    if expected is None:
        assert "prompt_tokens" not in measured(talk(0, prompt=facts)).metrics
    else:
        assert numbers(**facts) == expected


def test_a_turn_that_tells_nothing_of_its_prompt_has_none_of_these_numbers():
    assert "prompt_tokens" not in measured(talk(0)).metrics


def test_several_calls_are_added_up_and_overlapping_ones_are_not_known():
    def call(at, length, tokens):
        return [
            event("llm.request_sent", at, "agent"),
            event("llm.response_received", at + length, "agent", prompt_tokens=tokens),
        ]

    two = measured([*call(0, 10, 100), *call(20, 10, 50)]).metrics["prompt_tokens"]
    beside = measured([*call(0, 30, 100), *call(10, 40, 50)]).metrics["prompt_tokens"]

    assert (two.value, two.note) == (150, "2 calls together")
    assert beside.missing == "calls to the model overlap: which answer belongs to which call is not known"
