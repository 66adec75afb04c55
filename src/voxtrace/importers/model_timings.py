"""What a language model's answer says of its own time: Ollama, llama.cpp, vLLM, Groq, and of its tokens alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from voxtrace.importers.model_usage import (
    counts,
    is_message,
    is_response,
    message_facts,
    response_facts,
    usage_facts,
    usage_of,
)
from voxtrace.importers.told_numbers import told_ms, told_number
from voxtrace.units import NANOS_PER_MICRO, NANOS_PER_MILLI

Record = Mapping[str, object]
Kind = Literal["answer", "embedding"]


class Timing(Struct, frozen=True):
    """One call of a model, in milliseconds; None is not told."""

    kind: Kind
    writer: str
    total_ms: float | None  # None: nothing but the end is known
    queue_ms: float | None = None
    load_ms: float | None = None
    prompt_ms: float | None = None  # reading the prompt
    answer_ms: float | None = None  # from the first token to the last
    facts: tuple[tuple[str, object], ...] = ()
    began_wall_ns: int | None = None  # where the answer says it itself

    @property
    def first_token_ms(self) -> float | None:
        """What lies in front of the tokens: everything that is not the tokens themselves."""
        if self.total_ms is None or self.answer_ms is None or self.kind != "answer":
            return None
        return max(0.0, self.total_ms - self.answer_ms)

    @property
    def contradicts_itself(self) -> bool:
        """Whether its parts, which stand one behind the other, are longer than the whole: then no time is one."""
        parts = sum(part or 0.0 for part in (self.queue_ms, self.load_ms, self.prompt_ms, self.answer_ms))
        return self.total_ms is not None and parts > self.total_ms * 1.001 + 1.0


def timing_of(body: Record) -> Timing | None:
    """The timing that an answer carries, or None where it carries none."""
    return _ollama(body) or _llama_cpp(body) or _vllm(body) or _vllm_engine(body) or _groq(body) or _usage_only(body)


def is_piece(body: Record) -> bool:
    """Whether this is a piece of a streamed answer that is not its end."""
    if body.get("done") is False and isinstance(body.get("created_at"), str):
        return True
    return body.get("object") in ("chat.completion.chunk", "text_completion.chunk") and timing_of(body) is None


def holds_text(body: Record) -> bool:
    """Whether a piece brings text: the first of an OpenAI stream may bring only the role."""
    if "done" in body:
        message = body.get("message")
        said = message.get("content") if isinstance(message, dict) else body.get("response")
        return bool(said)
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    delta = first.get("delta")
    return bool(delta.get("content") if isinstance(delta, dict) else first.get("text"))


# No call of a model takes less: whoever writes so wrote seconds or milliseconds where Ollama has nanoseconds.
SHORTEST_MS = 0.1
TELL_FIRST_TOKEN = ("vllm",)


def _nanos(value: object) -> float | None:
    """Milliseconds of a time in nanoseconds; 0 is what stands where nothing was timed."""
    number = told_number(value)
    return told_ms(number / NANOS_PER_MILLI) or None if number is not None else None


def _seconds(value: object) -> float | None:
    """Milliseconds of a time in seconds; 0 is what stands where nothing was timed."""
    number = told_number(value)
    # What was subtracted from Unix seconds has digits behind the microsecond that nobody measured.
    return told_ms(round(number * 1000, 3)) or None if number is not None else None


def _ollama(body: Record) -> Timing | None:
    if told_number(body.get("total_duration")) is None or "load_duration" not in body:
        return None
    total, load = _nanos(body.get("total_duration")), _nanos(body.get("load_duration"))
    if total is not None and total < SHORTEST_MS:
        total = None
    prompt, answer = _nanos(body.get("prompt_eval_duration")), _nanos(body.get("eval_duration"))
    kind: Kind = "embedding" if "embeddings" in body or "embedding" in body else "answer"
    message = body.get("message")
    said = message.get("content") if isinstance(message, dict) else body.get("response")
    facts: dict[str, object] = {
        **counts(body, {"prompt_eval_count": "prompt_eval_count", "prompt_eval_cached_count": "cached_tokens"})
    }
    facts |= counts(body, {"eval_count": "eval_count"})
    facts["response_length"] = len(said) if isinstance(said, str) and said else None
    if total is None:
        return Timing(kind, "ollama", None, facts=_known(facts))
    return Timing(kind, "ollama", total, None, load, prompt, answer, _known(facts))


def _llama_cpp(body: Record) -> Timing | None:
    timings = body.get("timings")
    if not isinstance(timings, dict):
        return None
    prompt, answer = told_ms(timings.get("prompt_ms")), told_ms(timings.get("predicted_ms"))
    if prompt is None or answer is None:
        return None
    names = {"prompt_n": "prompt_eval_count", "predicted_n": "eval_count", "cache_n": "cached_tokens"}
    facts = {**usage_facts(body), **counts(timings, names)}
    return Timing("answer", "llama.cpp", prompt + answer, None, None, prompt, answer, _known(facts))


def _vllm(body: Record) -> Timing | None:
    metrics = body.get("metrics")
    if not isinstance(metrics, dict):
        return None
    first, answer = told_ms(metrics.get("time_to_first_token_ms")), told_ms(metrics.get("generation_time_ms"))
    if first is None or answer is None:
        return None
    # Its time to the first token begins behind the queue.
    queue = told_ms(metrics.get("queue_time_ms"))
    return Timing(
        "answer", "vllm", (queue or 0.0) + first + answer, queue, None, first, answer, _known(usage_facts(body))
    )


def _vllm_engine(body: Record) -> Timing | None:
    """What vLLM's engine notes of a request: moments in Unix seconds."""
    metrics = body.get("metrics")
    if not isinstance(metrics, dict):
        return None
    names = ("arrival_time", "first_token_time", "finished_time")
    came, first, ended = (told_number(metrics.get(name)) for name in names)
    if came is None or first is None or ended is None or not 0 < came <= first <= ended:
        return None
    scheduled = told_number(metrics.get("first_scheduled_time"))
    queue = scheduled - came if scheduled is not None and came <= scheduled <= first else None
    read = _seconds(first - (scheduled if queue is not None and scheduled is not None else came))
    total, answer = _seconds(ended - came), _seconds(ended - first)
    queue_ms = _seconds(queue) if queue is not None else None
    return Timing("answer", "vllm", total, queue_ms, None, read, answer, _known(usage_facts(body)), _moment(came))


def _moment(seconds: float) -> int:
    return round(seconds * 1e6) * NANOS_PER_MICRO


def _groq(body: Record) -> Timing | None:
    """Groq's `usage`, in the answer or in the last piece of a stream: times in seconds, the queue beside the total."""
    usage = usage_of(body)
    total, queue = _seconds(usage.get("total_time")), _seconds(usage.get("queue_time"))
    prompt, answer = _seconds(usage.get("prompt_time")), _seconds(usage.get("completion_time"))
    if total is None or answer is None:
        return None
    return Timing("answer", "groq", total + (queue or 0.0), queue, None, prompt, answer, _known(usage_facts(body)))


def _usage_only(body: Record) -> Timing | None:
    if is_message(body):
        return Timing("answer", "anthropic", None, facts=_known(message_facts(body)))
    if is_response(body):
        return Timing("answer", "openai", None, facts=_known(response_facts(body)))
    if told_number(usage_of(body).get("prompt_tokens")) is None or "choices" not in body:
        return None
    return Timing("answer", "openai", None, facts=_known(usage_facts(body)))


def _known(facts: Mapping[str, object]) -> tuple[tuple[str, object], ...]:
    return tuple((name, value) for name, value in facts.items() if value is not None)


def moments_of(timing: Timing, first_piece_ms: float | None) -> Iterator[tuple[float, int, str, dict[str, object]]]:
    """The events of a call: milliseconds since it was sent, number, name and facts.

    What no duration explains lies in front: a queue stands before the work, and the tokens end the call.

    Args:
        timing: what the answer says.
        first_piece_ms: when its first piece came, where the log holds the stream.
    """
    total, answer, prompt = timing.total_ms or 0.0, timing.answer_ms or 0.0, timing.prompt_ms or 0.0
    if timing.kind == "embedding":
        yield 0.0, 0, "context.retrieval_embedding_start", {}
        yield total, 9, "context.retrieval_embedding_complete", dict(timing.facts)
        return
    yield 0.0, 0, "llm.request_sent", {}
    if timing.queue_ms:
        yield 0.0, 1, "queue_start", {}
        yield timing.queue_ms, 2, "queue_complete", {}
    read_at = max(0.0, total - answer)
    if timing.load_ms:
        load_ends = max(timing.load_ms, read_at - prompt)
        yield load_ends - timing.load_ms, 3, "model_load_start", {}
        yield load_ends, 4, "model_load_complete", {}
    if timing.prompt_ms is not None:
        yield max(0.0, read_at - prompt), 5, "prompt_eval_start", {}
        yield read_at, 6, "prompt_eval_complete", {}
    if first_piece_ms is not None:
        yield first_piece_ms, 7, "llm.first_token", {}
    elif timing.first_token_ms is not None:
        # vLLM tells it; the others tell only how long the tokens took that end the call.
        derived = {} if timing.writer in TELL_FIRST_TOKEN else {"derived": "total - generation"}
        yield timing.first_token_ms, 7, "llm.first_token", dict(derived)
    durations = {
        "prompt_eval_duration_ms": timing.prompt_ms,
        "eval_duration_ms": timing.answer_ms,
        "load_ms": timing.load_ms,
    }
    yield (
        total,
        9,
        "llm.response_received",
        {**dict(timing.facts), **{k: v for k, v in durations.items() if v is not None}},
    )
