from __future__ import annotations

import datetime as dt
import gzip
import os
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskml.data.catalog import load_sample
from riskml.data.sources import chunks, csv_scan, databases
from riskml.data.sources.tables import Stored, check_columns, stored
from riskml.errors import DataError, InputError

PASSWORD = "s3cr3t/p@ss:word"


def refused(source: str | Path, folder: Path, **options: str) -> InputError:
    with pytest.raises(InputError) as caught:
        stored(str(source), folder, **options)
    # Nothing is left that could be taken for a copy.
    assert not [path for path in folder.rglob("*") if path.is_file()]
    return caught.value


def content(table: Stored) -> list[dict[str, object]]:
    tables = [pq.ParquetFile(file).read() for file in table.files]
    return pa.concat_tables(tables, promote_options="permissive").to_pylist()


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return tmp_path / "copies"


@pytest.fixture
def parts(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes Parquet files, by name, into one folder."""

    def write(**files: dict[str, object]) -> Path:
        for name, columns in files.items():
            path = tmp_path / "parts" / f"{name.replace('__', '/')}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns), path)
        return tmp_path / "parts"

    return write


# Parquet


def test_a_parquet_file_is_read_where_it_lies(parts: Callable[..., Path], copies: Path):
    columns = {
        "i": pa.array([1], pa.int16()),
        "f": pa.array([1.5], pa.float32()),
        "m": pa.array([1], pa.decimal128(9, 2)),
        "s": pa.array(["a"]).dictionary_encode(),
        "b": pa.array([True]),
        "d": pa.array([dt.date(2024, 1, 31)]),
        "t": pa.array([0], pa.timestamp("ms")),
        "z": pa.array([0], pa.timestamp("us", tz="Europe/Berlin")),
        "o": pa.array([[1]]),
        "n": pa.nulls(1),
    }
    file = parts(one=columns) / "one.parquet"
    found = stored(str(file), copies)
    assert found.files == (file,)
    assert found.rows == 1
    assert list(found.columns.values()) == [
        "integer", "number", "number", "text", "boolean", "date", "timestamp", "timestamp with zone",
        "list<element: int64>", "null",
    ]  # fmt: skip
    assert not copies.exists()


def test_a_folder_is_one_table_whatever_else_lies_in_it(parts: Callable[..., Path], copies: Path):
    folder = parts(b={"x": [2, 3]}, a={"x": [1]}, deep__c={"x": [4]}, _hidden__d={"x": [5]})
    (folder / "_SUCCESS").touch()
    (folder / ".a.parquet.crc").touch()
    found = stored(str(folder), copies)
    assert [file.name for file in found.files] == ["a.parquet", "b.parquet", "c.parquet"]
    assert found.rows == 4


def test_columns_are_united_by_name(parts: Callable[..., Path], copies: Path):
    folder = parts(
        a={"day": [dt.date(2024, 1, 31)], "amount": [1], "late": pa.nulls(1)},
        b={"amount": [1.5], "late": ["x"], "new": [True]},
        c={"amount": pa.nulls(1), "day": pa.nulls(1)},
    )
    united = {"day": "date", "amount": "number", "late": "text", "new": "boolean"}
    assert stored(str(folder), copies).columns == united


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        (["a"], [1.5], "column 'x' is text in a.parquet and number in b.parquet"),
        ([dt.date(2024, 1, 1)], ["b"], "column 'x' is date in a.parquet and text in b.parquet"),
        (
            pa.array([0], pa.timestamp("us")),
            pa.array([0], pa.timestamp("us", tz="UTC")),
            "column 'x' is timestamp in a.parquet and timestamp with zone in b.parquet",
        ),
    ],
    ids=["text and number", "date and text", "zone and none"],
)
def test_a_column_of_two_types_names_both_files(
    parts: Callable[..., Path], copies: Path, one: object, other: object, says: str
):
    folder = parts(a={"x": one}, b={"x": other})
    error = refused(folder, copies)
    assert error.what == says
    assert error.where == f"{folder / 'b.parquet'}, column 'x'"


def test_two_types_in_partitions_name_their_folders(parts: Callable[..., Path], copies: Path):
    folder = parts(**{"year=2021/part": {"x": [1]}, "year=2022/part": {"x": ["one"]}})
    said = refused(folder, copies).what
    assert said == "column 'x' is integer in year=2021/part.parquet and text in year=2022/part.parquet"


def test_hive_partitions_are_columns(parts: Callable[..., Path], copies: Path):
    folder = _partitioned(parts)
    found = stored(str(folder), copies)
    assert found.columns == {"x": "integer", "day": "date", "n": "integer", "shop": "text"}
    assert found.root == folder


def _partitioned(parts: Callable[..., Path]) -> Path:
    folder = parts(**{"day=2024-01-31__n=1__shop=a%20b__a": {"x": [1]}, "day=2024-02-29__n=-2__shop=c__b": {"x": [1]}})
    missing = folder / "day=__HIVE_DEFAULT_PARTITION__" / "n=3" / "shop=7"
    missing.mkdir(parents=True)
    pq.write_table(pa.table({"x": [1]}), missing / "c.parquet")
    return folder


def test_files_under_different_keys_are_refused(parts: Callable[..., Path], copies: Path):
    folder = parts(**{"day=2024-01-31__a": {"x": [1]}, "b": {"x": [1]}})
    assert (
        "the files have different partition keys: day=2024-01-31/a.parquet and b.parquet"
        in refused(folder, copies).what
    )


def test_columns_that_differ_only_in_capitals_are_refused(parts: Callable[..., Path], copies: Path):
    assert "'Id' and 'ID' differ only in case" in refused(parts(a={"Id": [1]}, b={"ID": [1]}), copies).what


def test_a_parquet_file_cut_short_is_named(parts: Callable[..., Path], copies: Path):
    folder = parts(a={"x": [1]}, b={"x": [1]})
    cut = folder / "b.parquet"
    cut.write_bytes(cut.read_bytes()[:-9])
    error = refused(folder, copies)
    assert "cannot be read as Parquet" in error.what
    assert error.where == str(cut)


def test_a_table_without_rows_is_refused(parts: Callable[..., Path], copies: Path):
    assert refused(parts(a={"x": pa.array([], pa.int64())}), copies).what == "the table has no rows"


def test_a_folder_without_tables_or_with_both_kinds_is_refused(
    parts: Callable[..., Path], tmp_path: Path, copies: Path
):
    (tmp_path / "none").mkdir()
    assert "no file of a table" in refused(tmp_path / "none", copies).what
    folder = parts(a={"x": [1]})
    (folder / "b.csv").write_text("x\n1\n")
    assert "both Parquet and text files" in refused(folder, copies).what
    (folder / "_delta_log").mkdir()
    assert "Delta Lake" in refused(folder, copies).what


def test_what_does_not_exist_names_the_nearest(parts: Callable[..., Path], copies: Path):
    folder = parts(orders={"x": [1]})
    assert refused(folder / "order.parquet", copies).fix == "did you mean 'orders.parquet'?"
    assert refused("cdnw", copies).fix == "did you mean 'cdnow'?"


def test_another_kind_of_file_is_refused(tmp_path: Path, copies: Path):
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    assert "a table is read from .parquet" in refused(tmp_path / "t.xlsx", copies).what


def test_only_a_database_has_tables_to_choose_from(parts: Callable[..., Path], copies: Path):
    assert "only a database" in refused(parts(a={"x": [1]}), copies, table="orders").what


# Text


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    def _write(name: str, text: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return _write


Write = Callable[[str, bytes | str], Path]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", b"a,b\n1,x\n2,\n"),
        ("t.CSV", b"\xef\xbb\xbfa,b\r\n1,x\r\n2,\r\n"),
        ("t.csv", b"\n \na,b\n\n1,x\n2,NA\n\n"),
        ("t.csv", b' a ,"b"\n1,"x"\n2,""\n'),
        ("t.csv", b"a;b\n1;x\n2;\n"),
        ("t.csv", b"a,b\n1,x,\n2,,\n"),
        ("t.tsv.gz", gzip.compress(b"a\tb\n1\tx\n2\t\n", mtime=0)),
        ("t[1]*?'.csv", b"a,b\n1,x\n2,\n"),
    ],
    ids=["plain", "mark and CRLF", "blank lines", "quotes", "semicolons", "separator at the end", "gzip", "odd name"],
)
def test_the_usual_forms_of_text_are_one_table(write: Write, copies: Path, name: str, text: bytes):
    write("t1.csv", b"other\n1\n")
    found = stored(str(write(name, text)), copies)
    assert found.columns == {"a": "integer", "b": "text"}
    assert content(found) == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.mark.parametrize(
    ("cells", "kind", "first"),
    [
        (["1", " -2 ", "+3", ""], "integer", 1),
        (["1", "2.5", "1e3", ".5", "inf"], "number", 1.0),
        (["7", "007"], "text", "7"),
        (["1", "12345678901234567890"], "text", "1"),
        (["True", "false"], "boolean", True),
        (["2024-01-31", "2024-02-29"], "date", dt.date(2024, 1, 31)),
        (["2024-01-31", "2024-02-29 10:00", "2024-02-29T10:00:00.5"], "timestamp", dt.datetime(2024, 1, 31)),
        (["2024-01-31", "2023-02-29"], "text", "2024-01-31"),
        (["2024-01-31", "31.01.2024"], "text", "2024-01-31"),
        (["1", "true"], "text", "1"),
        (["1_000", "2"], "text", "1_000"),
        (["0x1F", "2"], "text", "0x1F"),
    ],
)
def test_a_column_has_the_type_of_all_its_cells(write: Write, copies: Path, cells: list[str], kind: str, first: object):
    found = stored(str(write("t.csv", "x,y\n" + "".join(f"{cell},0\n" for cell in cells))), copies)
    assert found.columns["x"] == kind
    assert content(found)[0]["x"] == first


def test_stamps_with_a_zone_are_one_moment_whatever_the_machines_clock(
    write: Write, copies: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        found = stored(
            str(write("t.csv", "x,y\n2024-01-31T10:00:00Z,1\n2024-01-31 12:00+02:00,1\n2024-01-31T05:00:00-0500,1\n")),
            copies,
        )
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found.columns["x"] == "timestamp with zone"
    assert {row["x"] for row in content(found)} == {dt.datetime(2024, 1, 31, 10, tzinfo=dt.UTC)}


def test_mixed_zones_are_refused_with_their_lines(write: Write, copies: Path):
    path = write("t.csv", 'x,y\n2024-01-31,"a\nb"\n\n2024-01-31T10:00:00Z,c\n')
    error = refused(path, copies)
    assert error.what == (
        "timestamps with and without a time zone are mixed: "
        "'2024-01-31T10:00:00Z' in t.csv, line 5, '2024-01-31' in t.csv, line 3"
    )
    assert error.where == f"{path}, column 'x'"


@pytest.mark.parametrize("late", ["000224", "N-1", "5.5"])
def test_one_late_cell_settles_a_columns_type(write: Write, copies: Path, monkeypatch: pytest.MonkeyPatch, late: str):
    monkeypatch.setattr(csv_scan, "_FIRST_ROWS", 5)
    body = "".join(f"{100 + i},{i}\n" for i in range(50))
    found = stored(str(write("t.csv", f"id,n\n{body}{late},7\n")), copies)
    assert found.columns == {"id": "number" if late == "5.5" else "text", "n": "integer"}
    assert found.remarks == ({} if late == "5.5" else {"id": f"{late!r} in t.csv, line 52"})


def test_a_folder_of_text_is_one_table_with_the_same_columns_in_every_file(write: Write, copies: Path):
    write("t/m=01/a.csv", "id,x\n7,1\n")
    write("t/m=02/b.csv.gz", gzip.compress(b"x,id,new\n2.5,007,2024-01-31\n"))
    found = stored(str(write("t/m=02/_notes.csv", "x").parents[1]), copies)
    assert found.columns == {"id": "text", "x": "number", "new": "date", "m": "text"}
    assert content(found) == [
        {"id": "7", "x": 1.0, "new": None, "m": "01"},
        {"id": "007", "x": 2.5, "new": dt.date(2024, 1, 31), "m": "02"},
    ]


@pytest.mark.parametrize(
    ("name", "text", "says", "line"),
    [
        ("t.csv", b"", "the file is empty (0 bytes)", ""),
        ("t.csv", b"\n \n", "blank lines only", ""),
        ("t.csv", b"a,b\n", "the table has no rows", ""),
        ("t.csv", b"a,b,a\n1,2,3\n", "1 column name occurs more than once: 'a'", "header"),
        ("t.csv", b"a,b\n1,2\n3\n", "the header has 2 fields, and line 3 has 1", "line 3"),
        ("t.csv", b"a,b\n1,2\n3,4,5\n", "the header has 2 fields, and line 3 has 3", "line 3"),
        ("t.csv", b'a,b\n"1\n1",2\n4\n', "the header has 2 fields, and line 4 has 1", "line 4"),
        ("t.csv", b'a,b\n1,2\n1,"2\n3,4\n', "", "line"),
        ("t.csv", b"a,b\n1,2\n1,caf\xe9\n", "the file is not UTF-8: byte 0xe9", "line 3"),
        ("t.csv.gz", b"a,b\n1,2\n", "cannot be decompressed", ""),
        ("t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 99, mtime=0)[:-12], "cannot be decompressed", ""),
    ],
)
def test_a_broken_file_is_one_clear_error(write: Write, copies: Path, name: str, text: bytes, says: str, line: str):
    path = write(name, text)
    with pytest.raises(DataError) as caught:
        stored(str(path), copies)
    assert says in caught.value.what
    assert str(path) in caught.value.where
    assert line in caught.value.where


# Copies


def test_a_copy_is_used_again_until_its_file_changes(write: Write, copies: Path):
    path = write("t.csv", "a,b\n1,x\n")
    first = stored(str(path), copies, name="orders")
    made = first.files[0].stat().st_mtime_ns
    assert first.files[0].parent == copies / "orders"
    assert stored(str(path), copies, name="orders") == first
    assert first.files[0].stat().st_mtime_ns == made
    path.write_text("a,b\n1,x\n2,y\n")
    assert stored(str(path), copies, name="orders").rows == 2
    os.utime(path, ns=(1, 1))
    stored(str(path), copies, name="orders")
    assert first.files[0].stat().st_mtime_ns != made
    assert [entry.name for entry in copies.iterdir()] == ["orders"]


def test_another_source_under_the_same_name_takes_the_copys_place(write: Write, copies: Path):
    stored(str(write("t.csv", "a,b\n1,x\n")), copies, name="orders")
    assert stored(str(write("u.csv", "a,b\n5,x\n6,z\n")), copies, name="orders").rows == 2


def test_a_copy_that_lost_a_file_is_made_anew(write: Write, copies: Path):
    path = str(write("t.csv", "a,b\n1,x\n"))
    stored(path, copies).files[0].unlink()
    assert content(stored(path, copies)) == [{"a": 1, "b": "x"}]


@pytest.mark.parametrize("name", ["../../out", "a/b", "..", "/etc/x", "x" * 300, "dömäin name"])
def test_a_copy_stays_in_its_folder_whatever_its_name(write: Write, copies: Path, name: str):
    found = stored(str(write("t.csv", "a,b\n1,x\n")), copies, name=name)
    assert found.files[0].parents[1] == copies


def test_a_folder_that_cannot_be_written_is_an_input_error(write: Write):
    blocked = write("file", "x") / "below"
    with pytest.raises(InputError, match="cannot be written"):
        stored(str(write("t.csv", "a,b\n1,x\n")), blocked)


def test_a_sample_is_copied_with_its_dates(copies: Path):
    found = stored("cdnow", copies)
    assert found.columns == {"id": "integer", "date": "timestamp", "n": "integer", "value": "number"}
    assert found.rows == len(load_sample("cdnow"))
    assert stored("cdnow", copies) == found


# DuckDB files


@pytest.fixture
def duck(tmp_path: Path) -> Path:
    path = tmp_path / "book.db"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT i AS id, (i / 4)::DECIMAL(9, 2) AS amount, i::HUGEINT AS big, uuid() AS u, "
            "DATE '2024-01-01' + i::INTEGER AS day, TIMESTAMPTZ '2024-01-01 10:00:00+02' AS known, "
            "'a'::ENUM ('a', 'b') AS e, TIMESTAMP_NS '2024-01-01 10:00:00' AS ns FROM range(5) t(i)"
        )
        connection.execute('CREATE TABLE "a""b; DROP TABLE orders.--" AS SELECT 1 AS "x""y"')
        connection.execute("CREATE SCHEMA sales; CREATE VIEW sales.late AS SELECT id FROM orders WHERE id > 3")
    return path


def test_a_duckdb_table_is_copied_with_plain_types(duck: Path, copies: Path):
    found = stored(str(duck), copies, table="orders")
    assert found.columns == {
        "id": "integer", "amount": "number", "big": "number", "u": "text", "day": "date",
        "known": "timestamp with zone", "e": "text", "ns": "timestamp",
    }  # fmt: skip
    assert found.rows == 5
    assert pq.read_schema(found.files[0]).field("ns").type == pa.timestamp("us")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("sales.late", [{"id": 4}]),
        ('a"b; DROP TABLE orders.--', [{'x"y': 1}]),
        ("WITH big AS (SELECT * FROM orders WHERE id > 2) SELECT count(*) AS n FROM big;", [{"n": 2}]),
    ],
)
def test_views_hostile_names_and_queries_of_a_duckdb_file(duck: Path, copies: Path, table: str, expected: object):
    assert content(stored(str(duck), copies, table=table)) == expected


def test_a_missing_duckdb_table_lists_those_there(duck: Path, copies: Path):
    error = refused(duck, copies, table="order")
    assert "there is no table 'order'; the tables are" in error.what
    assert "'sales.late'" in error.what
    assert error.fix == "did you mean 'orders'?"
    assert "is named" in refused(duck, copies).what


CHANGING = [
    "DELETE FROM orders",
    "SELECT 1; DROP TABLE orders",
    "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone",
    "SELECT * INTO other FROM orders",
]


@pytest.mark.parametrize("statement", CHANGING)
def test_only_selects_are_let_through_to_a_duckdb_file(duck: Path, copies: Path, statement: str):
    assert "only a table or one SELECT is read" in refused(duck, copies, table=statement).what


def test_a_wrong_query_and_a_locked_duckdb_file_are_data_errors(duck: Path, copies: Path):
    assert "nothere" in refused(duck, copies, table="SELECT nothere FROM orders").what
    assert refused(duck, copies, table="SELECT id, id FROM orders").where.startswith(str(duck))
    with duckdb.connect(str(duck)):
        assert "other programs" in refused(duck, copies, table="orders").fix


def test_a_file_that_is_no_duckdb_database_says_what_it_is(tmp_path: Path, copies: Path):
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert refused(tmp_path / "x.db", copies, table="t").fix == f"name it as sqlite:///{tmp_path / 'x.db'}"


# Databases by URL


@pytest.fixture
def lite(tmp_path: Path) -> str:
    connection = sqlite3.connect(tmp_path / "book.sqlite")
    _fill(connection)
    connection.close()
    return f"sqlite:///{tmp_path / 'book.sqlite'}"


def _fill(connection: sqlite3.Connection) -> None:
    connection.executescript(
        "CREATE TABLE orders (id INTEGER, day DATE, amount NUMERIC, late INTEGER, never TIMESTAMP);"
        'CREATE TABLE "select ""%s"" :x; drop" ("a%b" TEXT); INSERT INTO "select ""%s"" :x; drop" VALUES (\'50%\');'
        "CREATE TABLE mixed (x); INSERT INTO mixed VALUES (1), ('one');"
        "CREATE TABLE broken (day DATE); INSERT INTO broken VALUES ('31.01.2024');"
        "CREATE TABLE empty (x INTEGER);"
    )
    late = [(i, "2024-01-31", 2 * i, None if i < 25 else i + 0.5, None) for i in range(1, 31)]
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", late)
    connection.commit()


def test_a_table_is_streamed_with_one_schema(lite: str, copies: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(databases, "CHUNK_ROWS", 10)
    found = stored(lite, copies, table="orders")
    assert found.columns == {
        "id": "integer", "day": "date", "amount": "number", "late": "number", "never": "timestamp",
    }  # fmt: skip
    assert {pq.read_schema(file) for file in found.files} == {pq.read_schema(found.files[0])}
    groups = [pq.ParquetFile(file).metadata.num_row_groups for file in found.files]
    assert sum(groups) == 3
    assert [row["late"] for row in content(found)][23:26] == [None, 25.5, 26.5]


def test_a_hostile_table_name_is_only_a_name(lite: str, copies: Path):
    assert content(stored(lite, copies, table='select "%s" :x; drop')) == [{"a%b": "50%"}]


def test_a_query_is_handed_over_as_it_is_written(lite: str, copies: Path):
    query = "SELECT id AS \"update\", ':x %s' AS c FROM orders -- ; delete\nWHERE id % 30 = 0;"
    assert content(stored(lite, copies, table=query)) == [{"update": 30, "c": ":x %s"}]


@pytest.mark.parametrize("statement", CHANGING)
def test_only_selects_are_let_through_to_a_database(lite: str, copies: Path, statement: str):
    assert "only a table or one SELECT is read" in refused(lite, copies, table=statement).what


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("order", "there is no table 'order'; the tables are 'broken', 'empty', 'mixed', 'orders'"),
        ("mixed", "column 'x' holds values of several kinds: int, str"),
        ("broken", "31.01.2024"),
        ("SELECT nothere FROM orders", "nothere"),
        ("SELECT id, id FROM orders", "occurs more than once"),
    ],
)
def test_what_cannot_be_read_of_a_database_says_why(lite: str, copies: Path, table: str, says: str):
    error = refused(lite, copies, table=table)
    assert says in error.what
    assert error.where.startswith("sqlite://")
    assert error.fix


def test_a_sqlite_file_that_is_missing_is_not_made(tmp_path: Path, copies: Path):
    assert "does not exist" in refused(f"sqlite:///{tmp_path / 'no.sqlite'}", copies, table="t").what
    assert not (tmp_path / "no.sqlite").exists()


def test_an_empty_table_of_a_database_is_refused(lite: str, copies: Path):
    with pytest.raises(DataError, match="the table has no rows"):
        stored(lite, copies, table="empty")


def test_values_that_cannot_be_one_column_are_refused_across_chunks(tmp_path: Path):
    zoned = dt.datetime(2024, 1, 31, tzinfo=dt.UTC)
    with pytest.raises(DataError, match="timestamps with and without a time zone"):
        chunks.write_rows(["x"], [[(dt.datetime(2024, 1, 31),)], [(zoned,)]], {}, tmp_path)
    with pytest.raises(DataError, match="column 'x' holds string and int64"):
        chunks.write_rows(["x"], [[("a",)], [(1,)]], {}, tmp_path)


def test_a_variable_that_is_not_set_is_named(copies: Path):
    error = refused("postgresql://risk:${RISKML_NO_SUCH}@h/db", copies, table="t")
    assert error.what == "the environment has no variable 'RISKML_NO_SUCH'"


def test_a_database_without_a_driver_says_so(copies: Path):
    assert "driver" in refused("s3://bucket/x", copies, table="t").what


# Passwords


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://risk:${RISKML_SECRET}@127.0.0.1:1/book",
        "postgresql+psycopg://risk:s3cr3t%2Fp%40ss%3Aword@127.0.0.1:1/book",
        "postgresql+psycopg://risk:s3cr3t/p@ss:word@127.0.0.1:1/book",
        "postgresql+psycopg://risk:s3cr3t@127.0.0.1:port/book",
        "nonsense://risk:s3cr3t@h/book",
        "postgresql+psycopg://127.0.0.1:1/book?user=risk&password=s3cr3t",
    ],
)
def test_no_password_is_shown_anywhere(url: str, copies: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RISKML_SECRET", PASSWORD)
    error = refused(url, copies, table="orders")
    chain: list[BaseException] = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(following)
    shown = "".join(f"{one} {one!r} {one.args} {vars(one)}" for one in chain) + "".join(
        traceback.format_exception(error)
    )
    for part in ("s3cr3t", "p@ss", "ss:word", "p%40ss"):
        assert part not in shown
    assert "orders" in error.where or "environment" in error.fix or "driver" in error.what


def test_no_password_is_in_the_repr_of_a_place():
    place = databases.database_at("postgresql+psycopg://risk:s3cr3t@h/book?sslpassword=t0ps3cr3t")
    assert "s3cr3t" not in repr(place) + place.label + place.identity
    assert place.identity == "postgresql+psycopg://risk:***@h/book"


# PostgreSQL


@pytest.fixture(scope="module")
def server(postgresql: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """Yield the address of a PostgreSQL database with a few tables."""
    psycopg = pytest.importorskip("psycopg", exc_type=ImportError)
    with postgresql() as url:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            for statement in (
                "CREATE TABLE orders AS SELECT i AS id, DATE '2024-01-01' + i % 30 AS day, (i * 1.25)::numeric(12, 2) "
                "AS amount, TIMESTAMPTZ '2024-01-31 12:00:00+02' AS known, TIMESTAMP '2024-01-31 12:00:00' AS stamp, "
                "CASE WHEN i > 250 THEN 'late' END AS note, NULL::date AS closed, i % 2 = 0 AS even, "
                "jsonb_build_object('a', i) AS extra, gen_random_uuid() AS u FROM generate_series(1, 300) i",
                "CREATE SEQUENCE counter",
                "CREATE SCHEMA sales",
                'CREATE TABLE sales."Order; DROP TABLE orders --" AS SELECT 1 AS "x%s"',
                "CREATE VIEW sales.late AS SELECT id, closed FROM orders WHERE id > 298",
            ):
                connection.execute(statement)
        yield url


def test_a_postgresql_table_is_streamed_in_chunks(server: str, copies: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(databases, "CHUNK_ROWS", 100)
    seen: list[int] = []
    columns = chunks._columns
    monkeypatch.setattr(chunks, "_columns", lambda names, chunk: [seen.append(len(chunk)), *columns(names, chunk)][1:])
    found = stored(server, copies, table="orders")
    assert found.columns == {
        "id": "integer", "day": "date", "amount": "number", "known": "timestamp with zone", "stamp": "timestamp",
        "note": "text", "closed": "date", "even": "boolean", "extra": "text", "u": "text",
    }  # fmt: skip
    assert seen == [100, 100, 100]
    last = content(found)[-1]
    assert last["known"] == dt.datetime(2024, 1, 31, 10, tzinfo=dt.UTC)
    assert (last["amount"], last["note"], last["extra"]) == (375.0, "late", '{"a": 300}')
    assert {pq.read_schema(file) for file in found.files} == {pq.read_schema(found.files[0])}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("sales.late", [{"id": 299, "closed": None}, {"id": 300, "closed": None}]),
        ("sales.Order; DROP TABLE orders --", [{"x%s": 1}]),
        ("SELECT id, closed FROM orders WHERE id % 300 = 0 AND note LIKE 'l%';", [{"id": 300, "closed": None}]),
    ],
)
def test_views_schemas_hostile_names_and_queries_of_postgresql(
    server: str, copies: Path, table: str, expected: list[dict[str, object]]
):
    found = stored(server, copies, table=table)
    assert sorted(content(found), key=str) == expected
    assert found.columns.get("closed", "date") == "date"  # although it holds nothing


@pytest.mark.parametrize("statement", [*CHANGING, "SELECT setval('counter', 5)"])
def test_postgresql_is_only_read(server: str, copies: Path, statement: str):
    said = refused(server, copies, table=statement).what
    assert "only a table or one SELECT is read" in said or "read-only transaction" in said


def test_a_missing_postgresql_table_lists_those_of_all_schemas(server: str, copies: Path):
    error = refused(server, copies, table="Orders")
    assert "'orders', 'sales.Order; DROP TABLE orders --', 'sales.late'" in error.what
    assert error.fix == "did you mean 'orders'?"


def test_a_password_from_the_environment_reaches_the_server(server: str, copies: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RISKML_SECRET", PASSWORD)
    url = server.replace("risk@", "risk:${RISKML_SECRET}@")
    assert stored(url, copies, table="orders").rows == 300
    assert PASSWORD not in "".join(path.read_text("utf-8", "replace") for path in copies.rglob("*.json"))


def test_a_database_that_goes_away_leaves_nothing_behind(server: str, copies: Path, monkeypatch: pytest.MonkeyPatch):
    import psycopg

    monkeypatch.setattr(databases, "CHUNK_ROWS", 10)
    columns = chunks._columns

    def cut(names: list[str], chunk: list[tuple[object, ...]]) -> object:
        with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        return columns(names, chunk)

    monkeypatch.setattr(chunks, "_columns", cut)
    error = refused(server, copies, table="orders")
    assert error.what.startswith("the database closed the connection")
    assert "127.0.0.1" in error.where
    assert "orders" in error.where
    assert "run again" in error.fix
    assert not list(copies.iterdir())
    monkeypatch.undo()
    assert stored(server, copies, table="orders").rows == 300


def test_a_database_that_cannot_be_reached_says_where(copies: Path):
    pytest.importorskip("psycopg", exc_type=ImportError)
    error = refused("postgresql+psycopg://risk@127.0.0.1:1/book", copies, table="orders")
    assert error.what.startswith("the database cannot be reached")
    assert error.where == "postgresql://127.0.0.1:1/book, table orders"
    assert "host, port" in error.fix


# The door


def test_all_faults_of_the_columns_are_one_error():
    table = Stored((), {"customer": "integer", "day": "text", "paid": "null"}, 3, {"day": "'soon' in t.csv, line 9"})
    with pytest.raises(DataError) as caught:
        check_columns(
            table,
            {
                "custmer": ["integer", "text"],
                "day": ["date", "timestamp"],
                "paid": ["number"],
                "customer": ["number"],
            },
            "tables.orders",
        )
    assert caught.value.what.splitlines() == [
        "3 columns are missing or have the wrong type:",
        "  there is no column 'custmer' (did you mean 'customer'?)",
        "  column 'day' is text, not date or timestamp ('soon' in t.csv, line 9); write days as 2024-01-31",
        "  column 'paid' is empty, not number",
    ]
    assert caught.value.where == "tables.orders"


def test_columns_as_they_must_be_pass():
    check_columns(Stored((), {"n": "integer", "d": "date"}, 1), {"n": ["number"], "d": ["date", "timestamp"]}, "t")


def test_a_copy_reads_like_the_table_that_pandas_reads(write: Write, copies: Path):
    from riskml.data.sources.source import read_table

    path = write("t.csv", "id,n,x,flag,note\n007,1,1.5,True,a\n8,2,,False,NA\n")
    ours = pd.DataFrame(content(stored(str(path), copies)))
    pd.testing.assert_frame_equal(ours, read_table(path), check_dtype=False, check_column_type=False)
