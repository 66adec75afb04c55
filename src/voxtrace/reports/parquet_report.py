"""Turns as a Parquet file: typed columns that say themselves what they mean.

A metric is three columns: its value, null where there is none and never 0; its state; and why it has no value. Values,
states and labels come from the same columns that reports are summed up from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from voxtrace.analysis.definitions import DEFINITIONS, Definition
from voxtrace.analysis.derived import VERSION
from voxtrace.analysis.record import EXACT, LABELS, LOWER, MISSING, REJECTED
from voxtrace.errors import MissingExtra
from voxtrace.reports.words import told
from voxtrace.units import NANOS_PER_MILLI

if TYPE_CHECKING:
    import numpy as np

    from voxtrace.analysis.columns import Column, Columns

SCHEMA = "voxtrace/requests.parquet/1"
# Turns held before they are written: 150 columns of them are 20 MB. Larger groups are read a little faster.
ROW_GROUP = 20_000
STATES = {EXACT: "measured", LOWER: "at_least", MISSING: "missing", REJECTED: "rejected"}
ABSENT = "absent"  # no number of this kind of turn

# Columns that are no metric: what they mean, and their unit where they have one.
FACTS: dict[str, tuple[str, str]] = {
    "request_id": ("The request.", ""),
    "session_id": ("The conversation that it belongs to; null where no event names one.", ""),
    "started": ("Time of its first event, UTC.", "ns"),
    "kind": ("speech, conversation, or events that are neither.", ""),
    "total_ms": ("From its first event to its last; null where there is only one.", "ms"),
    "slowest": ("The longest part that somebody waited for.", ""),
    "text_chars": ("Characters of the text.", "characters"),
    **{name: (f"The population that it belongs to: {name}; null where no event tells.", "") for name in LABELS},
    "findings": ("Names of the rules that found something to know about it.", ""),
    "has_findings": ("Whether there are any.", ""),
}


class _Arrow(Protocol):
    """The module `pyarrow`, as far as it is used here: it has no types of its own."""

    def __getattr__(self, name: str) -> Any: ...


def load_pyarrow() -> _Arrow:
    """The library that writes Parquet.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as why:
        raise MissingExtra("parquet", needs="pyarrow") from why
    arrow: _Arrow = pyarrow
    return arrow


def write_parquet(pages: Iterable[Columns], out: BinaryIO, version: str) -> int:
    """One row a turn, in row groups, holding one group and one page at a time; `version` is that of Voxtrace.

    Returns:
        The number of rows.

    Raises:
        MissingExtra: what writes Parquet is not installed.
    """
    arrow = load_pyarrow()
    schema = _schema(arrow, version)
    rows = 0
    with arrow.parquet.ParquetWriter(out, schema, version="2.6", compression="zstd") as writer:
        waiting: list[Any] = []
        held = 0
        for table in _tables(arrow, schema, pages):
            waiting.append(table)
            held += table.num_rows
            rows += table.num_rows
            if held >= ROW_GROUP:
                writer.write_table(_together(arrow, waiting), row_group_size=held)
                waiting, held = [], 0
        if waiting or not rows:
            writer.write_table(_together(arrow, waiting) if waiting else schema.empty_table())
    return rows


def _together(arrow: _Arrow, tables: list[Any]) -> Any:
    return arrow.concat_tables(tables).unify_dictionaries()


def _tables(arrow: _Arrow, schema: Any, pages: Iterable[Columns]) -> Iterator[Any]:
    for page in pages:
        if len(page):
            columns = dict(_facts(arrow, page))
            for definition in DEFINITIONS:
                columns |= _metric(arrow, definition.name, page)
            yield arrow.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _schema(arrow: _Arrow, version: str) -> Any:
    word = arrow.dictionary(arrow.int32(), arrow.string())
    kinds: dict[str, Any] = {
        "request_id": arrow.string(),
        "session_id": arrow.string(),
        "started": arrow.timestamp("ns", tz="UTC"),
        "total_ms": arrow.float64(),
        "text_chars": arrow.int64(),
        "findings": arrow.list_(arrow.string()),
        "has_findings": arrow.bool_(),
    }
    fields = [
        arrow.field(name, kinds.get(name, word), metadata=_told(definition=meaning, unit=unit))
        for name, (meaning, unit) in FACTS.items()
    ]
    for definition in DEFINITIONS:
        states = f"State of {definition.name}: {', '.join([*STATES.values(), ABSENT])}."
        why = f"Why {definition.name} has no value: what is missing, or the rule that rejected it."
        fields += [
            arrow.field(definition.name, arrow.float64(), metadata=_metric_told(definition)),
            arrow.field(f"{definition.name}_state", word, metadata=_told(definition=states)),
            arrow.field(f"{definition.name}_why", word, metadata=_told(definition=why)),
        ]
    facts = {"schema": SCHEMA, "version": version, "definitions": str(VERSION)}
    return arrow.schema(fields, metadata={f"voxtrace.{name}": value for name, value in facts.items()})


def _told(**facts: str) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}


def _metric_told(definition: Definition) -> dict[str, str]:
    return _told(
        definition=definition.meaning,
        unit=definition.unit,
        starts_at=definition.begin,
        ends_at=definition.end,
        better=definition.better,
    )


def _facts(arrow: _Arrow, page: Columns) -> Iterator[tuple[str, Any]]:
    import numpy as np

    yield "request_id", arrow.array(page.request_ids, arrow.string())
    yield "session_id", arrow.array([each or None for each in page.session_ids], arrow.string())
    yield "started", arrow.array(page.started, arrow.timestamp("ns", tz="UTC"))
    yield "total_ms", arrow.array(page.totals / NANOS_PER_MILLI, mask=page.totals == 0)
    unknown = np.isnan(page.text_chars)
    yield "text_chars", arrow.array(np.where(unknown, 0, page.text_chars).astype(np.int64), mask=unknown)
    for name in ("kind", "slowest", *LABELS):
        texts = {number: told(name, text) for number, text in page.texts.items()}
        yield name, _words(arrow, page.labels[name], texts)
    found: list[list[str]] = [[] for _ in range(len(page))]
    for row, word in zip(page.findings.rows.tolist(), page.findings.words.tolist(), strict=True):
        found[row].append(page.texts[word])
    yield "findings", arrow.array(found, arrow.list_(arrow.string()))
    yield "has_findings", arrow.array([bool(each) for each in found], arrow.bool_())


def _metric(arrow: _Arrow, name: str, page: Columns) -> dict[str, Any]:
    """The three columns of one metric."""
    import numpy as np

    column: Column | None = page.metrics.get(name)
    if column is None:
        texts = {0: ABSENT}
        values, words = np.full(len(page), np.nan), np.zeros(len(page), np.uint32)
    else:
        texts = {0: ABSENT} | dict(page.texts)
        values, words = column.values, np.where(column.present, column.states, 0).astype(np.uint32)
    states = {number: STATES.get(text[:1], ABSENT) if number else text for number, text in texts.items()}
    reasons = {number: text[1:] or None if number else None for number, text in texts.items()}
    return {
        name: arrow.array(values, mask=np.isnan(values)),
        f"{name}_state": _words(arrow, words, states),
        f"{name}_why": _words(arrow, words, reasons),
    }


def _words(arrow: _Arrow, numbers: np.ndarray[Any, Any], texts: Mapping[int, str | None]) -> Any:
    """A dictionary column of words; a word without a text is null."""
    import numpy as np

    used, places = np.unique(numbers, return_inverse=True)
    said = [texts[number] for number in used.tolist()]
    known = dict.fromkeys(text for text in said if text is not None)
    index = {text: place for place, text in enumerate(known)}
    indices = np.array([-1 if text is None else index[text] for text in said], np.int32)[places]
    return arrow.DictionaryArray.from_arrays(
        arrow.array(indices, mask=indices < 0), arrow.array(list(index), arrow.string())
    )
