"""Turns as Parquet, read back by the reference reader and held against the other forms."""

import csv
import json
import sys
from datetime import UTC, datetime
from io import BytesIO, StringIO

import pytest

from tests.reports.test_pages import CONVERSATION, population
from voxtrace.analysis import assemble
from voxtrace.analysis.columns import columns_of
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.analysis.record import LABELS
from voxtrace.cli.main import main
from voxtrace.reports.csv_report import write_csv
from voxtrace.reports.json_report import measured_to_json
from voxtrace.reports.parquet_report import ROW_GROUP, write_parquet
from voxtrace.store import open_store
from voxtrace.testing.turns import client_events, event, server_events

pa = pytest.importorskip("pyarrow", reason="no extra parquet here")
pq = pytest.importorskip("pyarrow.parquet")

TURNS = [
    *population(),
    assemble("talk", CONVERSATION),
    assemble("=odd \u2028 ünï", [event("stt_end", 0), event("playback_start", 5)]),
    assemble("refused", client_events(request_id="refused", first_byte=-3)),
    assemble("alone", [event("anything", 0)]),
]


def written(*pages):
    paper = BytesIO()
    write_parquet(pages, paper, "1.2.3")
    return pq.ParquetFile(BytesIO(paper.getvalue()))


@pytest.fixture(scope="module")
def rows():
    return written(columns_of(TURNS[:5]), columns_of(TURNS[5:])).read().to_pylist()


def test_every_number_is_that_of_the_json(rows):
    for turn, row in zip(TURNS, rows, strict=True):
        told = measured_to_json(turn)["metrics"]
        for definition in DEFINITIONS:
            metric, value = told.get(definition.name, {}), row[definition.name]

            assert value == pytest.approx(metric.get("value"), abs=1e-6)
            assert row[f"{definition.name}_why"] == metric.get("missing", metric.get("rejected"))


def test_every_number_is_that_of_the_csv(rows):
    paper = StringIO()
    write_csv(TURNS, paper)
    table = list(csv.DictReader(StringIO(paper.getvalue())))

    for cells, row in zip(table, rows, strict=True):
        assert {d.name: cells[d.name] for d in DEFINITIONS} == {
            d.name: "" if row[d.name] is None else str(row[d.name]) for d in DEFINITIONS
        }
        assert {name: cells[name] for name in LABELS} == {name: row[name] or "" for name in LABELS}


def test_a_label_that_no_event_told_is_null_and_no_word_for_it(rows):
    alone = {row["request_id"]: row for row in rows}["alone"]

    assert [alone[name] for name in ("outcome", "cache", "start", "truth", "engine")] == [None] * 5
    assert alone["source"] == "real"


def test_a_number_that_is_not_there_is_null_and_its_state_says_which_kind_of_not_there(rows):
    by_id = {row["request_id"]: row for row in rows}
    unheard, talk = by_id["r3"], by_id["talk"]

    assert (unheard["ttfa_ms"], unheard["ttfa_ms_state"]) == (None, "missing")
    assert unheard["ttfa_ms_why"].startswith("no audible sample")
    assert (talk["voice_to_voice_ms_state"], talk["voice_to_voice_ms_why"]) == ("at_least", None)
    assert (talk["ttfa_ms"], talk["ttfa_ms_state"], talk["ttfa_ms_why"]) == (None, "absent", None)
    assert by_id["refused"]["ttfb_ms_state"] == "rejected"
    assert by_id["refused"]["ttfb_ms_why"]
    assert by_id["alone"]["total_ms"] is None


def test_columns_have_types_units_and_definitions(rows):
    schema = written(columns_of(TURNS)).schema_arrow
    ttfa = schema.field("ttfa_ms")

    assert schema.field("started").type == pa.timestamp("ns", tz="UTC")
    assert ttfa.type == pa.float64()
    assert pa.types.is_dictionary(schema.field("outcome").type)
    assert schema.field("has_findings").type == pa.bool_()
    assert ttfa.metadata[b"unit"] == b"ms"
    assert ttfa.metadata[b"starts_at"] == b"client.request_start"
    assert schema.metadata[b"voxtrace.schema"] == b"voxtrace/requests.parquet/1"
    assert schema.metadata[b"voxtrace.version"] == b"1.2.3"
    assert all(field.metadata[b"definition"] for field in schema)
    assert rows[0]["started"] == datetime.fromtimestamp(TURNS[0].started_wall_ns // 10**9, UTC)


def test_the_columns_of_a_file_as_they_are_read_back(golden):
    """Whoever keeps such files has queries on these names, types and units."""
    schema = written(columns_of(TURNS)).schema_arrow
    facts = {str(name, "utf-8"): str(value, "utf-8") for name, value in schema.metadata.items()}
    columns = {
        field.name: {"type": str(field.type)}
        | {str(name, "utf-8"): str(value, "utf-8") for name, value in sorted(field.metadata.items())}
        for field in schema
    }
    facts.pop("ARROW:schema", None)
    facts.pop("voxtrace.definitions")  # grows with every change of a number, which other tests are about

    golden("requests.parquet.schema.json", json.dumps({"file": facts, "columns": columns}, indent=1) + "\n")


def test_the_rows_of_a_file_as_they_are_read_back(golden):
    """What is absent of a turn in all its columns is left out here, or nobody could read the page."""
    kept = [turn for turn in TURNS if turn.request_id in ("r0", "r3", "bad", "talk", "refused", "alone")]
    shown = [
        {
            name: value
            for name, value in row.items()
            if value is not None or row.get(f"{name}_state", "absent") != "absent"
        }
        for row in written(columns_of(kept)).read().to_pylist()
    ]
    shown = [{name: value for name, value in row.items() if value != "absent"} for row in shown]

    golden("requests.parquet.json", json.dumps(shown, indent=1, default=str, ensure_ascii=False) + "\n")


def test_no_number_of_a_turn_is_0_for_want_of_it(rows):
    """A value is there in exactly the states that have one, and every unit stands in its column's name."""
    schema = written(columns_of(TURNS)).schema_arrow
    for row in rows:
        for definition in DEFINITIONS:
            is_there = row[f"{definition.name}_state"] in ("measured", "at_least")

            assert (row[definition.name] is not None) == is_there
    assert all(field.name.endswith("_ms") for field in schema if field.metadata.get(b"unit") == b"ms")


def test_no_turns_are_columns_without_rows():
    file = written()

    assert (file.metadata.num_rows, file.schema_arrow.field("ttfa_ms").metadata[b"unit"]) == (0, b"ms")


def test_many_turns_are_row_groups_of_a_bounded_size():
    page = columns_of(TURNS[:20] * 250)

    sizes = [written(*[page] * 9).metadata.row_group(group).num_rows for group in range(3)]

    assert sizes == [ROW_GROUP, ROW_GROUP, 5_000]


@pytest.fixture
def data(tmp_path):
    store = open_store(tmp_path)
    for number in range(3):
        store.append(client_events(request_id=f"r{number}") + server_events(request_id=f"r{number}"))
    store.close()
    return tmp_path


def test_the_command_writes_what_the_other_formats_write(data, capsys):
    out = data / "requests.parquet"
    assert main(["export", "parquet", "--out", str(out), "--data", str(data)]) == 0
    assert "3 requests written" in capsys.readouterr().out
    main(["export", "jsonl", "--data", str(data)])
    lines = {told["request_id"]: told for told in map(json.loads, capsys.readouterr().out.splitlines())}

    for row in pq.read_table(out).to_pylist():
        assert row["ttfa_ms"] == lines[row["request_id"]]["metrics"]["ttfa_ms"]["value"]
    main(["export", "parquet", "--request", "r1", "--out", str(out), "--data", str(data)])
    assert pq.read_table(out)["request_id"].to_pylist() == ["r1"]


def test_where_pyarrow_is_missing_the_extra_is_named_and_nothing_is_overwritten(data, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = data / "there.parquet"
    out.write_text("before")

    assert main(["export", "parquet", "--out", str(out), "--data", str(data)]) == 2
    assert "pip install 'voxtrace[parquet]'" in capsys.readouterr().err
    assert out.read_text() == "before"
