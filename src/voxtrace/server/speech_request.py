"""What a client may ask of `POST /v1/audio/speech`, checked by hand: cheaper than a schema, and in OpenAI's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from voxtrace.clock import mono_ns
from voxtrace.events.codec import parse_json
from voxtrace.server.api_error import ApiError
from voxtrace.server.models import Models
from voxtrace.speech.encode import FORMATS, HIGHEST_RATE_HZ, LOWEST_RATE_HZ, Format
from voxtrace.speech.ports import FASTEST, OUTPUT_RATE_HZ, SLOWEST, Catalogue
from voxtrace.speech.quality import AUTO, MODES
from voxtrace.speech.text.document import Document
from voxtrace.speech.text.ssml import InvalidSsml, is_ssml, read_ssml
from voxtrace.speech.voices import DEFAULT_VOICE, VoiceNotFound, find_voice

MAX_TEXT_CHARS = 4096
DEFAULT_FORMAT = "mp3"  # OpenAI's, so a client that names none expects it
STREAM_FORMATS = ("audio", "sse")
QUALITIES = (AUTO, *MODES)
INPUT_TYPES = ("auto", "text", "ssml")
MAX_BODY_BYTES = 256 * 1024  # 4,096 characters, each as two escaped surrogates, are 48 KiB

# Tab, line feed and carriage return are text; what else is below the space (and DEL to U+009F) is not, nor
# is half of a surrogate pair.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A request that can be answered."""

    text: str
    voice: str  # as the client named it
    engine_voice: str
    format: str
    speed: float
    rate_hz: int = OUTPUT_RATE_HZ  # of the answer
    stream_format: str = "audio"
    model: str = ""  # "": the server's first engine
    has_timings: bool = False  # tell about each chunk
    quality: str = ""  # the mode asked for; "": none
    hedge: bool | None = None  # whether a fast engine may stand in; None: as the server does it
    normalises: bool | None = None  # numbers, addresses and signs are read as words; None: as the server is set
    document: Document | None = None  # what the text's SSML means; None: it is plain
    reading_ns: int = 0  # what it took to read that


def read_request(body: bytes, models: Models) -> SpeechRequest:
    """Check a request's body.

    Raises:
        ApiError: something about it is wrong; the first thing found is said.
    """
    try:
        record = parse_json(body)
    except (ValueError, RecursionError) as why:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {why}", code="invalid_json") from why
    if not isinstance(record, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "the body must be a JSON object", code="invalid_json")
    text = _text(record.get("input"))
    request = read_fields(record, text, models)
    kind = read_input_type(record)
    if kind == "ssml" or (kind == "auto" and is_ssml(text)):
        return with_document(request, text, models.voices_of(request.model))
    return request


def with_document(request: SpeechRequest, text: str, voices: Catalogue) -> SpeechRequest:
    """A request for a text in SSML.

    Raises:
        ApiError: it can't be read.
    """
    began = mono_ns()
    try:
        document = read_ssml(text, voices.language_of(request.engine_voice))
    except InvalidSsml as why:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"input: {why}", code=why.code, param="input") from why
    return replace(request, text=text, document=document, reading_ns=mono_ns() - began)


def read_fields(record: dict[str, Any], text: str, models: Models) -> SpeechRequest:
    """Check everything but the text.

    Raises:
        ApiError: something about it is wrong; the first thing found is said.
    """
    model, catalogue = models.find(record.get("model"))
    voice = _name(record.get("voice"))
    try:
        engine_voice = find_voice(voice, catalogue)
    except VoiceNotFound as why:
        raise ApiError(HTTPStatus.BAD_REQUEST, str(why), code=why.code, param="voice") from why
    form = _format(record.get("response_format"))
    rate_hz = _rate(record.get("sample_rate"), form)
    stream_format = _one_of(STREAM_FORMATS, record, "stream_format", "audio")
    has_timings = _timings(record.get("timings"), stream_format)
    _check_instructions(record.get("instructions"))
    quality = _one_of(QUALITIES, record, "quality", "")
    return SpeechRequest(
        text,
        voice,
        engine_voice,
        form.name,
        _speed(record.get("speed")),
        rate_hz,
        stream_format,
        model,
        has_timings,
        quality,
        _wish("hedge", record.get("hedge")),
        _normalises(record),
    )


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise _invalid("input", "must be the text to speak" if text is not None else "is missing: the text to speak")
    if not text.strip():
        raise _invalid("input", "is empty: there is nothing to speak")
    if len(text) > MAX_TEXT_CHARS:
        raise _invalid("input", f"has {len(text)} characters, at most {MAX_TEXT_CHARS} are spoken in one request")
    check_characters("input", text)
    return text


def check_characters(param: str, text: str) -> None:
    """Look for what no voice can read.

    Raises:
        ApiError: there is some.
    """
    found = _UNSPEAKABLE.search(text)
    if found:
        kind = "half of a surrogate pair" if found[0] >= "\ud800" else "control character"
        raise _invalid(param, f"has the {kind} U+{ord(found[0]):04X} at position {found.start()}")


def _name(voice: object) -> str:
    if voice is None:
        return DEFAULT_VOICE
    if isinstance(voice, dict):  # {"id": "…"}, as OpenAI's own custom voices are named
        voice = voice.get("id")
    if not isinstance(voice, str):
        raise _invalid("voice", "must be the name of a voice")
    return voice


def _format(name: object) -> Format:
    if name is None:
        name = DEFAULT_FORMAT
    if not isinstance(name, str) or name not in FORMATS:
        raise _invalid("response_format", f"{str(name)[:40]!r} is not made here; there are: {', '.join(FORMATS)}")
    form = FORMATS[name]
    if not form.is_available:
        why = f"response_format: {name!r} can't be made here: {form.missing}"
        raise ApiError(HTTPStatus.BAD_REQUEST, why, code="format_unavailable", param="response_format")
    return form


def _rate(rate_hz: object, form: Format) -> int:
    if rate_hz is None:
        return OUTPUT_RATE_HZ
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int):
        raise _invalid("sample_rate", "must be a whole number of samples per second")
    if not form.takes(rate_hz):
        rates = ", ".join(map(str, form.rates_hz)) if form.rates_hz else f"{LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"
        raise _invalid("sample_rate", f"{str(rate_hz)[:20]} does not go with {form.name}, which takes: {rates}")
    return rate_hz


def _speed(speed: object) -> float:
    if speed is None:
        return 1.0
    if isinstance(speed, bool) or not isinstance(speed, int | float):
        raise _invalid("speed", "must be a number")
    if not SLOWEST <= speed <= FASTEST:
        raise _invalid("speed", f"is {str(speed)[:20]}, must be from {SLOWEST} to {FASTEST:g}")
    return float(speed)


def _one_of(names: tuple[str, ...], record: dict[str, Any], param: str, unasked: str) -> str:
    name = record.get(param)
    if name is None:
        return unasked
    if not isinstance(name, str) or name not in names:
        raise _invalid(param, f"{str(name)[:40]!r} is not known here; there are: {', '.join(names)}")
    return name


def _wish(param: str, asked: object) -> bool | None:
    if asked is not None and not isinstance(asked, bool):
        raise _invalid(param, "must be true or false")
    return asked


def _timings(asked: object, stream_format: str) -> bool:
    if asked is None or asked is False:
        return False
    if asked is not True:
        raise _invalid("timings", "must be true or false")
    if stream_format != "sse":
        raise _invalid("timings", 'have no place between the bytes of a sound; ask for "stream_format": "sse"')
    return True


def read_input_type(record: dict[str, Any]) -> str:
    """What the text is: plain, SSML, or whichever it looks like.

    Raises:
        ApiError: something else.
    """
    return _one_of(INPUT_TYPES, record, "input_type", "auto")


def _normalises(record: dict[str, Any]) -> bool | None:
    asked = record.get("normalise")
    return _wish("normalise", asked if asked is not None else record.get("normalize"))


def _check_instructions(instructions: object) -> None:
    # Accepted so that clients need no change; espeak-ng has nothing that could follow them.
    if instructions is not None and not isinstance(instructions, str):
        raise _invalid("instructions", "must be text")


def _invalid(param: str, why: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, f"{param}: {why}", code=f"invalid_{param}", param=param)
