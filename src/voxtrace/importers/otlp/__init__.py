"""OpenTelemetry traces as events: OTLP read, spans grouped into turns, a table that says which moment is which."""

from voxtrace.importers.otlp.conversion import Conversion, Converted
from voxtrace.importers.otlp.otlp_json import read_json
from voxtrace.importers.otlp.otlp_proto import read_protobuf
from voxtrace.importers.otlp.spans import Export, NotOtlp, Span

__all__ = ["Conversion", "Converted", "Export", "NotOtlp", "Span", "read_json", "read_protobuf"]
