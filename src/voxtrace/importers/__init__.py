"""THE FOREIGN MAIL: other tools' logs and result files as events. Pure: bytes in, events out."""

from voxtrace.importers.ports import Context, HoldsNoEvents, Importer, Note, Refused
from voxtrace.importers.table import IMPORTERS, UnknownFormat, detect, importer_named

__all__ = [
    "IMPORTERS",
    "Context",
    "HoldsNoEvents",
    "Importer",
    "Note",
    "Refused",
    "UnknownFormat",
    "detect",
    "importer_named",
]
