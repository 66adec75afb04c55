"""An export of traces from its protocol buffer: ExportTraceServiceRequest, which has the same form as TracesData."""

from __future__ import annotations

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
from voxtrace.importers.otlp.wire import Value, double, fields, number, signed, sub_message, text


def read_protobuf(body: bytes) -> Export:
    """All spans of one export request.

    Raises:
        NotOtlp: the bytes are no such request.
    """
    export = Export()
    for field, value in fields(memoryview(body)):
        if field == 1:
            _read_resource_spans(sub_message(value), export)
    return export


def _read_resource_spans(message: memoryview, export: Export) -> None:
    service = host = ""
    scopes: list[memoryview] = []
    for field, value in fields(message):
        if field == 1:
            service, host = _origin(sub_message(value))
        elif field in (2, 1000):  # 1000: the instrumentation libraries of before 2022
            scopes.append(sub_message(value))
    for each in scopes:
        _read_scope_spans(each, (service, host), export)


def _origin(resource: memoryview) -> tuple[str, str]:
    """Service and host."""
    attributes: dict[str, object] = {}
    for field, value in fields(resource):
        if field == 1:
            key, found = _pair(sub_message(value))
            attributes.setdefault(key, found)
    service = attributes.get("service.name")
    return service[:MAX_NAME_CHARS] if isinstance(service, str) else "", host_of(attributes)


def _read_scope_spans(message: memoryview, origin: tuple[str, str], export: Export) -> None:
    scope = ""
    spans: list[memoryview] = []
    for field, value in fields(message):
        if field == 1:
            scope = next((text(named) for inner, named in fields(sub_message(value)) if inner == 1), "")
        elif field == 2:
            spans.append(sub_message(value))
    for each in spans:
        try:
            export.add(_span(each, scope[:MAX_NAME_CHARS], origin))
        except NotOtlp as why:
            export.refuse("span", str(why), bytes(each[:200]))


def _span(message: memoryview, scope: str, origin: tuple[str, str]) -> Span:
    ids = {1: "", 2: "", 4: ""}
    times = {7: 0, 8: 0}
    name, is_error, kind = "", False, 0
    service, host = origin
    attributes: dict[str, object] = {}
    moments: list[tuple[int, str]] = []
    for field, value in fields(message):
        if field in ids:
            name_of = bytes(sub_message(value)).hex()
            ids[field] = name_of if name_of.strip("0") else ""  # all zeros: none
        elif field in times:
            times[field] = number(value)
        elif field == 5:
            name = text(value)[:MAX_NAME_CHARS]
        elif field == 6:
            kind = number(value) if number(value) in (CLIENT, SERVER) else 0
        elif field == 9:
            key, found = _pair(sub_message(value))
            attributes[key] = found
        elif field == 11:
            moments.append(_moment(sub_message(value)))
        elif field == 15:
            is_error = any(inner == 3 and code == ERROR for inner, code in fields(sub_message(value)))
    return Span(
        *(ids[1], ids[2], ids[4], name, scope, service, times[7], times[8], attributes, tuple(moments)),
        is_error=is_error,
        host=host,
        kind=kind,
    )


def _moment(message: memoryview) -> tuple[int, str]:
    at, name = 0, ""
    for field, value in fields(message):
        if field == 1:
            at = number(value)
        elif field == 2:
            name = text(value)[:MAX_NAME_CHARS]
    return at, name


def _pair(message: memoryview, depth: int = 0) -> tuple[str, object]:
    key, found = "", None
    for field, value in fields(message):
        if field == 1:
            key = text(value)
        elif field == 2:
            found = _any(sub_message(value), depth + 1)
    return key, found


def _any(message: memoryview, depth: int) -> object:
    """AnyValue: exactly one of seven kinds; the last one on the wire counts."""
    found: object = None
    for field, value in fields(message):
        found = _of_kind(field, value, depth)
    return found


def _of_kind(field: int, value: Value, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise NotOtlp("values within values, nested too deeply")
    if field == 1:
        return text(value)
    if field == 2:
        return bool(number(value))
    if field == 3:
        return signed(number(value))
    if field == 4:
        return double(number(value))
    if field == 5:
        inner = fields(sub_message(value))
        return [_any(sub_message(each), depth + 1) for number_of, each in inner if number_of == 1]
    if field == 6:
        inner = fields(sub_message(value))
        return dict(_pair(sub_message(each), depth) for number_of, each in inner if number_of == 1)
    return None
