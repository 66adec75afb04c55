"""An export of traces from JSON: ids in hexadecimal, 64-bit numbers as text, names in camel case.

What writers get wrong is read as well where it has one meaning: snake case, ids in base64 (what a protocol buffer
library makes of bytes), numbers that are numbers, and enumerations by name.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping

from voxtrace.importers.otlp.spans import (
    CLIENT,
    ERROR,
    MAX_DEPTH,
    MAX_NAME_CHARS,
    SERVER,
    Export,
    NotOtlp,
    Span,
    host_of,
)

_OTHER_SIGNALS = ("resourceMetrics", "resourceLogs", "resource_metrics", "resource_logs", "resourceProfiles")


def read_json(document: object) -> Export:
    """All spans of one export request, or of a list of them.

    Raises:
        NotOtlp: it is no such document.
    """
    export = Export()
    for each in document if isinstance(document, list) else [document]:
        if not isinstance(each, dict):
            raise NotOtlp("an export of traces is a JSON object with resourceSpans")
        inner = each.get("trace")  # Tempo's answers: the same below a name of its own, or under an older one
        found = _get(inner if isinstance(inner, dict) else each, "resourceSpans", "resource_spans", "batches")
        if found is None:
            if not any(key in each for key in _OTHER_SIGNALS) and each:
                raise NotOtlp("the JSON has no resourceSpans")
            export.other_signals += bool(each)
            continue
        for resource in _objects(found):
            _read_resource_spans(resource, export)
    return export


def _read_resource_spans(spans: Mapping[str, object], export: Export) -> None:
    resource = spans.get("resource")
    attributes = _attributes(resource.get("attributes")) if isinstance(resource, dict) else {}
    service, host = _text(attributes.get("service.name")), host_of(attributes)
    older = ("instrumentationLibrarySpans", "instrumentation_library_spans")
    for group in _objects(_get(spans, "scopeSpans", "scope_spans", *older)):
        scope = _get(group, "scope", "instrumentationLibrary", "instrumentation_library")
        name = _text(scope.get("name")) if isinstance(scope, dict) else ""
        found = group.get("spans")
        for span in found if isinstance(found, list) else ():
            if isinstance(span, dict):
                export.add(_span(span, name, service, host))
            else:
                export.refuse("span", "a span must be a JSON object", repr(span)[:200].encode("utf-8", "replace"))


def _span(span: Mapping[str, object], scope: str, service: str, host: str) -> Span:
    status = span.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    moments = tuple(
        (_whole(_get(event, "timeUnixNano", "time_unix_nano")), _text(event.get("name")))
        for event in _objects(span.get("events"))
    )
    return Span(
        trace_id=_id(_get(span, "traceId", "trace_id"), 16),
        span_id=_id(_get(span, "spanId", "span_id"), 8),
        parent_id=_id(_get(span, "parentSpanId", "parent_span_id"), 8),
        name=_text(span.get("name")),
        scope=scope,
        service=service,
        start_ns=_whole(_get(span, "startTimeUnixNano", "start_time_unix_nano")),
        end_ns=_whole(_get(span, "endTimeUnixNano", "end_time_unix_nano")),
        attributes=_attributes(span.get("attributes")),
        moments=moments,
        is_error=code == "STATUS_CODE_ERROR" or _whole(code) == ERROR,
        host=host,
        kind=_KINDS.get(str(span.get("kind")), 0),
    )


# As a number, as text, and as the enum's name.
_KINDS = {"2": SERVER, "SPAN_KIND_SERVER": SERVER, "3": CLIENT, "SPAN_KIND_CLIENT": CLIENT}


def _get(found: Mapping[str, object], *names: str) -> object:
    return next((found[name] for name in names if name in found), None)


def _objects(found: object) -> Iterator[Mapping[str, object]]:
    return (each for each in (found if isinstance(found, list) else ()) if isinstance(each, dict))


def _text(found: object) -> str:
    return found[:MAX_NAME_CHARS] if isinstance(found, str) else ""


def _whole(found: object) -> int:
    """A 64-bit number, which JSON carries as text; 0 for anything else."""
    if isinstance(found, bool):
        return 0
    if isinstance(found, int):
        return found
    if isinstance(found, float):
        return int(found) if abs(found) < 2**63 else 0  # JavaScript's and jq's, known to a quarter of a microsecond
    if isinstance(found, dict):
        return _halves(found)
    if isinstance(found, str) and len(found) <= 20 and found.removeprefix("-").isdecimal():
        return int(found)
    return 0


def _halves(found: Mapping[str, object]) -> int:
    """A 64-bit number in two halves, as older exporters of JavaScript wrote it."""
    low, high = found.get("low"), found.get("high")
    if type(low) is not int or type(high) is not int:
        return 0
    return (high & 0xFFFFFFFF) << 32 | low & 0xFFFFFFFF


def _id(found: object, size: int) -> str:
    if not isinstance(found, str):
        return ""
    if len(found) != 2 * size and found:
        try:
            decoded = b64decode(found, validate=True)
        except (Base64Error, ValueError):
            return found[:64]
        if not any(decoded):
            return ""  # all zeros: none
        return decoded.hex() if len(decoded) == size else found[:64]
    return "" if not found.strip("0") else found.lower()


def _attributes(found: object) -> dict[str, object]:
    pairs: dict[str, object] = {}
    for pair in _objects(found):
        key = pair.get("key")
        if isinstance(key, str):
            pairs[key] = _value(pair.get("value"), 0)
    return pairs


def _value(found: object, depth: int) -> object:
    if not isinstance(found, dict) or depth > MAX_DEPTH:
        return None
    for kind, value in found.items():
        name = kind.replace("_v", "V") if isinstance(kind, str) else ""
        if name in ("stringValue", "boolValue"):
            return value if isinstance(value, str | bool) else None
        if name == "intValue":
            return _whole(value)
        if name == "doubleValue":
            return _double(value)
        if name in ("arrayValue", "kvlistValue") and isinstance(value, dict):
            inner = value.get("values")
            if name == "kvlistValue":
                pairs = (pair for pair in _objects(inner) if isinstance(pair.get("key"), str))
                return {pair["key"]: _value(pair.get("value"), depth + 1) for pair in pairs}
            return [_value(each, depth + 1) for each in _objects(inner)]
    return None


def _double(value: object) -> float | None:
    """A number; NaN and Infinity stand in JSON as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
