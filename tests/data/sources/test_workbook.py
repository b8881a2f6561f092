"""Workbooks: a sheet reads as the same table saved as CSV."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from riskml.config.experiment import read_experiment
from riskml.data.sources.source import read_table
from riskml.errors import DataError

CUSTOMERS = pd.DataFrame(
    {
        "customer": ["0001", "0002", "C3"],
        "age": [30.0, 41.0, None],
        "income": [1.5, 2.25, 3.0],
        "visits": [1, 2, 3],
        "region": ["NA", "华北", None],
    }
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "book.xlsx"
    with pd.ExcelWriter(file) as writer:
        CUSTOMERS.to_excel(writer, index=False, sheet_name="March")
        CUSTOMERS.head(1).to_excel(writer, index=False, sheet_name="April", startrow=2, startcol=1)
    return file


def test_a_sheet_is_the_table_that_its_csv_is(book: Path) -> None:
    CUSTOMERS.to_csv(book.with_suffix(".csv"), index=False)
    pd.testing.assert_frame_equal(read_table(f"{book}#March"), read_table(book.with_suffix(".csv")))


def test_blank_rows_and_columns_around_a_table_are_left_out(book: Path) -> None:
    april = read_table(f"{book}#April").drop(columns="region")
    assert april.to_dict("list") == {"customer": ["0001"], "age": [30], "income": [1.5], "visits": [1]}


def test_an_experiment_names_its_sheet(book: Path, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    head = "name: e\ntitle: t\ntask: default\n"
    file.write_text(f"{head}data: {{source: book.xlsx, sheet: March, target: bad}}\n")
    experiment = read_experiment(file)
    assert len(read_table(experiment.data.source)) == 3
    (tmp_path / "again.yaml").write_text(experiment.to_yaml())
    assert read_experiment(tmp_path / "again.yaml").data.source == experiment.data.source


@pytest.mark.parametrize(
    ("sheet", "message"), [("", "several sheets with cells: 'March', 'April'"), ("#Marsh", "no sheet 'Marsh'")]
)
def test_a_sheet_that_is_not_named_or_not_there_is_refused_with_the_names(book: Path, sheet: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        read_table(f"{book}{sheet}")
    assert "March" in error.value.fix


def test_what_is_no_workbook_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError, match="cannot be read as an Excel workbook"):
        read_table(tmp_path / "t.xlsx")
