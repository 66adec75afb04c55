"""What an answer of a language model says of its tokens: OpenAI's two forms, Groq's streams, and Anthropic's.

`input_tokens` means two things: OpenAI counts the whole prompt, Anthropic only what came neither from the cache nor
went into it.
"""

from __future__ import annotations

from collections.abc import Mapping

from voxtrace.importers.told_numbers import told_number

Record = Mapping[str, object]
Facts = dict[str, object]
Counts = dict[str, float | None]


def usage_of(body: Record) -> Record:
    """What an answer says of its usage; Groq's streams say it below a name of their own."""
    inner = body.get("x_groq")
    for usage in (body.get("usage"), inner.get("usage") if isinstance(inner, dict) else None):
        if isinstance(usage, dict):
            return usage
    return {}


def usage_facts(body: Record) -> Facts:
    """The tokens of an answer with OpenAI's usage."""
    usage = usage_of(body)
    if not usage:
        return {}
    return {
        **counts(usage, {"prompt_tokens": "prompt_tokens", "completion_tokens": "eval_count"}),
        "cached_tokens": _cached(usage.get("prompt_tokens_details")),
    }


def is_message(body: Record) -> bool:
    """Whether this is a whole answer of Anthropic's Messages API; the one that opens a stream has not stopped yet."""
    is_whole = body.get("type") == "message" and body.get("stop_reason") is not None
    return is_whole and told_number(usage_of(body).get("input_tokens")) is not None


def message_facts(body: Record) -> Facts:
    """The tokens of an answer of Anthropic's Messages API.

    The prompt is as long as three counts together. Servers that speak this API without a cache of Anthropic's leave
    out two of them, and what the third means is then theirs to know: it is kept under its own name and is no length.
    """
    usage = usage_of(body)
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    told = counts(usage, {name: name for name in names})
    fresh, read, written, answer = (told[name] for name in names)
    facts: Facts = {"eval_count": answer, "cached_tokens": read, "cache_written_tokens": written}
    if fresh is not None and read is not None and written is not None:
        return {**facts, "prompt_tokens": fresh + read + written, "prompt_eval_count": fresh + written}
    return {**facts, "input_tokens": fresh}


def is_response(body: Record) -> bool:
    """Whether this is an answer of OpenAI's Responses API that came to its end."""
    return body.get("object") == "response" and told_number(usage_of(body).get("input_tokens")) is not None


def response_facts(body: Record) -> Facts:
    """The tokens of an answer of OpenAI's Responses API, whose `input_tokens` are the whole prompt."""
    usage = usage_of(body)
    return {
        **counts(usage, {"input_tokens": "prompt_tokens", "output_tokens": "eval_count"}),
        "cached_tokens": _cached(usage.get("input_tokens_details")),
    }


def _cached(details: object) -> float | None:
    return counts(details, {"cached_tokens": "cached_tokens"})["cached_tokens"] if isinstance(details, dict) else None


def counts(record: Record, names: Mapping[str, str]) -> Counts:
    """These counts under our names; None where there is none."""
    found: Counts = {}
    for told, name in names.items():
        number = told_number(record.get(told))
        found[name] = number if number is not None and number >= 0 else None
    return found
