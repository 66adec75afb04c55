"""Which population a turn belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast, get_args

from voxtrace.analysis.model import Cache, Labels, Mode, Outcome, Source, Start, Transport, Truth
from voxtrace.analysis.prompts import usages
from voxtrace.analysis.speech import NULL_DEVICE
from voxtrace.analysis.timeline import Outline, Timeline

# Who may name a model: a language model's own events first, because a turn waits for it longest.
_LANGUAGE = ("llm.request_sent", "llm.response_received", "llm.first_token")
_SPEECH = ("server.request_received", "client.request_start", "tts.synthesis_start", "tts.request_received")
_MODEL = (*_LANGUAGE, *_SPEECH)
# Who may name a voice beside the request itself: frameworks tell it with the synthesis.
_VOICE = ("tts.synthesis_start", "tts.request_received", "tts.first_audio", "tts.synthesis_complete")
# Of a label; what is longer is no name, and what are more are no labels.
MOST_TAGS, LONGEST_TAG = 16, 80
_TAG_KEYS = ("label.", "flag.")
# What kind of text was asked for, as load generators and benchmarks name it; budgets of speech are by it.
TEXT_CLASS = "text_class"
TEXT_CLASSES = frozenset({"short", "medium", "long", "complex", "article"})
_NAMES_CLASS = (TEXT_CLASS, "preset")
_TELL_TAGS = frozenset({"labels", *_NAMES_CLASS})
_SOURCES, _CACHES, _STARTS = get_args(Source), get_args(Cache), get_args(Start)
_MODES, _TRANSPORTS, _OUTCOMES = get_args(Mode), get_args(Transport), get_args(Outcome)
_HEARD = ("tts.first_audio", "playback.started", "playback.first_sample")
_ENDS = ("client.request_complete", "server.request_complete")
_ASKED = ("client.request_start", "server.request_received")
# The server knows better than its caller.
_ENDED, _ANSWERED = _ENDS[::-1], _ASKED[::-1]
_ENDED_OR_ASKED = (*_ENDED, *_ASKED)


def label(timeline: Timeline) -> Labels:
    """The labels that the events themselves carry; what no event says is `unknown`."""
    outcome = _outcome(timeline)
    chars = timeline.number("text_chars", *_ASKED)
    if chars is None:
        chars = timeline.number("text_length", *_ASKED, "tts.request_received")
    return Labels(
        outcome=outcome,
        cache=cast("Cache", _one_of(_CACHES, timeline.text("cache", *_ENDED_OR_ASKED))),
        start=cast("Start", _one_of(_STARTS, timeline.text("start", *_ENDED_OR_ASKED))),
        source=_source(timeline),
        truth=_truth(timeline),
        origin="client" if timeline.has_side("client") else "server" if timeline.has_side("server") else "turn",
        engine=timeline.text("engine", *_ANSWERED),
        provider=timeline.text("provider", *_ENDED_OR_ASKED),
        voice=timeline.text("voice", *_ANSWERED, *_VOICE),
        format=timeline.text("format", *_ANSWERED),
        model=_model(timeline),
        version=timeline.text("version", *_ENDED, *_MODEL),
        tags=_tags(timeline),
        text_chars=int(chars) if chars is not None and chars >= 0 else None,
        hedged=timeline.text("hedged", *_ENDED),
        mode=cast("Mode", _one_of(_MODES, timeline.text("mode", *_ENDED), otherwise="")),
        error=timeline.text("error", *_ENDS) if outcome == "error" else "",
        transport=_transport(timeline),
    )


def _model(timeline: Timeline) -> str:
    """A language model's own name first, and where only its usage tells it, that one."""
    if named := timeline.text("model", *_LANGUAGE):
        return named
    told = (placed.event.metadata.get("model") for placed in usages(timeline))
    return next((model for model in told if isinstance(model, str)), "") or timeline.text("model", *_SPEECH)


def _tags(timeline: Timeline) -> str:
    """What events were labelled with: `labels`, or metadata named `label.NAME` or `flag.NAME`; the first counts."""
    found: dict[str, object] = {}
    if not _tell_tags(timeline.outline):
        return ""
    for placed in timeline.axis.placed:
        metadata = placed.event.metadata
        if not metadata:
            continue
        labels = metadata.get("labels")
        named = dict(labels) if isinstance(labels, dict) else {}
        named |= {key.partition(".")[2]: metadata[key] for key in metadata if key.startswith(_TAG_KEYS)}
        if kind := _text_class(metadata):
            named[TEXT_CLASS] = kind
        for name, value in named.items():
            if (name := _plain(name)) and isinstance(value, str | int | float | bool):
                found.setdefault(name, value)
    kept = sorted(found)[:MOST_TAGS]
    return ";".join(f"{name}={_plain(found[name])}" for name in kept)


@lru_cache(maxsize=1024)
def _tell_tags(outline: Outline) -> bool:
    told = outline.metadata
    return not told.isdisjoint(_TELL_TAGS) or any(name.startswith(_TAG_KEYS) for name in told)


def _text_class(metadata: Mapping[str, object]) -> str:
    names = (metadata.get(key) for key in _NAMES_CLASS)
    return next((name for name in names if isinstance(name, str) and name in TEXT_CLASSES), "")


def _plain(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace(";", ",").replace("=", ":")[:LONGEST_TAG]


def _source(timeline: Timeline) -> Source:
    """Any event may say that nobody real asked."""
    if "source" not in timeline.told:
        return "real"
    said = (placed.event.metadata.get("source") for placed in timeline.axis.placed if placed.event.metadata)
    return cast("Source", next((each for each in said if each in _SOURCES), "real"))


def _transport(timeline: Timeline) -> Transport:
    """What the server says; else what the address shows that a client asked: over HTTP a text is sent whole."""
    said = _one_of(_TRANSPORTS, timeline.text("transport", "server.request_received"), otherwise="")
    if not said and timeline.text("url", "client.request_start").startswith(("http://", "https://")):
        said = "http"
    return cast("Transport", said)


def _one_of(known: Sequence[str], value: str, otherwise: str = "unknown") -> str:
    return value if value in known else otherwise


def _outcome(timeline: Timeline) -> Outcome:
    """What the caller says of the end, else the server, else what a conversation's last stage shows.

    The last word counts: a request that failed and was asked again has ended as its last try. Neither a
    request that ended well nor one that was called off ended so where the user spoke into the answer.
    """
    said = next((said for stage in _ENDS if (said := _last_outcome(timeline, stage))), None)
    if said is None:
        said = _last_outcome(timeline, "playback.completed") or _last_outcome(timeline, "llm.response_sent")
    if said is None and timeline.first("playback.completed", "llm.response_sent"):
        said = "ok"
    if said in (None, "ok") and _failed(timeline):
        return "error"
    if said in (None, "ok", "cancelled") and timeline.first("user.interrupted"):
        return "interrupted"
    return said or "unknown"


def _failed(timeline: Timeline) -> bool:
    """Whether the last call of the model failed and nothing was heard behind it.

    A framework that catches the failure ends its turn well, and so nobody else says it.
    """
    if timeline.has_side("client") or timeline.has_side("server"):
        return False
    answers = timeline.all("llm.response_received")
    if not answers or answers[-1].event.metadata.get("outcome") != "error":
        return False
    heard = (each for stage in _HEARD for each in timeline.all(stage))
    return all(each.at <= answers[-1].at for each in heard)


def _last_outcome(timeline: Timeline, stage: str) -> Outcome | None:
    if "outcome" not in timeline.told:
        return None
    told = [placed.event.metadata["outcome"] for placed in timeline.all(stage) if "outcome" in placed.event.metadata]
    return cast("Outcome", told[-1]) if told and told[-1] in _OUTCOMES else None


def _truth(timeline: Timeline) -> Truth:
    """The highest truth level that an event proves (levels: L0 synthesised … L5 acoustic)."""
    if timeline.first("playback.first_sample"):
        # The player took the sound and kept its time, but no device's clock says that it left.
        return "L3" if timeline.text("device", "playback.first_sample") == NULL_DEVICE else "L4"
    if timeline.first("client.first_audio_chunk", "playback.started"):
        return "L2"
    if timeline.first("server.first_chunk_sent"):
        return "L1"
    if timeline.first("server.first_chunk_generated", "tts.first_audio", "tts.synthesis_complete"):
        return "L0"
    return "unknown"
