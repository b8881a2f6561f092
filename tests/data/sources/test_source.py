from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskml.data.catalog import load_sample
from riskml.data.sources.source import read_table
from riskml.errors import DataError

Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return _write


def refused(path: Path | str) -> DataError:
    with pytest.raises(DataError) as caught:
        read_table(path)
    return caught.value


def test_a_samples_name_is_the_sample():
    pd.testing.assert_frame_equal(read_table("mlc_churn"), load_sample("mlc_churn"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"a,b\n1,x\n2,\n"),
        ("t.CSV", b"a,b\n1,x\n2,\n"),
        ("t.csv", b"\xef\xbb\xbfa,b\r\n1,x\r\n2,\r\n"),
        ("t.csv", b"\na,b\n\n1,x\n2,\n\n"),
        ("t.csv", b' a ,"b"\n1,x\n2,""\n'),
        ("t.csv", b"a;b\n1;x\n2;\n"),
        ("t.tsv", b"a\tb\n1\tx\n2\t\n"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,x\n2,\n", mtime=0)),
    ],
    ids=["plain", "capitals", "byte order mark and CRLF", "blank lines", "quotes", "semicolons", "tabs", "gzip"],
)
def test_the_usual_forms_of_text_are_one_table(write: Write, name: str, content: bytes):
    found = read_table(write(name, content))
    assert list(found) == ["a", "b"]
    assert found["a"].tolist() == [1, 2]
    assert found["b"].iloc[0] == "x"
    assert found["b"].isna().tolist() == [False, True]


def test_a_comma_in_quotes_does_not_separate(write: Write):
    assert read_table(write("t.csv", b'"a;b;c",d\n"1,5",2\n')).to_dict("list") == {"a;b;c": ["1,5"], "d": [2]}


def test_a_parquet_file_gives_its_named_index_back_as_a_column(tmp_path: Path):
    frame = pd.DataFrame({"x": [1.5, np.nan], "c": ["p", None]}, index=pd.Index(["k1", "k2"], name="customer"))
    frame.to_parquet(tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(found, frame.reset_index(), check_column_type=False)


def test_codes_with_leading_zeros_stay_text(write: Write):
    found = read_table(write("t.csv", b"branch,n,zero\n007,7,0\n123,8,0\n"))
    assert found["branch"].tolist() == ["007", "123"]
    assert found["n"].tolist() == [7, 8]
    assert found["zero"].tolist() == [0, 0]


@pytest.mark.parametrize("code", ["000224", '"000224"', " 000224"], ids=["plain", "quoted", "after a blank"])
@pytest.mark.parametrize("rows", [1_100, 60_000])
def test_one_code_with_leading_zeros_in_a_late_row_keeps_its_column_text(write: Write, rows: int, code: str):
    body = "".join(f"{100_000 + i},{i},\n" for i in range(rows))
    found = read_table(write("t.csv", f"id,n,note\n{body}{code},5,\n".encode()))
    assert found["id"].iloc[0] == "100000"
    assert found["id"].iloc[-1].strip() == "000224"
    assert found["n"].iloc[-1] == 5


def test_zeros_in_decimals_dates_and_times_are_no_codes(write: Write):
    content = b"a,b,c\n0.05,2024-01-02 00:00:00,0\n00.5,01.02.2024,-0\n"
    assert read_table(write("t.csv", content))[["a", "c"]].to_dict("list") == {"a": [0.05, 0.5], "c": [0, 0]}


def test_a_column_without_a_name_gets_one(write: Write):
    assert list(read_table(write("t.csv", b",a\n0,5\n1,6\n"))) == ["unnamed_0", "a"]


def test_a_separator_at_the_end_of_every_row_is_no_field(write: Write):
    assert read_table(write("t.csv", b"a,b\n1,2,\n3,4,\n")).to_dict("list") == {"a": [1, 3], "b": [2, 4]}


def test_a_missing_file_names_the_nearest_one(write: Write, tmp_path: Path):
    write("loans.csv", b"a\n1\n")
    error = refused(tmp_path / "loan.csv")
    assert error.what == "the file does not exist"
    assert error.fix == "did you mean 'loans.csv'?"


def test_a_directory_is_no_table(tmp_path: Path):
    assert "directory" in refused(tmp_path).what


def test_another_kind_of_file_is_refused_by_its_name(write: Write):
    assert "ends in .csv" in refused(write("t.docx", b"PK")).what


def test_a_word_that_is_neither_sample_nor_file_names_the_nearest_sample():
    assert refused("credit_dat").fix == "did you mean 'credit_data'?"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "the file is empty (0 bytes)"),
        ("t.csv", b"\n \n", "blank lines only"),
        ("t.csv", b"a,b\n", "a header and no rows"),
        ("t.csv", b"a,b,a,b\n1,2,3,4\n", "2 column names occur more than once: 'a', 'b'"),
        ("t.csv", b"a, a\n1,2\n", "1 column name occurs more than once: 'a'"),
        ("t.csv", b'a,b\n1,"2\n3,4\n', "the rows cannot be parsed"),
        ("t.csv", b"a,b\x00\n1,2\n", "binary data"),
        ("t.csv.gz", b"a,b\n1,2\n", "cannot be decompressed"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 99, mtime=0)[:-12], "cannot be decompressed"),
        ("t.parquet", b"", "the file is empty (0 bytes)"),
        ("t.parquet", b"PAR1" + b"\x00" * 40, "cannot be read as Parquet"),
    ],
    ids=[
        "empty",
        "blank",
        "header only",
        "duplicate names",
        "names that differ in blanks",
        "open quote",
        "binary",
        "not gzip",
        "cut gzip",
        "empty parquet",
        "not parquet",
    ],
)
def test_a_broken_file_is_one_clear_error(write: Write, name: str, content: bytes, says: str):
    path = write(name, content)
    error = refused(path)
    assert says in error.what
    assert str(path) in error.where
    assert error.fix


def test_a_parquet_file_cut_short_is_a_data_error(tmp_path: Path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": range(1000)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert "cannot be read as Parquet" in refused(path).what


@pytest.mark.parametrize(
    ("content", "line", "fields"),
    [
        (b"a,b,c\n1,2,3\n4,5\n", 3, 2),
        (b"a,b,c\n1,2,3\n4,5,6,7\n", 3, 4),
        (b"a,b,c\n1,2,3,4\n1,2,3,4\n", 2, 4),
        (b'a,b,c\n"1\n1",2,3\n4\n', 4, 1),
    ],
    ids=["too short", "too long", "all too long", "after a line break in quotes"],
)
def test_a_row_of_another_length_than_the_header_is_named_by_its_line(
    write: Write, content: bytes, line: int, fields: int
):
    error = refused(write("t.csv", content))
    assert f"the header has 3 fields, and line {line} has {fields}" in error.what
    assert error.where.endswith(f"line {line}")


def test_text_that_is_not_utf8_is_located_by_byte_and_line(write: Write):
    content = "name,n\nMeyer,1\nMüller,2\n".encode("latin-1")
    error = refused(write("t.csv", content))
    assert error.what == f"the file is not UTF-8: byte 0xfc at offset {content.index(0xFC)}"
    assert error.where.endswith("line 3")
    assert "iconv -f WINDOWS-1252 -t UTF-8" in error.fix


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
@pytest.mark.parametrize("text", ["客户,状态\n1,逾期\n2,正常\n", "id,city\n1,Bonn\n2,上海\n"])
def test_chinese_encodings_are_recognised(write: Write, text: str, encoding: str):
    assert "iconv -f GB18030 -t UTF-8" in refused(write("t.csv", text.encode(encoding))).fix


@pytest.mark.parametrize("city", ["Zürich", "Düsseldorf,Köln", "Málaga", "São Paulo"])
def test_letters_with_accents_are_not_taken_for_chinese(write: Write, city: str):
    assert "iconv -f WINDOWS-1252" in refused(write("t.csv", f'a,b\n1,"{city}"\n'.encode("cp1252"))).fix


def test_utf16_is_recognised(write: Write):
    assert "iconv -f UTF-16" in refused(write("t.csv", "a,b\n1,2\n".encode("utf-16"))).fix


def test_a_late_byte_that_is_not_utf8_is_found_in_a_packed_file(write: Write):
    content = b"a,b\n" + b"1,x\n" * 200_000 + b"2,\xff\n"
    error = refused(write("t.csv.gz", gzip.compress(content)))
    assert error.what.endswith(f"byte 0xff at offset {len(content) - 2}")
    assert error.where.endswith("line 200002")


fields = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=6).filter(
    lambda text: text.strip() == text
)


@given(
    names=st.lists(fields, min_size=2, max_size=4, unique=True),
    rows=st.lists(st.lists(fields, min_size=4, max_size=4), min_size=1, max_size=4),
)
def test_text_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], rows: list[list[str]]
):
    frame = pd.DataFrame([["x" + cell for cell in row[: len(names)]] for row in rows], columns=names)
    path = tmp_path_factory.mktemp("table") / "t.csv"
    frame.to_csv(path, index=False, quoting=1)
    found = read_table(path)
    assert list(found) == names
    assert found.to_numpy().tolist() == frame.to_numpy().tolist()


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_separator_that_excel_declares_is_read(write: Write, line: str):
    frame = read_table(write("t.csv", f"{line}\na;b\n1;x\n2;y,z\n".encode()))
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y,z"]}


def test_lines_are_counted_from_the_top_of_a_file_that_declares_its_separator(write: Write):
    assert "line 4" in str(refused(write("t.csv", b"sep=;\na;b\n1;x\n2;y;z\n")))


@pytest.mark.parametrize(("magic", "kind"), [(b"PK\x03\x04rest", "xlsx"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls")])
def test_a_workbook_that_is_called_csv_is_named_for_what_it_is(write: Write, magic: bytes, kind: str):
    assert f"an Excel workbook (.{kind})" in refused(write("t.csv", magic)).what


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "UTF-8"])
def test_a_declared_encoding_is_read(write: Write, encoding: str):
    frame = read_table(write("t.csv", "地区,n\n华北,1\n".encode(encoding)), encoding=encoding)
    assert frame.to_dict("list") == {"地区": ["华北"], "n": [1]}


def test_a_declared_encoding_that_the_file_has_not_is_refused(write: Write):
    with pytest.raises(DataError, match="not utf-16"):
        read_table(write("t.csv", b"a,b\n1,2\n\x00"), encoding="utf-16")
    with pytest.raises(DataError, match="unknown encoding 'gbx'"):
        read_table(write("t.csv", b"a\n1\n"), encoding="gbx")
